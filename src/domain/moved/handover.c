#include "domain/moved/handover.h"

#include "domain/portable/regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct front { /* then the JSON (none: a state alone), filled up to 8 bytes, then the state as in a file */
    struct stored_moment moment;
    uint64_t json_bytes;
};
_Static_assert(sizeof(struct front) == 40, "doc/migration.md");

#define AT(member) FIELD_AT(struct handover, member)
static const struct field fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.migration/3"},
    {"version", FIELD_TEXT, FIELD_NEEDED, AT(version)},
    {"check", FIELD_FLAG, FIELD_NEEDED, AT(check)},
    {"post_copy", FIELD_FLAG, FIELD_NEEDED, AT(post_copy)},
    {"paused", FIELD_FLAG, FIELD_NEEDED, AT(paused)},
    {"pace", FIELD_REAL, FIELD_NEEDED, AT(pace)},
    {"watch", FIELD_REAL, AT(watch), .missing = "not asked for"},
    {"streams", FIELD_COUNT, FIELD_NEEDED, AT(streams)},
    {"token", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(token)},
    {"plan", FIELD_RECORD, FIELD_NEEDED, AT(plan), .of = &portable_plan_record},
};
#undef AT
static const struct record handover_record = {"migration", sizeof(struct handover), RECORD_FIELDS(fields)};

static size_t padded(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

static int print_json(const struct handover *handover, char **json, size_t *bytes, struct error *error)
{
    FILE *stream = open_memstream(json, bytes);
    int rc = stream ? record_print(&handover_record, handover, stream, error) : 0;
    if (!stream || fclose(stream) != 0)
        return error_set(error, ENOMEM, "no memory for the description of a domain");
    return rc;
}

int handover_write(
    const struct handover *handover, bool whole, char **bytes, size_t *count, struct error *error)
{
    char *json = NULL, *state = stored_state_write(&handover->state), *all = NULL;
    size_t json_bytes = 0, state_bytes = stored_state_bytes(&handover->state);
    int rc = whole ? print_json(handover, &json, &json_bytes, error) : 0;
    if (rc == 0 && state)
        all = calloc(1, sizeof(struct front) + padded(json_bytes) + state_bytes);
    if (all) {
        const struct front front = {handover->moment, json_bytes};
        memcpy(all, &front, sizeof front);
        if (json)
            memcpy(all + sizeof front, json, json_bytes);
        memcpy(all + sizeof front + padded(json_bytes), state, state_bytes);
        *bytes = all;
        *count = sizeof front + padded(json_bytes) + state_bytes;
    } else if (rc == 0)
        rc = error_set(error, ENOMEM, "no memory for the state of a domain");
    free(json);
    free(state);
    return rc;
}

static int read_json(const char *text, size_t bytes, struct handover *handover, struct error *error)
{
    struct reader reader = {
        .name = "the message", .what = "domain", .pool = &handover->state.pool, .error = error};
    json_error_t where;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        return error_set(error, EPROTO, "the description of the domain is no JSON");
    int rc = record_read(&handover_record, json, handover, &reader);
    json_decref(json);
    if (rc < 0)
        return -EPROTO;
    if (handover->streams < 1 || handover->streams > WIRE_STREAMS_MAX)
        return error_set(error, EPROTO, "a domain is sent by 1 to %d streams", (int)WIRE_STREAMS_MAX);
    portable_regions_settle(&handover->plan);
    rc = portable_plan_check(&handover->plan, true, error);
    return rc < 0 ? -EPROTO : 0;
}

int handover_read(const char *bytes, size_t count, bool whole, struct handover *handover, struct error *error)
{
    struct front front;
    *handover = (struct handover){.pace = 0};
    if (count < sizeof front)
        return error_set(error, EPROTO, "the description of the domain is cut off");
    memcpy(&front, bytes, sizeof front);
    bytes += sizeof front;
    count -= sizeof front;
    if (front.json_bytes > STORED_PLAN_BYTES_MAX || padded(front.json_bytes) > count)
        return error_set(error, EPROTO, "the description of the domain is longer than its message");
    if (whole != (front.json_bytes > 0))
        return error_set(
            error, EPROTO, "the domain is described where its state alone was due, or the other way round");
    handover->moment = front.moment;
    int rc = whole ? read_json(bytes, front.json_bytes, handover, error) : 0;
    if (rc == 0)
        rc = stored_state_read(
            bytes + padded(front.json_bytes), count - padded(front.json_bytes), &handover->state, error);
    if (rc < 0)
        handover_free(handover);
    return rc;
}

void handover_free(struct handover *handover)
{
    machine_state_free(&handover->state);
}
