#include "program/inside/call_old.h"

#include "program/inside/access.h"
#include "program/inside/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- vsyscall (Linux, arch/x86/entry/vsyscall/vsyscall_64.c) ---- */

#define VSYSCALL_PAGE UINT64_C(0xffffffffff600000)

static bool host_has_vsyscall(const struct process *process)
{
    char list[1 << 16];
    int file = openat(process->kept.proc, "self/maps", O_RDONLY | O_CLOEXEC);
    size_t kept = 0;
    ssize_t got = -1;
    while (file >= 0 && (got = read(file, list + kept, sizeof list / 2)) > 0) {
        size_t all = kept + (size_t)got; /* it is in the last line */
        kept = all < sizeof list / 2 ? all : sizeof list / 2;
        memmove(list, list + all - kept, kept);
    }
    if (file >= 0)
        close(file);
    return got == 0 && memmem(list, kept, "[vsyscall]", sizeof "[vsyscall]" - 1);
}

bool call_vsyscall(struct thread *thread, const struct domain_fault *fault)
{
    enum { ENTRY_BYTES = 1024 };
    static const uint16_t numbers[] = {SYS_gettimeofday, SYS_time, SYS_getcpu};
    struct vcpu_registers *registers = &thread->user.registers;
    uint64_t entry = (fault->address - VSYSCALL_PAGE) / ENTRY_BYTES, back;
    bool begins = fault->rip == fault->address && fault->address % ENTRY_BYTES == 0;
    if (!begins || entry >= sizeof numbers / sizeof numbers[0] || !host_has_vsyscall(thread->process) ||
        access_read(thread->process, registers->rsp, &back, sizeof back) < 0)
        return false;
    registers->rip = back;
    registers->rsp += sizeof back;
    registers->rax = numbers[entry];
    calls_make(thread);
    return true;
}

/* ---- INT 0x80 (Linux, arch/x86/entry/syscalls/syscall_32.tbl) ---- */

/* Those that take the same as a 64-bit program's call: numbers, strings, bytes. +1, so that none is 0. */
enum { WITH_32 = 360 };
static const struct {
    uint16_t number; /* of the 64-bit call, + 1; 0: there is none that takes the same */
    uint8_t arguments;
} with_32[WITH_32] = {
#define SAME(old, call, count) [old] = {(call) + 1, count}
    SAME(1, SYS_exit, 1),
    SAME(2, SYS_fork, 0),
    SAME(3, SYS_read, 3),
    SAME(4, SYS_write, 3),
    SAME(5, SYS_open, 3),
    SAME(6, SYS_close, 1),
    SAME(7, SYS_wait4, 3),
    SAME(8, SYS_creat, 2),
    SAME(9, SYS_link, 2),
    SAME(10, SYS_unlink, 1),
    SAME(12, SYS_chdir, 1),
    SAME(14, SYS_mknod, 3),
    SAME(15, SYS_chmod, 2),
    SAME(20, SYS_getpid, 0),
    SAME(27, SYS_alarm, 1),
    SAME(29, SYS_pause, 0),
    SAME(33, SYS_access, 2),
    SAME(36, SYS_sync, 0),
    SAME(37, SYS_kill, 2),
    SAME(38, SYS_rename, 2),
    SAME(39, SYS_mkdir, 2),
    SAME(40, SYS_rmdir, 1),
    SAME(41, SYS_dup, 1),
    SAME(42, SYS_pipe, 1),
    SAME(57, SYS_setpgid, 2),
    SAME(60, SYS_umask, 1),
    SAME(61, SYS_chroot, 1),
    SAME(63, SYS_dup2, 2),
    SAME(64, SYS_getppid, 0),
    SAME(65, SYS_getpgrp, 0),
    SAME(66, SYS_setsid, 0),
    SAME(83, SYS_symlink, 2),
    SAME(85, SYS_readlink, 3),
    SAME(91, SYS_munmap, 2),
    SAME(94, SYS_fchmod, 2),
    SAME(118, SYS_fsync, 1),
    SAME(125, SYS_mprotect, 3),
    SAME(132, SYS_getpgid, 1),
    SAME(133, SYS_fchdir, 1),
    SAME(147, SYS_getsid, 1),
    SAME(148, SYS_fdatasync, 1),
    SAME(158, SYS_sched_yield, 0),
    SAME(183, SYS_getcwd, 2),
    SAME(199, SYS_getuid, 0),
    SAME(200, SYS_getgid, 0),
    SAME(201, SYS_geteuid, 0),
    SAME(202, SYS_getegid, 0),
    SAME(224, SYS_gettid, 0),
    SAME(238, SYS_tkill, 2),
    SAME(252, SYS_exit_group, 1),
    SAME(270, SYS_tgkill, 3),
    SAME(355, SYS_getrandom, 3),
#undef SAME
};

/* A kernel that runs no 32-bit programs has no such gate (CONFIG_IA32_EMULATION). */
static bool host_has_int80(const struct process *process)
{
    return faccessat(process->kept.proc, "sys/abi/vsyscall32", F_OK, 0) == 0;
}

static bool is_int80(const struct thread *thread, const struct domain_fault *fault)
{
    enum { INVALID = 6, PROTECTION = 13, GATE = 0x80 * 8 + 2 };
    static const uint8_t instruction[] = {0xcd, 0x80};
    uint8_t there[sizeof instruction];
    bool may_be =
        fault->vector == INVALID || (fault->vector == PROTECTION && fault->error_code == GATE); /* PVM; KVM */
    return may_be && access_read(thread->process, fault->rip, there, sizeof there) == 0 &&
           memcmp(there, instruction, sizeof there) == 0;
}

/* A filter of system calls would have to be asked as of another architecture: where there is one, none is
 * made. */
bool call_int80(struct thread *thread, const struct domain_fault *fault)
{
    enum { INSTRUCTION_BYTES = 2 };
    struct vcpu_registers *registers = &thread->user.registers, before = *registers;
    if (!is_int80(thread, fault) || thread->filters || thread->process->filters || thread->strict ||
        !host_has_int80(thread->process))
        return false;
    uint64_t old = (uint32_t)before.rax;
    unsigned number = old < WITH_32 ? with_32[old].number : 0;
    uint32_t arguments[3] = {(uint32_t)before.rbx, (uint32_t)before.rcx, (uint32_t)before.rdx};
    for (unsigned i = number ? with_32[old].arguments : 0; i < 3; i++)
        arguments[i] = 0;
    before.rax = (uint64_t)-ENOSYS;
    before.rip += INSTRUCTION_BYTES;
    if (number) {
        registers->rax = number - 1;
        registers->rip = before.rip;
        registers->rdi = arguments[0];
        registers->rsi = arguments[1];
        registers->rdx = arguments[2];
        registers->r10 = 0;
        calls_make(thread);
        bool again = registers->rip != before.rip; /* both instructions are of two bytes */
        before.rax = again ? old : registers->rax;
        before.rip = registers->rip;
    }
    *registers = before;
    return true;
}
