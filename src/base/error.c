#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
    if (error) {
        va_list list;
        va_start(list, format);
        error->code = code;
        vsnprintf(error->text, sizeof error->text, format, list);
        va_end(list);
    }
    return -code;
}

int error_errno(struct error *error, int code, const char *format, ...)
{
    if (error) {
        va_list list;
        va_start(list, format);
        error->code = code;
        vsnprintf(error->text, sizeof error->text, format, list);
        va_end(list);
        size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, ": %s", strerror(code));
    }
    return -code;
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
