/* What the parts of follow.h share: memory that comes (follow.c), a source that connects again
 * (follow_rejoin.c). All in the receiving thread. */
#ifndef VCOST_DOMAIN_MOVED_FOLLOW_INTERNAL_H
#define VCOST_DOMAIN_MOVED_FOLLOW_INTERNAL_H

#include "domain/moved/follow.h"

/* Tells the source that all has come, or that what has not is not needed. */
int follow_complete(struct follow *follow, struct moved_wire *wire, struct error *error);

/* After the link broke: waits until the source is there again, and goes on by its new link. Negative: it
 * cannot come, or the domain has ended. */
int follow_rejoined(struct follow *follow);

/* When all is there: a source that has not heard so may come and ask, until the domain ends. */
void follow_tell_again(struct follow *follow);

#endif
