/* Writes a document that has a bit of everything to standard output: demo_page FORMAT
 * [full|empty|many|stamped [WORD]] */
#include "demo_document.h"

#include <string.h>

int main(int count, char **words)
{
    const struct format *format = count > 1 ? format_named(words[1]) : NULL;
    const char *kind = count > 2 ? words[2] : "";
    const struct report_style style = {.utf8 = true};
    struct document document = {0};
    struct error error = {0};
    if (!format)
        return 2;
    if (!strcmp(kind, "many"))
        demo_many_rows(&document, 10000);
    else if (strcmp(kind, "empty") != 0)
        demo_document(&document, count > 3 ? words[3] : "kvm (shadow, PVM)");
    if (!strcmp(kind, "stamped"))
        document.stamp = "incomplete: stopped by the user";
    int status = document_write(&document, format, stdout, &style, &error);
    document_free(&document);
    if (status)
        fprintf(stderr, "%s\n", error.text);
    return status != 0;
}
