#include "inspect/threshold.h"

#include "inspect/names.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading ---- */

static const struct {
    const char *name;
    enum threshold_scale scale;
    double factor;
} units[] = {
    {"", THRESHOLD_BARE, 1},
    {"%", THRESHOLD_PERCENT, 0.01},
    {"ns", THRESHOLD_TIME, 1},
    {"us", THRESHOLD_TIME, 1e3},
    {"ms", THRESHOLD_TIME, 1e6},
    {"s", THRESHOLD_TIME, 1e9},
    {"K", THRESHOLD_SIZE, 1024},
    {"M", THRESHOLD_SIZE, 1024 * 1024},
    {"G", THRESHOLD_SIZE, 1024 * 1024 * 1024},
};
enum { THRESHOLD_UNITS = sizeof units / sizeof *units };

/* Cuts blanks at both ends off, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = 0;
    return text;
}

/* strtod() also takes "inf", "nan" and hexadecimal, which nobody means. */
static bool is_decimal(const char *text)
{
    text += *text == '-' || *text == '+';
    text += *text == '.';
    return isdigit((unsigned char)*text) && !(text[0] == '0' && (text[1] == 'x' || text[1] == 'X'));
}

static int parse_number(char *text, struct threshold *threshold, struct error *error)
{
    char *unit = text;
    double number = is_decimal(text) ? strtod(text, &unit) : 0;
    if (unit == text || !isfinite(number))
        return error_set(error, EINVAL, "\"%.100s\": \"%.60s\" is no number", threshold->text, text);
    unit = trim(unit);
    for (size_t i = 0; i < THRESHOLD_UNITS; i++)
        if (!strcmp(unit, units[i].name)) {
            threshold->number = number * units[i].factor;
            threshold->scale = units[i].scale;
            return 0;
        }
    return error_set(error, EINVAL,
        "\"%.100s\": \"%.40s\" is no unit: it is one of %%, ns, us, ms, s, K, M, G", threshold->text, unit);
}

static int parse_words(char *text, struct threshold *threshold, struct error *error)
{
    if (!*text)
        return error_set(error, EINVAL, "\"%.100s\": there are no words after the =", threshold->text);
    if (strlen(text) >= sizeof threshold->words)
        return error_set(error, EINVAL, "\"%.100s…\": these are too many words", threshold->text);
    strcpy(threshold->words, text);
    return 0;
}

static int parse_key(char *key, struct threshold *threshold, struct error *error)
{
    key = trim(key);
    if (!*key || strlen(key) >= sizeof threshold->key)
        return error_set(error, EINVAL, "\"%.100s\": the key after the : is %s", threshold->text,
            *key ? "too long" : "missing");
    strcpy(threshold->key, key);
    return 0;
}

/* NAME, or NAME:KEY. */
static int parse_name(char *text, struct threshold *threshold, struct error *error)
{
    char *colon = strchr(text, ':');
    if (colon)
        *colon = 0;
    char *name = trim(text);
    size_t length = strlen(name);
    if (!length || length >= sizeof threshold->name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        return error_set(error, EINVAL,
            "\"%.100s\": \"%.60s\" is no name of a finding (small letters, digits and -)", threshold->text,
            name);
    strcpy(threshold->name, name);
    return colon ? parse_key(colon + 1, threshold, error) : 0;
}

static const struct {
    char sign;
    enum threshold_kind kind;
    int (*parse)(char *text, struct threshold *threshold, struct error *error);
} kinds[] = {
    {'=', THRESHOLD_WORDS, parse_words},
    {'>', THRESHOLD_ABOVE, parse_number},
    {'<', THRESHOLD_BELOW, parse_number},
};

static int parse_one(const char *text, size_t length, struct threshold *threshold, struct error *error)
{
    char copy[THRESHOLD_TEXT_BYTES];
    if (length >= sizeof copy)
        return error_set(error, EINVAL, "\"%.60s…\" is too long for a threshold", text);
    memcpy(copy, text, length);
    copy[length] = 0;
    char *part = trim(copy), *sign = part + strcspn(part, "=<>");
    if (!*part)
        return error_set(error, EINVAL,
            "a threshold is missing: write NAME, NAME=WORDS, NAME>NUMBER or "
            "NAME<NUMBER, and a comma between two of them");
    *threshold = (struct threshold){.kind = THRESHOLD_YES};
    strcpy(threshold->text, part);
    int rc = 0;
    for (size_t i = 0; *sign && i < sizeof kinds / sizeof *kinds; i++)
        if (*sign == kinds[i].sign) {
            threshold->kind = kinds[i].kind;
            rc = kinds[i].parse(trim(sign + 1), threshold, error);
        }
    *sign = 0;
    return rc ? rc : parse_name(part, threshold, error);
}

int thresholds_parse(const char *text, struct thresholds *thresholds, struct error *error)
{
    struct thresholds parsed = {.count = 0};
    for (bool more = true; more;) {
        size_t length = strcspn(text, ",");
        if (parsed.count == THRESHOLDS_MAX)
            return error_set(error, EINVAL, "these are more than %d thresholds", THRESHOLDS_MAX);
        int rc = parse_one(text, length, &parsed.items[parsed.count++], error);
        if (rc)
            return rc;
        more = text[length] == ',';
        text += length + more;
    }
    *thresholds = parsed;
    return 0;
}

/* ---- names that are not there ---- */

enum { SUGGESTIONS = 3, LIST_BYTES = 240 };

/* Pairs of neighbouring letters that two words share, over all that they have: 1 for the same word (Dice's
 * coefficient). */
static double likeness(const char *a, const char *b)
{
    size_t shared = 0, lengths = strlen(a) + strlen(b);
    for (size_t i = 0; a[i] && a[i + 1]; i++)
        for (size_t j = 0; b[j] && b[j + 1]; j++)
            if (a[i] == b[j] && a[i + 1] == b[j + 1]) {
                shared++;
                break;
            }
    return lengths > 2 ? 2.0 * (double)shared / (double)(lengths - 2) : 0;
}

static void append(char list[static LIST_BYTES], const char *word)
{
    size_t used = strlen(list);
    if (used + strlen(word) + 3 < LIST_BYTES)
        sprintf(list + used, "%s%s", used ? ", " : "", word);
}

/* The names that are most like `name`, the best first; "" where none is. */
static void suggest(const char *name, char list[static LIST_BYTES])
{
    static const double alike = 0.3;
    double below = INFINITY;
    list[0] = 0;
    for (unsigned n = 0; n < SUGGESTIONS; n++) {
        const char *best = NULL;
        double best_likeness = alike;
        for (const char *const *known = finding_names; *known; known++) {
            double like = likeness(name, *known);
            if (like > best_likeness && like < below) {
                best = *known;
                best_likeness = like;
            }
        }
        if (!best)
            break;
        append(list, best);
        below = best_likeness;
    }
}

int thresholds_check(const struct thresholds *thresholds, struct error *error)
{
    char list[LIST_BYTES];
    for (size_t i = 0; i < thresholds->count; i++) {
        const char *name = thresholds->items[i].name;
        if (finding_name_known(name))
            continue;
        suggest(name, list);
        return list[0] ? error_set(error, EINVAL, "there is no finding \"%s\"; did you mean %s?", name, list)
                       : error_set(error, EINVAL,
                             "there is no finding \"%s\": vcost inspect --json - tells their names", name);
    }
    return 0;
}

static int no_key(const struct findings *findings, const struct threshold *threshold, struct error *error)
{
    char list[LIST_BYTES] = "";
    for (size_t i = 0; i < findings->count; i++)
        if (!strcmp(findings->items[i].name, threshold->name) && findings->items[i].key[0])
            append(list, findings->items[i].key);
    return error_set(error, EINVAL, "there is no finding \"%s:%s\"; %s%s", threshold->name, threshold->key,
        list[0] ? "its keys are " : "it has no keys", list);
}

/* ---- judging ---- */

enum outcome { PASSED, TRIPPED, UNKNOWN };

static const char *state_of(const struct finding *finding)
{
    static const char partly[] = "partly";
    if (!strncasecmp(finding->value.text, partly, sizeof partly - 1))
        return partly;
    return finding->number > 0 ? "yes" : "no";
}

static int judge_yes(const struct threshold *threshold, const struct finding *finding, struct error *error)
{
    if (finding->unit == UNIT_YES_NO)
        return strcmp(state_of(finding), "no") != 0 ? TRIPPED : PASSED;
    return error_set(error, EINVAL, "\"%s\" is not a matter of yes or no: write %s%s", threshold->text,
        threshold->text, finding->unit == UNIT_TEXT ? "=WORDS" : ">NUMBER or <NUMBER");
}

static int judge_words(const struct threshold *threshold, const struct finding *finding, struct error *error)
{
    bool yes_no = finding->unit == UNIT_YES_NO;
    if (!yes_no && finding->unit != UNIT_TEXT)
        return error_set(
            error, EINVAL, "\"%s\": this finding is a number: write > or < for =", threshold->text);
    return (yes_no && !strcasecmp(threshold->words, state_of(finding))) ||
                   !strcasecmp(threshold->words, finding->value.text)
               ? TRIPPED
               : PASSED;
}

/* By what a finding is in: the ways to write its numbers, and words about them. */
static const struct {
    unsigned scales; /* bits of 1 << scale */
    const char *what;
} fits[UNITS] = {
    [UNIT_NS] = {1 << THRESHOLD_BARE | 1 << THRESHOLD_TIME, "a time: write ns, us, ms or s"},
    [UNIT_BYTES] = {1 << THRESHOLD_BARE | 1 << THRESHOLD_SIZE, "a size: write bytes, K, M or G"},
    [UNIT_COUNT] = {1 << THRESHOLD_BARE, "counted: write a number without a unit"},
    [UNIT_SHARE] = {1 << THRESHOLD_BARE | 1 << THRESHOLD_PERCENT, "a share of a whole: write per cent, 5%"},
    [UNIT_RATIO] = {1 << THRESHOLD_BARE | 1 << THRESHOLD_PERCENT, "a ratio: write a number, or per cent"},
    [UNIT_CHANGE] = {1 << THRESHOLD_BARE | 1 << THRESHOLD_PERCENT, "a ratio: write a number, or per cent"},
};

static int check_unit(const struct threshold *threshold, const struct finding *finding, struct error *error)
{
    bool whole = finding->unit == UNIT_SHARE && threshold->scale == THRESHOLD_BARE && threshold->number > 1;
    if (fits[finding->unit].scales & 1U << threshold->scale && !whole)
        return 0;
    return error_set(error, EINVAL, "\"%s\": this finding is %s", threshold->text,
        fits[finding->unit].what ? fits[finding->unit].what : "no number: write = and words");
}

/* What is sure: by the interval's end that speaks for the finding; a number without interval by itself. */
static int judge_number(const struct threshold *threshold, const struct finding *finding, struct error *error)
{
    int rc = check_unit(threshold, finding, error);
    bool above = threshold->kind == THRESHOLD_ABOVE;
    double end = above ? finding->low : finding->high;
    double value = isnan(end) ? finding->number : end;
    if (rc)
        return rc;
    if (!finding_has_number(finding))
        return UNKNOWN;
    return (above ? value > threshold->number : value < threshold->number) ? TRIPPED : PASSED;
}

/* What is not known may lack its unit as well, so that nothing else is looked at. */
static int judge(const struct threshold *threshold, const struct finding *finding, struct error *error)
{
    static int (*const judges[])(const struct threshold *, const struct finding *, struct error *) = {
        [THRESHOLD_YES] = judge_yes,
        [THRESHOLD_WORDS] = judge_words,
        [THRESHOLD_ABOVE] = judge_number,
        [THRESHOLD_BELOW] = judge_number,
    };
    return finding->value.known ? judges[threshold->kind](threshold, finding, error) : (int)UNKNOWN;
}

static int note(struct tripped *tripped, const struct threshold *threshold, const struct finding *finding,
    enum outcome outcome, struct error *error)
{
    struct tripping *grown = reallocarray(tripped->items, tripped->count + 1, sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "not enough memory to judge what was found");
    tripped->items = grown;
    grown[tripped->count++] = (struct tripping){threshold, finding, outcome == UNKNOWN};
    tripped->tripped += outcome == TRIPPED;
    tripped->unknown += outcome == UNKNOWN;
    return 0;
}

/* All findings that one threshold is about. */
static int judge_all(const struct threshold *threshold, const struct findings *findings,
    struct tripped *tripped, struct error *error)
{
    size_t met = 0;
    if (!findings_find(findings, threshold->name, NULL))
        return note(tripped, threshold, NULL, UNKNOWN, error);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (strcmp(finding->name, threshold->name) != 0 ||
            (threshold->key[0] && strcasecmp(finding->key, threshold->key) != 0))
            continue;
        met++;
        int outcome = judge(threshold, finding, error);
        if (outcome > PASSED)
            outcome = note(tripped, threshold, finding, (enum outcome)outcome, error);
        if (outcome < 0)
            return outcome;
    }
    return met ? 0 : no_key(findings, threshold, error);
}

int thresholds_judge(const struct thresholds *thresholds, const struct findings *findings,
    struct tripped *tripped, struct error *error)
{
    struct tripped judged = {0};
    for (size_t i = 0; i < thresholds->count; i++) {
        int rc = judge_all(&thresholds->items[i], findings, &judged, error);
        if (rc) {
            tripped_free(&judged);
            return rc;
        }
    }
    *tripped = judged;
    return 0;
}

void tripped_free(struct tripped *tripped)
{
    free(tripped->items);
    *tripped = (struct tripped){0};
}
