/* A child process that runs in its parent's memory, which it borrows until it ends or executes something:
 * clone(2) with CLONE_VM and without CLONE_THREAD. With CLONE_VFORK its parent waits for that. */
#ifndef VCOST_PROGRAM_INSIDE_BORROWER_H
#define VCOST_PROGRAM_INSIDE_BORROWER_H

#include "program/inside/creation.h"
#include "program/inside/process.h"

/* It goes on as its parent does but for what *user says. Its number, or a negative errno. */
int64_t borrower_start(struct thread *parent, const creation_asked *asked, const struct domain_user *user);

#endif
