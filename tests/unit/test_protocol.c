/* runner/protocol.h: what is sent arrives as it was, and nothing else is taken for a message. */
#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "runner/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct message examples[] = {
    {.type = MESSAGE_HELLO,
        .hello = {PROTOCOL_VERSION, true,
            {"0.1.0", {true, "AMD EPYC"}, {true, "6.1.0"}, true, {true, "kvm"}, 2.5, 3, 4096}}},
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
    const struct agent_facts *facts = &message.hello.facts;
    assert_string_equal(facts->version, "0.1.0");
    assert_string_equal(facts->brand.text, "AMD EPYC");
    assert_string_equal(facts->guest_of.text, "kvm");
    assert_true(facts->ticks_per_ns == 2.5 && facts->cpu == 3 && facts->is_guest);
    assert_int_equal(decode(bytes, encoded(&examples[2], bytes), &message), 0);
    assert_int_equal(message.lay_out.shape.order, CHASE_RANDOM_IN_PAGE);
    assert_true(message.lay_out.shape.chains == 8 && message.lay_out.seed == UINT64_MAX);
    assert_int_equal(decode(bytes, encoded(&examples[8], bytes), &message), 0);
    assert_true(message.sample.ns == 3.97 && message.sample.counters.page_faults == 12);
    assert_int_equal(message.sample.disturbed, DISTURBED_PREEMPTED);
}

/* A message whose body is this JSON. */
static int decode_json(enum message_type type, const char *json, struct message *message)
{
    memset(&error, 0, sizeof error);
    return message_decode(type, (const uint8_t *)json, strlen(json), message, &error);
}

static void a_body_is_json_behind_a_header(void **state)
{
    static const uint8_t header[] = {0x89, 'V', 'C', 'O', 'S', 'T', '\r', '\n', 16, 0, 0, 0, 46, 0, 0, 0};
    static const char body[] = "{\"bytes\":1073741824,\"host_page_bytes\":2097152}";
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    assert_int_equal(encoded(&examples[1], bytes), sizeof header + strlen(body));
    assert_memory_equal(bytes, header, sizeof header);
    assert_memory_equal(bytes + sizeof header, body, strlen(body));
}

static size_t recorded(const char *name, uint8_t bytes[static MESSAGE_BYTES_MAX])
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fixtures/protocol-1/%s", getenv("VCOST_SOURCE_ROOT"), name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(bytes, 1, MESSAGE_BYTES_MAX, file);
    fclose(file);
    return length;
}

static void an_agent_of_version_1_is_recognized(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {0};
    (void)state;
    assert_int_equal(decode(bytes, recorded("hello", bytes), &message), 0);
    assert_int_equal(message.hello.protocol, 1);
    assert_string_equal(message.hello.facts.version, "0.1.0");
    assert_int_equal(decode(bytes, recorded("failed", bytes), &message), -EPROTO);
    assert_non_null(strstr(error.text, "version 1 of the protocol"));
    assert_non_null(strstr(error.text, "install the same vcost in both places"));
}

static void a_request_of_version_1_is_recognized(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    enum message_type type;
    size_t length = recorded("requests", bytes), body;
    (void)state;
    unsigned requests = 0;
    for (size_t at = 0; at < length; at += MESSAGE_HEADER_BYTES + bytes[at + 12], requests++) {
        assert_int_equal(message_decode_header(bytes + at, &type, &body, &error), -EPROTO);
        assert_non_null(strstr(error.text, "install the same vcost in both places"));
    }
    assert_int_equal(requests, 6);
}

/* What version 1 reads of it: a header with the type 1 and at most 4096 bytes, its protocol, its vcost. */
static void a_hello_is_read_by_version_1_up_to_its_name(void **state)
{
    struct message longest = {.type = MESSAGE_HELLO, .hello = {.protocol = PROTOCOL_VERSION, .able = true}};
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    longest.hello.facts = examples[0].hello.facts;
    memset(longest.hello.facts.brand.text, 1, sizeof longest.hello.facts.brand.text - 1);
    longest.hello.facts.kernel = longest.hello.facts.guest_of = longest.hello.facts.brand;
    size_t length = encoded(&longest, bytes);
    assert_in_range(length, 3000, MESSAGE_HEADER_BYTES + 4096);
    assert_memory_equal(bytes, "\x89VCOST\r\n\1\0\0\0", 12);
    assert_int_equal(bytes[12] | bytes[13] << 8 | bytes[14] << 16, length - MESSAGE_HEADER_BYTES);
    assert_memory_equal(bytes + MESSAGE_HEADER_BYTES,
        "\2\0\0\0\5\0"
        "0.1.0{",
        12);
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

static void set_length(uint8_t *bytes, size_t body)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[12 + i] = (uint8_t)(body >> (8 * i));
}

static void every_truncation_is_refused(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        size_t body = encoded(&examples[i], bytes) - MESSAGE_HEADER_BYTES;
        for (size_t left = 0; left < body; left++) {
            struct message message = {.type = MESSAGE_TYPES};
            set_length(bytes, left);
            assert_int_equal(decode(bytes, MESSAGE_HEADER_BYTES + left, &message), -EPROTO);
            assert_int_equal(message.type, MESSAGE_TYPES); /* untouched */
            assert_true(error.text[0]);
        }
    }
}

static void what_follows_the_object_is_refused(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {0};
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        size_t body = encoded(&examples[i], bytes) - MESSAGE_HEADER_BYTES + 1;
        set_length(bytes, body);
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
    set_length(bytes, MESSAGE_BODY_MAX);
    assert_int_equal(message_decode_header(bytes, &type, &length, &error), 0);
    set_length(bytes, MESSAGE_BODY_MAX + 1);
    assert_int_equal(message_decode_header(bytes, &type, &length, &error), -EPROTO);
    set_length(bytes, UINT32_MAX);
    assert_int_equal(message_decode_header(bytes, &type, &length, &error), -EPROTO);
    for (unsigned wrong = 0; wrong < 256; wrong++) {
        if (wrong == MESSAGE_HELLO || (wrong >= MESSAGE_PLACE && wrong < MESSAGE_TYPES))
            continue;
        encoded(&examples[1], bytes);
        bytes[8] = (uint8_t)wrong;
        assert_int_equal(message_decode_header(bytes, &type, &length, &error), -EPROTO);
    }
}

static void texts_are_cut_and_valid(void **state)
{
    struct message sent = {.type = MESSAGE_FAILED, .failure = {EIO, "\033[31mred\n\x80"}}, message;
    uint8_t bytes[MESSAGE_BYTES_MAX];
    char json[2048], words[1100];
    (void)state;
    assert_int_equal(decode(bytes, encoded(&sent, bytes), &message), 0);
    assert_string_equal(message.failure.text, "\033[31mred\n\xef\xbf\xbd"); /* U+FFFD */
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    snprintf(json, sizeof json, "{\"errno\": 5, \"sentence\": \"%s\"}", words);
    assert_int_equal(decode_json(MESSAGE_FAILED, json, &message), 0);
    assert_int_equal(strlen(message.failure.text), sizeof message.failure.text - 1);
    assert_int_equal(
        decode_json(MESSAGE_FAILED, "{\"errno\": 5, \"sentence\": \"\x80\"}", &message), -EPROTO);
    assert_int_equal(
        decode_json(MESSAGE_FAILED, "{\"errno\": 5, \"sentence\": \"\\u0000\"}", &message), -EPROTO);
}

/* A deep one, as large as a body may be, is refused without a crash. */
static void nested_json_is_refused(void **state)
{
    static char deep[MESSAGE_BODY_MAX];
    struct message message;
    (void)state;
    for (size_t depth = 1; depth <= sizeof deep / 2; depth *= 2) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        assert_int_equal(message_decode(MESSAGE_DONE, (uint8_t *)deep, 2 * depth, &message, &error), -EPROTO);
        assert_int_equal(message_decode(MESSAGE_DONE, (uint8_t *)deep, depth, &message, &error), -EPROTO);
    }
}

static void a_body_beyond_the_bound_is_refused(void **state)
{
    static char large[MESSAGE_BODY_MAX + 1];
    struct message message;
    (void)state;
    memset(large, ' ', sizeof large);
    memcpy(large, "{}", 2);
    assert_int_equal(message_decode(MESSAGE_DONE, (uint8_t *)large, MESSAGE_BODY_MAX, &message, &error), 0);
    assert_int_equal(message_decode(MESSAGE_DONE, (uint8_t *)large, sizeof large, &message, &error), -EPROTO);
}

static void what_is_no_object_with_its_fields_is_refused(void **state)
{
    static const struct {
        enum message_type type;
        const char *json;
    } wrong[] = {
        {MESSAGE_DONE, ""},
        {MESSAGE_DONE, "[]"},
        {MESSAGE_DONE, "null"},
        {MESSAGE_DONE, "{\"a\": 1, \"a\": 1}"},
        {MESSAGE_DONE, "{\"a\": {\"b\": 1, \"b\": 2}}"},
        {MESSAGE_PLACE, "{}"},
        {MESSAGE_PLACE, "{\"bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": \"4096\", \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": 4096.0, \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": true, \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": [4096], \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": null, \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": -1, \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": 99999999999999999999, \"host_page_bytes\": 4096}"},
        {MESSAGE_PLACE, "{\"bytes\": 9000000000000000000, \"host_page_bytes\": 4096}"},
        {MESSAGE_FAILED, "{\"errno\": NaN, \"sentence\": \"\"}"},
        {MESSAGE_FAILED, "{\"errno\": Infinity, \"sentence\": \"\"}"},
        {MESSAGE_FAILED, "{\"errno\": 5, \"sentence\": null}"},
        {MESSAGE_FAILED, "{\"errno\": 4294967297, \"sentence\": \"\"}"},
    };
    struct message message = {.type = MESSAGE_TYPES};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        print_message("# %s\n", wrong[i].json);
        assert_int_equal(decode_json(wrong[i].type, wrong[i].json, &message), -EPROTO);
        assert_non_null(strstr(error.text, message_name(wrong[i].type)));
        assert_int_equal(message.type, MESSAGE_TYPES); /* untouched */
    }
}

static void another_version_is_read_up_to_its_name(void **state)
{
    static const uint8_t body[] = "\7\0\0\0\3\0"
                                  "9.9 what this version does not know";
    struct message message = {0};
    (void)state;
    assert_int_equal(message_decode(MESSAGE_HELLO, body, sizeof body, &message, &error), 0);
    assert_int_equal(message.hello.protocol, 7);
    assert_string_equal(message.hello.facts.version, "9.9");
    assert_false(message.hello.able);
    for (size_t length = 0; length < 9; length++)
        assert_int_equal(message_decode(MESSAGE_HELLO, body, length, &message, &error), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_arrives_as_it_was_sent),
        cmocka_unit_test(fields_arrive_in_their_places),
        cmocka_unit_test(a_body_is_json_behind_a_header),
        cmocka_unit_test(an_agent_of_version_1_is_recognized),
        cmocka_unit_test(a_request_of_version_1_is_recognized),
        cmocka_unit_test(a_hello_is_read_by_version_1_up_to_its_name),
        cmocka_unit_test(an_unknown_share_stays_unknown),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_follows_the_object_is_refused),
        cmocka_unit_test(damaged_messages_never_give_impossible_values),
        cmocka_unit_test(impossible_values_are_refused),
        cmocka_unit_test(impossible_headers_are_refused),
        cmocka_unit_test(texts_are_cut_and_valid),
        cmocka_unit_test(nested_json_is_refused),
        cmocka_unit_test(a_body_beyond_the_bound_is_refused),
        cmocka_unit_test(what_is_no_object_with_its_fields_is_refused),
        cmocka_unit_test(another_version_is_read_up_to_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
