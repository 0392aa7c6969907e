/* What a monitor does on a host as JSON. */
#include "monitor/monitor_facts.h"
#include "record/record.h"

#include <string.h>

#define AT(member) FIELD_AT(struct monitor_facts, member)

static const char not_told[] = "could not be told by trying";

static const char *unusable(const struct monitor_facts *facts)
{
    return !facts->name[0] || !strcmp(facts->name, "kvm") ? "KVM is not usable" : "it is not usable";
}

static const char *unusable_reason(const void *base)
{
    const struct monitor_facts *facts = base;
    return facts->usable ? NULL : facts->reason;
}

static const char *no_technique(const void *base)
{
    const struct monitor_facts *facts = base;
    if (!facts->usable)
        return unusable(facts);
    return facts->technique == TECHNIQUE_UNKNOWN ? not_told : NULL;
}

static const char *no_proof(const void *base)
{
    const struct monitor_facts *facts = base;
    if (facts->technique_proof[0])
        return NULL;
    return facts->usable ? not_told : unusable(facts);
}

static const char *no_syscall(const void *base)
{
    const struct monitor_facts *facts = base;
    if (!facts->usable)
        return unusable(facts);
    return facts->syscall_privilege < 0 ? not_told : NULL;
}

static const struct field parameter_fields[] = {
    {"name", FIELD_TEXT, FIELD_AT(struct monitor_parameter, name)},
    {"value", FIELD_TEXT, FIELD_AT(struct monitor_parameter, value)},
};
static const struct record parameter_record = {
    "parameter", sizeof(struct monitor_parameter), RECORD_FIELDS(parameter_fields)};

static const struct field facts_fields[] = {
    {"usable", FIELD_FLAG, AT(usable)},
    {"reason", FIELD_REASON, AT(reason), .why = unusable_reason,
        .about = "Why it is not usable and what to do; null if it is."},
    {"technique", FIELD_ENUM, FIELD_OPEN, AT(technique), FIELD_NAMES(technique_names),
        .other = TECHNIQUE_UNKNOWN, .why = no_technique, .about = "How memory is virtualized here."},
    {"technique_proof", FIELD_TEXT, AT(technique_proof), .why = no_proof,
        .about = "How the technique is known."},
    {"provider", FIELD_FACT, AT(provider),
        .about = "The module behind /dev/kvm: kvm_intel, kvm_amd, kvm_pvm; \"vcost\" for its own monitors."},
    {"parameters", FIELD_KEYED, FIELD_ITEMS(struct monitor_facts, parameters, parameter_count),
        .of = &parameter_record, .about = "Module parameters by name."},
    {"syscall_privilege", FIELD_COUNT, AT(syscall_privilege), .other = -1U, .why = no_syscall,
        .about = "The CPL that SYSCALL leads to in a guest: 0 as on hardware, 3 under PVM."},
    {"quirks", FIELD_LIST, FIELD_ITEMS(struct monitor_facts, quirks, quirk_count)},
};
const struct record monitor_facts_record = {"monitor", sizeof(struct monitor_facts),
    RECORD_FIELDS(facts_fields),
    .rules = "{'if': {'properties': {'usable': {'const': false}}}, 'then': {'properties': {'reason': "
             "{'type': 'string'}}}}"};

static const struct field named_fields[] = {
    {"name", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(name)},
    {"", FIELD_FIELDS, .of = &monitor_facts_record},
};
const struct record named_monitor_facts_record = {
    "monitor", sizeof(struct monitor_facts), RECORD_FIELDS(named_fields)};
