/* MOV and its kin to and from memory that is not mapped: devices, and what is not to be written behind our
 * back. */
#include "monitor/deprivileged/instruction.h"

static bool is_known(const struct instruction *at, const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ||
           (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
               register_general(at->machine, operand->reg.value));
}

static bool is_move(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_MOV || mnemonic == ZYDIS_MNEMONIC_MOVZX ||
           mnemonic == ZYDIS_MNEMONIC_MOVSX || mnemonic == ZYDIS_MNEMONIC_MOVSXD ||
           mnemonic == ZYDIS_MNEMONIC_MOVNTI;
}

void emulate_move(struct instruction *at)
{
    struct outcome *outcome = at->outcome;
    const ZydisMnemonic mnemonic = at->decoded.mnemonic;
    const bool store = at->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    const ZydisDecodedOperand *memory = &at->operands[!store], *other = &at->operands[store];
    if (!is_move(mnemonic) || memory->type != ZYDIS_OPERAND_TYPE_MEMORY || memory->size > 64 ||
        !is_known(at, other)) {
        instruction_unable(at);
        return;
    }
    outcome->kind = EMULATED_DEVICE;
    outcome->address = instruction_address(at, memory);
    outcome->bytes = memory->size / 8;
    outcome->write = store;
    if (instruction_is_misaligned(at, outcome->address, outcome->bytes)) {
        instruction_fault(outcome, VECTOR_ALIGNMENT, 0);
        return;
    }
    if (store)
        outcome->value = cut(operand_value(at, other), outcome->bytes);
    else
        outcome->arrival = (struct arrival){.name = other->reg.value,
            .sign_extends = mnemonic == ZYDIS_MNEMONIC_MOVSX || mnemonic == ZYDIS_MNEMONIC_MOVSXD};
    instruction_step(at);
}

void emulate_device(struct machine *machine, struct outcome *outcome)
{
    struct instruction at = {.machine = machine, .outcome = outcome};
    *outcome = (struct outcome){.kind = EMULATED_UNABLE, .name = "?"};
    if (instruction_decode(&at))
        emulate_move(&at);
}

void emulate_arrive(struct machine *machine, const struct outcome *outcome, uint64_t value)
{
    const struct arrival *arrival = &outcome->arrival;
    const struct guest_access access = {.user = machine_privilege(machine) == 3};
    struct guest_fault ignored;
    if (arrival->name)
        register_put(machine, (ZydisRegister)arrival->name,
            arrival->sign_extends ? sign_extend(value, outcome->bytes) : cut(value, outcome->bytes));
    else
        machine_write(machine, GVA(arrival->address), &value, outcome->bytes, access, &ignored);
}
