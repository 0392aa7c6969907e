/* The system calls of x86-64 Linux, and what becomes of each in a domain: one table, which doc/run.md is
 * checked against. */
#ifndef VCOST_PROGRAM_INSIDE_CALLS_H
#define VCOST_PROGRAM_INSIDE_CALLS_H

#include "program/inside/process.h"

enum call_way {
    CALL_UNKNOWN,  /* this vcost knows no such call: -ENOSYS, as of an older kernel */
    CALL_FORWARD,  /* made by the program's thread on the host, as it is, if its pointers are the program's */
    CALL_EMULATED, /* done here, with the same results */
    CALL_ABSENT,   /* fails, as on kernels without it, of which there are many: programs are used to that */
    CALL_REFUSED   /* fails, which is told: natively it might succeed */
};

typedef int64_t call_function(struct thread *thread, const uint64_t *arguments);

struct call {
    const char *name;
    enum call_way way;
    /* Forwarded: what each argument is, by a letter (call_check.c has them all). */
    const char *kinds;
    bool restarts;           /* interrupted by a handler with SA_RESTART, it is made again (signal(7)) */
    call_function *function; /* emulated */
    int code;                /* absent, refused: errno */
    const char *why;         /* the same; emulated: why a part of it is refused */
};

enum { CALLS_MAX = 512 };
/* NULL: there is none of that number. */
const struct call *call_at(unsigned number);

/* What a thread that executed SYSCALL asked for; its registers are then what it goes on with. */
void calls_make(struct thread *thread);

/* Results of emulated calls that are none. */
enum {
    CALL_REGISTERS_SET = -4096, /* the registers were set, rax with them */
    CALL_AGAIN = -4097          /* a signal comes first */
};

/* A system call on the host, unless thread->caught is set before it begins: then CALL_AGAIN. */
int64_t call_host(struct thread *thread, long number, const uint64_t *arguments);
/* Is an instruction of this process within what call_host() does between looking and calling? Then *resume is
 * where to go on instead. For the signal handler. */
bool call_is_about_to(uint64_t rip, uint64_t *resume);
/* Is it anywhere in there, so that a system call of the program's goes on, and nothing else does? begun: the
 * kernel has it. */
bool call_is_made_at(uint64_t rip, bool *begun);

/* Before a call is forwarded: is what it is handed the program's? -EFAULT or -EBADF. Paths are replaced. */
int call_check(const struct thread *thread, const char *kinds, uint64_t *arguments);
/* Is that one of the domain's own descriptors? */
bool call_is_kept(const struct thread *thread, uint64_t descriptor);

/* A path that a program names, relative to a directory or AT_FDCWD: as it is, or what its own executable is
 * for it; to be handed to the kernel. */
const char *call_path(const struct thread *thread, int directory, uint64_t path);

/* The same of one that is opened with these flags, which may be a text of its own for the program
 * (proc_text.h); and when that call has been made. */
const char *call_opened(const struct thread *thread, int directory, uint64_t path, uint64_t flags);
void call_opened_done(void);

/* How many threads the monitor has in this process. */
uint64_t call_monitors_threads(const struct thread *thread);

/* ---- the emulated ones, by file ---- */
call_function call_mmap, call_munmap, call_mprotect, call_pkey_mprotect, call_mremap, call_brk, call_madvise,
    call_shmat, call_shmdt;                                        /* call_memory.c */
call_function call_io_setup, call_io_destroy, call_io_uring_setup; /* call_ring.c */
call_function call_sigaction, call_sigprocmask, call_sigreturn, call_sigaltstack,
    call_kill;                                                /* call_signal.c */
call_function call_clone, call_clone3, call_fork, call_vfork; /* call_clone.c */
call_function call_exit, call_exit_group, call_set_tid_address, call_arch_prctl, call_prctl,
    call_personality;                                       /* call_process.c */
call_function call_ptrace;                                  /* call_trace.c */
call_function call_seccomp;                                 /* seccomp.c */
call_function call_unshare, call_setns;                     /* call_namespace.c */
call_function call_getrlimit, call_setrlimit, call_prlimit; /* call_limit.c */
call_function call_execve, call_execveat;                   /* call_execute.c */
call_function call_close, call_dup2, call_dup3, call_close_range, call_readlink,
    call_readlinkat; /* call_file.c */
call_function call_getdents, call_getdents64, call_stat, call_lstat, call_newfstatat,
    call_statx; /* call_listing.c */

#endif
