/* Control, model-specific and table registers, and what forgets translations. */
#include "monitor/deprivileged/cpuid.h"
#include "monitor/deprivileged/instruction.h"

/* ---- control registers ---- */

static uint64_t *control(struct machine *machine, ZydisRegister name)
{
    switch (name) {
    case ZYDIS_REGISTER_CR0:
        return &machine->system.cr0;
    case ZYDIS_REGISTER_CR2:
        return &machine->system.fault_address;
    case ZYDIS_REGISTER_CR3:
        return &machine->system.page_tables.value;
    case ZYDIS_REGISTER_CR4:
        return &machine->system.cr4;
    case ZYDIS_REGISTER_CR8:
        return &machine->task_priority;
    default:
        return NULL;
    }
}

/* Bits that these monitors can do nothing about: paging stays on, and nothing that changes what CPL 0 may
 * touch or how many levels tables have. */
static bool is_possible(const struct machine *machine, ZydisRegister name, uint64_t value)
{
    const uint64_t cr0_must = 0x80000001, cr4_fixed = CR4_FIVE_LEVELS | UINT64_C(3) << 20 | UINT64_C(1) << 5;
    if (name == ZYDIS_REGISTER_CR0)
        return (value & cr0_must) == cr0_must;
    return name != ZYDIS_REGISTER_CR4 || !((value ^ machine->system.cr4) & cr4_fixed);
}

static void write_control(struct instruction *at, ZydisRegister name, uint64_t value)
{
    const uint64_t keep = UINT64_C(1) << 63;
    uint64_t *control_register = control(at->machine, name);
    if (!control_register || !is_possible(at->machine, name, value)) {
        instruction_unable(at);
        return;
    }
    *control_register = name == ZYDIS_REGISTER_CR3 ? value & ~keep : value;
    instruction_step(at);
    at->outcome->kind = name == ZYDIS_REGISTER_CR3   ? EMULATED_FLUSH
                        : name == ZYDIS_REGISTER_CR0 ? EMULATED_FLUSH_ALL
                        : name == ZYDIS_REGISTER_CR4 ? EMULATED_FLUSH_ALL
                                                     : EMULATED_NEXT;
}

/* Debug registers are not kept: reading tells their state after a reset. */
static void move(struct instruction *at)
{
    const ZydisDecodedOperand *to = &at->operands[0], *from = &at->operands[1];
    if (!operand_is_general(to) && operand_is_general(from) && to->reg.value >= ZYDIS_REGISTER_CR0 &&
        to->reg.value <= ZYDIS_REGISTER_CR15) {
        write_control(at, to->reg.value, *register_general(at->machine, from->reg.value));
        return;
    }
    const uint64_t *value = control(at->machine, from->reg.value);
    if (!operand_is_general(to) || !value) {
        instruction_unable(at);
        return;
    }
    *register_general(at->machine, to->reg.value) = *value;
    instruction_step(at);
}

static void clear_task_switched(struct instruction *at)
{
    at->machine->system.cr0 &= ~UINT64_C(8);
    instruction_step(at);
}

/* ---- translations ---- */

static void flush_page(struct instruction *at)
{
    at->outcome->address = instruction_address(at, &at->operands[0]);
    at->outcome->kind = EMULATED_FLUSH_PAGE;
    instruction_step(at);
}

static void flush_tagged(struct instruction *at)
{
    at->outcome->kind = EMULATED_FLUSH_ALL;
    instruction_step(at);
}

/* ---- system registers ---- */

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void load_table(struct instruction *at)
{
    struct vcpu_system *system = &at->machine->system;
    struct table_register loaded;
    if (!instruction_read(at, &at->operands[0], &loaded, sizeof loaded))
        return;
    bool interrupts = at->decoded.mnemonic == ZYDIS_MNEMONIC_LIDT;
    *(interrupts ? &system->idt : &system->gdt) = GVA(loaded.base);
    *(interrupts ? &system->idt_limit : &system->gdt_limit) = loaded.limit;
    instruction_step(at);
}

/* Model-specific registers (SDM volume 4). `kept` are the fields that they are. */
static uint64_t *model_register(struct machine *machine, uint32_t number)
{
    struct vcpu_system *system = &machine->system;
    switch (number) {
    case 0xc0000080:
        return &system->efer;
    case 0xc0000081:
        return &system->star;
    case 0xc0000082:
        return &system->syscall_entry.value;
    case 0xc0000084:
        return &system->syscall_mask;
    case 0xc0000100:
        return &system->fs_base;
    case 0xc0000101:
        return &system->gs_base;
    case 0xc0000102:
        return &machine->kernel_gs_base;
    default:
        return NULL;
    }
}

/* Whoever has the others refuses those that nobody has. */
static void leave_model(struct instruction *at, bool write, uint64_t value)
{
    at->outcome->kind = EMULATED_MODEL;
    at->outcome->address = (uint32_t)at->machine->registers.rcx;
    at->outcome->write = write;
    at->outcome->value = value;
    at->outcome->bytes = at->decoded.length;
}

static void read_model(struct instruction *at)
{
    struct vcpu_registers *registers = &at->machine->registers;
    const uint64_t *value = model_register(at->machine, (uint32_t)registers->rcx);
    if (!value) {
        leave_model(at, false, 0);
        return;
    }
    registers->rax = (uint32_t)*value;
    registers->rdx = *value >> 32;
    instruction_step(at);
}

/* Long mode, and with it no-execute, stay on. */
static void write_model(struct instruction *at)
{
    const uint64_t efer_mine = EFER_SYSCALL;
    struct vcpu_registers *registers = &at->machine->registers;
    uint64_t *there = model_register(at->machine, (uint32_t)registers->rcx);
    uint64_t value = registers->rdx << 32 | (uint32_t)registers->rax;
    bool is_efer = there == &at->machine->system.efer;
    bool is_address =
        there && !is_efer && there != &at->machine->system.star && there != &at->machine->system.syscall_mask;
    if (!there) {
        leave_model(at, true, value);
        return;
    }
    if ((is_efer && (value ^ *there) & ~efer_mine) ||
        (is_address && !machine_is_canonical(at->machine, value))) {
        instruction_refuse(at);
        return;
    }
    *there = value;
    instruction_step(at);
}

static void swap_base(struct instruction *at)
{
    uint64_t before = at->machine->system.gs_base;
    at->machine->system.gs_base = at->machine->kernel_gs_base;
    at->machine->kernel_gs_base = before;
    instruction_step(at);
}

/* ---- the rest ---- */

/* Where the CPU lets Linux refuse it: the guest's at all levels. */
static void identify(struct instruction *at)
{
    struct vcpu_registers *registers = &at->machine->registers;
    const struct cpuid_state state = {at->machine->system.cr4, at->machine->has_apic};
    const struct cpuid_words words =
        cpuid_of_guest((uint32_t)registers->rax, (uint32_t)registers->rcx, &state, cpuid_of_host);
    registers->rax = words.eax;
    registers->rbx = words.ebx;
    registers->rcx = words.ecx;
    registers->rdx = words.edx;
    instruction_step(at);
}

static void cannot(struct instruction *at)
{
    instruction_unable(at);
}

static void nothing(struct instruction *at)
{
    instruction_step(at);
}

static const struct emulated list[] = {
    {ZYDIS_MNEMONIC_CPUID, true, identify},
    {ZYDIS_MNEMONIC_MOV, false, move},
    {ZYDIS_MNEMONIC_CLTS, false, clear_task_switched},
    {ZYDIS_MNEMONIC_INVLPG, false, flush_page},
    {ZYDIS_MNEMONIC_INVPCID, false, flush_tagged},
    {ZYDIS_MNEMONIC_LGDT, false, load_table},
    {ZYDIS_MNEMONIC_LIDT, false, load_table},
    {ZYDIS_MNEMONIC_RDMSR, false, read_model},
    {ZYDIS_MNEMONIC_WRMSR, false, write_model},
    {ZYDIS_MNEMONIC_SWAPGS, false, swap_base},
    {ZYDIS_MNEMONIC_WBINVD, false, nothing},
    {ZYDIS_MNEMONIC_INVD, false, nothing},
    /* Known, and not done here. */
    {ZYDIS_MNEMONIC_LTR, false, cannot},
    {ZYDIS_MNEMONIC_LLDT, false, cannot},
    {ZYDIS_MNEMONIC_LMSW, false, cannot},
    {ZYDIS_MNEMONIC_XSETBV, false, cannot},
    {ZYDIS_MNEMONIC_MONITOR, false, cannot},
    {ZYDIS_MNEMONIC_MWAIT, false, cannot},
};
const struct emulated_group emulated_system = EMULATED_GROUP(list);
