/* A site on another machine, behind any command that starts `vcost agent` there: ssh, docker exec …
 *
 * Its one lane measures natively on that machine; what is compared with native here is thus all that lies
 * between the two. Whether something virtualizes memory there, and how, is not seen from inside: the lane's
 * technique is unknown if the agent's machine is a guest, none if it is not.
 *
 * The agent is idle while it is not asked. An answer is waited for as long as the request may take by
 * generous measure. An agent that has once not answered, or answered nonsense, is not asked again. */
#ifndef VCOST_RUNNER_REMOTE_SITE_H
#define VCOST_RUNNER_REMOTE_SITE_H

#include "base/stop.h"
#include "measure/pin.h"
#include "runner/agent_facts.h"
#include "runner/site.h"

struct remote_site_config {
    const char *command; /* for /bin/sh -c; must outlive the site, as all that is pointed to */
    uint64_t host_page_bytes;
    const char *version; /* of this vcost, for the sentence about one that does not fit */
    double
        answer_seconds; /* for the first word and any answer, besides what the work takes; 0: the default */
    const struct pin *pin;   /* may be NULL: what the calling thread is bound by, and the command is not */
    const struct stop *stop; /* may be NULL */
};

/* Starts the command and waits for its HELLO. -ECONNRESET if it ends, -ETIMEDOUT if it is silent, -EPROTO if
 * it speaks another protocol, what the agent says if it cannot measure. */
int remote_site_open(const struct remote_site_config *config, struct site **site, struct error *error);

/* What the agent behind a site has told of its machine; NULL for any other site. */
const struct agent_facts *remote_site_facts(const struct site *site);
const char *remote_site_command(const struct site *site); /* likewise */

enum { REMOTE_NAME_BYTES = 48 };

/* The name of a command's lane, for ids: "command:" and the command, of which only printable ASCII without
 * '/' is kept, cut to a length; where that changes it, "~" and eight digits of its hash end the name, so that
 * different commands have different names. */
void remote_site_name(const char *command, char name[static REMOTE_NAME_BYTES]);

#endif
