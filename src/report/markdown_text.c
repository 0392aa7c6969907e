#include "report/markdown_text.h"

#include "report/text.h"

#include <string.h>

const struct report_style markdown_style = {.color = false, .utf8 = true, .columns = 0};

void markdown_text(FILE *stream, const char *text)
{
    char clean[2048];
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    for (const char *c = clean; *c; c++) {
        if (strchr("\\`*_{}[]<>#|~&$", *c))
            fputc('\\', stream); /* CommonMark 2.4: any ASCII punctuation may be escaped */
        fputc(*c, stream);
    }
}

void markdown_row(FILE *stream, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(i ? " | " : "| ", stream);
        markdown_text(stream, cells[i]);
    }
    fputs(" |\n", stream);
}

void markdown_rule(FILE *stream, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fputs(i ? " ---: |" : "| :--- |", stream);
    fputc('\n', stream);
}

void markdown_items(FILE *stream, char *text)
{
    char *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        fputs("- ", stream);
        markdown_text(stream, line + strspn(line, " "));
        fputc('\n', stream);
    }
}
