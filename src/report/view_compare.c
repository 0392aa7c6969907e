#include "report/view_compare.h"

#include "report/format.h"
#include "report/view_parts.h"

#include <math.h>
#include <string.h>

/* ---- names of cells, as people have them ---- */

enum { KEYS_NAMED = 4, ABSENCES_NAMED = 3 };

enum name_part {
    PART_RUNNER,
    PART_ORDER,
    PART_EVENT,
    PART_SIZE,
    PART_ELEMENT,
    PART_WRITE,
    PART_CHAINS,
    PART_GUEST_PAGE,
    PART_HOST_PAGE,
    NAME_PARTS
};

/* The parts of a cell's name; "" where it has no such part. */
static void name_parts(
    struct document *document, const struct result_cell *cell, const char *parts[static NAME_PARTS])
{
    const struct chase_shape *chase = cell->cell.event.name ? NULL : &cell->cell.chase;
    uint64_t bytes = chase ? chase->working_set_bytes : cell->cell.event.bytes;
    uint64_t guest = cell->cell.guest_page_bytes, host = cell->cell.host_page_bytes;
    parts[PART_RUNNER] = cell->cell.monitor;
    parts[PART_ORDER] = chase ? chase_orders[chase->order].name : "";
    parts[PART_EVENT] = chase ? "" : cell->cell.event.name;
    parts[PART_SIZE] = bytes ? document_text(document, "%s", format_size(bytes).text) : "";
    parts[PART_ELEMENT] =
        chase ? document_text(document, "%s elements", format_size(chase->element_bytes).text) : "";
    parts[PART_WRITE] = chase && chase->write ? "writing" : "";
    parts[PART_CHAINS] =
        chase && chase->chains > 1 ? document_text(document, "%u chains", chase->chains) : "";
    parts[PART_GUEST_PAGE] =
        guest ? document_text(document, "guest pages %s", format_size_short(guest).text) : "";
    parts[PART_HOST_PAGE] =
        host ? document_text(document, "host pages %s", format_size_short(host).text) : "";
}

/* Which parts a name needs: those that are not the same in all cells. */
struct naming {
    const char *common[NAME_PARTS]; /* the first cell's; NULL: no cell yet */
    bool needed[NAME_PARTS];
};

/* Takes one more cell into account. */
static void naming_add(struct document *document, struct naming *naming, const struct result_cell *cell)
{
    const char *parts[NAME_PARTS];
    name_parts(document, cell, parts);
    naming->needed[PART_SIZE] = naming->needed[PART_EVENT] = true;
    for (enum name_part part = 0; part < NAME_PARTS; part++) {
        const char **common = &naming->common[part];
        bool native = part == PART_GUEST_PAGE && !parts[part][0]; /* has none, which says nothing */
        if (!*common || (part == PART_GUEST_PAGE && !(*common)[0]))
            *common = parts[part];
        else
            naming->needed[part] |= !native && strcmp(parts[part], *common) != 0;
    }
}

/* "kvm, 64 KiB, guest pages 2M"; of no cell what is the same in all: "random, 64 B elements". */
static const char *name_of(
    struct document *document, const struct naming *naming, const struct result_cell *cell)
{
    const char *own[NAME_PARTS], *const *parts = cell ? own : naming->common, *name = "";
    if (cell)
        name_parts(document, cell, own);
    for (enum name_part part = 0; part < NAME_PARTS; part++)
        if (naming->needed[part] == (cell != NULL) && parts[part] && parts[part][0])
            name = document_text(document, "%s%s%s", name, name[0] ? ", " : "", parts[part]);
    return name;
}

static struct naming naming_of_rows(struct document *document, const struct compared_rows *rows)
{
    struct naming naming = {0};
    for (size_t i = 0; i < rows->count; i++)
        naming_add(document, &naming, rows->rows[i].files[0].cell);
    return naming;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* A file as people know it: without its folder, unless another is called the same. */
static const char *file_name(const struct compare *compare, size_t file)
{
    const char *name = base_name(compare->files[file].name);
    for (size_t i = 0; i < compare->file_count; i++)
        if (i != file && !strcmp(base_name(compare->files[i].name), name))
            return compare->files[file].name;
    return name;
}

/* ---- the conclusion ---- */

/* Changes below this are next to none. */
static const double matters = 0.01;

/* What the two directions are called: of times, and of slowdowns. */
static const struct {
    const char *of, *cells[2] /* one, several */, *more, *less, *than;
} words[METRICS] = {
    [METRIC_TIME] = {"", {"cell", "cells"}, "slower", "faster", "than"},
    [METRIC_SLOWDOWN] = {"The cost of virtualization in ", {"slowdown", "slowdowns"}, "higher", "lower",
        "than in"},
};

/* What the changes of one file say together. */
struct changes {
    struct ratios ratios;
    const struct compared_row *most, *least; /* the largest that are significant; NULL: there is none */
};

static struct changes changes_of(const struct compare *compare, enum metric metric, size_t file)
{
    struct changes changes = {0};
    for (size_t i = 0; i < compare->metrics[metric].count; i++) {
        const struct compared_row *row = &compare->metrics[metric].rows[i];
        const struct compared *compared = &row->files[file];
        enum verdict verdict = verdict_of(compared->low, compared->high);
        ratios_add(&changes.ratios, compared->change, compared->low, compared->high);
        if (verdict == VERDICT_SLOWER &&
            (!changes.most || compared->change > changes.most->files[file].change))
            changes.most = row;
        if (verdict == VERDICT_FASTER &&
            (!changes.least || compared->change < changes.least->files[file].change))
            changes.least = row;
    }
    return changes;
}

/* "by at most 4.1 % (0.4 to 8.0), kvm, 64 KiB" */
static const char *largest_text(const struct compare *compare, enum metric metric,
    const struct compared_row *row, size_t file, bool less, struct document *document)
{
    struct naming naming = naming_of_rows(document, &compare->metrics[metric]);
    const struct compared *compared = &row->files[file];
    return document_text(document, "by at most %s, %s",
        less ? view_amount(document, 2 - compared->change, 2 - compared->high, 2 - compared->low)
             : view_amount(document, compared->change, compared->low, compared->high),
        name_of(document, &naming, compared->cell));
}

/* The reason of the first that has none, which is as a rule that of all. */
static const char *reason_of(const struct compared_rows *rows, size_t file)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].files[file].cell && rows->rows[i].files[file].reason)
            return rows->rows[i].files[file].reason;
    return "not reported";
}

/* As conclusion or fact. */
static void conclude(const struct compare *compare, enum metric metric, size_t file, enum block_kind kind,
    struct document *document)
{
    struct changes changes = changes_of(compare, metric, file);
    const struct ratios *ratios = &changes.ratios;
    bool more = ratios_slower(ratios), less = ratios_faster(ratios), any = more || less;
    const char *first = document_text(document, "%s (A)", file_name(compare, 0));
    const char *other = document_text(
        document, "%s%s (%c)", words[metric].of, file_name(compare, file), compare_letter(file));
    const char *change = NULL;
    more &= changes.most && changes.most->files[file].change >= 1 + matters;
    less &= changes.least && changes.least->files[file].change <= 1 - matters;
    if (more || less)
        change = document_text(document, "%s is %s %s in %zu of %zu %s, %s", other,
            more ? words[metric].more : words[metric].less,
            document_text(document, "%s %s", words[metric].than, first),
            more ? ratios->slower : ratios->faster, ratios->all, words[metric].cells[ratios->all > 1],
            largest_text(compare, metric, more ? changes.most : changes.least, file, !more, document));
    if (more && less)
        change = document_text(document, "%s, and %s in %zu, %s", change, words[metric].less, ratios->faster,
            largest_text(compare, metric, changes.least, file, true, document));
    if (change)
        document_say(document, kind, "%s.", change);
    else if (!ratios->all)
        document_say(document, kind, "%s cannot be judged relative to %s: %s.", other, first,
            reason_of(&compare->metrics[metric], file));
    else if (ratios_disturbed(ratios))
        document_say(document, kind,
            "%s cannot be judged relative to %s: too much differs from placement to placement. Measure "
            "again on a quieter machine, or longer.",
            other, first);
    else if (any)
        document_say(document, kind, "%s is next to the same as %s: no significant change reaches %.0f %%.",
            other, first, 100 * matters);
    else
        document_say(document, kind, "%s does not differ significantly from %s.", other, first);
}

/* "B and A agree within 5 % in 21 of 34 cells; 9 tell nothing: …" */
static void say_agreement(
    const struct compare *compare, enum metric metric, size_t file, struct document *document)
{
    struct changes changes = changes_of(compare, metric, file);
    const struct ratios *ratios = &changes.ratios;
    size_t agree;
    double level = ratios_agree(ratios, &agree);
    const char *unclear = "";
    const struct compared_row *largest = changes.most ? changes.most : changes.least;
    if (ratios_disturbed(ratios) && largest)
        document_say(document, BLOCK_FACT, "%c is significantly %s in %zu of %zu %s, %s.",
            compare_letter(file), changes.most ? words[metric].more : words[metric].less,
            changes.most ? ratios->slower : ratios->faster, ratios->all, words[metric].cells[ratios->all > 1],
            largest_text(compare, metric, largest, file, !changes.most, document));
    if (ratios->all < 2 || !agree || ratios_disturbed(ratios))
        return;
    if (ratios->unclear)
        unclear = document_text(document, "; %zu tell%s nothing, with intervals of more than 10 %% to a side",
            ratios->unclear, ratios->unclear == 1 ? "s" : "");
    document_say(document, BLOCK_FACT, "%c and A agree within %.0f %% in %zu of %zu %s%s.",
        compare_letter(file), 100 * level, agree, ratios->all, words[metric].cells[1], unclear);
}

static void say_files(const struct compare *compare, struct document *document)
{
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct result *result = compare->files[i].result;
        size_t cells = 0;
        for (enum quality quality = 0; quality < QUALITIES; quality++)
            cells += compare->qualities[i][quality];
        document_say(document, BLOCK_FACT, "%c: %s, %s, vcost %s, %s, %zu cell%s.", compare_letter(i),
            compare->files[i].name, result->experiment,
            result->tool.version ? result->tool.version : this_tool.version, result->started, cells,
            cells == 1 ? "" : "s");
    }
}

/* A difference of times may have nothing to do with what the reader changed. */
static void say_unpaired(const struct compare *compare, struct document *document)
{
    size_t told = 0;
    for (size_t file = 1; file < compare->file_count; file++) {
        struct compared_tally tally = compare_count(compare, METRIC_TIME, file);
        told += tally.of[VERDICT_SLOWER] + tally.of[VERDICT_FASTER];
    }
    if (told)
        document_say(document, BLOCK_FACT,
            "The files were measured at different times: what else the machine did then is part of how times "
            "changed. Slowdowns are paired inside each file and suffer less from it.");
}

/* ---- what differs ---- */

/* "kernel: A "6.1", B not told" */
static void say_difference(
    const struct compare *compare, const struct difference *difference, struct document *document)
{
    const char *text = "";
    for (size_t i = 0; i < compare->file_count; i++) {
        char told[COMPARE_TOLD_BYTES] = "not reported";
        const char *quote = difference->told[i].told ? "\"" : "";
        if (difference->told[i].told)
            compare_told_text(&difference->told[i], told);
        text = document_text(
            document, "%s%s %c %s%s%s", text, i ? "," : "", compare_letter(i), quote, told, quote);
    }
    document_say(document, BLOCK_FACT, "%s%s%s:%s", difference->name, difference->key ? " " : "",
        difference->key ? difference->key : "", text);
}

/* All that differ; of those of one name only some. */
static void say_differences(const struct compare *compare, struct document *document)
{
    for (size_t first = 0, last; first < compare->difference_count; first = last) {
        const struct difference *all = compare->differences;
        for (last = first; last < compare->difference_count && all[last].name == all[first].name; last++)
            ;
        size_t count = last - first, named = count > KEYS_NAMED + 1 ? KEYS_NAMED : count;
        for (size_t i = 0; i < named; i++)
            say_difference(compare, &all[first + i], document);
        if (named < count)
            document_say(
                document, BLOCK_FACT, "%s: %zu more differ, see --json", all[first].name, count - named);
    }
}

static void say_warnings(const struct compare *compare, struct document *document)
{
    if (!compare->difference_count)
        document_say(document, BLOCK_SENTENCE,
            "Host, kernel, KVM, vcost and settings are the same, as far as they are reported.");
    else {
        document_say(document, BLOCK_WARNING, "WARNING: not only the results differ, but also:");
        say_differences(compare, document);
    }
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct result *result = compare->files[i].result;
        const char *reason = result->incomplete_reason;
        if (!result->complete)
            document_say(document, BLOCK_WARNING, "WARNING: %c is incomplete%s%s.", compare_letter(i),
                reason[0] ? ": " : "", reason);
    }
}

/* ---- a table ---- */

enum { FILE_COLUMNS = 2 };

static bool has_figure(const struct compare *compare, const struct compared_row *row)
{
    bool any = false;
    for (size_t file = 0; file < compare->file_count; file++)
        any |= isfinite(row->files[file].value);
    return any;
}

/* Whether all of them are times that three digits of ns write well. */
static bool in_ns(const struct compare *compare, const struct compared_rows *rows)
{
    bool small = true;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t file = 0; file < compare->file_count; file++)
            small &= !(rows->rows[i].files[file].value >= 1000);
    return small;
}

static void fill_row(
    const struct compare *compare, struct table *table, size_t row, const struct compared *files, bool marked)
{
    static const enum tone tones[VERDICTS] = {[VERDICT_SLOWER] = TONE_SLOWER, [VERDICT_FASTER] = TONE_FASTER};
    for (size_t file = 0; file < compare->file_count; file++) {
        const struct compared *compared = &files[file];
        size_t column = file ? FILE_COLUMNS * file : 1;
        const struct result_comparison *found = compared->comparison;
        if (found)
            table_interval(table, row, column, compared->value, found->low, found->high);
        else if (compared->cell)
            table_interval(table, row, column, compared->value, compared->cell->low, compared->cell->high);
        if (!file)
            continue;
        table_interval(table, row, column + 1, compared->change, compared->low, compared->high);
        if (marked && ratio_is_unclear(compared->low, compared->high))
            table_at(table, row, column + 1)->mark = "~";
        table_at(table, row, column + 1)->tone = tones[verdict_of(compared->low, compared->high)];
        table_at(table, row, column + 1)->why = compared->reason;
    }
}

static void add_table(const struct compare *compare, enum metric metric, struct document *document)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct column columns[FILE_COLUMNS * COMPARE_FILES_MAX] = {{.key = "cell", .unit = UNIT_TEXT}};
    struct naming naming = naming_of_rows(document, rows);
    bool time = metric == METRIC_TIME, ns = metric == METRIC_TIME && in_ns(compare, rows);
    size_t count = 0, row = 0;
    for (size_t i = 0; i < rows->count; i++)
        count += has_figure(compare, &rows->rows[i]);
    if (!count)
        return;
    for (size_t file = 0; file < compare->file_count; file++) {
        size_t column = file ? FILE_COLUMNS * file : 1;
        const char *block =
            document_text(document, "%c: %s", compare_letter(file), base_name(compare->files[file].name));
        columns[column] = (struct column){.key = time ? "median" : "slowdown",
            .head = ns ? "ns" : NULL,
            .block = block,
            .unit = time ? UNIT_NS : UNIT_CHANGE,
            .bare = ns,
            .rounded = true};
        columns[column + 1] = (struct column){
            .key = "change", .block = block, .unit = UNIT_CHANGE, .rounded = true, .interval = true};
    }
    const char *common = name_of(document, &naming, NULL);
    struct table *table = document_table(document, time ? "medians" : "slowdowns",
        document_text(document, "%s%s%s",
            time ? "medians, and how they changed from A"
                 : "slowdowns over their baseline, and how these changed from A",
            common[0] ? ": " : "", common),
        columns, FILE_COLUMNS * compare->file_count, count);
    size_t all = 0, unclear = 0;
    for (size_t file = 1; file < compare->file_count; file++) {
        struct changes changes = changes_of(compare, metric, file);
        all += changes.ratios.all;
        unclear += changes.ratios.unclear;
    }
    bool marked = unclear && 2 * unclear < all; /* a mark on most says nothing */
    for (size_t i = 0; i < rows->count; i++) {
        if (!has_figure(compare, &rows->rows[i]))
            continue;
        table_text(table, row, 0, name_of(document, &naming, rows->rows[i].files[0].cell));
        fill_row(compare, table, row++, rows->rows[i].files, marked);
    }
    if (marked)
        document_say(document, BLOCK_NOTE, "~ tells nothing: its interval reaches more than 10 %% to a side");
}

/* ---- what only some have ---- */

static bool same_files(const struct compared_absence *a, const struct compared_absence *b)
{
    return !memcmp(a->has, b->has, sizeof a->has);
}

static const struct result_cell *cell_of_id(const struct compare *compare, const char *id)
{
    for (size_t file = 0; file < compare->file_count; file++)
        for (size_t i = 0; i < compare->files[file].result->cell_count; i++)
            if (!strcmp(compare->files[file].result->cells[i].id, id))
                return &compare->files[file].result->cells[i];
    return NULL;
}

/* All cells that the same files have, as one sentence. */
static void say_absence(
    const struct compare *compare, size_t first, const struct naming *naming, struct document *document)
{
    const struct compared_absence *absence = &compare->absences[first];
    const char *files = "", *cells = "";
    size_t count = 0;
    for (size_t i = 0; i < first; i++)
        if (same_files(&compare->absences[i], absence))
            return;
    for (size_t i = 0; i < compare->file_count; i++)
        if (absence->has[i])
            files = document_text(document, "%s%s%c", files, files[0] ? " and " : "", compare_letter(i));
    for (size_t i = first; i < compare->absence_count; i++) {
        if (!same_files(&compare->absences[i], absence) || count++ >= ABSENCES_NAMED)
            continue;
        const struct result_cell *cell = cell_of_id(compare, compare->absences[i].id);
        cells = document_text(document, "%s%s %s", cells, cells[0] ? ";" : "",
            cell ? name_of(document, naming, cell) : compare->absences[i].id);
    }
    if (count > ABSENCES_NAMED)
        cells = document_text(document, "%s; and %zu more", cells, count - ABSENCES_NAMED);
    document_say(document, BLOCK_NOTE, "Only in %s:%s.", files, cells);
}

static void say_absences(const struct compare *compare, struct document *document)
{
    struct naming naming = {0};
    for (size_t file = 0; compare->absence_count && file < compare->file_count; file++)
        for (size_t i = 0; i < compare->files[file].result->cell_count; i++)
            naming_add(document, &naming, &compare->files[file].result->cells[i]);
    for (size_t i = 0; i < compare->absence_count; i++)
        say_absence(compare, i, &naming, document);
}

/* ---- details ---- */

static void say_counts(
    const struct compare *compare, enum metric metric, size_t file, struct document *document)
{
    struct changes changes = changes_of(compare, metric, file);
    size_t none = compare_count(compare, metric, file).of[VERDICT_NONE];
    view_run_counts(&changes.ratios, document_text(document, "%c relative to A", compare_letter(file)),
        words[metric].cells, words[metric].more, words[metric].less, document);
    if (none)
        document_say(document, BLOCK_SENTENCE, "%zu %s of %c cannot be judged: %s.", none,
            words[metric].cells[none > 1], compare_letter(file), reason_of(&compare->metrics[metric], file));
}

static void say_quality(const struct compare *compare, size_t file, struct document *document)
{
    const char *quality = view_run_quality(compare->qualities[file], document);
    if (quality[0])
        document_say(document, BLOCK_SENTENCE, "%c: %s", compare_letter(file), quality);
}

/* ---- the table for files ---- */

enum { COMPARED_COLUMNS = 12 };

static void describe_compared(const struct compare *compare, enum metric metric,
    const struct compared_row *row, size_t file, struct file_value values[static COMPARED_COLUMNS])
{
    const struct compared *compared = &row->files[file];
    const struct file_value all[COMPARED_COLUMNS] = {
        FILE_WORDS("metric", metric == METRIC_TIME ? "time" : "slowdown"),
        FILE_WORDS("id", row->id),
        FILE_WORDS("baseline", row->baseline),
        FILE_WORDS("unit", row->unit),
        FILE_WORDS("file", compare->files[file].name),
        FILE_FIGURE("value", UNIT_RATIO, compared->value),
        FILE_FIGURE("ratio", UNIT_RATIO, compared->change),
        FILE_FIGURE("ratio_low", UNIT_RATIO, compared->low),
        FILE_FIGURE("ratio_high", UNIT_RATIO, compared->high),
        FILE_WORDS("verdict", verdict_name(verdict_of(compared->low, compared->high))),
        FILE_WORDS("quality", compared->cell ? quality_names[compared->cell->quality] : NULL),
        FILE_WORDS("reason", compared->reason),
    };
    memcpy(values, all, sizeof all);
}

static void add_file_table(const struct compare *compare, struct document *document)
{
    static const struct compared nothing[COMPARE_FILES_MAX];
    const struct compared_row none = {.files = (struct compared *)nothing};
    struct file_value values[COMPARED_COLUMNS];
    size_t rows = compare->metrics[METRIC_TIME].count + compare->metrics[METRIC_SLOWDOWN].count, at = 0;
    describe_compared(compare, METRIC_TIME, &none, 0, values);
    struct table *table =
        view_file_table(document, "comparison", values, COMPARED_COLUMNS, rows * compare->file_count);
    for (enum metric metric = 0; metric < METRICS; metric++)
        for (size_t i = 0; i < compare->metrics[metric].count; i++)
            for (size_t file = 0; file < compare->file_count; file++) {
                describe_compared(compare, metric, &compare->metrics[metric].rows[i], file, values);
                view_file_row(table, at++, values, COMPARED_COLUMNS);
            }
}

void view_compare(
    const struct compare *compare, const struct compare_request *request, struct document *document)
{
    enum metric first = request->metric, second = (first + 1) % METRICS;
    document->title = document_text(document, "vcost compare %s", file_name(compare, 0));
    for (size_t file = 1; file < compare->file_count; file++)
        conclude(compare, first, file, BLOCK_CONCLUSION, document);
    say_files(compare, document);
    for (size_t file = 1; file < compare->file_count; file++) {
        say_agreement(compare, first, file, document);
        if (compare->metrics[second].count)
            conclude(compare, second, file, BLOCK_FACT, document);
    }
    say_unpaired(compare, document);
    say_warnings(compare, document);
    add_table(compare, first, document);
    add_table(compare, second, document);
    say_absences(compare, document);
    document_details(document, true);
    for (unsigned i = 0; i < METRICS; i++)
        for (size_t file = 1; file < compare->file_count; file++)
            say_counts(compare, i ? second : first, file, document);
    for (size_t file = 0; file < compare->file_count; file++)
        say_quality(compare, file, document);
    document_details(document, false);
    add_file_table(compare, document);
}
