#include "bare.h"

#include "measure/clock.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, CODE = 3 * PAGE_BYTES, PRESENT = 1, WRITE = 2, LARGE = 0x80 };

/* 1: rdtsc; hlt; jmp 1b */
static const uint8_t code[] = {0x0f, 0x31, 0xf4, 0xeb, 0xfb};

/* Three levels of page tables, which map the first 2 MiB, and the code. */
static _Alignas(PAGE_BYTES) uint8_t memory[4 * PAGE_BYTES];

static void fill_memory(void)
{
    uint64_t *tables = (uint64_t *)memory;
    tables[0] = PAGE_BYTES | PRESENT | WRITE;
    tables[PAGE_BYTES / sizeof *tables] = 2 * PAGE_BYTES | PRESENT | WRITE;
    tables[2 * PAGE_BYTES / sizeof *tables] = PRESENT | WRITE | LARGE;
    memcpy(memory + CODE, code, sizeof code);
}

/* 64-bit mode at CPL 0. */
static int set_registers(int vcpu)
{
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};
    struct kvm_sregs sregs;
    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
        return -1;
    sregs.cr3 = 0;
    sregs.cr4 = 1 << 5;            /* PAE */
    sregs.cr0 = 1u << 31 | 1;      /* PG, PE */
    sregs.efer = 1 << 10 | 1 << 8; /* LMA, LME */
    sregs.cs = (struct kvm_segment){
        .limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    sregs.ss = sregs.ds = sregs.es = sregs.fs = sregs.gs = (struct kvm_segment){
        .limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
    return ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_SET_REGS, &regs) < 0 ? -1 : 0;
}

static int make_vcpu(int kvm)
{
    struct kvm_userspace_memory_region region = {
        .memory_size = sizeof memory, .userspace_addr = (uintptr_t)memory};
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    fill_memory();
    return vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
}

static int enter(int vcpu, const struct kvm_run *run, struct entry *entry)
{
    struct kvm_regs regs;
    entry->before = clock_ticks();
    int rc = ioctl(vcpu, KVM_RUN, 0);
    entry->after = clock_ticks();
    if (rc < 0 || run->exit_reason != KVM_EXIT_HLT || ioctl(vcpu, KVM_GET_REGS, &regs) < 0)
        return -1;
    entry->inside = regs.rdx << 32 | regs.rax;
    return 0;
}

/* All is left to the end of the process. */
const char *bare_enter(struct entry *entries, unsigned count)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vcpu = kvm < 0 ? -1 : make_vcpu(kvm);
    int bytes = vcpu < 0 ? -1 : ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (bytes < 0)
        return kvm < 0 ? "/dev/kvm cannot be opened" : "KVM cannot make a virtual CPU";
    struct kvm_run *run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (run == MAP_FAILED || set_registers(vcpu) < 0)
        return "KVM does not take the virtual CPU's registers";
    for (unsigned i = 0; i < count; i++)
        if (enter(vcpu, run, &entries[i]) < 0)
            return "a bare guest did not run to its HLT";
    return NULL;
}
