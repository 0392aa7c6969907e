/* Progress on a terminal: one line, rewritten in place, with the time that is left.
 *
 * Where the stream is no terminal (or TERM=dumb), or when asked to be quiet, nothing at all is written. Drawn
 * at most ten times a second, so it may be updated after every sample. */
#ifndef VCOST_REPORT_PROGRESS_H
#define VCOST_REPORT_PROGRESS_H

#include "report/text.h"

#include <stdio.h>

struct progress_line {
    FILE *stream; /* stderr as a rule; not owned */
    bool active;  /* whether anything is ever drawn */
    bool drawn;   /* whether the line is on the screen now */
    bool utf8;
    double last; /* when it was drawn, clock_seconds() */
};

void progress_start(struct progress_line *line, FILE *stream, bool quiet, bool utf8);

/* fraction from 0 to 1; seconds left, NAN or negative if not known; what is being done, from any source. */
void progress_update(struct progress_line *line, double fraction, double seconds_left, const char *text);

/* Takes the line off the screen: at the end, and before anything else is written to the terminal (a warning).
 * The next update draws it again. */
void progress_clear(struct progress_line *line);

#endif
