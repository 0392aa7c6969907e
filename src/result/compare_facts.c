/* What differs about the machines and the settings of results that are compared. A table says what each
 * tells, as an object: by name a text, a number, yes or no, null (not told), or an object of such by key. */
#include "base/size.h"
#include "record/record.h"
#include "result/compare.h"
#include "result/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what one file tells ---- */

static const char *text_of(const struct fact *fact)
{
    return fact->known ? fact->text : "not told";
}

static void write_features(struct draft *draft, json_t *object, const void *base)
{
    size_t count = 0;
    const char *at = ((const struct result *)base)->host.cpu.features;
    for (; at && *(at += strspn(at, " \t\n")); at += strcspn(at, " \t\n"))
        count++;
    put(draft, object, "number of CPU features", count ? json_integer((json_int_t)count) : json_null());
}

static void write_memory(struct draft *draft, json_t *object, const void *base)
{
    uint64_t bytes = ((const struct result *)base)->host.memory_bytes;
    char text[SIZE_TEXT_BYTES];
    size_text(bytes, text);
    put(draft, object, "memory", bytes ? json_string(text) : json_null());
}

/* What the machines are that agents ran on (--on command:CMD). */
static void write_agents(struct draft *draft, json_t *object, const void *base)
{
    const struct result *result = base;
    json_t *agents = json_object();
    for (size_t i = 0; i < result->agent_count; i++) {
        const struct agent_facts *facts = &result->agents[i].facts;
        char text[320];
        snprintf(text, sizeof text, "%.80s, Linux %.60s, vcost %.20s, guest of %.40s", text_of(&facts->brand),
            text_of(&facts->kernel), facts->version, facts->is_guest ? text_of(&facts->guest_of) : "nothing");
        put_text(draft, agents, result->agents[i].monitor, text);
    }
    put(draft, object, "other machine", agents);
}

/* What `vcost inspect` found is a fact, except for figures that were measured, or judged from such: their
 * change needs an interval, which their cells give. Figures that are details, as of memory that is free just
 * now, are no differences between machines. */
static bool is_fact(const struct finding *finding)
{
    bool number = finding->unit != UNIT_TEXT && finding->unit != UNIT_YES_NO;
    if (!finding->value.known || (finding->unit != UNIT_TEXT && !isfinite(finding->number)))
        return false;
    return !number || (finding->source == FINDING_TOLD && !finding->detail);
}

/* Null where there is none at all, as of another experiment. What is told twice counts once. */
static void write_findings(struct draft *draft, json_t *object, const void *base)
{
    const struct findings *findings = &((const struct result *)base)->findings;
    json_t *told = findings->count ? json_object() : json_null();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool yes_no = finding->unit == UNIT_YES_NO;
        char key[FINDING_NAME_BYTES + FINDING_KEY_BYTES], text[SIZE_TEXT_BYTES];
        finding_label(finding, key);
        if (!is_fact(finding) || json_object_get(told, key))
            continue;
        if (finding->unit == UNIT_BYTES && finding->number >= 0 && finding->number < 0x1p62)
            size_text((uint64_t)finding->number, text);
        else
            snprintf(text, sizeof text, "%.6g", finding->number);
        put_text(draft, told, key,
            finding->unit == UNIT_TEXT || (yes_no && finding->value.text[0]) ? finding->value.text
            : yes_no ? (finding->number > 0 ? "yes" : "no")
                     : text);
    }
    put(draft, object, "finding", told);
}

/* The words of the command, without the program's own name; what is beyond all measure is cut. */
static void write_command(struct draft *draft, json_t *object, const void *base)
{
    enum { LENGTH_MAX = 1024 };
    const struct result *result = base;
    struct pool pool = {0};
    const char *text = "";
    for (size_t i = 1; i < result->command_count && strlen(text) < LENGTH_MAX; i++)
        text = pool_format(&pool, "%s%s%.*s", text, text[0] ? " " : "", LENGTH_MAX, result->command[i]);
    put_text(draft, object, "settings", text);
    draft->failed |= pool.failed;
    pool_free(&pool);
}

/* All digits, which a double has not. */
static void write_seed(struct draft *draft, json_t *object, const void *base)
{
    put(draft, object, "seed", json_sprintf("%llu", (unsigned long long)((const struct result *)base)->seed));
}

#define AT(member) FIELD_PLAIN, FIELD_AT(struct monitor_facts, member)
static const char *not_looked_at(const void *base)
{
    return ((const struct monitor_facts *)base)->name[0] ? NULL : "it was not looked at";
}

static const struct field parameter_fields[] = {
    {"", FIELD_TEXT, 0, FIELD_AT(struct monitor_parameter, name)},
    {"", FIELD_TEXT, 0, FIELD_AT(struct monitor_parameter, value)},
};
static const struct record parameter_record = {
    "parameter", sizeof(struct monitor_parameter), RECORD_FIELDS(parameter_fields)};

static const struct field kvm_fields[] = {
    {"KVM usable", FIELD_FLAG, AT(usable), .why = not_looked_at},
    {"KVM technique", FIELD_ENUM, AT(technique), FIELD_NAMES(technique_names), .other = TECHNIQUE_UNKNOWN},
    {"KVM provider", FIELD_FACT, AT(provider)},
    {"KVM parameter", FIELD_KEYED, 0, FIELD_ITEMS(struct monitor_facts, parameters, parameter_count),
        .of = &parameter_record},
};
static const struct record kvm_record = {"monitor", sizeof(struct monitor_facts), RECORD_FIELDS(kvm_fields)};

static void write_kvm(struct draft *draft, json_t *object, const void *base)
{
    static const struct monitor_facts none = {.technique = TECHNIQUE_UNKNOWN};
    const struct monitor_facts *kvm = result_monitor(base, "kvm");
    json_t *facts = record_object(draft, &kvm_record, kvm ? kvm : &none);
    draft->failed |= json_object_update(object, facts) != 0;
    json_decref(facts);
}

static const struct field mitigation_fields[] = {
    {"", FIELD_TEXT, 0, FIELD_AT(struct host_named_fact, name)},
    {"", FIELD_TEXT, 0, FIELD_AT(struct host_named_fact, text)},
};
static const struct record mitigation_record = {
    "mitigation", sizeof(struct host_named_fact), RECORD_FIELDS(mitigation_fields)};

#undef AT
#define AT(member) FIELD_AT(struct result, member)
#define BY(function)                                                                                         \
    FIELD_HOOK, .hook = &(const struct field_hook)                                                           \
    {                                                                                                        \
        .write = (function)                                                                                  \
    }

/* In the order in which they are told. */
static const struct field fact_fields[] = {
    {"CPU", FIELD_FACT, FIELD_PLAIN, AT(host.cpu.brand)},
    {"CPU vendor", FIELD_TEXT, 0, AT(host.cpu.vendor)},
    {"CPU family", FIELD_COUNT, 0, AT(host.cpu.family)},
    {"CPU model", FIELD_COUNT, 0, AT(host.cpu.model)},
    {"CPU stepping", FIELD_COUNT, 0, AT(host.cpu.stepping)},
    {"microcode", FIELD_FACT, FIELD_PLAIN, AT(host.cpu.microcode)},
    {"number of CPU features", BY(write_features)},
    {"CPUs online", FIELD_COUNT, FIELD_PLAIN, AT(host.cpus_online), .missing = "not told"},
    {"CPU that it ran on", FIELD_COUNT, 0, AT(cpu)},
    {"kernel", FIELD_FACT, FIELD_PLAIN, AT(host.kernel)},
    {"memory", BY(write_memory)},
    {"NUMA nodes", FIELD_FACT, FIELD_PLAIN, AT(host.numa_nodes)},
    {"transparent huge pages", FIELD_FACT, FIELD_PLAIN, AT(host.thp)},
    {"native is itself a guest", FIELD_FLAG, 0, AT(host.is_guest)},
    {"hypervisor below", FIELD_FACT, FIELD_PLAIN, AT(host.guest_of)},
    {"KVM", BY(write_kvm)},
    {"frequency governor", FIELD_FACT, FIELD_PLAIN, AT(host.governor)},
    {"turbo", FIELD_FACT, FIELD_PLAIN, AT(host.turbo)},
    {"SMT", FIELD_FACT, FIELD_PLAIN, AT(host.smt)},
    {"mitigation", FIELD_KEYED, 0, FIELD_ITEMS(struct result, host.mitigations, host.mitigation_count),
        .of = &mitigation_record},
    {"other machine", BY(write_agents)},
    {"finding", BY(write_findings)},
    {"vcost version", FIELD_STRING, 0, AT(tool.version)},
    {"vcost build", FIELD_STRING, FIELD_PLAIN, AT(tool.build), .missing = "the build did not say"},
    {"experiment", FIELD_STRING, 0, AT(experiment)},
    {"settings", BY(write_command)},
    {"setting", FIELD_KEYED, 0, FIELD_POINTER(struct result, settings, setting_count), .of = &setting_record},
    {"seed", BY(write_seed)},
};
static const struct record fact_record = {"fact", sizeof(struct result), RECORD_FIELDS(fact_fields)};

/* ---- which are not the same everywhere ---- */

struct telling {
    struct compare *compare;
    const char *name;
    size_t room;
};

/* NULL: it is not told. *usual: that another file does not tell it is no difference, as of a setting at its
 * default, of which an older vcost need not know. */
static const char *told_text(struct pool *pool, const json_t *value, bool *usual)
{
    const char *setting = json_string_value(json_object_get(value, "value"));
    *usual |= json_is_true(json_object_get(value, "usual"));
    if (setting || json_is_string(value))
        return pool_text(pool, !setting ? json_string_value(value) : setting[0] ? setting : "none");
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    return json_is_number(value) ? pool_format(pool, "%.6g", json_number_value(value)) : NULL;
}

/* Adds what the files tell, if it is not the same, and told by all or (everywhere false) by some. */
static void add_difference(
    struct telling *telling, const char *key, const json_t *const values[], bool all_usual, bool everywhere)
{
    struct compare *compare = telling->compare;
    struct difference difference = {.told_count = compare->file_count};
    const char *any = NULL;
    bool missing = false, disagree = false, unusual = false;
    for (size_t file = 0; file < compare->file_count; file++) {
        bool usual = all_usual;
        const char *told = difference.told[file] = told_text(&compare->pool, values[file], &usual);
        any = any ? any : told;
        missing |= !told;
        disagree |= told && strcmp(told, any) != 0;
        unusual |= told && !usual;
    }
    if (missing == everywhere || !(disagree || (missing && unusual)))
        return;
    struct difference *grown = pool_grow(
        &compare->pool, compare->differences, compare->difference_count, &telling->room, sizeof *grown);
    difference.name = pool_text(&compare->pool, telling->name);
    difference.key = pool_text(&compare->pool, key);
    if (grown) {
        compare->differences = grown;
        grown[compare->difference_count++] = difference;
    }
}

/* Each key where the first file has it that does. Of names that a file knows nothing of at all, what it does
 * not tell is no difference. */
static void add_keyed(struct telling *telling, json_t *const members[], bool all_usual, bool everywhere)
{
    size_t count = telling->compare->file_count;
    const char *key;
    json_t *each;
    for (size_t file = 0; file < count; file++)
        json_object_foreach(members[file], key, each)
        {
            const json_t *values[COMPARE_FILES_MAX];
            size_t first = count;
            for (size_t i = count; i-- > 0;)
                if ((values[i] = json_object_get(members[i], key)))
                    first = i;
            if (first == file)
                add_difference(telling, key, values, all_usual, everywhere);
        }
}

static void add_named(struct telling *telling, json_t *const objects[])
{
    json_t *members[COMPARE_FILES_MAX];
    bool keyed = false, usual = false;
    for (size_t file = 0; file < telling->compare->file_count; file++) {
        members[file] = json_object_get(objects[file], telling->name);
        keyed |= json_is_object(members[file]);
        usual |= !json_is_object(members[file]);
    }
    for (int some = 0; some < 2; some++)
        if (keyed)
            add_keyed(telling, members, usual, !some);
        else
            add_difference(telling, NULL, (const json_t *const *)members, false, !some);
}

/* Settings are compared one by one where all files have them, otherwise as the words of the commands. */
void compare_facts(const struct compare_input *files, struct compare *compare)
{
    struct draft draft = {.failed = false};
    struct telling telling = {.compare = compare};
    json_t *objects[COMPARE_FILES_MAX], *each;
    bool settings = true;
    for (size_t file = 0; file < compare->file_count; file++) {
        struct result told = *files[file].result;
        told.tool = *result_tool(&told);
        settings &= told.settings != NULL;
        objects[file] = record_object(&draft, &fact_record, &told);
    }
    json_object_foreach(objects[0], telling.name, each)
    {
        if (strcmp(telling.name, settings ? "settings" : "setting") != 0)
            add_named(&telling, objects);
    }
    for (size_t file = 0; file < compare->file_count; file++)
        json_decref(objects[file]);
    compare->pool.failed |= draft.failed;
}
