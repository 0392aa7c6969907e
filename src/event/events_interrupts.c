/* Interrupts: from the local APIC's timer, and from one virtual CPU to another. */
#include "event/internal.h"

#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATIENCE_NS = 100000000,      /* after that the guest judges by how far its virtual CPUs get, */
    PATIENCES = 100,              /* and gives up after so many times as long */
    STARTED_TRIES = 10000,        /* of a millisecond */
    TIMER_NS = 500000,            /* how far ahead the timer is set at first, */
    TIMER_NS_MAX = 64 * TIMER_NS, /* and at most, where entering the guest again takes longer */
    HALT_POLL_NS = 200000, /* KVM's default for kvm.halt_poll_ns (Documentation/virt/kvm/halt-polling.rst) */
};

#define LOST "%s was lost: not handled while the virtual CPU that it was for ran on, or within ten seconds"

static uint64_t ticks_of(const struct event_bench *bench, double ns)
{
    return (uint64_t)(ns * bench->place->clock->ticks_per_ns);
}

static void aim(const struct event_bench *bench, struct workload_job *job)
{
    job->first = LAB_INTERRUPTS.value;
    job->cursor[0] = ticks_of(bench, PATIENCE_NS);
    job->cursor[4] = PATIENCES;
    job->cursor[1] = LAB_WINDOW.value;
    job->cursor[2] = (uintptr_t)bench->data.base;
}

/* Calls the entry, and insists on every interrupt. */
static int run_interrupts(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const struct workload_job *job = bench->place->image->job;
    int rc = event_call(bench, bench->way->entry, count, run, error);
    if (rc == 0 && (rc = lab_second_failed(bench->lab, error)) == 0 && job->bytes != count)
        rc = error_set(error, EPROTO, LOST, "an interrupt");
    return rc;
}

static int call_kernel(struct event_bench *bench, const char *entry, struct error *error)
{
    workload_function *function;
    int rc = image_find(bench->place->image, entry, &function, error);
    return rc < 0 ? rc : domain_call_kernel(bench->prepared.domain, function, error);
}

static int open_apic(struct event_bench *bench, struct error *error)
{
    lab_handle(bench->lab, LAB_INTERRUPT);
    return call_kernel(bench, "event-apic", error);
}

/* ---- the timer ---- */

/* Sets it and waits for it. *late: it was handled before the waiting began. KVM's local APIC counts at 1 GHz
 * (arch/x86/kvm/lapic.h, APIC_BUS_CYCLE_NS). */
static int wait_for_timer(
    struct event_bench *bench, uint64_t ahead_ns, uint64_t *ticks, bool *late, struct error *error)
{
    struct workload_job *job = bench->place->image->job;
    struct event_run once;
    uint64_t faults, ahead = ticks_of(bench, (double)ahead_ns);
    aim(bench, job);
    lab_handled(bench->lab, &faults, &job->cursor[1]);
    job->bytes = ahead_ns;
    int rc = call_kernel(bench, "event-timer-set", error);
    if (rc < 0 || (rc = event_call(bench, "event-timer-wait", 1, &once, error)) < 0)
        return rc;
    *late = job->cursor[3];
    if (!*late && !job->bytes)
        return error_set(error, EPROTO, LOST, "the timer's interrupt");
    if (!*late && once.ticks <= ahead)
        return error_set(error, ENOTSUP, "the guest's timer runs faster than with 1 GHz");
    *ticks = once.ticks - ahead;
    return 0;
}

static int run_timer(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t done = 0, sum = 0, ahead_ns = TIMER_NS;
    int rc = 0;
    for (uint64_t tries = 0; rc == 0 && done < count && tries < 2 * count + 10; tries++) {
        uint64_t ticks = 0;
        bool late = false;
        rc = wait_for_timer(bench, ahead_ns, &ticks, &late, error);
        if (rc == 0 && late && ahead_ns < TIMER_NS_MAX)
            ahead_ns *= 2;
        done += rc == 0 && !late;
        sum += late ? 0 : ticks;
        if (rc == 0 && stop_asked(bench->place->stop))
            rc = error_set(error, EINTR, "stopped while waiting for timers");
    }
    if (rc == 0 && done < count)
        rc = error_set(
            error, EPROTO, "this host is too busy to wait for a timer of %d us", TIMER_NS_MAX / 1000);
    *run = (struct event_run){.count = count, .ticks = sum};
    return rc;
}

/* ---- the second virtual CPU ---- */

static int wait_until_started(
    struct event_bench *bench, const struct workload_job *second, struct error *error)
{
    for (int i = 0; i < STARTED_TRIES; i++) {
        const struct timespec moment = {.tv_nsec = 1000000};
        int rc = lab_second_failed(bench->lab, error);
        if (rc < 0 || *(const volatile uint64_t *)&second->batches)
            return rc;
        nanosleep(&moment, NULL);
    }
    return error_set(error, ETIMEDOUT, "the second virtual CPU does not start");
}

static int open_second(struct event_bench *bench, const char *entry, struct error *error)
{
    workload_function *function;
    struct workload_job *second;
    int cpu = bench->place->other_cpu, rc = image_find(bench->place->image, entry, &function, error);
    if (cpu < 0)
        return error_set(
            error, ENOTSUP, "two virtual CPUs need two CPUs, and this process may use one alone");
    if (rc < 0 || (rc = open_apic(bench, error)) < 0 ||
        (rc = lab_start_second(bench->lab, function, cpu, &second, error)) < 0)
        return rc;
    size_t used = strlen(bench->prepared.runner->note);
    snprintf(bench->prepared.runner->note + used, sizeof bench->prepared.runner->note - used,
        "%sthe other virtual CPU runs on CPU %d", used ? "; " : "", cpu);
    return wait_until_started(bench, second, error);
}

static int open_spinning(struct event_bench *bench, struct error *error)
{
    return open_second(bench, "event-second-spins", error);
}

static int open_halting(struct event_bench *bench, struct error *error)
{
    return open_second(bench, "event-second-halts", error);
}

static int open_shootdown(struct event_bench *bench, struct error *error)
{
    int rc = open_spinning(bench, error);
    lab_handle(bench->lab, LAB_SHOOTDOWN);
    return rc;
}

static void aim_at_second(const struct event_bench *bench, struct workload_job *job)
{
    aim(bench, job);
    job->stride = LAB_SECOND_JOB.value;
}

/* KVM watches a halted virtual CPU for a while before it lets its thread sleep; how long, it learns: at most
 * kvm.halt_poll_ns, and not at all if what it waits for takes longer than that. */
static double halt_poll_ns(const struct event_bench *bench)
{
    const struct monitor_facts *facts = bench->prepared.runner->config.facts;
    for (size_t i = 0; i < facts->parameter_count; i++)
        if (!strcmp(facts->parameters[i].name, "kvm.halt_poll_ns"))
            return strtod(facts->parameters[i].value, NULL);
    return HALT_POLL_NS;
}

static void aim_at_sleeper(const struct event_bench *bench, struct workload_job *job)
{
    aim_at_second(bench, job);
    job->cursor[3] = ticks_of(bench, 1.5 * halt_poll_ns(bench) + 50e3);
}

#define NO_INTERRUPTS                                                                                        \
    {                                                                                                        \
        .impossible = "a process gets no interrupts"                                                         \
    }
#define GUEST(name, where, open_function, own_tables)                                                        \
    {                                                                                                        \
        .entry = name, .aim = where, .run = run_interrupts, .open = open_function, .kernel = true,           \
        .handling = true, .tables = own_tables, .irqchip = true, .data_bytes = 2 * MIB                       \
    }

static const struct event rows[] = {
    {
        .name = "timer",
        .group = EVENT_EXITS,
        .unit = "interrupt",
        .summary = "a timer of the local APIC interrupts a program: from setting it until handled, less the "
                   "time set",
        .article = "A guest's clock ticks only by its monitor: arming, firing and acknowledging may each "
                   "leave the guest.",
        .source = "SDM volume 3, 10.5.4; kvm-unit-tests, vmexit",
        .steps =
            "The guest's kernel sets the timer 500 us ahead, which leaves the guest; a program waits in a "
            "loop; "
            "the host's timer interrupts it: out of the guest; KVM enters it again with the interrupt; the "
            "handler counts, writes the end-of-interrupt register (another exit, as a rule) and returns to "
            "the "
            "program. The 500 us (more where a host is slow) are subtracted.",
        .advice =
            "Tickless kernels, long timers; posted interrupts (APICv, AVIC) take some of the exits away.",
        .native = NO_INTERRUPTS,
        .guest = {.run = run_timer, .open = open_apic, .handling = true, .irqchip = true},
    },
    {
        .name = "ipi",
        .group = EVENT_EXITS,
        .unit = "interrupt",
        .summary = "an interrupt to another virtual CPU that is running, until it has been handled there",
        .article = "Virtual CPUs talk to each other through the monitor, which must find and interrupt them.",
        .source = "SDM volume 3, 10.12.9; kvm-unit-tests, vmexit (ipi)",
        .steps =
            "The guest's kernel writes its interrupt command register; the monitor interrupts the other "
            "virtual CPU, which "
            "runs a program in a loop; its handler counts; the first one sees the count. Before the next one "
            "is sent the program runs again.",
        .advice = "Fewer virtual CPUs for what talks much; posted interrupts; batches.",
        .native = NO_INTERRUPTS,
        .guest = GUEST("event-ipi", aim_at_second, open_spinning, false),
    },
    {
        .name = "halt-wake",
        .group = EVENT_EXITS,
        .unit = "wake-up",
        .summary = "waking another virtual CPU that has halted, until it has handled the interrupt",
        .article = "A virtual CPU that waits gives its CPU back to the host: waking it means scheduling it.",
        .source = "Linux Documentation/virt/kvm/halt-polling.rst; kvm-unit-tests, vmexit (ipi_halt)",
        .steps =
            "The other virtual CPU executes HLT, which leaves the guest, and long enough passes for its "
            "thread "
            "to sleep in the host's kernel (half as much again as kvm.halt_poll_ns); an interrupt wakes the "
            "thread, it is entered and handles the interrupt. Timed on the first one, from sending until it "
            "sees "
            "that it was handled.",
        .advice =
            "Halt polling (halt_poll_ns) trades CPU time for latency; idle=poll in the guest does so too.",
        .native = NO_INTERRUPTS,
        .guest = GUEST("event-halt-wake", aim_at_sleeper, open_halting, false),
    },
    {
        .name = "shootdown",
        .group = EVENT_MEMORY,
        .unit = "flush",
        .summary = "a changed page-table entry that another virtual CPU must forget as well",
        .article = "Flushing the TLBs of several virtual CPUs needs all of them: one that is not running "
                   "holds up the others.",
        .source = "Linux mm/tlb; PV TLB flush: Linux Documentation/virt/kvm/x86/cpuid.rst",
        .steps = "The guest's kernel changes an entry, flushes its own translation, sends an interrupt to "
                 "the other virtual CPU "
                 "and waits until that has flushed too.",
        .advice = "Do not run more virtual CPUs than there are CPUs; let the guest use paravirtual flushes "
                  "(kvm-pv-tlb-flush).",
        .native = NO_INTERRUPTS,
        .guest = GUEST("event-shootdown", aim_at_second, open_shootdown, true),
    },
};

const struct event_family events_interrupts = EVENT_FAMILY(rows);
