/* What a run of a program leaves, as far as two runs are held against each other: how it ended, what it wrote
 * to stdout, and the files that the user named. */
#ifndef VCOST_EXPERIMENT_RUN_LEFT_H
#define VCOST_EXPERIMENT_RUN_LEFT_H

#include "program/run.h"

#include <time.h>

enum { RUN_FILES_MAX = 16 };

struct run_left {
    int status;
    struct left_bytes {
        int code;     /* errno: it cannot be read; 0 */
        bool written; /* since the run began: else it is what an earlier one left */
        uint64_t bytes, digest;
    } out, files[RUN_FILES_MAX];
};

struct run_watched {
    const char *output; /* a file that stdout goes to; NULL: program_run() takes it in, or nobody looks */
    const char *files[RUN_FILES_MAX];
    size_t file_count;
};

/* After a run has ended that was begun at `begun`, by the clock of files (CLOCK_REALTIME_COARSE). */
void run_left_look(const struct run_watched *watched, const struct run_end *end, const struct timespec *begun,
    struct run_left *left);

/* The first thing in which two runs differ: "exit status", "stdout", the name of a file; NULL: in nothing. */
const char *run_left_difference(
    const struct run_watched *watched, const struct run_left *a, const struct run_left *b);

#endif
