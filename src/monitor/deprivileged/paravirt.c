#include "monitor/deprivileged/paravirt.h"

#include "abi/domain.h"
#include "monitor/deprivileged/internal.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PHYSICAL_BITS = 46,
    TABLES_MAX = 1 << 16,
};

#define RETURNED_FLAGS (UINT64_C(0x8d5) | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_AC) /* and CF PF AF ZF SF OF */

bool paravirt_is_request(uint64_t number)
{
    return number - HYPERCALL_FIRST < HYPERCALL_COUNT;
}

/* ---- the first time ---- */

static int carry_out(void *context, const struct run *runs, size_t count, struct error *error)
{
    (void)error;
    space_carry_out(context, runs, count);
    return 0;
}

static int add_memory(struct paravirt *paravirt, const struct guest_memory *memory, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < memory->count; i++) {
        const struct guest_region *region = &memory->list[i];
        rc = frames_add(
            &paravirt->hypercalls.frames, region->start, region->backing.host, region->backing.bytes, error);
    }
    return rc;
}

/* With CR0.WP clear the kernel could write tables that it has mapped read-only. */
static bool is_safe(const struct vcpu_system *system)
{
    return system->cr0 & CR0_WRITE_PROTECT && !(system->cr4 & CR4_FIVE_LEVELS);
}

bool paravirt_allows(const struct paravirt *paravirt, const struct machine *machine)
{
    return is_safe(&machine->system) &&
           (machine->system.page_tables.value & ENTRY_ADDRESS) == paravirt->hypercalls.root.value;
}

int paravirt_set_system(struct paravirt *paravirt, const struct vcpu_system *system, struct error *error)
{
    if (!is_safe(system))
        return error_set(error, EINVAL, "a guest that asks has CR0.WP set, and 4 levels of tables");
    return hypercalls_start(&paravirt->hypercalls, system->page_tables, error);
}

static int check_cpus(const struct vm *vm, struct error *error)
{
    return vm->vcpus->next ? error_set(error, ENOTSUP, PARAVIRT_ONE_CPU, vm->ops->name) : 0;
}

/* What the children have mapped so far stays: it was made of the same tables by the same rules. */
struct paravirt *paravirt_open(struct vcpu *vcpu, const struct frame_pins *pins, struct error *error)
{
    int rc = check_cpus(vcpu->vm, error);
    struct paravirt *paravirt = rc == 0 ? calloc(1, sizeof *paravirt) : NULL;
    if (!paravirt) {
        if (rc == 0)
            error_set(error, ENOMEM, "no memory for what a guest asks for");
        return NULL;
    }
    paravirt->vcpu = vcpu;
    paravirt->hypercalls.frames.physical_bits = PHYSICAL_BITS;
    paravirt->hypercalls.frames.tables_max = TABLES_MAX;
    paravirt->hypercalls.runs.carry_out = carry_out;
    paravirt->hypercalls.runs.context = vcpu;
    paravirt->hypercalls.fill = vcpu->vm->fill;
    paravirt->hypercalls.stub = CHILD_CALL;
    paravirt->hypercalls.log = vcpu->machine.log;
    if ((rc = add_memory(paravirt, vcpu->machine.memory, error)) < 0 ||
        (pins && (rc = frames_pin_again(&paravirt->hypercalls.frames, pins, error)) < 0) ||
        (rc = paravirt_set_system(paravirt, &vcpu->machine.system, error)) < 0) {
        paravirt_close(paravirt);
        return NULL;
    }
    /* What children had until now nobody has checked: a frame that is a table from now on may be writable
     * there. */
    space_forget_all(vcpu);
    return paravirt;
}

void paravirt_close(struct paravirt *paravirt)
{
    if (!paravirt)
        return;
    hypercalls_free(&paravirt->hypercalls);
    free(paravirt);
}

/* ---- requests ---- */

static const struct guest_access by_kernel = {.user = false};

/* A negative errno, if what stands there is no frame to return to. */
static int64_t go_back(struct machine *machine)
{
    struct vcpu_registers *registers = &machine->registers;
    struct hypercall_frame frame;
    struct guest_fault ignored;
    if (!machine_read(machine, GVA(registers->rsp), &frame, sizeof frame, by_kernel, &ignored))
        return -EFAULT;
    int rc = hypercall_frame_check(&frame);
    if (rc < 0)
        return rc;
    registers->rax = frame.rax;
    registers->rcx = frame.rcx;
    registers->r11 = frame.r11;
    registers->rip = frame.rip;
    registers->rsp = frame.rsp;
    registers->rflags = (registers->rflags & ~RETURNED_FLAGS) | (frame.rflags & RETURNED_FLAGS) | FLAG_FIXED;
    machine->system.cs_selector = (uint16_t)frame.cs;
    machine->system.ss_selector = (uint16_t)frame.ss;
    return 0;
}

static void take_outcome(struct paravirt *paravirt, struct machine *machine)
{
    const struct hypercall_outcome *outcome = &paravirt->outcome;
    switch (outcome->kind) {
    case OUTCOME_SWITCH:
        machine->system.page_tables = paravirt->hypercalls.root;
        if (!outcome->stack.value)
            break;
        /* fall through */
    case OUTCOME_STACK:
        paravirt->stack = outcome->stack.value;
        paravirt->has_stack = true;
        break;
    case OUTCOME_ENTRIES:
        paravirt->entries = outcome->entries;
        break;
    default:
        break;
    }
}

int paravirt_ask(struct paravirt *paravirt, struct machine *machine, struct error *error)
{
    struct vcpu_registers *registers = &machine->registers;
    const uint64_t arguments[6] = {
        registers->rdi, registers->rsi, registers->rdx, registers->r10, registers->r8, registers->r9};
    struct hypercall_outcome *outcome = &paravirt->outcome;
    int rc = hypercalls_do(&paravirt->hypercalls, registers->rax, arguments, outcome, error);
    if (rc < 0)
        return rc;
    if (outcome->answer < 0)
        outcome->kind = OUTCOME_ANSWER;
    registers->rax = (uint64_t)outcome->answer;
    if (outcome->kind == OUTCOME_RETURN)
        outcome->answer = go_back(machine);
    if (outcome->kind == OUTCOME_RETURN && outcome->answer < 0)
        registers->rax = (uint64_t)outcome->answer;
    take_outcome(paravirt, machine);
    return 0;
}

/* ---- entries ---- */

bool paravirt_enter(
    const struct paravirt *paravirt, struct machine *machine, unsigned index, const struct guest_fault *fault)
{
    struct vcpu_registers *registers = &machine->registers;
    const bool from_user = machine_privilege(machine) == 3;
    const struct hypercall_frame frame = {
        .address = fault->address,
        .vector = index,
        .error_code = fault->code,
        .rax = registers->rax,
        .rcx = registers->rcx,
        .r11 = registers->r11,
        .rip = registers->rip,
        .cs = machine->system.cs_selector,
        .rflags = registers->rflags,
        .rsp = registers->rsp,
        .ss = machine->system.ss_selector,
    };
    uint64_t stack = (from_user ? paravirt->stack : registers->rsp & ~UINT64_C(15)) - sizeof frame;
    struct guest_fault ignored;
    if (!paravirt->entries.entry[index] || (from_user && !paravirt->has_stack) ||
        !machine_write(machine, GVA(stack), &frame, sizeof frame, by_kernel, &ignored))
        return false;
    registers->rip = paravirt->entries.entry[index];
    registers->rsp = stack;
    registers->rflags &= ~(FLAG_TF | FLAG_IF | FLAG_DF | FLAG_NT | FLAG_RF | FLAG_AC);
    machine->system.cs_selector = DOMAIN_KERNEL_CS;
    machine->system.ss_selector = DOMAIN_KERNEL_SS;
    if (index == VECTOR_PAGE_FAULT)
        machine->system.fault_address = fault->address;
    return true;
}
