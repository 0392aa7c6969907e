/* What differs about the machines and the settings of results that are compared. */
#include "base/size.h"
#include "result/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what one file tells ---- */

struct fact_told {
    size_t name;     /* number in the table of facts */
    const char *key; /* "" where there is one alone */
    size_t file, sequence;
    bool usual; /* that another file does not tell it is no difference: a setting at its default, of which
                   an older vcost need not know; a finding, where another file has none at all */
    struct told told;
};

/* All that is told by all files, while it is gathered. */
struct gathering {
    struct pool *pool;
    struct fact_told *facts;
    size_t count, room;
    size_t name, file; /* of what is gathered now */
    bool all_inspected;
};

static void add(struct gathering *gathering, const char *key, bool usual, struct told told)
{
    struct fact_told *grown = pool_grow(
        gathering->pool, gathering->facts, gathering->count, &gathering->room, sizeof *gathering->facts);
    if (!grown)
        return;
    gathering->facts = grown;
    told.told = true;
    grown[gathering->count] = (struct fact_told){.name = gathering->name,
        .key = key,
        .file = gathering->file,
        .sequence = gathering->count,
        .usual = usual,
        .told = told};
    gathering->count++;
}

static void add_text(struct gathering *gathering, const char *key, const char *text)
{
    add(gathering, key, false, (struct told){.unit = UNIT_TEXT, .number = NAN, .text = text});
}

static void add_number(struct gathering *gathering, enum unit unit, double number)
{
    add(gathering, "", false, (struct told){.unit = unit, .number = number});
}

static void tell_features(struct gathering *gathering, const struct result *result)
{
    size_t count = 0;
    const char *at = result->host.cpu.features;
    for (; at && *(at += strspn(at, " \t\n")); at += strcspn(at, " \t\n"))
        count++;
    if (count)
        add_number(gathering, UNIT_COUNT, (double)count);
}

static void tell_parameters(struct gathering *gathering, const struct result *result)
{
    const struct monitor_facts *kvm = result_monitor(result, "kvm");
    for (size_t i = 0; kvm && i < kvm->parameter_count; i++)
        add_text(gathering, kvm->parameters[i].name, kvm->parameters[i].value);
}

static void tell_mitigations(struct gathering *gathering, const struct result *result)
{
    for (size_t i = 0; i < result->host.mitigation_count; i++)
        add_text(gathering, result->host.mitigations[i].name, result->host.mitigations[i].text);
}

static const char *text_of(const struct fact *fact)
{
    return fact->known ? fact->text : "not told";
}

/* What the machines are that agents ran on (--on command:CMD). */
static void tell_agents(struct gathering *gathering, const struct result *result)
{
    for (size_t i = 0; i < result->agent_count; i++) {
        const struct agent_facts *facts = &result->agents[i].facts;
        add_text(gathering, result->agents[i].monitor,
            pool_format(gathering->pool, "%.80s, Linux %.60s, vcost %.20s, guest of %.40s",
                text_of(&facts->brand), text_of(&facts->kernel), facts->version,
                facts->is_guest ? text_of(&facts->guest_of) : "nothing"));
    }
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

/* Another experiment's file has none: that all of them are missing there says nothing of the machines. */
static void tell_findings(struct gathering *gathering, const struct result *result)
{
    for (size_t i = 0; i < result->findings.count; i++) {
        const struct finding *finding = &result->findings.items[i];
        bool words = finding->unit == UNIT_TEXT || (finding->unit == UNIT_YES_NO && finding->value.text[0]);
        const char *key =
            pool_format(gathering->pool, "%s%s%s", finding->name, finding->key[0] ? " " : "", finding->key);
        if (is_fact(finding))
            add(gathering, key, !gathering->all_inspected,
                (struct told){.unit = finding->unit,
                    .number = finding->number,
                    .text = words ? finding->value.text : NULL});
    }
}

static void tell_version(struct gathering *gathering, const struct result *result)
{
    add_text(gathering, "", result_tool(result)->version);
}

static void tell_build(struct gathering *gathering, const struct result *result)
{
    const char *build = result_tool(result)->build;
    if (build && build[0])
        add_text(gathering, "", build);
}

static void tell_experiment(struct gathering *gathering, const struct result *result)
{
    add_text(gathering, "", result->experiment);
}

/* All digits, which a double has not. */
static void tell_seed(struct gathering *gathering, const struct result *result)
{
    add_text(gathering, "", pool_format(gathering->pool, "%llu", (unsigned long long)result->seed));
}

static void tell_settings(struct gathering *gathering, const struct result *result)
{
    for (size_t i = 0; i < result->setting_count; i++) {
        const struct result_setting *setting = &result->settings[i];
        add(gathering, setting->name, setting->usual,
            (struct told){
                .unit = UNIT_TEXT, .number = NAN, .text = setting->value[0] ? setting->value : "none"});
    }
}

/* Of a file without settings the words of its command, without the program's own name; what is beyond all
 * measure is cut. */
static void tell_command(struct gathering *gathering, const struct result *result)
{
    enum { LENGTH_MAX = 1024 };
    const char *text = "";
    for (size_t i = 1; i < result->command_count && strlen(text) < LENGTH_MAX; i++)
        text = pool_format(
            gathering->pool, "%s%s%.*s", text, text[0] ? " " : "", LENGTH_MAX, result->command[i]);
    add_text(gathering, "", text);
}

/* ---- all facts ---- */

typedef void tell_function(struct gathering *gathering, const struct result *result);

/* In the order in which they are told. */
static const struct fact_row {
    const char *name;
    enum { OTHER, FACT, TEXT, FLAG, COUNT, SOME, BYTES, TECHNIQUE } kind; /* SOME, BYTES: 0 is not told */
    enum { OF_RESULT, OF_KVM } of; /* struct result, or what is known of the monitor "kvm" */
    size_t offset;                 /* in it, of what `kind` says */
    tell_function *tell;           /* OTHER */
} fact_rows[] = {
#define AT(member) OF_RESULT, offsetof(struct result, member), NULL
#define KVM(member) OF_KVM, offsetof(struct monitor_facts, member), NULL
#define BY(function) OTHER, OF_RESULT, 0, function
    {"CPU", FACT, AT(host.cpu.brand)},
    {"CPU vendor", TEXT, AT(host.cpu.vendor)},
    {"CPU family", COUNT, AT(host.cpu.family)},
    {"CPU model", COUNT, AT(host.cpu.model)},
    {"CPU stepping", COUNT, AT(host.cpu.stepping)},
    {"microcode", FACT, AT(host.cpu.microcode)},
    {"number of CPU features", BY(tell_features)},
    {"CPUs online", SOME, AT(host.cpus_online)},
    {"CPU that it ran on", COUNT, AT(cpu)},
    {"kernel", FACT, AT(host.kernel)},
    {"memory", BYTES, AT(host.memory_bytes)},
    {"NUMA nodes", FACT, AT(host.numa_nodes)},
    {"transparent huge pages", FACT, AT(host.thp)},
    {"native is itself a guest", FLAG, AT(host.is_guest)},
    {"hypervisor below", FACT, AT(host.guest_of)},
    {"KVM usable", FLAG, KVM(usable)},
    {"KVM technique", TECHNIQUE, KVM(technique)},
    {"KVM provider", FACT, KVM(provider)},
    {"KVM parameter", BY(tell_parameters)},
    {"frequency governor", FACT, AT(host.governor)},
    {"turbo", FACT, AT(host.turbo)},
    {"SMT", FACT, AT(host.smt)},
    {"mitigation", BY(tell_mitigations)},
    {"other machine", BY(tell_agents)},
    {"finding", BY(tell_findings)},
    {"vcost version", BY(tell_version)},
    {"vcost build", BY(tell_build)},
    {"experiment", BY(tell_experiment)},
    {"settings", BY(tell_command)},
    {"setting", BY(tell_settings)},
    {"seed", BY(tell_seed)},
};
enum { FACT_ROWS = sizeof fact_rows / sizeof *fact_rows };

static void tell_row(struct gathering *gathering, const struct fact_row *row, const struct result *result)
{
    const void *base = row->of == OF_KVM ? (const void *)result_monitor(result, "kvm") : result;
    if (!base)
        return;
    const char *at = (const char *)base + row->offset;
    switch (row->kind) {
    case OTHER:
        row->tell(gathering, result);
        break;
    case FACT:
        if (((const struct fact *)at)->known)
            add_text(gathering, "", ((const struct fact *)at)->text);
        break;
    case TEXT:
        add_text(gathering, "", at);
        break;
    case FLAG:
        add_number(gathering, UNIT_YES_NO, *(const bool *)at);
        break;
    case COUNT:
    case SOME:
        if (row->kind == COUNT || *(const unsigned *)at)
            add_number(gathering, UNIT_COUNT, *(const unsigned *)at);
        break;
    case BYTES:
        if (*(const uint64_t *)at)
            add_number(gathering, UNIT_BYTES, (double)*(const uint64_t *)at);
        break;
    case TECHNIQUE:
        if (*(const enum technique *)at != TECHNIQUE_UNKNOWN)
            add_text(gathering, "", technique_name(*(const enum technique *)at));
        break;
    }
}

/* Settings are compared one by one where all files have them, otherwise as the words of the commands. */
static void gather(struct gathering *gathering, const struct compare *compare)
{
    bool settings = true;
    gathering->all_inspected = true;
    for (size_t file = 0; file < compare->file_count; file++) {
        settings &= compare->files[file].result->settings != NULL;
        gathering->all_inspected &= compare->files[file].result->findings.count > 0;
    }
    tell_function *left_out = settings ? tell_command : tell_settings;
    for (gathering->file = 0; gathering->file < compare->file_count; gathering->file++)
        for (gathering->name = 0; gathering->name < FACT_ROWS; gathering->name++)
            if (fact_rows[gathering->name].tell != left_out)
                tell_row(gathering, &fact_rows[gathering->name], compare->files[gathering->file].result);
}

/* ---- which are not the same everywhere ---- */

void compare_told_text(const struct told *told, char text[static COMPARE_TOLD_BYTES])
{
    if (told->text)
        snprintf(text, COMPARE_TOLD_BYTES, "%s", told->text);
    else if (told->unit == UNIT_YES_NO)
        snprintf(text, COMPARE_TOLD_BYTES, "%s", told->number > 0 ? "yes" : "no");
    else if (told->unit == UNIT_BYTES && told->number >= 0 && told->number < 0x1p62)
        size_text((uint64_t)told->number, text);
    else
        snprintf(text, COMPARE_TOLD_BYTES, "%.6g", told->number);
}

/* As people read it: what three digits do not show is no difference. */
static bool same(const struct told *a, const struct told *b)
{
    char left[COMPARE_TOLD_BYTES], right[COMPARE_TOLD_BYTES];
    if (a->text && b->text)
        return !strcmp(a->text, b->text);
    compare_told_text(a, left);
    compare_told_text(b, right);
    return !strcmp(left, right);
}

static int by_fact(const void *a, const void *b)
{
    const struct fact_told *x = a, *y = b;
    int keys = strcmp(x->key, y->key);
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    return keys ? keys : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* A difference and its place among the others. */
struct placed {
    struct difference difference;
    bool somewhere_not; /* a file does not tell: behind those that all tell */
    size_t name, sequence;
};

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    if (x->somewhere_not != y->somewhere_not)
        return x->somewhere_not ? 1 : -1;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* From `count` facts of one name and key, by file. False if they are the same. */
static bool differ(const struct fact_told *facts, size_t count, size_t file_count, struct placed *placed)
{
    struct told *told = placed->difference.told;
    const struct told *any = &facts->told;
    bool disagree = false, usual = true;
    *placed = (struct placed){.name = facts->name, .sequence = facts->sequence};
    placed->difference.name = fact_rows[facts->name].name;
    placed->difference.key = facts->key[0] ? facts->key : NULL;
    for (size_t i = 0; i < count; i++) {
        usual &= facts[i].usual;
        if (!told[facts[i].file].told) /* what a file tells twice counts once */
            told[facts[i].file] = facts[i].told;
    }
    for (size_t file = 0; file < file_count; file++) {
        placed->somewhere_not |= !told[file].told;
        disagree |= told[file].told && !same(any, &told[file]);
    }
    return disagree || (placed->somewhere_not && !usual);
}

void compare_facts(struct compare *compare)
{
    struct gathering gathering = {.pool = &compare->pool};
    gather(&gathering, compare);
    struct placed *placed = pool_room(&compare->pool, gathering.count, sizeof *placed);
    compare->differences = pool_room(&compare->pool, gathering.count, sizeof *compare->differences);
    if (compare->pool.failed || !gathering.count)
        return;
    qsort(gathering.facts, gathering.count, sizeof *gathering.facts, by_fact);
    for (size_t first = 0, last; first < gathering.count; first = last) {
        const struct fact_told *facts = gathering.facts;
        for (last = first + 1; last < gathering.count && facts[last].name == facts[first].name &&
                               !strcmp(facts[last].key, facts[first].key);)
            last++;
        compare->difference_count +=
            differ(facts + first, last - first, compare->file_count, &placed[compare->difference_count]);
    }
    qsort(placed, compare->difference_count, sizeof *placed, by_place);
    for (size_t i = 0; i < compare->difference_count; i++)
        compare->differences[i] = placed[i].difference;
}
