/* Entering and leaving the monitor. */
#include "event/internal.h"

static const struct event rows[] = {
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
        .guest = {.entry = "event-cpuid"},
    },
    {
        .name = "pio-user",
        .group = EVENT_EXITS,
        .unit = "exit",
        .summary = "a write to an I/O port that the monitor's process answers",
        .article =
            "A device that is emulated: out of the guest, through the kernel, into the monitor and back.",
        .source = "SDM volume 3, 26.1.3; Linux Documentation/virt/kvm/api.rst, KVM_EXIT_IO",
        .steps =
            "The guest executes OUT; the CPU leaves the guest; KVM_RUN returns to the monitor's process, "
            "which calls KVM_RUN again.",
        .advice = "Use paravirtual devices (virtio), whose notifications are answered in the host's kernel.",
        .native = {.impossible = "a process has no I/O ports of its own"},
        .guest = {.entry = "event-pio-user", .handling = true},
    },
};

const struct event_family events_exits = EVENT_FAMILY(rows);
