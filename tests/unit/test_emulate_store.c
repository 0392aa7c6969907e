/* Stores to page tables as monitor/deprivileged emulates them, against the CPU itself: the same instruction
 * on the same memory, registers and flags, drawn at random, once executed and once emulated.
 *
 *   test_emulate_store [COUNT [SEED]] */
#include "cmocka_all.h"

#include "base/random.h"
#include "monitor/deprivileged/emulate.h"
#include "paging/table_pool.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, TABLES = 32, PAGES = 4, COUNT = 10000 };
/* The guest has code and data at the addresses that they have in this process. */
#define CODE UINT64_C(0x200000000000)
#define DATA UINT64_C(0x200000100000)
#define BEYOND (DATA + PAGES * PAGE) /* a page of a device */
#define KERNEL (BEYOND + PAGE)       /* one for CPL 0 alone; behind it is nothing */
#define DATA_PHYSICAL UINT64_C(0x10000000)
#define CODE_PHYSICAL UINT64_C(0x20000000)
#define DEVICE_PHYSICAL UINT64_C(0xd0000000)

static uint64_t count = COUNT, seed = 1;
static uint64_t dice;

static uint64_t any(uint64_t limit)
{
    return random_below(&dice, limit);
}

/* ---- executing ---- */

/* In the order of struct vcpu_registers. */
struct vcpu_registers native;
void *native_code = (void *)(uintptr_t)CODE;
uint64_t native_stack;
_Static_assert(offsetof(struct vcpu_registers, rsp) == 48 && offsetof(struct vcpu_registers, r15) == 120 &&
                   offsetof(struct vcpu_registers, rflags) == 136,
    "run_native() has these offsets");

/* The code at CODE, which ends with RET, with all registers but RSP. */
void run_native(void);
__asm__(".pushsection .text\n"
        "run_native:\n"
        ".irp register, rbx, rbp, r12, r13, r14, r15\n push %\\register\n .endr\n"
        "mov %rsp, native_stack(%rip)\n"
        "pushq 136 + native(%rip)\n popfq\n"
        ".set offset, 0\n"
        ".irp register, rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
        ".ifnc \\register, rsp\n mov offset + native(%rip), %\\register\n .endif\n"
        ".set offset, offset + 8\n .endr\n"
        "call *native_code(%rip)\n"
        ".set offset, 0\n"
        ".irp register, rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
        ".ifnc \\register, rsp\n mov %\\register, offset + native(%rip)\n .endif\n"
        ".set offset, offset + 8\n .endr\n"
        "pushfq\n popq 136 + native(%rip)\n cld\n"
        ".irp register, r15, r14, r13, r12, rbp, rbx\n pop %\\register\n .endr\n"
        "ret\n"
        ".popsection");

/* ---- the guest ---- */

static char *data, *code;
static struct guest_memory regions;
static struct page_tables tables;
static struct machine machine;
static unsigned stored; /* bytes, by the last instruction */

static bool note_store(void *context, gpa_t where, const void *value, size_t bytes)
{
    (void)context;
    assert_true(where.value / PAGE == (where.value + bytes - 1) / PAGE);
    memcpy(guest_physical(&regions, where, bytes, NULL), value, bytes);
    stored += (unsigned)bytes;
    return true;
}

static void add_region(void *host, uint64_t bytes, uint64_t start)
{
    struct guest_region region = {.backing = backing_private(host, bytes)};
    region.start = GPA(start);
    region.slot = (unsigned)regions.count;
    assert_int_equal(guest_memory_check(&regions, &region, NULL), 0);
    guest_memory_set(&regions, &region);
}

static void map(uint64_t from, uint64_t to, uint64_t bytes, unsigned rights)
{
    assert_int_equal(page_tables_map(&tables, GVA(from), GPA(to), bytes, PAGE, rights, NULL), 0);
}

static void *map_here(uint64_t at, size_t bytes)
{
    void *there = mmap((void *)(uintptr_t)at, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return there == (void *)(uintptr_t)at ? there : NULL;
}

static int set_up(void **state)
{
    static struct table_pool pool;
    (void)state;
    data = map_here(DATA, (size_t)PAGES * PAGE);
    code = map_here(CODE, PAGE);
    assert_true(data && code);
    regions.slots = 4;
    pool = (struct table_pool){
        .base = aligned_alloc(PAGE, (size_t)TABLES * PAGE), .first = GPA(0), .pages = TABLES};
    memset(pool.base, 0, (size_t)TABLES * PAGE);
    add_region(pool.base, (uint64_t)TABLES * PAGE, 0);
    add_region(data, (uint64_t)PAGES * PAGE, DATA_PHYSICAL);
    add_region(code, PAGE, CODE_PHYSICAL);
    assert_int_equal(table_pool_init(&pool, NULL), 0);
    tables = (struct page_tables){.memory = table_pool_memory(&pool), .levels = 4};
    assert_int_equal(page_tables_init(&tables, NULL), 0);
    map(DATA, DATA_PHYSICAL, (uint64_t)PAGES * PAGE, PAGE_READ | PAGE_WRITE | PAGE_USER);
    map(BEYOND, DEVICE_PHYSICAL, PAGE, PAGE_READ | PAGE_WRITE | PAGE_USER);
    map(KERNEL, DATA_PHYSICAL, PAGE, PAGE_READ | PAGE_WRITE);
    map(CODE, CODE_PHYSICAL, PAGE, PAGE_READ | PAGE_EXECUTE | PAGE_USER);
    return 0;
}

static void stand(const struct vcpu_registers *registers)
{
    machine = (struct machine){.registers = *registers,
        .system =
            {.page_tables = tables.root, .cr0 = 0x80050033, .cr4 = 0x6a0, .efer = 0xd01, .cs_selector = 0x63},
        .memory = &regions,
        .store = note_store};
    machine.registers.rip = CODE;
    stored = 0;
}

/* ---- instructions at random ---- */

enum { REGISTER = 1, IMMEDIATE = 2, NONE = 4, BITS = 8, LOCK = 16, PAIR = 32, ACCUMULATOR = 64 };
#define ALL_FLAGS UINT64_C(0xcd5) /* CF PF AF ZF SF DF OF */
#define AF UINT64_C(0x10)
#define OF_SF_AF_PF UINT64_C(0x894)

static const struct form {
    ZydisMnemonic mnemonic;
    unsigned kind, widths; /* the sum of what is possible of 1, 2, 4, 8, 16 */
    uint64_t undefined;    /* flags that a CPU may leave as it likes (SDM volume 2) */
} forms[] = {
    {ZYDIS_MNEMONIC_ADD, REGISTER | IMMEDIATE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_ADC, REGISTER | IMMEDIATE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_SUB, REGISTER | IMMEDIATE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_SBB, REGISTER | IMMEDIATE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_AND, REGISTER | IMMEDIATE | LOCK, 15, AF},
    {ZYDIS_MNEMONIC_OR, REGISTER | IMMEDIATE | LOCK, 15, AF},
    {ZYDIS_MNEMONIC_XOR, REGISTER | IMMEDIATE | LOCK, 15, AF},
    {ZYDIS_MNEMONIC_INC, NONE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_DEC, NONE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_NEG, NONE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_NOT, NONE | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_BTS, REGISTER | IMMEDIATE | BITS | LOCK, 14, OF_SF_AF_PF},
    {ZYDIS_MNEMONIC_BTR, REGISTER | IMMEDIATE | BITS | LOCK, 14, OF_SF_AF_PF},
    {ZYDIS_MNEMONIC_BTC, REGISTER | IMMEDIATE | BITS | LOCK, 14, OF_SF_AF_PF},
    {ZYDIS_MNEMONIC_XCHG, REGISTER | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_XADD, REGISTER | LOCK, 15, 0},
    {ZYDIS_MNEMONIC_CMPXCHG, REGISTER | LOCK | ACCUMULATOR, 15, 0},
    {ZYDIS_MNEMONIC_CMPXCHG8B, NONE | LOCK | PAIR, 8, 0},
    {ZYDIS_MNEMONIC_CMPXCHG16B, NONE | LOCK | PAIR, 16, 0},
    {ZYDIS_MNEMONIC_MOV, REGISTER | IMMEDIATE, 15, 0},
    {ZYDIS_MNEMONIC_MOVNTI, REGISTER, 12, 0},
};

/* As Zydis numbers them, in the order of encodings; by the logarithm of their width. */
static const ZydisRegister first_register[] = {
    ZYDIS_REGISTER_NONE, ZYDIS_REGISTER_AX, ZYDIS_REGISTER_EAX, ZYDIS_REGISTER_RAX};
static const ZydisRegister bytes_wide[] = {ZYDIS_REGISTER_AL, ZYDIS_REGISTER_CL, ZYDIS_REGISTER_DL,
    ZYDIS_REGISTER_BL, ZYDIS_REGISTER_AH, ZYDIS_REGISTER_CH, ZYDIS_REGISTER_DH, ZYDIS_REGISTER_BH,
    ZYDIS_REGISTER_SIL, ZYDIS_REGISTER_DIL, ZYDIS_REGISTER_BPL, ZYDIS_REGISTER_R8B, ZYDIS_REGISTER_R15B};

/* 0 to 15 but 4, which is RSP. */
static unsigned any_number(void)
{
    unsigned number = (unsigned)any(15);
    return number < 4 ? number : number + 1;
}

static uint64_t *register_by_number(struct vcpu_registers *registers, unsigned number)
{
    uint64_t *const in_order[] = {&registers->rax, &registers->rcx, &registers->rdx, &registers->rbx,
        &registers->rsp, &registers->rbp, &registers->rsi, &registers->rdi, &registers->r8, &registers->r9,
        &registers->r10, &registers->r11, &registers->r12, &registers->r13, &registers->r14, &registers->r15};
    return in_order[number];
}

struct drawn {
    const struct form *form;
    unsigned bytes, length;
    unsigned source, base, index; /* numbers; 16: none */
    uint64_t target;
    struct vcpu_registers before;
};

static ZydisEncoderOperand any_source(struct drawn *drawn)
{
    const unsigned kind = drawn->form->kind;
    ZydisEncoderOperand source = {.type = ZYDIS_OPERAND_TYPE_REGISTER};
    drawn->source = 16;
    if (kind & IMMEDIATE && (!(kind & REGISTER) || any(2))) {
        const unsigned narrow = kind & BITS || drawn->bytes == 1 || any(2);
        source.type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        source.imm.s = narrow              ? (int64_t)(int8_t)any(256)
                       : drawn->bytes == 2 ? (int16_t)any(1 << 16)
                                           : (int32_t)random_next(&dice);
        if (kind & BITS)
            source.imm.u &= 0xff;
    } else if (drawn->bytes == 1) {
        source.reg.value = bytes_wide[any(sizeof bytes_wide / sizeof *bytes_wide)];
    } else {
        drawn->source = any_number();
        source.reg.value = first_register[__builtin_ctz(drawn->bytes)] + drawn->source;
    }
    return source;
}

static bool encode(struct drawn *drawn, uint64_t *displacement, unsigned *scale)
{
    ZydisEncoderRequest request = {
        .machine_mode = ZYDIS_MACHINE_MODE_LONG_64, .mnemonic = drawn->form->mnemonic, .operand_count = 1};
    ZydisEncoderOperand *memory = &request.operands[0];
    ZyanUSize length = ZYDIS_MAX_INSTRUCTION_LENGTH;
    *scale = 1u << any(4);
    *displacement = (uint64_t)(int64_t)(any(2) ? (int8_t)any(256) : (int32_t)random_next(&dice) / 4);
    drawn->base = any_number();
    drawn->index = any(2) ? any_number() : 16;
    memory->type = ZYDIS_OPERAND_TYPE_MEMORY;
    memory->mem.base = ZYDIS_REGISTER_RAX + drawn->base;
    memory->mem.index = drawn->index < 16 ? ZYDIS_REGISTER_RAX + drawn->index : ZYDIS_REGISTER_NONE;
    memory->mem.scale = drawn->index < 16 ? (uint8_t)*scale : 0;
    memory->mem.displacement = (int64_t)*displacement;
    memory->mem.size = (uint16_t)drawn->bytes;
    if (!(drawn->form->kind & NONE))
        request.operands[request.operand_count++] = any_source(drawn);
    if (drawn->form->kind & LOCK && any(2))
        request.prefixes = ZYDIS_ATTRIB_HAS_LOCK;
    if (!ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, code, &length)))
        return false;
    drawn->length = (unsigned)length;
    return true;
}

static uint64_t any_target(unsigned bytes, unsigned kind)
{
    uint64_t middle = DATA + 2 * PAGE;
    if (bytes == 16)
        return middle + any(64) * 16;
    if (kind & BITS)
        return middle - 64 + any(128);
    return any(8) ? middle - PAGE + any(2 * PAGE - 16) : middle - any(bytes + 1);
}

static bool address_by(struct drawn *drawn, uint64_t displacement, unsigned scale)
{
    uint64_t address = drawn->target - displacement;
    if (drawn->index == drawn->base || drawn->base == drawn->source)
        return false;
    if (drawn->index < 16)
        address -= *register_by_number(&drawn->before, drawn->index) * scale;
    *register_by_number(&drawn->before, drawn->base) = address;
    return true;
}

/* Half of the comparisons find what they look for. */
static void expect_something(struct drawn *drawn)
{
    const unsigned half = drawn->form->kind & PAIR ? drawn->bytes / 2 : drawn->bytes;
    const char *there = (char *)(uintptr_t)drawn->target;
    if (any(2) || drawn->base == 0 || drawn->index == 0 || drawn->base == 2 || drawn->index == 2)
        return;
    memcpy(&drawn->before.rax, there, half);
    if (drawn->form->kind & PAIR)
        memcpy(&drawn->before.rdx, there + half, half);
}

/* A bit's number in a register reaches so far that all is within the data. */
static void keep_near(struct drawn *drawn)
{
    const int64_t number = (int64_t)any(2 * 8 * PAGE - 1024) - 8 * PAGE + 512;
    if (drawn->form->kind & BITS && drawn->source < 16)
        memcpy(register_by_number(&drawn->before, drawn->source), &number, drawn->bytes);
}

static bool draw(struct drawn *drawn)
{
    uint64_t displacement;
    unsigned scale;
    drawn->form = &forms[any(sizeof forms / sizeof *forms)];
    do
        drawn->bytes = 1u << any(5);
    while (!(drawn->form->widths & drawn->bytes));
    if (!encode(drawn, &displacement, &scale))
        return false;
    for (unsigned i = 0; i < 16; i++)
        *register_by_number(&drawn->before, i) = random_next(&dice);
    for (size_t i = 0; i < (size_t)PAGES * PAGE / 8; i++)
        ((uint64_t *)(void *)data)[i] = random_next(&dice);
    drawn->target = any_target(drawn->bytes, drawn->form->kind);
    keep_near(drawn);
    if (drawn->form->kind & BITS && drawn->index == drawn->source)
        return false;
    if (drawn->form->kind & (ACCUMULATOR | PAIR))
        expect_something(drawn);
    drawn->before.rflags = 0x202 | (random_next(&dice) & ALL_FLAGS);
    return address_by(drawn, displacement, scale);
}

/* ---- comparing ---- */

static void say(const char *what)
{
    char text[128] = "?";
    ZydisDisassembledInstruction shown;
    if (ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, CODE, code, 16, &shown)))
        snprintf(text, sizeof text, "%s", shown.text);
    fail_msg("%s: %s", text, what);
}

/* Executes it, puts memory back, and emulates it. */
static void execute_and_emulate(const struct vcpu_registers *before, unsigned length, struct outcome *outcome)
{
    static char untouched[PAGES * PAGE], executed[PAGES * PAGE];
    code[length] = (char)0xc3;
    memcpy(untouched, data, sizeof untouched);
    native = *before;
    run_native();
    memcpy(executed, data, sizeof executed);
    memcpy(data, untouched, sizeof untouched);
    stand(before);
    for (int turn = 0; turn < 4 && machine.registers.rip == CODE; turn++) {
        emulate_store(&machine, outcome);
        if (outcome->kind == EMULATED_DEVICE) {
            const struct guest_access access = {.user = true};
            assert_true(outcome->write);
            assert_true(machine_write(
                &machine, GVA(outcome->address), &outcome->value, outcome->bytes, access, &outcome->fault));
        } else if (outcome->kind != EMULATED_NEXT) {
            say("it is not emulated");
        }
    }
    if (memcmp(data, executed, sizeof executed) != 0)
        say("memory is another");
}

static void must_be_the_same(const struct vcpu_registers *before, unsigned length, uint64_t undefined)
{
    for (unsigned i = 0; i < 16; i++)
        if (i != 4 && *register_by_number(&machine.registers, i) != *register_by_number(&native, i))
            say("a register is another");
    if ((machine.registers.rflags ^ native.rflags) & ALL_FLAGS & ~undefined)
        say("a flag is another");
    if (machine.registers.rip != CODE + length || (machine.registers.rflags ^ before->rflags) & ~ALL_FLAGS)
        say("it does not stand behind");
}

static void stores_are_what_the_cpu_makes_of_them(void **state)
{
    static uint64_t tried[sizeof forms / sizeof *forms];
    struct outcome outcome;
    (void)state;
    dice = seed;
    for (uint64_t done = 0; done < count;) {
        struct drawn drawn;
        if (!draw(&drawn))
            continue;
        execute_and_emulate(&drawn.before, drawn.length, &outcome);
        must_be_the_same(&drawn.before, drawn.length, drawn.form->undefined);
        if (stored != drawn.bytes)
            say("other bytes are stored than the operand has");
        tried[drawn.form - forms]++;
        done++;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_true(tried[i] > count / 100);
}

/* ---- strings ---- */

static void strings_are_stored_as_the_cpu_does(void **state)
{
    struct outcome outcome;
    (void)state;
    dice = seed;
    for (uint64_t i = 0; i < count / 10; i++) {
        const unsigned log = (unsigned)any(4), bytes = 1u << log;
        const bool copies = any(2), repeats = any(2);
        unsigned length = 0;
        struct vcpu_registers before = {.rflags = 0x202 | (random_next(&dice) & ALL_FLAGS),
            .rax = random_next(&dice),
            .rcx = 1 + any(300),
            .rdi = DATA + PAGE + any(2 * PAGE),
            .rsi = DATA + PAGE + any(2 * PAGE)};
        for (size_t k = 0; k < (size_t)PAGES * PAGE / 8; k++)
            ((uint64_t *)(void *)data)[k] = random_next(&dice);
        if (log == 1)
            code[length++] = 0x66;
        if (repeats)
            code[length++] = (char)(copies || any(2) ? 0xf3 : 0xf2);
        if (log == 3)
            code[length++] = 0x48;
        code[length++] = (char)((copies ? 0xa4 : 0xaa) + (log > 0));
        execute_and_emulate(&before, length, &outcome);
        must_be_the_same(&before, length, 0);
        if (stored != bytes * (repeats ? before.rcx : 1))
            say("other bytes are stored than the string has");
    }
}

/* ---- what cannot be ---- */

/* XADD of RDX to where RDI points. */
static const struct outcome *add_at(uint64_t address, unsigned char width, uint64_t rflags)
{
    static struct outcome outcome;
    const unsigned char xadd[] = {width == 8 ? 0x48 : 0x40, 0x0f, 0xc1, 0x17};
    const struct vcpu_registers registers = {.rdi = address, .rdx = 5, .rflags = rflags};
    memcpy(code, xadd, sizeof xadd);
    stand(&registers);
    emulate_store(&machine, &outcome);
    assert_true(machine.registers.rip == CODE && machine.registers.rdx == 5 && !stored);
    assert_true(machine.registers.rflags == rflags);
    return &outcome;
}

static void a_fault_tells_what_was_touched_and_changes_nothing(void **state)
{
    (void)state;
    const struct outcome *outcome = add_at(KERNEL + 8, 8, 0x202);
    assert_int_equal(outcome->kind, EMULATED_FAULT);
    assert_int_equal(outcome->fault.vector, VECTOR_PAGE_FAULT);
    assert_int_equal(outcome->fault.code, 7);
    assert_true(outcome->fault.address == KERNEL + 8);
    outcome = add_at(KERNEL + PAGE + 1, 4, 0x202);
    assert_int_equal(outcome->fault.code, 6);
    outcome = add_at(UINT64_C(1) << 62, 4, 0x202);
    assert_int_equal(outcome->fault.vector, VECTOR_PROTECTION);
}

static void a_fault_of_the_second_page_tells_where_that_begins(void **state)
{
    (void)state;
    const struct outcome *outcome = add_at(BEYOND + PAGE - 3, 8, 0x202);
    assert_int_equal(outcome->kind, EMULATED_FAULT);
    assert_true(outcome->fault.address == KERNEL);
}

static void what_reaches_into_a_device_is_not_done(void **state)
{
    (void)state;
    assert_int_equal(add_at(BEYOND - 3, 8, 0x202)->kind, EMULATED_UNABLE);
    assert_string_equal(add_at(BEYOND + 16, 8, 0x202)->name, "xadd");
}

static void alignment_is_checked_where_it_is_to_be(void **state)
{
    (void)state;
    const struct outcome *outcome = add_at(DATA + 2, 8, 0x40202);
    assert_int_equal(outcome->kind, EMULATED_FAULT);
    assert_int_equal(outcome->fault.vector, 17);
}

static void what_is_not_known_is_left_to_the_guest(void **state)
{
    static const struct {
        const char *bytes;
        size_t count;
    } others[] = {{"\x0f\x11\x07", 3} /* movups */, {"\xff\x37", 2} /* push (mem) */,
        {"\xd1\x27", 2} /* shl */, {"\x0f\x94\x07", 3} /* sete */,
        {"\x67\x0f\xab\x17", 4} /* bts, 32-bit address */, {"\x67\xf3\xab", 3}};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct outcome outcome;
        const struct vcpu_registers registers = {.rdi = DATA, .rdx = 1, .rcx = 1, .rflags = 0x202};
        memcpy(code, others[i].bytes, others[i].count);
        stand(&registers);
        emulate_store(&machine, &outcome);
        assert_int_equal(outcome.kind, EMULATED_UNABLE);
        assert_true(machine.registers.rip == CODE && machine.registers.rcx == 1 && !stored);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_are_what_the_cpu_makes_of_them),
        cmocka_unit_test(strings_are_stored_as_the_cpu_does),
        cmocka_unit_test(a_fault_tells_what_was_touched_and_changes_nothing),
        cmocka_unit_test(a_fault_of_the_second_page_tells_where_that_begins),
        cmocka_unit_test(what_reaches_into_a_device_is_not_done),
        cmocka_unit_test(alignment_is_checked_where_it_is_to_be),
        cmocka_unit_test(what_is_not_known_is_left_to_the_guest),
    };
    count = argc > 1 ? strtoull(argv[1], NULL, 0) : COUNT;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    return cmocka_run_group_tests(tests, set_up, NULL);
}
