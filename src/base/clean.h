/* Text from outside (the command line, CPUID, /sys, reasons) made fit for a reader.
 *
 * A terminal must not get a control sequence out of a CPU's brand string, a JSON file no invalid UTF-8. */
#ifndef VCOST_BASE_CLEAN_H
#define VCOST_BASE_CLEAN_H

#include <stddef.h>

enum text_flags {
    TEXT_UTF8 = 0,
    TEXT_ASCII = 1,         /* other characters become their usual spelling (... u x) or '?' */
    TEXT_KEEP_CONTROLS = 2, /* control characters stay (JSON escapes them); otherwise each becomes a blank */
    TEXT_MARK_CONTROLS = 4  /* or '?' */
};

/* Copies `in` to out[size], cut at a whole character. Invalid UTF-8 becomes U+FFFD or '?'. The result is
 * never more than three times as long as `in`. */
void text_clean(const char *in, unsigned flags, char *out, size_t size);

/* What a program has written to stderr, or the end of it (bytes[length]; where that begins within a
 * character, behind it), as one line: as much of its end as out[size] holds, behind "…" if that is not all,
 * and of TEXT_SAID_BYTES at most. */
enum { TEXT_SAID_BYTES = 512 };
void text_said(const char *bytes, size_t length, char *out, size_t size);

/* Columns that clean text takes on a terminal: one for each character (nothing here writes wide ones). */
size_t text_columns(const char *clean);
size_t text_columns_of(const char *clean, size_t bytes); /* its first bytes */

#endif
