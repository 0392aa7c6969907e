/* Interrupts: from the local APIC's timer, and from one virtual CPU to another. */
#include "event/internal.h"

#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { GIVEN_UP_NS = 100000000, STARTED_TRIES = 1000 };

static void load_job(struct event_bench *bench)
{
    struct workload_job *job = bench->place.image->job;
    job->first = domain_interrupt_counter().value;
    job->cursor[0] = (uint64_t)(GIVEN_UP_NS * bench->place.clock->ticks_per_ns);
    job->cursor[1] = domain_window().value;
    job->cursor[2] = (uintptr_t)bench->data.base;
}

/* Calls the entry, and insists on every interrupt. */
static int run_interrupts(
    struct event_bench *bench, const char *entry, uint64_t count, struct event_run *run, struct error *error)
{
    const struct workload_job *job = bench->place.image->job;
    load_job(bench);
    int rc = event_call(bench, entry, count, run, error);
    if (rc == 0 && (rc = domain_second_failed(bench->domain, error)) == 0 && job->bytes != count)
        rc = error_set(error, EPROTO, "an interrupt was not handled within %d ms", GIVEN_UP_NS / 1000000);
    return rc;
}

static int open_apic(struct event_bench *bench, struct error *error)
{
    struct event_run run;
    int rc = domain_handle(bench->domain, DOMAIN_INTERRUPT, error);
    return rc < 0 ? rc : event_call(bench, "event-apic", 1, &run, error);
}

/* ---- the second virtual CPU ---- */

static int wait_until_started(
    struct event_bench *bench, const struct workload_job *second, struct error *error)
{
    for (int i = 0; i < STARTED_TRIES; i++) {
        const struct timespec moment = {.tv_nsec = 1000000};
        int rc = domain_second_failed(bench->domain, error);
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
    int cpu = bench->place.other_cpu, rc = image_find(bench->place.image, entry, &function, error);
    if (cpu < 0)
        return error_set(
            error, ENOTSUP, "two virtual CPUs need two CPUs, and this process may use one alone");
    if (rc < 0 || (rc = open_apic(bench, error)) < 0 ||
        (rc = domain_start_second(bench->domain, function, cpu, &second, error)) < 0)
        return rc;
    size_t used = strlen(bench->note);
    snprintf(bench->note + used, sizeof bench->note - used, "%sthe other virtual CPU runs on CPU %d",
        used ? "; " : "", cpu);
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
    return rc < 0 ? rc : domain_handle(bench->domain, DOMAIN_SHOOTDOWN, error);
}

static int run_timer(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_interrupts(bench, "event-timer", count, run, error);
}

static int run_ipi(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_interrupts(bench, "event-ipi", count, run, error);
}

static int run_halt_wake(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    bench->place.image->job->stride = domain_second_job().value;
    return run_interrupts(bench, "event-halt-wake", count, run, error);
}

static int run_shootdown(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_interrupts(bench, "event-shootdown", count, run, error);
}

#define NO_INTERRUPTS                                                                                        \
    {                                                                                                        \
        .impossible = "a process gets no interrupts"                                                         \
    }
#define GUEST(run_function, open_function)                                                                   \
    {                                                                                                        \
        .run = run_function, .open = open_function, .kernel = true, .handling = true, .irqchip = true,       \
        .data_bytes = 2 * MIB                                                                                \
    }

static const struct event rows[] = {
    {
        .name = "timer",
        .group = EVENT_EXITS,
        .unit = "interrupt",
        .summary = "a timer of the local APIC, from arming it until its interrupt has been handled",
        .article = "A guest's clock ticks only by its monitor: arming, firing and acknowledging may each "
                   "leave the guest.",
        .source = "SDM volume 3, 10.5.4; kvm-unit-tests, vmexit",
        .steps = "The guest's kernel writes the initial count of its local APIC's timer, which fires at "
                 "once; the monitor "
                 "injects the interrupt; the handler counts it and writes the end-of-interrupt register.",
        .advice =
            "Tickless kernels, long timers; posted interrupts (APICv, AVIC) take some of the exits away.",
        .native = NO_INTERRUPTS,
        .guest = GUEST(run_timer, open_apic),
    },
    {
        .name = "ipi",
        .group = EVENT_EXITS,
        .unit = "interrupt",
        .summary = "an interrupt to another virtual CPU that is running, until it has been handled there",
        .article = "Virtual CPUs talk to each other through the monitor, which must find and interrupt them.",
        .source = "SDM volume 3, 10.12.9; kvm-unit-tests, vmexit (ipi)",
        .steps = "The guest's kernel writes its interrupt command register; the monitor interrupts the other "
                 "virtual CPU, which "
                 "runs in a loop; its handler counts; the first one sees the count.",
        .advice = "Fewer virtual CPUs for what talks much; posted interrupts; batches.",
        .native = NO_INTERRUPTS,
        .guest = GUEST(run_ipi, open_spinning),
    },
    {
        .name = "halt-wake",
        .group = EVENT_EXITS,
        .unit = "wake-up",
        .summary = "waking another virtual CPU that has halted, until it has handled the interrupt",
        .article = "A virtual CPU that waits gives its CPU back to the host: waking it means scheduling it.",
        .source = "Linux Documentation/virt/kvm/halt-polling.rst; kvm-unit-tests, vmexit (ipi_halt)",
        .steps = "The other virtual CPU executes HLT, which leaves the guest and, after some polling, sleeps "
                 "in the host's "
                 "kernel; an interrupt wakes its thread, it is entered and handles the interrupt.",
        .advice =
            "Halt polling (halt_poll_ns) trades CPU time for latency; idle=poll in the guest does so too.",
        .native = NO_INTERRUPTS,
        .guest = GUEST(run_halt_wake, open_halting),
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
        .guest = GUEST(run_shootdown, open_shootdown),
    },
};

const struct event_family events_interrupts = EVENT_FAMILY(rows);
