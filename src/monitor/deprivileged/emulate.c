#include "monitor/deprivileged/emulate.h"

#include "monitor/deprivileged/cpuid.h"
#include "monitor/deprivileged/deliver.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

enum { TSS_BITMAP_OFFSET = 102 };

struct instruction {
    struct machine *machine;
    struct outcome *outcome;
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static void fault(struct outcome *outcome, unsigned vector, uint64_t code)
{
    outcome->kind = EMULATED_FAULT;
    outcome->fault = (struct guest_fault){.vector = vector, .code = code};
}

static void refuse(const struct instruction *at)
{
    fault(at->outcome, VECTOR_PROTECTION, 0);
}

static void unable(const struct instruction *at)
{
    at->outcome->kind = EMULATED_UNABLE;
    snprintf(at->outcome->name, sizeof at->outcome->name, "%s", ZydisMnemonicGetString(at->decoded.mnemonic));
}

static void step(const struct instruction *at)
{
    at->machine->registers.rip += at->decoded.length;
    at->machine->registers.rflags &= ~FLAG_RF;
}

/* ---- operands ---- */

static uint64_t *general(struct machine *machine, ZydisRegister name)
{
    struct vcpu_registers *registers = &machine->registers;
    uint64_t *const in_order[] = {&registers->rax, &registers->rcx, &registers->rdx, &registers->rbx,
        &registers->rsp, &registers->rbp, &registers->rsi, &registers->rdi, &registers->r8, &registers->r9,
        &registers->r10, &registers->r11, &registers->r12, &registers->r13, &registers->r14, &registers->r15};
    ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
    return full >= ZYDIS_REGISTER_RAX && full <= ZYDIS_REGISTER_R15 ? in_order[full - ZYDIS_REGISTER_RAX]
                                                                    : NULL;
}

static bool is_general(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value >= ZYDIS_REGISTER_RAX &&
           operand->reg.value <= ZYDIS_REGISTER_R15;
}

static uint64_t segment_base(const struct machine *machine, ZydisRegister segment)
{
    return segment == ZYDIS_REGISTER_FS   ? machine->system.fs_base
           : segment == ZYDIS_REGISTER_GS ? machine->system.gs_base
                                          : 0;
}

static uint64_t address_of(const struct instruction *at, const ZydisDecodedOperand *operand)
{
    ZydisRegisterContext context;
    ZyanU64 address = 0;
    memset(&context, 0, sizeof context);
    for (int name = ZYDIS_REGISTER_RAX; name <= ZYDIS_REGISTER_R15; name++)
        context.values[name] = *general(at->machine, (ZydisRegister)name);
    for (int i = 0; i < ZYDIS_REGISTER_R15D - ZYDIS_REGISTER_EAX + 1; i++)
        context.values[ZYDIS_REGISTER_EAX + i] = (uint32_t)context.values[ZYDIS_REGISTER_RAX + i];
    context.values[ZYDIS_REGISTER_RIP] = at->machine->registers.rip;
    ZydisCalcAbsoluteAddressEx(&at->decoded, operand, at->machine->registers.rip, &context, &address);
    return address + segment_base(at->machine, operand->mem.segment);
}

static bool read_operand(
    const struct instruction *at, const ZydisDecodedOperand *operand, void *to, size_t bytes)
{
    const struct guest_access access = {.user = machine_privilege(at->machine) == 3};
    if (machine_read(at->machine, GVA(address_of(at, operand)), to, bytes, access, &at->outcome->fault))
        return true;
    at->outcome->kind = EMULATED_FAULT;
    return false;
}

static uint64_t cut(uint64_t value, unsigned bytes)
{
    return bytes < 8 ? value & ((UINT64_C(1) << 8 * bytes) - 1) : value;
}

/* ---- port I/O ---- */

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

static bool has_io_privilege(const struct machine *machine)
{
    return machine_privilege(machine) <= (machine->registers.rflags & FLAG_IOPL) >> 12;
}

static bool port_is_refused(const struct instruction *at, uint16_t port, unsigned bytes)
{
    bool allowed = has_io_privilege(at->machine) || bitmap_allows(at->machine, port, bytes);
    if (!allowed)
        refuse(at);
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
    outcome->arrival = (struct arrival){.name = data->reg.value, .bytes = outcome->bytes};
    if (port_is_refused(at, outcome->port, outcome->bytes))
        return;
    outcome->kind = EMULATED_IO;
    step(at);
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
    uint64_t address = *pointer + segment_base(at->machine, memory->mem.segment);
    struct guest_access access = {.user = machine_privilege(at->machine) == 3, .write = !write};
    struct translated translation;
    outcome->bytes = memory->size / 8;
    outcome->port = (uint16_t)registers->rdx;
    outcome->write = write;
    outcome->arrival = (struct arrival){.address = address};
    if (at->decoded.address_width != 64) {
        unable(at);
        return;
    }
    if (repeats && !registers->rcx) {
        step(at);
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
        step(at);
}

static void strings_out(struct instruction *at)
{
    string_io(at, true);
}

static void strings_in(struct instruction *at)
{
    string_io(at, false);
}

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
        unable(at);
        return;
    }
    *control_register = name == ZYDIS_REGISTER_CR3 ? value & ~keep : value;
    step(at);
    at->outcome->kind = name == ZYDIS_REGISTER_CR3   ? EMULATED_FLUSH
                        : name == ZYDIS_REGISTER_CR0 ? EMULATED_FLUSH_ALL
                        : name == ZYDIS_REGISTER_CR4 ? EMULATED_FLUSH_ALL
                                                     : EMULATED_NEXT;
}

/* Debug registers are not kept: reading tells their state after a reset. */
static void move(struct instruction *at)
{
    const ZydisDecodedOperand *to = &at->operands[0], *from = &at->operands[1];
    if (!is_general(to) && is_general(from) && to->reg.value >= ZYDIS_REGISTER_CR0 &&
        to->reg.value <= ZYDIS_REGISTER_CR15) {
        write_control(at, to->reg.value, *general(at->machine, from->reg.value));
        return;
    }
    const uint64_t *value = control(at->machine, from->reg.value);
    if (!is_general(to) || !value) {
        unable(at);
        return;
    }
    *general(at->machine, to->reg.value) = *value;
    step(at);
}

static void clear_task_switched(struct instruction *at)
{
    at->machine->system.cr0 &= ~UINT64_C(8);
    step(at);
}

/* ---- translations ---- */

static void flush_page(struct instruction *at)
{
    at->outcome->address = address_of(at, &at->operands[0]);
    at->outcome->kind = EMULATED_FLUSH_PAGE;
    step(at);
}

static void flush_tagged(struct instruction *at)
{
    at->outcome->kind = EMULATED_FLUSH_ALL;
    step(at);
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
    if (!read_operand(at, &at->operands[0], &loaded, sizeof loaded))
        return;
    bool interrupts = at->decoded.mnemonic == ZYDIS_MNEMONIC_LIDT;
    *(interrupts ? &system->idt : &system->gdt) = GVA(loaded.base);
    *(interrupts ? &system->idt_limit : &system->gdt_limit) = loaded.limit;
    step(at);
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
    step(at);
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
        refuse(at);
        return;
    }
    *there = value;
    step(at);
}

static void swap_base(struct instruction *at)
{
    uint64_t before = at->machine->system.gs_base;
    at->machine->system.gs_base = at->machine->kernel_gs_base;
    at->machine->kernel_gs_base = before;
    step(at);
}

/* ---- flow ---- */

static void halt(struct instruction *at)
{
    at->outcome->kind = EMULATED_HALT;
    step(at);
}

static void set_interrupts(struct instruction *at)
{
    if (!has_io_privilege(at->machine)) {
        refuse(at);
        return;
    }
    if (at->decoded.mnemonic == ZYDIS_MNEMONIC_STI)
        at->machine->registers.rflags |= FLAG_IF;
    else
        at->machine->registers.rflags &= ~FLAG_IF;
    step(at);
}

static void software_interrupt(struct instruction *at)
{
    at->outcome->kind = EMULATED_FAULT;
    at->outcome->fault =
        (struct guest_fault){.vector = (uint8_t)at->operands[0].imm.value.u, .software = true};
    step(at);
}

/* What IRET takes from the stack may change these flags (SDM volume 2, IRET). */
static uint64_t returned_flags(const struct machine *machine, uint64_t flags)
{
    uint64_t may = UINT64_C(0x254fd5) | FLAG_RF; /* CF PF AF ZF SF TF DF OF NT AC ID */
    if (machine_privilege(machine) == 0)
        may |= FLAG_IOPL | FLAG_IF;
    else if (has_io_privilege(machine))
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
        unable(at);
        return;
    }
    outcome->kind = EMULATED_FAULT;
    if (!machine_read(machine, GVA(machine->registers.rsp), frame, sizeof frame, access, &outcome->fault))
        return;
    uint16_t selector = (uint16_t)frame[1];
    if (machine->registers.rflags & FLAG_NT || frame[2] & FLAG_VM ||
        !machine_is_canonical(machine, frame[0]) || !machine_is_canonical(machine, frame[3])) {
        refuse(at);
        return;
    }
    if (!deliver_check_code(machine, selector, &privilege, &outcome->fault))
        return;
    if ((selector & 3) < now || privilege != (selector & 3)) {
        fault(outcome, VECTOR_PROTECTION, selector & ~3u);
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
        fault(at->outcome, VECTOR_INVALID_OPCODE, 0);
        return;
    }
    if (at->decoded.operand_width != 64) {
        unable(at);
        return;
    }
    if (!machine_is_canonical(machine, registers->rcx)) {
        refuse(at);
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
        fault(outcome, VECTOR_INVALID_OPCODE, 0);
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
    step(at);
}

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
    step(at);
}

static void cannot(struct instruction *at)
{
    unable(at);
}

static void nothing(struct instruction *at)
{
    step(at);
}

/* ---- the table ---- */

static const struct {
    ZydisMnemonic mnemonic;
    bool for_all; /* not CPL 0's alone: it checks for itself */
    void (*run)(struct instruction *at);
} instructions[] = {
    {ZYDIS_MNEMONIC_OUT, true, out},
    {ZYDIS_MNEMONIC_IN, true, in},
    {ZYDIS_MNEMONIC_CLI, true, set_interrupts},
    {ZYDIS_MNEMONIC_STI, true, set_interrupts},
    {ZYDIS_MNEMONIC_INT, true, software_interrupt},
    {ZYDIS_MNEMONIC_IRETQ, true, interrupt_return},
    {ZYDIS_MNEMONIC_CPUID, true, identify},
    {ZYDIS_MNEMONIC_VMCALL, false, hypercall},
    {ZYDIS_MNEMONIC_VMMCALL, false, hypercall},
    {ZYDIS_MNEMONIC_HLT, false, halt},
    {ZYDIS_MNEMONIC_MOV, false, move},
    {ZYDIS_MNEMONIC_CLTS, false, clear_task_switched},
    {ZYDIS_MNEMONIC_INVLPG, false, flush_page},
    {ZYDIS_MNEMONIC_INVPCID, false, flush_tagged},
    {ZYDIS_MNEMONIC_LGDT, false, load_table},
    {ZYDIS_MNEMONIC_LIDT, false, load_table},
    {ZYDIS_MNEMONIC_RDMSR, false, read_model},
    {ZYDIS_MNEMONIC_WRMSR, false, write_model},
    {ZYDIS_MNEMONIC_SWAPGS, false, swap_base},
    {ZYDIS_MNEMONIC_SYSRET, false, system_return},
    {ZYDIS_MNEMONIC_WBINVD, false, nothing},
    {ZYDIS_MNEMONIC_INVD, false, nothing},
    /* Known, and not done here. */
    {ZYDIS_MNEMONIC_LTR, false, cannot},
    {ZYDIS_MNEMONIC_LLDT, false, cannot},
    {ZYDIS_MNEMONIC_LMSW, false, cannot},
    {ZYDIS_MNEMONIC_XSETBV, false, cannot},
    {ZYDIS_MNEMONIC_MONITOR, false, cannot},
    {ZYDIS_MNEMONIC_MWAIT, false, cannot},
    {ZYDIS_MNEMONIC_INSB, true, strings_in},
    {ZYDIS_MNEMONIC_INSW, true, strings_in},
    {ZYDIS_MNEMONIC_INSD, true, strings_in},
    {ZYDIS_MNEMONIC_OUTSB, true, strings_out},
    {ZYDIS_MNEMONIC_OUTSW, true, strings_out},
    {ZYDIS_MNEMONIC_OUTSD, true, strings_out},
    {ZYDIS_MNEMONIC_IRET, true, cannot},
    {ZYDIS_MNEMONIC_IRETD, true, cannot},
};

static bool decode(struct instruction *at)
{
    uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
    ZydisDecoder decoder;
    size_t bytes = machine_code(at->machine, code, sizeof code);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, bytes, &at->decoded, at->operands));
}

/* MOV is CPL 0's only between registers of which one is no general one. */
static bool is_plain_move(const struct instruction *at)
{
    const ZydisDecodedOperand *operands = at->operands;
    return at->decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
           (operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
               operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
               is_general(&operands[0]) == is_general(&operands[1]));
}

void emulate(struct machine *machine, unsigned vector, uint64_t code, struct outcome *outcome)
{
    struct instruction at = {.machine = machine, .outcome = outcome};
    *outcome = (struct outcome){.kind = EMULATED_NEXT};
    if (decode(&at)) {
        for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
            if (instructions[i].mnemonic != at.decoded.mnemonic || is_plain_move(&at))
                continue;
            if (instructions[i].for_all || machine_privilege(machine) == 0) {
                instructions[i].run(&at);
                return;
            }
        }
    }
    fault(outcome, vector, code);
}

/* ---- devices ---- */

static uint64_t extended(uint64_t value, unsigned bytes)
{
    unsigned above = 64 - 8 * bytes;
    return (uint64_t)((int64_t)(value << above) >> above);
}

static bool is_high_byte(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value >= ZYDIS_REGISTER_AH &&
           operand->reg.value <= ZYDIS_REGISTER_BH;
}

static void device_write(const struct instruction *at, const ZydisDecodedOperand *from)
{
    struct outcome *outcome = at->outcome;
    const uint64_t *there =
        from->type == ZYDIS_OPERAND_TYPE_REGISTER ? general(at->machine, from->reg.value) : NULL;
    outcome->write = true;
    if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        outcome->value = cut(from->imm.value.u, outcome->bytes);
    else if (there)
        outcome->value = cut(*there >> (is_high_byte(from) ? 8 : 0), outcome->bytes);
    else
        unable(at);
}

static void device_read(const struct instruction *at, const ZydisDecodedOperand *to)
{
    const ZydisMnemonic mnemonic = at->decoded.mnemonic;
    if (to->type != ZYDIS_OPERAND_TYPE_REGISTER || !general(at->machine, to->reg.value) || is_high_byte(to))
        unable(at);
    else
        at->outcome->arrival = (struct arrival){.name = to->reg.value,
            .bytes = to->size / 8,
            .sign_extends = mnemonic == ZYDIS_MNEMONIC_MOVSX || mnemonic == ZYDIS_MNEMONIC_MOVSXD};
}

static bool is_move(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_MOV || mnemonic == ZYDIS_MNEMONIC_MOVZX ||
           mnemonic == ZYDIS_MNEMONIC_MOVSX || mnemonic == ZYDIS_MNEMONIC_MOVSXD;
}

void emulate_device(struct machine *machine, struct outcome *outcome)
{
    struct instruction at = {.machine = machine, .outcome = outcome};
    *outcome = (struct outcome){.kind = EMULATED_UNABLE, .name = "?"};
    if (!decode(&at))
        return;
    const bool store = at.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    const ZydisDecodedOperand *memory = &at.operands[store ? 0 : 1], *other = &at.operands[store ? 1 : 0];
    if (!is_move(at.decoded.mnemonic) || memory->type != ZYDIS_OPERAND_TYPE_MEMORY || memory->size > 64) {
        unable(&at);
        return;
    }
    outcome->kind = EMULATED_DEVICE;
    outcome->address = address_of(&at, memory);
    outcome->bytes = memory->size / 8;
    (store ? device_write : device_read)(&at, other);
    if (outcome->kind == EMULATED_DEVICE)
        step(&at);
}

/* A 32-bit register's upper half becomes 0, smaller ones keep the rest (SDM volume 1, 3.4.1.1). */
void emulate_arrive(struct machine *machine, const struct outcome *outcome, uint64_t value)
{
    const struct arrival *arrival = &outcome->arrival;
    const struct guest_access access = {.user = machine_privilege(machine) == 3};
    struct guest_fault ignored;
    if (!arrival->name) {
        machine_write(machine, GVA(arrival->address), &value, outcome->bytes, access, &ignored);
        return;
    }
    uint64_t *there = general(machine, (ZydisRegister)arrival->name);
    uint64_t whole = arrival->sign_extends ? extended(value, outcome->bytes) : cut(value, outcome->bytes);
    uint64_t kept = arrival->bytes >= 4 ? 0 : *there & ~cut(UINT64_MAX, arrival->bytes);
    *there = kept | cut(whole, arrival->bytes);
}
