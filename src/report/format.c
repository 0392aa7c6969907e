#include "report/format.h"

#include "base/clean.h"
#include "base/size.h"
#include "report/document.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct formatted format_size(uint64_t bytes)
{
    struct formatted out;
    size_text(bytes, out.text);
    return out;
}

struct formatted format_size_short(uint64_t bytes)
{
    struct formatted out;
    size_text_short(bytes, out.text);
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

/* A number, and what is known of its uncertainty: half its interval (NAN: nothing), and whether the interval
 * reaches over zero, so that the number may be written as zero. */
struct figure {
    double number, half;
    bool zero;
};

static struct figure scaled(struct figure figure, double times, double by)
{
    return (struct figure){figure.number * times / by, figure.half * times / by, figure.zero};
}

/* The place of a number's first digit, counted behind the point: 0 of 5, -1 of 50, 1 of 0.5. */
static int first_place(double number)
{
    return -(int)floor(log10(fabs(number)));
}

/* Digits behind the point that give three significant ones, after rounding. */
static int three_digits(double number)
{
    return number == 0 ? 0 : 2 + first_place(number / 0.9995);
}

/* Digits behind the point (negative: before it, written as zeros): `usual`, or fewer where the last of these
 * says nothing; its first digit is always written. */
static int borne_places(struct figure figure, int usual)
{
    if (!(figure.half > 0) || !isfinite(figure.half) || figure.number == 0)
        return usual;
    int borne = first_place(figure.half), first = first_place(figure.number);
    borne = borne > first ? borne : first;
    return borne < usual ? borne : usual;
}

/* A number rounded to so many places. One that may be zero, and is less than half of what its interval bears,
 * is. */
static double rounded_to(struct figure figure, int places)
{
    double step = pow(10, -places);
    bool zero =
        figure.zero && figure.half > 0 && fabs(figure.number) < pow(10, -first_place(figure.half)) / 2;
    return zero ? 0 : round(figure.number / step) * step;
}

/* Written so; a difference has its sign, and zero none. */
static struct formatted fixed(struct figure figure, int places, unsigned flags)
{
    struct formatted out;
    double rounded = rounded_to(figure, places);
    if (rounded == 0)
        return (struct formatted){"0"};
    snprintf(out.text, sizeof out.text, "%s%.*f", flags & FORMAT_SIGN && figure.number > 0 ? "+" : "",
        places > 0 ? places : 0, places < 0 ? rounded : figure.number);
    return out;
}

/* Three significant digits at most, and no zeros behind them; whole numbers in groups of three. */
static struct formatted plain(struct figure figure, unsigned flags)
{
    double size = fabs(figure.number);
    if (size > 0x1p53)
        return tick_number(figure.number);
    int usual = size == floor(size) || size >= 99.95 ? 0 : three_digits(size);
    int places = borne_places(figure, usual);
    struct formatted out = fixed(figure, places, flags);
    if (places > 0 && strchr(out.text, '.')) {
        char *end = out.text + strlen(out.text);
        while (end[-1] == '0')
            end--;
        end[end[-1] == '.' ? -1 : 0] = 0;
        return out;
    }
    double rounded = rounded_to(figure, places);
    const char *sign = rounded == 0 ? "" : rounded < 0 ? "-" : flags & FORMAT_SIGN ? "+" : "";
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

static struct formatted time_figure(struct figure ns, unsigned flags)
{
    double scale = 1;
    for (unsigned unit = 0;; unit++, scale *= 1000) {
        struct figure figure = scaled(ns, 1, scale);
        int usual = three_digits(figure.number);
        int places = borne_places(figure, usual < 0 ? 0 : usual > 4 ? 4 : usual);
        if (flags & FORMAT_BARE || unit == 3 || fabs(rounded_to(figure, places)) < 999.5)
            return with_unit(fixed(figure, places, flags), time_units[unit], flags);
    }
}

static struct formatted change_figure(struct figure ratio, unsigned flags)
{
    struct figure percent = scaled((struct figure){ratio.number - 1, ratio.half, ratio.zero}, 100, 1);
    double size = fabs(percent.number);
    int places = borne_places(percent, size >= 99.95 || size < 0.005 ? 0 : size >= 0.095 ? 1 : 2);
    bool none = size < 0.005 && places >= 0 && !(percent.half > 0);
    return with_unit(none ? (struct formatted){"0.0"} : fixed(percent, places, FORMAT_SIGN), "%", flags);
}

static struct formatted by_unit(enum unit unit, struct figure figure, unsigned flags)
{
    if (!isfinite(figure.number))
        return (struct formatted){"-"};
    switch (unit) {
    case UNIT_YES_NO:
        return figure.number > 0 ? (struct formatted){"yes"} : (struct formatted){"no"};
    case UNIT_NS:
        return time_figure(figure, flags);
    case UNIT_BYTES:
        return flags == 0 && figure.number >= 0 && figure.number <= 0x1p62
                   ? format_size((uint64_t)llround(figure.number))
                   : with_unit(plain(figure, flags), "B", flags);
    case UNIT_SHARE:
        return with_unit(plain(scaled(figure, 100, 1), flags), "%", flags);
    case UNIT_RATIO:
        return with_unit(plain(figure, flags), "times", flags);
    case UNIT_CHANGE:
        return change_figure(figure, flags);
    default:
        return plain(figure, flags);
    }
}

struct formatted format_figure(enum unit unit, double number, unsigned flags)
{
    return by_unit(unit, (struct figure){number, NAN, false}, flags);
}

/* ---- cells of tables ---- */

static unsigned flags_of(const struct column *column)
{
    return (column->bare ? FORMAT_BARE : 0u) | (column->sign ? FORMAT_SIGN : 0u);
}

static struct figure figure_of(const struct value *value, const struct column *column)
{
    double none = value->unit == UNIT_CHANGE ? 1 : 0;
    if (!column->rounded)
        return (struct figure){value->number, NAN, false};
    return (struct figure){
        value->number, (value->high - value->low) / 2, value->low <= none && value->high >= none};
}

const char *format_value(struct pool *pool, const struct value *value, const struct column *column)
{
    if (value->unit == UNIT_TEXT || !isfinite(value->number))
        return value->text ? value->text : "-";
    struct formatted number = by_unit(value->unit, figure_of(value, column), flags_of(column));
    if (value->text && value->text[0])
        return pool_format(pool, "%s (%s)", number.text, value->text);
    return pool_text(pool, number.text);
}

bool format_ends(
    const struct value *value, const struct column *column, struct formatted *low, struct formatted *high)
{
    struct figure end = figure_of(value, column);
    unsigned flags = flags_of(column);
    bool known = isfinite(value->number) && isfinite(value->low) && isfinite(value->high);
    if (!known || value->unit == UNIT_TEXT || value->unit == UNIT_YES_NO)
        return false;
    end.half /= 10; /* an end is written with one digit more than the figure bears */
    end.number = value->low;
    *low = by_unit(value->unit, end, value->unit == UNIT_CHANGE ? flags | FORMAT_BARE : flags);
    end.number = value->high;
    *high = by_unit(value->unit, end, flags);
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
    bool whole = axis->unit == UNIT_COUNT && value == floor(value) && fabs(value) < 1e7;
    bool named = axis->label && (!strncmp(axis->label, "ns", 2) || strstr(axis->label, " ns"));
    struct formatted out;
    double scale = 1;
    unsigned unit = 0;
    switch (axis->unit) {
    case UNIT_BYTES:
        return format_size_short((uint64_t)llround(fmax(value, 0)));
    case UNIT_CHANGE:
        value = (value - 1) * 100;
        snprintf(out.text, sizeof out.text, value == 0 ? "0 %%" : "%+.4g %%", value);
        return out;
    case UNIT_NS:
        for (; !named && unit < 3 && fabs(value / scale) >= 999.5; unit++)
            scale *= 1000;
        return with_unit(tick_number(value / scale), time_units[unit], named ? FORMAT_BARE : 0);
    case UNIT_SHARE:
        return format_figure(UNIT_SHARE, value, 0);
    default:
        snprintf(out.text, sizeof out.text, whole ? "%.0f" : "%.4g", value);
        return out;
    }
}
