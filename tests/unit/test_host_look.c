/* host_look() on made-up machines and on this one: what is there is told, what is not is unknown with a
 * reason. */
#include "test_host_tree.h"

#include "base/size.h"
#include "host/cgroup.h"
#include "host/cpu.h"
#include "host/host.h"
#include "host/hypervisor.h"
#include "host/memory_facts.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define SYS_CPU "/sys/devices/system/cpu"

static struct host look(void)
{
    struct host host;
    struct error error;
    assert_int_equal(host_look(&host, &error), 0);
    return host;
}

static void assert_fact(const struct fact *fact, const char *text)
{
    assert_true(fact->known);
    assert_string_equal(fact->text, text);
}

static void assert_reason(const struct fact *fact)
{
    assert_false(fact->known);
    assert_true(fact->text[0] != '\0');
}

/* Everything that comes from files is unknown, everything from CPUID and system calls stays. */
static void assert_nothing_known_from_files(const struct host *host)
{
    assert_reason(&host->cpu.microcode);
    assert_string_equal(host->cpu.features, "");
    assert_reason(&host->topology);
    assert_reason(&host->numa_nodes);
    assert_reason(&host->thp);
    assert_reason(&host->governor);
    assert_reason(&host->turbo);
    assert_reason(&host->smt);
    assert_reason(&host->mitigations_source);
    assert_reason(&host->cgroup_memory_limit);
    assert_int_equal(host->cache_count, 0);
    assert_int_equal(host->hugetlb_count, 0);
    assert_int_equal(host->mitigation_count, 0);
    assert_int_equal(host_last_level_cache_bytes(host), 0);
    assert_true(host->memory_bytes > 0);
    assert_true(host->memory_available_bytes == 0);
    assert_true(host->cpus_online > 0);
    assert_true(host->kernel.known);
}

static void without_proc_and_sys_all_is_unknown_with_a_reason(void **state)
{
    (void)state;
    struct host host = look();
    assert_nothing_known_from_files(&host);
    host_free(&host);
    assert_null(host.cpu.features);
}

static void garbage_in_every_file_is_survived(void **state)
{
    (void)state;
    static const char *const files[] = {"/proc/cpuinfo", "/proc/meminfo", "/proc/self/cgroup",
        "/proc/self/mountinfo", "/sys/kernel/mm/transparent_hugepage/enabled", SYS_CPU "/online",
        SYS_CPU "/smt/active", SYS_CPU "/smt/control", SYS_CPU "/cpufreq/boost",
        SYS_CPU "/cpu0/cache/index0/level", SYS_CPU "/cpu0/cache/index0/size",
        SYS_CPU "/cpu0/cache/index0/type", "/sys/devices/system/node/online",
        "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
        "/sys/kernel/mm/hugepages/hugepages-99999999999999999999kB/x",
        "/sys/kernel/mm/hugepages/hugepages-18446744073709551615kB/nr_hugepages"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tree_garbage(files[i], 300000 + i);
    struct host host = look();
    assert_nothing_known_from_files(&host);
    host_free(&host);
}

static void numbers_that_cannot_be_are_not_taken(void **state)
{
    (void)state;
    tree_file("/proc/meminfo", "MemTotal: 99999999999999999999 kB\nMemAvailable: 18446744073709551615 kB\n");
    tree_file(SYS_CPU "/cpu0/cache/index0/level", "4294967297\n");
    tree_file(SYS_CPU "/cpu0/cache/index0/size", "32K\n");
    tree_file(SYS_CPU "/cpu0/cache/index0/type", "Data\n");
    tree_file(SYS_CPU "/cpufreq/boost", "2\n");
    tree_file(SYS_CPU "/smt/active", "7\n");
    struct host host = look();
    assert_nothing_known_from_files(&host);
    host_free(&host);
}

static void more_than_there_is_room_for_is_cut(void **state)
{
    (void)state;
    char path[128];
    for (int i = 0; i < 3 * HOST_MITIGATIONS_MAX; i++) {
        (void)snprintf(path, sizeof path,
            SYS_CPU "/vulnerabilities/a_very_long_name_of_a_vulnerability_with_number_%03d", i);
        tree_file(path, "Mitigation: \x1b[31m none\n");
    }
    for (int i = 0; i < 3 * HOST_CACHES_MAX; i++) {
        (void)snprintf(path, sizeof path, SYS_CPU "/cpu0/cache/index%d/level", i);
        tree_file(path, "1\n");
        (void)snprintf(path, sizeof path, SYS_CPU "/cpu0/cache/index%d/type", i);
        tree_file(path, "Data\n");
        (void)snprintf(path, sizeof path, SYS_CPU "/cpu0/cache/index%d/size", i);
        char size[16];
        (void)snprintf(size, sizeof size, "%dK\n", i + 1);
        tree_file(path, size);
    }
    for (int i = 0; i < 3 * HOST_HUGETLB_MAX; i++) {
        (void)snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%dkB/nr_hugepages", 64 << i);
        tree_file(path, "1\n");
        (void)snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%dkB/free_hugepages", 64 << i);
        tree_file(path, "1\n");
    }
    struct host host = look();
    assert_int_equal(host.mitigation_count, HOST_MITIGATIONS_MAX);
    assert_int_equal(host.cache_count, HOST_CACHES_MAX);
    assert_int_equal(host.hugetlb_count, HOST_HUGETLB_MAX);
    assert_string_equal(host.mitigations[0].text, "Mitigation: ?[31m none");
    assert_int_equal(strlen(host.mitigations[0].name), sizeof host.mitigations[0].name - 1);
    host_free(&host);
}

static void make_cache(int index, const char *level, const char *type, const char *size, const char *ways)
{
    const struct {
        const char *name, *text;
    } files[] = {{"level", level}, {"type", type}, {"size", size}, {"ways_of_associativity", ways},
        {"coherency_line_size", "64\n"}, {"shared_cpu_list", level[0] == '3' ? "0-15,32-47\n" : "0,32\n"}};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, SYS_CPU "/cpu0/cache/index%d/%s", index, files[i].name);
        tree_file(path, files[i].text);
    }
}

static void a_made_up_server_is_described(void **state)
{
    (void)state;
    tree_file("/proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nmicrocode\t: 0xa001173\n"
        "flags\t\t: fpu vme svm npt\nbugs\t\t: x\n\nprocessor\t: 1\nflags\t\t: other\n");
    tree_file("/proc/meminfo", "MemTotal:  1048576 kB\nMemFree: 1 kB\nMemAvailable: 524288 kB\n");
    tree_file("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
    tree_file(SYS_CPU "/online", "0-31\n");
    tree_file("/sys/devices/system/node/online", "0-1\n");
    tree_file(SYS_CPU "/cpufreq/policy0/scaling_governor", "performance\n");
    tree_file(SYS_CPU "/cpufreq/policy1/scaling_governor", "performance\n");
    tree_file(SYS_CPU "/cpufreq/boost", "0\n");
    tree_file(SYS_CPU "/smt/active", "1\n");
    tree_file(SYS_CPU "/smt/control", "on\n");
    tree_file(SYS_CPU "/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
    tree_file(SYS_CPU "/vulnerabilities/meltdown", "Not affected\n");
    make_cache(0, "1\n", "Data\n", "32K\n", "8\n");
    make_cache(1, "1\n", "Instruction\n", "64K\n", "0\n");
    make_cache(2, "3\n", "Unified\n", "16384K\n", "16\n");
    make_cache(3, "1\n", "Data\n", "32K\n", "8\n");
    struct host host = look();
    assert_fact(&host.cpu.microcode, "0xa001173");
    assert_string_equal(host.cpu.features, "fpu vme svm npt");
    assert_true(host.memory_bytes == GIB);
    assert_true(host.memory_available_bytes == 512 * MIB);
    assert_fact(&host.thp, "always");
    assert_int_equal(host.hugetlb_count, 1);
    assert_true(
        host.hugetlb[0].page_bytes == 2 * MIB && host.hugetlb[0].total == 512 && host.hugetlb[0].free == 500);
    assert_int_equal(host.cpus_online, 32);
    assert_fact(&host.numa_nodes, "2");
    assert_fact(&host.governor, "performance");
    assert_fact(&host.turbo, "off");
    assert_fact(&host.smt, "on");
    assert_int_equal(host.mitigation_count, 2);
    assert_string_equal(host.mitigations[0].name, "meltdown");
    assert_int_equal(host.cache_count, 3);
    assert_int_equal(host.caches[2].shared_cpus, 32);
    assert_int_equal(host.caches[2].ways, 16);
    assert_true(host_last_level_cache_bytes(&host) == 16 * MIB);
    host_free(&host);
}

static void settings_of_an_intel_machine(void **state)
{
    (void)state;
    tree_file(SYS_CPU "/intel_pstate/no_turbo", "0\n");
    tree_file(SYS_CPU "/cpufreq/policy0/scaling_governor", "performance\n");
    tree_file(SYS_CPU "/cpufreq/policy1/scaling_governor", "powersave\n");
    tree_file(SYS_CPU "/smt/active", "0\n");
    tree_file(SYS_CPU "/smt/control", "forceoff\n");
    struct host host = look();
    assert_fact(&host.turbo, "on");
    assert_fact(&host.governor, "mixed");
    assert_fact(&host.smt, "forceoff");
    host_free(&host);
}

/* ---- signatures ---- */

static void cpu_signatures_are_decoded(void **state)
{
    (void)state;
    static const struct {
        uint32_t eax;
        unsigned family, model, stepping;
    } known[] = {
        {0x00a10f11, 0x19, 0x11, 1}, /* EPYC 9004 */
        {0x000506e3, 6, 0x5e, 3},    /* Skylake */
        {0x0001067a, 6, 0x17, 10},   /* Core 2, Penryn */
        {0x00000f43, 15, 4, 3},      /* Pentium 4 */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        unsigned family, model, stepping;
        cpu_signature(known[i].eax, &family, &model, &stepping);
        assert_int_equal(family, known[i].family);
        assert_int_equal(model, known[i].model);
        assert_int_equal(stepping, known[i].stepping);
    }
}

static void hypervisors_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *name;
    } known[] = {
        {"KVMKVMKVM", "", "kvm"},
        {"TCGTCGTCGTCG", "", "tcg"},
        {"Microsoft Hv", "", "hyperv"},
        {"Microsoft Hv", "KVMKVMKVM", "kvm"},
        {"Microsoft Hv", "XenVMMXenVMM", "xen"},
        {"KVMKVMKVM", "XenVMMXenVMM", "kvm"},
        {"VMwareVMware", "?????", "vmware"},
        {"bhyve bhyve", "", "bhyve"},
        {"SomebodyElse", "", "SomebodyElse"},
        {"", "KVMKVMKVM", "kvm"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct fact fact = hypervisor_name(known[i].first, known[i].second);
        assert_fact(&fact, known[i].name);
    }
    struct fact none = hypervisor_name("", "");
    assert_reason(&none);
}

/* ---- control groups ---- */

#define MOUNT_V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

static void cgroup_v2_the_narrowest_limit_counts(void **state)
{
    (void)state;
    struct cgroup_memory memory;
    tree_file("/proc/self/cgroup", "0::/user/job\n");
    tree_file("/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda rw\n" MOUNT_V2);
    tree_file("/sys/fs/cgroup/user/job/memory.max", "max\n");
    tree_file("/sys/fs/cgroup/user/job/memory.current", "1000\n");
    tree_file("/sys/fs/cgroup/user/memory.max", "1073741824\n");
    tree_file("/sys/fs/cgroup/user/memory.high", "536870912\n");
    tree_file("/sys/fs/cgroup/user/memory.current", "268435456\n");
    tree_file("/sys/fs/cgroup/user/memory.stat", "anon 1\ninactive_file 134217728\nactive_file 5\n");
    cgroup_memory(&memory);
    assert_fact(&memory.limit, "536870912");
    assert_true(memory.room_bytes == 512 * MIB - 128 * MIB);
}

static void cgroup_v1_inside_a_container(void **state)
{
    (void)state;
    struct cgroup_memory memory;
    tree_file("/proc/self/cgroup", "5:cpu,memory:/docker/abc\n0::/system.slice\n");
    tree_file("/proc/self/mountinfo", "35 31 0:32 /docker/abc /cg/memory rw - cgroup cgroup rw,memory\n");
    tree_file("/cg/memory/memory.limit_in_bytes", "104857600\n");
    tree_file("/cg/memory/memory.usage_in_bytes", "209715200\n");
    cgroup_memory(&memory);
    assert_fact(&memory.limit, "104857600");
    assert_true(memory.room_bytes == 0);
}

/* Only a part of the tree is mounted here: the group's path is to be taken from there. */
static void cgroup_below_a_mounted_group(void **state)
{
    (void)state;
    struct cgroup_memory memory;
    tree_file("/proc/self/cgroup", "0::/docker/abc/inner\n");
    tree_file("/proc/self/mountinfo", "35 31 0:32 /docker/abc /cg rw - cgroup2 cgroup rw\n");
    tree_file("/cg/inner/memory.max", "4096\n");
    cgroup_memory(&memory);
    assert_fact(&memory.limit, "4096");
}

static void cgroup_without_a_limit_is_told(void **state)
{
    (void)state;
    struct cgroup_memory memory;
    tree_file("/proc/self/cgroup", "4:memory:/a\n0::/../../escaped\n");
    tree_file("/proc/self/mountinfo", "35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n" MOUNT_V2);
    tree_file("/cg/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    tree_file("/sys/fs/cgroup/memory.max", "max\n");
    cgroup_memory(&memory);
    assert_false(memory.limit.known);
    assert_string_equal(memory.limit.text, "no limit");
    assert_true(memory.limit_bytes == UINT64_MAX && memory.room_bytes == UINT64_MAX);
}

/* ---- room ---- */

/* In place of the C library's: of this much nothing is used but for file cache. */
static uint64_t sysinfo_total, sysinfo_free;
int sysinfo(struct sysinfo *info)
{
    int rc = (int)syscall(SYS_sysinfo, info);
    if (sysinfo_total) {
        info->totalram = sysinfo_total / info->mem_unit;
        info->freeram = sysinfo_free / info->mem_unit;
        info->bufferram = 0;
    }
    return rc;
}

static void where_meminfo_is_hidden_available_memory_is_guessed_upwards(void **state)
{
    (void)state;
    struct memory_room room;
    struct error error;
    sysinfo_total = 8 * GIB;
    sysinfo_free = 250 * MIB;
    memory_room_look(&room);
    assert_true(room.guessed);
    assert_true(room.total_bytes == 8 * GIB);
    assert_int_equal(memory_room_check(&room, GIB, &error), 0);
    assert_int_equal(memory_room_check(&room, 5 * GIB, &error), -ENOMEM);
    assert_non_null(strstr(error.text, "/proc/meminfo is hidden"));
    sysinfo_free = 7 * GIB;
    memory_room_look(&room);
    assert_int_equal(memory_room_check(&room, 5 * GIB, &error), 0);
    sysinfo_total = 0;
}

static int check_room(uint64_t available, uint64_t limit, uint64_t used, uint64_t bytes, struct error *error)
{
    struct memory_room room = {.total_bytes = 16 * GIB,
        .available_bytes = available,
        .cgroup = {.limit_bytes = limit, .room_bytes = limit == UINT64_MAX ? limit : limit - used}};
    return memory_room_check(&room, bytes, error);
}

static void more_memory_than_there_is_is_refused_with_both_figures(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(check_room(8 * GIB, UINT64_MAX, 0, 4 * GIB, &error), 0);
    assert_int_equal(check_room(8 * GIB, UINT64_MAX, 0, 9 * GIB, &error), -ENOMEM);
    assert_non_null(strstr(error.text, "9216 MiB"));
    assert_non_null(strstr(error.text, "8192 MiB"));
    assert_int_equal(check_room(8 * GIB, UINT64_MAX, 0, 8 * GIB, &error), -ENOMEM); /* page tables */
    assert_int_equal(
        check_room(8 * GIB, UINT64_MAX, 0, 8 * GIB - 300 * MIB, &error), -ENOMEM); /* the reserve */
    assert_int_equal(check_room(8 * GIB, UINT64_MAX, 0, UINT64_MAX, &error), -ENOMEM);
    assert_int_equal(check_room(0, UINT64_MAX, 0, 1, &error), -ENOMEM);
}

static void more_memory_than_the_control_group_has_is_refused(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(check_room(8 * GIB, 2 * GIB, 512 * MIB, GIB, &error), 0);
    assert_int_equal(check_room(8 * GIB, 2 * GIB, GIB, GIB, &error), -ENOMEM);
    assert_non_null(strstr(error.text, "1024 MiB left of its 2048 MiB"));
}

/* ---- this machine ---- */

static void this_machine_is_seen(void **state)
{
    (void)state;
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    struct host host = look();
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    assert_null(getenv("HWLOC_HIDE_ERRORS"));
    assert_int_equal(strlen(host.cpu.vendor), 12);
    assert_true(host.cpu.family > 0);
    assert_true(host.memory_bytes >= host.memory_available_bytes);
    assert_int_equal(host.cpus_online, sysconf(_SC_NPROCESSORS_ONLN));
    assert_true(host.is_guest == host.guest_of.known || host.guest_of.text[0]);
    for (size_t i = 0; i < host.cache_count; i++)
        assert_true(host.caches[i].level && host.caches[i].bytes && host.caches[i].type[0]);
    for (size_t i = 0; i < host.tlb_count; i++)
        assert_true(host.tlbs[i].level && host.tlbs[i].entries && host.tlbs[i].page_bytes >= 4 * KIB);
    host_free(&host);
}

/* What the kernel says in /proc/cpuinfo comes from the same registers. */
static void this_machine_agrees_with_proc_cpuinfo(void **state)
{
    (void)state;
    char path[] = "/proc/cpuinfo", text[16384];
    static const char format[] = "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n";
    char expected[128];
    struct host host = look();
    assert_int_equal(read_text(path, text, sizeof text), 0);
    (void)snprintf(expected, sizeof expected, format, host.cpu.vendor, host.cpu.family, host.cpu.model);
    assert_non_null(strstr(text, expected));
    host_free(&host);
}

/* hwloc's view and that of /sys, which is taken where hwloc fails, are the same for the caches of CPU 0. */
static void hwloc_that_describes_another_machine_is_not_believed(void **state)
{
    (void)state;
    struct host real = look();
    setenv("HWLOC_SYNTHETIC", "pack:2 l3:1(size=1234567) core:2 pu:1", 1);
    struct host host = look();
    unsetenv("HWLOC_SYNTHETIC");
    assert_reason(&host.topology);
    assert_int_equal(host_last_level_cache_bytes(&host), host_last_level_cache_bytes(&real));
    assert_int_equal(host.cache_count, real.cache_count);
    assert_memory_equal(host.caches, real.caches, host.cache_count * sizeof *host.caches);
    host_free(&host);
    host_free(&real);
}

/* Cores of two kinds. */
static void what_cores_differ_in_is_told_of_the_one_that_is_asked_for(void **state)
{
    static const char *const sizes[] = {"48K\n", "32K\n"}, *const governors[] = {
                                                               "performance\n", "powersave\n"};
    (void)state;
    for (int cpu = 0; cpu < 2; cpu++) {
        const struct {
            const char *name, *text;
        } files[] = {{"cache/index0/level", "1\n"}, {"cache/index0/type", "Data\n"},
            {"cache/index0/size", sizes[cpu]}, {"cpufreq/scaling_governor", governors[cpu]}};
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char path[128];
            (void)snprintf(path, sizeof path, SYS_CPU "/cpu%d/%s", cpu, files[i].name);
            tree_file(path, files[i].text);
        }
    }
    for (int cpu = 0; cpu < 2; cpu++) {
        struct host host;
        assert_int_equal(host_look_from(&host, cpu, NULL), 0);
        assert_int_equal(host.cache_count, 1);
        assert_int_equal(host.caches[0].bytes, cpu ? 32 * KIB : 48 * KIB);
        assert_fact(&host.governor, cpu ? "powersave" : "performance");
        host_free(&host);
    }
}

/* Also where the thread was allowed to run stays. */
static void looking_at_one_cpu_leaves_the_thread_where_it_was(void **state)
{
    cpu_set_t before, after;
    struct host host;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &before)) {
            assert_int_equal(host_look_from(&host, cpu, NULL), 0);
            assert_int_equal(host.looked_at, cpu);
            host_free(&host);
            break;
        }
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TREE(without_proc_and_sys_all_is_unknown_with_a_reason),
        WITH_TREE(garbage_in_every_file_is_survived),
        WITH_TREE(numbers_that_cannot_be_are_not_taken),
        WITH_TREE(more_than_there_is_room_for_is_cut),
        WITH_TREE(a_made_up_server_is_described),
        WITH_TREE(settings_of_an_intel_machine),
        cmocka_unit_test(cpu_signatures_are_decoded),
        cmocka_unit_test(hypervisors_are_named),
        WITH_TREE(cgroup_v2_the_narrowest_limit_counts),
        WITH_TREE(cgroup_v1_inside_a_container),
        WITH_TREE(cgroup_below_a_mounted_group),
        WITH_TREE(cgroup_without_a_limit_is_told),
        WITH_TREE(where_meminfo_is_hidden_available_memory_is_guessed_upwards),
        cmocka_unit_test(more_memory_than_there_is_is_refused_with_both_figures),
        cmocka_unit_test(more_memory_than_the_control_group_has_is_refused),
        WITH_TREE(what_cores_differ_in_is_told_of_the_one_that_is_asked_for),
        cmocka_unit_test(looking_at_one_cpu_leaves_the_thread_where_it_was),
        cmocka_unit_test(this_machine_is_seen),
        cmocka_unit_test(this_machine_agrees_with_proc_cpuinfo),
        cmocka_unit_test(hwloc_that_describes_another_machine_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
