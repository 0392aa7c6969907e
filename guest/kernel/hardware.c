/* Operations of a kernel that owns its machine, or believes so, which is what a shadowing monitor lets it:
 * what is done here traps at CPL 3, where that runs it. Page tables are memory, and the timer is the local
 * APIC's (SDM volume 3, 4.10.4 "Invalidation of TLBs", 10.5.4 "APIC Timer", 10.12 "x2APIC"). */
#include "guest/kernel/kernel.h"

enum {
    APIC_BASE = 0x1b,
    APIC_BASE_X2APIC = 0xc00, /* enabled, and in x2APIC mode */
    X2APIC_END = 0x80b,
    X2APIC_SPURIOUS = 0x80f,
    X2APIC_TIMER = 0x832,
    X2APIC_INITIAL_COUNT = 0x838,
    X2APIC_DIVIDE = 0x83e,
    APIC_ENABLED = 0x100,
    DIVIDE_BY_1 = 0xb, /* of monitors' 1 GHz */
};

static void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static uint64_t read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

/* One tick: after one was handled comes another, so that processes get on however long that took. */
static void arm(void)
{
    write_msr(X2APIC_INITIAL_COUNT, boot.tick_ns);
}

static void start(void)
{
    if (!boot.tick_ns)
        return;
    write_msr(APIC_BASE, read_msr(APIC_BASE) | APIC_BASE_X2APIC);
    write_msr(X2APIC_SPURIOUS, APIC_ENABLED | (GUEST_KERNEL_VECTORS - 1));
    write_msr(X2APIC_DIVIDE, DIVIDE_BY_1);
    write_msr(X2APIC_TIMER, GUEST_KERNEL_TICK);
    arm();
}

static void ticked(void)
{
    write_msr(X2APIC_END, 0);
    arm();
}

static void set(uint64_t *entry, uint64_t value, uint64_t address)
{
    bool was_present = *entry & BIT_PRESENT;
    status.changes++;
    *(volatile uint64_t *)entry = value;
    if (was_present)
        __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static void commit(void)
{
}

static void root_changes(void *root)
{
    (void)root;
}

static void activate(void *root)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(physical_of(root)) : "memory");
}

static uint64_t fault_address(void)
{
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

/* The interrupt comes behind HLT at the earliest: STI lets one more instruction pass. */
static void idle(void)
{
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

static void out(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port) : "memory");
}

const struct operations on_hardware = {
    .resume = resume,
    .start = start,
    .set = set,
    .commit = commit,
    .clear_table = clear_page,
    .make_root = root_changes,
    .end_root = root_changes,
    .activate = activate,
    .fault_address = fault_address,
    .ticked = ticked,
    .idle = idle,
    .out = out,
};
