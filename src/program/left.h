/* What a program leaves running when it has ended, in whatever session and process group: a daemon, as a
 * rule.
 *
 * The kernel gives a process whose parent has ended to the nearest ancestor that asked for such
 * (PR_SET_CHILD_SUBREAPER, prctl(2)). Between left_begin() and left_end() that is this process, so that what
 * is left is a child of it, and is found in the kernel's own list (/proc/PID/task/TID/children, proc(5)).
 * What was a child of it before is not touched. */
#ifndef VCOST_PROGRAM_LEFT_H
#define VCOST_PROGRAM_LEFT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { LEFT_BEFORE_MAX = 64, LEFT_NAME_BYTES = 32 };

struct left {
    pid_t before[LEFT_BEFORE_MAX]; /* children that there were already */
    size_t before_count;
    int was_reaper;
    pid_t program;
    pthread_t waiter; /* of left_wait(), if `waits` */
    bool waits;
    struct rusage use;          /* of all that came to this process and has ended, with their own children */
    unsigned count;             /* set by left_end(): those that were running, and are ended now */
    char name[LEFT_NAME_BYTES]; /* of the first, as the kernel calls it: at most 15 characters, fit for people
                                 */
};

/* Before the program is started. */
void left_begin(struct left *left);

/* Once it is started: what it leaves and what ends by itself meanwhile is waited for at once, as init does,
 * so that whoever looks for it finds it gone. Only for a process that starts nothing else meanwhile. Before
 * the program itself is waited for left_wait_end() is to be called, which returns when it has ended. */
void left_wait(struct left *left, pid_t program);
void left_wait_end(struct left *left);

/* After it has ended, when this process has started nothing else since: kills all that it left, for at most
 * left_seconds, and sets count and name. Where the kernel has no such list, or this process LEFT_BEFORE_MAX
 * children or more, nothing is touched and nothing told. */
extern const double left_seconds;
void left_end(struct left *left);

/* What both have used, of CPU time, faults and switches; of memory what the larger one had. */
void left_add_use(struct rusage *sum, const struct rusage *more);

#endif
