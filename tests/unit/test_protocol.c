/* runner/protocol.h: what is sent arrives as it was, and nothing else is taken for a message. */
#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "runner/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct message examples[] = {
    {.type = MESSAGE_HELLO,
        .hello = {PROTOCOL_VERSION, "0.1.0", {true, "AMD EPYC"}, {true, "6.1.0"}, true, {true, "kvm"}, 2.5, 3,
            4096}},
    {.type = MESSAGE_PLACE, .place = {GIB, 2 * MIB}},
    {.type = MESSAGE_LAY_OUT, .lay_out = {{MIB, 64, CHASE_RANDOM_IN_PAGE, true, 8}, UINT64_MAX}},
    {.type = MESSAGE_SAMPLE, .plan = {1000000, 16, 8192, 4}},
    {.type = MESSAGE_PROOF},
    {.type = MESSAGE_CLEAR},
    {.type = MESSAGE_BYE},
    {.type = MESSAGE_DONE},
    {.type = MESSAGE_SAMPLED,
        .sample = {.ns = 3.97, .disturbed = DISTURBED_PREEMPTED, .counters = {true, 0, 12}}},
    {.type = MESSAGE_PROVED, .proof = {0, 0.5, true, "host: smaps"}},
    {.type = MESSAGE_FAILED, .failure = {ENOMEM, "no memory"}},
};
enum { EXAMPLES = sizeof examples / sizeof examples[0] };

static struct error error;

static size_t encoded(const struct message *message, uint8_t bytes[static MESSAGE_BYTES_MAX])
{
    memset(bytes, 0xa5, MESSAGE_BYTES_MAX);
    size_t length = message_encode(message, bytes);
    assert_in_range(length, MESSAGE_HEADER_BYTES, MESSAGE_BYTES_MAX);
    return length;
}

/* Header and body together, from memory of just that size, so that reading past it is seen. */
static int decode(const uint8_t *bytes, size_t length, struct message *message)
{
    enum message_type type;
    size_t body = 0;
    memset(&error, 0, sizeof error);
    int rc = message_decode_header(bytes, &type, &body, &error);
    if (rc == 0 && body != length - MESSAGE_HEADER_BYTES)
        return -EMSGSIZE; /* more would be waited for */
    uint8_t *copy = malloc(body ? body : 1);
    assert_non_null(copy);
    if (rc == 0) {
        memcpy(copy, bytes + MESSAGE_HEADER_BYTES, body);
        rc = message_decode(type, copy, body, message, &error);
    }
    free(copy);
    return rc;
}

static void each_message_arrives_as_it_was_sent(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX], again[MESSAGE_BYTES_MAX];
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct message message = {0};
        print_message("# %s\n", message_name(examples[i].type));
        size_t length = encoded(&examples[i], bytes);
        assert_int_equal(decode(bytes, length, &message), 0);
        assert_int_equal(message.type, examples[i].type);
        assert_int_equal(encoded(&message, again), length);
        assert_memory_equal(bytes, again, length);
    }
}

static void fields_arrive_in_their_places(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {0};
    (void)state;
    assert_int_equal(decode(bytes, encoded(&examples[0], bytes), &message), 0);
    assert_string_equal(message.hello.brand.text, "AMD EPYC");
    assert_string_equal(message.hello.guest_of.text, "kvm");
    assert_true(message.hello.ticks_per_ns == 2.5 && message.hello.cpu == 3 && message.hello.is_guest);
    assert_int_equal(decode(bytes, encoded(&examples[2], bytes), &message), 0);
    assert_int_equal(message.lay_out.shape.order, CHASE_RANDOM_IN_PAGE);
    assert_true(message.lay_out.shape.chains == 8 && message.lay_out.seed == UINT64_MAX);
    assert_int_equal(decode(bytes, encoded(&examples[8], bytes), &message), 0);
    assert_true(message.sample.ns == 3.97 && message.sample.counters.page_faults == 12);
    assert_int_equal(message.sample.disturbed, DISTURBED_PREEMPTED);
}

static void the_bytes_are_those_of_version_1(void **state)
{
    static const uint8_t place[] = {0x89, 'V', 'C', 'O', 'S', 'T', '\r', '\n', 2, 0, 0, 0, 16, 0, 0, 0, 0, 0,
        0, 64, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0};
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    assert_int_equal(encoded(&examples[1], bytes), sizeof place);
    assert_memory_equal(bytes, place, sizeof place);
}

static void an_unknown_share_stays_unknown(void **state)
{
    const struct message sent = {.type = MESSAGE_PROVED, .proof = {.host_share_2m = NAN}};
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {0};
    (void)state;
    assert_int_equal(decode(bytes, encoded(&sent, bytes), &message), 0);
    assert_true(isnan(message.proof.host_share_2m));
}

static void every_truncation_is_refused(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        size_t body = encoded(&examples[i], bytes) - MESSAGE_HEADER_BYTES;
        for (size_t left = 0; left < body; left++) {
            struct message message = {.type = MESSAGE_TYPES};
            bytes[12] = (uint8_t)left;
            bytes[13] = (uint8_t)(left >> 8);
            assert_int_equal(decode(bytes, MESSAGE_HEADER_BYTES + left, &message), -EPROTO);
            assert_int_equal(message.type, MESSAGE_TYPES); /* untouched */
            assert_true(error.text[0]);
        }
    }
}

static void what_follows_the_last_field_is_refused(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {0};
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        size_t body = encoded(&examples[i], bytes) - MESSAGE_HEADER_BYTES + 1;
        bytes[12] = (uint8_t)body;
        bytes[13] = (uint8_t)(body >> 8);
        assert_int_equal(decode(bytes, MESSAGE_HEADER_BYTES + body, &message), -EPROTO);
    }
}

/* What decode() takes can be sent again, hence is within the protocol's ranges. */
static void damaged_messages_never_give_impossible_values(void **state)
{
    enum { TRIES = 200000 };
    uint8_t bytes[MESSAGE_BYTES_MAX], again[MESSAGE_BYTES_MAX];
    uint64_t random = 1;
    (void)state;
    for (unsigned i = 0; i < TRIES; i++) {
        struct message message = {0};
        size_t length = encoded(&examples[i % EXAMPLES], bytes);
        for (uint64_t damage = 1 + random_below(&random, 4); damage; damage--)
            bytes[random_below(&random, length)] ^= (uint8_t)(1 + random_below(&random, 255));
        if (decode(bytes, length, &message) == 0)
            assert_true(message_encode(&message, again) > 0);
    }
}

static void refuses(struct message message, const char *field)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    print_message("# %s\n", field);
    assert_int_equal(message_encode(&message, bytes), 0);
}

static void impossible_values_are_refused(void **state)
{
    (void)state;
    for (double ns[] = {0, -1, NAN, INFINITY, 1e-9, 1e300}, *each = ns; each < ns + 6; each++)
        refuses((struct message){.type = MESSAGE_SAMPLED, .sample = {.ns = *each}}, "ns");
    refuses((struct message){.type = MESSAGE_PLACE, .place = {0, 4096}}, "no bytes");
    refuses((struct message){.type = MESSAGE_PLACE, .place = {4096, 8192}}, "page size");
    refuses((struct message){.type = MESSAGE_LAY_OUT, .lay_out = {{4096, 12, CHASE_RANDOM, false, 1}, 0}},
        "element");
    refuses((struct message){.type = MESSAGE_LAY_OUT, .lay_out = {{64, 64, CHASE_RANDOM, false, 2}, 0}},
        "chains");
    refuses((struct message){.type = MESSAGE_SAMPLE, .plan = {0, 1, 0, 0}}, "steps");
    refuses((struct message){.type = MESSAGE_SAMPLE, .plan = {UINT64_MAX, 1, 0, 0}}, "steps");
    refuses((struct message){.type = MESSAGE_PROVED, .proof = {.host_share_2m = 1.5}}, "share");
    refuses((struct message){.type = MESSAGE_FAILED}, "errno");
    refuses((struct message){.type = MESSAGE_TYPES}, "type");
}

static void impossible_headers_are_refused(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    enum message_type type;
    size_t length;
    (void)state;
    encoded(&examples[1], bytes);
    bytes[14] = 1; /* 64 KiB more */
    assert_int_equal(message_decode_header(bytes, &type, &length, &error), -EPROTO);
    for (unsigned wrong = 0; wrong < 256; wrong += wrong ? 1 : MESSAGE_TYPES) {
        encoded(&examples[1], bytes);
        bytes[8] = (uint8_t)wrong;
        assert_int_equal(message_decode_header(bytes, &type, &length, &error), -EPROTO);
    }
}

static void texts_are_cut_and_made_printable(void **state)
{
    struct message sent = {.type = MESSAGE_FAILED, .failure = {EIO, "\033[31mred\n\x80"}}, message;
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    size_t length = encoded(&sent, bytes);
    assert_int_equal(decode(bytes, length, &message), 0);
    assert_string_equal(message.failure.text, "?[31mred??");
    bytes[MESSAGE_HEADER_BYTES + 6] = 0x1b; /* and so where it arrives */
    assert_int_equal(decode(bytes, length, &message), 0);
    assert_string_equal(message.failure.text, "?[31mred??");
    memset(sent.failure.text, 'x', sizeof sent.failure.text); /* without an end */
    assert_int_equal(decode(bytes, encoded(&sent, bytes), &message), 0);
    assert_int_equal(strlen(message.failure.text), sizeof message.failure.text - 1);
}

static void another_version_is_read_up_to_its_name(void **state)
{
    struct message sent = {.type = MESSAGE_HELLO, .hello = {.protocol = 7, .version = "9.9"}}, message = {0};
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    size_t length = MESSAGE_HEADER_BYTES + 4 + 2 + 3;
    message_encode(&sent, bytes);
    memset(bytes + length, 0xee, 10); /* what this version does not know */
    bytes[12] = (uint8_t)(length + 10 - MESSAGE_HEADER_BYTES);
    bytes[13] = 0;
    assert_int_equal(decode(bytes, length + 10, &message), 0);
    assert_int_equal(message.hello.protocol, 7);
    assert_string_equal(message.hello.version, "9.9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_arrives_as_it_was_sent),
        cmocka_unit_test(fields_arrive_in_their_places),
        cmocka_unit_test(the_bytes_are_those_of_version_1),
        cmocka_unit_test(an_unknown_share_stays_unknown),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_follows_the_last_field_is_refused),
        cmocka_unit_test(damaged_messages_never_give_impossible_values),
        cmocka_unit_test(impossible_values_are_refused),
        cmocka_unit_test(impossible_headers_are_refused),
        cmocka_unit_test(texts_are_cut_and_made_printable),
        cmocka_unit_test(another_version_is_read_up_to_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
