/* inspect_told(): what is known becomes a finding, what is not stays in the list with its reason. */
#include "test_host_tree.h"

#include "base/size.h"
#include "host/below.h"
#include "inspect/told.h"

#include <math.h>

#define VIRTIO "/sys/bus/virtio/devices"
#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

/* What a test has built: a machine, what KVM does there, and what is told of both. */
struct story {
    struct host host;
    struct monitor_facts kvm;
    struct findings findings;
};

static void look(struct story *story)
{
    struct error error;
    *story = (struct story){.kvm.usable = false};
    assert_int_equal(host_look(&story->host, &error), 0);
}

/* Names are of [a-z0-9-]; no two of a name have one key; numbers are where they belong and nowhere else; all
 * say how, and the unknown why. */
static void assert_well_formed(const struct findings *findings)
{
    bool seen[FINDING_SECTIONS] = {false};
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool number = finding->value.known && finding->unit != UNIT_TEXT;
        seen[finding->section] = true;
        assert_true(finding->name[0] &&
                    !finding->name[strspn(finding->name, "abcdefghijklmnopqrstuvwxyz0123456789-")]);
        assert_ptr_equal(findings_find(findings, finding->name, finding->key), finding);
        assert_non_null(finding->title);
        assert_true(finding->how[0] != '\0');
        assert_true(number == (bool)isfinite(finding->number));
        assert_true(number || (bool)isnan(finding->number));
        assert_true((bool)isnan(finding->low) && (bool)isnan(finding->high));
        assert_true(number || finding->value.text[0] != '\0' || finding->source == FINDING_JUDGED);
        assert_true(finding->source != FINDING_MEASURED);
        if (number && finding->unit == UNIT_YES_NO)
            assert_true(finding->number == 0 || finding->number == 1);
    }
    for (size_t i = 0; i < FINDING_SECTIONS; i++)
        assert_true(seen[i]);
}

static void tell(struct story *story)
{
    struct error error;
    findings_free(&story->findings);
    assert_int_equal(inspect_told(&story->host, &story->kvm, &story->findings, &error), 0);
    assert_well_formed(&story->findings);
}

static void end(struct story *story)
{
    findings_free(&story->findings);
    host_free(&story->host);
}

static const struct finding *find(const struct story *story, const char *name, const char *key)
{
    const struct finding *finding = findings_find(&story->findings, name, key);
    if (!finding)
        fail_msg("no finding %s %s", name, key ? key : "");
    return finding;
}

static void assert_words(const struct story *story, const char *name, const char *key, const char *text)
{
    const struct finding *finding = find(story, name, key);
    assert_string_equal(finding->value.text, text);
    assert_true(finding->value.known);
}

static void assert_number(
    const struct story *story, const char *name, const char *key, enum unit unit, double number)
{
    const struct finding *finding = find(story, name, key);
    assert_true(finding->value.known);
    assert_int_equal(finding->unit, unit);
    if (finding->number != number)
        fail_msg("%s %s: %g instead of %g", name, key ? key : "", finding->number, number);
}

static void assert_unknown(const struct story *story, const char *name)
{
    const struct finding *finding = find(story, name, NULL);
    if (finding->value.known || !finding->value.text[0])
        fail_msg("%s is known: \"%s\"", name, finding->value.text);
    assert_false(finding_has_number(finding));
}

static void assert_all_unknown(const struct story *story, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_unknown(story, names[i]);
}

/* ---- little is known ---- */

static void nothing_at_all_is_unknown_and_never_0(void **state)
{
    (void)state;
    struct story story = {.kvm.usable = false};
    static const char *const names[] = {"cpu-brand", "cpu-vendor", "cpu-family", "cpu-model", "cpus-online",
        "cpus-allowed", "cgroup-cpus", "smt", "governor", "turbo", "mitigations-not-affected", "cache-bytes",
        "tlb-entries", "memory-bytes", "memory-available-bytes", "numa-nodes", "thp", "hugetlb-pages",
        "swap-bytes", "ksm", "damon", "clock-source", "tsc-flag", "hardware-virtualization", "kvm-usable",
        "kvm-technique", "kvm-provider", "kvm-syscall-privilege", "iommu", "iommu-groups", "vfio", "guest-of",
        "hypervisor-signatures", "hypervisor-features", "steal-time", "balloon", "free-page-reporting",
        "free-page-reporting-block", "balloon-bytes", "balloon-pages"};
    tell(&story);
    assert_all_unknown(&story, names, sizeof names / sizeof *names);
    findings_free(&story.findings);
}

static void a_container_without_sys_and_half_of_proc(void **state)
{
    (void)state;
    struct story story;
    static const char *const names[] = {"microcode", "cgroup-cpus", "smt", "governor", "turbo",
        "mitigations-not-affected", "mitigations-missing", "cache-bytes", "numa-nodes", "thp",
        "hugetlb-pages", "cgroup-memory-bytes", "zswap", "ksm", "damon", "clock-source", "clock-sources",
        "iommu", "iommu-groups", "vfio", "dmi-vendor", "balloon", "balloon-features", "free-page-reporting",
        "free-page-reporting-block", "balloon-bytes", "balloon-pages"};
    tree_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\nSwapTotal: 0 kB\n");
    look(&story);
    tell(&story);
    assert_all_unknown(&story, names, sizeof names / sizeof *names);
    assert_number(&story, "memory-bytes", NULL, UNIT_BYTES, 0x1p30);
    assert_number(&story, "memory-available-bytes", NULL, UNIT_BYTES, 0x1p29);
    assert_number(&story, "swap-bytes", NULL, UNIT_BYTES, 0);
    assert_true(find(&story, "cpus-allowed", NULL)->number >= 1);
    end(&story);
}

static void garbage_in_files_makes_no_numbers(void **state)
{
    (void)state;
    struct story story;
    static const char *const names[] = {"swap-bytes", "ksm", "zswap", "free-page-reporting-block",
        "balloon-bytes", "balloon-pages", "cgroup-cpus"};
    static const char *const files[] = {"/proc/cpuinfo", "/proc/meminfo", "/proc/vmstat", "/proc/self/cgroup",
        "/proc/self/mountinfo", "/sys/kernel/mm/ksm/run", "/sys/module/zswap/parameters/enabled",
        "/sys/module/page_reporting/parameters/page_reporting_order", "/sys/class/dmi/id/product_name",
        "/sys/devices/system/cpu/vulnerabilities/meltdown", "/sys/bus/virtio/devices/virtio0/device"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tree_garbage(files[i], 300000);
    look(&story);
    tell(&story);
    assert_all_unknown(&story, names, sizeof names / sizeof *names);
    end(&story);
}

/* Facts that are to be numbers but hold something else, as a host from a file might have them. */
static void a_fact_that_is_no_number_is_unknown(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "x", "-1", "inf", "nan", "5 apples", " 5", "1e999"};
    struct story story = {.kvm.usable = false};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        story.host.numa_nodes = fact_known("%s", wrong[i]);
        tell(&story);
        assert_unknown(&story, "numa-nodes");
    }
    findings_free(&story.findings);
}

/* ---- machines ---- */

static void make_server(void)
{
    tree_file(
        "/proc/cpuinfo", "flags\t\t: fpu tsc constant_tsc nonstop_tsc vmx xnonstop\nmicrocode\t: 0xd0\n");
    tree_file("/proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\nSwapTotal: 4 kB\n");
    tree_file("/sys/devices/system/cpu/online", "0-31\n");
    tree_file("/sys/devices/system/node/online", "0-1\n");
    tree_file("/sys/devices/system/cpu/smt/active", "0\n");
    tree_file("/sys/devices/system/cpu/smt/control", "forceoff\n");
    tree_file("/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
    tree_file("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance\n");
    tree_file(VULNERABILITIES "/meltdown", "Not affected\n");
    tree_file(VULNERABILITIES "/l1tf", "Not affected\n");
    tree_file(VULNERABILITIES "/mds", "Vulnerable; SMT disabled\n");
    tree_file(VULNERABILITIES "/spectre_v2", "Mitigation: Enhanced IBRS\n");
    tree_file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "0\n");
    tree_file("/sys/class/iommu/dmar0/x", "");
    tree_file("/sys/kernel/iommu_groups/0/x", "");
    tree_file("/dev/vfio/vfio", "");
    tree_file("/sys/class/dmi/id/product_name", "PowerEdge R740\n");
    tree_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
}

/* CPUID is the real machine's, so what it tells is put in by hand. */
static void make_bare(struct host *host)
{
    const struct fact none = fact_unknown("no hypervisor");
    host->is_guest = false;
    host->guest_of = none;
    host->below = (struct host_below){.signatures = none, .kvm = none, .steal_time = none, .hyperv = none};
}

static void a_bare_machine(void **state)
{
    (void)state;
    struct story story;
    make_server();
    look(&story);
    make_bare(&story.host);
    tell(&story);
    assert_number(&story, "cpus-online", NULL, UNIT_COUNT, 32);
    assert_number(&story, "numa-nodes", NULL, UNIT_COUNT, 2);
    assert_number(&story, "smt", NULL, UNIT_YES_NO, 0);
    assert_words(&story, "smt", NULL, "forceoff");
    assert_number(&story, "turbo", NULL, UNIT_YES_NO, 1);
    assert_words(&story, "governor", NULL, "performance");
    assert_words(&story, "microcode", NULL, "0xd0");
    assert_number(&story, "swap-bytes", NULL, UNIT_BYTES, 4096);
    assert_words(&story, "thp", NULL, "madvise");
    assert_number(&story, "hugetlb-pages", "2M", UNIT_COUNT, 512);
    assert_words(&story, "hugetlb-pages", "2M", "500 free");
    assert_number(&story, "hugetlb-pages", "1G", UNIT_COUNT, 0);
    assert_words(&story, "clock-source", NULL, "hpet");
    assert_number(&story, "iommu", NULL, UNIT_YES_NO, 1);
    assert_words(&story, "iommu", NULL, "dmar0");
    assert_number(&story, "vfio", NULL, UNIT_YES_NO, 1);
    assert_number(&story, "guest", NULL, UNIT_YES_NO, 0);
    assert_unknown(&story, "hypervisor-features");
    assert_unknown(&story, "steal-time");
    assert_words(&story, "dmi-product", NULL, "PowerEdge R740");
    end(&story);
}

static void flaws_are_told_one_by_one_and_counted(void **state)
{
    (void)state;
    struct story story;
    make_server();
    look(&story);
    tell(&story);
    assert_words(&story, "mitigation", "spectre_v2", "Mitigation: Enhanced IBRS");
    assert_words(&story, "mitigation", "mds", "Vulnerable; SMT disabled");
    assert_null(findings_find(&story.findings, "mitigation", "meltdown"));
    assert_number(&story, "mitigations-not-affected", NULL, UNIT_COUNT, 2);
    assert_number(&story, "mitigations-missing", NULL, UNIT_COUNT, 1);
    assert_string_equal(find(&story, "mitigation", "mds")->how, VULNERABILITIES "/mds");
    end(&story);
}

static void flags_are_whole_words(void **state)
{
    (void)state;
    struct story story;
    make_server();
    look(&story);
    tell(&story);
    assert_number(&story, "tsc-flag", "constant_tsc", UNIT_YES_NO, 1);
    assert_number(&story, "tsc-flag", "nonstop_tsc", UNIT_YES_NO, 1);
    assert_number(&story, "tsc-flag", "tsc_reliable", UNIT_YES_NO, 0);
    assert_number(&story, "hardware-virtualization", NULL, UNIT_YES_NO, 1);
    assert_words(&story, "hardware-virtualization", NULL, "vmx");
    free(story.host.cpu.features);
    story.host.cpu.features = strdup("xnonstop_tsc nonstop_tscx svmx");
    tell(&story);
    assert_number(&story, "tsc-flag", "nonstop_tsc", UNIT_YES_NO, 0);
    assert_number(&story, "hardware-virtualization", NULL, UNIT_YES_NO, 0);
    end(&story);
}

static void a_guest_of_kvm_with_balloon_and_reporting(void **state)
{
    (void)state;
    struct story story;
    tree_file(VIRTIO "/virtio0/device", "0x0005\n");
    tree_file(
        VIRTIO "/virtio0/features", "0110010000000000000000000000000010000000000000000000000000000000\n");
    tree_file("/sys/module/page_reporting/parameters/page_reporting_order", "9\n");
    tree_file("/proc/vmstat", "balloon_inflate 1000\nballoon_deflate 400\nballoon_migrate 3\n");
    look(&story);
    story.host.is_guest = true;
    story.host.guest_of = fact_known("kvm");
    story.host.below.signatures = fact_known("Microsoft Hv, KVMKVMKVM");
    below_decode_kvm(0x20, 1, &story.host.below);
    below_decode_hyperv(0x200, 1u << 12, &story.host.below);
    tell(&story);
    assert_number(&story, "guest", NULL, UNIT_YES_NO, 1);
    assert_words(&story, "guest-of", NULL, "kvm");
    assert_words(&story, "hypervisor-signatures", NULL, "Microsoft Hv, KVMKVMKVM");
    assert_words(&story, "hypervisor-features", NULL, "steal-time hint-realtime");
    assert_words(&story, "hypervisor-feature-bits", NULL, "00000020h, 00000001h");
    assert_words(&story, "hyperv-features", NULL, "reference-tsc +nested");
    assert_number(&story, "steal-time", NULL, UNIT_YES_NO, 1);
    assert_number(&story, "dedicated-cpus", NULL, UNIT_YES_NO, 1);
    assert_number(&story, "nested", NULL, UNIT_YES_NO, 1);
    assert_number(&story, "balloon", NULL, UNIT_YES_NO, 1);
    assert_words(&story, "balloon", NULL, "virtio0");
    assert_number(&story, "free-page-reporting", NULL, UNIT_YES_NO, 1);
    assert_number(&story, "free-page-reporting-block", NULL, UNIT_BYTES, 0x1p21);
    assert_number(&story, "balloon-bytes", NULL, UNIT_BYTES, 600 * 4096);
    assert_number(&story, "balloon-pages", "taken", UNIT_COUNT, 1000);
    assert_number(&story, "balloon-pages", "given back", UNIT_COUNT, 400);
    end(&story);
}

static void limits_of_control_groups(void **state)
{
    (void)state;
    struct story story;
    tree_file("/proc/self/cgroup", "0::/job\n");
    tree_file("/proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
    tree_file("/cg/job/cpu.max", "150000 100000\n");
    tree_file("/cg/job/memory.max", "1048576\n");
    look(&story);
    tell(&story);
    assert_number(&story, "cgroup-cpus", NULL, UNIT_COUNT, 1.5);
    assert_number(&story, "cgroup-memory-bytes", NULL, UNIT_BYTES, 0x1p20);
    end(&story);
}

/* ---- caches and TLBs ---- */

static void caches_and_tlbs_have_keys(void **state)
{
    (void)state;
    struct story story = {
        .host = {.caches = {{1, "data", 32 * KIB, 64, 8, 2}, {1, "instruction", 64 * KIB, 0, 0, 0},
                     {2, "unified", 2 * MIB, 64, 16, 2}, {2, "unified", 4 * MIB, 64, 16, 4}},
            .cache_count = 4,
            .tlbs = {{1, "data", 4 * KIB, 64, 4}, {2, "unified", 2 * MIB, 1536, 0},
                {2, "unified", GIB, 16, 4}, {2, "unified", 2 * MIB, 1024, 8}},
            .tlb_count = 4,
            .is_guest = true,
            .tlb_source = fact_known("CPUID leaf 18h, as the hypervisor shows them")}};
    tell(&story);
    assert_number(&story, "cache-bytes", "L1d", UNIT_BYTES, 32768);
    assert_words(&story, "cache-bytes", "L1d", "8 ways, lines of 64 bytes, shared by 2 CPUs");
    assert_number(&story, "cache-bytes", "L1i", UNIT_BYTES, 65536);
    assert_words(&story, "cache-bytes", "L1i", "");
    assert_number(&story, "cache-bytes", "L2", UNIT_BYTES, 0x1p21);
    assert_number(&story, "cache-bytes", "L2#2", UNIT_BYTES, 0x1p22); /* a hybrid processor */
    assert_number(&story, "tlb-entries", "L1 data 4K", UNIT_COUNT, 64);
    assert_number(&story, "tlb-entries", "L2 unified 2M", UNIT_COUNT, 1536);
    assert_words(&story, "tlb-entries", "L2 unified 2M", "fully associative");
    assert_number(&story, "tlb-entries", "L2 unified 2M#2", UNIT_COUNT, 1024);
    assert_number(&story, "tlb-entries", "L2 unified 1G", UNIT_COUNT, 16);
    assert_string_equal(find(&story, "tlb-entries", NULL)->how, "CPUID leaf 18h");
    findings_free(&story.findings);
}

static void what_a_hypervisor_can_make_up_says_so(void **state)
{
    (void)state;
    static const char *const names[] = {"cpu-brand", "cpu-family", "tlb-entries", "dmi-product", "guest-of"};
    struct story story = {.host = {.cpu = {.family = 6, .brand = fact_known("Some CPU")},
                              .tlbs = {{1, "data", 4 * KIB, 64, 4}},
                              .tlb_count = 1,
                              .tlb_source = fact_known("CPUID leaf 18h"),
                              .guest_of = fact_known("kvm"),
                              .dmi.product = fact_known("x")}};
    for (int guest = 0; guest < 2; guest++) {
        story.host.is_guest = guest;
        tell(&story);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            const struct finding *finding = find(&story, names[i], NULL);
            assert_true(finding && (strstr(finding->sure, "make it up") != NULL) == guest);
        }
    }
    findings_free(&story.findings);
}

/* ---- KVM ---- */

static void a_kvm_that_was_tried(void **state)
{
    (void)state;
    struct story story = {
        .kvm = {.usable = true,
            .technique = TECHNIQUE_SHADOW,
            .technique_proof = "64 aliases of one page took 63 faults",
            .provider = fact_known("kvm_pvm"),
            .parameters = {{"kvm.tdp_mmu", "N"}, {"kvm_pvm.a_very_long_name_of_a_parameter_x01", "1"},
                {"kvm_pvm.a_very_long_name_of_a_parameter_x02", "2"}},
            .parameter_count = 3,
            .syscall_privilege = 3,
            .quirks = {"first quirk", "second quirk"},
            .quirk_count = 2}};
    tell(&story);
    assert_number(&story, "kvm-usable", NULL, UNIT_YES_NO, 1);
    assert_words(&story, "kvm-technique", NULL, "shadow");
    assert_string_equal(find(&story, "kvm-technique", NULL)->how, "64 aliases of one page took 63 faults");
    assert_int_equal(find(&story, "kvm-technique", NULL)->source, FINDING_JUDGED);
    assert_words(&story, "kvm-provider", NULL, "kvm_pvm");
    assert_number(&story, "kvm-syscall-privilege", NULL, UNIT_COUNT, 3);
    assert_words(&story, "kvm-parameter", "kvm.tdp_mmu", "N");
    assert_words(&story, "kvm-parameter", "kvm_pvm.a_very_long_name_of_a_parameter", "1");
    assert_words(&story, "kvm-parameter", "kvm_pvm.a_very_long_name_of_a_para#2", "2");
    assert_words(&story, "kvm-quirk", "2", "second quirk");
    story.kvm.technique = TECHNIQUE_UNKNOWN;
    story.kvm.syscall_privilege = -1;
    tell(&story);
    assert_unknown(&story, "kvm-technique");
    assert_unknown(&story, "kvm-syscall-privilege");
    findings_free(&story.findings);
}

static void a_kvm_that_cannot_be_used(void **state)
{
    (void)state;
    struct story story = {.kvm = {.provider = fact_unknown("no KVM here"), .syscall_privilege = -1}};
    memset(story.kvm.reason, 'r', sizeof story.kvm.reason - 1);
    tell(&story);
    assert_number(&story, "kvm-usable", NULL, UNIT_YES_NO, 0);
    assert_int_equal(find(&story, "kvm-usable", NULL)->value.text[0], 'r');
    assert_unknown(&story, "kvm-technique");
    assert_unknown(&story, "kvm-provider");
    assert_unknown(&story, "kvm-syscall-privilege");
    findings_free(&story.findings);
}

/* ---- this machine ---- */

static void this_machine_is_told_and_the_list_goes_on(void **state)
{
    (void)state;
    struct story story;
    struct error error;
    look(&story);
    struct finding first = {.title = "", .number = NAN};
    assert_int_equal(findings_add(&story.findings, &first, &error), 0);
    assert_int_equal(inspect_told(&story.host, &story.kvm, &story.findings, &error), 0);
    assert_true(story.findings.count > 50);
    assert_int_equal(story.findings.items[0].name[0], '\0');
    tell(&story);
    end(&story);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_at_all_is_unknown_and_never_0),
        WITH_TREE(a_container_without_sys_and_half_of_proc),
        WITH_TREE(garbage_in_files_makes_no_numbers),
        cmocka_unit_test(a_fact_that_is_no_number_is_unknown),
        WITH_TREE(a_bare_machine),
        WITH_TREE(flaws_are_told_one_by_one_and_counted),
        WITH_TREE(flags_are_whole_words),
        WITH_TREE(a_guest_of_kvm_with_balloon_and_reporting),
        WITH_TREE(limits_of_control_groups),
        cmocka_unit_test(caches_and_tlbs_have_keys),
        cmocka_unit_test(what_a_hypervisor_can_make_up_says_so),
        cmocka_unit_test(a_kvm_that_was_tried),
        cmocka_unit_test(a_kvm_that_cannot_be_used),
        cmocka_unit_test(this_machine_is_told_and_the_list_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
