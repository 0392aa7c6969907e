#include "runner/protocol.h"

#include "base/size.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const uint8_t message_magic[MESSAGE_MAGIC_BYTES] = {0x89, 'V', 'C', 'O', 'S', 'T', '\r', '\n'};

/* ---- fields, the same description for both directions ---- */

struct codec {
    bool reading;
    uint8_t *at, *end;
    const char *wrong; /* the first field that is missing or impossible */
};

static void refuse(struct codec *codec, const char *name)
{
    if (!codec->wrong)
        codec->wrong = name;
}

/* Room (or input) for `count` bytes more, NULL if there is none. */
static uint8_t *take(struct codec *codec, const char *name, size_t count)
{
    uint8_t *at = codec->at;
    if (codec->wrong || (size_t)(codec->end - at) < count) {
        refuse(codec, name);
        return NULL;
    }
    codec->at += count;
    return at;
}

/* A number from `least` to `most` in so many bytes. */
static void number(
    struct codec *codec, const char *name, uint64_t *value, unsigned bytes, uint64_t least, uint64_t most)
{
    uint8_t *at = take(codec, name, bytes);
    uint64_t read = codec->reading ? 0 : *value;
    for (unsigned i = 0; at && i < bytes; i++) {
        if (codec->reading)
            read |= (uint64_t)at[i] << (8 * i);
        else
            at[i] = (uint8_t)(read >> (8 * i));
    }
    if (!at || read < least || read > most)
        refuse(codec, name);
    else
        *value = read;
}

static void number32(struct codec *codec, const char *name, uint32_t *value, uint32_t least, uint32_t most)
{
    uint64_t wide = *value;
    number(codec, name, &wide, 4, least, most);
    *value = (uint32_t)wide;
}

static void truth(struct codec *codec, const char *name, bool *value)
{
    uint64_t wide = *value;
    number(codec, name, &wide, 1, 0, 1);
    *value = wide;
}

static void real(struct codec *codec, const char *name, double *value, double least, double most)
{
    uint64_t bits = 0;
    double read;
    if (!codec->reading)
        memcpy(&bits, value, sizeof bits);
    number(codec, name, &bits, 8, 0, UINT64_MAX);
    memcpy(&read, &bits, sizeof read);
    if (!(read >= least && read <= most))
        refuse(codec, name);
    else
        *value = read;
}

static char printable(uint8_t c)
{
    return c >= ' ' && c <= '~' ? (char)c : '?';
}

/* text[size], ends with NUL. */
static void text(struct codec *codec, const char *name, char *text, size_t size)
{
    uint64_t length = codec->reading ? 0 : strnlen(text, size - 1);
    number(codec, name, &length, 2, 0, size - 1);
    uint8_t *at = take(codec, name, length);
    for (size_t i = 0; at && i < length; i++) {
        if (codec->reading)
            text[i] = printable(at[i]);
        else
            at[i] = (uint8_t)printable((uint8_t)text[i]);
    }
    if (at && codec->reading)
        text[length] = '\0';
}

static void fact(struct codec *codec, const char *name, struct fact *fact)
{
    truth(codec, name, &fact->known);
    text(codec, name, fact->text, sizeof fact->text);
}

/* ---- messages ---- */

static void nothing(struct codec *codec, struct message *message)
{
    (void)codec, (void)message;
}

static void hello(struct codec *codec, struct message *message)
{
    struct agent_facts *facts = &message->hello;
    number32(codec, "protocol version", &facts->protocol, 1, UINT32_MAX);
    text(codec, "vcost version", facts->version, sizeof facts->version);
    if (facts->protocol != PROTOCOL_VERSION) { /* what follows is not known */
        codec->at = codec->end;
        return;
    }
    fact(codec, "CPU", &facts->brand);
    fact(codec, "kernel", &facts->kernel);
    truth(codec, "is guest", &facts->is_guest);
    fact(codec, "guest of", &facts->guest_of);
    real(codec, "TSC ticks in a ns", &facts->ticks_per_ns, 1e-3, 1e3);
    number32(codec, "CPU number", &facts->cpu, 0, 1 << 20);
    number(codec, "page size", &facts->page_bytes, 8, 4 * KIB, GIB);
}

static void place(struct codec *codec, struct message *message)
{
    uint64_t *page = &message->place.host_page_bytes;
    number(codec, "bytes", &message->place.bytes, 8, 1, UINT64_C(1) << 50);
    number(codec, "page size", page, 8, 4 * KIB, GIB);
    if (*page != 4 * KIB && *page != 2 * MIB && *page != GIB)
        refuse(codec, "page size");
}

static void shape(struct codec *codec, struct message *message)
{
    struct chase_shape *shape = &message->lay_out.shape;
    uint32_t order = shape->order, chains = shape->chains;
    number(codec, "working set", &shape->working_set_bytes, 8, 1, UINT64_C(1) << 50);
    number32(codec, "element", &shape->element_bytes, 8, CHASE_ELEMENT_BYTES_MAX);
    number32(codec, "order", &order, 0, CHASE_ORDERS - 1);
    truth(codec, "write", &shape->write);
    number32(codec, "chains", &chains, 1, CHASE_CHAINS_MAX);
    number(codec, "seed", &message->lay_out.seed, 8, 0, UINT64_MAX);
    if (codec->wrong)
        return;
    shape->order = (enum chase_order)order;
    shape->chains = chains;
    if (chase_check(shape, NULL) < 0)
        refuse(codec, "shape");
}

/* So that no product of them overflows, and far from what anybody waits for. */
enum { STEPS_BITS = 40, BATCHES_MAX = 1 << 16, WARM_LIMIT_MAX = 1 << 10 };

static void plan(struct codec *codec, struct message *message)
{
    const uint64_t most = UINT64_C(1) << STEPS_BITS;
    number(codec, "steps", &message->plan.steps, 8, 1, most);
    number(codec, "batches", &message->plan.batches, 8, 1, BATCHES_MAX);
    number(codec, "warm-up steps", &message->plan.warm_steps, 8, 0, most);
    number(codec, "warm-up batches", &message->plan.warm_limit, 8, 0, WARM_LIMIT_MAX);
}

/* No CPU makes a hop in a hundredth of a ns, and nobody waits for one that takes 0.1 s. */
static const double hop_ns_least = 0.01, hop_ns_most = 1e8;

static void sample(struct codec *codec, struct message *message)
{
    struct sample *sample = &message->sample;
    uint32_t disturbed = sample->disturbed;
    double ns = sample_value(sample);
    uint64_t faults = 0;
    bool known = counters_get(&sample->counters, "page_faults", &faults);
    real(codec, "ns", &ns, hop_ns_least, hop_ns_most);
    number32(codec, "disturbed", &disturbed, 0, DISTURBANCES - 1);
    truth(codec, "counters known", &known);
    number(codec, "page faults", &faults, 8, 0, UINT64_C(1) << 40);
    if (codec->wrong)
        return;
    *sample = (struct sample){.disturbed = (enum disturbance)disturbed};
    sample_set_time(sample, ns, 0);
    if (known)
        counters_set(&sample->counters, "page_faults", faults);
}

static void proof(struct codec *codec, struct message *message)
{
    struct page_proof *proof = &message->proof;
    bool known = !isnan(proof->host_share_2m);
    double share = known ? proof->host_share_2m : 0;
    truth(codec, "share known", &known);
    real(codec, "share of 2 MiB pages", &share, 0, 1);
    truth(codec, "as asked", &proof->as_asked);
    text(codec, "proof", proof->proof, sizeof proof->proof);
    proof->host_share_2m = known ? share : NAN;
    proof->guest_bytes = 0;
}

enum { ERRNO_MAX = 4095 }; /* the kernel's MAX_ERRNO */

static void failure(struct codec *codec, struct message *message)
{
    uint32_t code = (uint32_t)message->failure.code;
    number32(codec, "errno", &code, 1, ERRNO_MAX);
    text(codec, "sentence", message->failure.text, sizeof message->failure.text);
    message->failure.code = (int)code;
}

static const struct {
    const char *name;
    void (*fields)(struct codec *codec, struct message *message);
} kinds[MESSAGE_TYPES] = {
    [MESSAGE_HELLO] = {"HELLO", hello},
    [MESSAGE_PLACE] = {"PLACE", place},
    [MESSAGE_LAY_OUT] = {"LAY_OUT", shape},
    [MESSAGE_SAMPLE] = {"SAMPLE", plan},
    [MESSAGE_PROOF] = {"PROOF", nothing},
    [MESSAGE_CLEAR] = {"CLEAR", nothing},
    [MESSAGE_BYE] = {"BYE", nothing},
    [MESSAGE_DONE] = {"DONE", nothing},
    [MESSAGE_SAMPLED] = {"SAMPLED", sample},
    [MESSAGE_PROVED] = {"PROVED", proof},
    [MESSAGE_FAILED] = {"FAILED", failure},
};

static bool is_type(uint64_t type)
{
    return type < MESSAGE_TYPES && kinds[type].name;
}

const char *message_name(enum message_type type)
{
    return is_type(type) ? kinds[type].name : "?";
}

/* ---- whole messages ---- */

size_t message_encode(const struct message *message, uint8_t bytes[static MESSAGE_BYTES_MAX])
{
    struct message copy = *message;
    struct codec codec = {.at = bytes + MESSAGE_HEADER_BYTES, .end = bytes + MESSAGE_BYTES_MAX};
    if (!is_type(message->type))
        return 0;
    kinds[message->type].fields(&codec, &copy);
    uint8_t *end = codec.at;
    codec.at = bytes + MESSAGE_MAGIC_BYTES;
    uint32_t type = message->type, length = (uint32_t)(end - bytes) - MESSAGE_HEADER_BYTES;
    memcpy(bytes, message_magic, MESSAGE_MAGIC_BYTES);
    number32(&codec, "type", &type, 0, UINT32_MAX);
    number32(&codec, "length", &length, 0, MESSAGE_BODY_MAX);
    return codec.wrong ? 0 : (size_t)(end - bytes);
}

int message_decode_header(const uint8_t header[static MESSAGE_HEADER_BYTES], enum message_type *type,
    size_t *length, struct error *error)
{
    uint8_t copy[MESSAGE_HEADER_BYTES];
    struct codec codec = {true, copy + MESSAGE_MAGIC_BYTES, copy + MESSAGE_HEADER_BYTES, NULL};
    uint32_t number = 0, bytes = 0;
    memcpy(copy, header, sizeof copy);
    number32(&codec, "type", &number, 0, UINT32_MAX);
    number32(&codec, "length", &bytes, 0, MESSAGE_BODY_MAX);
    if (memcmp(header, message_magic, MESSAGE_MAGIC_BYTES))
        return error_set(error, EPROTO, "what came is no message of vcost");
    if (codec.wrong || !is_type(number))
        return error_set(error, EPROTO, "a message has an impossible %s", codec.wrong ? codec.wrong : "type");
    *type = (enum message_type)number;
    *length = bytes;
    return 0;
}

int message_decode(
    enum message_type type, const uint8_t *body, size_t length, struct message *message, struct error *error)
{
    struct message read = {.type = type};
    if (!is_type(type) || length > MESSAGE_BODY_MAX)
        return error_set(error, EPROTO, "a message has an impossible type or length");
    uint8_t *at = (uint8_t *)body; /* not written to, as this codec reads */
    struct codec codec = {true, at, at + length, NULL};
    kinds[type].fields(&codec, &read);
    if (codec.wrong)
        return error_set(error, EPROTO, "the message %s has an impossible %s", kinds[type].name, codec.wrong);
    if (codec.at != codec.end)
        return error_set(error, EPROTO, "the message %s is too long", kinds[type].name);
    *message = read;
    return 0;
}
