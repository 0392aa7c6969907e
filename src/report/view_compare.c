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
    struct document *document, const struct cell *cell, const char *parts[static NAME_PARTS])
{
    const struct chase_shape *chase = chase_of(&cell->workload);
    uint64_t bytes = workload_size(&cell->workload);
    uint64_t guest = cell->guest_page_bytes, host = cell->host_page_bytes;
    for (enum name_part part = 0; part < NAME_PARTS; part++)
        parts[part] = "";
    parts[PART_RUNNER] = cell->monitor;
    if (bytes)
        parts[PART_SIZE] = document_text(document, "%s", format_size(bytes).text);
    if (guest)
        parts[PART_GUEST_PAGE] = document_text(document, "guest pages %s", format_size_short(guest).text);
    if (host)
        parts[PART_HOST_PAGE] = document_text(document, "host pages %s", format_size_short(host).text);
    if (!chase) {
        parts[PART_EVENT] = workload_label(&cell->workload);
        return;
    }
    parts[PART_ORDER] = chase_orders[chase->order].name;
    parts[PART_ELEMENT] = document_text(document, "%s elements", format_size(chase->element_bytes).text);
    if (chase->write)
        parts[PART_WRITE] = "writing";
    if (chase->chains > 1)
        parts[PART_CHAINS] = document_text(document, "%u chains", chase->chains);
}

/* Which parts a name needs: those that are not the same in all cells. */
struct naming {
    const char *common[NAME_PARTS]; /* the first cell's; NULL: no cell yet */
    bool needed[NAME_PARTS];
};

/* Takes one more cell into account. */
static void naming_add(struct document *document, struct naming *naming, const struct cell *cell)
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
static const char *name_of(struct document *document, const struct naming *naming, const struct cell *cell)
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
        naming_add(document, &naming, &rows->rows[i].cell);
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
static const struct words {
    const char *of, *cells[2] /* one, several */, *more, *less, *than;
} words[METRICS] = {
    [METRIC_TIME] = {"", {"cell", "cells"}, "slower", "faster", "than"},
    [METRIC_SLOWDOWN] = {"The cost of virtualization in ", {"slowdown", "slowdowns"}, "higher", "lower",
        "than in"},
};

/* "4 of 12 cells, by at most 4.1 % (0.4 to 8.0), kvm, 64 KiB": of those that are slower, or (less) faster. */
static const char *largest_text(const struct compare *compare, enum metric metric, size_t file,
    const struct compared_tally *tally, bool less, bool of_all, struct document *document)
{
    struct naming naming = naming_of_rows(document, &compare->metrics[metric]);
    const struct compared_row *row = less ? tally->least : tally->most;
    const struct compared_change *change = &row->changes[file];
    const struct ratios *ratios = &tally->ratios;
    const char *all =
        of_all ? document_text(document, " of %zu %s", ratios->all, words[metric].cells[ratios->all > 1])
               : "";
    return document_text(document, "%zu%s, by at most %s, %s", less ? ratios->faster : ratios->slower, all,
        less ? view_amount(document, 2 - change->ratio, 2 - change->high, 2 - change->low)
             : view_amount(document, change->ratio, change->low, change->high),
        name_of(document, &naming, &row->cell));
}

/* The reason of the first that has none, which is as a rule that of all. */
static const char *reason_of(const struct compared_rows *rows, size_t file)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].values[file].there && rows->rows[i].changes[file].reason)
            return rows->rows[i].changes[file].reason;
    return "not reported";
}

/* As conclusion or fact. */
static void conclude(const struct compare *compare, enum metric metric, size_t file, enum block_kind kind,
    struct document *document)
{
    const struct compared_tally tally = compare_count(compare, metric, file);
    const struct words *word = &words[metric];
    bool slower = ratios_slower(&tally.ratios), faster = ratios_faster(&tally.ratios);
    bool more = slower && tally.most && tally.most->changes[file].ratio >= 1 + matters;
    bool less = faster && tally.least && tally.least->changes[file].ratio <= 1 - matters;
    const char *first = document_text(document, "%s (A)", file_name(compare, 0));
    const char *other =
        document_text(document, "%s%s (%c)", word->of, file_name(compare, file), compare_letter(file));
    if (more || less)
        document_say(document, kind, "%s is %s %s %s in %s%s%s%s%s.", other, more ? word->more : word->less,
            word->than, first, largest_text(compare, metric, file, &tally, !more, true, document),
            more && less ? ", and " : "", more && less ? word->less : "", more && less ? " in " : "",
            more && less ? largest_text(compare, metric, file, &tally, true, false, document) : "");
    else if (!tally.ratios.all)
        document_say(document, kind, "%s cannot be judged relative to %s: %s.", other, first,
            reason_of(&compare->metrics[metric], file));
    else if (ratios_disturbed(&tally.ratios))
        document_say(document, kind,
            "%s cannot be judged relative to %s: too much differs from placement to placement. Measure "
            "again on a quieter machine, or longer.",
            other, first);
    else if (slower || faster)
        document_say(document, kind, "%s is next to the same as %s: no significant change reaches %.0f %%.",
            other, first, 100 * matters);
    else
        document_say(document, kind, "%s does not differ significantly from %s.", other, first);
}

/* "B and A agree within 5 % in 21 of 34 cells; 9 tell nothing: …" */
static void say_agreement(
    const struct compare *compare, enum metric metric, size_t file, struct document *document)
{
    const struct compared_tally tally = compare_count(compare, metric, file);
    const struct ratios *ratios = &tally.ratios;
    size_t agree;
    double level = ratios_agree(ratios, &agree);
    const char *unclear = "";
    if (ratios_disturbed(ratios)) {
        if (tally.most || tally.least)
            document_say(document, BLOCK_FACT, "%c is significantly %s in %s.", compare_letter(file),
                tally.most ? words[metric].more : words[metric].less,
                largest_text(compare, metric, file, &tally, !tally.most, true, document));
        return;
    }
    if (ratios->all < 2 || !agree)
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
        const struct compared_file *file = &compare->files[i];
        size_t cells = 0;
        for (enum quality quality = 0; quality < QUALITIES; quality++)
            cells += file->qualities[quality];
        document_say(document, BLOCK_FACT, "%c: %s, %s, vcost %s, %s, %zu cell%s.", compare_letter(i),
            file->name, file->experiment, file->version, file->started, cells, cells == 1 ? "" : "s");
    }
}

/* A difference of times may have nothing to do with what the reader changed. */
static void say_unpaired(const struct compare *compare, struct document *document)
{
    size_t told = 0;
    for (size_t file = 1; file < compare->file_count; file++) {
        struct compared_tally tally = compare_count(compare, METRIC_TIME, file);
        told += tally.ratios.slower + tally.ratios.faster;
    }
    if (told)
        document_say(document, BLOCK_FACT,
            "The files were measured at different times: what else the machine did then is part of how times "
            "changed. Slowdowns are paired inside each file and suffer less from it.");
}

/* ---- what differs ---- */

/* "kernel: A "6.1", B not told" */
static void say_difference(const struct difference *difference, struct document *document)
{
    const char *text = "";
    for (size_t i = 0; i < difference->told_count; i++) {
        const char *told = difference->told[i], *quote = told ? "\"" : "";
        text = document_text(document, "%s%s %c %s%.255s%s", text, i ? "," : "", compare_letter(i), quote,
            told ? told : "not reported", quote);
    }
    document_say(document, BLOCK_FACT, "%s%s%s:%s", difference->name, difference->key ? " " : "",
        difference->key ? difference->key : "", text);
}

/* All that differ; of those of one name only some. */
static void say_differences(const struct compare *compare, struct document *document)
{
    const struct difference *all = compare->differences;
    for (size_t first = 0, last; first < compare->difference_count; first = last) {
        for (last = first; last < compare->difference_count && !strcmp(all[last].name, all[first].name);)
            last++;
        size_t count = last - first, named = count > KEYS_NAMED + 1 ? KEYS_NAMED : count;
        for (size_t i = 0; i < named; i++)
            say_difference(&all[first + i], document);
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
        const char *reason = compare->files[i].incomplete_reason;
        if (!compare->files[i].complete)
            document_say(document, BLOCK_WARNING, "WARNING: %c is incomplete%s%s.", compare_letter(i),
                reason && reason[0] ? ": " : "", reason ? reason : "");
    }
}

/* ---- a table ---- */

enum { FILE_COLUMNS = 2 };

static bool has_figure(const struct compared_row *row)
{
    bool any = false;
    for (size_t file = 0; file < row->value_count; file++)
        any |= isfinite(row->values[file].value);
    return any;
}

/* Whether all of them are times that three digits of ns write well. */
static bool in_ns(const struct compared_rows *rows)
{
    bool small = true;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t file = 0; file < rows->rows[i].value_count; file++)
            small &= !(rows->rows[i].values[file].value >= 1000);
    return small;
}

static void fill_row(struct table *table, size_t at, const struct compared_row *row, bool marked)
{
    static const enum tone tones[VERDICTS] = {[VERDICT_SLOWER] = TONE_SLOWER, [VERDICT_FASTER] = TONE_FASTER};
    for (size_t file = 0; file < row->value_count; file++) {
        const struct compared_value *value = &row->values[file];
        const struct compared_change *change = &row->changes[file];
        size_t column = file ? FILE_COLUMNS * file : 1;
        if (value->there)
            table_interval(table, at, column, value->value, value->low, value->high);
        if (!file)
            continue;
        table_interval(table, at, column + 1, change->ratio, change->low, change->high);
        if (marked && ratio_is_unclear(change->low, change->high))
            table_at(table, at, column + 1)->mark = "~";
        table_at(table, at, column + 1)->tone = tones[change->verdict];
        table_at(table, at, column + 1)->why = change->reason;
    }
}

static void add_table(const struct compare *compare, enum metric metric, struct document *document)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct column columns[FILE_COLUMNS * COMPARE_FILES_MAX] = {{.key = "cell", .unit = UNIT_TEXT}};
    struct naming naming = naming_of_rows(document, rows);
    const char *common = name_of(document, &naming, NULL);
    bool time = metric == METRIC_TIME, ns = time && in_ns(rows);
    size_t count = 0, at = 0, all = 0, unclear = 0;
    for (size_t i = 0; i < rows->count; i++)
        count += has_figure(&rows->rows[i]);
    if (!count)
        return;
    for (size_t file = 0; file < compare->file_count; file++) {
        const struct compared_tally tally = compare_count(compare, metric, file);
        struct column *column = &columns[file ? FILE_COLUMNS * file : 1];
        const char *block =
            document_text(document, "%c: %s", compare_letter(file), base_name(compare->files[file].name));
        column[0] = (struct column){.key = time ? "median" : "slowdown",
            .head = ns ? "ns" : NULL,
            .block = block,
            .unit = time ? UNIT_NS : UNIT_CHANGE,
            .bare = ns,
            .rounded = true};
        column[1] = (struct column){
            .key = "change", .block = block, .unit = UNIT_CHANGE, .rounded = true, .interval = true};
        all += tally.ratios.all;
        unclear += tally.ratios.unclear;
    }
    bool marked = unclear && 2 * unclear < all; /* a mark on most says nothing */
    struct table *table = document_table(document, time ? "medians" : "slowdowns",
        document_text(document, "%s%s%s",
            time ? "medians, and how they changed from A"
                 : "slowdowns over their baseline, and how these changed from A",
            common[0] ? ": " : "", common),
        columns, FILE_COLUMNS * compare->file_count, count);
    for (size_t i = 0; i < rows->count; i++) {
        if (!has_figure(&rows->rows[i]))
            continue;
        table_text(table, at, 0, name_of(document, &naming, &rows->rows[i].cell));
        fill_row(table, at++, &rows->rows[i], marked);
    }
    if (marked)
        document_say(document, BLOCK_NOTE, "~ tells nothing: its interval reaches more than 10 %% to a side");
}

/* ---- what only some have ---- */

/* All cells that the same files have, as one sentence. */
static void say_absence(
    const struct compare *compare, size_t first, const struct naming *naming, struct document *document)
{
    const struct compared_absence *absences = compare->absences;
    const char *files = "", *cells = "";
    size_t count = 0;
    for (size_t i = 0; i < compare->absence_count; i++) {
        if (memcmp(absences[i].has, absences[first].has, sizeof absences[i].has) != 0)
            continue;
        if (i < first)
            return; /* it has said this one too */
        if (count++ < ABSENCES_NAMED)
            cells = document_text(document, "%s%s %s", cells, cells[0] ? ";" : "",
                name_of(document, naming, &absences[i].cell));
    }
    for (size_t i = 0; i < compare->file_count; i++)
        if (absences[first].has[i])
            files = document_text(document, "%s%s%c", files, files[0] ? " and " : "", compare_letter(i));
    if (count > ABSENCES_NAMED)
        cells = document_text(document, "%s; and %zu more", cells, count - ABSENCES_NAMED);
    document_say(document, BLOCK_NOTE, "Only in %s:%s.", files, cells);
}

static void say_absences(const struct compare *compare, struct document *document)
{
    struct naming naming = naming_of_rows(document, &compare->metrics[METRIC_TIME]);
    for (size_t i = 0; i < compare->absence_count; i++)
        naming_add(document, &naming, &compare->absences[i].cell);
    for (size_t i = 0; i < compare->absence_count; i++)
        say_absence(compare, i, &naming, document);
}

/* ---- details, the table for files ---- */

static void say_counts(
    const struct compare *compare, enum metric metric, size_t file, struct document *document)
{
    const struct words *word = &words[metric];
    const struct compared_tally tally = compare_count(compare, metric, file);
    view_run_counts(&tally.ratios, document_text(document, "%c relative to A", compare_letter(file)),
        word->cells, word->more, word->less, document);
    if (tally.unjudged)
        document_say(document, BLOCK_SENTENCE, "%zu %s of %c cannot be judged: %s.", tally.unjudged,
            word->cells[tally.unjudged > 1], compare_letter(file),
            reason_of(&compare->metrics[metric], file));
}

enum { COMPARED_COLUMNS = 12 };

static void describe_row(enum metric metric, const struct compared_row *row, size_t file, const char *name,
    struct file_value values[static COMPARED_COLUMNS])
{
    const struct compared_value *value = &row->values[file];
    const struct compared_change *change = &row->changes[file];
    const struct file_value all[COMPARED_COLUMNS] = {
        FILE_WORDS("metric", metric_names[metric]),
        FILE_WORDS("id", row->id),
        FILE_WORDS("baseline", row->baseline),
        FILE_WORDS("unit", row->unit),
        FILE_WORDS("file", name),
        FILE_FIGURE("value", UNIT_RATIO, value->value),
        FILE_FIGURE("ratio", UNIT_RATIO, change->ratio),
        FILE_FIGURE("ratio_low", UNIT_RATIO, change->low),
        FILE_FIGURE("ratio_high", UNIT_RATIO, change->high),
        FILE_WORDS("verdict", verdict_names[change->verdict]),
        FILE_WORDS("quality", value->there ? quality_names[value->quality] : NULL),
        FILE_WORDS("reason", change->reason),
    };
    memcpy(values, all, sizeof all);
}

static void add_file_table(const struct compare *compare, struct document *document)
{
    static const struct compared_row none;
    struct file_value values[COMPARED_COLUMNS];
    size_t rows = compare->metrics[METRIC_TIME].count + compare->metrics[METRIC_SLOWDOWN].count, at = 0;
    describe_row(METRIC_TIME, &none, 0, NULL, values);
    struct table *table =
        view_file_table(document, "comparison", values, COMPARED_COLUMNS, rows * compare->file_count);
    for (enum metric metric = 0; metric < METRICS; metric++)
        for (size_t i = 0; i < compare->metrics[metric].count; i++)
            for (size_t file = 0; file < compare->file_count; file++) {
                describe_row(
                    metric, &compare->metrics[metric].rows[i], file, compare->files[file].name, values);
                view_file_row(table, at++, values, COMPARED_COLUMNS);
            }
}

void view_compare(const struct compare *compare, struct document *document)
{
    enum metric first = compare->metric, second = (first + 1) % METRICS;
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
    for (size_t file = 0; file < compare->file_count; file++) {
        const char *quality = view_run_quality(compare->files[file].qualities, document);
        if (quality[0])
            document_say(document, BLOCK_SENTENCE, "%c: %s", compare_letter(file), quality);
    }
    document_details(document, false);
    add_file_table(compare, document);
}
