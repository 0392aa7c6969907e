/* `vcost list` as a document and as JSON: what can be measured, and where, on this host. */
#ifndef VCOST_REPORT_VIEW_LIST_H
#define VCOST_REPORT_VIEW_LIST_H

#include "monitor/monitor_facts.h"
#include "report/document.h"

#include <jansson.h>

/* One entry of a list, whatever the list. */
struct list_item {
    const char *name, *summary;
    const struct monitor_facts *facts; /* of a runner with a monitor; NULL otherwise */
};

enum { LIST_PARTS_MAX = 8 };

struct list_part {
    const char *name; /* "runners" */
    const struct list_item *items;
    size_t count;
};

/* The parts have to outlive the document. */
void view_list(const struct list_part *parts, size_t count, struct document *document);

/* vcost.list/1, of at most LIST_PARTS_MAX parts, to be released by json_decref(). -ENOMEM is the only error.
 */
int list_json(const struct list_part *parts, size_t count, json_t **json, struct error *error);

#endif
