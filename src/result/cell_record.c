/* A cell as JSON. What it executes stands in it as its kind says (runner/workload_kind.h). */
#include "record/record.h"
#include "result/json.h"
#include "runner/page_proof.h"
#include "runner/program_kind.h"

#include <math.h>
#include <string.h>

#define AT(member) FIELD_AT(struct result_cell, member)

/* ---- why something is null ---- */

static const char *no_technique(const void *base)
{
    const struct result_cell *cell = base;
    const char *none = cell_without_guest(cell);
    if (cell->technique != TECHNIQUE_UNKNOWN)
        return NULL;
    return none ? none : "could not be told by trying";
}

/* Where pages are part of what the workload is, unless it is a program whose user asked for some. */
static const char *no_pages(const void *base)
{
    const struct cell *cell = &((const struct result_cell *)base)->cell;
    bool asked = cell->workload.kind == &workload_run && (cell->guest_page_bytes || cell->host_page_bytes);
    return asked ? NULL : cell->workload.kind->pageless;
}

static const char *no_host_page(const void *base)
{
    const struct cell *cell = &((const struct result_cell *)base)->cell;
    return cell->host_page_bytes ? no_pages(base) : cell->workload.kind->pageless;
}

static const char *no_guest(uint64_t bytes, const struct result_cell *cell)
{
    const char *none = cell_without_guest(cell);
    if (bytes)
        return NULL;
    return none ? none : "not known";
}

static const char *no_guest_page(const void *base)
{
    const struct result_cell *cell = base;
    const char *usual = cell->cell.workload.kind->pageless,
               *none = no_guest(cell->cell.guest_page_bytes, cell);
    if (no_pages(cell))
        return no_pages(cell);
    return none && usual && !cell_without_guest(cell) ? usual : none;
}

static const char *no_guest_pages(const void *base)
{
    const struct result_cell *cell = base;
    return no_guest(cell->pages.guest_bytes, cell);
}

static const char *no_share(const void *base)
{
    const struct result_cell *cell = base;
    return isfinite(cell->pages.host_share_2m) ? NULL : cell->pages.proof;
}

static const char no_counters[] = "no counters could be read";

static const char *no_page_faults(const void *base)
{
    return ((const struct result_cell *)base)->counters.known ? NULL : no_counters;
}

static const char *no_exits(const void *base)
{
    const char *none = cell_without_guest(base);
    return none ? none : no_page_faults(base);
}

static const char *reason(const void *base)
{
    return cell_reason(base);
}

static const char *no_guest_share(const void *base)
{
    const struct result_cell *cell = base;
    return isfinite(cell->pages.guest_share_2m) ? NULL : cell->pages.proof;
}

static bool has_guest_share(const void *base)
{
    const struct result_cell *cell = base;
    return cell->cell.workload.kind == &workload_run && cell->technique != TECHNIQUE_NONE;
}

static const struct record pages_record = {"pages", sizeof(struct result_cell),
    FIELDS({"guest_bytes", FIELD_COUNT, AT(pages.guest_bytes), .why = no_guest_pages},
        {"host_share_2m", FIELD_REAL, AT(pages.host_share_2m), .why = no_share,
            .check = "'minimum': 0, 'maximum': 1",
            .about = "Share of the memory behind 2 MiB (or larger) host mappings."},
        {"guest_share_2m", FIELD_REAL, FIELD_SOMETIMES, AT(pages.guest_share_2m), .why = no_guest_share,
            .when = has_guest_share, .check = "'minimum': 0, 'maximum': 1",
            .about = "Of a program: share of the memory it used behind 2 MiB leaves of the guest's tables."},
        {"as_asked", FIELD_FLAG, AT(pages.as_asked)},
        {"proof", FIELD_TEXT, AT(pages.proof), .missing = "none was taken", .about = "How it is known."})};

static bool has_operations(const void *base)
{
    return ((const struct result_cell *)base)->cell.workload.kind->operation;
}

/* ---- samples, figures ---- */

static const struct record sample_record = {"sample", sizeof(struct result_sample),
    FIELDS({"value", FIELD_REAL, FIELD_NEEDED, FIELD_AT(struct result_sample, ns),
               .missing = "the sample gave no time", .about = "In the cell's unit."},
        {"round", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct result_sample, round)},
        {"placement", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct result_sample, placement),
            .about = "Which allocation of the memory it was taken in."},
        {"disturbed", FIELD_ENUM, FIELD_NEEDED | FIELD_OPEN | FIELD_PLAIN,
            FIELD_AT(struct result_sample, disturbed), FIELD_NAMES(disturbance_names), .other = DISTURBED_NOT,
            .about = "What disturbed the sample; null: nothing that was seen."})};

static const struct record modes_record = {"modes", sizeof(struct result_cell),
    FIELDS({"low", FIELD_REAL, FIELD_PLAIN, AT(modes.low), .about = "Median of the lower group."},
        {"high", FIELD_REAL, FIELD_PLAIN, AT(modes.high), .about = "Of the upper one."},
        {"share_high", FIELD_REAL, FIELD_PLAIN, AT(modes.share_high), .check = "'minimum': 0, 'maximum': 1",
            .about = "Samples in the upper one, or placements."},
        {"of_placements", FIELD_FLAG, FIELD_LATER, AT(modes.of_placements),
            .about =
                "Each placement is in one of the groups; otherwise samples of one placement are in both."})};

static const struct record counters_record = {"counters", sizeof(struct result_cell),
    FIELDS({"exits", FIELD_COUNT, FIELD_KNOWN, AT(counters.exits),
               .count_offset = offsetof(struct result_cell, counters.known), .why = no_exits,
               .about = "Exits from the guest to its monitor."},
        {"page_faults", FIELD_COUNT, FIELD_KNOWN, AT(counters.page_faults),
            .count_offset = offsetof(struct result_cell, counters.known), .why = no_page_faults},
        {"operations", FIELD_COUNT, AT(operations), .when = has_operations,
            .about = "Events that these were counted over, with what prepared them."})};

static const struct record metric_record = {"metric", sizeof(struct result_metric),
    FIELDS({"name", FIELD_STRING, FIELD_AT(struct result_metric, name)},
        {"unit", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct result_metric, unit)},
        {"value", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct result_metric, value)},
        {"low", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct result_metric, low)},
        {"high", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct result_metric, high)},
        {"reason", FIELD_STRING, FIELD_SOMETIMES | FIELD_PLAIN, FIELD_AT(struct result_metric, reason),
            .about = "Why there is no value."})};

/* ---- a program ---- */

static bool has_run(const void *base)
{
    return ((const struct result_cell *)base)->cell.workload.kind == &workload_run;
}

static bool leaves_some(const void *base)
{
    return has_run(base) && ((const struct result_cell *)base)->ran.left_count;
}

static const struct record call_record = {"call", sizeof(struct ran_call),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct ran_call, name)},
        {"count", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct ran_call, count)},
        {"ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct ran_call, ns),
            .about = "That all of them took on the host, waiting included."},
        {"refused", FIELD_STRING, FIELD_SOMETIMES | FIELD_PLAIN, FIELD_AT(struct ran_call, refused),
            .about = "Why a domain refuses it, where natively it might succeed."})};

static bool has_account(const void *base)
{
    return ((const struct result_cell *)base)->ran.account.known;
}

static const struct record line_record = {"account-line", sizeof(struct ran_line),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct ran_line, name)},
        {"count", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct ran_line, count),
            .about = "How often it happened in a run: the mean over timed runs."},
        {"price_cpu_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_line, price_cpu_ns),
            .about = "CPU time of one, more than natively, measured in the same run."},
        {"price_wall_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_line, price_wall_ns)},
        {"cpu_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_line, cpu_ns), .about = "Count times price."},
        {"wall_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_line, wall_ns)},
        {"price_cpu_low_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER,
            FIELD_AT(struct ran_line, price_cpu_low_ns),
            .about = "Low end of the price's 95 % interval, from the rounds in which it was measured."},
        {"price_cpu_high_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER,
            FIELD_AT(struct ran_line, price_cpu_high_ns)},
        {"cpu_low_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, FIELD_AT(struct ran_line, cpu_low_ns),
            .about = "Low end of its interval: count times that of the price."},
        {"cpu_high_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, FIELD_AT(struct ran_line, cpu_high_ns)},
        {"wall_low_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, FIELD_AT(struct ran_line, wall_low_ns)},
        {"wall_high_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER, FIELD_AT(struct ran_line, wall_high_ns)},
        {"reason", FIELD_STRING, FIELD_PLAIN, FIELD_AT(struct ran_line, reason),
            .about = "Why something of it is null."})};

static const struct record sum_record = {"account-sum", sizeof(struct ran_sum),
    FIELDS({"difference_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_sum, difference_ns),
               .about = "In the guest less natively, a run: the median over pairs of runs."},
        {"low_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_sum, low_ns),
            .about = "Low end of its 95 % interval."},
        {"high_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_sum, high_ns)},
        {"explained_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_sum, explained_ns),
            .about = "The lines that are known, together."},
        {"unexplained_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_sum, unexplained_ns),
            .about = "The rest, with its sign."},
        {"explained_low_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER,
            FIELD_AT(struct ran_sum, explained_low_ns),
            .about = "Low end of its 95 % interval: rounds of prices, each with the runs that followed it."},
        {"explained_high_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER,
            FIELD_AT(struct ran_sum, explained_high_ns)},
        {"unexplained_low_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER,
            FIELD_AT(struct ran_sum, unexplained_low_ns)},
        {"unexplained_high_ns", FIELD_REAL, FIELD_PLAIN | FIELD_LATER,
            FIELD_AT(struct ran_sum, unexplained_high_ns)},
        {"reason", FIELD_STRING, FIELD_PLAIN, FIELD_AT(struct ran_sum, reason),
            .about = "Why there is none of this."})};

static const struct record account_record = {"run-account", sizeof(struct ran_account),
    FIELDS({"lines", FIELD_LIST, FIELD_NEEDED | FIELD_POOLED,
               FIELD_POINTER(struct ran_account, lines, line_count), .of = &line_record},
        {"cpu", FIELD_RECORD, FIELD_AT(struct ran_account, cpu), .of = &sum_record,
            .about = "User and system time of all its threads, and of children that were waited for."},
        {"wall", FIELD_RECORD, FIELD_AT(struct ran_account, wall), .of = &sum_record,
            .about = "Only of programs without threads and children."},
        {"nested_low", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_account, nested_low),
            .about =
                "Estimated CPU time over native with nested paging and a kernel in the guest: without the "
                "lines that are gone there, and without what is unexplained."},
        {"nested_high", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_account, nested_high),
            .about = "The same with what is unexplained."})};

static bool has_steady(const void *base)
{
    return ((const struct result_cell *)base)->ran.steady.known;
}

static const struct record steady_record = {"steady-state", sizeof(struct ran_steady),
    FIELDS({"native_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_steady, native_ns)},
        {"guest_ns", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_steady, guest_ns)},
        {"ratio", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_steady, ratio),
            .about = "Median over pairs of runs."},
        {"low", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_steady, low)},
        {"high", FIELD_REAL, FIELD_PLAIN, FIELD_AT(struct ran_steady, high)})};

static bool has_heat(const void *base)
{
    return ((const struct result_cell *)base)->ran.heat.known;
}

/* ---- the whole ---- */

static void write_modelled(struct draft *draft, json_t *object, const void *base)
{
    const struct result_cell *cell = base;
    if (cell_modelled(cell))
        put(draft, object, "modelled", record_object(draft, &modelled_record, &cell->modelled));
}

static void read_modelled(struct reader *reader, const json_t *object, void *base)
{
    const json_t *value = json_object_get(object, "modelled");
    if (value && reader_takes(reader, value, "modelled", TAKES(JSON_OBJECT)))
        record_take(&modelled_record, reader, value, "modelled", &((struct result_cell *)base)->modelled);
}

static const struct field_hook modelled_hook = {.write = write_modelled, .read = read_modelled};

static void check_cell(struct reader *reader, void *base)
{
    struct result_cell *cell = base;
    if (no_pages(cell))
        cell->pages = (struct page_proof){.host_share_2m = NAN, .guest_share_2m = NAN, .as_asked = true};
    reader_interval(reader, "median", cell->low, cell->median, cell->high);
}

const struct record cell_record = {"cell", sizeof(struct result_cell),
    FIELDS({"id", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(id),
               .about = "Stable: the same cell in every result."},
        {"monitor", FIELD_STRING, AT(cell.monitor), .about = "The runner, as in --on."},
        {"label", FIELD_TEXT, AT(label), .about = "How a person reads it."},
        {"technique", FIELD_ENUM, FIELD_OPEN, AT(technique), FIELD_NAMES(technique_names),
            .other = TECHNIQUE_UNKNOWN, .why = no_technique, .about = "How memory is virtualized."},
        {"workload", FIELD_VARIANT, AT(cell.workload), .hook = &workload_hook},
        {"guest_page_bytes", FIELD_COUNT, AT(cell.guest_page_bytes), .why = no_guest_page,
            .about = "Pages of the guest's own tables."},
        {"host_page_bytes", FIELD_COUNT, AT(cell.host_page_bytes), .why = no_host_page,
            .about = "Pages of the memory below."},
        {"pages_obtained", FIELD_RECORD, .of = &pages_record, .why = no_pages,
            .about = "What the pages behind the data really were."},
        {"note", FIELD_TEXT, FIELD_SOMETIMES | FIELD_PLAIN, AT(note),
            .about = "What a reader should know about the figure."},
        {"unit", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct result_cell, unit), .text = "ns",
            .most = 24, .about = "Of the values and figures."},
        {"samples", FIELD_LIST, FIELD_NEEDED, FIELD_POINTER(struct result_cell, samples, sample_count),
            .of = &sample_record},
        {"placements", FIELD_COUNT, AT(placements), .about = "Placements that gave at least one sample."},
        {"repeated", FIELD_COUNT, AT(repeated),
            .about = "Samples that were disturbed, thrown away and taken again."},
        {"deterministic", FIELD_FLAG, FIELD_SOMETIMES, AT(deterministic),
            .about = "Its runner gives the same figure each time: one sample says all."},
        {"modelled", FIELD_HOOK, FIELD_SOMETIMES, .hook = &modelled_hook, .of = &modelled_record,
            .about = "Only of a cell that was simulated, not measured: by which machine."},
        {"median", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(median), .about = "Median over placements."},
        {"low", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(low),
            .about = "Low end of the median's 95 % confidence interval."},
        {"high", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(high), .about = "Its high end."},
        {"min", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, AT(min), .about = "Fastest sample."},
        {"metrics", FIELD_KEYED, FIELD_SOMETIMES, FIELD_POINTER(struct result_cell, metrics, metric_count),
            .of = &metric_record, .about = "Figures besides the principal one, by name."},
        {"exit_status", FIELD_COUNT, AT(ran.exit_status), .other = RAN_NO_STATUS, .when = has_run,
            .missing = "a signal ended it, or it was not run", .about = "Of the program."},
        {"signal", FIELD_COUNT, FIELD_PLAIN, AT(ran.signal), .when = has_run,
            .about = "That ended the program; 0: none did."},
        {"fidelity", FIELD_ENUM, FIELD_OPEN, AT(ran.fidelity), FIELD_NAMES(fidelity_names),
            .other = FIDELITY_UNKNOWN, .when = has_run, .missing = "it is the native one, or it was not run",
            .about = "Whether the program did in a domain what it does natively: stdout and how it ended."},
        {"guest_faults", FIELD_ENUM, FIELD_OPEN | FIELD_SOMETIMES, AT(ran.faults),
            FIELD_NAMES(ran_faults_names), .other = RAN_FAULTS_UNKNOWN, .when = has_guest_share,
            .missing = "an early version did not tell it",
            .about = "When the guest's tables get a page: as it is mapped (eager), or at the first touch "
                     "(demand)."},
        {"calls", FIELD_LIST, FIELD_SOMETIMES | FIELD_POOLED,
            FIELD_POINTER(struct result_cell, ran.calls, ran.call_count), .of = &call_record,
            .about = "System calls that were forwarded or emulated, in the last timed run."},
        {"compared", FIELD_STRING, FIELD_SOMETIMES | FIELD_PLAIN, AT(ran.compared), .when = has_run,
            .about = "What was held against native runs."},
        {"differs", FIELD_STRING, FIELD_SOMETIMES | FIELD_PLAIN, AT(ran.differs), .when = has_run,
            .about = "What makes it not the same: exit status, stdout, or the name of a file."},
        {"left_count", FIELD_COUNT, AT(ran.left_count), .when = leaves_some,
            .about = "Processes that the program leaves running; they are ended, and not measured."},
        {"left_name", FIELD_STRING, FIELD_PLAIN, AT(ran.left_name), .when = leaves_some,
            .about = "Of the first of them, as the kernel calls it."},
        {"steady_state", FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN | FIELD_LATER, AT(ran.steady),
            .of = &steady_record, .count_offset = offsetof(struct result_cell, ran.steady.known),
            .when = has_steady, .about = "What the program marked as its steady state, in both."},
        {"heat", FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN | FIELD_SOMETIMES, AT(ran.heat), .of = &heat_record,
            .count_offset = offsetof(struct result_cell, ran.heat.known), .when = has_heat},
        {"account", FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN | FIELD_LATER, AT(ran.account),
            .of = &account_record, .count_offset = offsetof(struct result_cell, ran.account.known),
            .when = has_account, .about = "What its time in a domain is more than natively for."},
        {"modes", FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN | FIELD_LATER, .of = &modes_record,
            .count_offset = offsetof(struct result_cell, modes.two),
            .about = "Two groups of samples, or of placements, that lie clearly apart; null: none."},
        {"trend_percent", FIELD_REAL, FIELD_ZERO | FIELD_LATER, AT(trend_percent),
            .missing = "no trend can be told",
            .about = "Change from the first to the last sample of a placement."},
        {"drift_percent", FIELD_REAL, FIELD_ZERO | FIELD_LATER, AT(drift_percent),
            .missing = "no drift can be told", .about = "Change from the first placement to the last."},
        {"counters", FIELD_RECORD, .of = &counters_record,
            .about = "What was counted while the cell was sampled."},
        {"quality", FIELD_ENUM, FIELD_NEEDED, AT(quality), FIELD_NAMES(quality_names)},
        {"reason", FIELD_REASON, FIELD_NEEDED, AT(reason), .why = reason, .check = "'minLength': 1",
            .about = "Why figures are null or the quality is not good; null if nothing is wrong."}),
    .check = check_cell,
    .rules = "{'if': {'properties': {'quality': {'not': {'const': 'good'}}}}, 'then': {'properties': "
             "{'reason': {'type': 'string'}}}}, {'if': {'properties': {'quality': {'const': 'missing'}}}, "
             "'then': {'properties': {'samples': {'maxItems': 0}, 'median': {'type': 'null'}}}}"};
