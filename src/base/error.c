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

/* Codes that have one cause, whatever the call, with what to do about it. */
static const char *remedy_of(int code)
{
    static const struct {
        int code;
        const char *remedy;
    } limits[] = {
        {EMFILE, " (raise the limit on open files, ulimit -n)"},
        {ENFILE, " (in the whole machine: raise fs.file-max)"},
        {EFBIG, " (raise the limit on the size of files, ulimit -f)"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (code == limits[i].code)
            return limits[i].remedy;
    return "";
}

int(error_errno)(struct error *error, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    write_sentence(error, failure(code), format, list);
    va_end(list);
    if (error) {
        size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, ": %s%s", strerror(failure(code)),
            remedy_of(failure(code)));
    }
    return -failure(code);
}

int error_start(struct error *error, int code, const char *what)
{
    if (code == EAGAIN)
        return error_set(error, code,
            "cannot start %s: no more are allowed (raise the limit on processes, ulimit -u, or the control "
            "group's pids.max)",
            what);
    return error_errno(error, code, "cannot start %s", what);
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
