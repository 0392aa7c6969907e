/* Writing HTML and SVG, where "<" and "&" mean something. */
#ifndef VCOST_REPORT_MARKUP_H
#define VCOST_REPORT_MARKUP_H

#include <stdio.h>

/* Writes markup with what is filled in, which knows few conversions:
 * %s  text from anywhere, cleaned (base/clean.h) and escaped: fit for the content of an element and for an
 *     attribute in quotation marks, of HTML as well as of XML; NULL is ""
 * %f  a number of a picture: with one decimal at most, and 0 for what is not finite
 * %d, %zu, %% as everywhere. */
void markup(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes JSON text (valid, of whatever content) for a script element of HTML: no "<" is left that could end
 * the element, nor the line ends of Unicode that old readers of JavaScript trip over; blanks between its
 * parts go. It stays the same JSON. */
void markup_json(FILE *stream, const char *json);

#endif
