/* vcost list: what can be measured, and where, on this host. */
#include "cli/list_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "domain/probe.h"
#include "event/event.h"
#include "report/view_list.h"
#include "runner/runner.h"
#include "workload/chase.h"

#include <errno.h>

/* Built-in workloads as a person asks for them. */
static const struct choice workloads[] = {
    {"chase", "a pointer chase: one dependent load after the other over a working set (vcost chase)"},
    {"events", "single operations that virtualization makes expensive (vcost events)"},
};

enum { ITEMS_MAX = 256 };

/* All that --on takes. */
static size_t list_runners(struct list_item *items, struct monitor_facts *facts)
{
    size_t count = 0, monitors = 0;
    for (struct choice on; (on = on_choice(count)).name; count++) {
        const struct runner_ops *type = runner_find(on.name); /* NULL: it is not of this machine */
        items[count] = (struct list_item){on.name, on.summary, NULL};
        if (!type || !type->monitor || monitors == MONITORS_MAX)
            continue;
        domain_probe(type->monitor, &facts[monitors]);
        items[count].facts = &facts[monitors++];
    }
    return count;
}

static size_t list_orders(struct list_item *items, struct monitor_facts *facts)
{
    (void)facts;
    for (size_t i = 0; i < CHASE_ORDERS; i++)
        items[i] = (struct list_item){chase_orders[i].name, chase_orders[i].summary, NULL};
    return CHASE_ORDERS;
}

static size_t list_workloads(struct list_item *items, struct monitor_facts *facts)
{
    size_t count = sizeof workloads / sizeof workloads[0];
    (void)facts;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct list_item){workloads[i].name, workloads[i].summary, NULL};
    return count;
}

static size_t list_events(struct list_item *items, struct monitor_facts *facts)
{
    size_t count = 0;
    (void)facts;
    for (; event_at(count) && count < ITEMS_MAX; count++)
        items[count] = (struct list_item){event_at(count)->name, event_at(count)->summary, NULL};
    return count;
}

static const struct {
    const char *name;
    size_t (*list)(struct list_item items[static ITEMS_MAX], struct monitor_facts *facts);
} topics[LIST_TOPICS] = {
    [LIST_RUNNERS] = {"runners", list_runners},
    [LIST_ORDERS] = {"orders", list_orders},
    [LIST_WORKLOADS] = {"workloads", list_workloads},
    [LIST_EVENTS] = {"events", list_events},
};

/* ---- all of it ---- */

struct lists {
    struct list_part parts[LIST_TOPICS];
    size_t count;
    struct list_item items[LIST_TOPICS][ITEMS_MAX];
    struct monitor_facts facts[MONITORS_MAX];
};

static int write_json(const void *what, FILE *stream, struct error *error)
{
    const struct lists *lists = what;
    json_t *json = NULL;
    int rc = list_json(lists->parts, lists->count, &json, error);
    if (rc == 0 && json_dumpf(json, stream, JSON_INDENT(2)) < 0 && !ferror(stream))
        rc = error_set(error, ENOMEM, "not enough memory to write the lists as JSON");
    fputc('\n', stream);
    json_decref(json);
    return rc;
}

static void view(const void *what, struct document *document)
{
    const struct lists *lists = what;
    view_list(lists->parts, lists->count, document);
}

int cmd_list_run(const struct invocation *invocation)
{
    const struct list_options *options = invocation->options;
    static struct lists lists; /* large */
    struct outputs outputs;
    struct error error;
    int rc = outputs_open(&outputs, &options->output, &error);
    if (rc < 0)
        return status_failed(&error);
    for (enum list_topic topic = 0; topic < LIST_TOPICS; topic++)
        if (list_topic_wanted(invocation, topic)) {
            struct list_item *items = lists.items[topic];
            lists.parts[lists.count++] =
                (struct list_part){topics[topic].name, items, topics[topic].list(items, lists.facts)};
        }
    rc = outputs_write(&outputs, &(struct found){&lists, write_json, view}, &error);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
