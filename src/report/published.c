/* Figures that others have published, to be held against: never this machine's. */
#include "report/explain.h"

#include "report/text.h"

#include <string.h>

static const struct publication {
    const char *title, *what;
} adams_agesen = {"Adams and Agesen, ASPLOS 2006",
    "cycles; native, software VMM, first-generation hardware VMM (without nested paging)"},
  pvm = {"PVM, SOSP 2023", "microseconds; KVM on bare metal, PVM on bare metal, KVM nested, PVM nested"},
  wang = {"Wang et al., VEE 2011", "nested against shadow paging"},
  bhargava = {"Bhargava et al., ASPLOS 2008", "nested paging"};

static const struct {
    const char *event; /* NULL: of the whole list */
    const struct publication *publication;
    const char *figures;
} published[] = {
    {"page-fault", &adams_agesen, "page fault: 1093, 3927, 11242"},
    {"divide-by-zero", &adams_agesen, "divide by zero: 889, 3223, 1014"},
    {"pte-change", &adams_agesen, "PTE modification: 1, 391, 12733"},
    {"in", &adams_agesen, "IN: 3209, 214, 15826"},
    {"call-return", &adams_agesen, "call and return: 11, 51, 11"},
    {"cr8-write", &adams_agesen, "CR8 write: 140, 35, as native"},
    {"hypercall", &pvm, "hypercall: 0.46, 0.54, 7.43, 0.48"},
    {"divide-by-zero", &pvm, "exception: 1.66, 1.67, 9.20, 2.21"},
    {"cpuid", &pvm, "CPUID: 0.54, 0.60, 7.10, 0.51"},
    {"pio-user", &pvm, "port I/O: 3.79, 4.91, 29.3, 12.9"},
    {"fault-guest", &wang,
        "a shadow page fault costs about 10 us more; up to 34 % between the two in programs"},
    {NULL, &wang, "a nested TLB miss costs about 12 cycles more than a shadow one"},
    {NULL, &bhargava,
        "caching two-dimensional walks gains 15-38 %, a nested TLB 3-7 %, large host pages 3-22 %"},
};
enum { PUBLISHED = sizeof published / sizeof published[0] };

static bool is_about(size_t figure, const struct event *event)
{
    return !event || (published[figure].event && !strcmp(published[figure].event, event->name));
}

static bool first_of_publication(size_t figure, const struct event *event)
{
    for (size_t i = 0; i < figure; i++)
        if (published[i].publication == published[figure].publication && is_about(i, event))
            return false;
    return true;
}

static void write_publication(
    size_t first, const struct event *event, FILE *stream, const struct report_style *style)
{
    const struct publication *publication = published[first].publication;
    char line[320];
    snprintf(line, sizeof line, "%s (%s):", publication->title, publication->what);
    text_paragraph(stream, "  ", line, style);
    for (size_t i = first; i < PUBLISHED; i++)
        if (published[i].publication == publication && is_about(i, event))
            text_paragraph(stream, "    ", published[i].figures, style);
}

void published_write(const struct event *event, FILE *stream, const struct report_style *style)
{
    bool any = false;
    for (size_t i = 0; i < PUBLISHED; i++) {
        if (!is_about(i, event) || !first_of_publication(i, event))
            continue;
        if (!any)
            fprintf(stream, "%sPublished by others, on machines of their time%s\n",
                style_on(style, INK_HEADING), style_off(style, INK_HEADING));
        any = true;
        write_publication(i, event, stream, style);
    }
    if (any)
        fputc('\n', stream);
}
