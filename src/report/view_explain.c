#include "report/views.h"

#include "report/format.h"
#include "report/view_parts.h"

#include <string.h>

static const struct publication {
    const char *title, *what;
} adams_agesen = {"Adams and Agesen, ASPLOS 2006",
    "cycles; native, software VMM, first-generation hardware VMM (without nested paging)"},
  pvm = {"PVM, SOSP 2023", "microseconds; KVM on bare metal, PVM on bare metal, KVM nested, PVM nested"},
  wang = {"Wang et al., VEE 2011", "nested against shadow paging"},
  bhargava = {"Bhargava et al., ASPLOS 2008", "nested paging"};

/* Those of a publication stand together. */
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

void view_published(const struct event *event, struct document *doc)
{
    const struct publication *last = NULL;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const struct publication *publication = published[i].publication;
        if (event && (!published[i].event || strcmp(published[i].event, event->name) != 0))
            continue;
        if (!last)
            document_say(doc, BLOCK_HEADING, "Published by others, on machines of their time");
        if (publication != last)
            document_say(doc, BLOCK_SENTENCE, "%s (%s):", publication->title, publication->what);
        document_say(doc, BLOCK_FACT, "%s", published[i].figures);
        last = publication;
    }
}

static void explain_part(const char *title, const char *text, struct document *doc)
{
    if (text) {
        document_say(doc, BLOCK_HEADING, "%s", title);
        document_say(doc, BLOCK_FACT, "%s", text);
    }
}

static void explain_place(const char *title, const struct event_way *way, struct document *doc)
{
    document_say(doc, BLOCK_FACT, "%s: %s.", title,
        way->impossible ? way->impossible
        : way->kernel   ? "measured, at privilege level 0 (in the guest's kernel)"
                        : "measured");
}

void view_explain(const struct event *event, struct document *doc)
{
    struct listing sizes = {.doc = doc, .between = ", "};
    explain_part(document_text(doc, "%s: %s", event->name, event->summary), event->steps, doc);
    explain_part("In the article", event->article, doc);
    explain_part("What to do", event->advice, doc);
    document_say(doc, BLOCK_HEADING, "How it is measured");
    explain_place("Natively", &event->native, doc);
    explain_place("In a guest", &event->guest, doc);
    for (size_t i = 0; event->sizes && event->sizes[i]; i++)
        listing_add(&sizes, "%s", format_size(event->sizes[i]).text);
    if (sizes.count)
        document_say(doc, BLOCK_FACT, "Sizes: %s", sizes.text);
    if (event->against)
        document_say(doc, BLOCK_FACT, "Relative to: %s at the same place.", event->against);
    explain_part("Source", event->source, doc);
    view_published(event, doc);
}
