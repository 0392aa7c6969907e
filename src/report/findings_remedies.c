#include "report/findings_remedies.h"

#include "report/format.h"
#include "report/text.h"

#include <ctype.h>
#include <math.h>

const char remedies_title[] = "What costs most here and what to change";
const char remedies_none[] = "Nothing that was measured here costs more than it would without its cause.";

static const char *interval_of(
    const struct remedy *remedy, const struct report_style *style, char text[static 128])
{
    if (isfinite(remedy->low) && isfinite(remedy->high))
        snprintf(text, 128, "95 %% interval %.40s %s %.40s", format_extra(remedy->low, style).text,
            style_ellipsis(style), format_extra(remedy->high, style).text);
    else
        snprintf(text, 128, "without an interval, which may be chance");
    return text;
}

/* The parts of a remedy are halves of sentences; each begins one here. */
static void capitalize(char *text)
{
    text[0] = (char)toupper((unsigned char)text[0]);
}

void remedy_cost(const struct remedy *remedy, char text[static REMEDY_TEXT_BYTES])
{
    snprintf(text, REMEDY_TEXT_BYTES, "%s.", remedy->cost);
    capitalize(text);
}

void remedy_figures(
    const struct remedy *remedy, const struct report_style *style, char text[static REMEDY_TEXT_BYTES])
{
    char interval[128];
    snprintf(text, REMEDY_TEXT_BYTES, "%s: %s; %s: %s; a difference of %s (%s).", remedy->with_what,
        format_time(remedy->with_ns, style).text, remedy->without_what,
        format_time(remedy->without_ns, style).text, format_extra(remedy->more_ns, style).text,
        interval_of(remedy, style, interval));
    capitalize(text);
}

static void write_remedy(
    const struct remedy *remedy, size_t number, FILE *stream, const struct report_style *style)
{
    char text[REMEDY_TEXT_BYTES], first[24];
    enum ink ink = remedy->low > 0 ? INK_SLOWER : INK_PLAIN;
    snprintf(first, sizeof first, "%2zu. ", number);
    remedy_cost(remedy, text);
    fputs(style_on(style, ink), stream);
    text_paragraph(stream, first, text, style);
    fputs(style_off(style, ink), stream);
    remedy_figures(remedy, style, text);
    text_paragraph(stream, "    ", text, style);
    snprintf(text, sizeof text, "To change: %s.", remedy->change);
    text_paragraph(stream, "    ", text, style);
}

void findings_remedies_write(const struct findings *findings, FILE *stream, const struct report_style *style)
{
    fprintf(
        stream, "%s%s%s\n\n", style_on(style, INK_HEADING), remedies_title, style_off(style, INK_HEADING));
    for (size_t i = 0; i < findings->remedy_count; i++)
        write_remedy(&findings->remedies[i], i + 1, stream, style);
    if (!findings->remedy_count)
        text_paragraph(stream, "    ", remedies_none, style);
    fputc('\n', stream);
}
