/* What a program does that its user may not mean, of which its times do not tell. */
#include "report/view_parts.h"

void view_say_left(unsigned count, const char *name, struct document *doc)
{
    const char *left = !count       ? "processes"
                       : count == 1 ? name
                                    : document_text(doc, "%u processes, the first of them %s,", count, name);
    document_say(doc, BLOCK_FACT,
        "It leaves %s running when it ends: that was ended each time, and its CPU time until then counts.",
        left);
}
