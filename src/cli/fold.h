/* Folds plain text to a width, for --help. */
#ifndef VCOST_CLI_FOLD_H
#define VCOST_CLI_FOLD_H

#include <stdio.h>

/* Where a text goes: its lines start at column `indent` and end before column `width`. A word that is longer
 * than that stands alone on its line. */
struct fold_frame {
    FILE *out;
    unsigned indent, width;
};

/* Writes the text as lines. `used` columns of the first line are taken already (0: nothing is written yet,
 * and the indent comes first). Ends with a newline, also for an empty text. */
void fold_text(const struct fold_frame *frame, unsigned used, const char *text);

/* The width of the terminal that `out` is, within what can be read with ease; 80 if it is none. */
unsigned fold_width(FILE *out);

#endif
