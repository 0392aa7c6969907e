#include "inspect/regions_layout.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Blocks at least, if rounds allow: below, a block is one round. */
static const size_t blocks_wanted = 6;

/* Of a CPU's or region's part in a pattern: with less than that of the strongest of its sign it is in neither
 * group. */
static const double part_least = 0.3;

/* ---- making ---- */

static double sample(const struct regions_input *in, size_t round, size_t cpu, size_t region)
{
    return in->ns[(round * in->cpus + cpu) * in->regions + region];
}

static bool is_whole(const struct regions_input *in, size_t round)
{
    for (size_t c = 0; c < in->cpus; c++)
        for (size_t m = 0; m < in->regions; m++)
            if (!(isfinite(sample(in, round, c, m)) && sample(in, round, c, m) > 0))
                return false;
    return true;
}

/* An odd number of rounds, so that one burst of noise does not move a median. */
static size_t rounds_a_block(size_t rounds)
{
    size_t most = rounds / blocks_wanted;
    return most < 3 ? 1 : most - (most + 1) % 2;
}

static void fill_block(const struct regions_input *in, const size_t *rounds, size_t count, region_matrix y)
{
    for (size_t c = 0; c < in->cpus; c++)
        for (size_t m = 0; m < in->regions; m++) {
            double values[REGION_ROUNDS_MAX];
            for (size_t i = 0; i < count; i++)
                values[i] = log(sample(in, rounds[i], c, m));
            y[c][m] = statistics_median(values, count);
        }
}

static double row_mean(const struct region_layout *l, const region_matrix a, size_t c)
{
    double sum = 0;
    for (size_t m = 0; m < l->regions; m++)
        sum += a[c][m];
    return sum / (double)l->regions;
}

static double column_mean(const struct region_layout *l, const region_matrix a, size_t m)
{
    double sum = 0;
    for (size_t c = 0; c < l->cpus; c++)
        sum += a[c][m];
    return sum / (double)l->cpus;
}

static void take_out_effects(const struct region_layout *l, region_matrix z)
{
    for (size_t c = 0; c < l->cpus; c++) {
        double mean = row_mean(l, z, c);
        for (size_t m = 0; m < l->regions; m++)
            z[c][m] -= mean;
    }
    for (size_t m = 0; m < l->regions; m++) {
        double mean = column_mean(l, z, m);
        for (size_t c = 0; c < l->cpus; c++)
            z[c][m] -= mean;
    }
}

/* The mean over all blocks but one (blocks: over all). */
static void mean_without(
    const struct region_layout *l, region_matrix *const of, size_t left_out, region_matrix mean)
{
    size_t count = l->blocks - (left_out < l->blocks);
    memset(mean, 0, sizeof(region_matrix));
    for (size_t b = 0; b < l->blocks; b++)
        for (size_t c = 0; b != left_out && c < l->cpus; c++)
            for (size_t m = 0; m < l->regions; m++)
                mean[c][m] += of[b][c][m] / (double)count;
}

int region_layout_make(const struct regions_input *in, struct region_layout *layout, struct error *error)
{
    struct region_layout l = {.cpus = in->cpus, .regions = in->regions};
    size_t whole[REGION_ROUNDS_MAX], count = 0;
    for (size_t r = 0; r < in->rounds; r++)
        if (is_whole(in, r))
            whole[count++] = r;
    size_t in_block = rounds_a_block(count);
    l.blocks = count / in_block;
    l.degrees = (double)(in->cpus - 1) * (double)(in->regions - 1);
    l.y = calloc(l.blocks + 1, sizeof *l.y);
    l.z = calloc(l.blocks + 1, sizeof *l.z);
    if (!l.y || !l.z) {
        region_layout_free(&l);
        return error_set(error, ENOMEM, "not enough memory to judge regions of memory");
    }
    for (size_t b = 0; b < l.blocks; b++) {
        size_t rest = b + 1 == l.blocks ? count - l.blocks * in_block : 0; /* the last one takes it */
        fill_block(in, whole + b * in_block, in_block + rest, l.y[b]);
        memcpy(l.z[b], l.y[b], sizeof(region_matrix));
        take_out_effects(&l, l.z[b]);
    }
    mean_without(&l, l.z, l.blocks, l.mean);
    *layout = l;
    return 0;
}

void region_layout_free(struct region_layout *layout)
{
    free(layout->y);
    free(layout->z);
    layout->y = layout->z = NULL;
}

/* ---- the test ---- */

/* The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.
 */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), result;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    result = d;
    for (int i = 1; i < 500; i++) {
        double terms[2] = {i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i)),
            -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1))};
        double change = 1;
        for (int half = 0; half < 2; half++) {
            d = 1 + terms[half] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + terms[half] / c;
            c = fabs(c) < tiny ? tiny : c;
            change = d * c;
            result *= change;
        }
        if (fabs(change - 1) < 1e-12)
            break;
    }
    return result;
}

static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double region_f_chance(double f, double degrees, double of_error)
{
    if (!(f > 0))
        return 1;
    return incomplete_beta(of_error / 2, degrees / 2, of_error / (of_error + degrees * f));
}

double region_layout_chance(const struct region_layout *l)
{
    double between = 0, within = 0, squares = 0, rounds = (double)l->blocks;
    if (l->degrees < 0.5 || l->blocks < 2)
        return 1;
    for (size_t c = 0; c < l->cpus; c++)
        for (size_t m = 0; m < l->regions; m++) {
            double variance = 0, mean = l->mean[c][m];
            for (size_t b = 0; b < l->blocks; b++)
                variance += (l->z[b][c][m] - mean) * (l->z[b][c][m] - mean) / (rounds - 1);
            between += rounds * mean * mean;
            within += variance;
            squares += variance * variance;
        }
    if (within <= 0)
        return between > 0 ? 0 : 1;
    double even = within * within / ((double)(l->cpus * l->regions) * squares); /* 1: all cells alike */
    double degrees = fmax(1, even * l->degrees);
    return region_f_chance(between / within, degrees, degrees * (rounds - 1));
}

/* ---- the pattern ---- */

/* The strongest pattern u v' of a matrix, by power iteration from its strongest row. */
static void strongest(const struct region_layout *l, const region_matrix a, double *u, double *v)
{
    size_t best = 0;
    double most = -1;
    for (size_t c = 0; c < l->cpus; c++) {
        double sum = 0;
        for (size_t m = 0; m < l->regions; m++)
            sum += a[c][m] * a[c][m];
        if (sum > most) {
            most = sum;
            best = c;
        }
    }
    memcpy(v, a[best], l->regions * sizeof *v);
    for (int turn = 0; turn < 30; turn++) {
        double length = 0;
        for (size_t c = 0; c < l->cpus; c++) {
            u[c] = 0;
            for (size_t m = 0; m < l->regions; m++)
                u[c] += a[c][m] * v[m];
            length = fmax(length, fabs(u[c]));
        }
        for (size_t m = 0; m < l->regions; m++) {
            v[m] = 0;
            for (size_t c = 0; c < l->cpus; c++)
                v[m] += a[c][m] * u[c] / (length > 0 ? length : 1);
        }
    }
}

static uint32_t group_of(const double *parts, size_t count, double sign)
{
    double most = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, sign * parts[i]);
    for (size_t i = 0; i < count; i++)
        if (most > 0 && sign * parts[i] >= part_least * most)
            group |= UINT32_C(1) << i;
    return group;
}

/* Groups of the two signs; CPUs are far from the regions of their own. A matrix without sums has both. */
static bool find_groups(const struct region_layout *l, const region_matrix a, struct region_pattern *p)
{
    double u[REGION_CPUS_MAX], v[REGIONS_MAX];
    strongest(l, a, u, v);
    p->cpus_a = group_of(u, l->cpus, 1);
    p->cpus_b = group_of(u, l->cpus, -1);
    p->far_from_a = group_of(v, l->regions, 1);
    p->far_from_b = group_of(v, l->regions, -1);
    return p->cpus_a && p->cpus_b && p->far_from_a && p->far_from_b;
}

static double group_mean(
    const struct region_layout *l, const region_matrix y, uint32_t cpus, uint32_t regions)
{
    double sum = 0;
    size_t count = 0;
    for (size_t c = 0; c < l->cpus; c++)
        for (size_t m = 0; m < l->regions; m++)
            if (cpus >> c & 1 && regions >> m & 1) {
                sum += y[c][m];
                count++;
            }
    return sum / (double)count;
}

/* What one block says: how much farther the far regions are (aa and bb), from both groups of CPUs. */
static double far_to_near(
    const struct region_layout *l, const region_matrix y, const struct region_pattern *p)
{
    double aa = group_mean(l, y, p->cpus_a, p->far_from_a), ab = group_mean(l, y, p->cpus_a, p->far_from_b);
    double ba = group_mean(l, y, p->cpus_b, p->far_from_a), bb = group_mean(l, y, p->cpus_b, p->far_from_b);
    return (aa + bb - ab - ba) / 2;
}

/* How much farther region one is than the other, from these CPUs. */
static double farther(
    const struct region_layout *l, const region_matrix y, uint32_t cpus, size_t one, size_t other)
{
    return group_mean(l, y, cpus, UINT32_C(1) << one) - group_mean(l, y, cpus, UINT32_C(1) << other);
}

/* Two regions whose order turns round from one group of CPUs to the other. */
struct pair {
    size_t far_from_a, far_from_b;
};

static struct pair find_pair(
    const struct region_layout *l, const region_matrix y, const struct region_pattern *p)
{
    struct pair best = {0, 0};
    double most = -INFINITY;
    for (size_t i = 0; i < l->regions; i++)
        for (size_t j = 0; j < l->regions; j++) {
            if (!(p->far_from_a >> i & 1 && p->far_from_b >> j & 1))
                continue;
            double turned = fmin(farther(l, y, p->cpus_a, i, j), farther(l, y, p->cpus_b, j, i));
            if (turned > most) {
                most = turned;
                best = (struct pair){i, j};
            }
        }
    return best;
}

static struct region_estimate estimate(const double *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double half =
        count > 1 ? statistics_t975(count) * sqrt(squares / (double)(count - 1) / (double)count) : NAN;
    return (struct region_estimate){mean, mean - half, mean + half};
}

/* Of two, that with the lower end below. */
static struct region_estimate worse(struct region_estimate a, struct region_estimate b)
{
    return a.low < b.low ? a : b;
}

/* Of one block: groups and pair are those of the others. */
struct contrast {
    double far, turned_a, turned_b;
};

static bool look_at_block(const struct region_layout *l, size_t block, struct contrast *contrast)
{
    region_matrix z, y;
    struct region_pattern groups;
    mean_without(l, l->z, block, z);
    mean_without(l, l->y, block, y);
    if (!find_groups(l, z, &groups))
        return false;
    struct pair pair = find_pair(l, y, &groups);
    const region_matrix *here = &l->y[block];
    *contrast = (struct contrast){far_to_near(l, *here, &groups),
        farther(l, *here, groups.cpus_a, pair.far_from_a, pair.far_from_b),
        farther(l, *here, groups.cpus_b, pair.far_from_b, pair.far_from_a)};
    return true;
}

void region_layout_pattern(const struct region_layout *l, struct region_pattern *pattern)
{
    double far[REGION_ROUNDS_MAX], turned_a[REGION_ROUNDS_MAX], turned_b[REGION_ROUNDS_MAX];
    struct contrast contrast;
    *pattern = (struct region_pattern){.far = {0, 0, 0}, .turned = {0, 0, 0}}; /* no interaction at all */
    for (size_t b = 0; b < l->blocks; b++) {
        if (!look_at_block(l, b, &contrast))
            return;
        far[b] = contrast.far;
        turned_a[b] = contrast.turned_a;
        turned_b[b] = contrast.turned_b;
    }
    if (!find_groups(l, l->mean, pattern))
        return;
    pattern->far = estimate(far, l->blocks);
    pattern->turned = worse(estimate(turned_a, l->blocks), estimate(turned_b, l->blocks));
}
