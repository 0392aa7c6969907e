#include "report/format.h"

#include "base/size.h"
#include "record/record.h"
#include "report/document.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

struct formatted format_seconds(double seconds)
{
    struct formatted out = {"-"};
    unsigned whole = seconds >= 0 && seconds <= 1e9 ? (unsigned)llround(seconds) : 0;
    if (seconds >= 0 && seconds < 9.95)
        snprintf(out.text, sizeof out.text, "%.*f s", seconds < 0.995 ? 2 : 1, seconds);
    else if (whole >= 3600)
        snprintf(out.text, sizeof out.text, "%u h %02u min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        snprintf(out.text, sizeof out.text, "%u min %02u s", whole / 60, whole % 60);
    else if (whole)
        snprintf(out.text, sizeof out.text, "%u s", whole);
    return out;
}

struct formatted format_count(uint64_t count)
{
    struct formatted out;
    char *to = out.text + sizeof out.text - 1;
    unsigned digits = 0;
    *to = 0;
    do {
        if (digits && digits % 3 == 0)
            *--to = ',';
        *--to = (char)('0' + count % 10);
        count /= 10;
        digits++;
    } while (count);
    memmove(out.text, to, strlen(to) + 1);
    return out;
}

/* ---- by unit ---- */

enum { FORMAT_GROUPED = 4 /* whole numbers in groups of three, and no zeros behind the digits of others */ };

/* A number, and what is known of its uncertainty: half its interval (NAN: nothing), and whether the interval
 * reaches over zero, so that the number may be written as zero. */
struct figure {
    double number, half;
    bool zero;
};

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

/* Rounds to *places behind the point (negative: before it, written as zeros), or to fewer where the last of
 * these says nothing; the first digit is always written. One that may be zero, and is less than half of what
 * its interval bears, is. */
static double rounded(struct figure figure, int *places)
{
    if (figure.half > 0 && isfinite(figure.half) && figure.number != 0) {
        int borne = first_place(figure.half), first = first_place(figure.number);
        *places = fmin(*places, fmax(borne, first));
        if (figure.zero && fabs(figure.number) < pow(10, -borne) / 2)
            return 0;
    }
    double step = pow(10, -*places);
    return round(figure.number / step) * step;
}

/* Written with so many `places` where its interval bears them; a difference has its sign, and zero none. */
static struct formatted written(struct figure figure, int places, unsigned flags, const char *unit)
{
    struct formatted out = {"0"};
    double number = rounded(figure, &places);
    const char *sign = flags & FORMAT_SIGN && figure.number > 0 ? "+" : number < 0 ? "-" : "";
    size_t length;
    if (flags & FORMAT_GROUPED && fabs(figure.number) > 0x1p53)
        snprintf(out.text, sizeof out.text, "%.4g", figure.number);
    else if (number != 0 && places > 0)
        snprintf(out.text, sizeof out.text, "%s%.*f", sign, places, fabs(figure.number));
    else if (number != 0 && flags & FORMAT_GROUPED)
        snprintf(
            out.text, sizeof out.text, "%s%.40s", sign, format_count((uint64_t)llround(fabs(number))).text);
    else if (number != 0)
        snprintf(out.text, sizeof out.text, "%s%.0f", sign, fabs(places < 0 ? number : figure.number));
    length = strlen(out.text);
    if (flags & FORMAT_GROUPED && places > 0 && number != 0) {
        while (out.text[length - 1] == '0')
            length--;
        length -= out.text[length - 1] == '.';
        out.text[length] = 0;
    }
    if (!(flags & FORMAT_BARE))
        snprintf(out.text + length, sizeof out.text - length, "%s", unit);
    return out;
}

static const char *const time_units[] = {" ns", " µs", " ms", " s"};

static struct formatted time_figure(struct figure ns, unsigned flags)
{
    double scale = 1;
    for (unsigned unit = 0;; unit++, scale *= 1000) {
        struct figure figure = {ns.number / scale, ns.half / scale, ns.zero};
        int usual = (int)fmin(4, fmax(0, three_digits(figure.number))), places = usual;
        if (flags & FORMAT_BARE || unit == 3 || fabs(rounded(figure, &places)) < 999.5)
            return written(figure, usual, flags, time_units[unit]);
    }
}

/* As a result's file has it, so that a figure half way between two digits is told the same from there. */
static double as_recorded(double number)
{
    char text[RECORD_DIGITS + 16];
    if (number == floor(number))
        return number;
    snprintf(text, sizeof text, "%.*g", RECORD_DIGITS, number);
    return strtod(text, NULL);
}

static struct formatted by_unit(enum unit unit, struct figure figure, unsigned flags)
{
    static const char *const units[UNITS] = {
        [UNIT_BYTES] = " B", [UNIT_SHARE] = " %", [UNIT_CHANGE] = " %", [UNIT_RATIO] = " times"};
    if (!isfinite(figure.number))
        return (struct formatted){"-"};
    figure.number = as_recorded(figure.number);
    if (unit == UNIT_YES_NO)
        return figure.number > 0 ? (struct formatted){"yes"} : (struct formatted){"no"};
    if (unit == UNIT_NS)
        return time_figure(figure, flags);
    if (unit == UNIT_BYTES && flags == 0 && figure.number >= 0 && figure.number <= 0x1p62)
        return format_size((uint64_t)llround(figure.number));
    if (unit == UNIT_CHANGE)
        figure.number -= 1;
    if (unit == UNIT_CHANGE || unit == UNIT_SHARE)
        figure = (struct figure){figure.number * 100, figure.half * 100, figure.zero};
    double size = fabs(figure.number);
    if (unit == UNIT_CHANGE) {
        int places = size >= 99.95 || size < 0.005 ? 0 : size >= 0.095 ? 1 : 2;
        if (size < 0.005 && !(figure.half > 0))
            return flags & FORMAT_BARE ? (struct formatted){"0.0"} : (struct formatted){"0.0 %"};
        return written(figure, places, flags | FORMAT_SIGN, units[unit]);
    }
    /* Three significant digits at most. */
    return written(figure, size == floor(size) || size >= 99.95 ? 0 : three_digits(size),
        flags | FORMAT_GROUPED, units[unit] ? units[unit] : "");
}

struct formatted format_figure(enum unit unit, double number, unsigned flags)
{
    return by_unit(unit, (struct figure){number, NAN, false}, flags);
}

static unsigned flags_of(const struct column *column)
{
    return (column->bare ? FORMAT_BARE : 0u) | (column->sign ? FORMAT_SIGN : 0u);
}

static struct figure figure_of(const struct value *value, const struct column *column)
{
    double none = value->unit == UNIT_CHANGE ? 1 : 0;
    return (struct figure){value->number, column->rounded ? (value->high - value->low) / 2 : NAN,
        column->rounded && value->low <= none && value->high >= none};
}

/* A ratio that may be a half as well as twice: its figures are noise, and are not told as if they were any.
 */
static const double disturbed_factor = 2;

bool format_is_disturbed(const struct value *value)
{
    return value->unit == UNIT_CHANGE && value->low <= 1 / disturbed_factor &&
           value->high >= disturbed_factor;
}

const char *format_value(struct pool *pool, const struct value *value, const struct column *column)
{
    if (value->unit == UNIT_TEXT || !isfinite(value->number) || format_is_disturbed(value))
        return value->text ? value->text : "-";
    struct formatted number = by_unit(value->unit, figure_of(value, column), flags_of(column));
    bool more = value->text && value->text[0];
    return pool_format(
        pool, "%s%s%s%s", number.text, more ? " (" : "", more ? value->text : "", more ? ")" : "");
}

bool format_ends(
    const struct value *value, const struct column *column, struct formatted *low, struct formatted *high)
{
    struct figure end = figure_of(value, column);
    unsigned flags = flags_of(column);
    bool known = isfinite(value->number) && isfinite(value->low) && isfinite(value->high);
    if (!known || format_is_disturbed(value) || value->unit == UNIT_TEXT || value->unit == UNIT_YES_NO)
        return false;
    end.half /= 10; /* an end is written with one digit more than the figure bears */
    end.number = value->low;
    *low = by_unit(value->unit, end, value->unit == UNIT_CHANGE ? flags | FORMAT_BARE : flags);
    end.number = value->high;
    *high = by_unit(value->unit, end, flags);
    return true;
}

const char *format_no_ends(const struct value *value)
{
    return format_is_disturbed(value) ? "?" : "-";
}

const char *format_interval(struct pool *pool, const struct value *value, const struct column *column)
{
    struct formatted low, high;
    if (format_ends(value, column, &low, &high))
        return pool_format(pool, "%s … %s", low.text, high.text);
    return format_no_ends(value);
}

struct formatted format_tick(const struct chart_axis *axis, double value)
{
    bool named = axis->label && (!strncmp(axis->label, "ns", 2) || strstr(axis->label, " ns"));
    bool whole = axis->unit == UNIT_COUNT && value == floor(value) && fabs(value) < 1e7;
    bool change = axis->unit == UNIT_CHANGE, time = axis->unit == UNIT_NS && !named;
    struct formatted out;
    unsigned unit = 0;
    if (axis->unit == UNIT_BYTES)
        return format_size_short((uint64_t)llround(fmax(value, 0)));
    if (axis->unit == UNIT_SHARE)
        return format_figure(UNIT_SHARE, value, 0);
    if (change)
        value = (value - 1) * 100;
    for (; time && unit < 3 && fabs(value) >= 999.5; unit++)
        value /= 1000;
    snprintf(out.text, sizeof out.text,
        whole                  ? "%.0f%s"
        : change && value != 0 ? "%+.4g%s"
                               : "%.4g%s",
        value,
        change               ? " %"
        : time && value != 0 ? time_units[unit]
                             : "");
    return out;
}
