/* How sizes, times, ratios and counts are written for people. The only place where this is done: inside,
 * everything is bytes, nanoseconds, seconds and ratios.
 *
 * Each function returns its text by value, to be used at once: printf("%s", format_size(n).text). A figure
 * that is not known (NAN) is "-", never 0. Numbers are written with a point whatever the locale's LC_NUMERIC,
 * which the program leaves at "C". */
#ifndef VCOST_REPORT_FORMAT_H
#define VCOST_REPORT_FORMAT_H

#include "base/pool.h"
#include "base/unit.h"

#include <stdbool.h>
#include <stdint.h>

struct formatted {
    char text[48];
};

struct column;
struct value;
struct chart_axis;

enum format_flags {
    FORMAT_BARE = 1, /* without the unit */
    FORMAT_SIGN = 2  /* a difference: "+58.2 µs" */
};

/* "1.23 µs", "4 KiB", "12,345", "7 %", "2.5 times", "+1.3 %", "yes": tables, charts and sentences all write a
 * figure the same way. UTF-8. */
struct formatted format_figure(enum unit unit, double number, unsigned flags);

/* What a cell of a table says, without its mark: "19.3 µs", "yes (virtio0)", "AMD EPYC", "-". UTF-8, not
 * cleaned; lives in the pool or where the value's text does. */
const char *format_value(struct pool *pool, const struct value *value, const struct column *column);

/* The ends of its interval, "+57.5 µs" and "+74.6 µs"; of a change the first is a number alone, "+0.4" and
 * "+2.0 %". False if there is none, or none that tells anything: what stands in its place then. */
bool format_ends(
    const struct value *value, const struct column *column, struct formatted *low, struct formatted *high);

const char *format_no_ends(const struct value *value);

/* A change whose interval reaches from a half to twice: "?" stands for it, "too disturbed to tell". */
bool format_is_disturbed(const struct value *value);

/* "low … high"; "-" if there is none. In the pool or static. */
const char *format_interval(struct pool *pool, const struct value *value, const struct column *column);

/* At a tick of an axis: "64K", "+5 %", "10 µs"; a number alone where the axis's label says "ns". */
struct formatted format_tick(const struct chart_axis *axis, double value);

/* As base/size.h has it: "512 B", "4 KiB", "5.66 MiB"; and for axes and narrow columns: "512", "4K", "5.66M".
 */
struct formatted format_size(uint64_t bytes);
struct formatted format_size_short(uint64_t bytes);

struct formatted format_ns(double ns); /* without the unit: "0.912", "3.98", "22.4", "110", "1234" */
struct formatted format_seconds(double seconds); /* "0.35 s", "41 s", "1 min 12 s", "2 h 05 min" */
struct formatted format_count(uint64_t count);   /* "17", "12,345" */

#endif
