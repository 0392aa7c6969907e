/* Changing page tables, flushing TLBs, changing address spaces: what a guest's kernel does for its processes.
 */
#include "event/laps.h"

#include "base/size.h"

#define DATA_BYTES (2 * MIB)

static void aim_at_window(const struct event_bench *bench, struct workload_job *job)
{
    job->first = LAB_WINDOW.value;
    job->bytes = (uintptr_t)bench->data.base;
}

static void aim_at_data(const struct event_bench *bench, struct workload_job *job)
{
    job->first = (uintptr_t)bench->data.base;
}

/* ---- two address spaces ---- */

static int open_stay(struct event_bench *bench, struct error *error)
{
    int rc = laps_open_pages(bench, error);
    lab_handle(bench->lab, LAB_DIVIDE);
    return rc;
}

static int open_switch(struct event_bench *bench, struct error *error)
{
    int rc = laps_open_pages(bench, error);
    return rc < 0 ? rc : lab_switch_spaces(bench->lab, false, error);
}

static int open_switch_tagged(struct event_bench *bench, struct error *error)
{
    int rc = laps_open_pages(bench, error);
    return rc < 0 ? rc : lab_switch_spaces(bench->lab, true, error);
}

static const uint64_t sizes[] = {64 * KIB, 256 * KIB, MIB, 0}; /* 16 to 256 pages */

#define NO_TABLES                                                                                            \
    {                                                                                                        \
        .impossible = "a process cannot change its page tables by itself: see mprotect-page"                 \
    }
#define NO_SPACES                                                                                            \
    {                                                                                                        \
        .impossible = "a process cannot change its address space by itself"                                  \
    }
#define TABLES_WAY(name, where)                                                                              \
    {                                                                                                        \
        .entry = name, .aim = where, .kernel = true, .handling = true, .tables = true,                       \
        .data_bytes = DATA_BYTES                                                                             \
    }
#define SPACES_WAY(function, switches)                                                                       \
    {                                                                                                        \
        .tables = switches, .entry = "event-laps-divide", .aim = laps_aim, .open = function,                 \
        .close = laps_close, .data_bytes = EVENT_SIZE, .handling = true                                      \
    }
#define ARTICLE_TABLES                                                                                       \
    "With shadow paging the monitor must notice every change of the guest's page tables; with nested "       \
    "paging it need not."
#define ARTICLE_SPACES "Without tags an address space loses its TLB entries whenever another one has run."

static const struct event rows[] = {
    {
        .name = "pte-change",
        .group = EVENT_NANO,
        .unit = "change",
        .summary = "a change of a page-table entry, with the flush of its translation",
        .article = ARTICLE_TABLES,
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark ptemod",
        .steps = "The guest's kernel writes an entry of its page tables (a bit that the CPU ignores) and "
                 "executes INVLPG. "
                 "With nested paging both stay in the guest; with shadow paging KVM intercepts them to keep "
                 "its own tables.",
        .advice = "Use nested paging; where that is not to be had, map once and keep it, and use large "
                  "pages: fewer entries.",
        .native = NO_TABLES,
        .guest = TABLES_WAY("event-pte-change", aim_at_window),
    },
    {
        .name = "pte-change-touch",
        .group = EVENT_NANO,
        .unit = "change",
        .summary = "the same and a read of the page after each change",
        .article = ARTICLE_TABLES,
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark ptemod",
        .steps =
            "As pte-change, then the page is read: the CPU walks the tables for it. With shadow paging "
            "these are KVM's own, which has either followed the change at INVLPG or is entered once more.",
        .advice = "As pte-change.",
        .against = "pte-change",
        .native = NO_TABLES,
        .guest = TABLES_WAY("event-pte-change-touch", aim_at_window),
    },
    {
        .name = "flush-page",
        .group = EVENT_MEMORY,
        .unit = "flush",
        .summary = "INVLPG: the flush of one translation",
        .article = ARTICLE_TABLES,
        .source = "SDM volume 3, 4.10.4.1",
        .steps = "The guest's kernel executes INVLPG for a page that it uses.",
        .advice = "As pte-change.",
        .native = NO_TABLES,
        .guest = TABLES_WAY("event-flush-page", aim_at_data),
    },
    {
        .name = "flush-full",
        .group = EVENT_MEMORY,
        .unit = "flush",
        .summary = "MOV to CR3: the flush of all translations of an address space",
        .article = ARTICLE_SPACES,
        .source = "SDM volume 3, 4.10.4.1",
        .steps = "The guest's kernel loads CR3 with the value that it has. What the lost translations cost "
                 "later is not in "
                 "it: see switch-space.",
        .advice =
            "Under shadow paging a change of the address space is an exit: fewer processes, more threads.",
        .native = NO_SPACES,
        .guest = {.entry = "event-flush-full", .kernel = true, .tables = true},
    },
    {
        .name = "stay-space",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "touching one line a page again after the guest's kernel was entered",
        .article = ARTICLE_SPACES,
        .source = "SDM volume 3, 4.10 (PCID)",
        .steps = "A list through one line of each 4 KiB page in random order is walked once around at "
                 "CPL 3, again and again. Before each lap the guest's kernel is entered by an exception "
                 "(a division by zero) and returns at once; only the lap is timed.",
        .advice = "This is what switch-space is held against.",
        .sizes = sizes,
        .native = NO_SPACES,
        .guest = SPACES_WAY(open_stay, false),
    },
    {
        .name = "switch-space",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after a change to another address space of the guest, without PCID",
        .article = ARTICLE_SPACES,
        .source = "SDM volume 3, 4.10 (PCID)",
        .steps = "As stay-space, but the kernel's handler loads CR3 with the other of two roots that map "
                 "the same: caches lose nothing, and what the lap costs more is what was flushed. What the "
                 "load itself costs is flush-full.",
        .advice = "PCID lets each address space keep its entries: see that the guest has it (pcid in "
                  "/proc/cpuinfo).",
        .sizes = sizes,
        .against = "stay-space",
        .native = NO_SPACES,
        .guest = SPACES_WAY(open_switch, true),
    },
    {
        .name = "switch-space-pcid",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same with a tag for each address space (PCID)",
        .article = ARTICLE_SPACES,
        .source = "SDM volume 3, 4.10 (PCID)",
        .steps = "As switch-space with CR4.PCIDE set: each root has a tag of its own, and the write to CR3 "
                 "says that "
                 "translations are to be kept (bit 63).",
        .advice =
            "If this costs as much as stay-space, tags work. See that guests get PCID from their monitor.",
        .sizes = sizes,
        .against = "stay-space",
        .native = NO_SPACES,
        .guest = SPACES_WAY(open_switch_tagged, true),
    },
};

const struct event_family events_tables = EVENT_FAMILY(rows);
