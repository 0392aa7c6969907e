#include "measure/steps.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Half the length of a 95 % interval in standard errors, of a normal distribution: an interval that was made
 * from few values is longer, and the error comes out larger than it is. */
static const double errors_in_half = 1.96;

/* The median size of a normal difference of two values is this many of the errors of one: 0.6745 * sqrt(2).
 */
static const double errors_in_fall = 0.954;

/* Fewer falls than this say nothing about the noise. */
enum { FALLS_MIN = 3 };

/* How far a step has got where the reach ends. */
static const double reach_share = 0.25;

/* A slope falls to less than this share of the peaks at both sides between two steps. */
static const double valley_share = 0.5;

/* … and by this many errors less. Fewer than a step needs: that there is a step is sure already, the question
 * is whether it is two. */
static const double valley_sure = 2;

/* Slopes are taken over so many octaves, or over a gap where that is longer. */
static const double window = 0.5;

/* This share of the points at each side of a step may lie at the other side's level. */
static const double strays_share = 0.25;

/* The points that have a value. The gap number i is between the points i and i + 1. */
struct points {
    size_t count;
    size_t *index;  /* in the caller's curve */
    double *octave; /* log2 of the size */
    double *log;    /* of the value as given */
    double *level;  /* without outliers, nondecreasing */
    double *error;  /* of log */
    double *slope; /* of each gap, over a window around its middle: log of how many times more in an octave */
    double *scratch;
    double ratio; /* the least that a level is of the one below */
    struct step *steps;
    size_t found;
};

/* ---- the points ---- */

static bool has_value(const struct steps_point *point)
{
    return isfinite(point->value) && point->value > 0 && point->size > 0;
}

static bool has_interval(const struct steps_point *point)
{
    return isfinite(point->low) && isfinite(point->high) && point->low > 0 && point->high >= point->low;
}

static void take_points(struct points *points, const struct steps_point *curve, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct steps_point *point = &curve[i];
        if (!has_value(point))
            continue;
        points->index[points->count] = i;
        points->octave[points->count] = log2(point->size);
        points->log[points->count] = log(point->value);
        points->error[points->count++] =
            has_interval(point) ? log(point->high / point->low) / 2 / errors_in_half : NAN;
    }
}

static double median3(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* A running median of three; at an end the larger (first) or the smaller (last) of two, so that no level is
 * made of an end alone. */
static void without_outliers(const double *values, size_t count, double *out)
{
    for (size_t i = 1; i + 1 < count; i++)
        out[i] = median3(values[i - 1], values[i], values[i + 1]);
    out[0] = fmax(values[0], values[1]);
    out[count - 1] = fmin(values[count - 1], values[count - 2]);
}

/* Isotonic regression by pooling adjacent violators: while a block's mean is less than the one's before it,
 * both become one. `length` holds the blocks' lengths at their last points. */
static void make_nondecreasing(double *values, size_t count, double *length)
{
    for (size_t i = 0; i < count; i++) {
        double mean = values[i];
        size_t size = 1;
        while (size <= i && values[i - size] > mean) {
            size_t before = (size_t)length[i - size];
            mean = (mean * (double)size + values[i - size] * (double)before) / (double)(size + before);
            size += before;
        }
        for (size_t k = 0; k < size; k++)
            values[i - k] = mean;
        length[i] = (double)size;
    }
}

/* ---- noise ---- */

/* What the intervals usually say; NAN if less than half of the points have one. */
static double usual_error(const struct points *points)
{
    size_t known = 0;
    for (size_t i = 0; i < points->count; i++)
        if (isfinite(points->error[i]))
            points->scratch[known++] = points->error[i];
    return 2 * known >= points->count ? statistics_median(points->scratch, known) : NAN;
}

/* What the falls say: 0 if there are too few. */
static double error_from_falls(const struct points *points)
{
    size_t falls = 0;
    for (size_t i = 0; i + 1 < points->count; i++)
        if (points->log[i + 1] < points->log[i])
            points->scratch[falls++] = points->log[i] - points->log[i + 1];
    return falls < FALLS_MIN ? 0 : statistics_median(points->scratch, falls) / errors_in_fall;
}

static void complete_errors(struct points *points)
{
    double usual = usual_error(points), falls = error_from_falls(points);
    points->ratio = isnan(usual) ? STEPS_RATIO_UNSURE : STEPS_RATIO;
    for (size_t i = 0; i < points->count; i++)
        points->error[i] = fmax(fmax(points->error[i], usual), falls); /* fmax prefers a number to NAN */
    without_outliers(points->error, points->count, points->scratch);
    for (size_t i = 0; i < points->count; i++)
        points->error[i] = points->scratch[i];
}

/* ---- slopes ---- */

/* The level at any size, between two points on the line between them. */
static double level_at(const struct points *points, double octave)
{
    size_t i = 1;
    while (i + 1 < points->count && points->octave[i] < octave)
        i++;
    double left = points->octave[i - 1], right = points->octave[i];
    double share = fmin(1, fmax(0, (octave - left) / (right - left)));
    return points->level[i - 1] + share * (points->level[i] - points->level[i - 1]);
}

static void find_slopes(struct points *points)
{
    for (size_t i = 0; i + 1 < points->count; i++) {
        double left = points->octave[i], right = points->octave[i + 1], middle = (left + right) / 2;
        double half = fmax(window, right - left) / 2; /* a gap may be longer */
        points->slope[i] = (level_at(points, middle + half) - level_at(points, middle - half)) / (2 * half);
    }
}

/* ---- steps ---- */

/* A run of gaps, from `first` up to but without `end`. */
struct gaps {
    size_t first, end;
};

static double steepest(const struct points *points, size_t first, size_t end)
{
    double most = 0;
    for (size_t i = first; i < end; i++)
        most = fmax(most, points->slope[i]);
    return most;
}

/* The error of the difference of the levels at two points. */
static double error_between(const struct points *points, size_t a, size_t b)
{
    return hypot(points->error[a], points->error[b]);
}

/* Whether a gap parts two steps: it is flat against the steepest at both its sides, and not by chance. */
static bool parts(const struct points *points, struct gaps run, size_t gap)
{
    double left = steepest(points, run.first, gap), right = steepest(points, gap + 1, run.end);
    double lower = fmin(left, right), depth = (lower - points->slope[gap]) * window;
    return points->slope[gap] < valley_share * lower &&
           depth > valley_sure * error_between(points, gap, gap + 1);
}

/* The flattest gap that parts a run in two; run.end: none does. */
static size_t parting(const struct points *points, struct gaps run)
{
    size_t best = run.end;
    for (size_t gap = run.first; gap < run.end; gap++)
        if (parts(points, run, gap) && (best == run.end || points->slope[gap] < points->slope[best]))
            best = gap;
    return best;
}

/* Slopes are taken over a window and so reach beyond a step: gaps at the ends that are flat by themselves
 * are none of it. */
static struct gaps trim(const struct points *points, struct gaps run)
{
    const double *level = points->level, *octave = points->octave;
    double flat = log(STEPS_RATIO);
    while (run.first < run.end &&
           level[run.first + 1] - level[run.first] < flat * (octave[run.first + 1] - octave[run.first]))
        run.first++;
    while (run.end > run.first &&
           level[run.end] - level[run.end - 1] < flat * (octave[run.end] - octave[run.end - 1]))
        run.end--;
    return run;
}

/* The last point of the run at which the reach of the level below has not ended. */
static size_t last_below(const struct points *points, struct gaps run)
{
    double below = exp(points->level[run.first]), above = exp(points->level[run.end]);
    size_t last = run.first;
    while (last + 1 < run.end && exp(points->level[last + 1]) < below + reach_share * (above - below))
        last++;
    return last;
}

/* Whether most points before a step lie nearer to its lower level, and most after it to its upper one. Some
 * disturbed points side by side are no level. */
static bool holds(const struct points *points, struct gaps run)
{
    double middle = (points->level[run.first] + points->level[run.end]) / 2;
    size_t high_before = 0, low_after = 0;
    for (size_t i = 0; i <= run.first; i++)
        high_before += points->log[i] > middle;
    for (size_t i = run.end; i < points->count; i++)
        low_after += points->log[i] < middle;
    return (double)high_before <= strays_share * (double)(run.first + 1) &&
           (double)low_after <= strays_share * (double)(points->count - run.end);
}

/* Adds the step that a run of gaps is, if it is one. */
static void judge_run(struct points *points, struct gaps run)
{
    run = trim(points, run);
    if (run.first == run.end)
        return;
    double rise = points->level[run.end] - points->level[run.first];
    double sureness = rise / error_between(points, run.first, run.end);
    if (rise < log(points->ratio) || !(sureness >= STEPS_SURE) || !holds(points, run))
        return;
    size_t last = last_below(points, run);
    points->steps[points->found++] = (struct step){
        .last = points->index[last],
        .first = points->index[last + 1],
        .start = points->index[run.first],
        .end = points->index[run.end],
        .below = exp(points->level[run.first]),
        .above = exp(points->level[run.end]),
        .sureness = sureness,
    };
}

/* Parts a run as often as it can be parted. */
static void judge_parts(struct points *points, struct gaps run)
{
    while (run.first < run.end) {
        struct gaps head = run;
        for (size_t gap; (gap = parting(points, head)) < head.end;)
            head.end = gap;
        judge_run(points, head);
        run.first = head.end == run.end ? run.end : head.end + 1;
    }
}

static void find_steps(struct points *points)
{
    size_t gaps = points->count - 1;
    for (size_t first = 0; first < gaps; first++) {
        size_t end = first;
        while (end < gaps && points->slope[end] >= log(STEPS_RATIO))
            end++;
        judge_parts(points, (struct gaps){first, end});
        first = end;
    }
}

/* ---- the whole ---- */

static bool allocate(struct points *points, size_t count)
{
    double **lists[] = {
        &points->octave, &points->log, &points->level, &points->error, &points->slope, &points->scratch};
    bool all = (points->index = calloc(count, sizeof *points->index)) != NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        all = (*lists[i] = calloc(count, sizeof **lists[i])) && all;
    return (points->steps = calloc(count, sizeof *points->steps)) && all;
}

static void release(struct points *points)
{
    free(points->index);
    free(points->octave);
    free(points->log);
    free(points->level);
    free(points->error);
    free(points->slope);
    free(points->scratch);
}

int steps_find(
    const struct steps_point *points, size_t count, struct step **steps, size_t *found, struct error *error)
{
    struct points work = {0};
    if (!allocate(&work, count + 1)) {
        release(&work);
        free(work.steps);
        return error_set(error, ENOMEM, "no memory to look for steps in %zu points", count);
    }
    take_points(&work, points, count);
    if (work.count >= STEPS_POINTS_MIN) {
        complete_errors(&work);
        without_outliers(work.log, work.count, work.level);
        make_nondecreasing(work.level, work.count, work.scratch);
        find_slopes(&work);
        find_steps(&work);
    }
    release(&work);
    if (!work.found) {
        free(work.steps);
        work.steps = NULL;
    }
    *steps = work.steps;
    *found = work.found;
    return 0;
}
