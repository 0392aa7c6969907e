/* One instruction of a guest's, decoded by Zydis, while it is emulated: its operands, and how it ends. What
 * emulate.c and emulate_*.c share. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_INSTRUCTION_H
#define VCOST_MONITOR_DEPRIVILEGED_INSTRUCTION_H

#include "monitor/deprivileged/emulate.h"

#include <Zydis/Zydis.h>

struct instruction {
    struct machine *machine;
    struct outcome *outcome;
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* The one at RIP. False: there is none. */
bool instruction_decode(struct instruction *at);

/* How it ends: it raises an exception; that of what is not allowed; it cannot be done here; it is done, and
 * the machine stands behind it. */
void instruction_fault(struct outcome *outcome, unsigned vector, uint64_t code);
void instruction_refuse(const struct instruction *at);
void instruction_unable(const struct instruction *at);
void instruction_step(const struct instruction *at);

/* Linear addresses. */
uint64_t instruction_address(const struct instruction *at, const ZydisDecodedOperand *operand);
uint64_t register_segment_base(const struct machine *machine, ZydisRegister segment);
/* Whether all of it may be touched so, before anything is; false: the outcome is the exception. */
bool instruction_may_touch(
    const struct instruction *at, uint64_t address, unsigned bytes, struct guest_access access);
bool instruction_read(
    const struct instruction *at, const ZydisDecodedOperand *operand, void *to, size_t bytes);

/* The 64-bit register that one is a part of; NULL: it is no general one. */
uint64_t *register_general(struct machine *machine, ZydisRegister name);
bool operand_is_general(const ZydisDecodedOperand *operand); /* one of 64 bits */
/* Of a general register of any width, AH to BH too. A 32-bit register's upper half becomes 0, smaller ones
 * keep the rest (SDM volume 1, 3.4.1.1). */
uint64_t register_get(struct machine *machine, ZydisRegister name);
void register_put(struct machine *machine, ZydisRegister name, uint64_t value);
/* Of an immediate or such a register. */
uint64_t operand_value(const struct instruction *at, const ZydisDecodedOperand *operand);

static inline bool instruction_has_io_privilege(const struct machine *machine)
{
    return machine_privilege(machine) <= (machine->registers.rflags & FLAG_IOPL) >> 12;
}

/* SDM volume 3, 6.15, #AC. */
static inline bool instruction_is_misaligned(const struct instruction *at, uint64_t address, unsigned bytes)
{
    return address & (bytes - 1) && machine_privilege(at->machine) == 3 &&
           at->machine->registers.rflags & FLAG_AC && at->machine->system.cr0 & CR0_ALIGNMENT_MASK;
}

static inline uint64_t cut(uint64_t value, unsigned bytes)
{
    return bytes < 8 ? value & ((UINT64_C(1) << 8 * bytes) - 1) : value;
}

static inline uint64_t sign_extend(uint64_t value, unsigned bytes)
{
    unsigned above = 64 - 8 * bytes;
    return (uint64_t)((int64_t)(value << above) >> above);
}

/* MOV and its kin, from or to memory: emulate_memory.c. */
void emulate_move(struct instruction *at);

/* What is emulated, a table in each file. */
struct emulated {
    ZydisMnemonic mnemonic;
    bool for_all; /* not CPL 0's alone: it checks for itself */
    void (*run)(struct instruction *at);
};
struct emulated_group {
    const struct emulated *list;
    size_t count;
};
#define EMULATED_GROUP(list)                                                                                 \
    {                                                                                                        \
        list, sizeof(list) / sizeof *(list)                                                                  \
    }
extern const struct emulated_group emulated_io, emulated_system, emulated_flow;

#endif
