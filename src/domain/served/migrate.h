/* A domain that goes elsewhere while it runs: a thread sends it, and who asked waits for the answer. */
#ifndef VCOST_DOMAIN_SERVED_MIGRATE_H
#define VCOST_DOMAIN_SERVED_MIGRATE_H

#include "domain/served/server.h"

/* Through the link that came with the request. Answered when it has come to an end. */
int served_migrate(struct served *served, const struct control_request *request, struct error *error);
int served_cancel(struct served *served, const struct control_request *request, struct error *error);

/* What was tried is over (served->arrived): it goes on, is gone, or stands still until somebody decides. */
void served_arrived(struct served *served);

#endif
