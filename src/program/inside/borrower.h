/* A child process that runs in its parent's memory, which it borrows until it ends or executes something:
 * clone(2) with CLONE_VM and without CLONE_THREAD. With CLONE_VFORK its parent waits for that. */
#ifndef VCOST_PROGRAM_INSIDE_BORROWER_H
#define VCOST_PROGRAM_INSIDE_BORROWER_H

#include "program/inside/process.h"

#include <sched.h>

/* Of the flags of clone(2) those that the kernel is not handed, for such a child or any other: they are about
 * the program's memory and registers. */
enum { CLONE_DONE_HERE = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS };

/* It goes on as its parent does but for what *user says; tell: where its number is to go, the parent's place
 * and the child's own, as the flags of clone(2) say. Its number, or a negative errno. */
int64_t borrower_start(
    struct thread *parent, uint64_t flags, const struct domain_user *user, const uint64_t tell[2]);

#endif
