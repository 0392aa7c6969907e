/* The end of a comparison: how many cells changed, and the largest change that is told from zero. */
#include "report/compare_report.h"

#include "report/format.h"
#include "report/text.h"

#include <math.h>

enum { SENTENCE_BYTES = 640 };

struct summary {
    const struct compare *compare;
    FILE *stream;
    const struct report_style *style;
};

static void say(const struct summary *summary, const char *sentence)
{
    text_paragraph(summary->stream, "", sentence, summary->style);
}

/* What the two directions are called: of times, and of slowdowns. */
static const struct {
    const char *of, *of_one, *one, *several, *less, *largest;
} words[METRICS] = {
    [METRIC_TIME] = {"cells", "cell", "is slower", "are slower", "faster", "The largest change upwards"},
    [METRIC_SLOWDOWN] = {"costs of virtualization", "cost of virtualization", "is higher", "are higher",
        "lower", "The largest rise of a cost"},
};

static void say_counts(
    const struct summary *summary, enum metric metric, size_t file, const struct compared_tally *tally)
{
    char sentence[SENTENCE_BYTES];
    size_t slower = tally->of[VERDICT_SLOWER], faster = tally->of[VERDICT_FASTER];
    size_t all = slower + faster + tally->of[VERDICT_UNTOLD];
    if (!all)
        return;
    size_t used = (size_t)snprintf(sentence, sizeof sentence,
        "%c against A: of %zu %s that can be judged %zu %s, %zu %s, and in %zu no difference can be told",
        compare_letter(file), all, all == 1 ? words[metric].of_one : words[metric].of, slower,
        slower == 1 ? words[metric].one : words[metric].several, faster, words[metric].less,
        tally->of[VERDICT_UNTOLD]);
    if (all >= 20 && slower + faster)
        used += (size_t)snprintf(sentence + used, sizeof sentence - used,
            "; with as many 95 %% intervals, about %.0f would miss the truth by chance alone",
            round(0.05 * (double)all));
    snprintf(sentence + used, sizeof sentence - used, ".");
    say(summary, sentence);
}

static void say_largest(
    const struct summary *summary, enum metric metric, size_t file, const struct compared_row *row)
{
    char sentence[SENTENCE_BYTES];
    if (!row)
        return;
    const struct compared *compared = &row->files[file];
    snprintf(sentence, sizeof sentence,
        "%s that is told from zero in %c is %s in %.300s (95 %% interval %s).", words[metric].largest,
        compare_letter(file), format_slowdown(compared->change).text, row->id,
        format_slowdown_interval(compared->low, compared->high, summary->style).text);
    say(summary, sentence);
}

/* The reason of the first that has none, which is as a rule that of all. */
static const char *reason_of(const struct compared_rows *rows, size_t file)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].files[file].cell && rows->rows[i].files[file].reason)
            return rows->rows[i].files[file].reason;
    return "not told";
}

static void say_without_interval(
    const struct summary *summary, enum metric metric, size_t file, const struct compared_tally *tally)
{
    char sentence[SENTENCE_BYTES];
    size_t count = tally->of[VERDICT_NONE];
    if (!count)
        return;
    snprintf(sentence, sizeof sentence, "%zu %s of %c cannot be judged: %s.", count,
        count == 1 ? words[metric].of_one : words[metric].of, compare_letter(file),
        reason_of(&summary->compare->metrics[metric], file));
    say(summary, sentence);
}

/* A difference of times may have nothing to do with what the reader changed. */
static void say_unpaired(const struct summary *summary)
{
    size_t told = 0;
    for (size_t file = 1; file < summary->compare->file_count; file++) {
        struct compared_tally tally = compare_count(summary->compare, METRIC_TIME, file);
        told += tally.of[VERDICT_SLOWER] + tally.of[VERDICT_FASTER];
    }
    if (told)
        say(summary,
            "The files were measured at different times: what else the machine did then is part of how "
            "times changed. Slowdowns are paired inside each file and suffer less from it.");
}

void compare_summary(
    const struct compare *compare, enum metric first, FILE *stream, const struct report_style *style)
{
    const struct summary summary = {compare, stream, style};
    for (unsigned i = 0; i < METRICS; i++) {
        enum metric metric = (first + i) % METRICS;
        for (size_t file = 1; file < compare->file_count; file++) {
            struct compared_tally tally = compare_count(compare, metric, file);
            say_counts(&summary, metric, file, &tally);
            say_largest(&summary, metric, file, tally.largest);
            say_without_interval(&summary, metric, file, &tally);
        }
    }
    say_unpaired(&summary);
}
