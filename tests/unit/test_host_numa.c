/* host/numa: memory is on the nodes that were asked for, and nodes that cannot be had are named. */
#include "test_host_memory.h"

#include "host/hugetlb.h"

static void machine(const char *online, const char *with_memory, const char *allowed)
{
    char status[200];
    (void)snprintf(
        status, sizeof status, "Name:\tvcost\nMems_allowed:\tff\nMems_allowed_list:\t%s\n", allowed);
    tree_file("/sys/devices/system/node/online", online);
    tree_file("/sys/devices/system/node/has_memory", with_memory);
    tree_file("/proc/self/status", status);
}

static struct numa_nodes parsed(const char *text)
{
    struct numa_nodes nodes;
    struct error error = {0};
    if (numa_nodes_parse(text, &nodes, &error))
        fail_msg("numa_nodes_parse: %s", error.text);
    return nodes;
}

/* ---- lists ---- */

static void lists_of_nodes_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
    } lists[] = {{"0", "0"}, {"0,2-3", "0,2-3"}, {"3,2,1", "1-3"}, {"1-1", "1"}, {"5-7,6-9,0", "0,5-9"},
        {"63-65,1023", "63-65,1023"}, {"0-1023", "0-1023"}};
    machine("0-1023\n", "0-1023\n", "0-1023");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct numa_nodes nodes = parsed(lists[i].text);
        char text[64];
        numa_nodes_text(&nodes, "", text, sizeof text);
        assert_string_equal(text, lists[i].again);
        assert_false(numa_nodes_none(&nodes));
    }
    struct numa_nodes nodes = parsed("0,2-3");
    assert_true(numa_nodes_has(&nodes, 0) && numa_nodes_has(&nodes, 2) && numa_nodes_has(&nodes, 3));
    assert_false(numa_nodes_has(&nodes, 1) || numa_nodes_has(&nodes, 4) || numa_nodes_has(&nodes, 5000));
}

static void what_does_not_fit_is_cut(void **state)
{
    (void)state;
    struct numa_nodes nodes = {.bits = {0x5555}};
    char text[8];
    numa_nodes_text(&nodes, "at ", text, sizeof text);
    assert_string_equal(text, "at 0,2,");
    numa_nodes_text(&nodes, "far too long ", text, sizeof text);
    assert_string_equal(text, "far too");
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "a", "0,", ",0", "0,,1", "-1", "0-", "3-2", "1024", "0-1024",
        " 0", "0 ", "0, 1", "0- 1", "+0", "0x0", "99999999999999999999", "0-1-2"};
    machine("0-1023\n", "0-1023\n", "0-1023");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct numa_nodes nodes = {.bits = {77}};
        struct error error = {0};
        assert_true(is_refused(
            numa_nodes_parse(wrong[i], &nodes, &error), &error, EINVAL, "is no list of NUMA nodes"));
        assert_true(nodes.bits[0] == 77);
    }
}

static void nodes_that_cannot_be_had_are_named_beside_those_that_can(void **state)
{
    (void)state;
    struct numa_nodes nodes;
    struct error error = {0};
    machine("0-3,8\n", "0-2,8\n", "0-1,3,8");
    assert_int_equal(numa_nodes_parse("0-1,8", &nodes, &error), 0);
    assert_true(is_refused(numa_nodes_parse("0,5", &nodes, &error), &error, ENODEV,
        "no NUMA node 5 here: this machine has 0-3,8"));
    assert_true(is_refused(numa_nodes_parse("3", &nodes, &error), &error, ENODEV,
        "NUMA node 3 has no memory: there is some on 0-2,8"));
    assert_true(is_refused(numa_nodes_parse("1-2", &nodes, &error), &error, ENODEV,
        "NUMA node 2 is forbidden to this process by its cpuset, which allows 0-1,3,8"));
}

static void a_kernel_without_nodes_is_told(void **state)
{
    (void)state;
    struct numa_nodes nodes;
    struct error error = {0};
    assert_true(is_refused(
        numa_nodes_parse("0", &nodes, &error), &error, ENOTSUP, "/sys/devices/system/node/online"));
    tree_garbage("/sys/devices/system/node/online", 5000);
    assert_int_equal(numa_nodes_parse("0", &nodes, &error), -ENOTSUP);
    tree_file("/sys/devices/system/node/online", "0-1\n");
    tree_garbage("/sys/devices/system/node/has_memory", 5000);
    tree_garbage("/proc/self/status", 5000);
    assert_int_equal(numa_nodes_parse("0-1", &nodes, &error), 0);
}

/* ---- numa_maps ---- */

static struct memory made_up(size_t bytes)
{
    return (struct memory){.base = (void *)0x40000000, .bytes = bytes, .nodes = {.bits = {1 << 1}}};
}

static void pages_are_counted_on_their_nodes(void **state)
{
    (void)state;
    struct memory memory = made_up(4 * MIB);
    struct memory_nodes found;
    struct error error = {0};
    tree_file("/proc/self/numa_maps", "3fffe000 default anon=2 dirty=2 N0=2 kernelpagesize_kB=4\n"
                                      "40000000 bind:1 anon=520 dirty=520 N0=8 N1=512 kernelpagesize_kB=4\n"
                                      "40300000 bind:1\n"
                                      "40400000 default file=/a\\040N1=7 anon=1 N0=1 kernelpagesize_kB=4\n");
    memory_nodes_obtained(&memory, &found);
    assert_true(found.proof.known && found.resident_bytes == 520 * PAGE);
    assert_true(found.node_bytes[0] == 8 * PAGE && found.node_bytes[1] == 2 * MIB);
    assert_string_equal(found.proof.text, "numa_maps: 32 KiB on node 0, 2048 KiB on node 1");
    assert_true(is_refused(
        memory_check_nodes(&memory, &error), &error, EPROTO, "only 2 of 3 MiB of memory are on NUMA node 1"));
    memory.nodes.bits[0] |= 1;
    assert_int_equal(memory_check_nodes(&memory, &error), 0);
    memory.nodes.bits[0] = 0;
    assert_int_equal(memory_check_nodes(&memory, &error), 0);
}

static void hugetlb_pages_are_counted_in_their_size(void **state)
{
    (void)state;
    struct memory memory = made_up(8 * MIB);
    struct memory_nodes found;
    tree_file("/proc/self/numa_maps",
        "40000000 bind:1 file=/anon_hugepage\\040(deleted) huge anon=3 dirty=3 N1=3 "
        "kernelpagesize_kB=2048\n");
    memory_nodes_obtained(&memory, &found);
    assert_true(found.proof.known && found.node_bytes[1] == 6 * MIB && found.resident_bytes == 6 * MIB);
}

static void numa_maps_that_make_no_sense_prove_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {"40000000 bind:1 anon=3 N1=3\n", "", "50000000 bind:1 N1=3\n",
        "40000000 bind:1 N1=99999999999999999 kernelpagesize_kB=4\n",
        "3fffffff bind:1 N1=1 kernelpagesize_kB=4\n"};
    struct memory memory = made_up(4 * MIB);
    struct memory_nodes found;
    struct error error = {0};
    memory_nodes_obtained(&memory, &found);
    assert_false(found.proof.known);
    assert_non_null(strstr(found.proof.text, "a kernel without NUMA"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tree_file("/proc/self/numa_maps", wrong[i]);
        memory_nodes_obtained(&memory, &found);
        assert_false(found.proof.known);
        assert_true(is_refused(memory_check_nodes(&memory, &error), &error, ENODATA, "cannot be proved"));
    }
    tree_garbage("/proc/self/numa_maps", 100000);
    memory_nodes_obtained(&memory, &found);
    assert_false(found.proof.known);
    tree_file("/proc/self/numa_maps", "40000000 bind:1 N5000=3 N=2 N1 N1= N1=x N2=7kB N3=1 "
                                      "kernelpagesize_kB=99999999999 kernelpagesize_kB=4\n");
    memory_nodes_obtained(&memory, &found);
    assert_true(found.proof.known && found.resident_bytes == PAGE && found.node_bytes[3] == PAGE);
}

/* ---- room ---- */

static int map_on(const struct numa_nodes *nodes, size_t bytes, struct error *error)
{
    struct memory memory;
    struct memory_request request = {.bytes = bytes, .page_bytes = 4 * KIB, .nodes = *nodes};
    int rc = memory_map_request(&memory, &request, error);
    if (!rc)
        memory_unmap(&memory);
    return rc;
}

static void more_than_a_node_has_is_refused(void **state)
{
    (void)state;
    const struct numa_nodes second = {.bits = {1 << 1}}, both = {.bits = {1 << 0 | 1 << 1}};
    struct error error = {0};
    tree_file("/proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 8000000 kB\n");
    tree_file("/sys/devices/system/node/node0/meminfo",
        "Node 0 MemTotal:       1048576 kB\nNode 0 MemFree:         102400 kB\n");
    tree_file("/sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:       1048576 kB\n"
                                                        "Node 1 MemFree:         204800 kB\n"
                                                        "Node 1 Inactive(file):  102400 kB\n");
    assert_true(is_refused(map_on(&second, 280 * MIB, &error), &error, ENOMEM,
        "280 MiB of memory are asked for on NUMA node 1, but only 300 of its 1024 MiB are free"));
    assert_true(is_refused(map_on(&both, 380 * MIB, &error), &error, ENOMEM, "only 400 of its 2048 MiB"));
}

/* ---- this machine ---- */

/* The nodes with memory that this process may use, as far as there is room. */
static size_t usable_nodes(unsigned nodes[static 16])
{
    size_t count = 0;
    for (unsigned node = 0; node < NUMA_NODES_MAX && count < 16; node++) {
        struct numa_nodes found;
        char text[16];
        (void)snprintf(text, sizeof text, "%u", node);
        if (!numa_nodes_parse(text, &found, NULL))
            nodes[count++] = node;
    }
    return count;
}

static struct numa_nodes only(unsigned node)
{
    struct numa_nodes nodes = {0};
    nodes.bits[node / 64] = UINT64_C(1) << node % 64;
    return nodes;
}

/* Memory on a node is all there, and the check sees when it is not on another. */
static void try_node(unsigned node, unsigned other, enum memory_source source, uint64_t page_bytes)
{
    struct memory_request request = {
        .bytes = 16 * MIB, .page_bytes = page_bytes, .source = source, .nodes = only(node)};
    struct memory memory = map_request(&request);
    struct memory_nodes found;
    struct error error = {0};
    populate(&memory, true);
    memory_nodes_obtained(&memory, &found);
    if (!found.proof.known || found.node_bytes[node] != 16 * MIB || found.resident_bytes != 16 * MIB)
        fail_msg("node %u, %s: %s", node, memory_source_name(source), found.proof.text);
    if (memory_check_nodes(&memory, &error))
        fail_msg("%s", error.text);
    memory.nodes = only(other);
    assert_int_equal(memory_check_nodes(&memory, &error), node == other ? 0 : -EPROTO);
    memory_unmap(&memory);
}

static bool kernel_tells_of_nodes(void)
{
    return access("/proc/self/numa_maps", R_OK) == 0;
}

static void memory_is_bound(void **state)
{
    (void)state;
    unsigned nodes[16] = {0};
    if (!kernel_tells_of_nodes() || !usable_nodes(nodes))
        SKIP("this kernel has no NUMA");
    try_node(nodes[0], nodes[0], MEMORY_SMALL, 4 * KIB);
}

/* The policy itself, which one node alone does not show. */
static bool is_bound(const char *line, const void *start)
{
    char head[64];
    (void)snprintf(head, sizeof head, "%lx bind:", (unsigned long)start);
    return !strncmp(line, head, strlen(head));
}

static void the_policy_is_there_before_the_pages_are(void **state)
{
    (void)state;
    unsigned nodes[16] = {0};
    bool seen = false;
    if (!kernel_tells_of_nodes() || !usable_nodes(nodes))
        SKIP("this kernel has no NUMA");
    struct memory_request request = {.bytes = MIB, .page_bytes = 4 * KIB, .nodes = only(nodes[0])};
    struct memory memory = map_request(&request);
    char line[READ_TEXT_LINE];
    FILE *file = fopen("/proc/self/numa_maps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        seen = seen || is_bound(line, memory.base);
    (void)fclose(file);
    assert_true(seen);
    memory_unmap(&memory);
}

/* From every source that this machine has. */
static void try_sources(unsigned node, unsigned other)
{
    const struct numa_nodes here = only(node);
    struct hugetlb_pool pool;
    try_node(node, other, MEMORY_SMALL, 4 * KIB);
    if (large_pages_are_to_be_had()) {
        try_node(node, other, MEMORY_THP, 2 * MIB);
        try_node(node, other, MEMORY_COLLAPSE, 2 * MIB);
    }
    if (!hugetlb_look(2 * MIB, &here, &pool) && pool.free >= 8)
        try_node(node, other, MEMORY_HUGETLB, 2 * MIB);
}

static void numa_memory_is_where_it_was_asked_for(void **state)
{
    (void)state;
    unsigned nodes[16] = {0};
    size_t count = kernel_tells_of_nodes() ? usable_nodes(nodes) : 0;
    if (count < 2)
        SKIP("one NUMA node");
    for (size_t i = 0; i < count; i++)
        try_sources(nodes[i], nodes[(i + 1) % count]);
}

/* hugetlb pages are promised for the whole machine: two may be promised the last of a node, and one gets
 * them. */
static void a_node_that_runs_out_of_hugetlb_pages_is_an_error_and_no_signal(void **state)
{
    (void)state;
    unsigned nodes[16] = {0};
    struct hugetlb_pool pool = {0};
    struct error error = {0};
    if (!kernel_tells_of_nodes() || usable_nodes(nodes) < 2)
        SKIP("one NUMA node");
    struct memory_request request = {
        .page_bytes = 2 * MIB, .source = MEMORY_HUGETLB, .nodes = only(nodes[1])};
    if (hugetlb_look(2 * MIB, &request.nodes, &pool) || pool.free < 2)
        SKIP("fewer than two hugetlb pages of 2 MiB are free on the second NUMA node");
    request.bytes = pool.free * 2 * MIB;
    struct memory first = map_request(&request), second = map_request(&request);
    populate(&first, true);
    assert_true(is_refused(memory_populate(&second, true, NULL, NULL, &error), &error, ENOTSUP,
        "/sys/devices/system/node/node"));
    assert_non_null(strstr(error.text, "but 0 of"));
    memory_unmap(&first);
    memory_unmap(&second);
}

static void several_nodes_are_bound_together(void **state)
{
    (void)state;
    unsigned nodes[16] = {0};
    if (!kernel_tells_of_nodes() || usable_nodes(nodes) < 2)
        SKIP("one NUMA node");
    struct memory_request request = {.bytes = 16 * MIB, .page_bytes = 4 * KIB, .nodes = only(nodes[0])};
    request.nodes.bits[nodes[1] / 64] |= UINT64_C(1) << nodes[1] % 64;
    struct memory memory = map_request(&request);
    struct error error = {0};
    populate(&memory, true);
    assert_int_equal(memory_check_nodes(&memory, &error), 0);
    memory_unmap(&memory);
}

static void a_node_that_does_not_exist_is_refused_by_the_kernel(void **state)
{
    (void)state;
    unsigned nodes[16] = {0};
    struct error error = {0};
    if (!kernel_tells_of_nodes() || !usable_nodes(nodes))
        SKIP("this kernel has no NUMA");
    const struct numa_nodes last = only(NUMA_NODES_MAX - 1);
    assert_true(is_refused(map_on(&last, MIB, &error), &error, EINVAL, "NUMA node 1023"));
}

/* MPOL_BIND is 2. */
static int bind_fails_with(unsigned code, const char *words)
{
    const struct numa_nodes first = only(0);
    struct error error = {0};
    if (forbid(SYS_mbind, 2, 2, 2, code))
        return 1;
    return is_refused(map_on(&first, MIB, &error), &error, ENOTSUP, words) ? 0 : 2;
}

static int no_mbind_steps(void)
{
    return bind_fails_with(ENOSYS, "this kernel has no NUMA");
}

static int forbidden_mbind_steps(void)
{
    return bind_fails_with(EPERM, "--cap-add SYS_NICE");
}

static void a_kernel_or_container_without_mbind_is_told(void **state)
{
    (void)state;
    in_child(no_mbind_steps);
    in_child(forbidden_mbind_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TREE(lists_of_nodes_are_read_and_written),
        cmocka_unit_test(what_does_not_fit_is_cut),
        WITH_TREE(what_is_no_list_is_refused),
        WITH_TREE(nodes_that_cannot_be_had_are_named_beside_those_that_can),
        WITH_TREE(a_kernel_without_nodes_is_told),
        WITH_TREE(pages_are_counted_on_their_nodes),
        WITH_TREE(hugetlb_pages_are_counted_in_their_size),
        WITH_TREE(numa_maps_that_make_no_sense_prove_nothing),
        WITH_TREE(more_than_a_node_has_is_refused),
        cmocka_unit_test(memory_is_bound),
        cmocka_unit_test(the_policy_is_there_before_the_pages_are),
        cmocka_unit_test(numa_memory_is_where_it_was_asked_for),
        cmocka_unit_test(a_node_that_runs_out_of_hugetlb_pages_is_an_error_and_no_signal),
        cmocka_unit_test(several_nodes_are_bound_together),
        cmocka_unit_test(a_node_that_does_not_exist_is_refused_by_the_kernel),
        cmocka_unit_test(a_kernel_or_container_without_mbind_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
