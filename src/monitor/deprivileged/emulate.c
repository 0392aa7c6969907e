#include "monitor/deprivileged/emulate.h"

#include "monitor/deprivileged/instruction.h"

/* MOV is CPL 0's only between registers of which one is no general one. */
static bool is_plain_move(const struct instruction *at)
{
    const ZydisDecodedOperand *operands = at->operands;
    return at->decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
           (operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
               operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
               operand_is_general(&operands[0]) == operand_is_general(&operands[1]));
}

/* NULL: it is not known. */
static const struct emulated *find(const struct instruction *at)
{
    enum { GROUPS = 3 };
    static const struct emulated_group *const groups[GROUPS] = {
        &emulated_io, &emulated_system, &emulated_flow};
    for (size_t i = 0; i < GROUPS; i++)
        for (size_t k = 0; k < groups[i]->count; k++)
            if (groups[i]->list[k].mnemonic == at->decoded.mnemonic)
                return &groups[i]->list[k];
    return NULL;
}

void emulate(struct machine *machine, unsigned vector, uint64_t code, struct outcome *outcome)
{
    struct instruction at = {.machine = machine, .outcome = outcome};
    *outcome = (struct outcome){.kind = EMULATED_NEXT};
    const struct emulated *found = instruction_decode(&at) && !is_plain_move(&at) ? find(&at) : NULL;
    if (found && (found->for_all || machine_privilege(machine) == 0))
        found->run(&at);
    else
        instruction_fault(outcome, vector, code);
}
