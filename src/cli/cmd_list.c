/* vcost list: what can be measured, and where, on this host. */
#include "cli/list_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "domain/probe.h"
#include "event/event.h"
#include "runner/runner.h"
#include "workload/chase.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* Built-in workloads as a person asks for them. */
static const struct choice workloads[] = {
    {"chase", "a pointer chase: one dependent load after the other over a working set (vcost chase)"},
    {"events", "single operations that virtualization makes dear (vcost events)"},
};

enum { ITEMS_MAX = 256 };

/* One entry of a list, whatever the list. */
struct item {
    const char *name, *summary;
    const struct monitor_facts *facts; /* of a runner with a monitor; NULL otherwise */
};

/* All that --on takes. */
static size_t list_runners(struct item *items, struct monitor_facts *facts)
{
    size_t count = 0;
    for (struct choice on; (on = on_choice(count)).name; count++) {
        const struct runner_type *type = runner_find(on.name); /* NULL: it is not of this machine */
        const struct monitor_ops *monitor = type ? type->monitor : NULL;
        if (monitor)
            domain_probe(monitor, facts);
        items[count] = (struct item){on.name, type ? type->summary : on.summary, monitor ? facts : NULL};
    }
    return count;
}

static size_t list_orders(struct item *items, struct monitor_facts *facts)
{
    (void)facts;
    for (size_t i = 0; i < CHASE_ORDERS; i++)
        items[i] = (struct item){chase_orders[i].name, chase_orders[i].summary, NULL};
    return CHASE_ORDERS;
}

static size_t list_workloads(struct item *items, struct monitor_facts *facts)
{
    size_t count = sizeof workloads / sizeof workloads[0];
    (void)facts;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct item){workloads[i].name, workloads[i].summary, NULL};
    return count;
}

static size_t list_events(struct item *items, struct monitor_facts *facts)
{
    size_t count = 0;
    (void)facts;
    for (; event_at(count) && count < ITEMS_MAX; count++)
        items[count] = (struct item){event_at(count)->name, event_at(count)->summary, NULL};
    return count;
}

static const struct {
    const char *name;
    size_t (*list)(struct item items[static ITEMS_MAX], struct monitor_facts *facts);
} topics[LIST_TOPICS] = {
    [LIST_RUNNERS] = {"runners", list_runners},
    [LIST_ORDERS] = {"orders", list_orders},
    [LIST_WORKLOADS] = {"workloads", list_workloads},
    [LIST_EVENTS] = {"events", list_events},
};

/* ---- for people ---- */

static void print_facts(const struct monitor_facts *facts)
{
    if (!facts->usable) {
        printf("  %-16s cannot be used: %s\n", "", facts->reason);
        return;
    }
    printf("  %-16s %s paging (%s)\n", "", technique_name(facts->technique), facts->technique_proof);
    printf("  %-16s provider: %s\n", "", facts->provider.text);
    if (facts->syscall_privilege >= 0)
        printf("  %-16s SYSCALL in a guest leads to privilege level %d\n", "", facts->syscall_privilege);
    for (size_t i = 0; i < facts->quirk_count; i++)
        printf("  %-16s note: %s\n", "", facts->quirks[i]);
}

static void print_topic(const char *name, const struct item *items, size_t count)
{
    int width = 16;
    for (size_t i = 0; i < count; i++)
        width = (int)strlen(items[i].name) > width ? (int)strlen(items[i].name) : width;
    printf("%s:\n", name);
    for (size_t i = 0; i < count; i++) {
        printf("  %-*s %s\n", width, items[i].name, items[i].summary);
        if (items[i].facts)
            print_facts(items[i].facts);
    }
}

/* ---- for programs ---- */

static json_t *quirks_json(const struct monitor_facts *facts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < facts->quirk_count; i++)
        json_array_append_new(array, json_string(facts->quirks[i]));
    return array;
}

static json_t *item_json(const struct item *item)
{
    const struct monitor_facts *facts = item->facts;
    json_t *object = json_pack("{s:s, s:s}", "name", item->name, "summary", item->summary);
    if (!facts)
        return object;
    json_object_set_new(object, "usable", json_boolean(facts->usable));
    json_object_set_new(object, "reason", facts->usable ? json_null() : json_string(facts->reason));
    json_object_set_new(
        object, "technique", facts->usable ? json_string(technique_name(facts->technique)) : json_null());
    json_object_set_new(
        object, "technique_proof", facts->usable ? json_string(facts->technique_proof) : json_null());
    json_object_set_new(
        object, "provider", facts->provider.known ? json_string(facts->provider.text) : json_null());
    json_object_set_new(object, "syscall_privilege",
        facts->syscall_privilege >= 0 ? json_integer(facts->syscall_privilege) : json_null());
    json_object_set_new(object, "quirks", quirks_json(facts));
    return object;
}

static json_t *topic_json(const struct item *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, item_json(&items[i]));
    return array;
}

/* ---- all of it ---- */

static int write(const void *what, enum form form, const char *path, FILE *stream,
    const struct report_style *style, struct error *error)
{
    const struct invocation *invocation = what;
    struct item items[ITEMS_MAX];
    struct monitor_facts facts;
    (void)path, (void)style;
    json_t *object = json_pack("{s:s}", "schema", "vcost.list/1");
    for (enum list_topic topic = 0; topic < LIST_TOPICS; topic++) {
        if (!list_topic_wanted(invocation, topic))
            continue;
        size_t count = topics[topic].list(items, &facts);
        if (form == FORM_JSON)
            json_object_set_new(object, topics[topic].name, topic_json(items, count));
        else
            print_topic(topics[topic].name, items, count);
    }
    int rc = form == FORM_JSON ? json_dumpf(object, stream, JSON_INDENT(2)) : 0;
    json_decref(object);
    if (form == FORM_JSON)
        fputc('\n', stream);
    return rc < 0 ? error_set(error, EIO, "cannot write the list") : 0;
}

int cmd_list_run(const struct invocation *invocation)
{
    const struct list_options *options = invocation->options;
    const struct found found = {invocation, write};
    struct outputs outputs;
    struct error error;
    int rc = outputs_open(&outputs, &options->output, &error);
    if (rc == 0)
        rc = outputs_write(&outputs, &found, &error);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
