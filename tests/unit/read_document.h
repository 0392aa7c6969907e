/* What a document says, for the tests of views. */
#ifndef VCOST_TESTS_READ_DOCUMENT_H
#define VCOST_TESTS_READ_DOCUMENT_H

#include "cmocka_all.h"

#include "base/clean.h"
#include "report/document.h"

#include <stdlib.h>
#include <string.h>

static const struct report_style usual_style = {.utf8 = true, .columns = 80}, wide_style = {.utf8 = true};

/* In that format; the caller's. noinline: GCC 12 takes what open_memstream() hands out for the address of the
 * variable. */
__attribute__((noinline, unused)) static char *text_of(
    const struct document *document, const char *format, const struct report_style *style)
{
    char *text = NULL;
    size_t size = 0;
    struct error error;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(document_write(document, format_named(format), stream, style, &error), 0);
    fclose(stream);
    return text;
}

/* The same, and the document is released. */
static inline char *written(struct document *document, const char *format, const struct report_style *style)
{
    char *text = text_of(document, format, style);
    document_free(document);
    return text;
}

static inline void assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text ? text : "nothing");
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (!text || strstr(text, part))
        fail_msg("\"%s\" is in: %s", part, text ? text : "nothing");
}

/* What it says in blocks of that kind, each in a line of its own; the caller's. */
__attribute__((noinline, unused)) static char *said(const struct document *document, enum block_kind kind)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].kind == kind)
            fprintf(stream, "%s\n", document->blocks[i].text);
    fclose(stream);
    return text;
}

static inline void assert_says(const struct document *document, enum block_kind kind, const char *part)
{
    char *text = said(document, kind);
    assert_has(text, part);
    free(text);
}

static inline void assert_says_not(const struct document *document, enum block_kind kind, const char *part)
{
    char *text = said(document, kind);
    assert_has_not(text, part);
    free(text);
}

static inline const struct table *table_named(const struct document *document, const char *name)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_TABLE && !strcmp(document->blocks[i].table->name, name))
            return document->blocks[i].table;
    return NULL;
}

static inline const struct chart *chart_named(const struct document *document, const char *name)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_CHART && !strcmp(document->blocks[i].chart->name, name))
            return document->blocks[i].chart;
    return NULL;
}

/* No line is longer than that, ends with a blank or has control characters, or others if they must be ASCII.
 */
static inline void assert_inside(const char *text, unsigned columns, bool ascii)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (text_columns_of(line, length) > columns)
            fail_msg("%u columns, but: %.*s", columns, (int)length, line);
        for (size_t i = 0; i < length; i++)
            assert_true((unsigned char)line[i] >= ' ' && (!ascii || line[i] < 127));
        assert_true(!length || line[length - 1] != ' ');
        line += length + (line[length] != 0);
    }
}

#endif
