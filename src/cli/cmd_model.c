/* vcost model: machines that are simulated. */
#include "cli/model_options.h"

#include "cli/chase_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "record/record.h"
#include "report/view_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char usual_machine[] = "barcelona";

/* ---- list ---- */

static const struct field preset_fields[] = {
    {"name", FIELD_STRING, FIELD_AT(struct machine_preset, name)},
    {"summary", FIELD_STRING, FIELD_AT(struct machine_preset, summary)},
};
static const struct record preset_record = {
    "machine", sizeof(struct machine_preset), RECORD_FIELDS(preset_fields)};

static int write_list(const void *what, FILE *stream, struct error *error)
{
    struct draft draft = {.failed = false};
    json_t *json = json_object(), *list = json_array();
    (void)what;
    put_text(&draft, json, "schema", "vcost.machines/1");
    for (size_t i = 0; machine_preset(i).name; i++) {
        const struct machine_preset preset = machine_preset(i);
        put_item(&draft, list, record_object(&draft, &preset_record, &preset));
    }
    put(&draft, json, "machines", list);
    bool failed = draft.failed || (json_dumpf(json, stream, JSON_INDENT(2)) < 0 && !ferror(stream));
    fputc('\n', stream);
    json_decref(json);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the machines as JSON") : 0;
}

static void view_list(const void *what, struct document *document)
{
    (void)what;
    view_machines(document);
}

static int write_found(const struct model_options *options, const struct found *found, struct error *error)
{
    struct outputs outputs;
    int rc = outputs_open(&outputs, &options->output, error);
    return rc < 0 ? rc : outputs_write(&outputs, found, error);
}

int cmd_model_list_run(const struct invocation *invocation)
{
    const struct found found = {NULL, write_list, view_list};
    struct error error;
    return write_found(invocation->options, &found, &error) < 0 ? status_failed(&error) : STATUS_DONE;
}

/* ENXIO: vcost knows no machine of that name. ENOTSUP: that machine lacks what was asked for, not this host.
 */
static int status_of_choice(const struct invocation *invocation, int rc, const struct error *error)
{
    return rc == -ENXIO || rc == -ENOTSUP ? status_wrong_usage(invocation->command, error)
                                          : status_failed(error);
}

/* ---- show ---- */

static int write_machine(const void *what, FILE *stream, struct error *error)
{
    return record_print(&machine_record, what, stream, error);
}

static void view_figures(const void *what, struct document *document)
{
    view_machine(what, document);
}

int cmd_model_show_run(const struct invocation *invocation)
{
    struct pool pool = {.newest = NULL};
    struct machine machine;
    struct error error;
    int rc = machine_find(invocation->operands[0], &pool, &machine, &error);
    if (rc == 0)
        rc = write_found(invocation->options, &(struct found){&machine, write_machine, view_figures}, &error);
    pool_free(&pool);
    return rc < 0 ? status_of_choice(invocation, rc, &error) : STATUS_DONE;
}

/* ---- walk ---- */

static int write_walk(const void *what, FILE *stream, struct error *error)
{
    return record_print(&trace_record, what, stream, error);
}

static void view_walk(const void *what, struct document *document)
{
    view_trace(what, document);
}

static int read_address(const char *text, gva_t *address, struct error *error)
{
    char *end;
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    unsigned long long number = strtoull(text, &end, hex ? 16 : 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number >> 47)
        return error_set(
            error, EINVAL, "\"%.60s\" is no address below 0x800000000000, decimal or 0x...", text);
    *address = GVA(number);
    return 0;
}

/* A machine on which every walk reads every entry. */
static void leave_out_walk_caches(struct machine *machine)
{
    machine->walk_cache_count = 0;
    machine->nested.walk_cache_count = 0;
    machine->nested.has_tlb = false;
}

static struct model_config config_of(const struct model_options *options, const struct machine *machine)
{
    return (struct model_config){
        .machine = machine,
        .technique = (enum model_technique)options->technique,
        .guest_page = chase_page_bytes(options->guest_page),
        .host_page = chase_page_bytes(options->host_page),
        .hypothetical = options->hypothetical,
    };
}

int cmd_model_walk_run(const struct invocation *invocation)
{
    const struct model_options *options = invocation->options;
    struct pool pool = {.newest = NULL};
    struct machine machine;
    struct model_trace trace;
    struct error error;
    gva_t address;
    int rc = read_address(invocation->operands[0], &address, &error);
    if (rc < 0)
        return status_wrong_usage(invocation->command, &error);
    rc = machine_find(options->machine ? options->machine : usual_machine, &pool, &machine, &error);
    const struct model_config config = config_of(options, &machine);
    if (rc == 0 && !options->walk_caches)
        leave_out_walk_caches(&machine);
    if (rc == 0)
        rc = model_trace(&config, address, &trace, &error);
    if (rc == 0)
        rc = write_found(options, &(struct found){&trace, write_walk, view_walk}, &error);
    pool_free(&pool);
    return rc < 0 ? status_of_choice(invocation, rc, &error) : STATUS_DONE;
}
