#include "domain/served/control.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { LOOK_MS = 200, CONFIRM_SECONDS = CONTROL_SECONDS };

/* ---- as JSON ---- */

#define AT(member) FIELD_AT(struct control_request, member)
static const struct field request_fields[] = {
    {"ask", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(verb)},
    {"keep", FIELD_FLAG, AT(keep)},
    {"compress", FIELD_FLAG, AT(compress)},
    {"confirm", FIELD_FLAG, AT(confirm)},
    {"count", FIELD_COUNT, AT(count)},
    {"text", FIELD_TEXT, AT(text)},
    {"check", FIELD_FLAG, AT(check)},
    {"finish_late", FIELD_FLAG, AT(finish_late)},
    {"post_copy", FIELD_FLAG, AT(post_copy)},
    {"reconnect", FIELD_FLAG, AT(reconnect)},
    {"passes", FIELD_COUNT, AT(passes)},
    {"throttle", FIELD_COUNT, AT(throttle)},
    {"max_downtime", FIELD_REAL, AT(max_downtime), .missing = "none"},
    {"timeout", FIELD_REAL, AT(timeout), .missing = "none"},
    {"max_bandwidth", FIELD_REAL, AT(max_bandwidth), .missing = "none"},
    {"link_timeout", FIELD_REAL, AT(link_timeout), .missing = "the usual one"},
};
static const struct record request_record = {
    "request", sizeof(struct control_request), RECORD_FIELDS(request_fields)};
#undef AT

#define AT(member) FIELD_AT(struct domain_report, member)
static const struct field report_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.domain-report/1"},
    {"name", FIELD_TEXT, FIELD_NEEDED, AT(name)},
    {"pid", FIELD_COUNT, FIELD_NEEDED, AT(pid)},
    {"monitor", FIELD_TEXT, FIELD_NEEDED, AT(monitor)},
    {"workload", FIELD_ENUM, FIELD_NEEDED, AT(workload), FIELD_NAMES(portable_workloads)},
    {"memory_bytes", FIELD_COUNT, FIELD_NEEDED, AT(memory_bytes)},
    {"vcpus", FIELD_COUNT, FIELD_NEEDED, AT(cpus)},
    {"phase", FIELD_ENUM, FIELD_NEEDED, AT(phase), .names = portable_phases, .name_count = 4,
        .name_stride = sizeof(char *)},
    {"awaits", FIELD_TEXT, AT(awaits), .missing = "it is here"},
    {"ending", FIELD_TEXT, AT(ending), .missing = "it has not ended"},
    {"done", FIELD_COUNT, FIELD_NEEDED, AT(done)},
    {"work", FIELD_COUNT, FIELD_NEEDED, AT(work)},
    {"pace", FIELD_REAL, AT(pace), .missing = "it has not run for long enough"},
    {"wrong", FIELD_COUNT, FIELD_NEEDED, AT(wrong)},
    {"checksum", FIELD_TEXT, AT(checksum), .missing = "its workload has not come to its end"},
    {"generation", FIELD_TEXT, AT(generation), .missing = "not known"},
    {"generation_seen", FIELD_TEXT, AT(generation_seen), .missing = "its workload has not looked"},
    {"backwards", FIELD_COUNT, FIELD_NEEDED, AT(backwards)},
    {"longest_pause_ms", FIELD_REAL, AT(longest_pause_ms), .missing = "its workload does not look"},
    {"mode", FIELD_TEXT, FIELD_NEEDED, AT(mode)},
    {"first_instruction_ms", FIELD_REAL, AT(first_instruction_ms), .missing = "it was not restored"},
    {"working_set_ms", FIELD_REAL, AT(working_set_ms),
        .missing = "its pace is not that of before yet, or was not known"},
    {"pace_before", FIELD_REAL, AT(pace_before), .missing = "it was not restored, or that was not known"},
    {"clock", FIELD_TEXT, AT(clock), .missing = "it was not restored"},
    {"clock_jump_ms", FIELD_REAL, AT(clock_jump_ms),
        .missing = "it was not restored, or its workload has not looked yet or does not"},
    {"added_bytes", FIELD_COUNT, FIELD_LATER, AT(added_bytes)},
    {"added_writes", FIELD_COUNT, FIELD_LATER, AT(added_writes)},
    {"given_back_bytes", FIELD_REAL, AT(given_back_bytes), .missing = "its memory was not resized"},
    {"stall_ms", FIELD_REAL, AT(stall_ms), .missing = "it was not saved"},
    {"seconds", FIELD_REAL, FIELD_NEEDED, AT(seconds)},
    {"exits", FIELD_COUNT, FIELD_NEEDED, AT(exits)},
    {"memory_checked", FIELD_TEXT, AT(memory_checked), .missing = "it is not mapped from a file"},
    {"brought_back_ms", FIELD_REAL, AT(brought_back_ms), .missing = "nothing was recorded, or not yet"},
    {"brought_held_ms", FIELD_REAL, AT(brought_held_ms), .missing = "nothing was recorded"},
    {"working_set_without_ms", FIELD_REAL, AT(working_set_without_ms),
        .missing = "nothing was recorded, or how long it took then is not known"},
    {"nodes", FIELD_TEXT, AT(nodes), .missing = "no node was asked for"},
    {"locked_bytes", FIELD_REAL, AT(locked_bytes), .missing = "it was not to be locked"},
    {"now", FIELD_RECORD, FIELD_MAYBE, AT(stats), .count_offset = offsetof(struct domain_report, has_stats),
        .of = &domain_stats_record, .missing = "it was not asked for"},
    {"post_copy", FIELD_RECORD, FIELD_MAYBE, AT(follow),
        .count_offset = offsetof(struct domain_report, follows), .of = &follow_told_record,
        .missing = "all its memory was there before it ran here"},
    {"moved", FIELD_RECORD, FIELD_MAYBE, AT(moved), .count_offset = offsetof(struct domain_report, moves),
        .of = &moved_told_record, .missing = "it was not asked to move"},
    {"program", FIELD_RECORD, FIELD_MAYBE, AT(costs),
        .count_offset = offsetof(struct domain_report, has_costs), .of = &timeline_costs_record,
        .missing = "no save or restore of it was looked at (--timeline)"},
    {"exit_status", FIELD_COUNT, AT(exit_status), .other = (unsigned)-1,
        .missing = "it has not ended, or by a signal"},
    {"sentence", FIELD_TEXT, AT(sentence), .missing = "there is nothing to say"},
};
const struct record domain_report_record = {
    "report", sizeof(struct domain_report), RECORD_FIELDS(report_fields)};
#undef AT

static const struct field answer_fields[] = {
    {"errno", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct control_answer, error.code)},
    {"error", FIELD_TEXT, FIELD_NEEDED, FIELD_AT(struct control_answer, error.text)},
    {"domain", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct control_answer, report),
        .of = &domain_report_record},
};
static const struct record answer_record = {
    "answer", sizeof(struct control_answer), RECORD_FIELDS(answer_fields)};

static int read_packet(const struct record *record, const char *what, const char *bytes, size_t count,
    void *to, struct error *error)
{
    struct pool pool = {.newest = NULL};
    struct reader reader = {.name = "the packet", .what = what, .pool = &pool, .error = error};
    json_error_t where;
    json_t *json = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        return error_set(error, EPROTO, "the packet is no %s: it is not JSON", what);
    int rc = record_read(record, json, to, &reader);
    json_decref(json);
    pool_free(&pool);
    return rc < 0 ? -EPROTO : 0;
}

int control_read_request(
    const char *bytes, size_t count, struct control_request *request, struct error *error)
{
    int rc = read_packet(&request_record, "request to a domain", bytes, count, request, error);
    request->fd = -1;
    request->more_count = 0;
    return rc;
}

int control_read_answer(const char *bytes, size_t count, struct control_answer *answer, struct error *error)
{
    int rc = read_packet(&answer_record, "answer of a domain", bytes, count, answer, error);
    return rc == 0 && (answer->error.code < 0 || answer->error.code > 4095)
               ? error_set(error, EPROTO, "the packet is no answer of a domain: there is no error %d",
                     answer->error.code)
               : rc;
}

int control_read_kept(
    const struct place *place, const char *name, struct domain_report *report, struct error *error)
{
    char path[PLACE_PATH_BYTES];
    struct pool pool = {.newest = NULL};
    struct reader reader = {.name = path, .what = "report on a domain", .pool = &pool, .error = error};
    json_error_t where;
    place_path(place, name, "json", path);
    json_t *json = strchr(name, '/') ? NULL : json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        return error_set(
            error, ENOENT, "no domain %.60s runs, nor has a detached one of that name ended", name);
    int rc = record_read(&domain_report_record, json, report, &reader);
    json_decref(json);
    pool_free(&pool);
    return rc;
}

/* ---- packets ---- */

static size_t write_packet(
    const struct record *record, const void *structure, char bytes[static CONTROL_BYTES_MAX])
{
    struct error error;
    json_t *json;
    if (record_write(record, structure, &json, &error) < 0)
        return 0;
    size_t count = json_dumpb(json, bytes, CONTROL_BYTES_MAX, JSON_COMPACT);
    json_decref(json);
    return count <= CONTROL_BYTES_MAX ? count : 0;
}

static int set_patience(int socket, int seconds)
{
    const struct timeval patience = {.tv_sec = seconds};
    return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
                   setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0
               ? -errno
               : 0;
}

union room_for_descriptor {
    struct cmsghdr header;
    char bytes[CMSG_SPACE((1 + CONTROL_MORE_MAX) * sizeof(int))];
};

/* The kernel has cut off what there is no room for. */
static void take_descriptors(struct msghdr *message, struct control_request *request)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    int found[1 + CONTROL_MORE_MAX];
    if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
        control->cmsg_len < CMSG_LEN(sizeof found[0]) || control->cmsg_len > CMSG_LEN(sizeof found))
        return;
    memcpy(found, CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
    request->fd = found[0];
    request->more_count = (unsigned)((control->cmsg_len - CMSG_LEN(0)) / sizeof found[0]) - 1;
    memcpy(request->more, found + 1, request->more_count * sizeof found[0]);
}

void control_close(struct control_request *request)
{
    if (request->fd >= 0)
        close(request->fd);
    for (unsigned i = 0; i < request->more_count; i++)
        close(request->more[i]);
    request->fd = -1;
    request->more_count = 0;
}

static int check_user(int socket, struct error *error)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        return error_errno(error, errno, "cannot tell who asks");
    return peer.uid == geteuid() || peer.uid == 0 ? 0
                                                  : error_set(error, EACCES, "the domain is another user's");
}

int control_receive(int socket, struct control_request *request, struct error *error)
{
    static char bytes[CONTROL_BYTES_MAX];
    union room_for_descriptor room = {.bytes = {0}};
    struct iovec piece = {bytes, sizeof bytes};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    int rc = check_user(socket, error);
    if (rc < 0 || (rc = set_patience(socket, 1)) < 0)
        return rc;
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0)
        return error_errno(error, errno, "nothing was asked");
    rc = message.msg_flags & MSG_TRUNC ? error_set(error, EPROTO, "the packet is longer than any request")
                                       : control_read_request(bytes, (size_t)count, request, error);
    take_descriptors(&message, request);
    if (rc < 0)
        control_close(request);
    return rc;
}

void control_send(int socket, const struct control_answer *answer)
{
    static char bytes[CONTROL_BYTES_MAX];
    size_t count = write_packet(&answer_record, answer, bytes);
    (void)!send(socket, bytes, count, MSG_NOSIGNAL);
}

static int send_request(int socket, const struct control_request *request, struct error *error)
{
    char bytes[CONTROL_BYTES_MAX];
    union room_for_descriptor room = {.bytes = {0}};
    struct iovec piece = {bytes, write_packet(&request_record, request, bytes)};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (request->fd >= 0) {
        const size_t more = request->more_count * sizeof request->more[0];
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof request->fd + more);
        *CMSG_FIRSTHDR(&message) = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
            .cmsg_len = CMSG_LEN(sizeof request->fd + more)};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &request->fd, sizeof request->fd);
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)) + sizeof request->fd, request->more, more);
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL) >= 0)
        return 0;
    return error_errno(error, errno, "cannot ask the domain");
}

int control_ask(const struct place *place, const char *name, const struct control_request *request,
    struct domain_report *report, struct error *error)
{
    return control_ask_slowly(place, name, request, &(struct control_patience){NULL}, report, error);
}

bool control_is_heard(int socket)
{
    struct pollfd watched = {socket, POLLRDHUP, 0};
    return poll(&watched, 1, 0) == 0;
}

bool control_confirmed(int socket)
{
    char word;
    return set_patience(socket, CONFIRM_SECONDS) == 0 && recv(socket, &word, sizeof word, 0) == 1;
}

/* As long as nothing can be read. */
static int wait_for_answer(int socket, const struct control_patience *patience, struct error *error)
{
    struct pollfd watched = {socket, POLLIN, 0};
    while (patience->each && poll(&watched, 1, LOOK_MS) <= 0)
        if (!patience->each(patience->context))
            return error_set(error, EINTR, "stopped by the user");
    return 0;
}

/* What was answered is taken before the domain hears that it was, which may end it. */
static int take_answer(int socket, const struct control_patience *patience, bool confirm, struct error *error)
{
    int rc = patience->take ? patience->take(patience->context, error) : 0;
    if (rc == 0 && confirm && send(socket, "", 1, MSG_NOSIGNAL) != 1)
        rc = error_set(error, EPIPE,
            "the domain waited in vain for its file to be in its place: it has gone on, or ended (vcost "
            "domain list tells)");
    return rc;
}

int control_ask_slowly(const struct place *place, const char *name, const struct control_request *request,
    const struct control_patience *patience, struct domain_report *report, struct error *error)
{
    char bytes[CONTROL_BYTES_MAX];
    struct control_answer answer = {.error = {.code = 0}};
    int socket, rc = place_connect(place, name, &socket, error);
    if (rc < 0)
        return rc;
    (void)set_patience(socket, CONTROL_SECONDS);
    rc = send_request(socket, request, error);
    const bool has_ended = rc == -ECONNRESET || rc == -EPIPE;
    if (rc == 0)
        rc = wait_for_answer(socket, patience, error);
    ssize_t count = rc < 0 ? 0 : recv(socket, bytes, sizeof bytes, 0);
    if (has_ended || (rc == 0 && count <= 0))
        rc = error_set(error, EPIPE, "the domain %.60s has ended without an answer", name);
    if (rc == 0)
        rc = control_read_answer(bytes, (size_t)count, &answer, error);
    if (rc == 0 && !answer.error.code)
        rc = take_answer(socket, patience, request->confirm, error);
    if (rc == 0)
        (void)!recv(socket, &(char){0}, 1, 0); /* until it has closed: one that ends has ended then */
    if (rc == 0 && answer.error.code) {
        if (error)
            *error = answer.error;
        rc = -answer.error.code;
        if (report)
            *report = answer.report;
    } else if (rc == 0 && report) {
        *report = answer.report;
    }
    close(socket);
    return rc;
}
