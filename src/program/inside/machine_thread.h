/* The thread that KVM may have in each process with a virtual machine (Linux, arch/x86/kvm/mmu/mmu.c,
 * kvm-nx-lpage-re): made when that runs for the first time. */
#ifndef VCOST_PROGRAM_INSIDE_MACHINE_THREAD_H
#define VCOST_PROGRAM_INSIDE_MACHINE_THREAD_H

#include "program/inside/process.h"

/* Runs a new machine for the first time, for nothing. */
int machine_enter_once(struct thread *thread, struct error *error);

/* The same where the program would notice that thread. In a namespace of processes that it has made for its
 * children (process->numbered) the thread gets a number far above, if this process may choose it
 * (CAP_CHECKPOINT_RESTORE in its user namespace), so that the program's processes have the numbers that they
 * have natively. And where it has set a limit of processes the thread may be one more. */
int machine_begin(struct thread *thread, struct error *error);

/* Has this process sent its children to another namespace of processes? Then it can make no thread any more,
 * and KVM none for a new machine. */
bool machine_children_are_elsewhere(const struct process *process);

/* A machine did not run: says so in *error where it is for want of that thread. */
void machine_explain(const struct process *process, struct error *error);

#endif
