#include "report/format.h"

#include "base/size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Digits behind the point that give three significant ones. */
static int decimals(double value)
{
    double size = fabs(value);
    if (size >= 99.95)
        return 0;
    if (size >= 9.995)
        return 1;
    if (size >= 0.9995)
        return 2;
    return size >= 0.09995 ? 3 : 4;
}

struct formatted format_size(uint64_t bytes)
{
    struct formatted out;
    size_text(bytes, out.text);
    return out;
}

/* "4 KiB" without all but the unit's first letter. */
struct formatted format_size_short(uint64_t bytes)
{
    struct formatted out = format_size(bytes);
    char *blank = strchr(out.text, ' ');
    blank[0] = blank[1] == 'B' ? 0 : blank[1];
    blank[1] = 0;
    return out;
}

static struct formatted unknown(void)
{
    return (struct formatted){"-"};
}

struct formatted format_ns(double ns)
{
    struct formatted out;
    if (!isfinite(ns))
        return unknown();
    snprintf(out.text, sizeof out.text, "%.*f", decimals(ns), ns);
    return out;
}

static struct formatted with_time_unit(double ns, const char *sign, const struct report_style *style)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    struct formatted out;
    unsigned unit = 0;
    if (!isfinite(ns))
        return unknown();
    while (unit < 3 && fabs(ns) >= 999.5) {
        ns /= 1000;
        unit++;
    }
    snprintf(out.text, sizeof out.text, "%s%.*f %s", sign, decimals(ns), ns,
        unit == 1 && (!style || style->utf8) ? "\u00b5s" : units[unit]);
    return out;
}

struct formatted format_time(double ns, const struct report_style *style)
{
    return with_time_unit(ns, "", style);
}

struct formatted format_extra(double ns, const struct report_style *style)
{
    return with_time_unit(ns, ns >= 0 ? "+" : "", style);
}

struct formatted format_slowdown_number(double ratio)
{
    struct formatted out;
    double percent = (ratio - 1) * 100, size = fabs(percent);
    if (!isfinite(percent))
        return unknown();
    if (size < 0.005)
        return (struct formatted){"0.0"};
    snprintf(out.text, sizeof out.text, "%+.*f", size >= 99.95 ? 0 : size >= 0.095 ? 1 : 2, percent);
    return out;
}

struct formatted format_slowdown(double ratio)
{
    struct formatted out = format_slowdown_number(ratio);
    if (isfinite(ratio))
        strcat(out.text, " %");
    return out;
}

struct formatted format_slowdown_interval(double low, double high, const struct report_style *style)
{
    struct formatted out;
    if (!isfinite(low) || !isfinite(high))
        return unknown();
    snprintf(out.text, sizeof out.text, "%.18s %s %.20s", format_slowdown_number(low).text,
        style_ellipsis(style), format_slowdown(high).text);
    return out;
}

struct formatted format_percent_tick(double percent)
{
    struct formatted out;
    if (percent == 0)
        return (struct formatted){"0 %"};
    snprintf(out.text, sizeof out.text, "%+.4g %%", percent);
    return out;
}

struct formatted format_number_tick(double value)
{
    struct formatted out;
    snprintf(out.text, sizeof out.text, "%.4g", value);
    return out;
}

struct formatted format_seconds(double seconds)
{
    struct formatted out;
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9)
        return unknown();
    unsigned whole = (unsigned)llround(seconds);
    if (seconds < 9.95)
        snprintf(out.text, sizeof out.text, "%.*f s", seconds < 0.995 ? 2 : 1, seconds);
    else if (whole < 60)
        snprintf(out.text, sizeof out.text, "%u s", whole);
    else if (whole < 3600)
        snprintf(out.text, sizeof out.text, "%u min %02u s", whole / 60, whole % 60);
    else
        snprintf(out.text, sizeof out.text, "%u h %02u min", whole / 3600, whole / 60 % 60);
    return out;
}

struct formatted format_count(uint64_t count)
{
    struct formatted out;
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            out.text[used++] = ',';
        out.text[used++] = digits[i];
    }
    out.text[used] = 0;
    return out;
}
