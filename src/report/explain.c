#include "report/explain.h"

#include "report/format.h"
#include "report/text.h"

static void paragraph(const char *title, const char *text, FILE *stream, const struct report_style *style)
{
    if (!text)
        return;
    fprintf(stream, "%s%s%s\n", style_on(style, INK_HEADING), title, style_off(style, INK_HEADING));
    text_paragraph(stream, "  ", text, style);
    fputc('\n', stream);
}

static void write_place(
    const char *title, const struct event_way *way, FILE *stream, const struct report_style *style)
{
    char text[400];
    const char *how = way->impossible ? way->impossible
                      : way->kernel   ? "measured, at privilege level 0 (in the guest's kernel)"
                                      : "measured";
    snprintf(text, sizeof text, "%s: %s.", title, how);
    text_paragraph(stream, "  ", text, style);
}

static void write_sizes(const struct event *event, FILE *stream, const struct report_style *style)
{
    char text[400] = "";
    size_t used = 0;
    if (!event->sizes)
        return;
    for (size_t i = 0; event->sizes[i]; i++)
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%s%s", i ? ", " : "Sizes: ", format_size(event->sizes[i]).text);
    text_paragraph(stream, "  ", text, style);
}

static void write_against(const struct event *event, FILE *stream, const struct report_style *style)
{
    char text[160];
    if (!event->against)
        return;
    snprintf(text, sizeof text, "Held against: %s at the same place.", event->against);
    text_paragraph(stream, "  ", text, style);
}

void explain_write(const struct event *event, FILE *stream, const struct report_style *style)
{
    char title[200];
    snprintf(title, sizeof title, "%s: %s", event->name, event->summary);
    paragraph(title, event->steps, stream, style);
    paragraph("In the article", event->article, stream, style);
    paragraph("What to do", event->advice, stream, style);
    fprintf(stream, "%sHow it is measured%s\n", style_on(style, INK_HEADING), style_off(style, INK_HEADING));
    write_place("Natively", &event->native, stream, style);
    write_place("In a guest", &event->guest, stream, style);
    write_sizes(event, stream, style);
    write_against(event, stream, style);
    fputc('\n', stream);
    paragraph("Source", event->source, stream, style);
    published_write(event, stream, style);
}
