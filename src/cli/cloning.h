/* Clones of a domain, each served by a process of its own in the background. */
#ifndef VCOST_CLI_CLONING_H
#define VCOST_CLI_CLONING_H

#include "cli/serving.h"

struct cloning {
    const struct place *place;
    const char *name; /* they are called NAME-1, NAME-2 ... */
    size_t count;
    /* What each clone's process serves, but for what is set here; asked before it is started. */
    void (*prepare)(void *context, struct serving *serving);
    maker *make;
    unmaker *unmake;
    /* In this process, when one runs, or could not be started (start->status). */
    void (*each)(void *context, const struct start *start);
    void *context;
    struct stop stop;         /* no more are started then, and those that were go on */
    struct progress progress; /* tell NULL: nobody listens */
};

/* -EINVAL with a sentence: so many clones cannot be called so. */
int cloning_check(const char *name, uint64_t count, struct error *error);

/* One after the other, until all run, it is stopped, or one cannot. 1: this is the process of a clone, which
 * has ended with *status. */
int cloning_run(const struct cloning *cloning, int *status, struct error *error);

/* served.clone of a domain that this process serves; context is its struct serving. Each clone is reported on
 * request->fd (SOCK_SEQPACKET) by a struct control_answer. */
void cloning_of_domain(void *context, const struct served *served, const struct stored *saved,
    const struct control_request *request) __attribute__((noreturn));

#endif
