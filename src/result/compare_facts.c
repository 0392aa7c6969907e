/* What differs about the machines and the settings of results that are compared: told by each as its JSON has
 * it, a text, a number, yes or no, null (not told), or an object of such by key. */
#include "base/size.h"
#include "record/record.h"
#include "result/compare.h"
#include "result/json.h"

#include <math.h>
#include <string.h>

/* ---- what is not in the JSON as it is compared ---- */

static const char *text_of(const struct fact *fact)
{
    return fact->known ? fact->text : "not told";
}

/* What the machines are that agents ran on (--on command:CMD). */
static json_t *tell_agents(struct draft *draft, const struct result *result)
{
    json_t *agents = json_object();
    for (size_t i = 0; i < result->agent_count; i++) {
        const struct agent_facts *facts = &result->agents[i].facts;
        char text[320];
        snprintf(text, sizeof text, "%.80s, Linux %.60s, vcost %.20s, guest of %.40s", text_of(&facts->brand),
            text_of(&facts->kernel), facts->version, facts->is_guest ? text_of(&facts->guest_of) : "nothing");
        put_text(draft, agents, result->agents[i].monitor, text);
    }
    return agents;
}

/* What `vcost inspect` found is a fact, except for figures that were measured, or judged from such: their
 * change needs an interval, which their cells give. Figures that are details, as of memory that is free just
 * now, are no differences between machines. */
static bool is_fact(const struct finding *finding)
{
    if (!finding->value.known || finding->unit == UNIT_TEXT)
        return finding->value.known;
    return isfinite(finding->number) &&
           (finding->unit == UNIT_YES_NO || (finding->source == FINDING_TOLD && !finding->detail));
}

/* Null where there is none at all, as of another experiment. What is told twice counts once. */
static json_t *tell_findings(struct draft *draft, const struct result *result)
{
    json_t *told = result->findings.count ? json_object() : json_null();
    for (size_t i = 0; i < result->findings.count; i++) {
        const struct finding *finding = &result->findings.items[i];
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
            : !yes_no                                                        ? text
            : finding->number > 0                                            ? "yes"
                                                                             : "no");
    }
    return told;
}

/* The words of the command, without the program's own name; what is beyond all measure is cut. */
static json_t *tell_command(struct draft *draft, const struct result *result)
{
    enum { LENGTH_MAX = 1024 };
    struct pool pool = {0};
    const char *text = "";
    for (size_t i = 1; i < result->command_count && strlen(text) < LENGTH_MAX; i++)
        text = pool_format(&pool, "%s%s%.*s", text, text[0] ? " " : "", LENGTH_MAX, result->command[i]);
    json_t *told = draft_text(draft, text);
    draft->failed |= pool.failed;
    pool_free(&pool);
    return told;
}

/* All digits, which JSON has not of every one. */
static json_t *tell_seed(struct draft *draft, const struct result *result)
{
    (void)draft;
    return json_sprintf("%llu", (unsigned long long)result->seed);
}

/* ---- all facts ---- */

/* In the order in which they are told: where in the JSON, or (told) by whom. */
static const struct fact_row {
    const char *name, *path[3];
    json_t *(*tell)(struct draft *draft, const struct result *result);
} fact_rows[] = {
    {"CPU", {"host", "cpu", "brand"}, NULL},
    {"CPU vendor", {"host", "cpu", "vendor"}, NULL},
    {"CPU family", {"host", "cpu", "family"}, NULL},
    {"CPU model", {"host", "cpu", "model"}, NULL},
    {"CPU stepping", {"host", "cpu", "stepping"}, NULL},
    {"microcode", {"host", "cpu", "microcode"}, NULL},
    {"number of CPU features", {"host", "cpu", "features"}, NULL},
    {"CPUs online", {"host", "cpus_online"}, NULL},
    {"CPU that it ran on", {"cpu"}, NULL},
    {"kernel", {"host", "kernel"}, NULL},
    {"memory", {"host", "memory_bytes"}, NULL},
    {"NUMA nodes", {"host", "numa_nodes"}, NULL},
    {"transparent huge pages", {"host", "thp"}, NULL},
    {"native is itself a guest", {"baseline_is_guest"}, NULL},
    {"hypervisor below", {"host", "virtualization", "guest_of"}, NULL},
    {"KVM usable", {"host", "kvm", "usable"}, NULL},
    {"KVM technique", {"host", "kvm", "technique"}, NULL},
    {"KVM provider", {"host", "kvm", "provider"}, NULL},
    {"KVM parameter", {"host", "kvm", "parameters"}, NULL},
    {"frequency governor", {"host", "governor"}, NULL},
    {"turbo", {"host", "turbo"}, NULL},
    {"SMT", {"host", "smt"}, NULL},
    {"mitigation", {"host", "mitigations"}, NULL},
    {"other machine", {"told", "other machine"}, tell_agents},
    {"finding", {"told", "finding"}, tell_findings},
    {"vcost version", {"tool", "version"}, NULL},
    {"vcost build", {"tool", "build"}, NULL},
    {"experiment", {"experiment"}, NULL},
    {"settings", {"told", "settings"}, tell_command},
    {"setting", {"settings"}, NULL},
    {"seed", {"told", "seed"}, tell_seed},
};
enum { FACT_ROWS = sizeof fact_rows / sizeof *fact_rows };

/* The result's JSON without its figures, and what is told besides as "told". KVM that was not looked at tells
 * nothing. */
static json_t *json_of_facts(struct draft *draft, const struct result *result)
{
    struct result facts = *result;
    json_t *json = NULL, *told = json_object();
    facts.cell_count = facts.comparison_count = facts.reach_count = facts.round_count = 0;
    facts.findings = (struct findings){0};
    draft->failed |= json_from_result(&facts, &json, NULL) < 0;
    for (size_t i = 0; i < FACT_ROWS; i++)
        if (fact_rows[i].tell)
            put(draft, told, fact_rows[i].name, fact_rows[i].tell(draft, result));
    put(draft, json, "told", told);
    if (!result_monitor(result, "kvm"))
        put(draft, json_object_get(json, "host"), "kvm", json_pack("{s{}}", "parameters"));
    return json;
}

/* ---- which are not the same everywhere ---- */

/* NULL: it is not told. *usual: that another file does not tell it is no difference, as of a setting at its
 * default, of which an older vcost need not know. */
static const char *told_text(struct pool *pool, const char *name, const json_t *value, bool *usual)
{
    const char *setting = json_string_value(json_object_get(value, "value"));
    char size[SIZE_TEXT_BYTES];
    *usual |= json_is_true(json_object_get(value, "usual"));
    if (setting || json_is_string(value))
        return pool_text(pool, !setting ? json_string_value(value) : setting[0] ? setting : "none");
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (json_is_array(value))
        return pool_format(pool, "%zu", json_array_size(value));
    size_text((uint64_t)json_integer_value(value), size);
    return !json_is_integer(value)   ? NULL
           : !strcmp(name, "memory") ? pool_text(pool, size)
                                     : pool_format(pool, "%.6g", json_number_value(value));
}

struct telling {
    struct compare *compare;
    const char *name;
    bool lenient;    /* what a file does not tell is no difference */
    bool everywhere; /* what all files tell is told now; otherwise what some do not */
    size_t room;
};

static void add_difference(struct telling *telling, const char *key, json_t *const values[])
{
    struct compare *compare = telling->compare;
    struct difference difference = {
        telling->name, pool_text(&compare->pool, key), {NULL}, compare->file_count};
    const char *any = NULL;
    bool missing = false, disagree = false, unusual = false;
    for (size_t file = 0; file < compare->file_count; file++) {
        bool usual = telling->lenient;
        const char *told = told_text(&compare->pool, telling->name, values[file], &usual);
        difference.told[file] = told;
        any = any ? any : told;
        missing |= !told;
        disagree |= told && strcmp(told, any) != 0;
        unusual |= told && !usual;
    }
    if (missing == telling->everywhere || !(disagree || (missing && unusual)))
        return;
    struct difference *grown = pool_grow(
        &compare->pool, compare->differences, compare->difference_count, &telling->room, sizeof *grown);
    if (grown) {
        compare->differences = grown;
        grown[compare->difference_count++] = difference;
    }
}

/* Each key where the first file has it that does. */
static void add_keyed(struct telling *telling, json_t *const members[])
{
    size_t count = telling->compare->file_count;
    const char *key;
    json_t *each, *values[COMPARE_FILES_MAX];
    for (size_t file = 0; file < count; file++)
        json_object_foreach(members[file], key, each)
        {
            size_t first = count;
            for (size_t i = count; i-- > 0;)
                if ((values[i] = json_object_get(members[i], key)))
                    first = i;
            if (first == file)
                add_difference(telling, key, values);
        }
}

/* Settings are compared one by one where all files have them, otherwise as the words of the commands. */
void compare_facts(const struct compare_input *files, struct compare *compare)
{
    struct draft draft = {.failed = false};
    struct telling telling = {.compare = compare};
    json_t *roots[COMPARE_FILES_MAX], *members[COMPARE_FILES_MAX];
    bool settings = true;
    for (size_t file = 0; file < compare->file_count; file++) {
        settings &= files[file].result->settings != NULL;
        roots[file] = json_of_facts(&draft, files[file].result);
    }
    for (const struct fact_row *row = fact_rows; row < fact_rows + FACT_ROWS; row++) {
        bool keyed = false, unknown = false;
        for (size_t file = 0; file < compare->file_count; file++) {
            members[file] = roots[file];
            for (size_t i = 0; i < 3 && row->path[i]; i++)
                members[file] = json_object_get(members[file], row->path[i]);
            keyed |= json_is_object(members[file]);
            unknown |= json_is_null(members[file]);
        }
        telling.name = row->name;
        telling.lenient = unknown && row->tell == tell_findings;
        for (int some = 0; some < 2 && strcmp(row->name, settings ? "settings" : "setting") != 0; some++) {
            telling.everywhere = !some;
            if (keyed)
                add_keyed(&telling, members);
            else
                add_difference(&telling, NULL, members);
        }
    }
    for (size_t file = 0; file < compare->file_count; file++)
        json_decref(roots[file]);
    compare->pool.failed |= draft.failed;
}
