/* A program that is not vcost's and is not changed, started under conditions and watched to its end.
 *
 * It runs in a session of its own, so that neither Ctrl-C nor a terminal reaches it, reads what `input`
 * names, and what it writes is taken in: a digest of stdout is kept, and the end of stderr. It is killed if
 * the thread that runs it is. What it leaves behind in its process group is killed, and so is, where
 * run_limits.left asks for it, whatever else it left running. Times are wall clock, from before fork() until
 * the kernel tells that it has ended; resources are those of wait4(), with the children that it waited for.
 */
#ifndef VCOST_PROGRAM_RUN_H
#define VCOST_PROGRAM_RUN_H

#include "base/error.h"
#include "base/stop.h"
#include "program/conditions.h"
#include "program/left.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct program {
    const char *const *words; /* NULL at the end; the first is looked for in PATH as shells do */
    const char *input;        /* stdin is this file; NULL: /dev/null */
    int output;               /* stdout is this descriptor; 0: it is taken in */
};

/* Whoever watches it while it runs; called from time to time, more seldom the longer it lasts. */
struct watcher {
    void (*look)(pid_t process, void *context);
    void *context;
};

struct run_limits {
    double seconds; /* then it is killed */
    const struct stop *stop;
    const struct watcher *watcher; /* NULL: nobody looks */
    const struct stop *finish; /* NULL, or asks it to end (SIGTERM), and kills it if it does not; no error */
    /* It finds in the environment variable VCOST_STEADY the number of a descriptor, to which it may write:
     * the first write begins its steady state, the last one ends it. */
    bool marks;
    struct left *left; /* NULL, or takes what it left running; then nothing else is started beside it */
    /* NULL, or takes what it writes to stdout: up to run_kept_bytes of the end. */
    char *kept;
    size_t kept_bytes;
};

enum { RUN_SAID_BYTES = 512 };

struct run_end {
    double seconds;        /* wall clock */
    double cpu_seconds;    /* user and system */
    double steady_seconds; /* its steady state took; NAN: it did not mark one */
    double steady_cpu;     /* and its first thread ran in it, in seconds */
    double kept_seconds;   /* that its first thread could have run and was not let; NAN: not told */
    double user_seconds, system_seconds;
    uint64_t faults;      /* without input or output */
    uint64_t read_faults; /* with */
    uint64_t peak_bytes;  /* the largest resident set of it, or of a child that was waited for */
    uint64_t waits;       /* voluntary context switches */
    uint64_t switches;    /* involuntary context switches */
    bool timed_out;       /* it was killed since it took too long */
    int status;           /* as waitpid() gives it */
    uint64_t out_bytes;   /* written to stdout */
    uint64_t out_digest;  /* of all of them (base/checksum.h) */
    size_t kept_length;
    char said[RUN_SAID_BYTES]; /* the end of stderr, one line, fit for people; "" for nothing */
};

/* Runs it. -ENOENT, -EACCES and the like with a sentence where it cannot be started; -EINTR if it was
 * stopped, and then it is killed. How the program itself ended is no error. */
int program_run(const struct program *program, const struct conditions *conditions,
    const struct run_limits *limits, struct run_end *end, struct error *error);

/* Half a sentence: "ended with exit status 3", "was killed by signal 11 (Segmentation fault)". */
enum { RUN_STATUS_BYTES = 96 };
void run_status_text(int status, char text[static RUN_STATUS_BYTES]);

#endif
