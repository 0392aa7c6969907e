#include "cli/chase_options.h"

#include "host/memory.h"
#include "model/model.h"
#include "workload/chase.h"

#include <errno.h>
#include <string.h>

static struct choice order_choice(size_t index)
{
    if (index >= CHASE_ORDERS)
        return (struct choice){NULL, NULL};
    return (struct choice){chase_orders[index].name, chase_orders[index].summary};
}

static const struct {
    struct choice choice;
    uint64_t bytes;
} pages[] = {
    {{"4K", "4096 bytes"}, 4 * KIB},
    {{"2M", "2 MiB"}, 2 * MIB},
    {{"1G", "1 GiB"}, GIB},
};

struct choice chase_page_choice(size_t index)
{
    return index < sizeof pages / sizeof pages[0] ? pages[index].choice : (struct choice){NULL, NULL};
}

static struct choice source_choice(size_t index)
{
    static const char *const summaries[] = {
        [MEMORY_AUTO] = "4K small, 2M transparent huge pages, 1G hugetlb",
        [MEMORY_SMALL] = "4K pages alone",
        [MEMORY_THP] = "2M, transparent huge pages as the kernel has them at hand",
        [MEMORY_COLLAPSE] = "2M, joined from small ones after touching (Linux 6.1)",
        [MEMORY_HUGETLB] = "2M or 1G of those that root has reserved",
    };
    if (index >= sizeof summaries / sizeof summaries[0])
        return (struct choice){NULL, NULL};
    return (struct choice){memory_source_name((enum memory_source)index), summaries[index]};
}

uint64_t chase_page_bytes(unsigned choice)
{
    return pages[choice].bytes;
}

#define FIELD(member) .offset = offsetof(struct chase_options, member)

static const struct option_spec what_options[] = {
    {.name = "working-set",
        .kind = OPTION_SIZE_RANGE,
        FIELD(working_set),
        .value_name = "SIZE[..SIZE]",
        .fallback = "4K..1G",
        .quick = "4K..256M",
        .help = "How much memory the chase goes through, from the smallest to the largest working set; "
                "one SIZE measures that one alone. An order starts at the first that holds an element of its "
                "own: line-per-large-page at 2M. Sizes are bytes, or end in K, M, G or T (powers of 1024)."},
    {.name = "per-octave",
        .kind = OPTION_NUMBER,
        FIELD(per_octave),
        .value_name = "N",
        .fallback = "2",
        .quick = "1",
        .min = 1,
        .max = CHASE_PER_OCTAVE_MAX,
        .help = "How many working sets for each doubling of the size."},
    {.name = "npad",
        .kind = OPTION_NUMBER_LIST,
        FIELD(npad),
        .value_name = "N[,N...]",
        .fallback = "7",
        .min = 0,
        .max = CHASE_NPAD_MAX,
        .help = "Padding of an element in words of 8 bytes, as in the article: an element is 8*(1+N) "
                "bytes. 7 makes it one cache line of 64 bytes, 511 a page of 4096. Several values give a "
                "curve each. The orders line-per-page, packed, scattered and line-per-large-page always "
                "use one 64-byte line."},
    {.name = "order",
        .kind = OPTION_CHOICE_LIST,
        FIELD(orders),
        .value_name = "ORDER[,ORDER...]",
        .fallback = "random",
        .choice = order_choice,
        .help = "In which order the elements are visited; several give a curve each:"},
    {.name = "write",
        .kind = OPTION_FLAG,
        FIELD(write),
        .help = "Each hop also changes the word after the pointer, so that cache lines become dirty and "
                "must be written back. Needs elements of at least 16 bytes (--npad 1)."},
    {.name = "chains",
        .kind = OPTION_NUMBER,
        FIELD(chains),
        .value_name = "N",
        .fallback = "1",
        .min = 1,
        .max = CHASE_CHAINS_MAX,
        .help = "How many independent chains are walked at once, 1 to 8, on the same list: more than one "
                "lets the CPU overlap misses. Times are per hop."},
};

struct choice technique_choice(size_t index)
{
    static const char *const summaries[MODEL_TECHNIQUES] = {
        [MODEL_NATIVE] = "no guest: what the others are compared with",
        [MODEL_DIRECT] = "the guest's own tables, each change asked for (paravirtualization)",
        [MODEL_SHADOW] = "tables that the monitor makes of the guest's and its own",
        [MODEL_NESTED] = "the CPU walks both, the guest's and the monitor's",
        [MODEL_AGILE] = "shadow, and nested for tables that change",
    };
    return index < MODEL_TECHNIQUES ? (struct choice){model_technique_names[index], summaries[index]}
                                    : (struct choice){NULL, NULL};
}

static struct choice frames_choice(size_t index)
{
    static const struct choice choices[FRAME_ORDERS] = {
        [FRAMES_IN_ORDER] = {"in-order", "one after the other, as on a machine that has just been started"},
        [FRAMES_SCATTERED] = {"scattered", "anywhere, as on one that has run for a while"},
        [FRAMES_FRAGMENTED] = {"fragmented", "in order, but for a share of --fragmented"},
    };
    return index < FRAME_ORDERS ? choices[index] : (struct choice){NULL, NULL};
}

const struct chase_nodes chase_nodes[] = {
    {{"local", "all of it near"}, NODE_LOCAL, true},
    {{"remote", "all of it on another node"}, NODE_REMOTE, true},
    {{"interleaved", "on two nodes in turns; the guest knows and takes near frames"}, NODE_INTERLEAVED, true},
    {{"hidden", "on two nodes in turns, and the guest does not know"}, NODE_INTERLEAVED, false},
};

static struct choice nodes_choice(size_t index)
{
    return index < sizeof chase_nodes / sizeof chase_nodes[0] ? chase_nodes[index].choice
                                                              : (struct choice){NULL, NULL};
}

static const enum frame_order usual_frames = FRAMES_SCATTERED;
static const double usual_fragmented = 10;

static const struct option_spec model_options[] = {
    {.name = "technique",
        .kind = OPTION_CHOICE_LIST,
        FIELD(techniques),
        .value_name = "NAME[,NAME...]",
        .fallback = "native,nested",
        .choice = technique_choice,
        .help =
            "How the simulated machines of --on model:NAME virtualize memory. Their figures are modelled, "
            "not measured, and compared with the same machine's native ones. One or more of:"},
    {.name = "hypothetical",
        .kind = OPTION_FLAG,
        FIELD(hypothetical),
        .help =
            "Also simulate techniques that a machine does not have, such as nested paging on the Core 2."},
    {.name = "rates",
        .kind = OPTION_TEXT,
        FIELD(rates),
        .value_name = "EVENT=N[/s],...",
        .default_note = "the list's accesses alone",
        .help =
            "What simulated machines experience beside the list's accesses, so many a million accesses, or "
            "with /s a second of modelled time: faults (page faults of the guest), pte-changes, switches "
            "(to another process and back), exits, ticks (of the timer), flushes (of the TLBs), turns (of "
            "--domains) and scans (agile paging looks which tables are left alone). This is what shadow "
            "paging pays for, by --sync."},
    {.name = "frames", /* usual_frames */
        .kind = OPTION_CHOICE,
        FIELD(frames),
        .value_name = "ORDER",
        .fallback = "scattered",
        .choice = frames_choice,
        .help = "In which order simulated machines give out the frames of their memory:"},
    {.name = "fragmented",
        .kind = OPTION_PERCENT,
        FIELD(fragmented),
        .value_name = "PERCENT",
        .fallback = "10%", /* usual_fragmented */
        .help = "How many frames are anywhere with --frames fragmented."},
    {.name = "fresh",
        .kind = OPTION_FLAG,
        FIELD(fresh),
        .help =
            "The host gives the simulated guest a page only when it first touches it, and page faults get "
            "frames that were never used; else all frames have been used before."},
    {.name = "memory-nodes",
        .kind = OPTION_CHOICE,
        FIELD(nodes),
        .value_name = "PLACE",
        .fallback = "local",
        .choice = nodes_choice,
        .help =
            "Where the memory of simulated domains is, seen from their CPU. A native kernel always knows:"},
    {.name = "domains",
        .kind = OPTION_NUMBER,
        FIELD(domains),
        .value_name = "N",
        .fallback = "1",
        .min = 1,
        .max = MODEL_DOMAINS_MAX,
        .help =
            "How many simulated domains (natively: programs) walk lists of their own in turns on one core; a "
            "turn is 10000 accesses, if --rates does not say turns."},
    {.name = "demand-paging",
        .kind = OPTION_FLAG,
        FIELD(demand),
        .help =
            "After each lap the list's pages are given back to the simulated kernel (a change of the entry "
            "and a flush for each, as munmap() does), and the next lap has each faulted in when it is first "
            "touched: page faults and changes of page tables that come from the workload, in its order. "
            "With --code of its code."},
    {.name = "copy-on-write",
        .kind = OPTION_FLAG,
        FIELD(forks),
        .help =
            "After each lap the simulated program forks: a store makes each of the list's pages read-only, "
            "one flush ends it, and in the next lap the first store to each page is a page fault that copies "
            "it. With --write."},
    {.name = "processes",
        .kind = OPTION_NUMBER,
        FIELD(processes),
        .value_name = "N",
        .fallback = "1",
        .min = 1,
        .max = MODEL_PROCESSES_MAX,
        .help =
            "How many processes of one simulated kernel walk lists of their own, a lap each in turn, with "
            "a context switch between. With --demand-paging or --copy-on-write each does that, too."},
    {.name = "code",
        .kind = OPTION_FLAG,
        FIELD(code),
        .help = "The list is fetched as code: what instruction TLBs and caches cost. On simulated machines "
                "alone."},
};

static const struct option_spec account_option[] = {
    {.name = "explain",
        .kind = OPTION_FLAG,
        FIELD(explain),
        .only_shows = true,
        .help = "Also tell where the cycles of simulated accesses went, as tables and stacked charts: data "
                "by the level that served it, TLBs, entries of the guest's and the host's page tables by "
                "level, exits, faults. The parts add up to the whole."},
};

static const struct option_spec memory_options[] = {
    {.name = "guest-page",
        .kind = OPTION_CHOICE_LIST,
        FIELD(guest_pages),
        .value_name = "SIZE[,SIZE...]",
        .fallback = "4K",
        .choice = chase_page_choice,
        .help = "Page sizes of the guest's own tables; several are measured side by side, each with each "
                "--host-page:"},
    {.name = "host-page",
        .kind = OPTION_CHOICE_LIST,
        FIELD(host_pages),
        .value_name = "SIZE[,SIZE...]",
        .fallback = "4K",
        .choice = chase_page_choice,
        .help = "Page sizes of the host's memory, below the guest and for native. What was obtained is "
                "proved and reported; other pages than asked for are marked. One or more of:"},
    {.name = "host-source",
        .kind = OPTION_CHOICE,
        FIELD(host_source),
        .value_name = "SOURCE",
        .fallback = "auto",
        .choice = source_choice,
        .help = "Where the host's pages come from. Nothing is reserved or switched on for it:"},
    {.name = "numa-node",
        .kind = OPTION_NUMBER_LIST,
        FIELD(numa_nodes),
        .value_name = "N[,N...]",
        .min = 0,
        .max = NUMA_NODES_MAX - 1,
        .default_note = "wherever the kernel places it",
        .help = "Place the memory on these NUMA nodes and on no other, before it is touched."},
    {.name = "lock",
        .kind = OPTION_FLAG,
        FIELD(lock),
        .help = "Lock the memory with mlock(2), so that it cannot be swapped out. Needs a limit on "
                "locked memory (ulimit -l) of at least the largest working set."},
};

/* The largest working set of one curve: if that one cannot be, none can. A curve starts where it can. */
static struct chase_shape largest_shape(const struct chase_options *options, enum chase_order order, int npad)
{
    return (struct chase_shape){.working_set_bytes = options->working_set.last,
        .element_bytes = chase_single_lines(order) ? (uint32_t)CHASE_LINE_BYTES : 8 * (1 + (uint32_t)npad),
        .order = order,
        .write = options->write,
        .chains = (unsigned)options->chains};
}

static int check_shapes(const struct chase_options *options, struct error *error)
{
    for (size_t i = 0; i < options->orders.count; i++)
        for (size_t j = 0; j < options->npad.count; j++) {
            struct chase_shape shape =
                largest_shape(options, (enum chase_order)options->orders.indices[i], options->npad.values[j]);
            int result = chase_check(&shape, error);
            if (result)
                return result;
        }
    return 0;
}

/* An agent's memory is placed by its own machine: what is not carried over must not look as if it were. */
static int check_places(const struct chase_options *options, struct error *error)
{
    for (size_t i = 0; options->numa_nodes.count && i < options->common.on.count; i++)
        if (on_command(&options->common.on, i))
            return error_set(error, EINVAL,
                "--numa-node does not reach another machine: start its agent under numactl --membind "
                "instead");
    return 0;
}

/* What nothing but a simulated machine takes notice of. */
static const char *for_models(const struct chase_options *options)
{
    return options->rates                    ? "--rates"
           : options->hypothetical           ? "--hypothetical"
           : options->fresh                  ? "--fresh"
           : options->domains > 1            ? "--domains"
           : options->frames != usual_frames ? "--frames"
           : !chase_nodes[options->nodes].told || chase_nodes[options->nodes].node != NODE_LOCAL
               ? "--memory-nodes"
               : NULL;
}

/* What only simulated machines can do. */
static int check_modelled(const struct chase_options *options, struct error *error)
{
    struct event_rates rates;
    bool all = options->common.on.count > 0, some = false;
    for (size_t i = 0; i < options->common.on.count; i++) {
        const bool model = strncmp(options->common.on.names[i], "model:", 6) == 0;
        all &= model;
        some |= model;
    }
    const char *laps = options->demand          ? "--demand-paging"
                       : options->forks         ? "--copy-on-write"
                       : options->processes > 1 ? "--processes"
                                                : NULL,
               *simulated = laps            ? laps
                            : options->code ? "--code"
                                            : NULL;
    if (!some && for_models(options))
        return error_set(error, EINVAL, "%s is for simulated machines: --on model:NAME", for_models(options));
    if (options->frames != FRAMES_FRAGMENTED && options->fragmented != usual_fragmented)
        return error_set(error, EINVAL, "--fragmented goes with --frames fragmented");
    if (simulated && !all)
        return error_set(error, EINVAL, "%s runs on simulated machines alone: --on model:NAME", simulated);
    if (laps && options->domains > 1)
        return error_set(error, EINVAL, "%s is of one domain: leave --domains out", laps);
    if (options->processes > 1 && options->rates)
        return error_set(error, EINVAL, "--rates does not know which of --processes it is of: one of them");
    if (options->forks && options->demand)
        return error_set(error, EINVAL, "a lap ends with --demand-paging or with --copy-on-write");
    if (options->forks && !options->write)
        return error_set(error, EINVAL, "--copy-on-write copies what is stored to: --write");
    if (options->fragmented > 100)
        return error_set(error, EINVAL, "--fragmented is at most 100%%");
    if (options->code && options->write)
        return error_set(error, EINVAL, "--code fetches and --write stores: one of them");
    return options->rates ? event_rates_parse(options->rates, &rates, error) : 0;
}

static int check(const void *fields, struct error *error)
{
    const struct chase_options *options = fields;
    int rc = output_options_check(&options->common.output, error);
    if (rc == 0)
        rc = table_options_check(&options->common.tables, error);
    if (rc == 0)
        rc = check_places(options, error);
    if (rc == 0)
        rc = check_modelled(options, error);
    return rc < 0 ? rc : check_shapes(options, error);
}

const struct command command_chase = {
    .name = "chase",
    .summary = "a pointer chase over growing working sets, native against guest",
    .description =
        {
            "Measures what one dependent memory access costs, natively and inside a virtual machine, for "
            "working sets from a few KiB to a GiB. This is the micro-benchmark of Ulrich Drepper's "
            "article \"The Cost of Virtualization\" (ACM Queue 6(1), 2008), figure 2: a list of elements "
            "in one cycle, each holding the address of the next, so that no access can start before the "
            "one before it is done.",
            "The same machine code walks the same list in every place. Samples are short, taken in turns, "
            "and repeated where something disturbed them; each working set is measured in several "
            "placements of its memory. The table and the plot show the slowdown in per cent over native "
            "with its 95% confidence interval, and the latency in nanoseconds for each access.",
            "Nothing of the system is changed, and no privilege is needed beyond access to /dev/kvm.",
        },
    .groups =
        {
            OPTION_GROUP("What is chased", what_options, 0),
            OPTION_GROUP("Where it runs", on_or_model_option, offsetof(struct chase_options, common.on)),
            OPTION_GROUP(NULL, model_options, 0),
            OPTION_GROUP(NULL, account_option, 0),
            OPTION_GROUP(NULL, cpu_option, offsetof(struct chase_options, common.cpu)),
            OPTION_GROUP(NULL, table_options, offsetof(struct chase_options, common.tables)),
            OPTION_GROUP(NULL, memory_options, 0),
            MEASURE_GROUPS(struct chase_options, common),
            HELP_GROUP,
        },
    .examples =
        {
            {"vcost chase", "The whole curve with everything that this host can run"},
            {"vcost chase --quick", "A first impression"},
            {"vcost chase --json chase.json --html chase.html", "Keep the result, and a page to show it"},
            {"vcost chase --working-set 64M --order random,random-in-page",
                "One size: what the TLB adds to the caches"},
            {"vcost chase --order line-per-page,packed --working-set 64K..64M",
                "TLB misses alone: as many lines, one in each page against side by side"},
            {"vcost chase --guest-page 4K,2M --host-page 4K,2M --quick",
                "The matrix of page sizes: large pages help most where both levels have them"},
            {"vcost chase --npad 7,63 --per-octave 1", "Elements of 64 and of 512 bytes"},
            {"vcost chase --on native --csv - | column -s, -t",
                "This machine's latencies alone, as a table of values"},
            {"vcost chase --on native,paravirt,shadow",
                "The article's two older techniques beside native; needs no /dev/kvm"},
            {"vcost chase --on native --on 'command:ssh guest vcost agent'",
                "This machine against a virtual machine of your own; see vcost-agent(1)"},
            {"vcost chase --on native,model:barcelona --technique native,nested",
                "Beside this machine, what the article's AMD machine would pay for nested paging"},
            {"vcost chase --on model:core2-merom --technique native,shadow --rates faults=50,ticks=250/s",
                "What shadow paging pays for on a machine without nested paging"},
            {"vcost chase --on model:zen3-milan --technique native,nested --explain",
                "A machine that is not at hand, and where its cycles go; nothing is measured"},
            {"vcost chase --write --chains 4 --time 30s",
                "Dirty lines and four misses at a time, within half a minute"},
        },
    .exit_notes =
        {
            STOPPED_NOTE,
        },
    .files =
        {
            {"/dev/kvm", "Must be readable and writable for the runner kvm; on Debian that is membership in "
                         "the group kvm."},
        },
    .see_also = {"vcost(1)", "vcost-events(1)", "vcost-compare(1)", "vcost-report(1)", "vcost-list(1)",
        "vcost-agent(1)"},
    .options_bytes = sizeof(struct chase_options),
    .check = check,
    .run = cmd_chase_run,
};
