/* How well it was measured, and what is to blame where it was not. */
#include "report/view_parts.h"

#include "measure/statistics.h"
#include "report/format.h"

#include <math.h>
#include <stdlib.h>

/* Keeps how far an interval reaches to a side, relative, if there is one. */
static void add_reach(double *reaches, size_t *count, double value, double low, double high)
{
    reaches[*count] = fmax(high / value - 1, 1 - low / value);
    *count += isfinite(reaches[*count]);
}

/* Less than one CPU that a control group leaves this process; 0: there is no such limit. */
static double cpu_limit(const struct result *result)
{
    const struct fact *limit = &result->host.cpus.limit;
    double cpus = limit->known ? strtod(limit->text, NULL) : 0;
    return cpus < 1 ? cpus : 0;
}

/* Of times that are compared in pairs less is known than of their ratios. */
static void say_noisy(const struct result *result, struct document *doc)
{
    unsigned counts[QUALITIES], all = 0;
    result_qualities(result, counts);
    for (enum quality quality = 0; quality < QUALITIES; quality++)
        all += counts[quality];
    if (all && 2 * counts[QUALITY_NOISY] >= all)
        view_add(doc, " The times by themselves vary more: %u of %u are noisy.", counts[QUALITY_NOISY], all);
}

void view_run_today(const struct result *result, struct document *doc)
{
    if (result_modelled(result))
        return;
    if (cpu_limit(result) > 0)
        document_say(doc, BLOCK_SENTENCE,
            "The control group of this process has a limit of %g CPUs: once that is used up, samples are "
            "disturbed. Raise it to 1 or more (cpu.max, or Kubernetes' limits.cpu).",
            cpu_limit(result));
    size_t most = result->comparison_count + result->cell_count, count = 0;
    double *reaches = pool_room(&doc->pool, most, sizeof *reaches);
    const struct result_comparison *found = result->comparisons;
    const struct result_cell *cell = result->cells;
    for (size_t i = 0; reaches && i < result->comparison_count; i++, found++)
        if (found->placements < 2 && comparison_doubt(result, found, COMPARISON_RATIO))
            reaches[count++] = INFINITY;
        else
            add_reach(reaches, &count, found->ratio, found->low, found->high);
    bool compared = count;
    for (size_t i = 0; reaches && !compared && i < result->cell_count; i++, cell++)
        if (!cell_unlike(cell))
            add_reach(reaches, &count, cell->median, cell->low, cell->high);
    if (!count)
        return;
    statistics_median(reaches, count); /* sorts them */
    /* A machine that is shared, as in a cloud, comes to some 5 %: nothing to complain of. */
    double half = reaches[count / 2];
    const char *kind = half <= 0.02 ? "quiet" : half <= 0.10 ? "fairly quiet" : "disturbed";
    if (!doc->stamp && !(half <= 0.10)) /* a picture goes its own way, without what is said beside it */
        doc->stamp =
            isfinite(half)
                ? document_text(doc, "disturbed: half is known no better than to within %.0f %%", 100 * half)
                : "disturbed: nothing is known of half of it";
    if (!isfinite(half))
        document_say(doc, BLOCK_SENTENCE,
            "This machine is disturbed today: nothing is known of half of the comparisons.");
    else
        document_say(doc, BLOCK_SENTENCE,
            "This machine is %s today: half of the %s are known %sto within %.*f %%.", kind,
            compared ? "comparisons" : "times", half > 0.10 ? "no better than " : "", half < 0.0995 ? 1 : 0,
            100 * half);
    if (compared && isfinite(half))
        say_noisy(result, doc);
}

/* ---- cells whose samples have two modes or drift ---- */

enum shape_kind { MODES_OF_SAMPLES, MODES_OF_PLACEMENTS, TREND, DRIFT, SHAPE_KINDS };

/* How far apart the modes are, as a logarithm, or the drift in per cent; 0: this cell has it not. */
static double shape_size(enum shape_kind kind, const struct result_cell *cell)
{
    const struct modes *modes = &cell->modes;
    bool two = modes->two && modes->low > 0 && isfinite(modes->share_high) &&
               modes->of_placements == (kind == MODES_OF_PLACEMENTS);
    double size = kind == TREND   ? cell->trend_percent
                  : kind == DRIFT ? cell->drift_percent
                  : two           ? log(modes->high / modes->low)
                                  : 0;
    return isfinite(size) ? size : 0;
}

/* "native at 8 MiB (10 ns, and 15 ns in 25 %)", "native: page-fault, 64 KiB (+14 %)" */
static void add_shape(enum shape_kind kind, const struct result_cell *cell, struct listing *list)
{
    const char *event = cell_chase(cell) ? NULL : cell_workload(cell);
    uint64_t bytes = workload_size(&cell->cell.workload);
    struct formatted low = format_figure(UNIT_NS, cell->modes.low, 0);
    const char *figure =
        document_text(list->doc, "%s", format_figure(UNIT_CHANGE, 1 + shape_size(kind, cell) / 100, 0).text);
    if (kind < TREND)
        figure = document_text(list->doc, "%s, and %s in %.0f %%", low.text,
            format_figure(UNIT_NS, cell->modes.high, 0).text, 100 * cell->modes.share_high);
    listing_add(list, "%s%s%s%s%s (%s)", cell->label, event ? ": " : " at ", event ? event : "",
        event && bytes ? ", " : "", bytes ? format_size(bytes).text : "", figure);
}

/* "In 3 of 42 cells <what>: <cell> (<figure>), … <then>" */
static void say_shape(const struct result *result, enum shape_kind kind, struct document *doc)
{
    enum { NAMED = 3 };
    static const char *const shapes[SHAPE_KINDS][2] = {
        [MODES_OF_SAMPLES] = {"samples fall into two groups, so that their median stands for neither",
            "Something comes and goes there: a neighbour, another frequency, a shared cache."},
        [MODES_OF_PLACEMENTS] = {"placements fall into two groups, so that their median stands for neither",
            "There it matters which memory a placement got. The more placements, the surer the shares."},
        [TREND] = {"samples rise or fall from the first of a placement to its last",
            "Ratios are made from neighbouring samples and hardly concerned."},
        [DRIFT] = {"medians rise or fall from the first placement to the last",
            "Ratios are made within placements and hardly concerned."},
    };
    const struct result_cell *named[NAMED + 1]; /* the largest first; the last is pushed out */
    struct listing list = {.doc = doc, .between = "; ", .most = NAMED};
    size_t all = 0;
    for (size_t i = 0; i < result->cell_count; i++) {
        double size = fabs(shape_size(kind, &result->cells[i]));
        size_t at = all < NAMED ? all : NAMED;
        if (!(size > 0))
            continue;
        for (; at > 0 && size > fabs(shape_size(kind, named[at - 1])); at--)
            named[at] = named[at - 1];
        named[at] = &result->cells[i];
        all++;
    }
    for (size_t i = 0; i < all; i++)
        add_shape(kind, named[i < NAMED ? i : NAMED], &list);
    if (all)
        document_say(doc, BLOCK_SENTENCE, "In %zu of %zu cell%s %s: %s. %s", all, result->cell_count,
            result->cell_count == 1 ? "" : "s", shapes[kind][0], listing_text(&list), shapes[kind][1]);
}

/* ---- how well it was measured ---- */

void view_run_counts(const struct ratios *ratios, const char *what, const char *const one_several[2],
    const char *more, const char *less, struct document *doc)
{
    size_t all = ratios->all;
    if (!all)
        return;
    document_say(doc, BLOCK_SENTENCE, "%s: of %zu %s %zu %s %s, %zu %s, %zu not significant", what, all,
        one_several[all > 1], ratios->slower, ratios->slower == 1 ? "is" : "are", more, ratios->faster, less,
        all - ratios->slower - ratios->faster);
    if (all >= 20 && ratios->slower + ratios->faster)
        view_add(doc, "; with as many 95 %% intervals, about %.0f would miss the truth by chance alone",
            round(0.05 * (double)all));
    view_add(doc, ".");
}

const char *view_run_quality(const unsigned counts[static QUALITIES], struct document *doc)
{
    static const char *const names[] = {[QUALITY_NOISY] = "noisy",
        [QUALITY_INTERRUPTED] = "interrupted",
        [QUALITY_MISSING] = "without any sample"};
    struct listing list = {.doc = doc, .between = ", "};
    size_t all = counts[QUALITY_GOOD];
    for (enum quality quality = QUALITY_NOISY; quality <= QUALITY_MISSING; quality++) {
        all += counts[quality];
        if (counts[quality])
            listing_add(&list, "%u %s", counts[quality], names[quality]);
    }
    return list.count ? document_text(doc, "%s of %zu cell%s.", list.text, all, all == 1 ? "" : "s") : "";
}

struct sample_counts {
    size_t kept, repeated, disturbed; /* disturbed: of those kept */
};

static struct sample_counts count_samples(const struct result *result)
{
    struct sample_counts counts = {0};
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        counts.kept += cell->sample_count;
        counts.repeated += cell->repeated;
        for (size_t k = 0; k < cell->sample_count; k++)
            counts.disturbed += cell->samples[k].disturbed != DISTURBED_NOT;
    }
    return counts;
}

const char *view_run_blame(const struct result *result, struct document *doc)
{
    static const double least = 0.2; /* of so many samples other work is to blame for what cannot be told */
    struct sample_counts counts = count_samples(result);
    size_t all = counts.kept + counts.repeated, disturbed = counts.disturbed + counts.repeated;
    bool taken = all && (double)disturbed >= least * (double)all;
    if (taken && cpu_limit(result) > 0)
        return document_text(doc,
            "the control group's limit of %g CPUs takes this CPU away (%zu of %zu samples were disturbed). "
            "Raise it, then run again",
            cpu_limit(result), disturbed, all);
    if (taken)
        return document_text(doc,
            "other work takes this CPU (%zu of %zu samples %s disturbed). Stop it or move it, then run "
            "again",
            disturbed, all, disturbed == 1 ? "was" : "were");
    return document_text(doc,
        "placements differ, as where caches are shared with neighbours. Run again, or longer: --time %.0f",
        10 * ceil(fmin(fmax(4 * result->seconds, 60), 86400) / 10));
}

void view_run_method(const struct result *result, struct document *doc)
{
    struct sample_counts counts = count_samples(result);
    unsigned qualities[QUALITIES];
    result_qualities(result, qualities);
    document_details(doc, true);
    const char *quality = view_run_quality(qualities, doc);
    if (quality[0])
        document_say(doc, BLOCK_SENTENCE, "%s", quality);
    for (enum shape_kind kind = 0; kind < SHAPE_KINDS; kind++)
        say_shape(result, kind, doc);
    document_say(
        doc, BLOCK_SENTENCE, "%s sample%s", format_count(counts.kept).text, counts.kept == 1 ? "" : "s");
    if (result->cpu == RESULT_NO_CPU)
        view_add(doc, ", simulated");
    else if (!result->agent_count) /* which have CPUs of their own */
        view_add(doc, " on CPU %u", result->cpu);
    if (counts.repeated)
        view_add(doc, ", %s more %s disturbed and taken again", format_count(counts.repeated).text,
            counts.repeated == 1 ? "was" : "were");
    if (counts.disturbed)
        view_add(doc, "; %s of those kept %s disturbed", format_count(counts.disturbed).text,
            counts.disturbed == 1 ? "is" : "are");
    view_add(doc, ", in %s.", format_seconds(result->seconds).text);
    document_details(doc, false);
}
