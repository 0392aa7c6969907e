/* Changing page tables, flushing TLBs, changing address spaces: what a guest's kernel does for its processes.
 */
#include "event/laps.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>

#define DATA_BYTES (2 * MIB)

static int run_pte_change(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct workload_job *job = bench->place.image->job;
    job->first = domain_window().value;
    job->bytes = (uintptr_t)bench->data.base;
    return event_call(bench, "event-pte-change", count, run, error);
}

static int run_flush_page(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    bench->place.image->job->first = (uintptr_t)bench->data.base;
    return event_call(bench, "event-flush-page", count, run, error);
}

/* ---- two address spaces ---- */

struct spaces {
    struct chase_layout layout;
    uint64_t roots[2];
};

static int open_spaces(struct event_bench *bench, bool second, struct error *error)
{
    struct spaces *spaces = calloc(1, sizeof *spaces);
    gpa_t root = domain_space(bench->domain);
    if (!spaces)
        return error_set(error, ENOMEM, "no memory for two address spaces");
    bench->own = spaces;
    spaces->layout = laps_write(bench, &bench->data, CHASE_LINE_PER_PAGE);
    spaces->roots[0] = root.value;
    int rc = second ? domain_second_space(bench->domain, &root, error) : 0;
    spaces->roots[1] = root.value;
    return rc;
}

static int open_one_space(struct event_bench *bench, struct error *error)
{
    return open_spaces(bench, false, error);
}

static int open_two_spaces(struct event_bench *bench, struct error *error)
{
    return open_spaces(bench, true, error);
}

/* A tag for each, and the word to keep what is there (bit 63 of what is written to CR3, SDM volume
 * 3, 4.10.4.1). */
static int open_tagged_spaces(struct event_bench *bench, struct error *error)
{
    struct spaces *spaces;
    int rc = open_spaces(bench, true, error);
    if (rc < 0 || (rc = domain_tag_translations(bench->domain, error)) < 0)
        return rc;
    spaces = bench->own;
    for (uint64_t i = 0; i < 2; i++)
        spaces->roots[i] |= UINT64_C(1) << 63 | (i + 1);
    return 0;
}

static void close_spaces(struct event_bench *bench)
{
    free(bench->own);
}

static int run_spaces(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const struct spaces *spaces = bench->own;
    struct workload_job *job = bench->place.image->job;
    laps_load(bench, &bench->data, &spaces->layout);
    job->cursor[1] = spaces->roots[0];
    job->cursor[2] = spaces->roots[1];
    return event_call(bench, "event-laps-space", count, run, error);
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
#define SPACES_WAY(function)                                                                                 \
    {                                                                                                        \
        .run = run_spaces, .open = function, .close = close_spaces, .kernel = true, .data_bytes = EVENT_SIZE \
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
        .guest = {.run = run_pte_change, .kernel = true, .handling = true, .data_bytes = DATA_BYTES},
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
        .guest = {.run = run_flush_page, .kernel = true, .handling = true, .data_bytes = DATA_BYTES},
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
        .guest = {.entry = "event-flush-full", .kernel = true},
    },
    {
        .name = "stay-space",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "touching one line a page in the guest's kernel, in one address space",
        .article = ARTICLE_SPACES,
        .source = "SDM volume 3, 4.10 (PCID)",
        .steps = "A list through one line of each 4 KiB page is walked once around, again and again; each "
                 "lap is timed.",
        .advice = "This is what switch-space is held against.",
        .sizes = sizes,
        .native = NO_SPACES,
        .guest = SPACES_WAY(open_one_space),
    },
    {
        .name = "switch-space",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after a change to another address space of the guest, without PCID",
        .article = ARTICLE_SPACES,
        .source = "SDM volume 3, 4.10 (PCID)",
        .steps = "Before each lap CR3 is loaded with the other of two roots that map the same; only the lap "
                 "is timed: what it "
                 "costs more is what was flushed.",
        .advice = "PCID lets each address space keep its entries: see that the guest has it (pcid in "
                  "/proc/cpuinfo).",
        .sizes = sizes,
        .against = "stay-space",
        .native = NO_SPACES,
        .guest = SPACES_WAY(open_two_spaces),
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
        .guest = SPACES_WAY(open_tagged_spaces),
    },
};

const struct event_family events_tables = EVENT_FAMILY(rows);
