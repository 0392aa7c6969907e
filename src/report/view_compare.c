#include "report/view_compare.h"

#include "report/format.h"
#include "result/tool.h"
#include "result/words.h"

#include <math.h>
#include <string.h>

/* ---- names of cells, as people have them ---- */

enum { KEYS_NAMED = 4, ABSENCES_NAMED = 6 };

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

static const char *size_part(struct document *document, const char *format, uint64_t bytes)
{
    return bytes ? document_text(document, format, format_size(bytes).text) : "";
}

/* "" where this cell has no such part. */
static const char *name_part(struct document *document, const struct result_cell *cell, enum name_part part)
{
    const struct chase_shape *chase = cell->cell.event.name ? NULL : &cell->cell.chase;
    switch (part) {
    case PART_RUNNER:
        return cell->cell.monitor;
    case PART_ORDER:
        return chase ? chase_orders[chase->order].name : "";
    case PART_EVENT:
        return chase ? "" : cell->cell.event.name;
    case PART_SIZE:
        return size_part(document, "%s", chase ? chase->working_set_bytes : cell->cell.event.bytes);
    case PART_ELEMENT:
        return size_part(document, "%s elements", chase ? chase->element_bytes : 0);
    case PART_WRITE:
        return chase && chase->write ? "writing" : "";
    case PART_CHAINS:
        return chase && chase->chains > 1 ? document_text(document, "%u chains", chase->chains) : "";
    case PART_GUEST_PAGE:
        return size_part(document, "guest pages %s", cell->cell.guest_page_bytes);
    case PART_HOST_PAGE:
        return size_part(document, "host pages %s", cell->cell.host_page_bytes);
    default:
        return "";
    }
}

/* Which parts a name needs: those that are not the same in all cells. */
struct naming {
    const struct result_cell *first; /* NULL: no cell yet */
    bool needed[NAME_PARTS];
};

/* Takes one more cell into account. */
static void naming_add(struct document *document, struct naming *naming, const struct result_cell *cell)
{
    if (!naming->first) {
        naming->first = cell;
        naming->needed[PART_SIZE] = naming->needed[PART_EVENT] = true;
    }
    for (enum name_part part = 0; part < NAME_PARTS; part++) {
        const char *here = name_part(document, cell, part);
        const char *there = name_part(document, naming->first, part);
        bool both = here[0] && there[0];
        if (part == PART_GUEST_PAGE && here[0] && !there[0])
            naming->first = cell; /* native cells have none, which says nothing */
        else
            naming->needed[part] |= (both || part != PART_GUEST_PAGE) && strcmp(here, there) != 0;
    }
}

/* "kvm, 64 KiB, guest pages 2M"; without `needed` what is the same in all. */
static const char *name_of(
    struct document *document, const struct naming *naming, const struct result_cell *cell, bool needed)
{
    const char *name = "";
    for (enum name_part part = 0; part < NAME_PARTS; part++) {
        const char *text = naming->needed[part] == needed ? name_part(document, cell, part) : "";
        if (text[0])
            name = document_text(document, "%s%s%s", name, name[0] ? ", " : "", text);
    }
    return name;
}

static struct naming naming_of_rows(struct document *document, const struct compared_rows *rows)
{
    struct naming naming = {0};
    for (size_t i = 0; i < rows->count; i++)
        naming_add(document, &naming, rows->rows[i].files[0].cell);
    return naming;
}

/* ---- what is said before the tables ---- */

static void say_files(const struct compare *compare, struct document *document)
{
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct result *result = compare->files[i].result;
        document_say(document, BLOCK_SENTENCE, "%c  %s: %s, vcost %s, %s, %zu cell%s", compare_letter(i),
            compare->files[i].name, result->experiment, tool.version, result->started, result->cell_count,
            result->cell_count == 1 ? "" : "s");
    }
}

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
        document_say(document, BLOCK_WARNING, "Not only the results differ, but also:");
        say_differences(compare, document);
    }
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct result *result = compare->files[i].result;
        const char *reason = result->incomplete_reason;
        if (!result->complete)
            document_say(document, BLOCK_WARNING, "%c is incomplete%s%s.", compare_letter(i),
                reason[0] ? ": " : "", reason);
    }
}

/* ---- a table ---- */

enum { FILE_COLUMNS = 2 };

/* "B: after.json" */
static const char *file_title(const struct compare *compare, size_t file, struct document *document)
{
    const char *path = compare->files[file].name, *slash = strrchr(path, '/');
    return document_text(document, "%c: %s", compare_letter(file), slash && slash[1] ? slash + 1 : path);
}

static bool same_unit(const struct compared_rows *rows)
{
    for (size_t i = 1; i < rows->count; i++)
        if (strcmp(rows->rows[i].unit, rows->rows[0].unit) != 0)
            return false;
    return true;
}

static void fill_row(
    const struct compare *compare, struct table *table, size_t row, const struct compared *files)
{
    static const enum tone tones[VERDICTS] = {[VERDICT_SLOWER] = TONE_SLOWER, [VERDICT_FASTER] = TONE_FASTER};
    for (size_t file = 0; file < compare->file_count; file++) {
        const struct compared *compared = &files[file];
        size_t column = file ? FILE_COLUMNS * file : 1;
        table_number(table, row, column, compared->value);
        if (!file)
            continue;
        table_interval(table, row, column + 1, compared->change, compared->low, compared->high);
        table_at(table, row, column + 1)->tone = tones[verdict_of(compared->low, compared->high)];
        table_at(table, row, column + 1)->why = compared->reason;
    }
}

static void add_table(const struct compare *compare, enum metric metric, struct document *document)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct column columns[FILE_COLUMNS * COMPARE_FILES_MAX] = {{.key = "cell", .unit = UNIT_TEXT}};
    struct naming naming = naming_of_rows(document, rows);
    bool time = metric == METRIC_TIME, one_unit = same_unit(rows);
    if (!rows->count)
        return;
    for (size_t file = 0; file < compare->file_count; file++) {
        size_t column = file ? FILE_COLUMNS * file : 1;
        const char *block = file_title(compare, file, document);
        columns[column] = (struct column){.key = time ? "median" : "slowdown",
            .head = !time      ? "slowdown"
                    : one_unit ? rows->rows[0].unit
                               : "median",
            .block = block,
            .unit = time ? UNIT_NS : UNIT_CHANGE,
            .bare = time};
        columns[column + 1] =
            (struct column){.key = "change", .block = block, .unit = UNIT_CHANGE, .interval = true};
    }
    const char *common = name_of(document, &naming, naming.first, false);
    struct table *table = document_table(document, time ? "medians" : "slowdowns",
        document_text(document, "%s%s%s",
            time ? "medians, and how they changed from A"
                 : "slowdowns over their baseline, and how these changed from A",
            common[0] ? ": " : "", common),
        columns, FILE_COLUMNS * compare->file_count, rows->count);
    for (size_t row = 0; row < rows->count; row++) {
        const char *name = name_of(document, &naming, rows->rows[row].files[0].cell, true);
        table_text(
            table, row, 0, one_unit ? name : document_text(document, "%s, %s", name, rows->rows[row].unit));
        fill_row(compare, table, row, rows->rows[row].files);
    }
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
            cell ? name_of(document, naming, cell, true) : compare->absences[i].id);
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

/* ---- the sentences ---- */

/* What the two directions are called: of times, and of slowdowns. */
static const struct {
    const char *several, *one, *is, *are, *less, *largest;
} words[METRICS] = {
    [METRIC_TIME] = {"cells", "cell", "is slower", "are slower", "faster", "The largest change upwards"},
    [METRIC_SLOWDOWN] = {"costs of virtualization", "cost of virtualization", "is higher", "are higher",
        "lower", "The largest rise of a cost"},
};

/* The reason of the first that has none, which is as a rule that of all. */
static const char *reason_of(const struct compared_rows *rows, size_t file)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].files[file].cell && rows->rows[i].files[file].reason)
            return rows->rows[i].files[file].reason;
    return "not told";
}

static void say_file(
    const struct compare *compare, enum metric metric, size_t file, struct document *document)
{
    struct compared_tally tally = compare_count(compare, metric, file);
    const struct compared_rows *rows = &compare->metrics[metric];
    size_t slower = tally.of[VERDICT_SLOWER], faster = tally.of[VERDICT_FASTER];
    size_t all = slower + faster + tally.of[VERDICT_UNTOLD], none = tally.of[VERDICT_NONE];
    const char *chance = "";
    char letter = compare_letter(file);
    if (all >= 20 && slower + faster)
        chance = document_text(document,
            "; with as many 95 %% intervals, about %.0f would miss the truth by chance alone",
            round(0.05 * (double)all));
    if (all)
        document_say(document, BLOCK_SENTENCE,
            "%c against A: of %zu %s that can be judged %zu %s, %zu %s, and in %zu no difference can be "
            "told%s.",
            letter, all, all == 1 ? words[metric].one : words[metric].several, slower,
            slower == 1 ? words[metric].is : words[metric].are, faster, words[metric].less,
            tally.of[VERDICT_UNTOLD], chance);
    if (tally.largest) {
        const struct compared *largest = &tally.largest->files[file];
        struct naming naming = naming_of_rows(document, rows);
        document_say(document, BLOCK_SENTENCE,
            "%s that is told from zero in %c is %s in %s (95 %% interval %s).", words[metric].largest, letter,
            format_slowdown(largest->change).text, name_of(document, &naming, largest->cell, true),
            format_slowdown_interval(largest->low, largest->high, NULL).text);
    }
    if (none)
        document_say(document, BLOCK_SENTENCE, "%zu %s of %c cannot be judged: %s.", none,
            none == 1 ? words[metric].one : words[metric].several, letter, reason_of(rows, file));
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
        document_say(document, BLOCK_SENTENCE,
            "The files were measured at different times: what else the machine did then is part of how times "
            "changed. Slowdowns are paired inside each file and suffer less from it.");
}

/* ---- the table for files ---- */

enum {
    FILE_METRIC,
    FILE_ID,
    FILE_BASELINE,
    FILE_UNIT,
    FILE_FILE,
    FILE_VALUE,
    FILE_RATIO,
    FILE_LOW,
    FILE_HIGH,
    FILE_VERDICT,
    FILE_QUALITY,
    FILE_REASON,
    FILE_TABLE_COLUMNS
};

static void add_file_table(const struct compare *compare, struct document *document)
{
    static const struct column columns[FILE_TABLE_COLUMNS] = {
        [FILE_METRIC] = {.key = "metric"},
        [FILE_ID] = {.key = "id"},
        [FILE_BASELINE] = {.key = "baseline"},
        [FILE_UNIT] = {.key = "unit"},
        [FILE_FILE] = {.key = "file"},
        [FILE_VALUE] = {.key = "value", .unit = UNIT_RATIO},
        [FILE_RATIO] = {.key = "ratio", .unit = UNIT_RATIO},
        [FILE_LOW] = {.key = "ratio_low", .unit = UNIT_RATIO},
        [FILE_HIGH] = {.key = "ratio_high", .unit = UNIT_RATIO},
        [FILE_VERDICT] = {.key = "verdict"},
        [FILE_QUALITY] = {.key = "quality"},
        [FILE_REASON] = {.key = "reason"},
    };
    size_t rows = compare->metrics[METRIC_TIME].count + compare->metrics[METRIC_SLOWDOWN].count;
    struct table *table =
        document_table(document, "comparison", NULL, columns, FILE_TABLE_COLUMNS, rows * compare->file_count);
    if (table)
        table->readers = TABLE_FOR_FILES;
    size_t at = 0;
    for (enum metric metric = 0; metric < METRICS; metric++)
        for (size_t i = 0; i < compare->metrics[metric].count; i++)
            for (size_t file = 0; file < compare->file_count; file++, at++) {
                const struct compared_row *row = &compare->metrics[metric].rows[i];
                const struct compared *compared = &row->files[file];
                table_text(table, at, FILE_METRIC, metric == METRIC_TIME ? "time" : "slowdown");
                table_text(table, at, FILE_ID, row->id);
                table_text(table, at, FILE_BASELINE, row->baseline);
                table_text(table, at, FILE_UNIT, row->unit);
                table_text(table, at, FILE_FILE, compare->files[file].name);
                table_number(table, at, FILE_VALUE, compared->value);
                table_number(table, at, FILE_RATIO, compared->change);
                table_number(table, at, FILE_LOW, compared->low);
                table_number(table, at, FILE_HIGH, compared->high);
                table_text(table, at, FILE_VERDICT, verdict_name(verdict_of(compared->low, compared->high)));
                table_text(
                    table, at, FILE_QUALITY, compared->cell ? quality_name(compared->cell->quality) : NULL);
                table_text(table, at, FILE_REASON, compared->reason);
            }
}

void view_compare(
    const struct compare *compare, const struct compare_request *request, struct document *document)
{
    document->title = "vcost compare";
    say_files(compare, document);
    say_warnings(compare, document);
    for (unsigned i = 0; i < METRICS; i++)
        add_table(compare, (request->metric + i) % METRICS, document);
    say_absences(compare, document);
    for (unsigned i = 0; i < METRICS; i++)
        for (size_t file = 1; file < compare->file_count; file++)
            say_file(compare, (request->metric + i) % METRICS, file, document);
    say_unpaired(compare, document);
    add_file_table(compare, document);
}
