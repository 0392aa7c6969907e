/* Executing code: a chain of jumps through it. */
#include "event/laps.h"

#include "base/size.h"
#include "host/effect.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { JUMP = 0xe9, RETURN = 0xc3, JUMP_BYTES = 5 }; /* JMP rel32, RET (SDM volume 2) */

/* At each place of the layout a jump to the next one; at the last a return. All within 64 MiB: rel32 reaches.
 */
static void write_jumps(char *base, const struct chase_layout *layout)
{
    for (uint64_t i = 0; i < layout->elements; i++) {
        uint64_t here = chase_layout_offset(layout, i);
        if (i + 1 == layout->elements) {
            base[here] = (char)RETURN;
            return;
        }
        int32_t distance = (int32_t)(chase_layout_offset(layout, i + 1) - here - JUMP_BYTES);
        base[here] = (char)JUMP;
        memcpy(base + here + 1, &distance, sizeof distance);
    }
}

static struct chase_layout layout_of(const struct event_bench *bench, enum chase_order order)
{
    struct chase_shape shape = {bench->bytes, CHASE_LINE_BYTES, order, false, 1};
    return chase_layout_make(&shape, 1);
}

static int open_code(struct event_bench *bench, enum chase_order order, struct error *error)
{
    struct chase_layout layout = layout_of(bench, order);
    write_jumps(bench->data.base, &layout);
    if (mprotect(bench->data.base, bench->data.bytes, PROT_READ | PROT_EXEC) < 0)
        return error_errno(error, errno, "cannot make memory executable");
    if (effect_can_write(bench->data.base)) /* it would no longer be writable */
        return error_set(error, EPROTO, "the kernel says that it made memory executable, and did nothing");
    if (bench->data.page_bytes > 4 * KIB)
        return memory_check_obtained(&bench->data, 0, bench->data.bytes, error);
    return 0;
}

static int open_lines(struct event_bench *bench, struct error *error)
{
    return open_code(bench, CHASE_RANDOM, error);
}

static int open_packed(struct event_bench *bench, struct error *error)
{
    return open_code(bench, CHASE_PACKED, error);
}

static int open_pages(struct event_bench *bench, struct error *error)
{
    return open_code(bench, CHASE_LINE_PER_PAGE, error);
}

/* `count` jumps, rounded up to whole calls of the chain. */
static int run_jumps(struct event_bench *bench, enum chase_order order, uint64_t count, struct event_run *run,
    struct error *error)
{
    struct chase_layout layout = layout_of(bench, order);
    uint64_t calls = (count + layout.elements - 1) / layout.elements;
    bench->place->image->job->first = (uintptr_t)bench->data.base + chase_layout_offset(&layout, 0);
    int rc = event_call(bench, "event-jumps", calls, run, error);
    run->count = calls * layout.elements;
    return rc;
}

static int run_lines(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_jumps(bench, CHASE_RANDOM, count, run, error);
}

static int run_packed(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_jumps(bench, CHASE_PACKED, count, run, error);
}

static int run_pages(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_jumps(bench, CHASE_LINE_PER_PAGE, count, run, error);
}

static const uint64_t line_sizes[] = {4 * KIB, 32 * KIB, 256 * KIB, MIB, 4 * MIB, 0};
static const uint64_t page_sizes[] = {64 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 0};

#define WAY(which, page)                                                                                     \
    .run = run_##which, .open = open_##which, .data_bytes = EVENT_SIZE, .code = true, .data_page_bytes = page
#define ARTICLE                                                                                              \
    "Code needs cache lines and TLB entries as data does, and a miss costs a guest the longer walk: small "  \
    "code that "                                                                                             \
    "is laid out in the order of its execution pays."
#define SOURCE "The article; Drepper, \"What Every Programmer Should Know About Memory\" (2007), 6.2.2"

static const struct event rows[] = {
    {
        .name = "code-lines",
        .group = EVENT_CODE,
        .unit = "jump",
        .summary = "a jump in every cache line of code, in random order",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A chain of jumps visits each 64-byte line of the code once, in random order, and returns; "
                 "it is called "
                 "again and again. While the code fits the instruction cache a jump costs a cycle or two, "
                 "then what it "
                 "takes to fetch the line.",
        .advice = "Keep hot code small: -Os for what runs seldom, no needless inlining.",
        .sizes = line_sizes,
        .native = {WAY(lines, 4 * KIB)},
        .guest = {WAY(lines, 4 * KIB)},
    },
    {
        .name = "code-packed",
        .group = EVENT_CODE,
        .unit = "jump",
        .summary = "as many jumps as code-page, side by side",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "As many jumps as code-page of the same size has, each in a line of its own, the lines side "
                 "by side.",
        .advice = "This is what code-page is held against.",
        .sizes = page_sizes,
        .native = {WAY(packed, 4 * KIB)},
        .guest = {WAY(packed, 4 * KIB)},
    },
    {
        .name = "code-page",
        .group = EVENT_CODE,
        .unit = "jump",
        .summary = "one jump in each 4 KiB page of code",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A chain of jumps with one jump in each page, in random order and in a random line of the "
                 "page: what it "
                 "costs more than code-packed is the instruction TLB's.",
        .advice = "Order functions by their use (profile-guided, -ffunction-sections with a linker's order "
                  "file), or put "
                  "code into large pages.",
        .sizes = page_sizes,
        .against = "code-packed",
        .native = {WAY(pages, 4 * KIB)},
        .guest = {WAY(pages, 4 * KIB)},
    },
    {
        .name = "code-packed-2m",
        .group = EVENT_CODE,
        .unit = "jump",
        .summary = "code-packed in 2 MiB pages, at both levels",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "As code-packed; the code lies in transparent large pages, which is checked, and the "
                 "guest's own tables "
                 "have large pages too.",
        .advice = "This is what code-page-2m is held against.",
        .sizes = page_sizes,
        .native = {WAY(packed, 2 * MIB)},
        .guest = {WAY(packed, 2 * MIB)},
    },
    {
        .name = "code-page-2m",
        .group = EVENT_CODE,
        .unit = "jump",
        .summary = "code-page in 2 MiB pages, at both levels",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "As code-page; the code lies in transparent large pages, which is checked, and the guest's "
                 "own tables "
                 "have large pages too.",
        .advice = "If it costs much less than code-page, put the program's text into large pages.",
        .sizes = page_sizes,
        .against = "code-packed-2m",
        .native = {WAY(pages, 2 * MIB)},
        .guest = {WAY(pages, 2 * MIB)},
    },
};

const struct event_family events_code = EVENT_FAMILY(rows);
