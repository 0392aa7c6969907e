#include "report/progress.h"

#include "measure/clock.h"
#include "report/format.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_COLUMNS = 20, LINE_BYTES = 512 };

static const double period = 0.1; /* seconds from one drawing to the next */

void progress_start(struct progress_line *line, FILE *stream, bool quiet, bool utf8)
{
    const char *kind = getenv("TERM");
    bool terminal = isatty(fileno(stream)) && kind && *kind && strcmp(kind, "dumb");
    *line = (struct progress_line){.stream = stream, .active = !quiet && terminal, .utf8 = utf8};
}

static unsigned width_of(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) || !size.ws_col)
        return STYLE_COLUMNS_USUAL;
    return size.ws_col;
}

/* "━━━━┄┄┄┄ 23 %, 1 min 12 s left  round 3: kvm, 64 KiB", cut to one column less than the terminal has, so
 * that it never wraps. */
static void compose(const struct progress_line *line, double fraction, double seconds_left, const char *text,
    char out[LINE_BYTES])
{
    const struct report_style style = {.utf8 = line->utf8};
    const char *full = line->utf8 ? "━" : "#", *empty = line->utf8 ? "┄" : ".";
    char bar[BAR_COLUMNS * 3 + 1] = "", whole[LINE_BYTES], left[64] = "";
    fraction = isfinite(fraction) ? fmax(0, fmin(1, fraction)) : 0;
    for (int i = 0; i < BAR_COLUMNS; i++)
        strcat(bar, i < lround(fraction * BAR_COLUMNS) ? full : empty);
    if (isfinite(seconds_left) && seconds_left >= 0)
        snprintf(left, sizeof left, ", %s left", format_seconds(fmax(1, seconds_left)).text);
    snprintf(whole, sizeof whole, "%s %2.0f %%%s  %.300s", bar, floor(fraction * 100), left, text);
    text_clean(whole, line->utf8 ? TEXT_UTF8 : TEXT_ASCII, out, LINE_BYTES);
    text_cut(out, width_of(line->stream) - 1, &style);
}

void progress_update(struct progress_line *line, double fraction, double seconds_left, const char *text)
{
    char out[LINE_BYTES];
    double now = clock_seconds();
    if (!line->active || (line->drawn && now - line->last < period))
        return;
    compose(line, fraction, seconds_left, text, out);
    fprintf(line->stream, "\r%s\033[K", out);
    fflush(line->stream);
    line->last = now;
    line->drawn = true;
}

void progress_clear(struct progress_line *line)
{
    if (!line->drawn)
        return;
    fputs("\r\033[K", line->stream);
    fflush(line->stream);
    line->drawn = false;
}
