/* A result as JSON. */
#include "result/json.h"

#include "record/record.h"

#include <math.h>
#include <string.h>

#define AT(member) FIELD_AT(struct result, member)

/* ---- what wrote it, with which settings ---- */

static const struct record tool_record = {"tool", sizeof(struct tool),
    FIELDS({"version", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct tool, version), .text = VCOST_VERSION},
        {"build", FIELD_STRING, FIELD_AT(struct tool, build), .missing = "the build did not say"})};

const struct record setting_record = {"setting", sizeof(struct result_setting),
    FIELDS({"name", FIELD_STRING, FIELD_AT(struct result_setting, name)},
        {"value", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct result_setting, value)},
        {"usual", FIELD_FLAG, FIELD_AT(struct result_setting, usual), .about = "It is the default."})};

static const char *incomplete_reason(const void *base)
{
    const struct result *result = base;
    if (result->complete)
        return NULL;
    return result->incomplete_reason[0] ? result->incomplete_reason : "not told";
}

/* ---- the machine ---- */

static void write_kvm(struct draft *draft, json_t *object, const void *base)
{
    static const struct monitor_facts none = {.reason = "it was not looked at",
        .technique = TECHNIQUE_UNKNOWN,
        .provider = {.text = "it was not looked at"},
        .syscall_privilege = -1};
    const struct monitor_facts *kvm = result_monitor(base, "kvm");
    put(draft, object, "kvm", record_object(draft, &monitor_facts_record, kvm ? kvm : &none));
}

/* Files of early versions have no list of monitors. */
static void read_kvm(struct reader *reader, const json_t *object, void *base)
{
    struct monitor_facts kvm = {.name = "kvm"};
    const json_t *value = json_object_get(object, "kvm");
    if (!value || json_object_get(object, "monitors") ||
        !reader_takes(reader, value, "kvm", TAKES(JSON_OBJECT)))
        return;
    record_take(&monitor_facts_record, reader, value, "kvm", &kvm);
    result_set_monitor(base, &kvm);
}

static const struct field_hook kvm = {.write = write_kvm, .read = read_kvm};

static const struct record machine_record = {"host", sizeof(struct result),
    FIELDS({"", FIELD_FIELDS, AT(host), .of = &host_record},
        {"kvm", FIELD_HOOK, .hook = &kvm, .of = &monitor_facts_record,
            .about = "What KVM does on this host, found by trying it."},
        {"monitors", FIELD_LIST, FIELD_LATER, FIELD_ITEMS(struct result, monitors, monitor_count),
            .of = &named_monitor_facts_record, .about = "The same of every monitor that was tried, by name."},
        {"", FIELD_FIELDS, AT(host), .of = &host_settings_record}),
    .about = "The machine that the experiment ran on, as an ordinary user sees it."};

static const struct record agent_record = {"agent", sizeof(struct result_agent),
    FIELDS({"monitor", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct result_agent, monitor),
               .about = "As in the cells that ran there."},
        {"command", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct result_agent, command),
            .about = "The shell command that started the agent."},
        {"", FIELD_FIELDS, FIELD_AT(struct result_agent, facts), .of = &agent_facts_record})};

/* ---- comparisons and reaches ---- */

static const char *no_ratio(const void *base)
{
    return comparison_reason(base);
}

static void check_comparison(struct reader *reader, void *base)
{
    const struct result_comparison *comparison = base;
    reader_interval(reader, "ratio", comparison->low, comparison->ratio, comparison->high);
}

#undef AT
#define AT(member) FIELD_AT(struct result_comparison, member)
static const struct record comparison_record = {"comparison", sizeof(struct result_comparison),
    FIELDS({"cell", FIELD_REFERENCE, FIELD_NEEDED, AT(cell), .of = &cell_record, .about = "Id of a cell."},
        {"baseline", FIELD_REFERENCE, FIELD_NEEDED, AT(baseline), .of = &cell_record,
            .about = "Id of a cell."},
        {"ratio", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(ratio),
            .about = "Cell over baseline: 1.013 is a slowdown of 1.3 %."},
        {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(low),
            .about = "Low end of the ratio's 95 % confidence interval."},
        {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(high), .about = "Its high end."},
        {"more_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, AT(more_ns),
            .about = "Cell minus baseline in ns, from the same pairs."},
        {"more_low_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, AT(more_low_ns),
            .about = "Low end of its 95 % confidence interval."},
        {"more_high_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, AT(more_high_ns), .about = "Its high end."},
        {"placements", FIELD_COUNT, AT(placements), .about = "Placements that the interval was made over."},
        {"reason", FIELD_REASON, AT(reason), .why = no_ratio, .check = "'minLength': 1",
            .about = "Why ratio or interval is null; null if neither is."}),
    .check = check_comparison, .about = "A cell relative to its baseline."};

#undef AT
#define AT(member) FIELD_AT(struct result_reach, member)

static const char unnamed[] = "it is attributed to nothing that CPUID tells";
static const char no_entries[] = "only a TLB's reach is counted in entries";

static const char *no_told_entries(const void *base)
{
    const struct result_reach *reach = base;
    if (reach->told_entries)
        return NULL;
    return reach->name[0] ? "only a TLB has entries" : unnamed;
}

/* A step without any noise is infinitely sure, which JSON cannot tell. */
static void check_reach(struct reader *reader, void *base)
{
    struct result_reach *reach = base;
    (void)reader;
    if (isnan(reach->sureness))
        reach->sureness = INFINITY;
}

static const struct record reach_record = {"reach", sizeof(struct result_reach),
    FIELDS({"below", FIELD_REFERENCE, FIELD_NEEDED, AT(last), .of = &cell_record,
               .about = "Id of the last cell below the step."},
        {"above", FIELD_REFERENCE, FIELD_NEEDED, AT(first), .of = &cell_record,
            .about = "Id of the first cell above it."},
        {"kind", FIELD_ENUM, FIELD_OPEN, AT(kind), FIELD_NAMES(reach_kind_names), .other = REACH_UNKNOWN,
            .about = "tlb: the translation of addresses. unknown: nothing tells."},
        {"from_bytes", FIELD_COUNT, AT(from_bytes),
            .about = "The reach ends between this size and to_bytes. Of a cache: lines that are touched; "
                     "otherwise memory that is walked."},
        {"to_bytes", FIELD_COUNT, AT(to_bytes)},
        {"from_entries", FIELD_COUNT, AT(from_entries), .missing = no_entries, .check = "'minimum': 1",
            .about = "The same in translations."},
        {"to_entries", FIELD_COUNT, AT(to_entries), .missing = no_entries, .check = "'minimum': 1"},
        {"below_ns", FIELD_REAL, AT(below_ns), .missing = "not measured",
            .about = "The level before the step, in ns per access."},
        {"above_ns", FIELD_REAL, AT(above_ns), .missing = "not measured", .about = "The level after it."},
        {"sureness", FIELD_REAL, AT(sureness), .missing = "no noise was seen to hold it against",
            .check = "'minimum': 0",
            .about = "The step's height (of the logarithm) in standard errors; steps of fewer than 5 are not "
                     "reported."},
        {"name", FIELD_TEXT, AT(name), .missing = unnamed,
            .about = "Level that CPUID tells of and that it is attributed to: L1d, L2 TLB."},
        {"told_bytes", FIELD_COUNT, AT(told_bytes), .missing = unnamed, .check = "'minimum': 1",
            .about = "What CPUID says."},
        {"told_entries", FIELD_COUNT, AT(told_entries), .why = no_told_entries, .check = "'minimum': 1"}),
    .check = check_reach, .about = "One step of one curve: that of the cells below and above."};

#undef AT
#define AT(member) FIELD_AT(struct result_change, member)
static const struct record change_record = {"change", sizeof(struct result_change),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED, AT(name)},
        {"title", FIELD_STRING, FIELD_NEEDED, AT(title), .about = "The same for people."},
        {"was", FIELD_TEXT, AT(was), .missing = "not told"},
        {"is", FIELD_TEXT, AT(is), .missing = "not told"},
        {"placements", FIELD_COUNT, AT(placements), .about = "It was noticed after so many."},
        {"another_machine", FIELD_FLAG, AT(another_machine),
            .about = "What was measured before is another machine's; its samples are marked \"changed\"."})};

/* ---- the whole ---- */

static const struct record round_record = {"round", sizeof(struct result_round),
    FIELDS({"started", FIELD_TEXT, FIELD_AT(struct result_round, started), .check = "'format': 'date-time'"},
        {"findings", FIELD_LIST, FIELD_POINTER(struct result_round, findings.items, findings.count),
            .of = &finding_record, .limit = FINDINGS_IN_FILE_MAX})};

static bool is_inspection(const void *base)
{
    return !strcmp(((const struct result *)base)->experiment, "inspect");
}

static bool is_verification(const void *base)
{
    return !strcmp(((const struct result *)base)->experiment, "verify");
}

static bool is_advice(const void *base)
{
    return !strcmp(((const struct result *)base)->experiment, "advise");
}

#undef AT
#define AT(member) FIELD_AT(struct result, member)
/* No comparison is there twice. Early versions compared also what was not as asked for. */
static void check_result(struct reader *reader, void *base)
{
    const struct result *result = base;
    json_t *seen = json_object();
    for (size_t i = 0; i < result->comparison_count; i++) {
        struct result_comparison *each = &result->comparisons[i];
        comparison_withhold(each, result->cells);
        char pair[48];
        snprintf(pair, sizeof pair, "%zu %zu", each->cell, each->baseline);
        if (json_object_get(seen, pair))
            reader_refuse(reader, "the comparison of %.100s is there twice", result->cells[each->cell].id);
        json_object_set_new(seen, pair, json_true());
    }
    json_decref(seen);
}

const struct record result_record = {"result", sizeof(struct result),
    FIELDS({"schema", FIELD_CONSTANT, .text = RESULT_SCHEMA},
        {"tool", FIELD_RECORD, FIELD_NEEDED, AT(tool), .of = &tool_record, .about = "What wrote the file."},
        {"command", FIELD_LIST, FIELD_NEEDED | FIELD_POOLED,
            FIELD_POINTER(struct result, command, command_count), .about = "The command line."},
        {"settings", FIELD_KEYED, FIELD_SOMETIMES, FIELD_POINTER(struct result, settings, setting_count),
            .of = &setting_record, .about = "Options that shape the result, with their values."},
        {"started", FIELD_TEXT, FIELD_NEEDED, AT(started), .about = "RFC 3339.",
            .check =
                "'pattern': "
                "'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-"
                "9]{2})$'"},
        {"seconds", FIELD_REAL, AT(seconds), .missing = "not measured", .check = "'minimum': 0",
            .about = "How long it took."},
        {"complete", FIELD_FLAG, FIELD_NEEDED, AT(complete),
            .about = "false: stopped early; what was measured is there."},
        {"incomplete_reason", FIELD_REASON, FIELD_NEEDED, AT(incomplete_reason), .why = incomplete_reason},
        {"seed", FIELD_COUNT, AT(seed)},
        {"cpu", FIELD_COUNT, AT(cpu), .other = RESULT_NO_CPU, .missing = "nothing was measured",
            .about = "The CPU that everything ran on."},
        {"tsc_ghz", FIELD_REAL, FIELD_ZERO, AT(tsc_ghz), .missing = "not measured",
            .check = "'exclusiveMinimum': 0", .about = "Measured frequency of the time stamp counter."},
        {"clock_doubt", FIELD_TEXT, FIELD_SOMETIMES | FIELD_PLAIN, AT(clock_doubt),
            .about = "Why times may be wrong: the kernel does not trust the time stamp counter."},
        {"baseline_is_guest", FIELD_FLAG, AT(host.is_guest),
            .about = "native itself runs under a hypervisor: the machine below is part of the baseline."},
        {"host", FIELD_RECORD, FIELD_NEEDED, .of = &machine_record},
        {"agents", FIELD_LIST, FIELD_SOMETIMES, FIELD_POINTER(struct result, agents, agent_count),
            .of = &agent_record, .limit = FINDINGS_IN_FILE_MAX,
            .about = "Other machines that took part, each behind a command (--on command:CMD)."},
        {"experiment", FIELD_STRING, FIELD_NEEDED, AT(experiment),
            .about = "The command that measured: chase, events, inspect, verify, advise, run."},
        {"cells", FIELD_LIST, FIELD_NEEDED | FIELD_UNIQUE, FIELD_POINTER(struct result, cells, cell_count),
            .of = &cell_record},
        {"comparisons", FIELD_LIST, FIELD_NEEDED, FIELD_POINTER(struct result, comparisons, comparison_count),
            .of = &comparison_record},
        {"reaches", FIELD_LIST, FIELD_LATER, FIELD_POINTER(struct result, reaches, reach_count),
            .of = &reach_record,
            .about = "Where measured curves step up, and the cache or TLB whose reach ends there. Measured: "
                     "from_*, to_*, *_ns. As CPUID tells: name, told_*."},
        {"changes", FIELD_LIST, FIELD_SOMETIMES, FIELD_POINTER(struct result, changes, change_count),
            .of = &change_record, .about = "What changed about the machine while this was measured."},
        {"findings", FIELD_LIST, FIELD_POINTER(struct result, findings.items, findings.count),
            .of = &finding_record, .when = is_inspection, .limit = FINDINGS_IN_FILE_MAX,
            .about = "What was found out about the machine; of the experiment \"inspect\" only."},
        {"remedies", FIELD_LIST, FIELD_POINTER(struct result, findings.remedies, findings.remedy_count),
            .of = &remedy_record, .when = is_inspection, .limit = FINDINGS_IN_FILE_MAX,
            .about =
                "What costs here and need not, what costs most first; of the experiment \"inspect\" only."},
        {"rounds", FIELD_LIST, FIELD_SOMETIMES, FIELD_POINTER(struct result, rounds, round_count),
            .of = &round_record,
            .about = "What was measured anew after the inspection, in the order of time; of vcost inspect "
                     "--watch only."},
        {"verified", FIELD_LIST, FIELD_POINTER(struct result, verified, verified_count),
            .of = &verified_record, .when = is_verification, .limit = FINDINGS_IN_FILE_MAX,
            .about = "Each monitor and the three goals; of the experiment \"verify\" only."},
        {"trials", FIELD_LIST, FIELD_POINTER(struct result, trials, trial_count), .of = &trial_record,
            .when = is_verification, .limit = FINDINGS_IN_FILE_MAX,
            .about = "What was tried on each monitor; of the experiment \"verify\" only."},
        {"advice", FIELD_RECORD, AT(advice), .of = &advice_record, .when = is_advice,
            .about = "What was tried on a program and what to use; of the experiment \"advise\" only."}),
    .check = check_result,
    .about =
        "What a vcost experiment found. Sizes are bytes, times ns per operation. A field F that could not "
        "be had is null, and F_reason beside it says why (the figures of a cell and of a comparison share "
        "one \"reason\"); nothing is ever 0 for \"not available\". Counters are integers; a value past 2^53 "
        "is null with its reason. Within version 1 fields may be added and none changes its meaning: "
        "readers pass over fields that they do not know, so this schema allows them, while what it names "
        "is typed, and required where every vcost of version 1 writes it.",
    .rules = "{'if': {'properties': {'complete': {'const': false}}}, 'then': {'properties': "
             "{'incomplete_reason': {'type': 'string'}}}}, {'if': {'properties': {'experiment': {'const': "
             "'inspect'}}}, 'then': {'required': ['findings', 'remedies']}}, {'if': {'properties': "
             "{'experiment': {'const': "
             "'verify'}}}, 'then': {'required': ['verified', 'trials']}}, {'if': {'properties': {'experiment': "
             "{'const': 'advise'}}}, 'then': {'required': ['advice']}}"};
