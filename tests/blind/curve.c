#include "curve.h"

#include <inttypes.h>

static void print_figure(const struct figure *figure, FILE *stream)
{
    fprintf(stream, " %.7g %.7g %.7g", figure->value, figure->low, figure->high);
}

void curve_print(const struct curve *curve, FILE *stream)
{
    fprintf(stream, "curve %" PRIu64 " %" PRIu64 " %s %s %s\n", curve->seed, curve->number, curve->kind,
        curve->geometry, curve->truth);
    fprintf(stream, "given %.7g %d %d %u %u %u %u %d\n", curve->large_share, curve->emulated, curve->told,
        curve->told_small[0], curve->told_small[1], curve->told_large[0], curve->told_large[1],
        curve->has_large);
    for (unsigned i = 0; i < curve->count; i++) {
        fprintf(stream, "point %u", curve->lines[i]);
        for (unsigned a = 0; a < ARRANGEMENTS; a++)
            print_figure(&curve->figures[a][i], stream);
        fputc('\n', stream);
    }
    fputs("end\n", stream);
}
