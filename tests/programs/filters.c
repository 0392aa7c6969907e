/* Filters of system calls (seccomp): what they forbid, as the program and its child and what they execute see
 * it. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ON(number, told) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, told)

static struct sock_filter program[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    NUMBER,
    ON(SYS_getuid, SECCOMP_RET_ERRNO | 71),
    ON(SYS_getgid, SECCOMP_RET_TRAP | 5),
    ON(SYS_geteuid, SECCOMP_RET_TRACE),
    ON(SYS_getegid, SECCOMP_RET_KILL_PROCESS),
    ON(SYS_mmap, SECCOMP_RET_ALLOW),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 3), /* by its argument */
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
    BPF_STMT(BPF_RET | BPF_A, 0), /* 0 or 1: kills */
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void trapped(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("trapped %d code %d errno %d syscall %d arch %x rax %lld\n", number, info->si_code, info->si_errno,
        info->si_syscall, info->si_arch, registers[REG_RAX]);
    registers[REG_RAX] = 77;
}

static int install(unsigned length)
{
    const struct sock_fprog filter = {(unsigned short)length, program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

static long as(long number)
{
    errno = 0;
    long result = syscall(number, 0, 0, 0);
    return result < 0 ? -errno : result;
}

static void *in_thread(void *context)
{
    (void)context;
    printf("thread: %ld\n", as(SYS_getuid));
    return NULL;
}

static int ends_by(long number)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        as(number);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    enum { LENGTH = sizeof program / sizeof program[0] };
    const struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    sigaction(SIGSYS, &action, NULL);
    if (argc > 1) {
        printf("executed: %ld\n", as(SYS_getuid));
        return 0;
    }
    printf("no end: %d, ", install(LENGTH - 2));
    printf("%d; nothing: %d, ", errno, install(0));
    printf("%d\n", errno);
    struct seccomp_notif_sizes sizes = {0, 0, 0};
    printf("sizes: %ld", syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
    printf(", %u %u %u\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    printf("before: mode %d, %d\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0), as(SYS_getuid) == (long)geteuid());
    printf("installed: %d\n", install(LENGTH));
    printf("mode %d, errno %ld, trace %ld\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0), as(SYS_getuid),
        as(SYS_geteuid));
    printf("trap: %ld\n", as(SYS_getgid));
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    printf("killed by %d, %d\n", ends_by(SYS_getegid), ends_by(SYS_lseek));
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", NULL);
    return 1;
}
