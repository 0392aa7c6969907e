/* What is said over a domain's control socket (AF_UNIX, SOCK_SEQPACKET): one packet asks, one answers, each a
 * JSON object of at most CONTROL_BYTES_MAX; then the connection ends. Descriptors may come with a request.
 * What arrives is hostile: nothing is believed that a table does not check. Only the user that the domain
 * runs for, and root, are served. */
#ifndef VCOST_DOMAIN_SERVED_CONTROL_H
#define VCOST_DOMAIN_SERVED_CONTROL_H

#include "base/error.h"
#include "domain/moved/told.h"
#include "domain/moved/wire.h"
#include "domain/portable/portable.h"
#include "domain/served/place.h"
#include "domain/served/stats.h"
#include "domain/timeline/costs.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTROL_BYTES_MAX = 16384, CONTROL_SECONDS = 600, CONTROL_MORE_MAX = WIRE_STREAMS_MAX - 1 };

struct control_request {
    char verb[16];
    bool keep, compress;     /* save: it runs on; with zstd; */
    bool confirm;            /* and it ends only when who asked has said that the file is in its place */
    uint64_t count;          /* of whatever is asked for several times; memory: bytes */
    char text[256];          /* a name, an address */
    bool check, finish_late; /* migrate: struct moving_request has what they mean, */
    bool post_copy, reconnect;
    uint64_t passes, throttle;
    double max_downtime, timeout, max_bandwidth, link_timeout; /* and these */
    int fd;                                                    /* came with it; -1: none */
    int more[CONTROL_MORE_MAX];                                /* more of them: the first `more_count` */
    unsigned more_count;
};

/* How a domain is, as it tells others, and as it is kept when it has ended. */
struct domain_report {
    char name[PORTABLE_NAME_BYTES];
    uint64_t pid;
    char monitor[16];
    enum portable_workload workload;
    uint64_t memory_bytes;
    unsigned cpus;
    enum portable_phase phase;
    char awaits[32]; /* before it runs here; "": nothing */
    char ending[32]; /* how it has ended: "done", "saved", "stopped", "failed"; "": it has not */
    uint64_t done, work;
    double pace; /* of its work a second; NAN: not known yet */
    uint64_t wrong;
    char checksum[20];                        /* "0x…"; "": there is none before the end */
    char generation[36], generation_seen[36]; /* "": not known */
    uint64_t backwards;
    double longest_pause_ms; /* as seen from inside: the most that its time-stamp counter went on at once */
    char mode[40];           /* "started", "restored, read", "restored, mapped (private)", "forked" */
    double first_instruction_ms, working_set_ms; /* of a restored one, from the command on; NAN */
    char clock[16];       /* of a restored one: "kept", "advanced", "the host's"; and by how much its */
    double clock_jump_ms; /* time-stamp counter went on at once, seen from inside; negative: back; NAN */
    double pace_before;   /* of a restored one, before it was saved; NAN: not known */
    uint64_t added_bytes,
        added_writes;        /* of memory that came later its workload uses so much; wrote so often */
    double given_back_bytes; /* when its memory was resized last; NAN: it was not */
    double stall_ms;         /* for which it stood still while it was saved last; NAN */
    double seconds;          /* since it was started or restored */
    uint64_t exits;
    char memory_checked[48]; /* of a mapped one: "yes", "not yet", or what is wrong */
    double brought_back_ms;  /* how long it took to bring in what was recorded; NAN: nothing, or not yet */
    double brought_held_ms;  /* for which it was held for that; NAN: nothing was recorded */
    double working_set_without_ms; /* as working_set_ms, without that, when it was recorded; NAN: not known */
    char nodes[128];               /* "64 MiB on node 0", counted; "": no node was asked for */
    double locked_bytes;           /* that this process holds in memory, counted; NAN: not asked for */
    bool has_stats;                /* it was asked for them: */
    struct domain_stats stats;
    bool follows; /* its memory came, or comes, behind it (post-copy): */
    struct follow_told follow;
    bool moves;                  /* a migration was asked for: */
    struct moved_told moved;     /* the last one */
    bool has_costs;              /* a save or restore was looked at: */
    struct timeline_costs costs; /* what it cost the program */
    int exit_status;             /* -1: it has not ended, or by a signal */
    char sentence[512];          /* why it failed; a warning */
};
extern const struct record domain_report_record;

struct control_answer {
    struct error error; /* code 0: it was done */
    struct domain_report report;
};

/* Takes a packet apart. -EPROTO. */
int control_read_request(
    const char *bytes, size_t count, struct control_request *request, struct error *error);
int control_read_answer(const char *bytes, size_t count, struct control_answer *answer, struct error *error);

/* Closes the descriptors that came with one. */
void control_close(struct control_request *request);

/* Receives what one connection asks, waiting a second at most; its descriptors are the caller's. -EACCES:
 * another user. */
int control_receive(int socket, struct control_request *request, struct error *error);
/* Whether anybody gets it is not known. */
void control_send(int socket, const struct control_answer *answer);

/* What a detached one has left that has ended. -ENOENT. */
int control_read_kept(
    const struct place *place, const char *name, struct domain_report *report, struct error *error);

/* Asks a domain; what it answers as a failure is this one's, and *report then is as it answered, too. */
int control_ask(const struct place *place, const char *name, const struct control_request *request,
    struct domain_report *report, struct error *error);

/* The same for what takes long. */
struct control_patience {
    /* Called several times a second until the answer comes, and when a signal has. False: nobody wants it any
     * more (-EINTR). */
    bool (*each)(void *context);
    /* NULL, or what is to be done once it was answered, before the domain is told so (request->confirm);
     * negative, with *error: it is told nothing. */
    int (*take)(void *context, struct error *error);
    void *context;
};
int control_ask_slowly(const struct place *place, const char *name, const struct control_request *request,
    const struct control_patience *patience, struct domain_report *report, struct error *error);

/* On the domain's side: whether who asked is still there, and whether it says, within some seconds, that it
 * has what it asked for. */
bool control_is_heard(int socket);
bool control_confirmed(int socket);

#endif
