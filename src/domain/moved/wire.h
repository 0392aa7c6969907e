/* What two vcost say to each other while a domain moves (doc/migration.md): messages over a stream of bytes.
 * Each is a header, with a number that counts them, and a payload; both have checksums. What arrives is
 * hostile: no length is believed before it is known to be allowed, and nothing is handed out whose checksum
 * is another. */
#ifndef VCOST_DOMAIN_MOVED_WIRE_H
#define VCOST_DOMAIN_MOVED_WIRE_H

#include "base/error.h"
#include "base/stop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_VERSION = 4,
    WIRE_PAGE_BYTES = 4096,
    WIRE_RUN_PAGES = 512,      /* at most in one message: 2 MiB */
    WIRE_PLACES = 64,          /* at most from which pages are sent at once */
    WIRE_SUM_BYTES = 8,        /* behind the pages */
    WIRE_LEFT_PAGES = 1 << 20, /* at most in one message */
    WIRE_COMPLETE_BYTES = 16,  /* of the faults: median and longest time that was waited, ns */
    WIRE_STREAMS_MAX = 8,
    WIRE_TOKEN_BYTES = 32,     /* hexadecimal digits */
    WIRE_SILENCE_SECONDS = 30, /* unless something else is asked for */
    WIRE_SAMPLES_BYTES = 1 << 16,
};

/* Numbers are those of the wire. From the source (S) or the destination (D). */
enum moved_kind {
    WIRE_OFFER = 1, /* S: the domain but for its memory, as it is now */
    WIRE_READY,     /* D: it can be had here, and memory for it is there */
    WIRE_REFUSED,   /* D or S: an errno (`at`) and a sentence; the end */
    WIRE_PAGES,     /* S: `pages` of memory, in `at` runs: these (struct moved_run), the pages, their sum */
    WIRE_ZEROS,     /* S: `pages` of memory from physical address `at` on are zero: no payload */
    WIRE_STATE,     /* S: it stands still, this is its state, and all memory was sent */
    WIRE_PREPARED,  /* D: all of it is here, ready to run, and does not run */
    WIRE_COMMIT,    /* S: it is yours: from here on the source never lets it run again by itself */
    WIRE_STARTED,   /* D: it runs here */
    WIRE_JOIN,      /* S: this is stream `at` of the offer with this token */
    WIRE_PASS,      /* S: all of pass `at` was sent through this stream */
    WIRE_PASSED,    /* D: and has come, through every stream */
    WIRE_LEFT,      /* S or D: of `pages` from `at` on, which come later (post-copy): a bit each */
    WIRE_WANTED,    /* D: the page at `at` is waited for */
    WIRE_ALL,       /* S: all that was to come later was sent */
    WIRE_COMPLETE,  /* D: it has come, or is not needed any more; `at` faults, and what they cost */
    WIRE_REJOIN,    /* S, first on a new link: the old one broke while memory followed; the offer's token */
    WIRE_ALIVE, /* D, between any others: bytes still come, which may lie in buffers on the way for long */
    WIRE_SAMPLES = 20, /* D, where the source has asked for it: what its program does here (after.h) */
    WIRE_KINDS
};

/* Pages that lie side by side. */
struct moved_run {
    uint64_t at, pages; /* guest physical address; of 4 KiB */
};

struct moved_header { /* little-endian, as it stands on the wire */
    char magic[8];
    uint32_t version, kind;
    uint64_t number; /* of the messages in this direction, from 0 */
    uint64_t at, pages;
    uint64_t bytes;    /* of the payload */
    uint64_t checksum; /* of the payload (base/checksum.h); of WIRE_PAGES: of the runs alone */
    uint64_t header_checksum;
};
_Static_assert(sizeof(struct moved_header) == 64, "doc/migration.md");

/* When a link counts as broken that nobody has closed: nothing has moved for so long, in either direction, by
 * any stream of the migration (whose part is done waits for the others). One that is slow but moves does not.
 */
struct moved_patience {
    double seconds;
    atomic_uint_fast64_t moved_ns; /* CLOCK_MONOTONIC: the last byte that came or went */
};

struct moved_wire {
    int in, out;                     /* not blocking; the caller's */
    struct moved_patience *patience; /* the caller's; NULL: WIRE_SILENCE_SECONDS, of this stream alone */
    void (*idle)(void *context);     /* is called some times a second while nothing comes; NULL: nobody is */
    void *idle_context;
    bool tells_alive;        /* a destination, of what it reads: moved_alive() */
    uint64_t alive_ns;       /* when it did so last */
    uint64_t sent, received; /* messages */
    uint64_t bytes_sent;
    bool refused; /* the other side has said that it ends here */
    const struct stop *stop;
    char *payload; /* of the message received last; owned */
    size_t room;
    pthread_mutex_t sending; /* several threads may send, one receives */
};

/* Makes the descriptors not block. */
int moved_open(struct moved_wire *wire, int in, int out, const struct stop *stop, struct error *error);
void moved_close(struct moved_wire *wire); /* not the descriptors */

/* -ETIMEDOUT: nothing moved for as long as there is patience; -EPIPE: it is gone; -EINTR: stop was
 * asked. */
int moved_send(struct moved_wire *wire, enum moved_kind kind, uint64_t at, uint64_t pages,
    const void *payload, size_t bytes, struct error *error);
/* WIRE_PAGES, in parts: next() tells where the next of its pages stand, in how many places (from 1 to
 * WIRE_PLACES), and has added them to *sum. It is called until all were told. */
struct checksum;
struct iovec;
struct moved_pages {
    const struct moved_run *runs;
    unsigned run_count, page_count;
    struct checksum *sum;
    unsigned (*next)(void *context, struct iovec *places);
    void *context;
};
int moved_send_pages(struct moved_wire *wire, const struct moved_pages *pages, struct error *error);

/* *header is checked; the payload is wire->payload, until the next one. Errors as above, and -EPROTO: it is
 * no message, damaged, or not the next one. */
int moved_receive(struct moved_wire *wire, struct moved_header *header, struct error *error);
/* Its parts, for who has a better place for a payload: the header, checked; then the payload, or
 * header->bytes by any number of moved_read() (`room` is changed) and the word whether their sums are right.
 */
int moved_receive_payload(struct moved_wire *wire, const struct moved_header *header, struct error *error);
int moved_receive_header(struct moved_wire *wire, struct moved_header *header, struct error *error);
int moved_read(struct moved_wire *wire, struct iovec *room, int pieces, struct error *error);
int moved_received(struct moved_wire *wire, bool is_right, struct error *error);

/* Says that a message is not of the kind that was due; of a WIRE_REFUSED, what it says. */
int moved_unexpected(
    struct moved_wire *wire, const struct moved_header *header, enum moved_kind kind, struct error *error);

/* Says WIRE_ALIVE, if that was not said just now, and if there is room for it: who sends memory listens only
 * at the end of a pass, and must not be waited for. */
void moved_alive(struct moved_wire *wire);

/* The same for one message that must be of a kind; a WIRE_REFUSED is its error. WIRE_ALIVE is passed over. */
int moved_expect(
    struct moved_wire *wire, enum moved_kind kind, struct moved_header *header, struct error *error);

/* Fills in its own checksum. */
void moved_sum(struct moved_header *header);

/* Is a header what can come as message `number`? -EPROTO, -ENOTSUP (another version). */
int moved_check(const struct moved_header *header, uint64_t number, struct error *error);

/* Says why it ends here; whether it arrives is of no matter, so it is tried for a second at most. */
void moved_refuse(struct moved_wire *wire, const struct error *why);

#endif
