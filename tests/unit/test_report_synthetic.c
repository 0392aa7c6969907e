#include "test_report_synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS_MAX = 2000, SAMPLES = 6 };

struct synthetic synthetic_usual(void)
{
    return (struct synthetic){
        .monitors = {"native", "kvm"},
        .orders = {CHASE_RANDOM},
        .order_count = 1,
        .first_bytes = 4096,
        .last_bytes = UINT64_C(1) << 30,
        .step = 1,
        .cost = 0.12,
        .noise = 0.01,
        .placements = 4,
        .page_pairs = 1,
        .is_guest = true,
    };
}

static uint64_t state;

/* Between -1 and 1. */
static double noise(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

/* A latency as the machines of the notes have it: steps at the caches. */
static double latency(double bytes, enum chase_order order)
{
    static const double steps[][2] = {{32e3, 2.6}, {512e3, 9}, {16e6, 85}, {256e6, 30}};
    double ns = 1.25;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        ns += steps[i][1] / (1 + pow(steps[i][0] / bytes, 2));
    return order == CHASE_RANDOM ? ns : 1.2 + (ns - 1.2) * 0.15 * (order + 1);
}

static void make_host(struct result *result, const struct synthetic *recipe)
{
    struct host *host = &result->host;
    *host = (struct host){
        .kernel = fact_known("6.18.5"),
        .memory_bytes = UINT64_C(8) << 30,
        .memory_available_bytes = UINT64_C(6) << 30,
        .caches = {{1, "data", 32768, 64, 8, 1}, {1, "instruction", 32768, 64, 8, 1},
            {2, "unified", 524288, 64, 8, 1}, {3, "unified", 33554432, 64, 16, 2}},
        .cache_count = 4,
        .tlbs = {{1, "data", 4096, 64, 0}, {2, "data", 4096, 2048, 8}},
        .tlb_count = 2,
        .tlb_source = fact_known("CPUID 8000_0005h, 8000_0006h"),
        .topology = fact_known("hwloc"),
        .cpus_online = 2,
        .numa_nodes = fact_known("1"),
        .thp = fact_known("madvise"),
        .hugetlb = {{2097152, 0, 0}},
        .hugetlb_count = 1,
        .is_guest = recipe->is_guest,
        .guest_of = recipe->is_guest ? fact_known("kvm") : fact_unknown("CPUID tells of no hypervisor"),
        .governor = fact_unknown("no cpufreq driver in /sys"),
        .turbo = fact_unknown("no boost file in /sys"),
        .smt = fact_known("off"),
        .mitigations = {{"spectre_v2", "Mitigation: Retpolines"}},
        .mitigation_count = 1,
        .mitigations_source = fact_known("/sys"),
        .cgroup_memory_limit = fact_unknown("no limit"),
    };
    strcpy(host->cpu.vendor, "AuthenticAMD");
    host->cpu.brand = fact_known("AMD EPYC 7B13");
    host->cpu.model = 1;
    host->cpu.family = 25;
    host->cpu.microcode = fact_unknown("hidden by the hypervisor");
    host->cpu.features = strdup("fpu sse2 avx2");
}

static void make_kvm(struct monitor_facts *kvm)
{
    *kvm = (struct monitor_facts){
        .name = "kvm",
        .usable = true,
        .technique = TECHNIQUE_SHADOW,
        .technique_proof = "64 aliases of one page took 63 faults",
        .provider = fact_known("kvm_pvm"),
        .parameters = {{"halt_poll_ns", "200000"}},
        .parameter_count = 1,
        .syscall_privilege = 3,
        .quirks = {"SYSCALL stays at CPL 3"},
        .quirk_count = 1,
    };
}

static bool is_native(const char *monitor)
{
    return !strcmp(monitor, "native");
}

static void make_samples(struct result_cell *cell, double ns, const struct synthetic *recipe)
{
    cell->sample_count = SAMPLES * recipe->placements;
    cell->samples = calloc(cell->sample_count, sizeof *cell->samples);
    for (size_t i = 0; i < cell->sample_count; i++)
        cell->samples[i] = (struct result_sample){
            .ns = ns * (1 + recipe->noise * noise()),
            .round = (unsigned)(i % SAMPLES),
            .placement = (unsigned)(i / SAMPLES),
        };
    cell->placements = recipe->placements;
    bool interval = recipe->placements > 1;
    cell->median = ns;
    cell->low = interval ? ns * (1 - recipe->noise) : NAN;
    cell->high = interval ? ns * (1 + recipe->noise) : NAN;
    cell->min = ns * (1 - 1.2 * recipe->noise);
}

static void make_cell(struct result *result, const struct synthetic *recipe, const char *monitor,
    enum chase_order order, uint64_t bytes, unsigned pair)
{
    struct result_cell *cell = &result->cells[result->cell_count++];
    uint64_t page = pair ? 2097152 : 4096;
    cell->cell = (struct cell){
        .monitor = monitor,
        .workload = chase_workload(&(struct chase_shape){
            .working_set_bytes = bytes, .element_bytes = 64, .order = order, .chains = 1}),
        .guest_page_bytes = is_native(monitor) ? 0 : page,
        .host_page_bytes = page,
    };
    cell_id(&cell->cell, cell->id);
    cell->technique = is_native(monitor) ? TECHNIQUE_NONE : TECHNIQUE_SHADOW;
    if (!strcmp(monitor, "kvm"))
        monitor_label(&result->monitors[0], "kvm", cell->label);
    else
        snprintf(cell->label, sizeof cell->label, "%s", monitor);
    cell->pages = (struct page_proof){
        is_native(monitor) ? 0 : page, pair ? 1.0 : 0.0, 0, true, "smaps: AnonHugePages 0 kB"};
    cell->counters = (struct result_counters){true, 12, 0};
    cell->repeated = bytes > 1048576 ? 2 : 0;
    double share = log2((double)bytes / (double)recipe->first_bytes) /
                   fmax(1, log2((double)recipe->last_bytes / (double)recipe->first_bytes));
    double slowdown = is_native(monitor) ? 0 : recipe->cost * share * share;
    double ns =
        latency((double)bytes, order) * (1 + slowdown) * (1 + recipe->noise * noise()) * (pair ? 0.8 : 1);
    make_samples(cell, ns, recipe);
}

static void compare(struct result *result, const struct synthetic *recipe, size_t cell, size_t baseline)
{
    double ratio = result->cells[cell].median / result->cells[baseline].median;
    bool interval = recipe->placements > 1;
    double half = recipe->noise * (1 + 0.7 * noise());
    result->comparisons[result->comparison_count++] = (struct result_comparison){
        .cell = cell,
        .baseline = baseline,
        .ratio = ratio,
        .low = interval ? ratio - half : NAN,
        .high = interval ? ratio + half : NAN,
        .placements = recipe->placements,
    };
}

static void spoil(struct result_cell *cell, enum quality quality, const char *reason)
{
    cell->quality = quality;
    snprintf(cell->reason, sizeof cell->reason, "%s", reason);
    if (quality != QUALITY_MISSING)
        return;
    cell->median = cell->low = cell->high = cell->min = NAN;
    cell->sample_count = 0;
    cell->placements = 0;
}

static void blemish(struct result *result)
{
    size_t last = result->cell_count - 1;
    spoil(&result->cells[1], QUALITY_NOISY, "most samples were disturbed (steal)");
    spoil(&result->cells[3], QUALITY_INTERRUPTED, "1 of 4 placements");
    spoil(&result->cells[last], QUALITY_MISSING, "stopped before its first sample");
    for (size_t i = 0; i < result->comparison_count; i++)
        if (result->comparisons[i].cell == last)
            result->comparisons[i].ratio = result->comparisons[i].low = result->comparisons[i].high = NAN;
    result->complete = false;
    strcpy(result->incomplete_reason, "stopped by the user");
}

static void make_cells(struct result *result, const struct synthetic *recipe)
{
    for (unsigned order = 0; order < recipe->order_count; order++)
        for (uint64_t bytes = recipe->first_bytes; bytes <= recipe->last_bytes; bytes <<= recipe->step)
            for (unsigned pair = 0; pair < recipe->page_pairs; pair++) {
                size_t baseline = result->cell_count;
                for (size_t i = 0; recipe->monitors[i]; i++) {
                    make_cell(result, recipe, recipe->monitors[i], recipe->orders[order], bytes, pair);
                    if (i && is_native(recipe->monitors[0]))
                        compare(result, recipe, result->cell_count - 1, baseline);
                }
            }
}

/* Of the first curve's native cells; SIZE_MAX: there is none of that size. */
static size_t native_cell(const struct result *result, uint64_t bytes)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (is_native(result->cells[i].cell.monitor) &&
            workload_size(&result->cells[i].cell.workload) == bytes)
            return i;
    return SIZE_MAX;
}

static void add_reach(struct result *result, uint64_t from, uint64_t to, const char *name, uint64_t told)
{
    size_t last = native_cell(result, from), first = native_cell(result, to);
    if (last == SIZE_MAX || first == SIZE_MAX)
        return;
    struct result_reach reach = {
        .last = last,
        .first = first,
        .kind = name[0] ? REACH_CACHE : REACH_UNKNOWN,
        .from_bytes = from,
        .to_bytes = to,
        .told_bytes = told,
        .below_ns = result->cells[last].median,
        .above_ns = result->cells[first].median,
        .sureness = name[0] ? 40 : INFINITY,
    };
    strcpy(reach.name, name);
    result->reaches[result->reach_count++] = reach;
}

static void add_reaches(struct result *result)
{
    result->reaches = calloc(3, sizeof *result->reaches);
    add_reach(result, 32768, 65536, "L1d", 32768);
    add_reach(result, 4 << 20, 8 << 20, "L3", 32 << 20);
    add_reach(result, 256 << 20, 512 << 20, "", 0);
}

void synthetic_result(const struct synthetic *recipe, struct result *result)
{
    static char *const command[] = {"vcost", "chase", "--quick"};
    state = 42;
    *result = (struct result){
        .started = "2025-11-24T06:00:00Z",
        .seconds = 41.2,
        .complete = true,
        .seed = 1,
        .cpu = 1,
        .tsc_ghz = 2.45,
        .experiment = "chase",
        .cells = calloc(CELLS_MAX, sizeof *result->cells),
        .comparisons = calloc(CELLS_MAX, sizeof *result->comparisons),
    };
    result_set_command(result, 3, command, NULL);
    make_kvm(&result->monitors[result->monitor_count++]);
    make_host(result, recipe);
    make_cells(result, recipe);
    if (recipe->reaches)
        add_reaches(result);
    if (recipe->blemishes)
        blemish(result);
}

/* ---- what was found ---- */

#define KNOWN(words)                                                                                         \
    {                                                                                                        \
        true, words                                                                                          \
    }
#define NO_INTERVAL .low = NAN, .high = NAN

static const struct finding synthetic_findings[] = {
    {"smt", "", FINDING_CPU, "SMT", FINDING_TOLD, UNIT_TEXT, KNOWN("off"), .number = NAN, NO_INTERVAL,
        "/sys/devices/system/cpu/smt", "as the hypervisor shows it, which can make it up"},
    {"mitigation", "spectre_v2", FINDING_CPU, "mitigation", FINDING_TOLD, UNIT_TEXT,
        KNOWN("Mitigation: Retpolines; IBPB: conditional; IBRS_FW; STIBP: disabled; RSB filling"),
        .number = NAN, NO_INTERVAL, "/sys/devices/system/cpu/vulnerabilities", ""},
    {"steal", "", FINDING_CPU, "time that others had of this CPU", FINDING_MEASURED, UNIT_SHARE, KNOWN(""),
        .number = 0.07, .low = 0.06, .high = 0.08, "/proc/stat", "steps of 10 ms"},
    {"tlb-entries", "L2 4K", FINDING_CACHES, "entries of the TLB", FINDING_TOLD, UNIT_COUNT, KNOWN(""),
        .number = 2048, NO_INTERVAL, "CPUID leaf 8000_0006h", ""},
    {"tlb-reach", "L2 4K", FINDING_CACHES, "reach of the TLB, in pages that were walked one line each",
        FINDING_MEASURED, UNIT_COUNT, KNOWN(""), .number = 1024, .low = 1024, .high = 1536, "a chase", ""},
    {"cache-bytes", "L1d", FINDING_CACHES, "size of the cache", FINDING_TOLD, UNIT_BYTES, KNOWN(""),
        .number = 32768, NO_INTERVAL, "CPUID leaf 8000_0005h", ""},
    {"memory", "", FINDING_MEMORY, "memory", FINDING_TOLD, UNIT_BYTES, KNOWN(""), .number = 549755813889,
        NO_INTERVAL, "/proc/meminfo", ""},
    {"first-touch", "2M fresh", FINDING_MEMORY, "first touch of a page", FINDING_MEASURED, UNIT_NS, KNOWN(""),
        .number = 312345, .low = 301000, .high = 320000, "vcost events", ""},
    {"clock-resolution", "", FINDING_CLOCK, "resolution of the clock", FINDING_TOLD, UNIT_NS, KNOWN(""),
        .number = 1, NO_INTERVAL, "clock_getres()", "", .detail = true},
    {"clock-source", "", FINDING_CLOCK, "clock source", FINDING_TOLD, UNIT_TEXT, KNOWN("kvm-clock"),
        .number = NAN, NO_INTERVAL, "/sys", ""},
    {"iommu", "", FINDING_KVM, "IOMMU", FINDING_TOLD, UNIT_YES_NO, KNOWN("dmar0 \"x\" \\ dmar1"), .number = 1,
        NO_INTERVAL, "/sys/class/iommu", ""},
    {"guest", "", FINDING_BELOW, "this machine is a guest", FINDING_TOLD, UNIT_YES_NO, KNOWN(""), .number = 1,
        NO_INTERVAL, "CPUID leaf 1", ""},
    {"splintered", "", FINDING_BELOW, "large pages splintered from below", FINDING_JUDGED, UNIT_YES_NO,
        KNOWN("partly"), .number = 1, NO_INTERVAL, "one line in each 4 KiB, in pages of 2 MiB",
        "the curve rises by 45 % of what small pages show"},
    {"slower", "", FINDING_BELOW, "a nested exit over a plain one", FINDING_JUDGED, UNIT_RATIO, KNOWN(""),
        .number = 2.5, .low = 2.25, .high = 2.75, "CPUID over RDTSC", ""},
    {"dedicated-cpus", "", FINDING_BELOW, "CPUs of the host for itself", FINDING_TOLD, UNIT_YES_NO,
        {false, "only KVM tells"}, .number = NAN, NO_INTERVAL, "CPUID leaf 4000_0001h", ""},
    {"exit-price", "", FINDING_BELOW, "an exit", FINDING_MEASURED, UNIT_NS, {false, "too noisy, \"very\""},
        .number = NAN, NO_INTERVAL, "", ""},
    {"dmi-product", "", FINDING_BELOW, "product", FINDING_TOLD, UNIT_TEXT,
        KNOWN("a|b \033[31m <c>\n\xff\\\"d, e"), .number = NAN, NO_INTERVAL, "/sys/class/dmi", ""},
};

static const struct remedy synthetic_remedies[] = {
    {"large-pages", "small pages miss the TLB where large ones do not",
        "use large pages: madvise(MADV_HUGEPAGE) for large data",
        "an access to one of 4096 lines, one in each page of 4 KiB", "the same in pages of 2 MiB", 25.1, 12.8,
        12.3, 11, 13.5},
    {"prefault", "each first touch of a page is a fault of its own", "use MAP_POPULATE",
        "the first touch of a page", "the same page prepared by MADV_POPULATE_WRITE", 1500, 400, 1100, NAN,
        NAN},
};

void synthetic_inspect(struct result *result)
{
    static char *const command[] = {"vcost", "inspect", "--verbose"};
    struct synthetic recipe = synthetic_usual();
    recipe.monitors[1] = NULL;
    recipe.orders[0] = CHASE_LINE_PER_PAGE;
    recipe.orders[1] = CHASE_PACKED;
    recipe.order_count = 2;
    recipe.first_bytes = 65536;
    recipe.page_pairs = 2;
    synthetic_result(&recipe, result);
    result_set_command(result, 3, command, NULL);
    result->experiment = "inspect";
    for (size_t i = 0; i < sizeof synthetic_findings / sizeof *synthetic_findings; i++)
        findings_add(&result->findings, &synthetic_findings[i], NULL);
    for (size_t i = 0; i < sizeof synthetic_remedies / sizeof *synthetic_remedies; i++)
        findings_add_remedy(&result->findings, &synthetic_remedies[i], NULL);
}
