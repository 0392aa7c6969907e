/* The two plots as a picture for files, drawn by gnuplot: the slowdown over native in per cent with its 95 %
 * interval as a band, and below it the latencies. Both over the working set, with the sizes of the host's
 * caches marked. */
#ifndef VCOST_REPORT_PICTURE_H
#define VCOST_REPORT_PICTURE_H

#include "base/error.h"
#include "result/result.h"

#include <stdio.h>

/* Whether a picture can be made under this name: .svg and .png are known. To be asked when options are read.
 */
int picture_check_path(const char *path, struct error *error);

/* Whether there is a gnuplot; to be asked before measuring. -ENOTSUP with what to install if not. */
int picture_check_tool(struct error *error);

/* Draws into stream; the path's extension chooses the format. On failure nothing was written. Errors of the
 * stream are left to its owner (output_commit). -ENODATA if nothing was measured. */
int picture_write(const struct result *result, const char *path, FILE *stream, struct error *error);

#endif
