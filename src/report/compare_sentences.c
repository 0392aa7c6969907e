/* What is told in sentences about results that are compared, whatever it is written to. */
#include "report/compare_report.h"

#include "result/tool.h"

#include <string.h>

enum { SENTENCE_BYTES = 1024, KEYS_TOLD = 4, ABSENCES_TOLD = 6 };

typedef void say_function(void *context, const char *sentence);

/* snprintf to the end of what is there; what does not fit is cut. */
#define APPEND(text, ...) snprintf((text) + strlen(text), SENTENCE_BYTES - strlen(text), __VA_ARGS__)

void compare_file_title(
    const struct compare_input *file, size_t index, char title[static COMPARE_TITLE_BYTES])
{
    const struct result *result = file->result;
    snprintf(title, COMPARE_TITLE_BYTES, "%c  %.100s: %.30s, vcost %.20s, %.30s, %zu cell%s",
        compare_letter(index), file->name, result->experiment,
        result->tool.version ? result->tool.version : this_tool.version, result->started,
        result->cell_count, result->cell_count == 1 ? "" : "s");
}

/* ---- what differs ---- */

static void say_difference(
    const struct compare *compare, const struct difference *difference, say_function *say, void *context)
{
    char sentence[SENTENCE_BYTES];
    snprintf(sentence, sizeof sentence, "%s%s%.60s:", difference->name, difference->key ? " " : "",
        difference->key ? difference->key : "");
    for (size_t i = 0; i < compare->file_count; i++) {
        char text[COMPARE_TOLD_BYTES] = "not told";
        const char *quote = difference->told[i].told ? "\"" : "";
        if (difference->told[i].told)
            compare_told_text(&difference->told[i], text);
        APPEND(sentence, "%s %c %s%.100s%s", i ? "," : "", compare_letter(i), quote, text, quote);
    }
    say(context, sentence);
}

/* How many differences of this one's name there are in front of it, or in all. */
static size_t alike(const struct compare *compare, size_t index, size_t end)
{
    size_t count = 0;
    for (size_t i = 0; i < end; i++)
        count += compare->differences[i].name == compare->differences[index].name;
    return count;
}

void compare_differences(const struct compare *compare, say_function *say, void *context)
{
    char sentence[SENTENCE_BYTES];
    for (size_t i = 0; i < compare->difference_count; i++) {
        size_t before = alike(compare, i, i), all = alike(compare, i, compare->difference_count);
        if (before < KEYS_TOLD || all == KEYS_TOLD + 1)
            say_difference(compare, &compare->differences[i], say, context);
        else if (before == KEYS_TOLD) {
            snprintf(sentence, sizeof sentence, "%s: %zu more differ, see --json",
                compare->differences[i].name, all - before);
            say(context, sentence);
        }
    }
}

/* ---- what is not good ---- */

static size_t count_quality(const struct result *file, enum quality quality)
{
    size_t count = 0;
    for (size_t i = 0; i < file->cell_count; i++)
        count += file->cells[i].quality == quality;
    return count;
}

static void say_quality(const struct result *file, size_t index, say_function *say, void *context)
{
    static const struct {
        enum quality quality;
        const char *text;
    } kinds[] = {{QUALITY_NOISY, "noisy"}, {QUALITY_INTERRUPTED, "interrupted"},
        {QUALITY_MISSING, "without any sample"}};
    char sentence[SENTENCE_BYTES] = "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t count = count_quality(file, kinds[i].quality);
        if (count)
            APPEND(sentence, "%s%zu %s", sentence[0] ? ", " : "", count, kinds[i].text);
    }
    if (!sentence[0])
        return;
    char whole[SENTENCE_BYTES + 64];
    snprintf(whole, sizeof whole, "%c: %s of %zu cells", compare_letter(index), sentence, file->cell_count);
    say(context, whole);
}

void compare_blemishes(const struct compare *compare, say_function *say, void *context)
{
    char sentence[SENTENCE_BYTES];
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct result *file = compare->files[i].result;
        const char *reason = file->incomplete_reason;
        snprintf(sentence, sizeof sentence, "%c is incomplete%s%.200s", compare_letter(i),
            reason[0] ? ": " : "", reason);
        if (!file->complete)
            say(context, sentence);
        say_quality(file, i, say, context);
    }
}

/* ---- what only some have ---- */

static bool same_files(const struct compared_absence *a, const struct compared_absence *b)
{
    return !memcmp(a->has, b->has, sizeof a->has);
}

/* All cells that the same files have, as one sentence. */
static void say_absences(const struct compare *compare, size_t first, say_function *say, void *context)
{
    char sentence[SENTENCE_BYTES] = "only in ";
    const struct compared_absence *absence = &compare->absences[first];
    size_t count = 0;
    for (size_t i = 0, told = 0; i < compare->file_count; i++)
        if (absence->has[i])
            APPEND(sentence, "%s%c", told++ ? " and " : "", compare_letter(i));
    for (size_t i = first; i < compare->absence_count; i++)
        if (same_files(&compare->absences[i], absence) && count++ < ABSENCES_TOLD)
            APPEND(sentence, "%s %.120s", count == 1 ? ":" : ",", compare->absences[i].id);
    if (count > ABSENCES_TOLD)
        APPEND(sentence, " and %zu more", count - ABSENCES_TOLD);
    say(context, sentence);
}

void compare_absences(const struct compare *compare, say_function *say, void *context)
{
    for (size_t i = 0; i < compare->absence_count; i++) {
        bool told = false;
        for (size_t k = 0; k < i && !told; k++)
            told = same_files(&compare->absences[k], &compare->absences[i]);
        if (!told)
            say_absences(compare, i, say, context);
    }
}
