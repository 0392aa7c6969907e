/* What an agent told as JSON. */
#include "record/record.h"
#include "runner/agent_facts.h"

#define AT(member) FIELD_AT(struct agent_facts, member)

static const struct field fields[] = {
    {"version", FIELD_TEXT, AT(version), .about = "Of the agent's vcost."},
    {"cpu_brand", FIELD_FACT, AT(brand)},
    {"kernel", FIELD_FACT, AT(kernel)},
    {"is_guest", FIELD_FLAG, AT(is_guest), .about = "A hypervisor is below its kernel."},
    {"guest_of", FIELD_FACT, AT(guest_of)},
    {"cpu", FIELD_COUNT, AT(cpu), .about = "The CPU that it measured on, as it counts them."},
    {"tsc_ghz", FIELD_REAL, AT(ticks_per_ns), .missing = "not told", .check = "'exclusiveMinimum': 0"},
    {"page_bytes", FIELD_COUNT, AT(page_bytes)},
};
const struct record agent_facts_record = {"agent", sizeof(struct agent_facts), RECORD_FIELDS(fields)};
