/* monitor/deprivileged as data: exceptions delivered and instructions emulated as a CPU does, on a machine
 * whose memory is a piece of this process and that nothing runs. */
#include "cmocka_all.h"

#include "abi/domain.h"
#include "base/random.h"
#include "domain/x86_64/system.h"
#include "monitor/deprivileged/cpuid.h"
#include "monitor/deprivileged/deliver.h"
#include "monitor/deprivileged/emulate.h"
#include "paging/table_pool.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, PAGES = 64, CODE_PAGE = 40, DATA_PAGE = 41 };
#define CODE UINT64_C(0x700000)
#define DATA UINT64_C(0x800000)
#define DEVICE UINT64_C(0x900000)
#define DEVICE_PHYSICAL UINT64_C(0xd0000000)
#define RSP0 (DOMAIN_SYSTEM_BASE + (DOMAIN_PAGE_STACK + 1) * UINT64_C(4096))

struct bed {
    char *memory;
    struct guest_memory regions;
    struct table_pool pool;
    struct page_tables tables;
    struct machine machine;
    struct outcome outcome;
};

static void map(struct bed *bed, uint64_t from, uint64_t to, unsigned rights)
{
    assert_int_equal(page_tables_map(&bed->tables, GVA(from), GPA(to), PAGE, PAGE, rights, NULL), 0);
}

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);
    bed->memory = aligned_alloc(PAGE, (size_t)PAGES * PAGE);
    memset(bed->memory, 0, (size_t)PAGES * PAGE);
    bed->regions.slots = 4;
    struct guest_region region = {.backing = backing_private(bed->memory, (uint64_t)PAGES * PAGE)};
    assert_int_equal(guest_memory_check(&bed->regions, &region, NULL), 0);
    guest_memory_set(&bed->regions, &region);
    bed->pool = (struct table_pool){.base = bed->memory + (size_t)DOMAIN_PAGE_TABLES * PAGE,
        .first = GPA(DOMAIN_PAGE_TABLES * PAGE),
        .pages = CODE_PAGE - DOMAIN_PAGE_TABLES};
    assert_int_equal(table_pool_init(&bed->pool, NULL), 0);
    bed->tables = (struct page_tables){.memory = table_pool_memory(&bed->pool), .levels = 4};
    assert_int_equal(page_tables_init(&bed->tables, NULL), 0);
    assert_int_equal(system_build(bed->memory, GPA(0), system_address(0), &bed->tables, NULL), 0);
    map(bed, CODE, CODE_PAGE * PAGE, PAGE_READ | PAGE_EXECUTE | PAGE_USER);
    map(bed, DATA, DATA_PAGE * PAGE, PAGE_READ | PAGE_WRITE | PAGE_USER);
    map(bed, DEVICE, DEVICE_PHYSICAL, PAGE_READ | PAGE_WRITE | PAGE_USER);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    table_pool_free(&bed->pool);
    guest_memory_free(&bed->regions);
    free(bed->memory);
    free(bed);
    return 0;
}

/* The machine stands at CODE, with a register of each kind set to something. */
static struct machine *stand(struct bed *bed, unsigned privilege)
{
    const struct domain_mode mode = {.cr4 = 0};
    bed->machine = (struct machine){.memory = &bed->regions,
        .system = system_state(&bed->tables, system_address(0), privilege, &mode),
        .registers = {
            .rip = CODE, .rsp = DATA + PAGE, .rax = 0x1122334455667788, .rflags = 0x202, .rdx = 0xe4}};
    return &bed->machine;
}

static const struct outcome *run(struct bed *bed, unsigned privilege, const char *code, size_t bytes)
{
    stand(bed, privilege);
    memset(bed->memory + CODE_PAGE * PAGE, 0x90, PAGE);
    memcpy(bed->memory + CODE_PAGE * PAGE, code, bytes);
    emulate(&bed->machine, VECTOR_PROTECTION, 0, &bed->outcome);
    return &bed->outcome;
}
#define RUN(privilege, code) run(bed, privilege, code, sizeof(code) - 1)

/* ---- CPUID, where it is refused ---- */

static struct cpuid_words all_bits(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    return (struct cpuid_words){
        leaf % 0x80000000 ? UINT32_MAX : leaf + 0x21, UINT32_MAX, UINT32_MAX, UINT32_MAX};
}

static void the_guest_is_told_of_the_cpu_that_it_has(void **state)
{
    static const struct { /* what must be clear, and set, whatever the host has */
        uint32_t leaf;
        struct cpuid_words clear, set;
    } cases[] = {
        {0, {~0xffu, 0, 0, 0}, {0x19, 0, 0, 0}},
        {1, {0, 0xff000000, 1 << 3 | 1 << 5 | 1 << 17 | 1 << 21 | 1 << 24 | 1 << 27, 1 << 9},
            {0, 1 << 16, 1u << 31 | 1 << 0 | 1 << 26, 1 << 4}},
        {5, {~0u, ~0u, ~0u, ~0u}, {0, 0, 0, 0}}, /* MONITOR */
        {7, {~0u, 1 << 7 | 1 << 20, 1 << 16 | 1 << 3, 7u << 24},
            {0, 1 << 5, 0, 0}},                    /* AVX2 is the CPU's own */
        {0xa, {~0u, ~0u, ~0u, ~0u}, {0, 0, 0, 0}}, /* counters */
        {0xb, {~0u, ~0u, ~0u, ~0u}, {0, 0, 0, 0}}, /* other CPUs */
        {0x40000001, {~0u, ~0u, ~0u, ~0u}, {0, 0, 0, 0}},
        {0x80000001, {0, 0, 1 << 2, 1 << 26}, {0, 0, 1, 1 << 29 | 1 << 11 | 1 << 20}},
        {0x80000008, {0xff0000 | (0xff & ~46u), 0, ~0u, ~0u}, {46, 0, 0, 0}},
        {0x8000000a, {~0u, ~0u, ~0u, ~0u}, {0, 0, 0, 0}}, /* SVM */
        {0x8000001f, {~0u, ~0u, ~0u, ~0u}, {0, 0, 0, 0}},
    };
    const struct cpuid_state none = {0, false}, all = {UINT64_MAX, true};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct cpuid_words is = cpuid_of_guest(cases[i].leaf, 0, &none, all_bits);
        const struct cpuid_words *clear = &cases[i].clear, *set = &cases[i].set;
        if ((is.eax & clear->eax) | (is.ebx & clear->ebx) | (is.ecx & clear->ecx) | (is.edx & clear->edx))
            fail_msg("leaf %#x: %#x %#x %#x %#x", cases[i].leaf, is.eax, is.ebx, is.ecx, is.edx);
        assert_true((is.eax & set->eax) == set->eax && (is.ebx & set->ebx) == set->ebx &&
                    (is.ecx & set->ecx) == set->ecx && (is.edx & set->edx) == set->edx);
    }
    assert_int_equal(cpuid_of_guest(1, 0, &all, all_bits).ecx & (1 << 27 | 1 << 21), 1 << 27 | 1 << 21);
    assert_int_equal(cpuid_of_guest(1, 0, &all, all_bits).edx & 1 << 9, 1 << 9);
    const struct cpuid_words signature = cpuid_of_guest(0x40000000, 0, &none, all_bits);
    char name[13] = "";
    memcpy(name, &signature.ebx, 12);
    assert_string_equal(name, "vcost");
    assert_int_equal(signature.eax, 0x40000000);
}

static void cpuid_is_answered_at_both_levels(void **state)
{
    struct bed *bed = *state;
    for (unsigned privilege = 0; privilege <= 3; privilege += 3) {
        struct machine *machine = stand(bed, privilege);
        memcpy(bed->memory + CODE_PAGE * PAGE, "\x0f\xa2", 2);
        machine->registers.rax = UINT64_MAX << 32 | 0x40000000;
        emulate(machine, VECTOR_PROTECTION, 0, &bed->outcome);
        assert_int_equal(bed->outcome.kind, EMULATED_NEXT);
        assert_true(machine->registers.rip == CODE + 2);
        assert_true(machine->registers.rax == 0x40000000 && machine->registers.rbx == 0x736f6376);
        assert_true(machine->registers.rcx == 0x74 && machine->registers.rdx == 0);
    }
}

static uint64_t *stack_of(struct bed *bed, unsigned words)
{
    return (uint64_t *)(bed->memory + (DOMAIN_PAGE_STACK + 1) * PAGE) - words;
}

/* ---- exceptions ---- */

static void an_exception_goes_by_the_gate_onto_the_stack_of_the_task(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    machine->registers.rflags |= FLAG_TF;
    const struct vcpu_registers before = machine->registers;
    assert_true(deliver(machine, &(struct guest_fault){.vector = 14, .code = 6, .address = 0xabc}));
    const uint64_t *frame = stack_of(bed, 6);
    assert_true(machine->registers.rsp == RSP0 - 48);
    assert_int_equal(frame[0], 6);
    assert_true(frame[1] == before.rip && frame[3] == before.rflags && frame[4] == before.rsp);
    assert_int_equal(frame[2], DOMAIN_USER_CS);
    assert_int_equal(frame[5], DOMAIN_USER_SS);
    assert_true(machine->system.fault_address == 0xabc);
    assert_int_equal(machine->system.cs_selector, DOMAIN_KERNEL_CS);
    assert_int_equal(machine->system.ss_selector, 0);
    assert_true(
        machine->registers.rip == DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_KERNEL * PAGE + 14 * DOMAIN_VECTOR_BYTES);
    assert_true((machine->registers.rflags & (FLAG_TF | FLAG_IF)) == 0);
}

static void one_without_an_error_code_pushes_none(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    assert_true(deliver(machine, &(struct guest_fault){.vector = 6}));
    assert_true(machine->registers.rsp == RSP0 - 40);
    assert_true(*stack_of(bed, 5) == CODE);
}

static void at_cpl_0_the_stack_stays_and_is_aligned(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 0);
    machine->registers.rsp = DATA + 0x808;
    assert_true(deliver(machine, &(struct guest_fault){.vector = 6}));
    assert_true(machine->registers.rsp == DATA + 0x800 - 40);
    assert_int_equal(machine->system.ss_selector, DOMAIN_KERNEL_SS);
    assert_true(((uint64_t *)(bed->memory + DATA_PAGE * PAGE + 0x800))[-2] == DATA + 0x808);
}

static void software_needs_a_gate_for_its_privilege(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    assert_true(deliver(machine, &(struct guest_fault){.vector = 0x55, .software = true}));
    assert_true(
        machine->registers.rip == DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_KERNEL * PAGE + 13 * DOMAIN_VECTOR_BYTES);
    assert_int_equal(*stack_of(bed, 6), 0x55 * 8 + 2);
    uint64_t *idt = (uint64_t *)(bed->memory + DOMAIN_PAGE_IDT * PAGE);
    idt[2 * 0x55] |= UINT64_C(3) << 45;
    machine = stand(bed, 3);
    assert_true(deliver(machine, &(struct guest_fault){.vector = 0x55, .software = true}));
    assert_true(machine->registers.rip ==
                DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_KERNEL * PAGE + 0x55 * DOMAIN_VECTOR_BYTES);
}

static void a_fault_on_the_way_is_a_double_fault_and_another_the_end(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    uint64_t *idt = (uint64_t *)(bed->memory + DOMAIN_PAGE_IDT * PAGE);
    idt[2 * 14] &= ~(UINT64_C(1) << 47); /* #PF's gate is not present: #NP, contributory */
    assert_true(deliver(machine, &(struct guest_fault){.vector = 14}));
    assert_true(
        machine->registers.rip == DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_KERNEL * PAGE + 8 * DOMAIN_VECTOR_BYTES);
    machine = stand(bed, 3);
    idt[2 * 8] &= ~(UINT64_C(1) << 47);
    const struct machine before = *machine;
    assert_false(deliver(machine, &(struct guest_fault){.vector = 14}));
    assert_memory_equal(&before.registers, &machine->registers, sizeof before.registers);
}

static void a_stack_without_memory_is_a_double_fault_on_its_own_stack(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    uint64_t nowhere = 0x123000, good = DATA + PAGE;
    char *tss = bed->memory + DOMAIN_PAGE_TSS * PAGE;
    uint64_t *idt = (uint64_t *)(bed->memory + DOMAIN_PAGE_IDT * PAGE);
    memcpy(tss + 4, &nowhere, 8);
    memcpy(tss + 36, &good, 8); /* IST1 */
    idt[2 * 8] |= UINT64_C(1) << 32;
    assert_true(deliver(machine, &(struct guest_fault){.vector = 14}));
    assert_true(machine->registers.rsp == DATA + PAGE - 48);
    idt[2 * 8] &= ~(UINT64_C(1) << 32);
    machine = stand(bed, 3);
    assert_false(deliver(machine, &(struct guest_fault){.vector = 14}));
}

/* ---- translation ---- */

static void bits_are_set_as_a_cpu_sets_them(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    struct translated translation;
    struct guest_fault fault;
    struct page_walk walk;
    assert_true(
        machine_translate(machine, GVA(DATA + 5), (struct guest_access){.user = true}, &translation, &fault));
    assert_true(translation.physical.value == DATA_PAGE * PAGE + 5);
    page_tables_walk(&bed->tables, GVA(DATA), &walk);
    assert_true(walk.leaf.accessed && !walk.leaf.dirty);
    assert_true(machine_translate(
        machine, GVA(DATA), (struct guest_access){.user = true, .write = true}, &translation, &fault));
    page_tables_walk(&bed->tables, GVA(DATA), &walk);
    assert_true(walk.leaf.dirty);
    assert_false(machine_translate(
        machine, GVA(CODE), (struct guest_access){.user = true, .write = true}, &translation, &fault));
    assert_int_equal(fault.vector, 14);
    assert_int_equal(fault.code, FAULT_PRESENT | FAULT_WRITE | FAULT_USER);
    assert_false(
        machine_translate(machine, GVA(RSP0 - 8), (struct guest_access){.user = true}, &translation, &fault));
    assert_int_equal(fault.code, FAULT_PRESENT | FAULT_USER);
    assert_false(machine_translate(
        machine, GVA(0x12345000), (struct guest_access){.fetch = true}, &translation, &fault));
    assert_int_equal(fault.code, FAULT_FETCH);
    assert_true(fault.address == 0x12345000);
}

/* ---- instructions ---- */

static void is_refused(const struct bed *bed, const struct outcome *outcome)
{
    assert_int_equal(outcome->kind, EMULATED_FAULT);
    assert_int_equal(outcome->fault.vector, VECTOR_PROTECTION);
    assert_true(bed->machine.registers.rip == CODE);
}

static void ports_are_whose_the_bitmap_says(void **state)
{
    struct bed *bed = *state;
    const struct outcome *outcome = RUN(3, "\xef"); /* out %eax, %dx */
    assert_int_equal(outcome->kind, EMULATED_IO);
    assert_int_equal(outcome->port, DOMAIN_PORT_DONE);
    assert_true(outcome->write && outcome->bytes == 4 && outcome->value == 0x55667788);
    assert_true(bed->machine.registers.rip == CODE + 1);
    outcome = RUN(3, "\xe4\xec"); /* in $0xec, %al */
    assert_int_equal(outcome->kind, EMULATED_IO);
    assert_true(!outcome->write && outcome->bytes == 1 && outcome->port == 0xec);
    is_refused(bed, RUN(3, "\xe7\xe0")); /* the fault port */
    is_refused(bed, RUN(3, "\xe7\xf2")); /* two of its four are allowed */
    is_refused(bed, RUN(3, "\x66\xe7\x10"));
    assert_int_equal(RUN(0, "\xe7\xe0")->kind, EMULATED_IO);
}

static void what_cpl_0_alone_may_do_is_refused_to_others(void **state)
{
    struct bed *bed = *state;
    is_refused(bed, RUN(3, "\xf4"));         /* hlt */
    is_refused(bed, RUN(3, "\xfa"));         /* cli */
    is_refused(bed, RUN(3, "\x0f\x22\xd8")); /* mov %rax, %cr3 */
    is_refused(bed, RUN(3, "\x0f\x32"));     /* rdmsr */
    is_refused(bed, RUN(3, "\x0f\x01\x38")); /* invlpg (%rax) */
    is_refused(bed, RUN(3, "\x48\x0f\x07")); /* sysretq */
    is_refused(bed, RUN(3, "\x0f\x01\xf8")); /* swapgs */
    assert_int_equal(RUN(0, "\xf4")->kind, EMULATED_HALT);
    assert_true(bed->machine.registers.rip == CODE + 1);
    assert_int_equal(RUN(0, "\xfa")->kind, EMULATED_NEXT);
    assert_true(!(bed->machine.registers.rflags & FLAG_IF));
}

static void control_registers_are_the_guests_own(void **state)
{
    struct bed *bed = *state;
    stand(bed, 0);
    uint64_t root = bed->machine.system.page_tables.value;
    assert_int_equal(RUN(0, "\x0f\x20\xd9")->kind, EMULATED_NEXT); /* mov %cr3, %rcx */
    assert_true(bed->machine.registers.rcx == root);
    assert_int_equal(RUN(0, "\x0f\x22\xd8")->kind, EMULATED_FLUSH);
    assert_true(bed->machine.system.page_tables.value == 0x1122334455667788);
    assert_int_equal(RUN(0, "\x44\x0f\x22\xc2")->kind, EMULATED_NEXT); /* mov %rdx, %cr8 */
    assert_true(bed->machine.task_priority == 0xe4);
    assert_int_equal(RUN(0, "\x0f\x22\xc2")->kind, EMULATED_UNABLE); /* mov %rdx, %cr0: paging off */
    assert_int_equal(RUN(0, "\x0f\x01\x7c\x24\xf8")->kind, EMULATED_FLUSH_PAGE); /* invlpg -8(%rsp) */
    assert_true(bed->outcome.address == DATA + PAGE - 8);
}

static void tables_and_model_registers_are_loaded(void **state)
{
    struct bed *bed = *state;
    char *data = bed->memory + DATA_PAGE * PAGE + 0xff0;
    static const uint8_t table[] = {0x34, 0x12, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    memcpy(data, table, sizeof table);
    assert_int_equal(RUN(0, "\x0f\x01\x5c\x24\xf0")->kind, EMULATED_NEXT); /* lidt -16(%rsp) */
    assert_int_equal(bed->machine.system.idt_limit, 0x1234);
    assert_true(bed->machine.system.idt.value == 0x1122334455667788);
    stand(bed, 0)->registers.rcx = 0xc0000082;
    bed->machine.registers.rax = 0xffffffff00abc000;
    bed->machine.registers.rdx = 0x7fff;
    memcpy(bed->memory + CODE_PAGE * PAGE, "\x0f\x30", 2);
    emulate(&bed->machine, VECTOR_PROTECTION, 0, &bed->outcome);
    assert_int_equal(bed->outcome.kind, EMULATED_NEXT);
    assert_true(bed->machine.system.syscall_entry.value == 0x7fff00abc000);
    const struct outcome *outcome = RUN(0, "\x0f\x30"); /* ECX is 0: none of the machine's own */
    assert_int_equal(outcome->kind, EMULATED_MODEL);
    assert_true(outcome->address == 0 && outcome->write && outcome->bytes == 2);
    assert_true(bed->machine.registers.rip == CODE);
}

static void calls_of_the_kernel_go_and_come_back(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    const struct machine before = *machine;
    machine->registers.rip += 2;
    emulate_syscall(machine, &bed->outcome);
    assert_int_equal(machine_privilege(machine), 0);
    assert_int_equal(machine->system.cs_selector, DOMAIN_KERNEL_CS);
    assert_true(machine->registers.rip == before.system.syscall_entry.value);
    assert_true(machine->registers.rcx == CODE + 2 && !(machine->registers.rflags & FLAG_IF));
    machine->registers.rip = CODE;
    memcpy(bed->memory + CODE_PAGE * PAGE, "\x48\x0f\x07", 3);
    emulate(machine, VECTOR_PROTECTION, 0, &bed->outcome);
    assert_int_equal(machine->system.cs_selector, DOMAIN_USER_CS);
    assert_int_equal(machine->system.ss_selector, DOMAIN_USER_SS);
    assert_true(machine->registers.rip == CODE + 2);
    assert_true(machine->registers.rflags == before.registers.rflags);
}

static void what_was_delivered_is_returned_from(void **state)
{
    struct bed *bed = *state;
    struct machine *machine = stand(bed, 3);
    const struct machine before = *machine;
    assert_true(deliver(machine, &(struct guest_fault){.vector = 6}));
    char *code = bed->memory + DOMAIN_PAGE_KERNEL * PAGE + 6 * DOMAIN_VECTOR_BYTES;
    static const uint8_t iretq[] = {0x48, 0xcf};
    memcpy(code, iretq, sizeof iretq);
    emulate(machine, VECTOR_PROTECTION, 0, &bed->outcome);
    assert_int_equal(bed->outcome.kind, EMULATED_NEXT);
    assert_memory_equal(&machine->registers, &before.registers, sizeof before.registers);
    assert_int_equal(machine->system.cs_selector, before.system.cs_selector);
    assert_int_equal(machine->system.ss_selector, before.system.ss_selector);
}

static void nobody_returns_to_a_higher_privilege(void **state)
{
    struct bed *bed = *state;
    const uint64_t frame[] = {CODE, DOMAIN_KERNEL_CS, 0x202, DATA, DOMAIN_KERNEL_SS};
    memcpy(bed->memory + DATA_PAGE * PAGE, frame, sizeof frame);
    stand(bed, 3)->registers.rsp = DATA;
    memcpy(bed->memory + CODE_PAGE * PAGE, "\x48\xcf", 2);
    emulate(&bed->machine, VECTOR_PROTECTION, 0, &bed->outcome);
    is_refused(bed, &bed->outcome);
    assert_int_equal(bed->outcome.fault.code, DOMAIN_KERNEL_CS);
    assert_int_equal(machine_privilege(&bed->machine), 3);
}

/* ---- devices ---- */

static const struct outcome *touch_device(struct bed *bed, const char *code, size_t bytes)
{
    stand(bed, 3);
    memcpy(bed->memory + CODE_PAGE * PAGE, code, bytes);
    emulate_device(&bed->machine, &bed->outcome);
    return &bed->outcome;
}
#define TOUCH(code) touch_device(bed, code, sizeof(code) - 1)

static void moves_reach_a_device(void **state)
{
    struct bed *bed = *state;
    const struct outcome *outcome = TOUCH("\x89\x03"); /* mov %eax, (%rbx) */
    assert_int_equal(outcome->kind, EMULATED_DEVICE);
    assert_true(outcome->write && outcome->bytes == 4 && outcome->value == 0x55667788);
    assert_true(TOUCH("\x88\x23")->value == 0x77);                           /* mov %ah, (%rbx) */
    assert_true(TOUCH("\x48\xc7\x03\xff\xff\xff\xff")->value == UINT64_MAX); /* movq $-1, (%rbx) */
    outcome = TOUCH("\x66\x8b\x03");                                         /* mov (%rbx), %ax */
    assert_true(outcome->kind == EMULATED_DEVICE && !outcome->write && outcome->bytes == 2);
    emulate_arrive(&bed->machine, outcome, 0xabcd);
    assert_true(bed->machine.registers.rax == 0x112233445566abcd);
    emulate_arrive(&bed->machine, TOUCH("\x8b\x03"), 0x9abcdef0);
    assert_true(bed->machine.registers.rax == 0x9abcdef0);
    emulate_arrive(&bed->machine, TOUCH("\x48\x0f\xbe\x03"), 0x80); /* movsbq (%rbx), %rax */
    assert_true(bed->machine.registers.rax == 0xffffffffffffff80);
    emulate_arrive(&bed->machine, TOUCH("\x0f\xb6\x03"), 0x80); /* movzbl (%rbx), %eax */
    assert_true(bed->machine.registers.rax == 0x80);
    assert_int_equal(TOUCH("\x01\x03")->kind, EMULATED_UNABLE); /* add %eax, (%rbx) */
    assert_string_equal(bed->outcome.name, "add");
}

/* Whatever stands there, only the machine's memory is touched and something is made of it. */
static void no_code_does_harm(void **state)
{
    struct bed *bed = *state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        struct machine *machine = stand(bed, i & 1 ? 3 : 0);
        uint64_t *code = (uint64_t *)(bed->memory + CODE_PAGE * PAGE);
        code[0] = random_next(&random);
        code[1] = random_next(&random);
        if (i & 2) /* of the two-byte opcodes, which most of the table is among */
            code[0] = (code[0] & ~UINT64_C(0xff)) | 0x0f;
        machine->registers.rcx = random_next(&random);
        machine->registers.rbx = random_next(&random);
        machine->registers.rsp = i & 4 ? random_next(&random) : DATA + random_below(&random, PAGE);
        emulate(machine, VECTOR_PROTECTION, 0, &bed->outcome);
        assert_in_range(bed->outcome.kind, EMULATED_NEXT, EMULATED_UNABLE);
        if (i & 1)
            assert_int_equal(machine_privilege(machine), 3);
        if (bed->outcome.kind == EMULATED_FAULT)
            (void)deliver(machine, &bed->outcome.fault);
        else
            emulate_device(machine, &bed->outcome);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_guest_is_told_of_the_cpu_that_it_has),
        CASE(cpuid_is_answered_at_both_levels),
        CASE(an_exception_goes_by_the_gate_onto_the_stack_of_the_task),
        CASE(one_without_an_error_code_pushes_none),
        CASE(at_cpl_0_the_stack_stays_and_is_aligned),
        CASE(software_needs_a_gate_for_its_privilege),
        CASE(a_fault_on_the_way_is_a_double_fault_and_another_the_end),
        CASE(a_stack_without_memory_is_a_double_fault_on_its_own_stack),
        CASE(bits_are_set_as_a_cpu_sets_them),
        CASE(ports_are_whose_the_bitmap_says),
        CASE(what_cpl_0_alone_may_do_is_refused_to_others),
        CASE(control_registers_are_the_guests_own),
        CASE(tables_and_model_registers_are_loaded),
        CASE(calls_of_the_kernel_go_and_come_back),
        CASE(what_was_delivered_is_returned_from),
        CASE(nobody_returns_to_a_higher_privilege),
        CASE(moves_reach_a_device),
        CASE(no_code_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
