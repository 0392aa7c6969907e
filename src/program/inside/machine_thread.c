#include "program/inside/machine_thread.h"

#include "program/inside/children.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The machine comes back at once, since nothing is at 0. */
int machine_enter_once(struct thread *thread, struct error *error)
{
    const struct domain_user nowhere = {.registers = {.rip = 0}};
    struct domain_left left;
    signals_block();
    domain_cpu_go_on(thread->cpu); /* a signal that has come is delivered later */
    int rc = domain_user_run(thread->cpu, &nowhere, &left, error);
    domain_user_left(thread->cpu);
    signals_let(thread);
    return rc;
}

/* A file of one number, whatever file systems the program has; -1: there is none. */
static long read_number(int proc, const char *name)
{
    char text[24] = "";
    int file = openat(proc, name, O_RDONLY | O_CLOEXEC);
    long number = file >= 0 && read(file, text, sizeof text - 1) > 0 ? strtol(text, NULL, 10) : -1;
    if (file >= 0)
        close(file);
    return number;
}

static bool write_number(int proc, const char *name, long number)
{
    int file = openat(proc, name, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && dprintf(file, "%ld", number) > 0;
    if (file >= 0)
        close(file);
    return written;
}

/* One process of a namespace at a time, so that none takes another's high number for the last. Whoever has
 * the lock may have been stopped, so that nobody waits for longer than a tenth of a second. */
static int lock_numbers(int proc)
{
    const struct timespec a_moment = {0, 1000000};
    int namespace = openat(proc, "self/ns/pid", O_RDONLY | O_CLOEXEC);
    for (int i = 0; namespace >= 0 && i < 100 && flock(namespace, LOCK_EX | LOCK_NB) < 0; i++)
        nanosleep(&a_moment, NULL);
    return namespace;
}

static const char last_number[] = "sys/kernel/ns_last_pid";

/* The number that was given last in this process' namespace, from which on the next one is looked for:
 * whoever makes a process meanwhile gets a high one, too. -1: it cannot be chosen. */
static long begin_above(const struct process *process)
{
    const int proc = process->kept.proc;
    long last = read_number(proc, last_number), most = read_number(proc, "sys/kernel/pid_max");
    return last > 0 && most > 0 && write_number(proc, last_number, most / 2) ? last : -1;
}

int machine_begin(struct thread *thread, struct error *error)
{
    struct process *process = thread->process;
    struct rlimit limit, most;
    if (!process->numbered && !process->few_processes && process->children < 0)
        return 0;
    int locked = process->numbered ? lock_numbers(process->kept.proc) : -1;
    long last = process->numbered ? begin_above(process) : -1;
    bool limited = process->few_processes && getrlimit(RLIMIT_NPROC, &limit) == 0;
    if (limited) {
        most = (struct rlimit){limit.rlim_max, limit.rlim_max};
        setrlimit(RLIMIT_NPROC, &most);
    }
    int rc = machine_enter_once(thread, error);
    if (limited)
        setrlimit(RLIMIT_NPROC, &limit);
    if (last > 0)
        write_number(process->kept.proc, last_number, last);
    if (locked >= 0)
        close(locked);
    if (rc == 0 && process->children >= 0)
        rc = children_return(process, process->children, error);
    process->children = -1;
    return rc;
}

/* ---- where there can be none ---- */

bool machine_children_are_elsewhere(const struct process *process)
{
    struct stat own, childrens;
    return fstatat(process->kept.proc, "self/ns/pid", &own, 0) < 0 ||
           fstatat(process->kept.proc, "self/ns/pid_for_children", &childrens, 0) < 0 ||
           own.st_ino != childrens.st_ino;
}

/* A thread counts as a process does. */
static bool can_make_no_process(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, 0, 0, NULL, NULL, 0);
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno == EAGAIN;
    waitpid(child, NULL, __WALL);
    return false;
}

void machine_explain(const struct process *process, struct error *error)
{
    if (error->code == EINVAL && machine_children_are_elsewhere(process))
        error_set(error, EINVAL,
            "this process has sent its children to another namespace of processes (unshare --pid without "
            "--fork), and so can make no thread, which KVM needs for the virtual machine of what it "
            "executes");
    else if (error->code == EIO && can_make_no_process())
        error_set(error, EAGAIN,
            "KVM needs a thread in each process of a domain, which counts as a process, and the limit of "
            "processes (`ulimit -u`, or a control group's) leaves none: raise it");
}
