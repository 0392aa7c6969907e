#include "report/view_compare.h"

#include "report/format.h"
#include "report/naming.h"
#include "report/view_parts.h"

#include <math.h>
#include <string.h>

enum { KEYS_NAMED = 4, ABSENCES_NAMED = 3 };

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
} metric_words[METRICS] = {
    [METRIC_TIME] = {"", {"cell", "cells"}, "slower", "faster", "than"},
    [METRIC_SLOWDOWN] = {"The cost of virtualization in ", {"slowdown", "slowdowns"}, "higher", "lower",
        "than in"},
};
/* Of programs under remedies over the same without. */
static const struct words remedy_words = {
    "Time with a remedy over that without in ", {"remedy", "remedies"}, "higher", "lower", "than in"};

/* What changed from the first file to another. */
struct changes {
    const struct compared_rows *rows;
    size_t file;
    char letter;
    struct compared_tally tally;
    struct words words;
};

static struct changes changes_of(const struct compare *compare, enum metric metric, size_t file)
{
    bool advice = metric == METRIC_SLOWDOWN && !strcmp(compare->files[file].experiment, "advise");
    return (struct changes){&compare->metrics[metric], file, compare_letter(file),
        compare_count(compare, metric, file), advice ? remedy_words : metric_words[metric]};
}

/* "4 of 12 cells, by at most 4.1 % (0.4 to 8.0), kvm, 64 KiB": of those that are slower, or (less) faster; "
 * of 12 cells" may have been said before. */
static const char *largest_text(const struct changes *changes, bool less, bool of_all, struct document *doc)
{
    const struct ratios *ratios = &changes->tally.ratios;
    const char *all = document_text(doc, " of %zu %s", ratios->all, changes->words.cells[ratios->all > 1]);
    const struct compared_row *row = less ? changes->tally.least : changes->tally.most;
    const struct compared_change *change = &row->changes[changes->file];
    struct naming naming = naming_of_rows(doc, changes->rows);
    return document_text(doc, "%zu%s, by at most %s, %s", less ? ratios->faster : ratios->slower,
        of_all ? all : "", view_amount(doc, change->ratio, change->low, change->high),
        naming_text(&naming, &row->cell));
}

/* Of the first that has none, which is as a rule that of all. */
static const char *reason_of(const struct changes *changes)
{
    for (size_t i = 0; i < changes->rows->count; i++) {
        const struct compared_row *row = &changes->rows->rows[i];
        if (row->values[changes->file].there && row->changes[changes->file].reason)
            return row->changes[changes->file].reason;
    }
    return "not reported";
}

/* As conclusion or fact. */
static void conclude(
    const struct compare *compare, const struct changes *changes, enum block_kind kind, struct document *doc)
{
    const struct compared_tally *tally = &changes->tally;
    const struct words *words = &changes->words;
    size_t file = changes->file;
    bool slower = ratios_slower(&tally->ratios), faster = ratios_faster(&tally->ratios);
    bool more = slower && tally->most && tally->most->changes[file].ratio >= 1 + matters;
    bool less = faster && tally->least && tally->least->changes[file].ratio <= 1 - matters;
    const char *first = document_text(doc, "%s (A)", file_name(compare, 0));
    const char *other = document_text(doc, "%s%s (%c)", words->of, file_name(compare, file), changes->letter);
    if (more || less) {
        document_say(doc, kind, "%s is %s %s %s in %s", other, more ? words->more : words->less, words->than,
            first, largest_text(changes, !more, true, doc));
        if (more && less)
            view_add(doc, ", and %s in %s", words->less, largest_text(changes, true, false, doc));
        view_add(doc, ".");
    } else if (!tally->ratios.all)
        document_say(doc, kind, "%s cannot be judged relative to %s: %s.", other, first, reason_of(changes));
    else if (ratios_disturbed(&tally->ratios))
        document_say(doc, kind,
            "%s cannot be judged relative to %s: too much differs from placement to placement. Measure "
            "again on a quieter machine, or longer.",
            other, first);
    else if (slower || faster)
        document_say(doc, kind, "%s is next to the same as %s: no significant change reaches %.0f %%.", other,
            first, 100 * matters);
    else
        document_say(doc, kind, "%s does not differ significantly from %s.", other, first);
}

/* "B and A agree within 5 % in 21 of 34 cells; 9 tell nothing: …" */
static void say_agreement(const struct changes *changes, struct document *doc)
{
    const struct compared_tally *tally = &changes->tally;
    const struct ratios *ratios = &tally->ratios;
    size_t agree;
    double level = ratios_agree(ratios, &agree);
    if (ratios_disturbed(ratios) && (tally->most || tally->least))
        document_say(doc, BLOCK_FACT, "%c is significantly %s in %s.", changes->letter,
            tally->most ? changes->words.more : changes->words.less,
            largest_text(changes, !tally->most, true, doc));
    if (ratios_disturbed(ratios) || ratios->all < 2 || !agree)
        return;
    document_say(doc, BLOCK_FACT, "%c and A agree within %.0f %% in %zu of %zu %s", changes->letter,
        100 * level, agree, ratios->all, changes->words.cells[1]);
    if (ratios->unclear)
        view_add(doc, "; %zu tell%s nothing, with intervals of more than 10 %% to a side", ratios->unclear,
            ratios->unclear == 1 ? "s" : "");
    view_add(doc, ".");
}

static void say_files(const struct compare *compare, struct document *doc)
{
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct compared_file *file = &compare->files[i];
        size_t cells = 0;
        for (enum quality quality = 0; quality < QUALITIES; quality++)
            cells += file->qualities[quality];
        document_say(doc, BLOCK_FACT, "%c: %s, %s, vcost %s, %s, %zu cell%s.", compare_letter(i), file->name,
            file->experiment, file->version, file->started, cells, cells == 1 ? "" : "s");
    }
}

/* ---- what differs ---- */

/* "kernel: A "6.1", B not told" */
static void say_difference(const struct difference *difference, struct document *doc)
{
    document_say(doc, BLOCK_FACT, "%s%s%s:", difference->name, difference->key ? " " : "",
        difference->key ? difference->key : "");
    for (size_t i = 0; i < difference->told_count; i++) {
        const char *told = difference->told[i], *quote = told ? "\"" : "";
        view_add(doc, "%s %c %s%.255s%s", i ? "," : "", compare_letter(i), quote,
            told ? told : "not reported", quote);
    }
}

/* All that differ; of those of one name only some. */
static void say_warnings(const struct compare *compare, struct document *doc)
{
    const struct difference *all = compare->differences;
    if (!compare->difference_count)
        document_say(doc, BLOCK_SENTENCE,
            "Host, kernel, KVM, vcost and settings are the same, as far as they are reported.");
    else
        document_say(doc, BLOCK_WARNING, "WARNING: not only the results differ, but also:");
    for (size_t first = 0, last; first < compare->difference_count; first = last) {
        for (last = first; last < compare->difference_count && !strcmp(all[last].name, all[first].name);)
            last++;
        size_t count = last - first, named = count > KEYS_NAMED + 1 ? KEYS_NAMED : count;
        for (size_t i = 0; i < named; i++)
            say_difference(&all[first + i], doc);
        if (named < count)
            document_say(doc, BLOCK_FACT, "%s: %zu more differ, see --json", all[first].name, count - named);
    }
    for (size_t i = 0; i < compare->file_count; i++) {
        const char *reason = compare->files[i].incomplete_reason;
        if (!compare->files[i].complete)
            document_say(doc, BLOCK_WARNING, "WARNING: %c is incomplete%s%s.", compare_letter(i),
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
        if (marked && ratio_is_unclear(change->low, change->high) &&
            !format_is_disturbed(table_at(table, at, column + 1)))
            table_at(table, at, column + 1)->mark = "~";
        table_at(table, at, column + 1)->tone = tones[change->verdict];
        table_at(table, at, column + 1)->why = change->reason;
    }
}

static void add_table(const struct compare *compare, enum metric metric, struct document *doc)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct column columns[FILE_COLUMNS * COMPARE_FILES_MAX] = {{.key = "cell", .unit = UNIT_TEXT}};
    struct naming naming = naming_of_rows(doc, rows);
    const char *common = naming_text(&naming, NULL);
    bool time = metric == METRIC_TIME, ns = time; /* all are times that three digits of ns write well */
    size_t count = 0, at = 0, all = 0, unclear = 0;
    for (size_t i = 0; i < rows->count; i++) {
        count += has_figure(&rows->rows[i]);
        for (size_t file = 0; file < compare->file_count; file++)
            ns &= !(rows->rows[i].values[file].value >= 1000);
    }
    if (!count)
        return;
    for (size_t file = 0; file < compare->file_count; file++) {
        const struct compared_tally tally = compare_count(compare, metric, file);
        struct column *column = &columns[file ? FILE_COLUMNS * file : 1];
        const char *block =
            document_text(doc, "%c: %s", compare_letter(file), base_name(compare->files[file].name));
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
    struct table *table = document_table(doc, time ? "medians" : "slowdowns",
        document_text(doc, "%s%s%s",
            time ? "medians, and how they changed from A"
                 : "slowdowns over their baseline, and how these changed from A",
            common[0] ? ": " : "", common),
        columns, FILE_COLUMNS * compare->file_count, count);
    for (size_t i = 0; i < rows->count; i++) {
        if (!has_figure(&rows->rows[i]))
            continue;
        table_text(table, at, 0, naming_text(&naming, &rows->rows[i].cell));
        fill_row(table, at++, &rows->rows[i], marked);
    }
    view_say_marks(table, doc);
}

/* ---- what only some have ---- */

/* All cells that the same files have, as one sentence. */
static void say_absence(const struct compare *compare, size_t first, const struct naming *naming)
{
    const struct compared_absence *absences = compare->absences;
    struct listing cells = {.doc = naming->doc, .between = "; ", .most = ABSENCES_NAMED};
    struct listing files = {.doc = naming->doc, .between = " and "};
    for (size_t i = 0; i < compare->absence_count; i++) {
        if (memcmp(absences[i].has, absences[first].has, sizeof absences[i].has) != 0)
            continue;
        if (i < first)
            return; /* it has said this one too */
        listing_add(&cells, "%s", naming_text(naming, &absences[i].cell));
    }
    for (size_t i = 0; i < compare->file_count; i++)
        if (absences[first].has[i])
            listing_add(&files, "%c", compare_letter(i));
    document_say(naming->doc, BLOCK_NOTE, "Only in %s: %s", listing_text(&files), cells.text);
    if (cells.count > ABSENCES_NAMED)
        view_add(naming->doc, "; and %zu more", cells.count - ABSENCES_NAMED);
    view_add(naming->doc, ".");
}

static void say_absences(const struct compare *compare, struct document *doc)
{
    struct naming naming = naming_of_rows(doc, &compare->metrics[METRIC_TIME]);
    for (size_t i = 0; i < compare->absence_count; i++)
        naming_add(&naming, &compare->absences[i].cell);
    for (size_t i = 0; i < compare->absence_count; i++)
        say_absence(compare, i, &naming);
}

/* ---- details, the table for files ---- */

static void say_counts(const struct changes *changes, struct document *doc)
{
    const struct words *words = &changes->words;
    size_t none = changes->tally.unjudged;
    view_run_counts(&changes->tally.ratios, document_text(doc, "%c relative to A", changes->letter),
        words->cells, words->more, words->less, doc);
    if (none)
        document_say(doc, BLOCK_SENTENCE, "%zu %s of %c cannot be judged: %s.", none, words->cells[none > 1],
            changes->letter, reason_of(changes));
}

static void add_file_table(const struct compare *compare, struct document *doc)
{
    size_t rows = compare->metrics[METRIC_TIME].count + compare->metrics[METRIC_SLOWDOWN].count;
    struct table *table = NULL;
    for (size_t i = 0; i < rows * compare->file_count; i++) {
        size_t index = i / compare->file_count, file = i % compare->file_count;
        size_t times = compare->metrics[METRIC_TIME].count;
        enum metric metric = index < times ? METRIC_TIME : METRIC_SLOWDOWN;
        const struct compared_row *row =
            &compare->metrics[metric].rows[index < times ? index : index - times];
        const struct compared_value *value = &row->values[file];
        const struct compared_change *change = &row->changes[file];
        const struct file_value values[] = {
            FILE_WORDS("metric", metric_names[metric]),
            FILE_WORDS("id", row->id),
            FILE_WORDS("baseline", row->baseline),
            FILE_WORDS("unit", row->unit),
            FILE_WORDS("file", compare->files[file].name),
            FILE_FIGURE("value", UNIT_RATIO, value->value),
            FILE_FIGURE("ratio", UNIT_RATIO, change->ratio),
            FILE_FIGURE("ratio_low", UNIT_RATIO, change->low),
            FILE_FIGURE("ratio_high", UNIT_RATIO, change->high),
            FILE_WORDS("verdict", verdict_names[change->verdict]),
            FILE_WORDS("quality", value->there ? quality_names[value->quality] : NULL),
            FILE_WORDS("reason", change->reason),
        };
        const size_t columns = sizeof values / sizeof *values;
        if (!table)
            table = view_file_table(doc, "comparison", values, columns, rows * compare->file_count);
        view_file_row(table, i, values, columns);
    }
}

static bool all_modelled(const struct compare *compare)
{
    const struct compared_rows *times = &compare->metrics[METRIC_TIME];
    size_t i = 0;
    while (i < times->count && !strncmp(times->rows[i].cell.monitor, "model:", strlen("model:")))
        i++;
    return i == times->count;
}

void view_compare(const struct compare *compare, struct document *doc)
{
    enum metric first = compare->metric, second = (first + 1) % METRICS;
    size_t changed = 0;
    doc->title = document_text(doc, "vcost compare %s", file_name(compare, 0));
    for (size_t file = 1; file < compare->file_count; file++) {
        const struct changes changes = changes_of(compare, first, file);
        const struct ratios times = compare_count(compare, METRIC_TIME, file).ratios;
        changed += times.slower + times.faster;
        conclude(compare, &changes, BLOCK_CONCLUSION, doc);
    }
    say_files(compare, doc);
    for (size_t file = 1; file < compare->file_count; file++) {
        const struct changes changes = changes_of(compare, first, file),
                             others = changes_of(compare, second, file);
        say_agreement(&changes, doc);
        if (others.rows->count)
            conclude(compare, &others, BLOCK_FACT, doc);
    }
    if (all_modelled(compare))
        document_say(doc, BLOCK_FACT, "All of this is modelled, not measured: changes are exact.");
    else if (changed) /* which may have nothing to do with what the reader changed */
        document_say(doc, BLOCK_FACT,
            "The files were measured at different times: what else the machine did then is part of how times "
            "changed. Slowdowns are paired inside each file and suffer less from it.");
    say_warnings(compare, doc);
    add_table(compare, first, doc);
    add_table(compare, second, doc);
    view_compare_accounts(compare, doc);
    say_absences(compare, doc);
    document_details(doc, true);
    for (unsigned i = 0; i < METRICS; i++)
        for (size_t file = 1; file < compare->file_count; file++) {
            const struct changes changes = changes_of(compare, i ? second : first, file);
            say_counts(&changes, doc);
        }
    for (size_t file = 0; file < compare->file_count; file++) {
        const char *quality = view_run_quality(compare->files[file].qualities, doc);
        if (quality[0])
            document_say(doc, BLOCK_SENTENCE, "%c: %s", compare_letter(file), quality);
    }
    document_details(doc, false);
    add_file_table(compare, doc);
    view_compare_account_files(compare, doc);
}
