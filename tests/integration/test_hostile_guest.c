/* A guest kernel that does its worst, at random: requests with wild arguments, page tables with anything in
 * them, code of random bytes at both privileges. The monitor comes back each time and says why; memory that
 * is not the guest's stays as it was; another domain computes on. */
#include "chosen_monitor.h"

#include "abi/domain.h"
#include "abi/hypercall.h"
#include "base/random.h"
#include "domain/guest_kernel.h"
#include "domain/probe.h"
#include "paging/table_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Pages of the guest; as many follow behind them in the same descriptor, which it was not given. */
enum { PAGE = 4096, PAGES = 256, TABLES = 32, CODE = 1, STACK = 2, IDT = 3, GDT = 4, TSS = 5, WILD = 8 };
enum { ROUNDS = 40, TURNS = 60, PORT = 0xec, PATTERN = 0x5a };
#define BASE UINT64_C(0x100000000000)

struct guest {
    struct backing backing; /* all of it */
    struct vm *vm;
    struct vcpu *vcpu;
    gpa_t root;
};

static struct monitor_facts facts;
static uint64_t seed;

static uint64_t any(uint64_t limit)
{
    return random_below(&seed, limit);
}

static void *page(const struct guest *guest, uint64_t number)
{
    return (char *)guest->backing.host + number * PAGE;
}

static void need_monitor(void)
{
    if (facts.usable)
        return;
    print_message("# skip: %s: %s\n", chosen->name, facts.reason);
    skip();
}

/* ---- making it ---- */

static void map(struct page_tables *tables, uint64_t first, uint64_t pages, unsigned rights)
{
    assert_int_equal(page_tables_map(tables, GVA(BASE + first * PAGE), GPA(first * PAGE), pages * PAGE, PAGE,
                         rights, NULL),
        0);
}

/* Its tables are mapped read-only where it asks, writable where it owns them. */
static void make_tables(struct guest *guest)
{
    struct table_pool pool = {.base = page(guest, PAGES - TABLES),
        .first = GPA((uint64_t)(PAGES - TABLES) * PAGE),
        .pages = TABLES};
    const unsigned rw = PAGE_READ | PAGE_WRITE;
    assert_int_equal(table_pool_init(&pool, NULL), 0);
    struct page_tables tables = {
        .memory = table_pool_memory(&pool), .levels = 4, .preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    assert_int_equal(page_tables_init(&tables, NULL), 0);
    map(&tables, 0, WILD, rw | PAGE_EXECUTE);
    map(&tables, WILD, PAGES - TABLES - WILD, rw | PAGE_EXECUTE | PAGE_USER);
    map(&tables, PAGES - TABLES, TABLES, strcmp(chosen->name, "paravirt") ? rw : PAGE_READ);
    guest->root = tables.root;
    table_pool_free(&pool);
}

/* Every vector leads to an OUT. */
static void make_descriptors(struct guest *guest)
{
    uint64_t *idt = page(guest, IDT), *gdt = page(guest, GDT), stack = BASE + (STACK + 1) * PAGE;
    const uint64_t handler = BASE + CODE * PAGE + 16;
    for (unsigned vector = 0; vector < 256; vector++) {
        idt[2 * vector] = (handler & 0xffff) | DOMAIN_KERNEL_CS << 16 | UINT64_C(0xee00) << 32 |
                          (handler >> 16 & 0xffff) << 48;
        idt[2 * vector + 1] = handler >> 32;
    }
    gdt[DOMAIN_KERNEL_CS / 8] = 0x00af9b000000ffff;
    gdt[DOMAIN_KERNEL_SS / 8] = 0x00cf93000000ffff;
    gdt[DOMAIN_USER_SS / 8] = 0x00cff3000000ffff;
    gdt[DOMAIN_USER_CS / 8] = 0x00affb000000ffff;
    memcpy((char *)page(guest, TSS) + 4, &stack, sizeof stack);
}

static void set_system(const struct guest *guest, bool user)
{
    struct error error = {0};
    const struct vcpu_system system = {
        .page_tables = guest->root,
        .cr0 = 0x80050033,
        .cr4 = 0x6a0,
        .efer = 0xd01,
        .cs_selector = user ? DOMAIN_USER_CS : DOMAIN_KERNEL_CS,
        .ss_selector = user ? DOMAIN_USER_SS : DOMAIN_KERNEL_SS,
        .gdt = GVA(BASE + GDT * PAGE),
        .gdt_limit = DOMAIN_TSS + 15,
        .idt = GVA(BASE + IDT * PAGE),
        .idt_limit = 4095,
        .tss = GVA(BASE + TSS * PAGE),
        .tss_limit = 103,
        .tss_selector = DOMAIN_TSS,
        .star = (uint64_t)(DOMAIN_USER_SS - 8) << 48 | (uint64_t)DOMAIN_KERNEL_CS << 32,
        .syscall_entry = GVA(BASE + CODE * PAGE + 16),
    };
    chosen->set_system(guest->vcpu, &system, &error); /* refused where its tables have become impossible */
}

static void open_guest(struct guest *guest)
{
    static const uint8_t ask[] = {0x0f, 0x05, 0xe7, PORT};         /* syscall; out %eax, $PORT */
    static const uint8_t store[] = {0x48, 0x89, 0x07, 0xe7, PORT}; /* mov %rax, (%rdi); out */
    const struct vm_config config = {.tick = true};
    struct error error = {0};
    memset(guest->backing.host, 0, (size_t)PAGES * PAGE);
    make_tables(guest);
    make_descriptors(guest);
    memcpy(page(guest, CODE), ask, sizeof ask);
    memcpy((char *)page(guest, CODE) + 16, ask + 2, 2);
    memcpy((char *)page(guest, CODE) + 32, store, sizeof store);
    struct backing given = guest->backing;
    given.bytes = (uint64_t)PAGES * PAGE;
    if (chosen->create(&config, &guest->vm, &error) < 0 ||
        chosen->region(guest->vm, 0, GPA(0), &given, 0, &error) < 0 ||
        chosen->vcpu(guest->vm, 0, &guest->vcpu, &error) < 0)
        fail_msg("%s", error.text);
    set_system(guest, false);
}

/* ---- what it does ---- */

/* Something that may mean something. */
static uint64_t any_address(const struct guest *guest)
{
    switch (any(6)) {
    case 0:
        return guest->root.value;
    case 1:
        return (PAGES - TABLES + any(TABLES)) * PAGE + any(512) * 8;
    case 2:
        return any(2 * PAGES) * PAGE;
    case 3:
        return BASE + any(PAGES) * PAGE + any(PAGE);
    case 4:
        return any(8);
    default:
        return random_next(&seed);
    }
}

static uint64_t any_entry(const struct guest *guest)
{
    return (any_address(guest) & UINT64_C(0x000ffffffffff000)) | any(256) | (any(8) ? 0 : UINT64_C(1) << 63);
}

static uint64_t any_word(const struct guest *guest)
{
    return any(2) ? any_entry(guest) : any_address(guest);
}

static struct vcpu_registers any_registers(const struct guest *guest)
{
    return (struct vcpu_registers){
        .rax = any_word(guest),
        .rbx = any_word(guest),
        .rcx = any_word(guest),
        .rdx = any_word(guest),
        .rsi = any_word(guest),
        .rdi = any_word(guest),
        .rbp = any_word(guest),
        .r8 = any_word(guest),
        .r9 = any_word(guest),
        .r10 = any(4) ? any(4) : any_word(guest),
        .rsp = any(8) ? BASE + (STACK + 1) * PAGE - 256 : any_word(guest),
        .rflags = 2 | (any(2) ? 0x200 : 0),
    };
}

static struct vcpu_registers ask_for_anything(const struct guest *guest)
{
    struct vcpu_registers registers = any_registers(guest);
    uint64_t *batch = page(guest, WILD);
    for (unsigned i = 0; i < 16; i += 2) {
        batch[i] = any(4) ? (PAGES - TABLES + any(TABLES)) * PAGE + any(512) * 8 + any(2) : any_word(guest);
        batch[i + 1] = any_entry(guest);
    }
    registers.rax = HYPERCALL_FIRST + any(HYPERCALL_COUNT + 1);
    if (any(3)) {
        registers.rdi = any(2) ? WILD * PAGE : any_address(guest);
        registers.rsi = any(2) ? 1 + any(8) : any_word(guest);
    }
    registers.rip = BASE + CODE * PAGE;
    return registers;
}

/* To its tables: an entry in one of them, or anything. */
static struct vcpu_registers store_anything(const struct guest *guest)
{
    struct vcpu_registers registers = any_registers(guest);
    registers.rdi = BASE + (PAGES - TABLES + any(any(2) ? 8 : TABLES)) * PAGE + any(512) * 8;
    registers.rax = any_entry(guest);
    registers.rip = BASE + CODE * PAGE + 32;
    return registers;
}

static struct vcpu_registers run_anything(const struct guest *guest)
{
    struct vcpu_registers registers = any_registers(guest);
    uint64_t *code = page(guest, WILD + 1);
    for (unsigned i = 0; i < 64; i++)
        code[i] = random_next(&seed);
    registers.rip = BASE + (WILD + 1) * PAGE;
    return registers;
}

/* ---- nothing hangs ---- */

static pthread_mutex_t kicking = PTHREAD_MUTEX_INITIALIZER; /* who kicks has it: no vcpu goes meanwhile */
static struct vcpu *running;
static atomic_bool over;

static void set_running(struct vcpu *vcpu)
{
    pthread_mutex_lock(&kicking);
    running = vcpu;
    pthread_mutex_unlock(&kicking);
}

static void *kick_now_and_then(void *unused)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    while (!over) {
        pthread_mutex_lock(&kicking);
        if (running)
            chosen->kick(running);
        pthread_mutex_unlock(&kicking);
        nanosleep(&moment, NULL);
    }
    return unused;
}

enum deed { RUNS, STORES, ASKS };

/* What came of all that, so that it is known to have been more than noise. */
static struct {
    unsigned kinds[EXIT_FAILED + 1];
    unsigned asked, granted, stored;
} told;

static void note(enum deed deed, const struct vcpu_registers *registers, const struct vm_exit *exit)
{
    assert_in_range(exit->kind, EXIT_IO, EXIT_FAILED);
    told.kinds[exit->kind]++;
    if (exit->kind != EXIT_IO || exit->port != PORT || !exit->write || exit->size != 4)
        return;
    const int32_t answer = *(const int32_t *)exit->data;
    told.asked += deed == ASKS;
    told.granted += deed == ASKS && answer >= 0 && answer != (int32_t)registers->rax;
    told.stored += deed == STORES;
}

/* A few times, as by one that answers what the guest asks of it. */
static void let_it_run(const struct guest *guest, enum deed deed, const struct vcpu_registers *registers)
{
    struct vm_exit exit;
    struct error error = {0};
    set_system(guest, deed == RUNS && any(2));
    if (chosen->set_registers(guest->vcpu, registers, &error) < 0)
        return;
    for (int i = 0; i < 4; i++) {
        if (chosen->enter(guest->vcpu, &exit, &error) < 0)
            fail_msg("%s", error.text);
        note(deed, registers, &exit);
        if (exit.kind != EXIT_IO || exit.port == PORT)
            return;
    }
}

static void one_turn(const struct guest *guest)
{
    const enum deed deed = any(4) < 2 ? ASKS : any(2) ? STORES : RUNS;
    const struct vcpu_registers registers = deed == ASKS     ? ask_for_anything(guest)
                                            : deed == STORES ? store_anything(guest)
                                                             : run_anything(guest);
    let_it_run(guest, deed, &registers);
}

/* A guest that asks has entries of its own, and they lead to the same OUT. */
static void set_entries(const struct guest *guest)
{
    struct vcpu_registers registers = {
        .rip = BASE + CODE * PAGE, .rsp = BASE + (STACK + 1) * PAGE - 256, .rflags = 2};
    struct hypercall_entries *entries = page(guest, WILD + 2);
    for (unsigned i = 0; i < HYPERCALL_ENTRY_COUNT; i++)
        entries->entry[i] = BASE + CODE * PAGE + 16;
    registers.rax = HYPERCALL_ENTRIES;
    registers.rdi = (WILD + 2) * PAGE;
    let_it_run(guest, ASKS, &registers);
    registers.rax = HYPERCALL_STACK;
    registers.rdi = BASE + (STACK + 1) * PAGE;
    let_it_run(guest, ASKS, &registers);
}

static void one_guest(struct guest *guest)
{
    open_guest(guest);
    set_running(guest->vcpu);
    set_entries(guest);
    for (int i = 0; i < TURNS; i++)
        one_turn(guest);
    set_running(NULL);
    chosen->destroy(guest->vm);
}

static void must_be_untouched(const struct guest *guest)
{
    const uint8_t *behind = page(guest, PAGES);
    size_t i = 0;
    while (i < (size_t)PAGES * PAGE && behind[i] == PATTERN)
        i++;
    assert_int_equal(i, PAGES * PAGE);
}

/* ---- another domain ---- */

static struct guest_kernel *open_neighbour(void)
{
    static const struct guest_step steps[] = {
        {STEP_CALL + GUEST_CALL_DEMAND - GUEST_CALL_FIRST, 0, 8, GUEST_READ | GUEST_WRITE | GUEST_USER},
        {STEP_WRITE, 3, 1, 4711},
        {STEP_READ, 3, 1, 0},
        {STEP_SPIN, 2, 0, 0},
    };
    const struct guest_kernel_config config = {.monitor = chosen,
        .facts = &facts,
        .bytes = 4 << 20,
        .tick_ns = 2000000,
        .fault_around = 1,
        .processes = 1,
        .events = 100,
        .job[0] = {steps, sizeof steps / sizeof steps[0]}};
    struct guest_kernel *kernel = NULL;
    struct error error = {0};
    if (guest_kernel_create(&config, &kernel, &error) < 0)
        fail_msg("%s", error.text);
    return kernel;
}

static void neighbour_must_be_well(struct guest_kernel *kernel)
{
    struct guest_event events[100];
    struct error error = {0};
    if (guest_kernel_run(kernel, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(guest_kernel_events(kernel, 0, events, 100), 6);
    assert_int_equal(events[3].what, EVENT_VALUE);
    assert_int_equal(events[3].a, 4711);
    guest_kernel_destroy(kernel);
}

static void the_monitor_survives_what_guests_do_at_random(void **state)
{
    struct guest guest = {.backing = map_backing((size_t)2 * PAGES * PAGE)};
    pthread_t thread;
    (void)state;
    need_monitor();
    memset(page(&guest, PAGES), PATTERN, (size_t)PAGES * PAGE);
    struct guest_kernel *neighbour = open_neighbour();
    over = false;
    assert_int_equal(pthread_create(&thread, NULL, kick_now_and_then, NULL), 0);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        seed = round;
        one_guest(&guest);
        must_be_untouched(&guest);
    }
    over = true;
    pthread_join(thread, NULL);
    neighbour_must_be_well(neighbour);
    print_message("# %u requests, %u granted; %u stores to tables; %u shut down, %u failed\n", told.asked,
        told.granted, told.stored, told.kinds[EXIT_SHUTDOWN],
        told.kinds[EXIT_FAILED] + told.kinds[EXIT_INTERNAL]);
    bool asks = !strcmp(chosen->name, "paravirt");
    assert_true(told.asked > 100 && told.kinds[EXIT_SHUTDOWN] > 0);
    assert_int_equal(told.granted > 100, asks);
    assert_true(told.stored > 100 || asks);
    unmap_backing(&guest.backing);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monitor_survives_what_guests_do_at_random),
    };
    choose_monitor(argc, argv);
    domain_probe(chosen, &facts);
    return cmocka_run_group_tests_name(chosen->name, tests, NULL, NULL);
}
