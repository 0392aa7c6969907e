/* Runners on another machine, behind any command that starts `vcost agent` there: ssh, docker exec …
 *
 * They measure natively on that machine; what is compared with native here is thus all that lies between the
 * two. Whether something virtualizes memory there, and how, is not seen from inside: their technique is
 * unknown if the agent's machine is a guest, none if it is not.
 *
 * The agent is idle while it is not asked. An answer is waited for as long as the request may take by
 * generous measure. An agent that has once not answered, or answered nonsense, is not asked again. */
#ifndef VCOST_RUNNER_REMOTE_H
#define VCOST_RUNNER_REMOTE_H

#include "base/stop.h"
#include "measure/pin.h"
#include "runner/agent_facts.h"
#include "runner/runner.h"

struct remote_config {
    const char *command;     /* for /bin/sh -c; must outlive the connection, as all that is pointed to */
    const char *version;     /* of this vcost, for the sentence about one that does not fit */
    double answer_seconds;   /* for any answer, besides what the work takes; 0: the default */
    const struct pin *pin;   /* may be NULL: what the calling thread is bound by, and the command is not */
    const struct stop *stop; /* may be NULL */
};

/* Starts the command and waits for its HELLO. -ECONNRESET if it ends, -ETIMEDOUT if it is silent, -EPROTO if
 * it speaks another protocol, what the agent says if it cannot measure. */
int remote_open(const struct remote_config *config, struct remote **remote, struct error *error);
void remote_close(struct remote *remote); /* NULL is allowed */

/* A runner there, on a placement that is elsewhere. All that are open at one time share the placement. */
struct runner_config remote_runner(struct remote *remote, struct placement *placement);

/* The agent is not asked any more, so that each request to its runners fails. Other failures are of what was
 * asked for alone. */
bool remote_is_gone(const struct remote *remote);

/* What the agent has told of its machine. */
const struct agent_facts *remote_facts(const struct remote *remote);
const char *remote_command(const struct remote *remote);

enum { REMOTE_NAME_BYTES = 48 };

/* The name of a command's runners, for ids: "command:" and the command, of which only printable ASCII without
 * '/' is kept, cut to a length; where that changes it, "~" and eight digits of its hash end the name, so that
 * different commands have different names. */
void remote_name(const char *command, char name[static REMOTE_NAME_BYTES]);

#endif
