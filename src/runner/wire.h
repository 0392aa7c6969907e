/* Messages (protocol.h) over two file descriptors. */
#ifndef VCOST_RUNNER_WIRE_H
#define VCOST_RUNNER_WIRE_H

#include "base/error.h"
#include "runner/protocol.h"

/* Skipped at most before the first message: what a shell or a login says first. */
enum { WIRE_NOISE_MAX = 64 * 1024 };

struct wire {
    int in, out; /* the caller's */
    /* Waits until `in` can be read, or gives up with a negative errno. NULL: reading itself waits. */
    int (*wait)(void *context, struct error *error);
    void *context;
    struct pool *texts; /* where texts of messages that are received are kept */
};

/* Sends a message. -EPIPE if nobody reads any more; the process gets no SIGPIPE. */
int wire_send(const struct wire *wire, const struct message *message, struct error *error);

/* Receives the next message. -EPIPE at the end of the input, -EPROTO for what is no message, what wait()
 * said. */
int wire_receive(const struct wire *wire, struct message *message, struct error *error);

/* The same for the first message, after text that is none of vcost's. */
int wire_receive_first(const struct wire *wire, struct message *message, struct error *error);

#endif
