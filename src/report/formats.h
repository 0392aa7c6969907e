/* What the writers of formats (to_*.c; document.c has them in a table) share. Each leaves a lack of memory in
 * the writing's pool to document_write(). */
#ifndef VCOST_REPORT_FORMATS_H
#define VCOST_REPORT_FORMATS_H

#include "report/document.h"

/* Within style->columns, in the reader's codeset, with colours if told; details only with style->verbose. For
 * the other formats nothing of the style matters. */
int to_terminal(struct writing *writing, struct error *error);

/* GitHub's Markdown: all details, no charts. */
int to_markdown(struct writing *writing, struct error *error);

/* RFC 4180: the tables for files if there are any, else those for people. */
int to_csv(struct writing *writing, struct error *error);

/* One self-contained page for people, which brings its style, its script and the result's JSON. */
int to_html(struct writing *writing, struct error *error);

/* All charts in one picture; -ENODATA if there are none. A PNG is made of it by rsvg-convert: to_png_check()
 * says whether there is one (-ENOTSUP if not). On failure nothing was written. */
int to_svg(struct writing *writing, struct error *error);
int to_png(struct writing *writing, struct error *error);
int to_png_check(struct error *error);

/* ---- their parts ---- */

/* Whether there is anything in a table that is not for files alone. */
bool table_is_for_people(const struct table *table);

/* Text, cleaned, within `columns` (0: no limit) as text_wrap() does. */
void paragraph_terminal(
    struct writing *writing, unsigned columns, const char *first, const char *text, enum ink ink);

/* A table with its title; returns how many rows are left out as details. */
size_t table_terminal(struct writing *writing, const struct table *table);

/* A chart in braille, as wide as the style says (80 columns where there is no limit, 40 at least): title,
 * legend, picture, caption. `stamp` is written on it where it has none of its own (NULL: nothing). */
void chart_terminal(struct writing *writing, const struct chart *chart, const char *stamp);

/* A chart as an element <svg>, with the values on hover and a text for those who do not see it. What it looks
 * like is said by classes, which chart.css explains; its title and caption are left to what is around it.
 * `number` is the chart's in its file: ids are made of it; `top` is where it starts in a picture (0 in a
 * page). Returns where it ends. */
double chart_svg(const struct chart *chart, size_t number, double top, const char *stamp, FILE *stream);

/* The same of CHART_STEPS, which both leave to these. */
double chart_steps_svg(const struct chart *chart, size_t number, double top, FILE *stream);
void chart_steps_terminal(struct writing *writing, const struct chart *chart);
/* And of CHART_MAP. */
double chart_map_svg(const struct chart *chart, size_t number, double top, FILE *stream);
void chart_map_terminal(struct writing *writing, const struct chart *chart);

enum { CHART_SVG_WIDTH = 800 };

/* Markup (HTML, SVG) with what is filled in, which knows few conversions:
 * %s  text from anywhere, cleaned (base/clean.h) and escaped: fit for the content of an element and for an
 *     attribute in quotation marks, of HTML as well as of XML; NULL is ""
 * %f  a number of a picture: with one decimal at most, and 0 for what is not finite
 * %d, %zu, %% as everywhere. */
void markup(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a page brings along, embedded by the build (embed.py). NAME_hash is what a Content-Security-Policy
 * allows it by, "sha256-…". */
extern const char chart_style[], chart_style_hash[]; /* chart.css: of a picture alone */
extern const char page_style[], page_style_hash[];   /* chart.css, page.css */
extern const char page_script[], page_script_hash[]; /* page.js */

#endif
