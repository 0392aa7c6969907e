/* The one way in which host/ reads files: small texts under /proc and /sys, never more than the caller has
 * room for. The files may be missing, unreadable, huge or garbage. */
#ifndef VCOST_HOST_READ_TEXT_H
#define VCOST_HOST_READ_TEXT_H

#include "base/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READ_TEXT_LINE = 512 }; /* room for one line with its NUL, where a line is asked for */

/* For tests only: every path below is taken under this prefix ("" or NULL: the machine itself). The text is
 * not copied. Not to be called while another thread reads. */
void read_text_root(const char *prefix);

/* Is it the machine itself that is read, not a test's tree? */
bool read_text_is_real(void);

/* Reads the first size-1 bytes into text[size] and ends them with NUL. 0 or a negative errno. */
int read_text(const char *path, char *text, size_t size);

/* Reads the first line, cleaned by text_trim(). -ENODATA if it is empty. */
int read_line(const char *path, char *line, size_t size);

/* Reads a file that holds one decimal number. -EINVAL if it holds something else. */
int read_number(const char *path, uint64_t *value);

/* The first line, or why there is none. */
struct fact read_fact(const char *path);

/* Calls line() for each line of a file, without its line end and cut at READ_TEXT_LINE-1 bytes, until it
 * returns false. 0 or a negative errno. */
int read_each_line(const char *path, bool (*line)(char *line, void *context), void *context);

/* Calls name() for each entry of a directory but those that start with a dot, in no order, until it returns
 * false. 0 or a negative errno. */
int read_each_name(const char *path, bool (*name)(const char *name, void *context), void *context);

#endif
