#include "runner/protocol.h"

#include "base/clean.h"
#include "base/size.h"
#include "record/record.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const uint8_t message_magic[MESSAGE_MAGIC_BYTES] = {0x89, 'V', 'C', 'O', 'S', 'T', '\r', '\n'};

/* ---- what a body's object must hold ---- */

#define AT(member) FIELD_AT(struct message, member)
#define BODY(kind, table, ...)                                                                               \
    {                                                                                                        \
        kind, sizeof(struct message), RECORD_FIELDS(table), __VA_ARGS__                                      \
    }

static void need(struct reader *reader, const char *key, double value, double least, double most)
{
    if (!(value >= least && value <= most))
        reader_refuse_key(reader, key, "is %g, which cannot be", value);
}

static void check_hello(struct reader *reader, void *base)
{
    const struct message *message = base;
    const struct agent_facts *facts = &message->hello.facts;
    if (!message->hello.able)
        return;
    need(reader, "tsc_ghz", facts->ticks_per_ns, 1e-3, 1e3);
    need(reader, "cpu", facts->cpu, 0, 1 << 20);
    need(reader, "page_bytes", (double)facts->page_bytes, 4 * KIB, GIB);
}

static const struct field hello_fields[] = {
    {"facts", FIELD_RECORD, FIELD_NEEDED | FIELD_PLAIN | FIELD_MAYBE, AT(hello.facts),
        .count_offset = offsetof(struct message, hello.able), .of = &agent_facts_record},
};

#define RUNNER                                                                                               \
    {                                                                                                        \
        "runner", FIELD_COUNT, FIELD_NEEDED, AT(runner)                                                      \
    }

static void check_runner(struct reader *reader, void *base)
{
    need(reader, "runner", ((const struct message *)base)->runner, 0, MESSAGE_RUNNERS_MAX - 1);
}

static bool is_page(uint64_t bytes)
{
    return bytes == 4 * KIB || bytes == 2 * MIB || bytes == GIB;
}

static void check_open(struct reader *reader, void *base)
{
    const struct message *message = base;
    check_runner(reader, base);
    need(reader, "bytes", (double)message->open.bytes, 0, 0x1p50);
    if (message->open.bytes && !is_page(message->open.host_page_bytes))
        reader_refuse_key(reader, "host_page_bytes", "is the size of no page");
    if (message->open.alignment && !is_page(message->open.alignment))
        reader_refuse_key(reader, "alignment", "is the size of no page");
}

static const struct field open_fields[] = {
    RUNNER,
    {"bytes", FIELD_COUNT, FIELD_NEEDED, AT(open.bytes)},
    {"alignment", FIELD_COUNT, FIELD_NEEDED, AT(open.alignment)},
    {"host_page_bytes", FIELD_COUNT, FIELD_NEEDED, AT(open.host_page_bytes)},
};

static const struct field prepare_fields[] = {
    RUNNER,
    {"workload", FIELD_VARIANT, AT(prepare.workload), .hook = &workload_hook},
    {"seed", FIELD_COUNT, FIELD_NEEDED, AT(prepare.seed)},
};

static const struct field sample_fields[] = {
    RUNNER,
    {"effort", FIELD_RECORD, FIELD_NEEDED, AT(effort), .of = &effort_record},
};

static const struct field runner_fields[] = {RUNNER};

static const struct field prepared_fields[] = {
    {"note", FIELD_TEXT, FIELD_NEEDED, AT(note)},
};

static const struct field sampled_fields[] = {
    {"sample", FIELD_RECORD, FIELD_NEEDED, AT(sample), .of = &sample_record},
};

static void check_proof(struct reader *reader, void *base)
{
    double share = ((const struct message *)base)->proof.host_share_2m;
    if (!isnan(share))
        need(reader, "host_share_2m", share, 0, 1);
}

static const struct field proved_fields[] = {
    {"proof", FIELD_RECORD, FIELD_NEEDED, AT(proof), .of = &page_proof_record},
};

static void check_failure(struct reader *reader, void *base)
{
    need(reader, "errno", ((const struct message *)base)->failure.code, 1, 4095); /* the kernel's MAX_ERRNO */
}

static const struct field failure_fields[] = {
    {"errno", FIELD_COUNT, FIELD_NEEDED, AT(failure.code)},
    {"sentence", FIELD_TEXT, FIELD_NEEDED, AT(failure.text)},
};

static const struct record bodies[MESSAGE_TYPES] = {
    [MESSAGE_HELLO] = BODY("HELLO", hello_fields, .check = check_hello),
    [MESSAGE_OPEN] = BODY("OPEN", open_fields, .check = check_open),
    [MESSAGE_PREPARE] = BODY("PREPARE", prepare_fields, .check = check_runner),
    [MESSAGE_SAMPLE] = BODY("SAMPLE", sample_fields, .check = check_runner),
    [MESSAGE_PROOF] = BODY("PROOF", runner_fields, .check = check_runner),
    [MESSAGE_CLOSE] = BODY("CLOSE", runner_fields, .check = check_runner),
    [MESSAGE_BYE] = {"BYE"},
    [MESSAGE_DONE] = {"DONE"},
    [MESSAGE_PREPARED] = BODY("PREPARED", prepared_fields, ),
    [MESSAGE_SAMPLED] = BODY("SAMPLED", sampled_fields, ),
    [MESSAGE_PROVED] = BODY("PROVED", proved_fields, .check = check_proof),
    [MESSAGE_FAILED] = BODY("FAILED", failure_fields, .check = check_failure),
};

static bool is_type(uint64_t type)
{
    return type < MESSAGE_TYPES && bodies[type].name;
}

const char *message_name(enum message_type type)
{
    return is_type(type) ? bodies[type].name : "?";
}

static int read_body(const json_t *json, struct pool *texts, struct message *message, struct error *error)
{
    struct error why;
    struct reader reader = {
        .name = message_name(message->type), .what = "message of vcost", .pool = texts, .error = &why};
    if (reader_takes(&reader, json, "its body", TAKES(JSON_OBJECT)))
        record_read(&bodies[message->type], json, message, &reader);
    return reader.status ? error_set(error, EPROTO, "%s", why.text) : 0;
}

/* ---- bytes ---- */

static void put_number(uint8_t *at, unsigned bytes, uint32_t number)
{
    for (; bytes; bytes--, number >>= 8)
        *at++ = (uint8_t)number;
}

static uint32_t get_number(const uint8_t *at, unsigned bytes)
{
    uint32_t number = 0;
    while (bytes--)
        number = number << 8 | at[bytes];
    return number;
}

enum { VERSION_AT = 6 }; /* in HELLO, behind its protocol and its length */

/* What HELLO begins with in every version of the protocol; returns how long that is. */
static size_t put_versions(const struct message *message, uint8_t *body)
{
    const char *version = message->hello.facts.version;
    size_t length = strnlen(version, sizeof message->hello.facts.version);
    put_number(body, 4, message->hello.protocol);
    put_number(body + 4, 2, (uint32_t)length);
    memcpy(body + VERSION_AT, version, length);
    return VERSION_AT + length;
}

static int get_versions(
    const uint8_t *body, size_t length, struct message *message, size_t *used, struct error *error)
{
    char version[sizeof message->hello.facts.version] = "";
    size_t bytes = length < VERSION_AT ? 0 : get_number(body + 4, 2);
    if (length < VERSION_AT + bytes || bytes >= sizeof version)
        return error_set(error, EPROTO, "HELLO is no message of vcost: it names no version");
    message->hello.protocol = get_number(body, 4);
    memcpy(version, body + VERSION_AT, bytes);
    text_clean(version, TEXT_ASCII, message->hello.facts.version, sizeof version);
    *used = VERSION_AT + bytes;
    return 0;
}

/* ---- whole messages ---- */

size_t message_encode(const struct message *message, uint8_t bytes[static MESSAGE_BYTES_MAX])
{
    struct message taken = {.type = message->type};
    struct pool texts = {0};
    uint8_t *body = bytes + MESSAGE_HEADER_BYTES;
    json_t *json;
    if (!is_type(message->type) || record_write(&bodies[message->type], message, &json, NULL) < 0)
        return 0;
    size_t most = message->type == MESSAGE_HELLO ? HELLO_BODY_MAX : MESSAGE_BODY_MAX;
    size_t used = message->type == MESSAGE_HELLO ? put_versions(message, body) : 0;
    size_t length = used + json_dumpb(json, (char *)body + used, most - used, JSON_COMPACT);
    bool good = length <= most && read_body(json, &texts, &taken, NULL) == 0;
    json_decref(json);
    pool_free(&texts);
    memcpy(bytes, message_magic, MESSAGE_MAGIC_BYTES);
    put_number(bytes + MESSAGE_MAGIC_BYTES, 4, message->type);
    put_number(bytes + MESSAGE_MAGIC_BYTES + 4, 4, (uint32_t)length);
    return good ? MESSAGE_HEADER_BYTES + length : 0;
}

int message_decode_header(const uint8_t header[static MESSAGE_HEADER_BYTES], enum message_type *type,
    size_t *length, struct error *error)
{
    uint32_t number = get_number(header + MESSAGE_MAGIC_BYTES, 4);
    uint32_t bytes = get_number(header + MESSAGE_MAGIC_BYTES + 4, 4);
    if (memcmp(header, message_magic, MESSAGE_MAGIC_BYTES))
        return error_set(error, EPROTO, "what came is no message of vcost");
    if (number > MESSAGE_HELLO && number <= MESSAGE_OF_VERSION_1_LAST)
        return error_set(error, EPROTO,
            "the vcost on the other side speaks version 1 of the protocol, this one version %d: install the "
            "same vcost in both places",
            PROTOCOL_VERSION);
    if (!is_type(number) || bytes > MESSAGE_BODY_MAX)
        return error_set(
            error, EPROTO, "a message has an impossible %s", is_type(number) ? "length" : "type");
    *type = (enum message_type)number;
    *length = bytes;
    return 0;
}

int message_decode(enum message_type type, const uint8_t *body, size_t length, struct pool *texts,
    struct message *message, struct error *error)
{
    struct message read = {.type = type};
    json_error_t wrong;
    size_t used = 0;
    if (!is_type(type) || length > MESSAGE_BODY_MAX)
        return error_set(error, EPROTO, "a message has an impossible type or length");
    int rc = type == MESSAGE_HELLO ? get_versions(body, length, &read, &used, error) : 0;
    if (rc == 0 && (type != MESSAGE_HELLO || read.hello.protocol == PROTOCOL_VERSION)) {
        json_t *json = json_loadb((const char *)body + used, length - used, JSON_REJECT_DUPLICATES, &wrong);
        if (!json)
            return error_set(
                error, EPROTO, "%s is no message of vcost: %.200s", bodies[type].name, wrong.text);
        rc = read_body(json, texts, &read, error);
        json_decref(json);
    }
    if (rc == 0)
        *message = read;
    return rc;
}
