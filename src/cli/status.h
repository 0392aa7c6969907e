/* How vcost ends: exit statuses, and the sentence on stderr that goes with a failure. */
#ifndef VCOST_CLI_STATUS_H
#define VCOST_CLI_STATUS_H

#include "base/error.h"
#include "cli/command.h"

enum status {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_THRESHOLD = 3, /* a threshold that the user set was passed */
    STATUS_CANNOT = 77    /* this host cannot do it (automake's and Meson's "skipped") */
};

/* The same for people, ends with an entry without name. */
extern const struct entry status_entries[];

/* The exit status for an errno: STATUS_CANNOT for ENOTSUP and ENODEV, STATUS_DONE for 0, otherwise
 * STATUS_FAILED. EINTR (stopped by the user) is the command's own business. */
int status_of(int code);

/* Prints "vcost: SENTENCE" on stderr and returns status_of(error->code). */
int status_failed(const struct error *error);

/* Prints "vcost: SENTENCE" on stderr, made harmless for a terminal. */
void status_warn(const char *sentence);

/* Prints the sentence and "Try 'vcost COMMAND --help'." on stderr; returns STATUS_USAGE. */
int status_wrong_usage(const struct command *command, const struct error *error);

/* Flushes stdout at the end of the program: output that did not arrive (a full disk) turns STATUS_DONE into
 * STATUS_FAILED, with a sentence. */
int status_close_stdout(int status);

#endif
