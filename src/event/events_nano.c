/* The nanobenchmarks of Adams and Agesen, "A Comparison of Software and Hardware Techniques for x86
 * Virtualization" (ASPLOS 2006). */
#include "event/internal.h"

static int handle_divide(struct event_bench *bench, struct error *error)
{
    return domain_handle(bench->domain, DOMAIN_DIVIDE, error);
}

static const struct event rows[] = {
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
