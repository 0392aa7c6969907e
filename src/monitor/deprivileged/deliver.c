#include "monitor/deprivileged/deliver.h"

enum {
    TRIES = 4, /* a benign fault, two that follow it, the double fault */
    GATE_INTERRUPT = 0xe,
    GATE_TRAP = 0xf,
    TSS_STACKS = 4,            /* of the privileges, RSP0 first, 8 bytes each (SDM volume 3, figure 8-11) */
    TSS_INTERRUPT_STACKS = 36, /* IST1 first */
    CODE_EXTERNAL = 1,         /* bit 0 of an error code: not the program's doing */
    CODE_IN_IDT = 2,
};

static const struct guest_access of_the_system = {.user = false}; /* whatever the privilege is */

static bool raise(struct guest_fault *fault, unsigned vector, uint64_t code)
{
    *fault = (struct guest_fault){.vector = vector, .code = code};
    return false;
}

/* SDM volume 3, table 6-1. */
static bool has_code(unsigned vector)
{
    const uint32_t with_code = 1u << 8 | 0x1fu << 10 | 1u << 17 | 1u << 21 | 3u << 29;
    return vector < 32 && with_code >> vector & 1;
}

/* ---- gates and segments ---- */

struct gate {
    uint64_t to;
    uint16_t selector;
    unsigned stack, type; /* stack: IST, 0 for none */
};

/* SDM volume 3, figure 6-8. */
static bool read_gate(const struct machine *machine, const struct guest_fault *cause, struct gate *gate,
    struct guest_fault *fault)
{
    const uint64_t offset = (uint64_t)cause->vector * 16;
    const uint64_t code = cause->vector * 8 + CODE_IN_IDT + (cause->software ? 0 : CODE_EXTERNAL);
    uint64_t words[2];
    if (offset + sizeof words - 1 > machine->system.idt_limit)
        return raise(fault, VECTOR_PROTECTION, code);
    if (!machine_read(
            machine, GVA(machine->system.idt.value + offset), words, sizeof words, of_the_system, fault))
        return false;
    *gate = (struct gate){
        .to = (words[0] & 0xffff) | (words[0] >> 32 & 0xffff0000) | words[1] << 32,
        .selector = words[0] >> 16 & 0xffff,
        .stack = words[0] >> 32 & 7,
        .type = words[0] >> 40 & 0x1f,
    };
    unsigned privilege = words[0] >> 45 & 3;
    if ((gate->type != GATE_INTERRUPT && gate->type != GATE_TRAP) ||
        (cause->software && privilege < machine_privilege(machine)))
        return raise(fault, VECTOR_PROTECTION, code);
    if (!(words[0] >> 47 & 1))
        return raise(fault, VECTOR_NOT_PRESENT, code);
    return true;
}

/* SDM volume 3, 3.4.5: S, type code, L without D, present. */
bool deliver_check_code(
    const struct machine *machine, uint16_t selector, unsigned *privilege, struct guest_fault *fault)
{
    const uint64_t index = selector & ~7u,
                   long_code = UINT64_C(1) << 44 | UINT64_C(1) << 43 | UINT64_C(1) << 53;
    const uint64_t mask = long_code | UINT64_C(1) << 54;
    uint64_t descriptor;
    if (!index || selector & 4 || index + 7 > machine->system.gdt_limit)
        return raise(fault, VECTOR_PROTECTION, selector & ~3u);
    if (!machine_read(machine, GVA(machine->system.gdt.value + index), &descriptor, sizeof descriptor,
            of_the_system, fault))
        return false;
    if ((descriptor & mask) != long_code)
        return raise(fault, VECTOR_PROTECTION, selector & ~3u);
    if (!(descriptor >> 47 & 1))
        return raise(fault, VECTOR_NOT_PRESENT, selector & ~3u);
    *privilege = descriptor >> 45 & 3;
    return true;
}

/* ---- the stack ---- */

static bool read_task_stack(
    const struct machine *machine, unsigned offset, uint64_t *stack, struct guest_fault *fault)
{
    if (offset + sizeof *stack - 1 > machine->system.tss_limit)
        return raise(fault, 10, machine->system.tss_selector & ~3u);
    return machine_read(
        machine, GVA(machine->system.tss.value + offset), stack, sizeof *stack, of_the_system, fault);
}

static bool find_stack(const struct machine *machine, const struct gate *gate, unsigned privilege,
    uint64_t *stack, struct guest_fault *fault)
{
    bool found = true;
    *stack = machine->registers.rsp;
    if (gate->stack)
        found = read_task_stack(machine, TSS_INTERRUPT_STACKS + 8 * (gate->stack - 1), stack, fault);
    else if (privilege < machine_privilege(machine))
        found = read_task_stack(machine, TSS_STACKS + 8 * privilege, stack, fault);
    if (found && !machine_is_canonical(machine, *stack))
        return raise(fault, VECTOR_STACK, 0);
    *stack &= ~UINT64_C(15);
    return found;
}

/* SDM volume 3, figure 6-9: from the lowest address up. */
static bool push_frame(const struct machine *machine, const struct guest_fault *cause, uint64_t *stack,
    struct guest_fault *fault)
{
    const struct vcpu_registers *registers = &machine->registers;
    const uint64_t frame[] = {cause->code, registers->rip, machine->system.cs_selector, registers->rflags,
        registers->rsp, machine->system.ss_selector};
    unsigned skip = has_code(cause->vector) && !cause->software ? 0 : 1;
    *stack -= sizeof frame - skip * sizeof *frame;
    return machine_write(
        machine, GVA(*stack), frame + skip, sizeof frame - skip * sizeof *frame, of_the_system, fault);
}

/* ---- delivery ---- */

static bool deliver_one(struct machine *machine, const struct guest_fault *cause, struct guest_fault *fault)
{
    struct gate gate;
    uint64_t stack;
    unsigned privilege, now = machine_privilege(machine);
    if (!read_gate(machine, cause, &gate, fault) ||
        !deliver_check_code(machine, gate.selector, &privilege, fault))
        return false;
    if (privilege > now)
        return raise(fault, VECTOR_PROTECTION, gate.selector & ~3u);
    if (!find_stack(machine, &gate, privilege, &stack, fault) || !push_frame(machine, cause, &stack, fault))
        return false;
    if (!machine_is_canonical(machine, gate.to))
        return raise(fault, VECTOR_PROTECTION, 0);
    machine->registers.rip = gate.to;
    machine->registers.rsp = stack;
    machine->registers.rflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);
    if (gate.type == GATE_INTERRUPT)
        machine->registers.rflags &= ~FLAG_IF;
    machine->system.cs_selector = (uint16_t)((gate.selector & ~3u) | privilege);
    if (privilege != now)
        machine->system.ss_selector = (uint16_t)privilege; /* NULL */
    if (cause->vector == VECTOR_PAGE_FAULT && !cause->software)
        machine->system.fault_address = cause->address;
    return true;
}

/* What becomes of a fault on the way to another (SDM volume 3, table 6-5). */
static bool makes_double_fault(unsigned first, unsigned second)
{
    const uint32_t contributory = 1u << 0 | 0xfu << 10;
    bool second_is = second < 32 && contributory >> second & 1;
    if (first == VECTOR_PAGE_FAULT)
        return second_is || second == VECTOR_PAGE_FAULT;
    return first < 32 && contributory >> first & 1 && second_is;
}

bool deliver(struct machine *machine, const struct guest_fault *fault)
{
    struct guest_fault now = *fault, next;
    for (int tries = 0; tries < TRIES; tries++) {
        if (deliver_one(machine, &now, &next))
            return true;
        if (now.vector == VECTOR_DOUBLE_FAULT)
            return false;
        if (makes_double_fault(now.vector, next.vector))
            next = (struct guest_fault){.vector = VECTOR_DOUBLE_FAULT};
        now = next;
    }
    return false;
}
