#include "report/summary.h"

#include "result/baseline.h"
#include "report/format.h"
#include "report/shape_sentences.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum { HEADLINES_MAX = 4, SENTENCE_BYTES = 512 };

struct summary {
    const struct result *result;
    const struct curves *curves;
    FILE *stream;
    const struct report_style *style;
    const struct curve_point *told[HEADLINES_MAX]; /* points that had a headline */
    size_t told_count;
};

static void say(const struct summary *summary, const char *sentence)
{
    text_paragraph(summary->stream, "", sentence, summary->style);
}

/* "a random walk over 64 MiB", "a random writing walk over 64 MiB in 4 chains" */
static void walk_name(const struct chase_shape *shape, uint64_t bytes, char walk[128])
{
    static const char *const before[CHASE_ORDERS] = {
        [CHASE_SEQUENTIAL] = "a sequential",
        [CHASE_RANDOM] = "a random",
        [CHASE_RANDOM_IN_PAGE] = "a random-in-page",
        [CHASE_LINE_PER_PAGE] = "a line-per-page",
        [CHASE_PACKED] = "a packed",
        [CHASE_SCATTERED] = "a scattered",
        [CHASE_LINE_PER_LARGE_PAGE] = "a line-per-large-page",
    };
    bool held_against = shape->order == CHASE_PACKED || shape->order == CHASE_SCATTERED;
    char chains[24] = "";
    if (shape->chains > 1)
        snprintf(chains, sizeof chains, " in %u chains", shape->chains);
    snprintf(walk, 128, "%s%s walk %s %s%s", before[shape->order], shape->write ? " writing" : "",
        held_against ? "held against line-per-page at" : "over", format_size(bytes).text, chains);
}

/* "In a guest here (kvm (nested))" for what runs on this machine, "On model:zen3" for others. */
static void place_name(const struct result_cell *cell, const struct curve *curve, char place[160])
{
    bool elsewhere = strchr(cell->cell.monitor, ':') != NULL;
    snprintf(place, 160, elsewhere ? "On %s" : "In a guest here, %s,", curve->title);
}

static void headline(const struct summary *summary, const struct curve_group *group,
    const struct curve *curve, const struct curve_point *point)
{
    const struct result_comparison *found = point->against;
    char sentence[SENTENCE_BYTES], walk[128], place[160];
    struct formatted slowdown = format_slowdown(found->ratio);
    struct formatted interval = format_slowdown_interval(found->low, found->high, summary->style);
    walk_name(&group->shape, point->working_set_bytes, walk);
    place_name(point->cell, curve, place);
    if (!point_interval(point))
        snprintf(sentence, sizeof sentence,
            "%s %s came out at %s against native; that has no interval and may be chance.", place, walk,
            slowdown.text);
    else if (point_verdict(point) == VERDICT_SLOWER)
        snprintf(sentence, sizeof sentence, "%s %s costs %s over native (95 %% interval %s).", place, walk,
            slowdown.text, interval.text);
    else if (point_verdict(point) == VERDICT_FASTER)
        snprintf(sentence, sizeof sentence, "%s %s is faster than native: %s (95 %% interval %s).", place,
            walk, slowdown.text, interval.text);
    else
        snprintf(sentence, sizeof sentence,
            "%s no difference from native can be told for %s (95 %% interval %s).", place, walk,
            interval.text);
    say(summary, sentence);
}

/* The largest working set that was compared; NULL: none. */
static const struct curve_point *last_compared(const struct curve_group *group, const struct curve *curve)
{
    for (size_t i = group->working_set_count; i-- > 0;)
        if (point_compared(&curve->points[i]))
            return &curve->points[i];
    return NULL;
}

/* Whether a slowdown's interval reaches no further than headline_half_width to a side. */
static const double headline_half_width = 0.05;

static bool known_well(const struct curve_point *point)
{
    const struct result_comparison *found = point->against;
    return point_interval(point) &&
           fmax(found->high / found->ratio - 1, 1 - found->low / found->ratio) <= headline_half_width;
}

/* The largest working set is the noisiest as well: the largest that is known well, where there is one, has
 * the headline. */
static const struct curve_point *headline_point(const struct curve_group *group, const struct curve *curve)
{
    for (size_t i = group->working_set_count; i-- > 0;)
        if (point_compared(&curve->points[i]) && known_well(&curve->points[i]))
            return &curve->points[i];
    return last_compared(group, curve);
}

/* Why the headline is not about the largest working set, and what was found there. */
static void say_choice(
    const struct summary *summary, const struct curve_point *point, const struct curve_point *largest)
{
    char sentence[SENTENCE_BYTES], interval[96] = "without an interval";
    if (point == largest)
        return;
    if (point_interval(largest))
        snprintf(interval, sizeof interval, "95 %% interval %s",
            format_slowdown_interval(largest->against->low, largest->against->high, summary->style).text);
    snprintf(sentence, sizeof sentence,
        "%s is the largest working set whose interval reaches at most %.0f %% to a side; at %s it came out "
        "at %s (%s).",
        format_size(point->working_set_bytes).text, 100 * headline_half_width,
        format_size(largest->working_set_bytes).text, format_slowdown(largest->against->ratio).text,
        interval);
    say(summary, sentence);
}

static void headlines(struct summary *summary)
{
    for (size_t g = 0; g < summary->curves->group_count; g++) {
        const struct curve_group *group = &summary->curves->groups[g];
        for (size_t c = 0; c < group->curve_count; c++) {
            const struct curve_point *point = headline_point(group, &group->curves[c]);
            if (!point || summary->told_count == HEADLINES_MAX)
                continue;
            headline(summary, group, &group->curves[c], point);
            say_choice(summary, point, last_compared(group, &group->curves[c]));
            summary->told[summary->told_count++] = point;
        }
    }
}

static bool had_headline(const struct summary *summary, const struct curve_point *point)
{
    for (size_t i = 0; i < summary->told_count; i++)
        if (summary->told[i] == point)
            return true;
    return false;
}

/* What all comparisons say together. */
struct verdicts {
    size_t of[4];              /* how many of each verdict; VERDICT_NONE: compared, but without an interval */
    const struct curve *curve; /* of the largest slowdown that is told from zero; NULL: there is none */
    const struct curve_point *largest;
};

static void judge(struct verdicts *verdicts, const struct curve *curve, const struct curve_point *point)
{
    if (!point_compared(point))
        return;
    verdicts->of[point_verdict(point)]++;
    if (point_verdict(point) != VERDICT_SLOWER ||
        (verdicts->largest && verdicts->largest->against->ratio >= point->against->ratio))
        return;
    verdicts->curve = curve;
    verdicts->largest = point;
}

static size_t with_interval(const struct verdicts *verdicts)
{
    return verdicts->of[VERDICT_SLOWER] + verdicts->of[VERDICT_FASTER] + verdicts->of[VERDICT_UNTOLD];
}

static void judge_all(const struct curves *curves, struct verdicts *verdicts)
{
    for (size_t g = 0; g < curves->group_count; g++) {
        const struct curve_group *group = &curves->groups[g];
        for (size_t c = 0; c < group->curve_count; c++)
            for (size_t p = 0; p < group->working_set_count; p++)
                judge(verdicts, &group->curves[c], &group->curves[c].points[p]);
    }
}

static void say_largest(const struct summary *summary, const struct verdicts *verdicts)
{
    const struct curve_point *point = verdicts->largest;
    char sentence[SENTENCE_BYTES];
    if (!point || had_headline(summary, point))
        return;
    snprintf(sentence, sizeof sentence,
        "The largest slowdown that is told from zero is %s at %s (%s; 95 %% interval %s).",
        format_slowdown(point->against->ratio).text, format_size(point->working_set_bytes).text,
        verdicts->curve->name,
        format_slowdown_interval(point->against->low, point->against->high, summary->style).text);
    say(summary, sentence);
}

static void say_counts(const struct summary *summary, const struct verdicts *verdicts)
{
    char sentence[SENTENCE_BYTES];
    size_t slower = verdicts->of[VERDICT_SLOWER], faster = verdicts->of[VERDICT_FASTER];
    size_t all = with_interval(verdicts);
    if (all < 2)
        return;
    size_t used = (size_t)snprintf(sentence, sizeof sentence,
        "Of %zu comparisons %zu %s slower, %zu faster, and in %zu no difference can be told", all, slower,
        slower == 1 ? "is" : "are", faster, verdicts->of[VERDICT_UNTOLD]);
    if (all >= 20 && slower + faster)
        used += (size_t)snprintf(sentence + used, sizeof sentence - used,
            "; with as many 95 %% intervals, about %.0f would miss the truth by chance alone",
            round(0.05 * (double)all));
    snprintf(sentence + used, sizeof sentence - used, ".");
    say(summary, sentence);
}

static void say_without_interval(const struct summary *summary, const struct verdicts *verdicts)
{
    char sentence[SENTENCE_BYTES];
    size_t count = verdicts->of[VERDICT_NONE];
    if (!count)
        return;
    snprintf(sentence, sizeof sentence,
        "%zu comparison%s no interval: more than one placement is needed for that.", count,
        count == 1 ? " has" : "s have");
    say(summary, sentence);
}

/* For a curve that nothing was compared with: its two ends. */
static void say_latency(
    const struct summary *summary, const struct curve_group *group, const struct curve *curve)
{
    const struct curve_point *first = NULL, *last = NULL;
    char sentence[SENTENCE_BYTES];
    for (size_t i = 0; i < group->working_set_count; i++)
        if (point_measured(&curve->points[i])) {
            first = first ? first : &curve->points[i];
            last = &curve->points[i];
        }
    if (!first)
        return;
    size_t used = (size_t)snprintf(sentence, sizeof sentence, "%s: %s ns per access at %s", curve->name,
        format_ns(first->cell->median).text, format_size(first->working_set_bytes).text);
    if (last != first)
        used += (size_t)snprintf(sentence + used, sizeof sentence - used, ", %s ns at %s",
            format_ns(last->cell->median).text, format_size(last->working_set_bytes).text);
    snprintf(sentence + used, sizeof sentence - used, "; nothing was compared.");
    say(summary, sentence);
}

static void say_latencies(const struct summary *summary)
{
    size_t told = 0;
    for (size_t g = 0; g < summary->curves->group_count; g++)
        for (size_t c = 0; c < summary->curves->groups[g].curve_count; c++)
            if (told++ < HEADLINES_MAX)
                say_latency(summary, &summary->curves->groups[g], &summary->curves->groups[g].curves[c]);
}

static void say_baseline(const struct summary *summary)
{
    char note[BASELINE_BYTES], sentence[SENTENCE_BYTES];
    baseline_note(&summary->result->host, note);
    if (!note[0])
        return;
    snprintf(sentence, sizeof sentence, "N%s: the machine below is part of the baseline.", note + 1);
    say(summary, sentence);
}

static bool has_monitor(const struct result *result, const char *monitor)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (!strcmp(result->cells[i].cell.monitor, monitor))
            return true;
    return false;
}

static void say_kvm(const struct summary *summary)
{
    char sentence[SENTENCE_BYTES];
    const struct monitor_facts *kvm = result_monitor(summary->result, "kvm");
    if (!kvm || kvm->usable || !kvm->reason[0] || has_monitor(summary->result, "kvm"))
        return;
    snprintf(sentence, sizeof sentence, "KVM cannot be used here: %s", kvm->reason);
    size_t length = strlen(sentence);
    if (sentence[length - 1] != '.' && length + 1 < sizeof sentence)
        strcat(sentence, ".");
    say(summary, sentence);
}

struct tally {
    size_t samples, repeated, disturbed, of_quality[4];
};

static void count_cells(const struct result *result, struct tally *tally)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        tally->samples += cell->sample_count;
        tally->repeated += cell->repeated;
        tally->of_quality[cell->quality]++;
        for (size_t k = 0; k < cell->sample_count; k++)
            tally->disturbed += cell->samples[k].disturbed != DISTURBED_NOT;
    }
}

static void say_incomplete(const struct summary *summary)
{
    char sentence[SENTENCE_BYTES];
    if (summary->result->complete)
        return;
    const char *reason = summary->result->incomplete_reason;
    snprintf(sentence, sizeof sentence, "The measurement is incomplete%s%s.", reason[0] ? ": " : "", reason);
    say(summary, sentence);
}

static void say_quality(const struct summary *summary, const struct tally *tally)
{
    static const struct {
        enum quality quality;
        const char *text;
    } kinds[] = {{QUALITY_NOISY, "noisy"}, {QUALITY_INTERRUPTED, "interrupted"},
        {QUALITY_MISSING, "without any sample"}};
    char sentence[SENTENCE_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (tally->of_quality[kinds[i].quality])
            used += (size_t)snprintf(sentence + used, sizeof sentence - used, "%s%zu %s", used ? ", " : "",
                tally->of_quality[kinds[i].quality], kinds[i].text);
    if (!used)
        return;
    snprintf(sentence + used, sizeof sentence - used, " of %zu cells.", summary->result->cell_count);
    say(summary, sentence);
}

static void say_repeated(const struct summary *summary, const struct tally *tally)
{
    char sentence[SENTENCE_BYTES];
    size_t used =
        (size_t)snprintf(sentence, sizeof sentence, "%s samples", format_count(tally->samples).text);
    if (tally->repeated)
        used += (size_t)snprintf(sentence + used, sizeof sentence - used,
            ", %s more were disturbed and taken again", format_count(tally->repeated).text);
    if (tally->disturbed)
        used += (size_t)snprintf(sentence + used, sizeof sentence - used, "; %s of those kept are disturbed",
            format_count(tally->disturbed).text);
    snprintf(
        sentence + used, sizeof sentence - used, ", in %s.", format_seconds(summary->result->seconds).text);
    say(summary, sentence);
}

void summary_run(const struct result *result, FILE *stream, const struct report_style *style)
{
    struct summary summary = {.result = result, .stream = stream, .style = style};
    struct tally tally = {0};
    count_cells(result, &tally);
    say_baseline(&summary);
    say_incomplete(&summary);
    say_quality(&summary, &tally);
    shape_sentences_write(result, stream, style);
    say_repeated(&summary, &tally);
}

int summary_write(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error)
{
    (void)error; /* as every writer: today nothing can fail but the stream */
    struct summary summary = {.result = result, .curves = curves, .stream = stream, .style = style};
    struct verdicts verdicts = {0};
    judge_all(curves, &verdicts);
    if (with_interval(&verdicts) + verdicts.of[VERDICT_NONE]) {
        headlines(&summary);
        say_largest(&summary, &verdicts);
        say_counts(&summary, &verdicts);
        say_without_interval(&summary, &verdicts);
    } else {
        say_latencies(&summary);
        say_kvm(&summary);
    }
    summary_run(result, stream, style);
    return 0;
}
