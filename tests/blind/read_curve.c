#include "read_curve.h"

#include <inttypes.h>
#include <string.h>

static bool read_truth(const char *word, enum splinter_verdict *truth)
{
    for (*truth = 0; *truth < SPLINTER_VERDICTS; (*truth)++)
        if (strcmp(word, splinter_verdict_name(*truth)) == 0)
            return true;
    return false;
}

static bool read_head(const char *line, struct labelled *labelled)
{
    char truth[READ_WORD];
    return sscanf(line, "curve %" SCNu64 " %" SCNu64 " %31s %31s %31s", &labelled->seed, &labelled->number,
               labelled->kind, labelled->geometry, truth) == 5 &&
           read_truth(truth, &labelled->truth);
}

static bool read_given(const char *line, struct splinter_input *input)
{
    int emulated, told, has_large;
    unsigned *small = input->small_entries, *large = input->large_entries;
    if (sscanf(line, "given %lf %d %d %u %u %u %u %d", &input->large_share, &emulated, &told, &small[0],
            &small[1], &large[0], &large[1], &has_large) != 8)
        return false;
    input->emulated = emulated;
    input->told = told;
    input->has_large = has_large;
    return true;
}

static bool read_point(const char *line, struct splinter_point *point)
{
    struct splinter_figure *p = &point->packed, *c = &point->scattered, *s = &point->small,
                           *l = &point->large;
    return sscanf(line, "point %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf", &point->lines, &p->value,
               &p->low, &p->high, &c->value, &c->low, &c->high, &s->value, &s->low, &s->high, &l->value,
               &l->low, &l->high) == 13;
}

int read_curve(FILE *stream, struct labelled *labelled)
{
    char line[1024];
    size_t count = 0;
    if (!fgets(line, sizeof line, stream))
        return 0;
    if (!read_head(line, labelled) || !fgets(line, sizeof line, stream) ||
        !read_given(line, &labelled->input))
        return -1;
    while (fgets(line, sizeof line, stream)) {
        if (strcmp(line, "end\n") == 0) {
            labelled->input.points = labelled->points;
            labelled->input.count = count;
            return 1;
        }
        if (count == READ_POINTS || !read_point(line, &labelled->points[count++]))
            return -1;
    }
    return -1;
}
