/* One run of a program, natively or in a domain. */
#include "experiment/run_internal.h"

#include "measure/clock.h"
#include "program/call_count.h"
#include "program/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* stdout of a run: a descriptor, 0 where it is taken in. */
static int open_output(const struct run_plan *plan, int *output, struct error *error)
{
    const char *name = plan->output;
    *output = 0;
    if (!name)
        return 0;
    if (!strcmp(name, RUN_INHERITED))
        *output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else
        *output = !strcmp(name, RUN_NO_OUTPUT) ? open("/dev/null", O_WRONLY | O_CLOEXEC)
                                               : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return *output < 0 ? error_errno(error, errno, "cannot write what the program writes to %.200s", name)
                       : 0;
}

static int run_counted(
    struct run_arm *arm, const struct program *program, const struct run_limits *limits, struct error *error)
{
    if (!arm->counts_yields)
        return program_run(program, &arm->conditions, limits, &arm->end, error);
    int counter = call_count_open("sched_yield");
    int rc = program_run(program, &arm->conditions, limits, &arm->end, error);
    arm->yields += call_count_close(counter);
    arm->yields_counted++;
    return rc;
}

static int run_program(struct running *running, struct run_arm *arm, bool look, struct error *error)
{
    const struct run_plan *plan = running->plan;
    const struct watcher watcher = looks_watcher(&arm->looks);
    struct program program = {
        .words = run_is_guest(arm) ? arm->guest_words : arm->words, .input = plan->input};
    const struct run_limits limits = {.seconds = plan->timeout_seconds,
        .stop = &running->setting->stop,
        .watcher = look ? &watcher : NULL,
        .left = &arm->leaves,
        .marks = true};
    int rc = open_output(plan, &program.output, error);
    if (rc < 0)
        return rc;
    if (look)
        arm->looks = (struct looks){.count = 0};
    if (run_is_guest(arm)) {
        running->start.tally->memory =
            (struct tally_memory){.page_bytes = arm->guest_page, .prove = look, .later = arm->later};
        guest_start_begin(&running->start);
    }
    rc = run_counted(arm, &program, &limits, error);
    if (run_is_guest(arm)) {
        guest_start_end(&running->start);
        memcpy(&arm->counted, running->start.tally, sizeof arm->counted);
    }
    if (program.output)
        close(program.output);
    return rc;
}

/* By the clock of files, whose ticks some kernels give them: two later, what was there before is older. */
static void begin_by_files(const struct run_watched *watched, struct timespec *begun)
{
    if (watched->output || watched->file_count)
        for (int tick = 0; tick < 2; tick++)
            if (clock_getres(CLOCK_REALTIME_COARSE, begun) == 0)
                nanosleep(begun, NULL);
    clock_gettime(CLOCK_REALTIME_COARSE, begun);
}

int run_once(struct running *running, struct run_arm *arm, bool look, struct error *error)
{
    const struct run_plan *plan = running->plan;
    const struct run_limits around = {.seconds = plan->timeout_seconds, .stop = &running->setting->stop};
    const struct conditions conditions = run_conditions(running);
    struct timespec begun;
    int rc = shell_run(plan->prepare, "--prepare", &conditions.cpus, &around, error);
    if (rc < 0)
        return rc;
    begin_by_files(&plan->watched, &begun);
    rc = run_program(running, arm, look, error);
    if (rc == 0)
        run_left_look(&plan->watched, &arm->end, &begun, &arm->left);
    int cleaned = shell_clean(plan->cleanup, &conditions.cpus, &around, rc < 0 ? NULL : error);
    if (rc < 0 || cleaned < 0)
        return rc < 0 ? rc : cleaned;
    running->done++;
    if (running->progress && running->progress->tell) {
        double took = clock_seconds() - running->began;
        running->progress->tell(running->progress->context, (double)running->done / running->all,
            took / running->done * (running->all - running->done), "the program");
    }
    return 0;
}
