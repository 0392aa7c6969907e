/* Stores to memory that is write-protected since it is a page table: those that kernels change tables by. The
 * CPU computes by itself, on a copy, so that values and flags are its own. That a LOCK is not kept in front
 * of other virtual CPUs is no loss: tables are write-protected where there is one alone (shadowing.c). */
#include "monitor/deprivileged/instruction.h"

#include <string.h>

enum { PAGE_BYTES = 4096 };

/* ---- computing ---- */

/* What becomes of `value`; *flags, of RFLAGS CF, PF, AF, ZF, SF and OF alone, go in and out. */
typedef uint64_t operation(uint64_t value, uint64_t source, uint64_t *flags);

#define FLAGS_COMPUTED UINT64_C(0x8d5)
#define FLAG_ZF UINT64_C(0x40)

#define OPERATION(name, bits, text)                                                                          \
    static uint64_t name##bits(uint64_t value, uint64_t source, uint64_t *flags)                             \
    {                                                                                                        \
        uint##bits##_t to = (uint##bits##_t)value;                                                           \
        __asm__("lea -128(%%rsp), %%rsp; push %1; popfq; " text "; pushfq; pop %1; lea 128(%%rsp), %%rsp"    \
                : "+&r"(to), "+&r"(*flags)                                                                   \
                : "r"((uint##bits##_t)source)                                                                \
                : "cc");                                                                                     \
        return to;                                                                                           \
    }
#define OPERATIONS(name, text)                                                                               \
    OPERATION(name, 8, text)                                                                                 \
    OPERATION(name, 16, text)                                                                                \
    OPERATION(name, 32, text)                                                                                \
    OPERATION(name, 64, text)                                                                                \
    static operation *const name[] = {name##8, name##16, name##32, name##64};
#define BIT_OPERATIONS(name, text)                                                                           \
    OPERATION(name, 16, text)                                                                                \
    OPERATION(name, 32, text)                                                                                \
    OPERATION(name, 64, text)                                                                                \
    static operation *const name[] = {NULL, name##16, name##32, name##64};

OPERATIONS(add, "add %2, %0")
OPERATIONS(adc, "adc %2, %0")
OPERATIONS(sub, "sub %2, %0")
OPERATIONS(sbb, "sbb %2, %0")
OPERATIONS(and, "and %2, %0")
OPERATIONS(or, "or %2, %0")
OPERATIONS(xor, "xor %2, %0")
OPERATIONS(inc, "inc %0")
OPERATIONS(dec, "dec %0")
OPERATIONS(neg, "neg %0")
OPERATIONS(not, "not %0")
BIT_OPERATIONS(set_bit, "bts %2, %0")
BIT_OPERATIONS(reset_bit, "btr %2, %0")
BIT_OPERATIONS(flip_bit, "btc %2, %0")

/* With the guest's flags. */
static uint64_t compute(
    const struct instruction *at, operation *const *by_width, unsigned bytes, uint64_t value, uint64_t source)
{
    uint64_t *rflags = &at->machine->registers.rflags, flags = (*rflags & FLAGS_COMPUTED) | FLAG_FIXED;
    value = by_width[__builtin_ctz(bytes)](value, source, &flags);
    *rflags = (*rflags & ~FLAGS_COMPUTED) | (flags & FLAGS_COMPUTED);
    return value;
}

/* ---- memory ---- */

static struct guest_access as_store(const struct instruction *at)
{
    return (struct guest_access){.user = machine_privilege(at->machine) == 3, .write = true};
}

/* What is there, all of which may be written. False: the outcome says why not. */
static bool reach(const struct instruction *at, uint64_t address, void *value, unsigned bytes)
{
    if (!instruction_may_touch(at, address, bytes, as_store(at)))
        return false;
    if (instruction_is_misaligned(at, address, bytes)) {
        instruction_fault(at->outcome, VECTOR_ALIGNMENT, 0);
        return false;
    }
    if (machine_read(at->machine, GVA(address), value, bytes, as_store(at), &at->outcome->fault))
        return true;
    instruction_unable(at); /* a part of it is a device's */
    return false;
}

static void store(const struct instruction *at, uint64_t address, const void *value, unsigned bytes)
{
    struct guest_fault none;
    machine_write(at->machine, GVA(address), value, bytes, as_store(at), &none);
    instruction_step(at);
}

/* ---- what instructions do ---- */

static void change(struct instruction *at, operation *const *by_width)
{
    const ZydisDecodedOperand *memory = &at->operands[0];
    const unsigned bytes = memory->size / 8;
    const uint64_t address = instruction_address(at, memory);
    uint64_t value = 0,
             source = at->decoded.operand_count_visible > 1 ? operand_value(at, &at->operands[1]) : 0;
    if (!reach(at, address, &value, bytes))
        return;
    value = compute(at, by_width, bytes, value, source);
    store(at, address, &value, bytes);
}

/* A bit's number in a register may be of another element of the string of bits that begins at the operand. */
static void change_bit(struct instruction *at, operation *const *by_width)
{
    const ZydisDecodedOperand *memory = &at->operands[0], *bit = &at->operands[1];
    const unsigned bytes = memory->size / 8;
    uint64_t address = instruction_address(at, memory), value = 0, number = operand_value(at, bit);
    if (bit->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        if (at->decoded.address_width != 64) {
            instruction_unable(at);
            return;
        }
        const int64_t element = (int64_t)sign_extend(number, bytes) >> (3 + __builtin_ctz(bytes));
        address += (uint64_t)element * bytes;
    }
    if (!reach(at, address, &value, bytes))
        return;
    value = compute(at, by_width, bytes, value, number);
    store(at, address, &value, bytes);
}

static void exchange(struct instruction *at, operation *const *by_width)
{
    const bool first = at->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    const ZydisDecodedOperand *memory = &at->operands[!first], *other = &at->operands[first];
    const unsigned bytes = memory->size / 8;
    const uint64_t address = instruction_address(at, memory),
                   given = register_get(at->machine, other->reg.value);
    uint64_t old = 0;
    if (!reach(at, address, &old, bytes))
        return;
    const uint64_t value = by_width ? compute(at, by_width, bytes, old, given) : given;
    register_put(at->machine, other->reg.value, old);
    store(at, address, &value, bytes);
}

/* What does not compare equal is stored again as it was. */
static void compare_exchange(struct instruction *at, operation *const *by_width)
{
    const ZydisDecodedOperand *memory = &at->operands[0], *with = &at->operands[2];
    const unsigned bytes = memory->size / 8;
    const uint64_t address = instruction_address(at, memory),
                   expected = register_get(at->machine, with->reg.value);
    uint64_t value = 0;
    if (!reach(at, address, &value, bytes))
        return;
    compute(at, by_width, bytes, expected, value);
    if (value == expected)
        value = operand_value(at, &at->operands[1]);
    else
        register_put(at->machine, with->reg.value, value);
    store(at, address, &value, bytes);
}

/* CMPXCHG8B and CMPXCHG16B: DX:AX with memory, CX:BX to it. */
static void compare_exchange_pair(struct instruction *at, operation *const *by_width)
{
    const unsigned half = at->operands[0].size / 16;
    const bool wide = half == 8;
    const uint64_t address = instruction_address(at, &at->operands[0]);
    const ZydisRegister low = wide ? ZYDIS_REGISTER_RAX : ZYDIS_REGISTER_EAX,
                        high = wide ? ZYDIS_REGISTER_RDX : ZYDIS_REGISTER_EDX;
    uint64_t *rflags = &at->machine->registers.rflags, there[2] = {0}, new[2];
    uint8_t bytes[16];
    (void)by_width;
    if (!reach(at, address, bytes, 2 * half))
        return;
    memcpy(&there[0], bytes, half);
    memcpy(&there[1], bytes + half, half);
    new[0] = register_get(at->machine, wide ? ZYDIS_REGISTER_RBX : ZYDIS_REGISTER_EBX);
    new[1] = register_get(at->machine, wide ? ZYDIS_REGISTER_RCX : ZYDIS_REGISTER_ECX);
    const bool equal =
        there[0] == register_get(at->machine, low) && there[1] == register_get(at->machine, high);
    *rflags = equal ? *rflags | FLAG_ZF : *rflags & ~FLAG_ZF;
    if (equal) {
        memcpy(bytes, &new[0], half);
        memcpy(bytes + half, &new[1], half);
    } else {
        register_put(at->machine, low, there[0]);
        register_put(at->machine, high, there[1]);
    }
    store(at, address, bytes, 2 * half);
}

/* ---- strings ---- */

/* One element; false: it cannot be, and the outcome says why. */
static bool store_element(const struct instruction *at, unsigned bytes)
{
    struct vcpu_registers *registers = &at->machine->registers;
    const ZydisDecodedOperand *from = &at->operands[1];
    const bool copies = from->type == ZYDIS_OPERAND_TYPE_MEMORY;
    const uint64_t distance = registers->rflags & FLAG_DF ? -(uint64_t)bytes : bytes;
    uint64_t value = registers->rax, there;
    if (!reach(at, registers->rdi, &there, bytes))
        return false;
    if (copies) {
        const uint64_t source = registers->rsi + register_segment_base(at->machine, from->mem.segment);
        const struct guest_access access = {.user = machine_privilege(at->machine) == 3};
        if (!instruction_may_touch(at, source, bytes, access))
            return false;
        if (!machine_read(at->machine, GVA(source), &value, bytes, access, &at->outcome->fault)) {
            instruction_unable(at);
            return false;
        }
        registers->rsi += distance;
    }
    struct guest_fault none;
    machine_write(at->machine, GVA(registers->rdi), &value, bytes, as_store(at), &none);
    registers->rdi += distance;
    return true;
}

/* What is left of a page at once, then the instruction stands there again; one element where each is to be
 * seen. */
static void store_string(struct instruction *at, operation *const *by_width)
{
    struct vcpu_registers *registers = &at->machine->registers;
    const unsigned bytes = at->operands[0].size / 8;
    const bool repeats = at->decoded.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE);
    const uint64_t page = registers->rdi / PAGE_BYTES;
    (void)by_width;
    if (at->decoded.meta.category != ZYDIS_CATEGORY_STRINGOP || at->decoded.address_width != 64) {
        instruction_unable(at); /* MOVSD is a name of two */
        return;
    }
    for (bool first = true; !repeats || registers->rcx; first = false) {
        if (!store_element(at, bytes)) {
            if (!first)
                at->outcome->kind = EMULATED_NEXT; /* it is what comes next that cannot be */
            return;
        }
        registers->rcx -= repeats;
        if (!repeats || registers->rdi / PAGE_BYTES != page || registers->rflags & FLAG_TF)
            break;
    }
    if (!repeats || !registers->rcx)
        instruction_step(at);
}

/* ---- the table ---- */

static const struct {
    ZydisMnemonic mnemonic;
    void (*run)(struct instruction *at, operation *const *by_width);
    operation *const *by_width; /* 1, 2, 4 and 8 bytes */
} stores[] = {
    {ZYDIS_MNEMONIC_ADD, change, add},
    {ZYDIS_MNEMONIC_ADC, change, adc},
    {ZYDIS_MNEMONIC_SUB, change, sub},
    {ZYDIS_MNEMONIC_SBB, change, sbb},
    {ZYDIS_MNEMONIC_AND, change, and},
    {ZYDIS_MNEMONIC_OR, change, or },
    {ZYDIS_MNEMONIC_XOR, change, xor},
    {ZYDIS_MNEMONIC_INC, change, inc},
    {ZYDIS_MNEMONIC_DEC, change, dec},
    {ZYDIS_MNEMONIC_NEG, change, neg},
    {ZYDIS_MNEMONIC_NOT, change, not },
    {ZYDIS_MNEMONIC_BTS, change_bit, set_bit},
    {ZYDIS_MNEMONIC_BTR, change_bit, reset_bit},
    {ZYDIS_MNEMONIC_BTC, change_bit, flip_bit},
    {ZYDIS_MNEMONIC_XCHG, exchange, NULL},
    {ZYDIS_MNEMONIC_XADD, exchange, add},
    {ZYDIS_MNEMONIC_CMPXCHG, compare_exchange, sub},
    {ZYDIS_MNEMONIC_CMPXCHG8B, compare_exchange_pair, NULL},
    {ZYDIS_MNEMONIC_CMPXCHG16B, compare_exchange_pair, NULL},
    {ZYDIS_MNEMONIC_STOSB, store_string, NULL},
    {ZYDIS_MNEMONIC_STOSW, store_string, NULL},
    {ZYDIS_MNEMONIC_STOSD, store_string, NULL},
    {ZYDIS_MNEMONIC_STOSQ, store_string, NULL},
    {ZYDIS_MNEMONIC_MOVSB, store_string, NULL},
    {ZYDIS_MNEMONIC_MOVSW, store_string, NULL},
    {ZYDIS_MNEMONIC_MOVSD, store_string, NULL},
    {ZYDIS_MNEMONIC_MOVSQ, store_string, NULL},
};

void emulate_store(struct machine *machine, struct outcome *outcome)
{
    struct instruction at = {.machine = machine, .outcome = outcome};
    *outcome = (struct outcome){.kind = EMULATED_UNABLE, .name = "?"};
    if (!instruction_decode(&at))
        return;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
        if (stores[i].mnemonic == at.decoded.mnemonic) {
            outcome->kind = EMULATED_NEXT;
            stores[i].run(&at, stores[i].by_width);
            return;
        }
    emulate_move(&at);
}
