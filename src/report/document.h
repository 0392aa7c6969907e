/* What a command says to people, before it is known in which format: headings, sentences, notes, lists,
 * tables, charts, in the order in which they are read. A view (view_*.c) makes it of a result; a format
 * (to_*.c) writes it.
 *
 * Sentences are formatted at once (printf), cells of tables stay typed until a format writes them. Texts are
 * UTF-8 ("µs", "…") and may hold anything that came from outside: each format cleans or escapes what it
 * writes. A lack of memory is remembered and told by document_write(); until then everything may go on as if
 * nothing had happened.
 *
 * A command with one table and one chart is shown in CONTRIBUTING.md, from its view to all formats. */
#ifndef VCOST_REPORT_DOCUMENT_H
#define VCOST_REPORT_DOCUMENT_H

#include "base/error.h"
#include "base/pool.h"
#include "base/unit.h"
#include "report/chart.h"
#include "report/text.h"

#include <stdio.h>

/* ---- tables ---- */

/* What a figure says, for its colour. */
enum tone { TONE_PLAIN, TONE_FAINT, TONE_WARNING, TONE_SLOWER, TONE_FASTER };

struct value {
    enum unit unit;           /* the column's, unless this one differs */
    double number, low, high; /* NAN: none. low, high: the 95 % interval */
    const char *text;         /* UNIT_TEXT: the text. With a number: said behind it ("yes (virtio0)") */
    const char *mark;         /* beside the figure: "~"; NULL: none */
    const char *why;          /* why there is no number; told on hover, and in notes by the view */
    enum tone tone;
    bool detail; /* on a terminal only with --verbose; in the first column: the whole row */
};

struct column {
    const char *key;  /* in files, stable: "median"; with interval also "median_low", "median_high" */
    const char *head; /* for people; NULL: the key; "": none on a terminal, the key elsewhere */
    /* Neighbouring columns of the same block stand under this heading; NULL: none. Where the width does not
     * suffice, blocks follow in tables below, the first column repeated. */
    const char *block;
    enum unit unit;
    bool interval; /* for people: "low … high" follows, under "95 % interval" */
    bool bare;     /* the head names the unit: cells are numbers alone */
    bool rounded;  /* a figure has no more digits than its interval (shown or not) bears: 18 µs ± 1.3 */
    bool sign;     /* a difference: "+58.2 µs" */
    bool below;    /* a remark on the row: on a terminal a paragraph below it, elsewhere a column */
    unsigned drop; /* where a terminal is narrow the highest number goes first; 0: never */
};

enum table_readers {
    TABLE_FOR_PEOPLE, /* terminal, Markdown, HTML; CSV too if the document has none for files */
    TABLE_FOR_FILES   /* CSV alone: every figure, unrounded, and empty where there is none */
};

struct table {
    const char *name;  /* [a-z0-9-], stable */
    const char *title; /* NULL: none */
    enum table_readers readers;
    const struct column *columns; /* copied into the document */
    size_t column_count, rows;
    struct value *values; /* row by row */
};

/* A table of `rows` rows, all of whose values are unknown: no number, no text. NULL without memory. */
struct table *document_table(struct document *document, const char *name, const char *title,
    const struct column *columns, size_t column_count, size_t rows);

/* A value, to be filled in. Never NULL: where table is, what is written is lost. */
struct value *table_at(struct table *table, size_t row, size_t column);

/* The usual ways to fill one in. */
void table_number(struct table *table, size_t row, size_t column, double number);
void table_interval(struct table *table, size_t row, size_t column, double number, double low, double high);
void table_text(struct table *table, size_t row, size_t column, const char *text); /* kept by the caller */

/* ---- the document ---- */

enum block_kind {
    BLOCK_CONCLUSION, /* what a person can repeat to a colleague; first */
    BLOCK_FACT,       /* the sentences that bear it, indented */
    BLOCK_HEADING,
    BLOCK_SENTENCE, /* a paragraph */
    BLOCK_WARNING,  /* a paragraph that must not be overlooked */
    BLOCK_NOTE,     /* below a table or chart: marks, reasons */
    BLOCK_ITEM,     /* of a numbered list; numbers start anew after any other kind but BLOCK_MORE */
    BLOCK_MORE,     /* another paragraph of the item before it */
    BLOCK_COMMAND,  /* a line to be typed: never broken, so that it can be copied */
    BLOCK_TABLE,
    BLOCK_CHART,
    BLOCK_KINDS
};

struct block {
    enum block_kind kind;
    bool detail;         /* matters only to the method: on a terminal with --verbose, in HTML folded */
    const char *text;    /* of all but BLOCK_TABLE and BLOCK_CHART */
    struct table *table; /* BLOCK_TABLE */
    struct chart *chart; /* BLOCK_CHART */
};

struct document {
    struct pool pool;  /* owns everything below */
    const char *title; /* of a page: "vcost chase on AMD EPYC"; NULL: "vcost" */
    const char *stamp; /* why all of it must not be trusted as it is ("incomplete: …"); NULL: nothing */
    const char *json;  /* what was found, as JSON text, to be kept inside a page; NULL: nothing */
    struct block *blocks;
    size_t count, room;
    bool detail; /* what is said from now on is a detail */
};

/* All zero is an empty document. */
void document_free(struct document *document);

/* Says something; `kind` is one with a text. */
void document_say(struct document *document, enum block_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What is said from now on matters only to the method, or not. */
void document_details(struct document *document, bool details);

/* Appends an empty chart, all scales linear, no rule. NULL without memory. */
struct chart *document_chart(
    struct document *document, enum chart_kind kind, const char *name, const char *title);

/* A text of printf's that lives as long as the document. */
const char *document_text(struct document *document, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- formats ---- */

/* What a writer of a format works with. */
struct writing {
    const struct document *document;
    FILE *stream;
    const struct report_style *style;
    struct pool pool; /* of what is needed meanwhile */
};

struct format {
    const char *name;      /* "terminal", "markdown", "csv", "html", "svg", "png" */
    const char *extension; /* ".md"; NULL: none */
    const char *about;     /* one line for `vcost report --format` */
    int (*write)(struct writing *writing, struct error *error);
    /* Whether it can be written on this machine (-ENOTSUP: a program is missing), to be asked before
     * measuring; NULL: always. */
    int (*check)(struct error *error);
};

/* Number `index` of the table of formats; NULL past the end. */
const struct format *format_at(size_t index);
const struct format *format_named(const char *name);   /* NULL: there is none */
const struct format *format_of_path(const char *path); /* by its extension; NULL: none has it */

/* Errors of the stream are left to its owner (output_commit). */
int document_write(const struct document *document, const struct format *format, FILE *stream,
    const struct report_style *style, struct error *error);

#endif
