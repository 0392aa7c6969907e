/* IN, OUT, INS, OUTS. */
#include "monitor/deprivileged/instruction.h"

enum { TSS_BITMAP_OFFSET = 102 };

/* SDM volume 1, 19.5.2: the bitmap's two bytes are read whole. */
static bool bitmap_allows(const struct machine *machine, uint16_t port, unsigned bytes)
{
    const struct vcpu_system *system = &machine->system;
    const struct guest_access access = {.user = false};
    struct guest_fault ignored;
    uint16_t offset, bits;
    if (TSS_BITMAP_OFFSET + sizeof offset - 1 > system->tss_limit ||
        !machine_read(
            machine, GVA(system->tss.value + TSS_BITMAP_OFFSET), &offset, sizeof offset, access, &ignored))
        return false;
    uint64_t at = (uint64_t)offset + port / 8;
    if (at + sizeof bits - 1 > system->tss_limit ||
        !machine_read(machine, GVA(system->tss.value + at), &bits, sizeof bits, access, &ignored))
        return false;
    return !(bits >> port % 8 & ((1u << bytes) - 1));
}

static bool port_is_refused(const struct instruction *at, uint16_t port, unsigned bytes)
{
    bool allowed = instruction_has_io_privilege(at->machine) || bitmap_allows(at->machine, port, bytes);
    if (!allowed)
        instruction_refuse(at);
    return !allowed;
}

static void port_io(
    struct instruction *at, const ZydisDecodedOperand *port, const ZydisDecodedOperand *data, bool write)
{
    struct outcome *outcome = at->outcome;
    outcome->port = (uint16_t)(port->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? port->imm.value.u
                                                                          : at->machine->registers.rdx);
    outcome->bytes = data->size / 8;
    outcome->write = write;
    outcome->value = cut(at->machine->registers.rax, outcome->bytes);
    outcome->arrival = (struct arrival){.name = data->reg.value};
    if (port_is_refused(at, outcome->port, outcome->bytes))
        return;
    outcome->kind = EMULATED_IO;
    instruction_step(at);
}

static void out(struct instruction *at)
{
    port_io(at, &at->operands[0], &at->operands[1], true);
}

static void in(struct instruction *at)
{
    port_io(at, &at->operands[1], &at->operands[0], false);
}

/* One element, with RSI or RDI and RCX moved on (SDM volume 2, INS, OUTS, REP). 64-bit addresses only. */
static void string_io(struct instruction *at, bool write)
{
    struct outcome *outcome = at->outcome;
    struct vcpu_registers *registers = &at->machine->registers;
    const ZydisDecodedOperand *memory = &at->operands[write ? 1 : 0];
    const bool repeats = at->decoded.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE);
    uint64_t *pointer = write ? &registers->rsi : &registers->rdi;
    uint64_t address = *pointer + register_segment_base(at->machine, memory->mem.segment);
    struct guest_access access = {.user = machine_privilege(at->machine) == 3, .write = !write};
    struct translated translation;
    outcome->bytes = memory->size / 8;
    outcome->port = (uint16_t)registers->rdx;
    outcome->write = write;
    outcome->arrival = (struct arrival){.address = address};
    if (at->decoded.address_width != 64) {
        instruction_unable(at);
        return;
    }
    if (repeats && !registers->rcx) {
        instruction_step(at);
        return;
    }
    if (port_is_refused(at, outcome->port, outcome->bytes))
        return;
    outcome->kind = EMULATED_FAULT;
    if (write ? !machine_read(
                    at->machine, GVA(address), &outcome->value, outcome->bytes, access, &outcome->fault)
              : !machine_translate(at->machine, GVA(address), access, &translation, &outcome->fault))
        return;
    outcome->kind = EMULATED_IO;
    *pointer += registers->rflags & FLAG_DF ? -(uint64_t)outcome->bytes : outcome->bytes;
    registers->rcx -= repeats;
    if (!repeats || !registers->rcx)
        instruction_step(at);
}

static void strings_out(struct instruction *at)
{
    string_io(at, true);
}

static void strings_in(struct instruction *at)
{
    string_io(at, false);
}

static const struct emulated list[] = {
    {ZYDIS_MNEMONIC_OUT, true, out},
    {ZYDIS_MNEMONIC_IN, true, in},
    {ZYDIS_MNEMONIC_INSB, true, strings_in},
    {ZYDIS_MNEMONIC_INSW, true, strings_in},
    {ZYDIS_MNEMONIC_INSD, true, strings_in},
    {ZYDIS_MNEMONIC_OUTSB, true, strings_out},
    {ZYDIS_MNEMONIC_OUTSW, true, strings_out},
    {ZYDIS_MNEMONIC_OUTSD, true, strings_out},
};
const struct emulated_group emulated_io = EMULATED_GROUP(list);
