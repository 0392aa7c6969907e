/* A process that goes on in the background, without the terminal, and tells the one that started it how that
 * began. */
#ifndef VCOST_CLI_DETACHING_H
#define VCOST_CLI_DETACHING_H

#include "base/error.h"
#include "domain/served/control.h"

#include <stdbool.h>

/* What the command waits for: that the domain runs, or why it does not; until then how far it is. */
struct start {
    bool on_the_way;
    double fraction, seconds_left; /* on the way: struct progress has what they mean; and of what, */
    char what[40];
    int status;
    struct error error;
    struct domain_report report; /* status 0 */
    bool needs_link; /* and its memory still comes by this command's stdin, which who made the link closes
                        when the command ends, as ssh does */
};

/* In the child *report is where to say how it started, and what is said from now on goes to the log; in the
 * parent it is -1, and *hear where that is heard. */
int detaching_fork(const char *log, int *report, int *hear, struct error *error);

/* Waits for it, telling on a terminal how far it is, and closes `hear`. Ctrl-C (interrupt.h) makes the child
 * end before its domain runs, or comes too late; which of these *start and the error tell. */
int detaching_hear(int hear, const char *log, struct start *start, struct error *error);

#endif
