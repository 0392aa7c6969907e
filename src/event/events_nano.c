/* The nanobenchmarks of Adams and Agesen, "A Comparison of Software and Hardware Techniques for x86
 * Virtualization" (ASPLOS 2006). */
#include "event/exits.h"

static int handle_divide(struct event_bench *bench, struct error *error)
{
    (void)error;
    lab_handle(bench->lab, LAB_DIVIDE);
    return 0;
}

static int return_syscalls(struct event_bench *bench, struct error *error)
{
    return lab_return_syscalls(bench->lab, bench->prepared.runner->config.facts, error);
}

static const struct event rows[] = {
    {
        .name = "syscall",
        .group = EVENT_NANO,
        .unit = "call",
        .summary = "a system call that does nothing",
        .article = "Entering one's own kernel: free of the monitor where the CPU does it, dear where the "
                   "monitor must help.",
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark syscall; getppid(2)",
        .steps = "SYSCALL and back. Natively Linux's getppid(); in a guest vcost's kernel returns at once by "
                 "SYSRET, so that "
                 "the guest's is the shorter way: hold it against native with that in mind.",
        .advice = "Nothing where it costs a guest no more than natively. Paravirtual monitors without "
                  "hardware extensions: "
                  "batch system calls (io_uring).",
        .native = {.entry = "event-syscall"},
        .guest = {.entry = "event-syscall", .open = return_syscalls, .handling = true},
    },
    {
        .name = "call-return",
        .group = EVENT_NANO,
        .unit = "call",
        .summary = "a call of a function that returns at once",
        .article = "What no hardware-assisted monitor touches; binary translation did.",
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark callret",
        .steps = "CALL and RET, predicted by the CPU.",
        .advice = "Nothing.",
        .native = {.entry = "event-call"},
        .guest = {.entry = "event-call"},
    },
    {
        .name = "in",
        .group = EVENT_NANO,
        .unit = "read",
        .summary = "a read from an I/O port that the monitor's process answers",
        .article = "A device that is emulated, the other way round: the guest waits for the value.",
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark in",
        .steps = "The guest executes IN; KVM_RUN returns to the monitor's process, which leaves a value and "
                 "calls KVM_RUN "
                 "again; KVM finishes the instruction.",
        .advice = "Use paravirtual devices.",
        .native = {.impossible = "a process has no devices of its own"},
        .guest = {.entry = "event-in", .handling = true},
    },
    {
        .name = "cr8-write",
        .group = EVENT_NANO,
        .unit = "write",
        .summary = "MOV to CR8, the priority of interrupts that are let through",
        .article = "A privileged operation that hardware learnt to do without the monitor.",
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark cr8wr; SDM volume 3, 10.8.6",
        .steps = "The guest's kernel writes CR8 with the value that it has; its local APIC is KVM's. With "
                 "TPR shadowing (Intel) or "
                 "virtual interrupts "
                 "(AMD) the CPU does it alone.",
        .advice = "Concerns guests that use it (Windows): see that the host's CPU virtualizes it.",
        .native = {.impossible = "only a kernel may do it"},
        .guest = {.entry = "event-cr8-write", .open = exits_note, .kernel = true, .irqchip = true},
    },
    {
        .name = "divide-by-zero",
        .group = EVENT_NANO,
        .unit = "exception",
        .summary = "a division by zero that the kernel handles by skipping it",
        .article = "An exception of the guest that its own kernel handles: no monitor need be asked.",
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark divzero",
        .steps =
            "DIV by zero raises #DE; the CPU (or the monitor) enters the guest's kernel, which moves the "
            "instruction pointer on and returns by IRET.",
        .advice = "Dear where the monitor has to emulate the guest's kernel.",
        .native = {.impossible = "a process gets a signal for it, which is another thing"},
        .guest = {.entry = "event-divide", .handling = true, .open = handle_divide},
    },
};

const struct event_family events_nano = EVENT_FAMILY(rows);
