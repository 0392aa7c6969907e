/* Entering and leaving the monitor. */
#include "event/exits.h"
#include "monitor/deprivileged/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- hypercalls ---- */

/* Intel's instruction and AMD's (SDM volume 3, VMCALL; APM volume 3, VMMCALL). KVM wants the one of its own
 * vendor, and otherwise tries to write it over the other, into code that a guest may not change. */
static const char *const hypercalls[] = {"event-vmcall", "event-vmmcall"};

enum { KVM_NO_SUCH_HYPERCALL = -1000 }; /* KVM_ENOSYS of linux/kvm_para.h */

static int run_hypercall(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    int rc = event_call(bench, bench->own, count, run, error);
    int64_t answer = (int64_t)bench->place->image->job->cursor[0];
    if (rc == 0 && answer != KVM_NO_SUCH_HYPERCALL)
        rc = error_set(error, ENOTSUP, "a hypercall that does not exist is answered by %lld, not by %d",
            (long long)answer, KVM_NO_SUCH_HYPERCALL);
    return rc;
}

static int open_hypercall(struct event_bench *bench, struct error *error)
{
    struct error refused;
    int rc = 0;
    for (size_t i = 0; i < sizeof hypercalls / sizeof hypercalls[0]; i++) {
        struct event_run run;
        bench->own = (void *)hypercalls[i];
        if ((rc = run_hypercall(bench, 1, &run, &refused)) == 0)
            return 0;
    }
    struct domain_fault fault = domain_fault(bench->prepared.domain);
    if (rc == -EFAULT && fault.vector == 14 && fault.address == fault.rip)
        return error_set(error, ENOTSUP,
            "KVM answers no hypercall of a guest's kernel here: it emulates that kernel, and tries to "
            "rewrite the "
            "instruction instead");
    return error_set(error, ENOTSUP, "KVM answers no hypercall of this guest: %.180s", refused.text);
}

/* ---- what an eventfd answers ---- */

static int open_answered(struct event_bench *bench, bool port, struct error *error)
{
    struct domain_machine machine = domain_machine(bench->prepared.domain);
    int *file = malloc(sizeof *file);
    if (!file)
        return error_set(error, ENOMEM, "no memory for an eventfd");
    bench->own = file;
    *file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (*file < 0)
        return error_errno(error, errno, "cannot make an eventfd");
    return port ? machine.ops->answer_port(machine.vm, DOMAIN_PORT_EVENT, *file, error)
                : machine.ops->answer_address(machine.vm, GPA(DOMAIN_VOID_PHYSICAL), *file, error);
}

static int open_answered_port(struct event_bench *bench, struct error *error)
{
    return open_answered(bench, true, error);
}

static int open_answered_void(struct event_bench *bench, struct error *error)
{
    return open_answered(bench, false, error);
}

/* The domain is destroyed after this; KVM holds the eventfd itself until then. */
static void close_answered(struct event_bench *bench)
{
    int *file = bench->own;
    if (file && *file >= 0)
        close(*file);
    free(file);
}

/* The eventfd must have been signalled once for each write, or somebody else answered. */
static int run_answered(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const int *file = bench->own;
    uint64_t signalled = 0;
    int rc = event_call(bench, bench->way->entry, count, run, error);
    if (rc == 0 && (read(*file, &signalled, sizeof signalled) != sizeof signalled || signalled != count))
        rc = error_set(error, EPROTO, "an eventfd was signalled %llu times for %llu writes",
            (unsigned long long)signalled, (unsigned long long)count);
    return rc;
}

/* ---- memory-mapped I/O ---- */

static void aim_at_void(const struct event_bench *bench, struct workload_job *job)
{
    (void)bench;
    job->first = LAB_VOID.value;
}

#define NO_MONITOR                                                                                           \
    {                                                                                                        \
        .impossible = "there is no monitor to call natively"                                                 \
    }
#define NO_DEVICE                                                                                            \
    {                                                                                                        \
        .impossible = "a process has no devices of its own"                                                  \
    }
#define NO_PRIVILEGE                                                                                         \
    {                                                                                                        \
        .impossible = "only a kernel may do it"                                                              \
    }
#define ARTICLE_DEVICE                                                                                       \
    "A device that is emulated: out of the guest, through the kernel, into the monitor and back."
#define SOURCE_EVENTFD "Linux Documentation/virt/kvm/api.rst, KVM_IOEVENTFD"

/* A guest that is a process leaves it only where Linux can have the CPU refuse it. */
static int open_cpuid(struct event_bench *bench, struct error *error)
{
    if (bench->prepared.runner->config.ops->monitor->elsewhere && !cpuid_is_trapped())
        return error_set(error, ENOTSUP,
            "here a guest is a process, and this CPU has no CPUID faulting: CPUID does not leave it, the CPU "
            "answers");
    return exits_note(bench, error);
}

static const struct event rows[] = {
    {
        .name = "hypercall",
        .group = EVENT_EXITS,
        .unit = "call",
        .summary = "a hypercall that the monitor's kernel side answers",
        .article = "Paravirtualization: the guest calls its monitor instead of being caught by it.",
        .source = "Linux Documentation/virt/kvm/x86/hypercalls.rst; kvm-unit-tests, vmexit",
        .steps = "The guest's kernel executes VMCALL (Intel) or VMMCALL (AMD) with a number that KVM does "
                 "not know; KVM "
                 "answers -ENOSYS and enters the guest again. Nothing leaves the host's kernel.",
        .advice = "Fewer, larger requests: queues in shared memory with one notification for many.",
        .native = NO_MONITOR,
        .guest = {.run = run_hypercall, .open = open_hypercall, .kernel = true},
    },
    {
        .name = "cpuid",
        .group = EVENT_EXITS,
        .unit = "instruction",
        .summary = "CPUID, which a monitor always intercepts",
        .article = "Entering and leaving the monitor: the smallest reason to do so.",
        .source =
            "SDM volume 3, 26.1.2 (instructions that cause VM exits unconditionally); kvm-unit-tests, vmexit",
        .steps = "The guest executes CPUID; the CPU leaves the guest; KVM fills the registers and enters the "
                 "guest "
                 "again. Nothing leaves the host's kernel.",
        .advice = "Programs should execute CPUID once and remember the answer; it is no way to serialize.",
        .native = {.entry = "event-cpuid"},
        .guest = {.entry = "event-cpuid", .open = open_cpuid},
    },
    {
        .name = "cpuid-kernel",
        .group = EVENT_EXITS,
        .unit = "instruction",
        .summary = "CPUID, executed by the guest's kernel",
        .article = "Entering and leaving the monitor: the smallest reason to do so.",
        .source = "As cpuid",
        .steps = "As cpuid, at privilege level 0; an instruction that clears EAX belongs to each. A monitor "
                 "without hardware extensions catches it only there.",
        .advice = "As cpuid.",
        .native = NO_PRIVILEGE,
        .guest = {.entry = "event-cpuid-kernel", .open = open_cpuid, .kernel = true},
    },
    {
        .name = "msr-read",
        .group = EVENT_EXITS,
        .unit = "read",
        .summary = "RDMSR of a register that the monitor answers for (IA32_APIC_BASE)",
        .article = "State that the monitor keeps for the guest can only be read by leaving.",
        .source = "SDM volume 3, 26.1.3; kvm-unit-tests, vmexit",
        .steps = "The guest's kernel executes RDMSR; KVM gives the value that it keeps and enters the guest "
                 "again.",
        .advice = "A guest's kernel should keep copies; x2APIC registers and the TSC deadline are what is "
                  "read and written "
                  "most.",
        .native = NO_PRIVILEGE,
        .guest = {.entry = "event-msr-read", .open = exits_note, .kernel = true},
    },
    {
        .name = "pio-kernel",
        .group = EVENT_EXITS,
        .unit = "exit",
        .summary = "a write to an I/O port that the host's kernel answers (ioeventfd)",
        .article = ARTICLE_DEVICE " With an eventfd only the first half of the way is gone.",
        .source = SOURCE_EVENTFD,
        .steps = "The guest executes OUT; KVM signals the eventfd that waits for this port and enters the "
                 "guest again.",
        .advice =
            "This is what a virtio notification costs the guest: suppress what nobody waits for (EVENT_IDX).",
        .native = NO_DEVICE,
        .guest = {.entry = "event-pio-kernel",
            .run = run_answered,
            .open = open_answered_port,
            .close = close_answered,
            .handling = true},
    },
    {
        .name = "pio-user",
        .group = EVENT_EXITS,
        .unit = "exit",
        .summary = "a write to an I/O port that the monitor's process answers",
        .article = ARTICLE_DEVICE,
        .source = "SDM volume 3, 26.1.3; Linux Documentation/virt/kvm/api.rst, KVM_EXIT_IO",
        .steps =
            "The guest executes OUT; the CPU leaves the guest; KVM_RUN returns to the monitor's process, "
            "which calls KVM_RUN again.",
        .advice = "Use paravirtual devices (virtio), whose notifications are answered in the host's kernel.",
        .native = NO_DEVICE,
        .guest = {.entry = "event-pio-user", .handling = true},
    },
    {
        .name = "mmio-kernel",
        .group = EVENT_EXITS,
        .unit = "exit",
        .summary = "a write to a device's memory that the host's kernel answers (ioeventfd)",
        .article = ARTICLE_DEVICE " Memory-mapped registers need the instruction to be decoded as well.",
        .source = SOURCE_EVENTFD,
        .steps = "The guest writes where it has no memory: the page fault (or EPT violation) leaves the "
                 "guest, KVM decodes "
                 "and emulates the instruction, signals the eventfd, and enters the guest again.",
        .advice = "As pio-kernel.",
        .native = NO_DEVICE,
        .guest = {.entry = "event-mmio-write",
            .aim = aim_at_void,
            .run = run_answered,
            .open = open_answered_void,
            .close = close_answered,
            .handling = true},
    },
    {
        .name = "mmio-user",
        .group = EVENT_EXITS,
        .unit = "exit",
        .summary = "a write to a device's memory that the monitor's process answers",
        .article = ARTICLE_DEVICE,
        .source = "Linux Documentation/virt/kvm/api.rst, KVM_EXIT_MMIO",
        .steps = "As mmio-kernel, but KVM_RUN returns to the monitor's process, which calls KVM_RUN again.",
        .advice = "Use paravirtual devices.",
        .native = NO_DEVICE,
        .guest = {.entry = "event-mmio-write", .aim = aim_at_void, .handling = true},
    },
    {
        .name = "mmio-read",
        .group = EVENT_EXITS,
        .unit = "exit",
        .summary = "a read from a device's memory that the monitor's process answers",
        .article = ARTICLE_DEVICE " A read cannot be answered by an eventfd: somebody has to know the value.",
        .source = "Linux Documentation/virt/kvm/api.rst, KVM_EXIT_MMIO",
        .steps = "As mmio-user, and KVM finishes the instruction with the value that the process left.",
        .advice = "Avoid devices whose status must be read (e1000, IDE); virtio keeps it in memory.",
        .native = NO_DEVICE,
        .guest = {.entry = "event-mmio-read", .aim = aim_at_void, .handling = true},
    },
};

const struct event_family events_exits = EVENT_FAMILY(rows);
