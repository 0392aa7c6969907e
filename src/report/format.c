#include "report/format.h"

#include "base/clean.h"
#include "base/size.h"
#include "report/document.h"

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

struct formatted format_ns(double ns)
{
    return format_figure(UNIT_NS, ns, FORMAT_BARE);
}

/* Four digits at most: of a tick. */
static struct formatted tick_number(double value)
{
    struct formatted out;
    snprintf(out.text, sizeof out.text, "%.4g", value);
    return out;
}

struct formatted format_seconds(double seconds)
{
    struct formatted out;
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9)
        return (struct formatted){"-"};
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

/* ---- by unit ---- */

/* What is known of a figure's uncertainty: half its interval, in the figure's own scale (NAN: nothing), and
 * whether the interval reaches over zero, so that the figure may be written as zero. */
struct bears {
    double half;
    bool zero;
};

static const struct bears bears_all = {NAN, false};

static struct bears bears_scaled(struct bears bears, double scale)
{
    return (struct bears){bears.half / scale, bears.zero};
}

/* The place of a number's first digit, counted behind the point: 0 of 5, -1 of 50, 1 of 0.5. */
static int first_place(double number)
{
    return -(int)floor(log10(fabs(number)));
}

/* Digits behind the point (negative: before it, written as zeros): `usual`, or fewer where the last of these
 * says nothing; its first digit is always written. */
static int borne_places(double number, struct bears bears, int usual)
{
    if (!(bears.half > 0) || !isfinite(bears.half) || number == 0)
        return usual;
    int borne = first_place(bears.half), first = first_place(number);
    borne = borne > first ? borne : first;
    return borne < usual ? borne : usual;
}

/* A number rounded to so many places. One that may be zero, and is less than half of what its interval bears,
 * is. */
static double rounded_to(double number, int places, struct bears bears)
{
    double step = pow(10, -places);
    bool zero = bears.zero && bears.half > 0 && fabs(number) < pow(10, -first_place(bears.half)) / 2;
    return zero ? 0 : round(number / step) * step;
}

/* Written so; a difference has its sign, and zero none. */
static struct formatted fixed(double number, int places, struct bears bears, unsigned flags)
{
    struct formatted out;
    double rounded = rounded_to(number, places, bears);
    if (rounded == 0)
        return (struct formatted){"0"};
    snprintf(out.text, sizeof out.text, "%s%.*f", flags & FORMAT_SIGN && number > 0 ? "+" : "",
        places > 0 ? places : 0, places < 0 ? rounded : number);
    return out;
}

/* Three significant digits at most, and no zeros behind them; whole numbers in groups of three. */
static struct formatted plain(double number, struct bears bears, unsigned flags)
{
    double size = fabs(number);
    if (size > 0x1p53)
        return tick_number(number);
    int usual = size == floor(size) || size >= 99.95 ? 0 : 2 - (int)floor(log10(size));
    int places = borne_places(number, bears, usual);
    struct formatted out = fixed(number, places, bears, flags);
    if (places > 0 && strchr(out.text, '.')) {
        size_t length = strlen(out.text);
        while (out.text[length - 1] == '0')
            length--;
        out.text[length - (out.text[length - 1] == '.')] = 0;
        return out;
    }
    double rounded = rounded_to(number, places, bears);
    const char *sign = rounded == 0 ? "" : number < 0 ? "-" : flags & FORMAT_SIGN ? "+" : "";
    snprintf(out.text, sizeof out.text, "%s%.40s", sign, format_count((uint64_t)llround(fabs(rounded))).text);
    return out;
}

static struct formatted with_unit(struct formatted number, const char *unit, unsigned flags)
{
    struct formatted out;
    if (flags & FORMAT_BARE)
        return number;
    snprintf(out.text, sizeof out.text, "%.36s %s", number.text, unit);
    return out;
}

static const char *const time_units[] = {"ns", "µs", "ms", "s"};

/* Which of these; *scale: how many ns it has. */
static unsigned time_unit_of(double ns, double *scale)
{
    unsigned unit = 0;
    *scale = 1;
    for (; unit < 3 && fabs(ns / *scale) >= 999.5; unit++)
        *scale *= 1000;
    return unit;
}

static struct formatted time_figure(double ns, struct bears bears, unsigned flags)
{
    double scale = 1;
    for (unsigned unit = 0;; unit++, scale *= 1000) {
        double scaled = ns / scale;
        struct bears borne = bears_scaled(bears, scale);
        int places = scaled == 0 ? 0 : borne_places(scaled, borne, decimals(scaled));
        if (flags & FORMAT_BARE || unit == 3 || fabs(rounded_to(scaled, places, borne)) < 999.5)
            return with_unit(fixed(scaled, places, borne, flags), time_units[unit], flags);
    }
}

static struct formatted change_figure(double ratio, struct bears bears, unsigned flags)
{
    double percent = (ratio - 1) * 100, size = fabs(percent);
    int usual = size >= 99.95 || size < 0.005 ? 0 : size >= 0.095 ? 1 : 2;
    bears = bears_scaled(bears, 0.01);
    int places = borne_places(percent, bears, usual);
    struct formatted number = size < 0.005 && !(places < 0 || bears.half > 0)
                                  ? (struct formatted){"0.0"}
                                  : fixed(percent, places, bears, FORMAT_SIGN);
    return with_unit(number, "%", flags);
}

static struct formatted figure(enum unit unit, double number, struct bears bears, unsigned flags)
{
    if (!isfinite(number))
        return (struct formatted){"-"};
    switch (unit) {
    case UNIT_YES_NO:
        return number > 0 ? (struct formatted){"yes"} : (struct formatted){"no"};
    case UNIT_NS:
        return time_figure(number, bears, flags);
    case UNIT_BYTES:
        return flags == 0 && number >= 0 && number <= 0x1p62
                   ? format_size((uint64_t)llround(number))
                   : with_unit(plain(number, bears, flags), "B", flags);
    case UNIT_SHARE:
        return with_unit(plain(100 * number, bears_scaled(bears, 0.01), flags), "%", flags);
    case UNIT_RATIO:
        return with_unit(plain(number, bears, flags), "times", flags);
    case UNIT_CHANGE:
        return change_figure(number, bears, flags);
    default:
        return plain(number, bears, flags);
    }
}

struct formatted format_figure(enum unit unit, double number, unsigned flags)
{
    return figure(unit, number, bears_all, flags);
}

/* ---- cells of tables ---- */

static unsigned flags_of(const struct column *column)
{
    return (column->bare ? FORMAT_BARE : 0u) | (column->sign ? FORMAT_SIGN : 0u);
}

static struct bears bears_of(const struct value *value, const struct column *column)
{
    double none = value->unit == UNIT_CHANGE ? 1 : 0;
    if (!column->rounded)
        return bears_all;
    return (struct bears){(value->high - value->low) / 2, value->low <= none && value->high >= none};
}

const char *format_value(struct pool *pool, const struct value *value, const struct column *column)
{
    if (value->unit == UNIT_TEXT || !isfinite(value->number))
        return value->text ? value->text : "-";
    struct formatted number = figure(value->unit, value->number, bears_of(value, column), flags_of(column));
    if (value->text && value->text[0])
        return pool_format(pool, "%s (%s)", number.text, value->text);
    return pool_text(pool, number.text);
}

bool format_ends(
    const struct value *value, const struct column *column, struct formatted *low, struct formatted *high)
{
    struct bears bears = bears_of(value, column);
    unsigned flags = flags_of(column);
    bool known = isfinite(value->number) && isfinite(value->low) && isfinite(value->high);
    if (!known || value->unit == UNIT_TEXT || value->unit == UNIT_YES_NO)
        return false;
    bears.half /= 10; /* an end is written with one digit more than the figure bears */
    *low = figure(value->unit, value->low, bears, value->unit == UNIT_CHANGE ? flags | FORMAT_BARE : flags);
    *high = figure(value->unit, value->high, bears, flags);
    return true;
}

const char *format_interval(struct pool *pool, const struct value *value, const struct column *column)
{
    struct formatted low, high;
    if (!format_ends(value, column, &low, &high))
        return "-";
    return pool_format(pool, "%s … %s", low.text, high.text);
}

struct formatted format_tick(const struct chart_axis *axis, double value)
{
    struct formatted out;
    double scale = 1;
    unsigned unit;
    bool named = axis->label && (!strncmp(axis->label, "ns", 2) || strstr(axis->label, " ns"));
    switch (axis->unit) {
    case UNIT_BYTES:
        return format_size_short((uint64_t)llround(fmax(value, 0)));
    case UNIT_CHANGE:
        value = (value - 1) * 100;
        snprintf(out.text, sizeof out.text, value == 0 ? "0 %%" : "%+.4g %%", value);
        return out;
    case UNIT_NS:
        unit = named ? 0 : time_unit_of(value, &scale);
        return with_unit(tick_number(value / scale), time_units[unit], named ? FORMAT_BARE : 0);
    case UNIT_SHARE:
        return format_figure(UNIT_SHARE, value, 0);
    case UNIT_COUNT:
        if (value == floor(value) && fabs(value) < 1e7) {
            struct formatted whole;
            snprintf(whole.text, sizeof whole.text, "%.0f", value);
            return whole;
        }
        break;
    default:
        break;
    }
    return tick_number(value);
}
