/* Where a domain is sent to and received: unix:PATH, tcp:HOST:PORT; of the source command:CMD, whose stdin
 * and stdout are the link, and of the destination `-`, its own. */
#ifndef VCOST_DOMAIN_MOVED_ADDRESS_H
#define VCOST_DOMAIN_MOVED_ADDRESS_H

#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <sys/types.h>

/* Is it one, of the source or else of the destination, whoever may be there? -EINVAL with a sentence. */
int address_check(const char *address, bool source, struct error *error);

/* Connects, within so many seconds. `cleartext`: also through TCP to another machine, where everybody on the
 * way can read the memory; else -EPERM. *child: the command, to be waited for, or 0. -EINVAL: it is no
 * address. */
int address_connect(
    const char *address, bool cleartext, double seconds, int *fd, pid_t *child, struct error *error);

/* Can a source whose link has broken connect there again? What a command was is one link. */
bool address_comes_again(const char *address);

/* Waits for such a command, whose link is closed; one that does not end by itself within a second or two is
 * ended. */
void address_end(pid_t child);

/* Where connections are waited for, with the path of a socket that is removed with it. */
struct listening {
    int fd;
    char path[108];
};

/* -EADDRINUSE: somebody listens there. A socket of a dead one is replaced; one of the user's alone is made.
 */
int address_listen(const char *address, bool cleartext, struct listening *listening, struct error *error);
/* The next connection. -EINTR: stop was asked. */
int address_accept(const struct listening *listening, const struct stop *stop, int *fd, struct error *error);
void address_close(struct listening *listening);

#endif
