/* What views are made of: lists and figures inside sentences, remarks on many things, tables for people and
 * for files; and what those of all measuring commands say alike. Texts live as long as the document; results
 * have to outlive it. */
#ifndef VCOST_REPORT_VIEW_PARTS_H
#define VCOST_REPORT_VIEW_PARTS_H

#include "report/document.h"
#include "result/ratios.h"
#include "result/result.h"

struct file_value {
    const char *key; /* its column's */
    enum unit unit;
    const char *text; /* UNIT_TEXT; NULL: none */
    double number;    /* of all others; NAN: none */
};
#define FILE_WORDS(key, text) ((struct file_value){key, UNIT_TEXT, text, NAN})
#define FILE_FIGURE(key, unit, number) ((struct file_value){key, unit, NULL, number})

enum { FILE_COLUMNS_MAX = 48 };

/* A table for files with the keys of these values, and a row of it. */
struct table *view_file_table(
    struct document *doc, const char *name, const struct file_value *values, size_t count, size_t rows);
void view_file_row(struct table *table, size_t row, const struct file_value *values, size_t count);

/* Takes out the columns in which no row has anything: of those with an interval, not even why it has none. */
void view_drop_empty(struct table *table);

/* Marks by "~" what tells nothing in the columns that show an interval, unless that is most of it. */
void view_mark_unclear(struct table *table);

/* What the marks in a table mean, as far as there are any: "~" and "!". */
void view_say_marks(const struct table *table, struct document *doc);

/* Remarks on many things, each of which is said once: "cpuid, pio-user and 3 more: reason". */
struct remarks {
    struct document *doc;
    struct remark {
        const char *lead, *name, *text;
    } * items;
    size_t count, room;
};
/* Nothing without a text. Remarks are put together whose leads (in front of the names) and texts are the
 * same; a name that comes again is not repeated. */
void remarks_add(struct remarks *remarks, const char *lead, const char *name, const char *text);
/* `title` stands above them (NULL: none); so many `sentences`, in each `most` names. */
void remarks_say(const struct remarks *remarks, const char *title, size_t most, size_t sentences);

/* Goes on in the sentence that was said last. */
void view_add(struct document *doc, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "a, b and 3 more": all that are added are counted, the first ones named. */
struct listing {
    struct document *doc;
    const char *between; /* ", ", "; " */
    size_t most;         /* so many are named; 0: all */
    size_t count;
    const char *text; /* NULL: none yet */
};
void listing_add(struct listing *listing, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *listing_text(const struct listing *listing); /* "" without any */

/* "2.6 % (0.5 to 4.5)" of 1.026 with its 95 % interval; of a ratio below one how much less it is. */
const char *view_amount(struct document *doc, double ratio, double low, double high);

/* A time with no more digits than its interval bears; with a sign if it is a difference. */
const char *view_time(struct document *doc, double ns, double low, double high, bool sign);

/* With a capital: sentences are made of halves. */
const char *view_capital(struct document *doc, const char *text);

/* ---- which machine this is (view_run.c), how well it was measured (view_run_quality.c), its cells in a
 * file (view_run_cells.c) ---- */

/* The document's title, "vcost chase on AMD EPYC 7B13", and its stamp where the result must not be trusted as
 * it is: "incomplete: stopped by the user". First. */
void view_run_title(const struct result *result, struct document *doc);

/* Facts about where it was measured: "Guest: KVM with shadow paging (PVM). CPU: AMD EPYC 7B13. Linux 6.18.5."
 * and each other machine that took part. */
void view_run_machine(const struct result *result, struct document *doc);

/* For the end of a conclusion: " (incomplete: stopped by the user)"; "" if the result is complete. */
const char *view_run_incomplete(const struct result *result, struct document *doc);

/* "KVM guest", "guest of an unnamed hypervisor"; NULL: this machine is none. And that as a fact about what is
 * below native: "This machine is itself a KVM guest …"; nothing on bare metal. */
const char *view_run_guest(const struct result *result, struct document *doc);
void view_run_below(const struct result *result, struct document *doc);

/* A sentence to stand above a table: "This machine is fairly quiet today: half of the comparisons are known
 * to within 4.3 %." Of the cells where nothing was compared. Pictures of what was measured on a disturbed
 * machine are stamped. */
void view_run_today(const struct result *result, struct document *doc);

/* Why so much cannot be told, and what to do: "other work takes this CPU (…). Stop it …". No full stop. */
const char *view_run_blame(const struct result *result, struct document *doc);

/* How many ratios came out how, after `what`: "kvm: of 37 comparisons 1 is slower, 1 faster, 35 not
 * significant; with as many …". Nothing where there is none. */
void view_run_counts(const struct ratios *ratios, const char *what, const char *const one_several[2],
    const char *more, const char *less, struct document *doc);

/* Details: cells that are not good, two modes, drift, how many samples in what time. */
void view_run_method(const struct result *result, struct document *doc);

/* "1 noisy, 2 interrupted of 24 cells."; "" if all are good. */
const char *view_run_quality(const unsigned counts[static QUALITIES], struct document *doc);

/* The table of cells for files (CSV), the same for all commands that have cells. */
void view_run_cells(const struct result *result, struct document *doc);

/* ---- a program that is measured, and does what its user may not mean (view_odd.c) ---- */

/* So many processes it leaves running, the first of this name; 0: some, as early versions tell it. */
void view_say_left(unsigned count, const char *name, struct document *doc);

#endif
