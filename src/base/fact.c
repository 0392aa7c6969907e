#include "base/fact.h"

#include <stdarg.h>
#include <stdio.h>

static struct fact fact_make(bool known, const char *format, va_list list)
{
    struct fact fact = {.known = known};
    vsnprintf(fact.text, sizeof fact.text, format, list);
    return fact;
}

struct fact fact_known(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    struct fact fact = fact_make(true, format, list);
    va_end(list);
    return fact;
}

struct fact fact_unknown(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    struct fact fact = fact_make(false, format, list);
    va_end(list);
    return fact;
}
