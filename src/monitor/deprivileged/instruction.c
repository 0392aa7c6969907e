#include "monitor/deprivileged/instruction.h"

#include <stdio.h>
#include <string.h>

bool instruction_decode(struct instruction *at)
{
    uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
    ZydisDecoder decoder;
    size_t bytes = machine_code(at->machine, code, sizeof code);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, bytes, &at->decoded, at->operands));
}

/* ---- how it ends ---- */

void instruction_fault(struct outcome *outcome, unsigned vector, uint64_t code)
{
    outcome->kind = EMULATED_FAULT;
    outcome->fault = (struct guest_fault){.vector = vector, .code = code};
}

void instruction_refuse(const struct instruction *at)
{
    instruction_fault(at->outcome, VECTOR_PROTECTION, 0);
}

void instruction_unable(const struct instruction *at)
{
    at->outcome->kind = EMULATED_UNABLE;
    snprintf(at->outcome->name, sizeof at->outcome->name, "%s", ZydisMnemonicGetString(at->decoded.mnemonic));
}

void instruction_step(const struct instruction *at)
{
    at->machine->registers.rip += at->decoded.length;
    at->machine->registers.rflags &= ~FLAG_RF;
}

/* ---- registers ---- */

uint64_t *register_general(struct machine *machine, ZydisRegister name)
{
    struct vcpu_registers *registers = &machine->registers;
    uint64_t *const in_order[] = {&registers->rax, &registers->rcx, &registers->rdx, &registers->rbx,
        &registers->rsp, &registers->rbp, &registers->rsi, &registers->rdi, &registers->r8, &registers->r9,
        &registers->r10, &registers->r11, &registers->r12, &registers->r13, &registers->r14, &registers->r15};
    ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
    return full >= ZYDIS_REGISTER_RAX && full <= ZYDIS_REGISTER_R15 ? in_order[full - ZYDIS_REGISTER_RAX]
                                                                    : NULL;
}

bool operand_is_general(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value >= ZYDIS_REGISTER_RAX &&
           operand->reg.value <= ZYDIS_REGISTER_R15;
}

static unsigned register_bytes(ZydisRegister name)
{
    return ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, name) / 8;
}

static unsigned register_shift(ZydisRegister name)
{
    return name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH ? 8 : 0;
}

uint64_t register_get(struct machine *machine, ZydisRegister name)
{
    return cut(*register_general(machine, name) >> register_shift(name), register_bytes(name));
}

void register_put(struct machine *machine, ZydisRegister name, uint64_t value)
{
    uint64_t *there = register_general(machine, name);
    const unsigned bytes = register_bytes(name), shift = register_shift(name);
    const uint64_t kept = bytes >= 4 ? 0 : *there & ~(cut(UINT64_MAX, bytes) << shift);
    *there = kept | cut(value, bytes) << shift;
}

/* ---- operands ---- */

uint64_t operand_value(const struct instruction *at, const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? operand->imm.value.u
                                                         : register_get(at->machine, operand->reg.value);
}

uint64_t register_segment_base(const struct machine *machine, ZydisRegister segment)
{
    return segment == ZYDIS_REGISTER_FS   ? machine->system.fs_base
           : segment == ZYDIS_REGISTER_GS ? machine->system.gs_base
                                          : 0;
}

uint64_t instruction_address(const struct instruction *at, const ZydisDecodedOperand *operand)
{
    ZydisRegisterContext context;
    ZyanU64 address = 0;
    memset(&context, 0, sizeof context);
    for (int name = ZYDIS_REGISTER_RAX; name <= ZYDIS_REGISTER_R15; name++)
        context.values[name] = *register_general(at->machine, (ZydisRegister)name);
    for (int i = 0; i < ZYDIS_REGISTER_R15D - ZYDIS_REGISTER_EAX + 1; i++)
        context.values[ZYDIS_REGISTER_EAX + i] = (uint32_t)context.values[ZYDIS_REGISTER_RAX + i];
    context.values[ZYDIS_REGISTER_RIP] = at->machine->registers.rip;
    ZydisCalcAbsoluteAddressEx(&at->decoded, operand, at->machine->registers.rip, &context, &address);
    return address + register_segment_base(at->machine, operand->mem.segment);
}

bool instruction_may_touch(
    const struct instruction *at, uint64_t address, unsigned bytes, struct guest_access access)
{
    if (machine_may_touch(at->machine, GVA(address), bytes, access, &at->outcome->fault))
        return true;
    at->outcome->kind = EMULATED_FAULT;
    return false;
}

bool instruction_read(
    const struct instruction *at, const ZydisDecodedOperand *operand, void *to, size_t bytes)
{
    const struct guest_access access = {.user = machine_privilege(at->machine) == 3};
    if (machine_read(
            at->machine, GVA(instruction_address(at, operand)), to, bytes, access, &at->outcome->fault))
        return true;
    at->outcome->kind = EMULATED_FAULT;
    return false;
}
