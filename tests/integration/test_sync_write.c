/* `shadow` where each store to a page table is emulated: whatever instruction changes an entry, the guest
 * sees at once what that maps then, and the monitor has counted it. */
#include "chosen_monitor.h"

#include "abi/domain.h"
#include "domain/probe.h"
#include "measure/counters.h"
#include "paging/table_pool.h"

enum {
    PAGE = 4096,
    PAGES = 64,
    TABLES = 32,
    CODE = 1,
    STACK = 2,
    OPERANDS = 3,
    FIRST = 8,
    SECOND = 9,
    PORT = 0xec
};
#define BASE UINT64_C(0x100000000000)
#define VICTIM (BASE + FIRST * PAGE)
#define CODE_AT(offset) (BASE + CODE * PAGE + (offset))

static struct backing memory;
static struct vm *vm;
static struct vcpu *vcpu;
static gpa_t root;
static uint64_t *entry;   /* of the victim, here */
static uint64_t entry_at; /* and where the guest has it */

static char *page(unsigned number)
{
    return (char *)memory.host + (size_t)number * PAGE;
}

/* All of it at BASE, and where the tables end up in it. */
static void make_tables(void)
{
    static struct table_pool pool;
    const unsigned all = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE;
    pool = (struct table_pool){
        .base = page(PAGES - TABLES), .first = GPA((uint64_t)(PAGES - TABLES) * PAGE), .pages = TABLES};
    assert_int_equal(table_pool_init(&pool, NULL), 0);
    struct page_tables tables = {
        .memory = table_pool_memory(&pool), .levels = 4, .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    struct page_walk walk;
    assert_int_equal(page_tables_init(&tables, NULL), 0);
    assert_int_equal(page_tables_map(&tables, GVA(BASE), GPA(0), (uint64_t)PAGES * PAGE, PAGE, all, NULL), 0);
    page_tables_walk(&tables, GVA(VICTIM), &walk);
    root = tables.root;
    entry = (uint64_t *)(void *)((char *)memory.host + walk.read[walk.reads - 1].where.value);
    entry_at = BASE + walk.read[walk.reads - 1].where.value;
    table_pool_free(&pool);
}

static void set_system(void)
{
    struct error error = {0};
    const struct vcpu_system system = {.page_tables = root,
        .cr0 = 0x80050033,
        .cr4 = 0x6a0,
        .efer = 0xd01,
        .cs_selector = DOMAIN_KERNEL_CS,
        .ss_selector = DOMAIN_KERNEL_SS};
    if (chosen->set_system(vcpu, &system, &error) < 0)
        fail_msg("%s", error.text);
}

static int open_guest(void **state)
{
    const struct vm_config config = {.sync_write = true, .fill = 1};
    struct monitor_facts facts;
    struct error error = {0};
    (void)state;
    domain_probe(chosen, &facts);
    if (!facts.usable) {
        print_message("# skip: %s\n", facts.reason);
        return 0;
    }
    memory = map_backing((size_t)PAGES * PAGE);
    make_tables();
    if (chosen->create(&config, &vm, &error) < 0 || chosen->region(vm, 0, GPA(0), &memory, 0, &error) < 0 ||
        chosen->vcpu(vm, 0, &vcpu, &error) < 0)
        fail_msg("%s", error.text);
    set_system();
    return 0;
}

/* ---- stores ---- */

static uint64_t counter(const char *name)
{
    struct counters counters = {.count = 0};
    uint64_t value = 0;
    chosen->counters(vm, vcpu, &counters);
    chosen->counters(vm, NULL, &counters);
    counters_get(&counters, name, &value);
    return value;
}

/* Runs code until it ends with OUT of EAX, which is told. */
static uint32_t run(const char *code, size_t bytes, struct vcpu_registers registers)
{
    static const uint8_t look[] = {
        0x0f, 0x01, 0x3e, 0x8b, 0x06, 0xe7, PORT}; /* invlpg (%rsi); mov (%rsi), %eax; out */
    struct vm_exit exit;
    struct error error = {0};
    memcpy(page(CODE), code, bytes);
    memcpy(page(CODE) + bytes, look, sizeof look);
    registers.rip = CODE_AT(0);
    registers.rsp = BASE + (STACK + 1) * PAGE;
    registers.rflags = 2;
    assert_int_equal(chosen->set_registers(vcpu, &registers, &error), 0);
    do {
        if (chosen->enter(vcpu, &exit, &error) < 0)
            fail_msg("%s", error.text);
    } while (exit.kind == EXIT_INTERRUPTED);
    if (exit.kind != EXIT_IO)
        fail_msg("exit %d: %s", exit.kind, exit.detail);
    return *(const uint32_t *)exit.data;
}

/* What each does with RDI at the entry, of which the value is RAX, RDX has the new one and RBX what tells
 * them apart; R8 is where the new one lies in memory. RSI is the victim. */
static const struct store {
    const char *name, *code;
    size_t bytes;
    bool left; /* to the guest itself */
} stores[] = {
#define STORE(name, code)                                                                                    \
    {                                                                                                        \
        name, code, sizeof(code) - 1, false                                                                  \
    }
    STORE("mov", "\x48\x89\x17"),
    STORE("movl", "\x89\x17"),
    STORE("movnti", "\x48\x0f\xc3\x17"),
    STORE("xchg", "\x48\x87\x17"),
    STORE("lock cmpxchg", "\xf0\x48\x0f\xb1\x17"),
    STORE("xor", "\x48\x31\x1f"),
    STORE("lock xor", "\xf0\x48\x31\x1f"),
    STORE("sub, add", "\x48\x29\x07\x48\x01\x17"),
    STORE("and, or", "\x48\x83\x27\x00\x48\x09\x17"),
    STORE("lock xadd", "\x48\x29\xc2\xf0\x48\x0f\xc1\x17"), /* behind sub %rax, %rdx */
    STORE("lock bts", "\xf0\x48\x0f\xba\x2f\x0c"),          /* bit 12 */
    STORE("lock btc", "\xf0\x48\x0f\xba\x3f\x0c"),
    STORE("lock cmpxchg8b",
        "\x48\x89\xd3\x48\x89\xd1\x48\xc1\xe9\x20\x48\x89\xc2\x48\xc1\xea\x20\xf0\x0f\xc7\x0f"),
    STORE("stosq", "\x48\x89\xd0\x48\xab"),
    STORE("rep stosq", "\x48\x89\xd0\xb9\x01\x00\x00\x00\xf3\x48\xab"),
    STORE("movsq", "\x49\x89\xf1\x4c\x89\xc6\x48\xa5\x4c\x89\xce"),
    {"movq of xmm0", "\xf3\x41\x0f\x7e\x00\x66\x0f\xd6\x07", 9, true},
    {"shl, shr, mov", "\x48\xd1\x27\x48\xd1\x2f\x48\x89\x17", 9, true},
};

static void each_store_is_seen_at_once(void **state)
{
    (void)state;
    if (!vm) {
        skip();
        return;
    }
    *(uint32_t *)(void *)page(FIRST) = 0x1111;
    *(uint32_t *)(void *)page(SECOND) = 0x2222;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        const struct store *store = &stores[i];
        const uint64_t first = (uint64_t)FIRST * PAGE | 0x63, second = (uint64_t)SECOND * PAGE | 0x63;
        const uint64_t left = counter("stores_left");
        const struct vcpu_registers registers = {.rax = first,
            .rdx = second,
            .rbx = first ^ second,
            .rdi = entry_at,
            .rsi = VICTIM,
            .r8 = BASE + OPERANDS * PAGE};
        assert_int_equal(run("\x48\x89\x07", 3, registers), 0x1111); /* mov %rax, (%rdi) */
        assert_true((*entry & ~UINT64_C(0x60)) == (first & ~UINT64_C(0x60)));
        *(uint64_t *)(void *)page(OPERANDS) = second;
        const uint64_t before = counter("table_stores");
        uint32_t seen = run(store->code, store->bytes, registers);
        if (seen != 0x2222 || (*entry ^ second) & ~UINT64_C(0x60))
            fail_msg("%s: the guest sees %#x, the entry is %#lx", store->name, seen, *entry);
        if (counter("table_stores") == before || counter("stores_left") - left != store->left)
            fail_msg("%s: %lu stores counted, %lu left", store->name, counter("table_stores") - before,
                counter("stores_left") - left);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_store_is_seen_at_once)};
    choose_monitor(argc, argv);
    return cmocka_run_group_tests(tests, open_guest, NULL);
}
