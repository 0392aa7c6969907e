#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int failure(int code)
{
    return code > 0 ? code : EIO;
}

static void write_sentence(struct error *error, int code, const char *format, va_list list)
{
    if (!error)
        return;
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, list);
}

int(error_set)(struct error *error, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    write_sentence(error, failure(code), format, list);
    va_end(list);
    return -failure(code);
}

int(error_errno)(struct error *error, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    write_sentence(error, failure(code), format, list);
    va_end(list);
    if (error) {
        size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, ": %s", strerror(failure(code)));
    }
    return -failure(code);
}

int error_prefix(struct error *error, const char *format, ...)
{
    char tail[sizeof error->text];
    va_list list;
    if (!error)
        return -1;
    memcpy(tail, error->text, sizeof tail);
    va_start(list, format);
    vsnprintf(error->text, sizeof error->text, format, list);
    va_end(list);
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, ": %s", tail);
    return -error->code;
}
