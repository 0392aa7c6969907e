/* A shell command that talks to this process through its stdin and stdout, with what it says on stderr kept
 * for the sentence about its end. */
#ifndef VCOST_RUNNER_COMMAND_PROCESS_H
#define VCOST_RUNNER_COMMAND_PROCESS_H

#include "base/error.h"
#include "base/stop.h"
#include "measure/pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { COMMAND_SAID_BYTES = 1024 };

struct command_process {
    pid_t pid;   /* of the shell, and of its process group; 0: none */
    int in, out; /* its stdin and stdout, to be written and read here */
    int said_fd; /* its stderr; -1 once that has ended */
    bool ended;  /* it has; status is as waitpid() gives it */
    int status;
    size_t said_length;
    char said[COMMAND_SAID_BYTES]; /* the end of what it has said on stderr */
};

/* Starts /bin/sh -c command in a session of its own, so that neither Ctrl-C at the terminal nor a terminal
 * that is closed reaches it. It may use the CPUs that this thread could before `pin` (which may be NULL)
 * bound it. */
int command_process_start(
    struct command_process *process, const char *command, const struct pin *pin, struct error *error);

/* Waits until `out` can be read (or has ended), and takes what is said on stderr meanwhile. -ETIMEDOUT when
 * clock_seconds() passes `deadline`, -EINTR if stop (may be NULL) is asked. */
int command_process_wait(
    struct command_process *process, double deadline, const struct stop *stop, struct error *error);

/* After its stdout has ended: half a sentence on how it did ("ended with exit status 127"), and what it said
 * last. Waits a moment for both. */
void command_process_tell_end(struct command_process *process, char *text, size_t size);

/* Closes its stdin and lets it end; after `grace_seconds` kills it with all that it has started. Leaves no
 * zombie. Harmless where none was started. */
void command_process_end(struct command_process *process, double grace_seconds);

#endif
