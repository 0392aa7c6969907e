/* Does a program do in a domain what it does natively? */
#include "base/clean.h"
#include "experiment/run_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int judge_native(const struct run_plan *plan, const struct run_end *end, struct error *error)
{
    char how[RUN_STATUS_BYTES], said[200];
    run_status_text(end->status, how);
    text_said(end->said, strlen(end->said), said, sizeof said);
    if (end->timed_out)
        return error_set(error, ECANCELED,
            "the program natively had not ended after %.3g s (--timeout SECONDS gives it longer)",
            end->seconds);
    bool killed = WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGKILL;
    if (end->status && !plan->ignore_failure)
        return error_set(error, ECANCELED,
            "the program natively %s%s%s%s%s; if that is as it should be, give --ignore-failure", how,
            killed ? ", as the kernel does where memory, or a control group's share of it, runs out" : "",
            said[0] ? " and said \"" : "", said, said[0] ? "\"" : "");
    return 0;
}

/* It was killed for that: how it would have ended, nobody knows. */
static bool took_too_long(struct running *running, size_t arm)
{
    struct result_cell *cell = &running->result->cells[arm];
    const struct run_end *end = &running->arms[arm].end;
    if (!end->timed_out)
        return false;
    snprintf(cell->reason, sizeof cell->reason,
        "%s it had not ended after %.3g s (--timeout SECONDS gives it longer)",
        run_is_guest(&running->arms[arm]) ? "in the domain" : "natively, in one of its runs,", end->seconds);
    running->arms[arm].failed = true;
    return true;
}

static void tell_end(struct result_cell *cell, const struct run_end *end)
{
    if (WIFEXITED(end->status))
        cell->ran.exit_status = (uint32_t)WEXITSTATUS(end->status);
    else
        cell->ran.signal = (uint32_t)WTERMSIG(end->status);
    cell->counters.known = true;
    cell->counters.page_faults = end->faults + end->read_faults;
}

static bool has_limit_on_addresses(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* What the domain could not do is said by the one that runs it; the process' own end is no program's. */
static bool domain_failed(struct running *running, size_t arm)
{
    struct result_cell *cell = &running->result->cells[arm];
    const struct tally *tally = &running->arms[arm].counted;
    int code = tally->problem_code;
    if (!code)
        return false;
    const char *remedy =
        code == ENOMEM && has_limit_on_addresses() ? " (raise the limit on addresses, ulimit -v)" : "";
    int room = (int)(sizeof cell->reason - 1 - strlen(remedy));
    snprintf(cell->reason, sizeof cell->reason, "%.*s%s", room, tally->problem, remedy);
    cell->quality = QUALITY_MISSING;
    running->arms[arm].failed = true;
    if (!running->result->first_failure)
        running->result->first_failure = code;
    return true;
}

/* From the first native run. */
static const char *difference(const struct running *running, size_t arm)
{
    const struct run_arm *of = &running->arms[arm];
    return run_left_difference(&running->plan->watched, &running->arms[of->native].first, &of->left);
}

static const char *tell_compared(const struct running *running)
{
    const struct run_plan *plan = running->plan;
    char text[1024] = "exit status";
    size_t used = strlen(text);
    if (!plan->output || plan->watched.output)
        used += (size_t)snprintf(text + used, sizeof text - used, ", stdout");
    for (size_t i = 0; i < plan->watched.file_count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, ", %s", plan->watched.files[i]);
    return pool_text(&running->result->pool, text);
}

static void judge_fidelity(struct running *running, size_t arm, const char *of_native)
{
    struct result_ran *ran = &running->result->cells[arm].ran;
    const char *differs = of_native ? of_native : difference(running, arm);
    ran->fidelity = of_native ? FIDELITY_NOT_COMPARABLE : differs ? FIDELITY_DIFFERENT : FIDELITY_SAME;
    ran->compared = tell_compared(running);
    ran->differs = differs ? pool_text(&running->result->pool, differs) : NULL;
}

/* A file that is not there would be the same everywhere. */
static int find_files(const struct running *running, const struct run_left *left, struct error *error)
{
    const struct run_watched *watched = &running->plan->watched;
    for (size_t i = 0; i < watched->file_count; i++)
        if (left->files[i].code)
            return error_errno(error, left->files[i].code,
                "cannot read %s after the program ran natively, which --check names", watched->files[i]);
    return 0;
}

/* ---- each arm, untimed ---- */

/* Are pages asked for? Otherwise nobody looks for them. */
static bool are_wanted(const struct running *running, const struct run_arm *arm)
{
    bool wanted = arm->host_page;
    for (size_t i = 0; i < running->plan->guest_page_count; i++)
        wanted |= running->plan->guest_pages[i] != 0;
    return wanted;
}

static void note_left(struct running *running, const struct run_arm *arm, struct result_ran *ran)
{
    ran->left_count = arm->leaves.count;
    if (ran->left_count)
        ran->left_name = pool_text(&running->result->pool, arm->leaves.name);
}

static int run_twice(struct running *running, size_t index, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    int rc = run_once(running, arm, false, error);
    note_left(running, arm, &running->result->cells[index].ran);
    if (rc < 0 || (rc = judge_native(running->plan, &arm->end, error)) < 0)
        return rc;
    arm->first = arm->left;
    if ((rc = find_files(running, &arm->first, error)) < 0)
        return rc;
    if ((rc = run_once(running, arm, are_wanted(running, arm), error)) < 0)
        return rc;
    tell_end(&running->result->cells[index], &arm->end);
    return judge_native(running->plan, &arm->end, error);
}

static int try_native(struct running *running, size_t index, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    arm->counts_yields = true;
    int rc = run_twice(running, index, error);
    arm->counts_yields = false;
    return rc;
}

static int try_guest(struct running *running, size_t index, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    const char *of_native = difference(running, arm->native);
    int rc = run_once(running, arm, are_wanted(running, arm), error);
    if (rc < 0 || domain_failed(running, index) || took_too_long(running, index))
        return rc;
    tell_end(&running->result->cells[index], &arm->end);
    judge_fidelity(running, index, of_native);
    return 0;
}

/* Of several programs one that cannot be measured is left out, with its guests, and the others go on. */
static int leave_out(struct running *running, size_t native, int rc, const struct error *error)
{
    if (rc == -EINTR || running->plan->program_count < 2)
        return rc;
    for (size_t i = native; i < running->arm_count; i++)
        if (running->arms[i].native == native) {
            struct result_cell *cell = &running->result->cells[i];
            snprintf(cell->reason, sizeof cell->reason, "%.*s", (int)sizeof cell->reason - 1, error->text);
            running->arms[i].failed = true;
        }
    if (!running->result->first_failure)
        running->result->first_failure = error->code;
    return 0;
}

int run_try(struct running *running, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < running->arm_count; i++) {
        bool guest = run_is_guest(&running->arms[i]);
        if (running->arms[i].failed)
            continue;
        rc = guest ? try_guest(running, i, error) : try_native(running, i, error);
        if (rc < 0)
            rc = leave_out(running, running->arms[i].native, rc, error);
        if (rc == 0 && are_wanted(running, &running->arms[i]) && !running->arms[i].failed)
            run_pages_prove(running, i);
    }
    return rc;
}

bool run_still_goes(struct running *running, size_t arm)
{
    if (took_too_long(running, arm))
        return false;
    if (!run_is_guest(&running->arms[arm]))
        return true;
    if (domain_failed(running, arm))
        return false;
    if (running->result->cells[arm].ran.fidelity == FIDELITY_SAME)
        judge_fidelity(running, arm, NULL);
    return true;
}
