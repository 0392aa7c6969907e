/* runner/protocol.h: what is sent arrives as it was, and nothing else is taken for a message. */
#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "event/event_kind.h"
#include "runner/chase_kind.h"
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
    {.type = MESSAGE_OPEN, .runner = 1, .open = {GIB, 2 * MIB, 4 * KIB}},
    {.type = MESSAGE_PREPARE, .prepare = {.seed = UINT64_MAX}}, /* a chase */
    {.type = MESSAGE_PREPARE, .prepare = {.seed = 1}},          /* an event */
    {.type = MESSAGE_SAMPLE, .runner = 31, .effort = {1000000, 16, 8192, 4, 0.02}},
    {.type = MESSAGE_PROOF},
    {.type = MESSAGE_CLOSE},
    {.type = MESSAGE_BYE},
    {.type = MESSAGE_DONE},
    {.type = MESSAGE_PREPARED, .note = "slow"},
    {.type = MESSAGE_SAMPLED,
        .sample = {{{"time", "ns", 3.97}, {"throughput", "bytes", 1e9}}, 2, 160000,
            {{{"page_faults", 12}}, 1}, {true, 1, 2, 3, 4}, DISTURBED_PREEMPTED}},
    {.type = MESSAGE_PROVED, .proof = {0, 0.5, 0, true, "host: smaps"}},
    {.type = MESSAGE_FAILED, .failure = {ENOMEM, "no memory"}},
};
enum { EXAMPLES = sizeof examples / sizeof examples[0] };

static struct error error;
static struct pool texts;

static const struct message *example(enum message_type type)
{
    size_t i = 0;
    while (examples[i].type != type)
        i++;
    return &examples[i];
}

static int choose_workloads(void **state)
{
    const struct chase_shape shape = {MIB, 64, CHASE_RANDOM_IN_PAGE, true, 8};
    (void)state;
    examples[2].prepare.workload = chase_workload(&shape);
    examples[3].prepare.workload = event_workload(event_find("retouch-lines"), 64 * KIB);
    return 0;
}

static int free_texts(void **state)
{
    (void)state;
    pool_free(&texts);
    return 0;
}

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
        rc = message_decode(type, copy, body, &texts, message, &error);
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
    const struct chase_shape *shape = chase_of(&message.prepare.workload);
    assert_true(shape && shape->order == CHASE_RANDOM_IN_PAGE && shape->chains == 8);
    assert_true(message.prepare.seed == UINT64_MAX);
    assert_int_equal(decode(bytes, encoded(&examples[3], bytes), &message), 0);
    const struct event_parameters *event = event_of(&message.prepare.workload);
    assert_true(event && event->size_bytes == 64 * KIB);
    assert_string_equal(event->name, "retouch-lines");
    assert_int_equal(decode(bytes, encoded(example(MESSAGE_SAMPLE), bytes), &message), 0);
    assert_true(message.runner == 31 && message.effort.batches == 16 && message.effort.seconds == 0.02);
}

static void a_sample_arrives_with_all_that_it_tells(void **state)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {0};
    const struct sample *sample = &message.sample;
    uint64_t faults = 0;
    (void)state;
    assert_int_equal(decode(bytes, encoded(example(MESSAGE_SAMPLED), bytes), &message), 0);
    assert_true(sample->metric_count == 2 && sample_value(sample) == 3.97 && sample->operations == 160000);
    assert_string_equal(sample->metrics[1].name, "throughput");
    assert_string_equal(sample->metrics[1].unit, "bytes");
    assert_true(counters_get(&sample->counters, "page_faults", &faults) && faults == 12);
    assert_false(counters_get(&sample->counters, "exits", &faults));
    assert_true(sample->evidence.steal_known && sample->evidence.wall_ns == 3);
    assert_int_equal(sample->disturbed, DISTURBED_PREEMPTED);
}

/* A message whose body is this JSON. */
static int decode_json(enum message_type type, const char *json, struct message *message)
{
    memset(&error, 0, sizeof error);
    return message_decode(type, (const uint8_t *)json, strlen(json), &texts, message, &error);
}

static void a_body_is_json_behind_a_header(void **state)
{
    static const uint8_t header[] = {0x89, 'V', 'C', 'O', 'S', 'T', '\r', '\n', 16, 0, 0, 0, 74, 0, 0, 0};
    static const char body[] =
        "{\"runner\":1,\"bytes\":1073741824,\"alignment\":2097152,\"host_page_bytes\":4096}";
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
    struct message sampled = *example(MESSAGE_SAMPLED), prepare = examples[2];
    for (double ns[] = {0, -1, NAN, INFINITY, 1e300}, *each = ns; each < ns + 5; each++) {
        sampled.sample.metrics[0].value = *each;
        refuses(sampled, "ns");
    }
    sampled.sample.metric_count = 0;
    refuses(sampled, "no figure");
    sampled = *example(MESSAGE_SAMPLED);
    sampled.sample.operations = 0;
    refuses(sampled, "of nothing");
    refuses((struct message){.type = MESSAGE_OPEN, .open = {UINT64_C(1) << 51, 0, 4096}}, "bytes");
    refuses((struct message){.type = MESSAGE_OPEN, .open = {4096, 0, 8192}}, "page size");
    refuses((struct message){.type = MESSAGE_OPEN, .open = {4096, 12, 4096}}, "alignment");
    refuses((struct message){.type = MESSAGE_PROOF, .runner = MESSAGE_RUNNERS_MAX}, "runner");
    prepare.prepare.workload = chase_workload(&(struct chase_shape){4096, 12, CHASE_RANDOM, false, 1});
    refuses(prepare, "element");
    prepare.prepare.workload = chase_workload(&(struct chase_shape){64, 64, CHASE_RANDOM, false, 2});
    refuses(prepare, "chains");
    refuses((struct message){.type = MESSAGE_SAMPLE, .effort = {0, 1, 0, 0, 0}}, "steps");
    refuses((struct message){.type = MESSAGE_SAMPLE, .effort = {UINT64_MAX, 1, 0, 0, 0}}, "steps");
    refuses((struct message){.type = MESSAGE_SAMPLE, .effort = {1, 1, 0, 0, NAN}}, "seconds");
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
        if (wrong == MESSAGE_HELLO || (wrong >= MESSAGE_OPEN && wrong < MESSAGE_TYPES))
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
        assert_int_equal(
            message_decode(MESSAGE_DONE, (uint8_t *)deep, 2 * depth, &texts, &message, &error), -EPROTO);
        assert_int_equal(
            message_decode(MESSAGE_DONE, (uint8_t *)deep, depth, &texts, &message, &error), -EPROTO);
    }
}

static void a_body_beyond_the_bound_is_refused(void **state)
{
    static char large[MESSAGE_BODY_MAX + 1];
    struct message message;
    (void)state;
    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[1] = '}';
    assert_int_equal(
        message_decode(MESSAGE_DONE, (uint8_t *)large, MESSAGE_BODY_MAX, &texts, &message, &error), 0);
    assert_int_equal(
        message_decode(MESSAGE_DONE, (uint8_t *)large, sizeof large, &texts, &message, &error), -EPROTO);
}

#define OPEN(bytes) "{\"runner\": 0, \"bytes\": " bytes ", \"alignment\": 0, \"host_page_bytes\": 4096}"
#define PREPARE(workload) "{\"runner\": 0, \"workload\": " workload ", \"seed\": 1}"
#define SAMPLED(metrics) "{\"sample\": {\"metrics\": " metrics ", \"operations\": 1}}"
#define METRIC(value) "{\"name\": \"time\", \"unit\": \"ns\", \"value\": " value "}"

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
        {MESSAGE_OPEN, "{}"},
        {MESSAGE_OPEN, "{\"bytes\": 4096}"},
        {MESSAGE_OPEN, OPEN("\"4096\"")},
        {MESSAGE_OPEN, OPEN("4096.5")},
        {MESSAGE_OPEN, OPEN("true")},
        {MESSAGE_OPEN, OPEN("[4096]")},
        {MESSAGE_SAMPLE, "{\"runner\": 0, \"effort\": null}"},
        {MESSAGE_OPEN, OPEN("-1")},
        {MESSAGE_OPEN, OPEN("99999999999999999999")},
        {MESSAGE_OPEN, OPEN("9000000000000000000")},
        {MESSAGE_PREPARE, PREPARE("1")},
        {MESSAGE_PREPARE, PREPARE("\"chase\", \"parameters\": null")},
        {MESSAGE_PREPARE, PREPARE("\"chase\", \"parameters\": []")},
        {MESSAGE_PREPARE, PREPARE("\"cpuid\", \"parameters\": {\"size_bytes\": -1}")},
        {MESSAGE_SAMPLED, "{\"sample\": null}"},
        {MESSAGE_SAMPLED, SAMPLED("null")},
        {MESSAGE_SAMPLED, SAMPLED("[]")},
        {MESSAGE_SAMPLED, SAMPLED("[1]")},
        {MESSAGE_SAMPLED, SAMPLED("[" METRIC("null") "]")},
        {MESSAGE_SAMPLED, SAMPLED("[" METRIC("\"1\"") "]")},
        {MESSAGE_SAMPLED, SAMPLED("[" METRIC("1e999") "]")},
        {MESSAGE_SAMPLED, SAMPLED("[" METRIC("1e19") "]")},
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

static void what_cannot_run_is_left_to_the_check_of_its_kind(void **state)
{
    static const char *const wrong[] = {
        PREPARE("\"chase\""),
        PREPARE("\"chase\", \"parameters\": {}"),
        PREPARE("\"sort\", \"parameters\": {}"),
        PREPARE("\"cpuid\", \"parameters\": {\"size_bytes\": 4096}"),
    };
    struct message message;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int rc = decode_json(MESSAGE_PREPARE, wrong[i], &message);
        print_message("# %s: %s\n", wrong[i], error.text);
        assert_int_equal(rc, 0);
        const struct workload *workload = &message.prepare.workload;
        assert_int_equal(workload->kind->check(workload, &error), -EINVAL);
    }
}

static void another_version_is_read_up_to_its_name(void **state)
{
    static const uint8_t body[] = "\7\0\0\0\3\0"
                                  "9.9 what this version does not know";
    struct message message = {0};
    (void)state;
    assert_int_equal(message_decode(MESSAGE_HELLO, body, sizeof body, &texts, &message, &error), 0);
    assert_int_equal(message.hello.protocol, 7);
    assert_string_equal(message.hello.facts.version, "9.9");
    assert_false(message.hello.able);
    for (size_t length = 0; length < 9; length++)
        assert_int_equal(message_decode(MESSAGE_HELLO, body, length, &texts, &message, &error), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_arrives_as_it_was_sent),
        cmocka_unit_test(fields_arrive_in_their_places),
        cmocka_unit_test(a_sample_arrives_with_all_that_it_tells),
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
        cmocka_unit_test(what_cannot_run_is_left_to_the_check_of_its_kind),
        cmocka_unit_test(another_version_is_read_up_to_its_name),
    };
    return cmocka_run_group_tests(tests, choose_workloads, free_texts);
}
