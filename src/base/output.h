/* An output file that is never half-written.
 *
 * It is opened before anything is measured, so that a path that cannot be written fails at once, and
 * committed when the report is complete. A regular file is written beside its target under another name and
 * renamed over it: the old file stays untouched until then. "-", /dev/stdout, other descriptors (/dev/fd/N),
 * pipes and devices are written directly. A symbolic link is followed, not replaced. A new file gets the
 * permissions that a plain open(…, 0666) would give, an existing one keeps its own; a file that may not be
 * written is not replaced either.
 *
 * Who is killed between opening and committing leaves an empty file ".vcost-…" beside the target. */
#ifndef VCOST_BASE_OUTPUT_H
#define VCOST_BASE_OUTPUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct output;

/* Whether anybody can get what goes to standard output: -EBADF if it is closed or only for reading, -EPIPE if
 * it is a pipe that nobody reads any more. */
int output_check_stdout(struct error *error);

/* Opens an output at path. *output is set on success only; then output_commit or output_discard has to
 * follow. */
int output_open(const char *path, struct output **output, struct error *error);

/* Where to write. Write errors need no check at each call: output_commit sees them. Owned by the output. */
FILE *output_stream(struct output *output);

/* Whether two paths are those of one output, whatever they look like: "x" and "./x", a link and where it
 * leads, "-" and "/dev/stdout". */
bool output_is_same(const char *a, const char *b);

/* Makes what was written the target's content. Releases the output, whatever the outcome. On a failed write
 * the target is as it was before; if only the renaming fails, the error tells under which name the data were
 * kept. */
int output_commit(struct output *output, struct error *error);

/* Drops what was written and releases the output; the target is as it was. NULL is allowed. What went
 * directly to a pipe or device cannot be taken back. */
void output_discard(struct output *output);

#endif
