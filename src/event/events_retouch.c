/* What leaving does to caches and TLBs: a warm set is touched again after it. */
#include "event/laps.h"

#include "base/size.h"

static const uint64_t line_sizes[] = {4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 0};
static const uint64_t page_sizes[] = {64 * KIB, 256 * KIB, MIB, 2 * MIB, 8 * MIB, 0}; /* 16 to 2048 pages */

#define WAY(which, name)                                                                                     \
    .entry = name, .aim = laps_aim, .open = laps_open_##which, .close = laps_close, .data_bytes = EVENT_SIZE
#define NO_MONITOR                                                                                           \
    {                                                                                                        \
        .impossible = "native code leaves for no monitor of vcost's; see the row ending in -syscall"         \
    }
#define NO_KERNEL                                                                                            \
    {                                                                                                        \
        .impossible = "vcost's guest has no operating system to call; see the row ending in -exit"           \
    }
#define ARTICLE                                                                                              \
    "Leaving the guest costs more than the way out and back: what the monitor touches takes the place of "   \
    "what the "                                                                                              \
    "guest had in caches and TLBs."
#define SOURCE                                                                                               \
    "The article; Li, Ding, Shen, \"Quantifying the cost of context switch\" (ExpCS 2007), which tells the " \
    "indirect price from the direct one in this way"

static const struct event rows[] = {
    {
        .name = "retouch-lines",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "touching a warm set of cache lines again, after nothing",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A list through all lines of the set in random order is walked once around, again and "
                 "again; each lap "
                 "is timed.",
        .advice = "This is what the rows held against it start from.",
        .sizes = line_sizes,
        .native = {WAY(lines, "event-laps")},
        .guest = {WAY(lines, "event-laps")},
    },
    {
        .name = "retouch-lines-exit",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after an exit to the monitor's process",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "Before each lap the guest leaves once, to the monitor's process and back (OUT); only the "
                 "lap is timed: "
                 "what it costs more than after nothing is the indirect price of the exit.",
        .advice = "Add it to the price of pio-user to know what an exit costs a program with such a working "
                  "set. Fewer "
                  "exits help twice.",
        .sizes = line_sizes,
        .against = "retouch-lines",
        .native = NO_MONITOR,
        .guest = {WAY(lines, "event-laps-exit"), .handling = true},
    },
    {
        .name = "retouch-lines-syscall",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after a system call, natively",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "Before each lap a system call that does nothing (getppid) is made; only the lap is timed.",
        .advice = "What an exit costs more than this is virtualization's.",
        .sizes = line_sizes,
        .against = "retouch-lines",
        .native = {WAY(lines, "event-laps-call")},
        .guest = NO_KERNEL,
    },
    {
        .name = "retouch-pages",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "touching one line in each of a set of 4 KiB pages again, after nothing",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A list through one line of each page in random order is walked once around, again and "
                 "again; each lap "
                 "is timed. The size is that of the pages: 64 KiB are 16 pages.",
        .advice = "This is what the rows held against it start from.",
        .sizes = page_sizes,
        .native = {WAY(pages, "event-laps")},
        .guest = {WAY(pages, "event-laps")},
    },
    {
        .name = "retouch-pages-exit",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after an exit to the monitor's process",
        .article = ARTICLE " Without tags (VPID, ASID) all of the TLB is lost at every exit.",
        .source = SOURCE,
        .steps = "As retouch-lines-exit, with one line a page: what is lost is TLB entries above all.",
        .advice = "Large pages need fewer entries. On hardware without tagged TLBs every exit empties them.",
        .sizes = page_sizes,
        .against = "retouch-pages",
        .native = NO_MONITOR,
        .guest = {WAY(pages, "event-laps-exit"), .handling = true},
    },
    {
        .name = "retouch-pages-syscall",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after a system call, natively",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "As retouch-lines-syscall, with one line a page. With kernel page-table isolation and "
                 "without PCID a "
                 "system call empties the TLB.",
        .advice = "See the host's mitigations (vcost chase --json).",
        .sizes = page_sizes,
        .against = "retouch-pages",
        .native = {WAY(pages, "event-laps-call")},
        .guest = NO_KERNEL,
    },
};

const struct event_family events_retouch = EVENT_FAMILY(rows);
