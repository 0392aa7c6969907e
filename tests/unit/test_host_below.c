/* What host_look() finds of the clock, of limits, of devices and of what is below: on made-up machines, and
 * by registers as hypervisors show them. */
#include "test_host_tree.h"

#include "host/balloon.h"
#include "host/below.h"
#include "host/bits.h"
#include "host/cgroup_cpu.h"
#include "host/host.h"

#include <inttypes.h>
#include <sched.h>

#define VIRTIO "/sys/bus/virtio/devices"
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0"

static struct host look(void)
{
    struct host host;
    struct error error;
    assert_int_equal(host_look(&host, &error), 0);
    host_free(&(struct host){.cpu.features = host.cpu.features}); /* nothing here looks at them */
    host.cpu.features = NULL;
    return host;
}

static void assert_fact(const struct fact *fact, const char *text)
{
    assert_string_equal(fact->text, text);
    assert_true(fact->known);
}

static void assert_reason(const struct fact *fact)
{
    assert_false(fact->known);
    assert_true(fact->text[0] != '\0');
}

/* Everything here that comes from files, but for what an empty /proc or /dev tells. */
static void assert_nothing_known(const struct host *host)
{
    const struct fact *const facts[] = {&host->clock.source, &host->clock.available, &host->cpus.limit,
        &host->passthrough.iommu, &host->passthrough.iommu_groups, &host->dmi.vendor, &host->dmi.product,
        &host->balloon.device, &host->balloon.features, &host->balloon.reporting,
        &host->balloon.reporting_bytes, &host->balloon.held_bytes, &host->balloon.inflated,
        &host->balloon.deflated, &host->balloon.migrated, &host->reclaim.swap_bytes, &host->reclaim.zswap,
        &host->reclaim.ksm, &host->reclaim.damon, NULL};
    for (size_t i = 0; facts[i]; i++)
        assert_reason(facts[i]);
}

static void a_container_without_sys_and_half_of_proc(void **state)
{
    (void)state;
    tree_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    tree_file("/proc/1/comm", "init\n");
    tree_file("/proc/2/comm", "bash\n");
    struct host host = look();
    assert_nothing_known(&host);
    assert_reason(&host.passthrough.vfio);
    assert_true(host.cpus.allowed.known);
}

static void garbage_is_survived_and_not_taken(void **state)
{
    (void)state;
    static const char *const files[] = {"/proc/meminfo", "/proc/vmstat", "/proc/self/cgroup",
        "/proc/self/mountinfo", "/proc/2/comm", "/proc/3/comm",
        "/sys/module/page_reporting/parameters/page_reporting_order", "/sys/module/zswap/parameters/enabled",
        "/sys/module/damon_reclaim/parameters/enabled", "/sys/kernel/mm/ksm/run",
        "/sys/bus/virtio/devices/virtio0/device", "/sys/bus/virtio/devices/virtio0/features"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tree_garbage(files[i], 300000 + i);
    struct host host = look();
    assert_false(host.balloon.reporting.known);
    assert_fact(&host.balloon.device, "no"); /* what it says is no balloon */
    assert_reason(&host.balloon.reporting_bytes);
    assert_reason(&host.balloon.held_bytes);
    assert_reason(&host.reclaim.swap_bytes);
    assert_reason(&host.reclaim.zswap);
    assert_reason(&host.reclaim.ksm);
    assert_reason(&host.reclaim.damon);
    assert_reason(&host.cpus.limit);
}

/* Texts that are only shown are cut and cleaned for a terminal. */
static void text_from_files_cannot_disturb_a_terminal(void **state)
{
    (void)state;
    char name[200];
    tree_garbage(CLOCKSOURCE "/current_clocksource", 5000);
    tree_file("/sys/class/dmi/id/product_name", "\x1b[31mred\n");
    (void)snprintf(name, sizeof name, "/sys/class/iommu/\x1b[31m%0100d/x", 1);
    tree_file(name, "");
    struct host host = look();
    assert_fact(&host.dmi.product, "?[31mred");
    assert_memory_equal(host.passthrough.iommu.text, "yes: ?[31m000", 13);
    for (const char *at = host.clock.source.text; *at; at++)
        assert_true(*at >= ' ' && *at <= '~');
}

static void numbers_that_cannot_be_are_not_taken(void **state)
{
    (void)state;
    tree_file("/proc/meminfo", "SwapTotal: 18446744073709551615 kB\n");
    tree_file("/proc/vmstat", "nr_balloon_pages 18446744073709551615\nballoon_inflate 99999999999999999999\n"
                              "balloon_deflate -1\nballoon_migrated 5\n");
    tree_file("/sys/module/page_reporting/parameters/page_reporting_order", "4294967295\n");
    tree_file("/sys/kernel/mm/ksm/run", "3\n");
    tree_file("/sys/module/zswap/parameters/enabled", "1\n");
    struct host host = look();
    assert_nothing_known(&host);
}

static void an_order_beyond_all_memory_is_none(void **state)
{
    (void)state;
    tree_file("/sys/module/page_reporting/parameters/page_reporting_order", "31\n");
    struct host host = look();
    assert_reason(&host.balloon.reporting_bytes);
}

static void a_bare_machine_that_hands_out_devices(void **state)
{
    (void)state;
    tree_file(CLOCKSOURCE "/current_clocksource", "tsc\n");
    tree_file(CLOCKSOURCE "/available_clocksource", "tsc hpet acpi_pm \n");
    tree_file("/sys/class/iommu/dmar1/x", "");
    tree_file("/sys/class/iommu/dmar0/x", "");
    for (int i = 0; i < 12; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/sys/kernel/iommu_groups/%d/x", i);
        tree_file(path, "");
    }
    tree_file("/dev/vfio/vfio", "");
    tree_file("/sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
    tree_file("/sys/class/dmi/id/product_name", "PowerEdge R740\n");
    tree_file("/proc/2/comm", "kthreadd\n");
    tree_file("/proc/meminfo", "SwapTotal: 1024 kB\n");
    tree_file("/sys/kernel/mm/ksm/run", "1\n");
    tree_file("/sys/module/zswap/parameters/enabled", "Y\n");
    struct host host = look();
    assert_fact(&host.clock.source, "tsc");
    assert_fact(&host.clock.available, "tsc hpet acpi_pm");
    assert_fact(&host.passthrough.iommu, "yes: dmar0 dmar1");
    assert_fact(&host.passthrough.iommu_groups, "12");
    assert_fact(&host.passthrough.vfio, "yes");
    assert_fact(&host.dmi.vendor, "Dell Inc.");
    assert_fact(&host.dmi.product, "PowerEdge R740");
    assert_fact(&host.reclaim.damon, "no");
    assert_fact(&host.reclaim.swap_bytes, "1048576");
    assert_fact(&host.reclaim.ksm, "yes");
    assert_fact(&host.reclaim.zswap, "yes");
}

static void many_iommus_are_told_in_order_and_cut(void **state)
{
    (void)state;
    for (int i = 20; i-- > 0;) {
        char path[64];
        (void)snprintf(path, sizeof path, "/sys/class/iommu/dmar%02d/x", i);
        tree_file(path, "");
    }
    tree_file("/dev/null", "");
    struct host host = look();
    assert_fact(&host.passthrough.iommu, "yes: dmar00 dmar01 dmar02 dmar03 dmar04 dmar05 dmar06 dmar07 ...");
    assert_fact(&host.passthrough.vfio, "no");
}

static void make_balloon(const char *features)
{
    tree_file(VIRTIO "/virtio0/device", "0x0001\n");
    tree_file(VIRTIO "/virtio0/features", "111111\n");
    tree_file(VIRTIO "/virtio3/device", "0x0005\n");
    tree_file(VIRTIO "/virtio3/features", features);
}

static void a_guest_with_balloon_and_free_page_reporting(void **state)
{
    (void)state;
    make_balloon("0110010000000000000000000000000010000000000000000000000000000000\n");
    tree_file("/sys/module/page_reporting/parameters/page_reporting_order", "9\n");
    tree_file(
        "/proc/vmstat", "nr_free_pages 7\nballoon_inflate 1000\nballoon_deflate 400\nballoon_migrate 3\n");
    struct host host = look();
    assert_fact(&host.balloon.device, "yes: virtio3");
    assert_fact(&host.balloon.features, "statistics deflate-on-oom free-page-reporting version-1");
    assert_fact(&host.balloon.reporting, "yes");
    assert_fact(&host.balloon.reporting_bytes, "2097152");
    assert_fact(&host.balloon.held_bytes, "2457600");
    assert_fact(&host.balloon.inflated, "1000");
    assert_fact(&host.balloon.deflated, "400");
    assert_fact(&host.balloon.migrated, "3");
    tree_file("/proc/vmstat", "nr_balloon_pages 2\nballoon_inflate 1000\nballoon_deflate 400\n");
    host = look();
    assert_fact(&host.balloon.held_bytes, "8192");
}

static void a_balloon_that_reports_no_free_pages(void **state)
{
    (void)state;
    make_balloon("0110000000000000000000000000000010000000000000000000000000000000\n");
    struct host host = look();
    assert_fact(&host.balloon.reporting, "no");
    tree_file(VIRTIO "/virtio3/features", "0110020\n");
    host = look();
    assert_reason(&host.balloon.reporting);
    assert_reason(&host.balloon.features);
    assert_fact(&host.balloon.device, "yes: virtio3");
}

static void a_virtio_device_that_hides_what_it_is_leaves_it_open(void **state)
{
    (void)state;
    tree_file(VIRTIO "/virtio0/device", "0x0001\n");
    struct host host = look();
    assert_fact(&host.balloon.device, "no");
    tree_file(VIRTIO "/virtio1/x", "");
    host = look();
    assert_reason(&host.balloon.device);
}

static void feature_strings_are_read_bit_0_first(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "2", "01 1", "0x5", "01\n"};
    char long_one[129];
    uint64_t bits = 7;
    assert_true(balloon_parse_features("1", &bits) && bits == 1);
    assert_true(balloon_parse_features("000001", &bits) && bits == 32);
    memset(long_one, '1', 128);
    long_one[128] = '\0';
    assert_true(balloon_parse_features(long_one, &bits) && bits == UINT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(balloon_parse_features(wrong[i], &bits));
    assert_true(bits == UINT64_MAX);
}

/* ---- DAMON ---- */

static void a_kdamond_is_seen_among_the_kernels_threads(void **state)
{
    (void)state;
    tree_file("/proc/2/comm", "kthreadd\n");
    tree_file("/proc/77/comm", "kdamond.0\n");
    tree_file("/proc/77/cmdline", "");
    struct host host = look();
    assert_fact(&host.reclaim.damon, "yes: kdamond.0");
    tree_file("/sys/kernel/mm/damon/admin/kdamonds/0/contexts/0/schemes/0/action", "pageout\n");
    host = look();
    assert_fact(&host.reclaim.damon, "yes: kdamond.0, pageout");
}

static void a_process_that_calls_itself_kdamond_is_none(void **state)
{
    (void)state;
    tree_file("/proc/2/comm", "kthreadd\n");
    tree_file("/proc/77/comm", "kdamond.0\n");
    tree_file("/proc/77/cmdline", "kdamond.0");
    tree_file("/proc/78/comm", "kdamond.../../x\n");
    tree_file("/proc/78/cmdline", "");
    struct host host = look();
    assert_fact(&host.reclaim.damon, "no");
}

static void hidden_kernel_threads_leave_damon_open_but_for_its_switch(void **state)
{
    (void)state;
    tree_file("/proc/1/comm", "init\n");
    tree_file("/sys/module/damon_reclaim/parameters/enabled", "N\n");
    struct host host = look();
    assert_reason(&host.reclaim.damon);
    tree_file("/sys/module/damon_reclaim/parameters/enabled", "Y\n");
    host = look();
    assert_fact(&host.reclaim.damon, "yes: damon_reclaim is enabled");
}

/* ---- CPU limits ---- */

#define MOUNT_V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT_V1 "35 31 0:32 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"

static void cgroup_v2_the_narrowest_share_of_time_counts(void **state)
{
    (void)state;
    tree_file("/proc/self/cgroup", "0::/user/job\n");
    tree_file("/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda rw\n" MOUNT_V2);
    tree_file("/sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
    struct host host = look();
    assert_false(host.cpus.limit.known);
    assert_string_equal(host.cpus.limit.text, "no limit");
    tree_file("/sys/fs/cgroup/user/cpu.max", "150000 100000\n");
    host = look();
    assert_fact(&host.cpus.limit, "1.500");
    tree_file("/sys/fs/cgroup/user/job/cpu.max", "25000 100000\n");
    host = look();
    assert_fact(&host.cpus.limit, "0.250");
}

static void cgroup_v1_share_of_time(void **state)
{
    (void)state;
    tree_file("/proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n4:cpuset:/no\n0::/system.slice\n");
    tree_file(
        "/proc/self/mountinfo", "36 31 0:33 / /cg/set rw - cgroup cgroup rw,cpuset\n" MOUNT_V1 MOUNT_V2);
    tree_file("/cg/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
    tree_file("/cg/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
    struct host host = look();
    assert_reason(&host.cpus.limit);
    tree_file("/cg/cpu/docker/cpu.cfs_quota_us", "400000\n");
    tree_file("/cg/cpu/docker/cpu.cfs_period_us", "100000\n");
    host = look();
    assert_fact(&host.cpus.limit, "4.000");
    tree_file("/cg/cpu/docker/abc/cpu.cfs_quota_us", "50000\n");
    host = look();
    assert_fact(&host.cpus.limit, "0.500");
}

/* A container has its own group mounted as the root. */
static void cgroup_v2_inside_a_container(void **state)
{
    (void)state;
    tree_file("/proc/self/cgroup", "0::/\n");
    tree_file("/proc/self/mountinfo", MOUNT_V2);
    tree_file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    struct host host = look();
    assert_fact(&host.cpus.limit, "2.000");
}

static void mounts_that_are_cut_short_are_survived(void **state)
{
    (void)state;
    tree_file("/proc/self/cgroup", "0::/\nx\n:\n::\n");
    tree_file("/proc/self/mountinfo", " - \n- - -\n1 2 3 4 5 - \n1 2 3 4 5 6 - cgroup2\n - cgroup2 a b\n");
    struct host host = look();
    assert_string_equal(host.cpus.limit.text, "no control group of this process is mounted");
}

/* /proc names the mount, but something else lies over it. */
static void a_group_that_is_hidden_is_not_one_without_a_limit(void **state)
{
    (void)state;
    tree_file("/proc/self/cgroup", "0::/user/job\n");
    tree_file("/proc/self/mountinfo", MOUNT_V2);
    struct host host = look();
    assert_reason(&host.cpus.limit);
    assert_string_not_equal(host.cpus.limit.text, "no limit");
    tree_file("/sys/fs/cgroup/cgroup.procs", "");
    host = look();
    assert_string_equal(host.cpus.limit.text, "no limit");
}

static void shares_of_time_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t thousandths;
    } right[] = {
        {"100000 100000", 1000}, {"1000 100000", 10}, {"33333 100000", 333}, {"6400000 50000", 128000}};
    static const char *const wrong[] = {"max 100000", "", "5", "5 ", "5 0", "0 100000", "-1 100000", "5 6 7",
        "18446744073709551615 1", "1 18446744073709551615", "99999999999999999999 1", "100000  100000x"};
    uint64_t thousandths;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(cgroup_cpu_parse(right[i].line, &thousandths));
        assert_true(thousandths == right[i].thousandths);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(cgroup_cpu_parse(wrong[i], &thousandths));
}

static void cpus_that_this_process_may_use(void **state)
{
    (void)state;
    cpu_set_t before, one;
    int first = 0;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    struct host host = look();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_fact(&host.cpus.allowed, "1");
}

/* ---- registers ---- */

static void features_of_kvm_are_named(void **state)
{
    (void)state;
    struct host_below below = {0};
    below_decode_kvm(0x01007efb, 0, &below); /* a guest of Linux 6.x */
    assert_fact(&below.kvm, "clock no-io-delay clock2 async-pf steal-time eoi unhalt tlb-flush "
                            "async-pf-vmexit ipi poll-control yield async-pf-int clock-stable");
    assert_fact(&below.steal_time, "yes");
    assert_fact(&below.dedicated, "no");
    below_decode_kvm(1u << 20, 1, &below);
    assert_fact(&below.kvm, "bit-20 hint-realtime");
    assert_fact(&below.steal_time, "no");
    assert_fact(&below.dedicated, "yes");
    below_decode_kvm(0, 0, &below);
    assert_fact(&below.kvm, "none");
    assert_true(below.kvm_told);
}

static void features_of_hyperv_are_named(void **state)
{
    (void)state;
    struct host_below below = {0};
    below_decode_hyperv(0x262, 0x20, &below);
    assert_fact(&below.hyperv, "time-ref-count hypercall vp-index reference-tsc +relaxed-timing");
    assert_false(below.nested.known);
    below_decode_hyperv(0, 1u << 12, &below);
    assert_fact(&below.hyperv, "+nested");
    assert_true(below.nested.known);
}

static void names_that_do_not_fit_end_in_dots(void **state)
{
    (void)state;
    struct fact fact = bits_named(UINT64_MAX, NULL, 0);
    assert_true(fact.known);
    assert_int_equal(strlen(fact.text), sizeof fact.text - 1);
    assert_string_equal(fact.text + sizeof fact.text - 4, "...");
}

static void this_machine_is_seen(void **state)
{
    (void)state;
    struct host host = look();
    assert_true(host.cpus.allowed.known);
    assert_true(host.is_guest == host.below.signatures.known || host.below.signatures.text[0]);
    assert_true(host.below.kvm_told == host.below.kvm.known);
    assert_true(sizeof host <= 65536);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TREE(a_container_without_sys_and_half_of_proc),
        WITH_TREE(garbage_is_survived_and_not_taken),
        WITH_TREE(text_from_files_cannot_disturb_a_terminal),
        WITH_TREE(numbers_that_cannot_be_are_not_taken),
        WITH_TREE(an_order_beyond_all_memory_is_none),
        WITH_TREE(a_bare_machine_that_hands_out_devices),
        WITH_TREE(many_iommus_are_told_in_order_and_cut),
        WITH_TREE(a_guest_with_balloon_and_free_page_reporting),
        WITH_TREE(a_balloon_that_reports_no_free_pages),
        WITH_TREE(a_virtio_device_that_hides_what_it_is_leaves_it_open),
        cmocka_unit_test(feature_strings_are_read_bit_0_first),
        WITH_TREE(a_kdamond_is_seen_among_the_kernels_threads),
        WITH_TREE(a_process_that_calls_itself_kdamond_is_none),
        WITH_TREE(hidden_kernel_threads_leave_damon_open_but_for_its_switch),
        WITH_TREE(cgroup_v2_the_narrowest_share_of_time_counts),
        WITH_TREE(cgroup_v1_share_of_time),
        WITH_TREE(cgroup_v2_inside_a_container),
        WITH_TREE(mounts_that_are_cut_short_are_survived),
        WITH_TREE(a_group_that_is_hidden_is_not_one_without_a_limit),
        cmocka_unit_test(shares_of_time_are_parsed),
        cmocka_unit_test(cpus_that_this_process_may_use),
        cmocka_unit_test(features_of_kvm_are_named),
        cmocka_unit_test(features_of_hyperv_are_named),
        cmocka_unit_test(names_that_do_not_fit_end_in_dots),
        cmocka_unit_test(this_machine_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
