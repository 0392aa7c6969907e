#include "report/view_chase.h"

#include "report/format.h"
#include "report/view_parts.h"

#include <string.h>

enum { SHAPE_ORDER, SHAPE_ELEMENT, SHAPE_WRITE, SHAPE_CHAINS, SHAPE_PARTS };

/* "random, 64 B elements, reading, 1 chain": those parts of it that are to be named. */
static const char *shape_name(
    struct document *doc, const struct chase_shape *shape, const bool named[static SHAPE_PARTS])
{
    struct listing name = {.doc = doc, .between = ", "};
    if (named[SHAPE_ORDER])
        listing_add(&name, "%s", chase_orders[shape->order].name);
    if (named[SHAPE_ELEMENT])
        listing_add(&name, "%s elements", format_size(shape->element_bytes).text);
    if (named[SHAPE_WRITE])
        listing_add(&name, shape->write ? "writing" : "reading");
    if (named[SHAPE_CHAINS])
        listing_add(&name, "%u chain%s", shape->chains, shape->chains == 1 ? "" : "s");
    return listing_text(&name);
}

struct curve_words chase_words(const struct chase_view *view, const struct curve *curve)
{
    const struct curve_group *group = curve->group;
    const struct chase_shape *own = &group->shape;
    bool differ[SHAPE_PARTS] = {false};
    const char *pages = "";
    size_t alike = 0;
    for (size_t i = 0; i < view->curves.group_count; i++) {
        const struct chase_shape *shape = &view->curves.groups[i].shape;
        differ[SHAPE_ORDER] |= shape->order != own->order;
        differ[SHAPE_ELEMENT] |= shape->element_bytes != own->element_bytes;
        differ[SHAPE_WRITE] |= shape->write != own->write;
        differ[SHAPE_CHAINS] |= shape->chains != own->chains;
    }
    for (size_t i = 0; i < group->curve_count; i++)
        alike += !strcmp(group->curves[i].label, curve->label);
    if (alike > 1)
        pages = document_text(view->doc, "%s", format_size_short(curve->host_page_bytes).text);
    if (alike > 1 && curve->guest_page_bytes)
        pages = document_text(view->doc, "%s/%s", format_size_short(curve->guest_page_bytes).text, pages);
    const char *tag = shape_name(view->doc, own, differ);
    const char *title = document_text(view->doc, "%s%s%s", curve->label, pages[0] ? " " : "", pages);
    return (struct curve_words){.title = title,
        .kind = document_text(view->doc, "%s%s%s", tag, tag[0] && pages[0] ? ", " : "", pages),
        .name = document_text(view->doc, "%s%s%s", tag, tag[0] ? ": " : "", title)};
}

const char *chase_shape_text(struct document *doc, const struct chase_shape *shape)
{
    return shape_name(doc, shape, (bool[]){true, true, shape->write, shape->chains > 1});
}
