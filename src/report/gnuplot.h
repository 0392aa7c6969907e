/* Running gnuplot: a script in, a picture out, no shell and no files. */
#ifndef VCOST_REPORT_GNUPLOT_H
#define VCOST_REPORT_GNUPLOT_H

#include "base/error.h"

#include <stdio.h>

/* Whether gnuplot can be started; to be asked before minutes are spent on measuring. -ENOTSUP if there is
 * none. */
int gnuplot_check(struct error *error);

/* Runs gnuplot on the script, a memory file (gnuplot_script) that was written to, and copies what it draws to
 * `picture`. The script writes to standard output. On failure nothing was written to `picture`; its own write
 * errors are left to its owner. */
int gnuplot_run(FILE *script, FILE *picture, struct error *error);

/* A memory file to write a script to; fclose() releases it. */
int gnuplot_script(FILE **script, struct error *error);

/* Writes text from outside as a quoted string of gnuplot's language, in which nothing has a meaning any more.
 */
void gnuplot_quote(FILE *script, const char *text);

#endif
