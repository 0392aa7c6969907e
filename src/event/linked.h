/* Rows that the linked kernel makes (guest/kernel, domain/guest_kernel.h): a script of its first process, of
 * which one part is timed, inside, and counted exactly; and of what the time of that part consists. */
#ifndef VCOST_EVENT_LINKED_H
#define VCOST_EVENT_LINKED_H

#include "domain/guest_kernel.h"
#include "event/event.h"

enum { LINKED_STEPS_MOST = GUEST_WINDOW_PAGES + 24 };

struct linked_script {
    struct guest_step step[LINKED_STEPS_MOST];
    size_t count;
};

void linked_add_steps(struct linked_script *script, const struct guest_step *steps, size_t count);
#define LINKED_ADD(script, ...)                                                                              \
    do {                                                                                                     \
        const struct guest_step steps_[] = {__VA_ARGS__};                                                    \
        linked_add_steps(script, steps_, sizeof steps_ / sizeof steps_[0]);                                  \
    } while (0)
#define LINKED_CALL(name) (STEP_CALL + GUEST_CALL_##name - GUEST_CALL_FIRST)

/* What is timed lies between these two, once in a script. */
#define LINKED_START                                                                                         \
    {LINKED_CALL(MARK), 0, 0, 0}, {LINKED_CALL(MARK), 0, 0, 0},                                              \
    {                                                                                                        \
        STEP_TIME, 0, 0, 0                                                                                   \
    }
#define LINKED_STOP                                                                                          \
    {STEP_TIME, 1, 0, 0},                                                                                    \
    {                                                                                                        \
        LINKED_CALL(MARK), 0, 0, 0                                                                           \
    }

/* The first process does `first`, the second (at once, or when it is made) `second`, which may be NULL. */
struct linked_work {
    const struct linked_script *first, *second;
    unsigned at_once; /* processes; 0: one */
    unsigned around;  /* fault-around, pages; 0: one */
    bool sync_write;  /* whatever the runner's is */
    bool large;       /* guest_kernel_config.large */
};

/* Of the part that was timed, all of it differences. */
struct linked_part {
    uint64_t ticks;
    struct guest_kernel_status status; /* ticks to changes */
    struct counters counters;
};

/* Runs a script in a domain of its own. -EPROTO: it timed nothing. */
int linked_run(
    struct event_bench *bench, const struct linked_work *work, struct linked_part *part, struct error *error);

/* By how many pages a monitor that fills what a process has mapped fills at a touch (vm_config.fill). */
unsigned linked_fill(const struct event_bench *bench);

/* How a guest's page tables are followed: what a row's counts depend on. */
enum linked_manner {
    LINKED_PARAVIRT,
    LINKED_LAZY,  /* shadow, whose guest's stores are looked at later, */
    LINKED_WRITE, /* or each emulated */
    LINKED_MANNERS
};

/* What a count of a part must be, exactly. Of guest_kernel_status ("changes", "calls" …) on every monitor,
 * and as `manner[0]` says; of the monitor's counters in each manner, and where there are any. */
#define LINKED_ANY UINT64_MAX
struct linked_due {
    const char *name; /* NULL: the end of a list */
    uint64_t manner[LINKED_MANNERS];
};

/* -EPROTO: one of them is another, or was not counted. */
int linked_check(const struct event_bench *bench, const struct linked_work *work,
    const struct linked_part *part, const struct linked_due *due, struct error *error);

/* The part held `count` events: adds it to the sample, and sets *run. */
int linked_finish(
    struct event_bench *bench, const struct linked_part *part, uint64_t count, struct event_run *run);

/* Of struct event_way: begin() measures what it takes to come to the monitor and back for nothing; tell()
 * adds to a sample, for each event, what of its time that is (the transport), the rest (the work), and what
 * was counted. */
int linked_begin(struct event_bench *bench, struct error *error);
void linked_tell(struct event_bench *bench, struct sample *sample);
void linked_close(struct event_bench *bench);

#endif
