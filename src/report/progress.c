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

/* "━━━━┄┄┄┄ 23 %, 1 min 12 s left  round 3: kvm, 64 KiB", cut to one column less than the terminal has, so
 * that it never wraps. */
void progress_update(struct progress_line *line, double fraction, double seconds_left, const char *text)
{
    const struct report_style style = {.utf8 = line->utf8};
    const char *full = line->utf8 ? "━" : "#", *empty = line->utf8 ? "┄" : ".";
    char bar[BAR_COLUMNS * 3 + 1] = "", whole[LINE_BYTES], out[LINE_BYTES], left[64] = "";
    struct winsize size;
    double now = clock_seconds();
    if (!line->active || (line->drawn && now - line->last < period))
        return;
    fraction = isfinite(fraction) ? fmax(0, fmin(1, fraction)) : 0;
    for (int i = 0; i < BAR_COLUMNS; i++)
        strcat(bar, i < lround(fraction * BAR_COLUMNS) ? full : empty);
    if (isfinite(seconds_left) && seconds_left >= 0)
        snprintf(left, sizeof left, ", %s left", format_seconds(fmax(1, seconds_left)).text);
    snprintf(whole, sizeof whole, "%s %2.0f %%%s  %.300s", bar, floor(fraction * 100), left, text);
    text_clean(whole, line->utf8 ? TEXT_UTF8 : TEXT_ASCII, out, LINE_BYTES);
    bool known = !ioctl(fileno(line->stream), TIOCGWINSZ, &size) && size.ws_col;
    text_cut(out, (known ? size.ws_col : STYLE_COLUMNS_USUAL) - 1, &style);
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
