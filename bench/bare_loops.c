#include "bare_loops.h"

#include "measure/clock.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Guest physical pages, each at the same guest virtual address. */
enum page { PML4, PDPT, DIRECTORY, TABLE, TSS, CODE, TOUCHED, PAGES };
enum {
    PAGE_BYTES = 4096,
    PRESENT = 1,
    WRITE = 2,
    USER = 4,
    USED = 0x60,
    TSS_BYTES = 104,
    PORT_BYTES = 33,
    DONE = 0xe4
};

struct bare_guest {
    enum bare_loop loop;
    int kvm, vm, vcpu;
    size_t run_bytes;
    struct kvm_run *run;
    uint8_t *memory;
};

/* 1: out %eax, $0xec; dec %rcx; jnz 1b; out %eax, $DONE; ud2 */
static const uint8_t exit_code[] = {0xe7, 0xec, 0x48, 0xff, 0xc9, 0x75, 0xf9, 0xe7, DONE, 0x0f, 0x0b};

/* 1: eight times (xorq $0x200, (%rdi); invlpg (%rsi)); dec %rcx; jnz 1b; hlt. Bit 9 of an entry is software's
 * to use. Eight, because where CPL 0 is emulated the loop's own instructions cost as much as these. */
#define PTE_CHANGE 0x48, 0x81, 0x37, 0x00, 0x02, 0x00, 0x00, 0x0f, 0x01, 0x3e
enum { PTE_CHANGE_BYTES = 10, PTE_CHANGES = 8 };
static const uint8_t pte_code[] = {PTE_CHANGE, PTE_CHANGE, PTE_CHANGE, PTE_CHANGE, PTE_CHANGE, PTE_CHANGE,
    PTE_CHANGE, PTE_CHANGE, 0x48, 0xff, 0xc9, 0x75, 0xab, 0xf4};

static void fill_memory(struct bare_guest *guest)
{
    uint64_t bits = PRESENT | WRITE | USED | (guest->loop == BARE_EXIT ? USER : 0);
    uint64_t(*tables)[512] = (uint64_t(*)[512])guest->memory;
    uint8_t *tss = guest->memory + TSS * PAGE_BYTES;
    for (int level = PML4; level < TABLE; level++)
        tables[level][0] = (uint64_t)(level + 1) * PAGE_BYTES | bits;
    for (uint64_t page = 0; page < PAGES; page++)
        tables[TABLE][page] = page * PAGE_BYTES | bits;
    tss[102] = TSS_BYTES; /* where the I/O permission bitmap begins: all ports are allowed */
    tss[TSS_BYTES + PORT_BYTES - 1] = 0xff;
    bool exits = guest->loop == BARE_EXIT;
    memcpy(guest->memory + CODE * PAGE_BYTES, exits ? exit_code : pte_code,
        exits ? sizeof exit_code : sizeof pte_code);
}

static struct kvm_segment segment(unsigned selector, unsigned type, unsigned privilege)
{
    return (struct kvm_segment){.limit = 0xffffffff,
        .selector = (uint16_t)(selector | privilege),
        .type = (uint8_t)type,
        .present = 1,
        .dpl = (uint8_t)privilege,
        .s = 1,
        .l = type == 11,
        .db = type != 11,
        .g = 1};
}

static int set_system(const struct bare_guest *guest)
{
    unsigned privilege = guest->loop == BARE_EXIT ? 3 : 0;
    struct kvm_sregs sregs;
    if (ioctl(guest->vcpu, KVM_GET_SREGS, &sregs) < 0)
        return -1;
    sregs.cr3 = 0;
    sregs.cr4 = 1 << 5;            /* PAE */
    sregs.cr0 = 1u << 31 | 1;      /* PG, PE */
    sregs.efer = 1 << 10 | 1 << 8; /* LMA, LME */
    sregs.cs = segment(8, 11, privilege);
    sregs.ss = sregs.ds = sregs.es = sregs.fs = sregs.gs = segment(16, 3, privilege);
    sregs.tr = (struct kvm_segment){.base = TSS * PAGE_BYTES,
        .limit = TSS_BYTES + PORT_BYTES - 1,
        .selector = 24,
        .type = 11,
        .present = 1};
    return ioctl(guest->vcpu, KVM_SET_SREGS, &sregs);
}

static const char *make(struct bare_guest *guest)
{
    guest->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (guest->kvm < 0)
        return "/dev/kvm cannot be opened";
    guest->memory = mmap(
        NULL, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    struct kvm_userspace_memory_region region = {
        .memory_size = PAGES * PAGE_BYTES, .userspace_addr = (uintptr_t)guest->memory};
    guest->vm = ioctl(guest->kvm, KVM_CREATE_VM, 0);
    fill_memory(guest);
    if (guest->vm < 0 || ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return "KVM cannot make a virtual machine";
    guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0);
    guest->run_bytes = (size_t)ioctl(guest->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    guest->run = mmap(NULL, guest->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
    if (guest->run == MAP_FAILED || set_system(guest) < 0)
        return "KVM cannot make a virtual CPU";
    return NULL;
}

struct bare_guest *bare_guest_open(enum bare_loop loop, const char **what)
{
    struct bare_guest *guest = calloc(1, sizeof *guest);
    *what = "no memory";
    if (!guest)
        return NULL;
    *guest = (struct bare_guest){.loop = loop, .kvm = -1, .vm = -1, .vcpu = -1};
    *what = make(guest);
    if (!*what)
        return guest;
    bare_guest_close(guest);
    return NULL;
}

static bool is_done(const struct bare_guest *guest)
{
    const struct kvm_run *run = guest->run;
    return run->exit_reason == KVM_EXIT_HLT || (run->exit_reason == KVM_EXIT_IO && run->io.port == DONE);
}

uint64_t bare_guest_ticks(struct bare_guest *guest, uint64_t count)
{
    uint64_t each = guest->loop == BARE_EXIT ? 1 : PTE_CHANGES, laps = (count + each - 1) / each;
    struct kvm_regs regs = {
        .rip = CODE * PAGE_BYTES + (laps * each - count) * PTE_CHANGE_BYTES, /* the first lap may be a part */
        .rflags = 0x3202,                                                    /* IOPL 3, IF */
        .rcx = laps,
        .rdi = TABLE * PAGE_BYTES + TOUCHED * sizeof(uint64_t),
        .rsi = TOUCHED * PAGE_BYTES,
    };
    if (ioctl(guest->vcpu, KVM_SET_REGS, &regs) < 0)
        return 0;
    uint64_t start = clock_ticks();
    do
        if (ioctl(guest->vcpu, KVM_RUN, 0) < 0 ||
            (guest->run->exit_reason != KVM_EXIT_IO && guest->run->exit_reason != KVM_EXIT_HLT))
            return 0;
    while (!is_done(guest));
    return clock_ticks() - start;
}

void bare_guest_close(struct bare_guest *guest)
{
    if (guest->run && guest->run != MAP_FAILED)
        munmap(guest->run, guest->run_bytes);
    if (guest->memory)
        munmap(guest->memory, PAGES * PAGE_BYTES);
    const int files[] = {guest->vcpu, guest->vm, guest->kvm};
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i] >= 0)
            close(files[i]);
    free(guest);
}
