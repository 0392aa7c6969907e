/* What vcost and its agent on another machine say to each other: messages as bytes, and back.
 *
 * The agent speaks first: HELLO, and FAILED behind it if it cannot measure. From then on the controlling side
 * asks, one request at a time, and the agent answers each: OPEN and CLOSE with DONE, PREPARE with PREPARED,
 * SAMPLE with SAMPLED, PROOF with PROVED, any of them with FAILED. BYE ends it without an answer.
 *
 * These are what a runner can be asked (runner.h). The agent has one placement, which the first runner that
 * is opened maps and the last one that is closed gives back; its runners are told apart by numbers.
 *
 * A message is a header of MESSAGE_HEADER_BYTES (the eight bytes of message_magic, the type and the length of
 * the body as 32 bits each, little-endian) and a body, which is a JSON object in UTF-8 (record.h; no name
 * twice, nothing behind it). In HELLO the protocol's version (32 bits) and vcost's (a text: its length in 16
 * bits and its bytes) come before the JSON. These two, the header, and the type of HELLO are the same in
 * every version of the protocol, and HELLO is never longer than HELLO_BODY_MAX, so that the two sides can at
 * least tell each other apart. The types of version 1, whose bodies were binary, are not used again.
 *
 * What arrives is hostile: message_decode() gives nothing that is not checked. */
#ifndef VCOST_RUNNER_PROTOCOL_H
#define VCOST_RUNNER_PROTOCOL_H

#include "base/error.h"
#include "base/pool.h"
#include "runner/agent_facts.h"
#include "runner/page_proof.h"
#include "runner/runner.h"
#include "runner/sample.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PROTOCOL_VERSION = 2,
    MESSAGE_MAGIC_BYTES = 8,
    MESSAGE_HEADER_BYTES = 16,
    MESSAGE_BODY_MAX = 64 * 1024, /* a sample with a hundred metrics takes 10 KiB */
    HELLO_BODY_MAX = 4096,
    MESSAGE_BYTES_MAX = MESSAGE_HEADER_BYTES + MESSAGE_BODY_MAX
};

/* Begins each message. As in PNG files, a byte above 127 and a line's end show a connection that changes
 * bytes, such as a terminal's. */
extern const uint8_t message_magic[MESSAGE_MAGIC_BYTES];

enum message_type {
    MESSAGE_HELLO = 1,
    MESSAGE_OF_VERSION_1_LAST = 11,
    MESSAGE_OPEN = 16,
    MESSAGE_PREPARE,
    MESSAGE_SAMPLE,
    MESSAGE_PROOF,
    MESSAGE_CLOSE,
    MESSAGE_BYE,
    MESSAGE_DONE,
    MESSAGE_PREPARED,
    MESSAGE_SAMPLED,
    MESSAGE_PROVED,
    MESSAGE_FAILED,
    MESSAGE_TYPES
};

enum { MESSAGE_RUNNERS_MAX = 32 };

/* "HELLO"; "?" for what is no type. */
const char *message_name(enum message_type type);

struct message {
    enum message_type type;
    uint32_t runner; /* of a request: from 0 to MESSAGE_RUNNERS_MAX - 1 */
    union {
        struct {
            uint32_t protocol;
            bool able;                /* it can measure; otherwise FAILED follows */
            struct agent_facts facts; /* if it cannot, or of another protocol, only facts.version */
        } hello;
        struct {
            uint64_t bytes, alignment, host_page_bytes; /* as placement_map() takes them */
        } open;
        struct {
            struct workload workload; /* whether it can run, its kind's check() tells */
            uint64_t seed;
        } prepare;
        struct effort effort;
        char note[sizeof((struct runner *)0)->note]; /* PREPARED */
        struct sample sample;
        struct page_proof proof;
        struct error failure; /* code is from 1 to 4095 */
    };
};

/* Writes a message; returns how long it is. 0 if a value is one that the other side would refuse. */
size_t message_encode(const struct message *message, uint8_t bytes[static MESSAGE_BYTES_MAX]);

/* Reads a header. -EPROTO if it is none, is of version 1, or announces more than MESSAGE_BODY_MAX bytes. */
int message_decode_header(const uint8_t header[static MESSAGE_HEADER_BYTES], enum message_type *type,
    size_t *length, struct error *error);

/* Reads a body of `length` bytes; texts that a workload has are kept in the pool. -EPROTO, naming the field,
 * if one is missing or impossible. */
int message_decode(enum message_type type, const uint8_t *body, size_t length, struct pool *texts,
    struct message *message, struct error *error);

#endif
