/* What stands for a simulated cell, as JSON. */
#include "record/record.h"
#include "result/json.h"

#include <string.h>

static void write_account(struct draft *draft, json_t *object, const void *base)
{
    const struct account *account = &((const struct result_modelled *)base)->account;
    json_t *buckets = json_object();
    for (unsigned i = 0; i < BUCKETS; i++)
        if (account->bucket[i])
            put(draft, buckets, bucket_name(i), json_integer((json_int_t)account->bucket[i]));
    put(draft, object, "account", buckets);
}

static void read_account(struct reader *reader, const json_t *object, void *base)
{
    struct account *account = &((struct result_modelled *)base)->account;
    const json_t *buckets = json_object_get(object, "account");
    uint64_t sum = 0;
    if (!buckets || !reader_takes(reader, buckets, "account", TAKES(JSON_OBJECT)))
        return;
    for (unsigned i = 0; i < BUCKETS && !reader->status; i++) {
        const json_t *value = json_object_get(buckets, bucket_name(i));
        if (!value || !reader_takes(reader, value, bucket_name(i), TAKES(JSON_INTEGER)))
            continue;
        json_int_t cycles = json_integer_value(value);
        if (cycles < 0)
            reader_refuse_key(reader, "account", "has a negative count of cycles");
        sum += account->bucket[i] = (uint64_t)cycles;
    }
    if (sum != account->cycles && !reader->status)
        reader_refuse_key(reader, "account", "does not add up to its cycles");
}

static const struct field_hook account_hook = {.write = write_account,
    .read = read_account,
    .schema = "'account': {'type': 'object', 'additionalProperties': {'type': 'integer', 'minimum': 1}, "
              "'description': 'Where the cycles went; the parts add up to them.'}"};

#define AT(member) FIELD_AT(struct result_modelled, member)
const struct record modelled_record = {"modelled", sizeof(struct result_modelled),
    FIELDS({"machine", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, AT(machine), .about = "Its name."},
        {"summary", FIELD_STRING, FIELD_NEEDED, AT(summary)},
        {"file", FIELD_STRING, FIELD_NEEDED, AT(file), .about = "That describes it."},
        {"sha256", FIELD_STRING, FIELD_NEEDED, AT(sha256), .about = "Of this file, as sha256sum tells it."},
        {"year", FIELD_COUNT, FIELD_NEEDED, AT(year)},
        {"ghz", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(ghz), .about = "Cycles in a nanosecond."},
        {"hypothetical", FIELD_FLAG, FIELD_NEEDED, AT(hypothetical),
            .about = "The technique is one that the machine does not have."},
        {"conditions", FIELD_STRING, FIELD_SOMETIMES | FIELD_PLAIN, AT(conditions),
            .about = "What happened beside the accesses, and where memory was, in words."},
        {"accesses", FIELD_COUNT, FIELD_NEEDED, AT(account.accesses),
            .about = "That were simulated and timed; 0: none."},
        {"cycles", FIELD_COUNT, FIELD_NEEDED, AT(account.cycles), .about = "Of all of them together."},
        {"page_walks", FIELD_COUNT, FIELD_NEEDED, AT(account.walks)},
        {"account", FIELD_HOOK, .hook = &account_hook}),
    .about = "The simulated machine that the figures are of: nothing of this cell was measured."};
