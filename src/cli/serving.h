/* The process that a domain is served by: detached from the terminal or not, from the moment when the domain
 * is made until it has ended and its end is told. */
#ifndef VCOST_CLI_SERVING_H
#define VCOST_CLI_SERVING_H

#include "cli/detaching.h"
#include "cli/domain_options.h"
#include "cli/outputs.h"
#include "domain/served/server.h"
#include "report/progress.h"

struct serving {
    const struct invocation *invocation;
    const struct domain_options *options;
    struct served served;
    struct outputs outputs;
    struct outputs picture; /* --timeline */
    struct claim claim;
    const struct place *place;
    struct domain_report report;
    int start; /* where to say that it runs; -1: nowhere */
    bool detached, told, needs_link;
    struct progress_line line; /* not detached: of making it */
    double said_seconds;       /* detached: when it was said last how far it is */
    /* restore: what is restored, and how it is called */
    int fd;
    const char *name;
    bool lazy, brought;
    const char *first;          /* a file of what was touched first */
    struct output *record;      /* where that is to be written, once; NULL: nowhere, or done */
    const struct stored *saved; /* and what is known of it already: struct restore_request */
    bool checked;
};

/* Makes the domain, and what its name is. */
typedef int maker(struct serving *serving, const char **name, struct error *error);
typedef void unmaker(struct serving *serving);

/* CLOCK_MONOTONIC. */
double serving_seconds(void);

/* Makes the domain and serves it until its end. */
int serving_serve(
    struct serving *serving, const struct place *place, maker *make, unmaker *unmake, struct error *error);

/* Tells how that ended, or why (rc) it could not be; the exit status. */
int serving_finish(struct serving *serving, int rc, struct error *error);

/* All of a command: options, log (for which the name is), domain, end. */
int serving_command(const struct invocation *invocation, const char *name, maker *make, unmaker *unmake);

/* Which monitor a domain from elsewhere is to go on with; NULL: the one that it had. */
const struct monitor_ops *serving_monitor(const struct serving *serving);

/* While it is made, of a struct serving: has the user stopped it, or does the command that started it in the
 * background not wait for it any more? */
bool serving_is_unwanted(void *serving);

/* What was asked for its memory: into serving->served.wish. */
int serving_read_wish(struct serving *serving, struct error *error);

#endif
