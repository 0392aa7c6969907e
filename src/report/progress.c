#include "report/progress.h"

#include "report/format.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_NS = 100000000, BAR_COLUMNS = 20, LINE_BYTES = 512 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_terminal(FILE *stream)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) && kind && *kind && strcmp(kind, "dumb");
}

void progress_start(struct progress_line *line, FILE *stream, bool quiet, bool utf8)
{
    *line = (struct progress_line){.stream = stream, .active = !quiet && is_terminal(stream), .utf8 = utf8};
}

static unsigned width_of(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) || !size.ws_col)
        return STYLE_COLUMNS_USUAL;
    return size.ws_col;
}

static void write_bar(char *bar, double fraction, bool utf8)
{
    int full = (int)lround(fraction * BAR_COLUMNS);
    bar[0] = 0;
    for (int i = 0; i < BAR_COLUMNS; i++)
        strcat(bar, i < full ? (utf8 ? "━" : "#") : (utf8 ? "┄" : "."));
}

/* "━━━━┄┄┄┄ 23 %, 1 min 12 s left  round 3: kvm, 64 KiB", cut to one column less than the terminal has, so
 * that it never wraps. */
static void compose(const struct progress_line *line, double fraction, double seconds_left, const char *text,
    char out[LINE_BYTES])
{
    const struct report_style style = {.utf8 = line->utf8};
    char bar[BAR_COLUMNS * 3 + 1], whole[LINE_BYTES], left[64] = "";
    fraction = isfinite(fraction) ? fmax(0, fmin(1, fraction)) : 0;
    write_bar(bar, fraction, line->utf8);
    if (isfinite(seconds_left) && seconds_left >= 0)
        snprintf(left, sizeof left, ", %s left", format_seconds(fmax(1, seconds_left)).text);
    snprintf(whole, sizeof whole, "%s %2.0f %%%s  %.300s", bar, floor(fraction * 100), left, text);
    text_clean(whole, line->utf8 ? TEXT_UTF8 : TEXT_ASCII, out, LINE_BYTES);
    text_cut(out, width_of(line->stream) - 1, &style);
}

void progress_update(struct progress_line *line, double fraction, double seconds_left, const char *text)
{
    char out[LINE_BYTES];
    uint64_t now = line->active ? now_ns() : 0;
    if (!line->active || (line->last_ns && now - line->last_ns < PERIOD_NS))
        return;
    compose(line, fraction, seconds_left, text, out);
    fprintf(line->stream, "\r%s\033[K", out);
    fflush(line->stream);
    line->last_ns = now;
    line->drawn = true;
}

void progress_clear(struct progress_line *line)
{
    if (!line->drawn)
        return;
    fputs("\r\033[K", line->stream);
    fflush(line->stream);
    line->drawn = false;
    line->last_ns = 0;
}
