/* Interrupts, calls of the system and returns from both; HLT, hypercalls. */
#include "monitor/deprivileged/deliver.h"
#include "monitor/deprivileged/instruction.h"

static void halt(struct instruction *at)
{
    at->outcome->kind = EMULATED_HALT;
    instruction_step(at);
}

static void set_interrupts(struct instruction *at)
{
    if (!instruction_has_io_privilege(at->machine)) {
        instruction_refuse(at);
        return;
    }
    if (at->decoded.mnemonic == ZYDIS_MNEMONIC_STI)
        at->machine->registers.rflags |= FLAG_IF;
    else
        at->machine->registers.rflags &= ~FLAG_IF;
    instruction_step(at);
}

static void software_interrupt(struct instruction *at)
{
    at->outcome->kind = EMULATED_FAULT;
    at->outcome->fault =
        (struct guest_fault){.vector = (uint8_t)at->operands[0].imm.value.u, .software = true};
    instruction_step(at);
}

/* What IRET takes from the stack may change these flags (SDM volume 2, IRET). */
static uint64_t returned_flags(const struct machine *machine, uint64_t flags)
{
    uint64_t may = UINT64_C(0x254fd5) | FLAG_RF; /* CF PF AF ZF SF TF DF OF NT AC ID */
    if (machine_privilege(machine) == 0)
        may |= FLAG_IOPL | FLAG_IF;
    else if (instruction_has_io_privilege(machine))
        may |= FLAG_IF;
    return (machine->registers.rflags & ~may) | (flags & may) | FLAG_FIXED;
}

static void interrupt_return(struct instruction *at)
{
    struct machine *machine = at->machine;
    struct outcome *outcome = at->outcome;
    uint64_t frame[5];
    unsigned privilege, now = machine_privilege(machine);
    const struct guest_access access = {.user = now == 3};
    if (at->decoded.operand_width != 64) {
        instruction_unable(at);
        return;
    }
    outcome->kind = EMULATED_FAULT;
    if (!machine_read(machine, GVA(machine->registers.rsp), frame, sizeof frame, access, &outcome->fault))
        return;
    uint16_t selector = (uint16_t)frame[1];
    if (machine->registers.rflags & FLAG_NT || frame[2] & FLAG_VM ||
        !machine_is_canonical(machine, frame[0]) || !machine_is_canonical(machine, frame[3])) {
        instruction_refuse(at);
        return;
    }
    if (!deliver_check_code(machine, selector, &privilege, &outcome->fault))
        return;
    if ((selector & 3) < now || privilege != (selector & 3)) {
        instruction_fault(outcome, VECTOR_PROTECTION, selector & ~3u);
        return;
    }
    machine->registers.rflags = returned_flags(machine, frame[2]);
    machine->registers.rip = frame[0];
    machine->registers.rsp = frame[3];
    machine->system.cs_selector = selector;
    machine->system.ss_selector = (uint16_t)frame[4];
    outcome->kind = EMULATED_NEXT;
}

/* SDM volume 2, SYSRET. */
static void system_return(struct instruction *at)
{
    struct machine *machine = at->machine;
    struct vcpu_registers *registers = &machine->registers;
    uint16_t base = (uint16_t)(machine->system.star >> 48);
    if (!(machine->system.efer & EFER_SYSCALL)) {
        instruction_fault(at->outcome, VECTOR_INVALID_OPCODE, 0);
        return;
    }
    if (at->decoded.operand_width != 64) {
        instruction_unable(at);
        return;
    }
    if (!machine_is_canonical(machine, registers->rcx)) {
        instruction_refuse(at);
        return;
    }
    registers->rip = registers->rcx;
    registers->rflags = (registers->r11 & 0x3c7fd7) | FLAG_FIXED;
    machine->system.cs_selector = (uint16_t)(base + 16) | 3;
    machine->system.ss_selector = (uint16_t)(base + 8) | 3;
}

void emulate_syscall(struct machine *machine, struct outcome *outcome)
{
    struct vcpu_registers *registers = &machine->registers;
    *outcome = (struct outcome){.kind = EMULATED_NEXT};
    if (!(machine->system.efer & EFER_SYSCALL)) {
        registers->rip -= 2;
        instruction_fault(outcome, VECTOR_INVALID_OPCODE, 0);
        return;
    }
    registers->rcx = registers->rip;
    registers->r11 = registers->rflags & ~FLAG_RF;
    registers->rip = machine->system.syscall_entry.value;
    registers->rflags = (registers->rflags & ~(machine->system.syscall_mask | FLAG_RF)) | FLAG_FIXED;
    machine->system.cs_selector = (uint16_t)(machine->system.star >> 32) & 0xfffc;
    machine->system.ss_selector = (uint16_t)(machine->system.star >> 32) + 8;
}

static void hypercall(struct instruction *at)
{
    at->outcome->kind = EMULATED_HYPERCALL;
    instruction_step(at);
}

static void cannot(struct instruction *at)
{
    instruction_unable(at);
}

static const struct emulated list[] = {
    {ZYDIS_MNEMONIC_CLI, true, set_interrupts},
    {ZYDIS_MNEMONIC_STI, true, set_interrupts},
    {ZYDIS_MNEMONIC_INT, true, software_interrupt},
    {ZYDIS_MNEMONIC_IRETQ, true, interrupt_return},
    {ZYDIS_MNEMONIC_IRET, true, cannot},
    {ZYDIS_MNEMONIC_IRETD, true, cannot},
    {ZYDIS_MNEMONIC_SYSRET, false, system_return},
    {ZYDIS_MNEMONIC_VMCALL, false, hypercall},
    {ZYDIS_MNEMONIC_VMMCALL, false, hypercall},
    {ZYDIS_MNEMONIC_HLT, false, halt},
};
const struct emulated_group emulated_flow = EMULATED_GROUP(list);
