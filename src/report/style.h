/* How a report for people is written: decided once by the command line, obeyed by every writer.
 *
 * Nothing in report/ looks at the terminal, the locale or the environment for it. */
#ifndef VCOST_REPORT_STYLE_H
#define VCOST_REPORT_STYLE_H

#include <stdbool.h>

struct report_style {
    bool color; /* terminal colours (ECMA-48 SGR sequences) may be used */
    bool utf8;  /* the reader's codeset is UTF-8; otherwise only ASCII is written */
    unsigned
        columns;  /* width to stay within; 0: no limit. Charts need 40 and take 80 where there is no limit */
    bool verbose; /* of every finding how it was found and how sure it is */
};

enum { STYLE_COLUMNS_USUAL = 80 };

/* What text is written in. */
enum ink { INK_PLAIN, INK_HEADING, INK_FAINT, INK_WARNING, INK_SLOWER, INK_FASTER, INK_KINDS };

/* The sequences that switch an ink on and every ink off: "" without colour. Never to be freed. */
const char *style_on(const struct report_style *style, enum ink ink);
const char *style_off(const struct report_style *style, enum ink ink);

#endif
