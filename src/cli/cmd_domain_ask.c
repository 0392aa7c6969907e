/* vcost domain list, status, pause, resume, stop: what is asked of domains that run. */
#include "base/size.h"
#include "cli/domain_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "domain/served/control.h"
#include "report/view_domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int write_report(const void *what, FILE *stream, struct error *error)
{
    return record_print(&domain_report_record, what, stream, error);
}

static void view_report(const void *what, struct document *document)
{
    view_domain(what, document);
}

/* What ask(context) finds out is told; where, is known to be possible before it is asked. */
static int ask_and_tell(const struct domain_options *options,
    int (*ask)(void *context, const struct place *place, struct error *error), void *context,
    const struct found *found)
{
    struct outputs outputs;
    struct place place;
    struct error error;
    int rc = place_open(options->folder, &place, &error);
    if (rc == 0 && (rc = outputs_open(&outputs, &options->output, &error)) == 0) {
        if ((rc = ask(context, &place, &error)) == 0)
            rc = outputs_write(&outputs, found, &error);
        else
            outputs_discard(&outputs);
    }
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}

/* ---- one ---- */

struct asking {
    const char *name;
    struct control_request request;
    bool more; /* request.count is on top of what it has */
    struct domain_report report;
};

static int ask_one(void *context, const struct place *place, struct error *error)
{
    struct asking *asking = context;
    const struct control_request status = {.verb = "status", .fd = -1};
    int rc = asking->more ? control_ask(place, asking->name, &status, &asking->report, error) : 0;
    if (rc == 0 && asking->more)
        asking->request.count += asking->report.memory_bytes;
    return rc < 0 ? rc : control_ask(place, asking->name, &asking->request, &asking->report, error);
}

static int tell_one(const struct invocation *invocation, struct asking *asking,
    int (*ask)(void *, const struct place *, struct error *))
{
    asking->name = invocation->operands[0];
    return ask_and_tell(
        invocation->options, ask, asking, &(struct found){&asking->report, write_report, view_report});
}

static int ask(const struct invocation *invocation, const char *verb)
{
    struct asking asking = {.request = {.fd = -1}};
    snprintf(asking.request.verb, sizeof asking.request.verb, "%s", verb);
    return tell_one(invocation, &asking, ask_one);
}

int cmd_domain_pause_run(const struct invocation *invocation)
{
    return ask(invocation, "pause");
}

int cmd_domain_cancel_run(const struct invocation *invocation)
{
    return ask(invocation, "cancel");
}

int cmd_domain_resume_run(const struct invocation *invocation)
{
    return ask(invocation, "resume");
}

int cmd_domain_stop_run(const struct invocation *invocation)
{
    return ask(invocation, "stop");
}

/* "256M": so much; "+256M": so much more. */
static int read_size(const char *text, bool *more, uint64_t *bytes, struct error *error)
{
    *more = text[0] == '+';
    int rc = size_parse(text + *more, bytes, error);
    return rc == 0 && (*bytes % (2 * MIB) || *bytes > PORTABLE_BYTES_MAX)
               ? error_set(
                     error, EINVAL, "a domain's memory is in steps of 2 MiB, up to 1 TiB: not %.30s", text)
               : rc;
}

int cmd_domain_memory_run(const struct invocation *invocation)
{
    struct asking asking = {.request = {.verb = "memory", .fd = -1}};
    struct error error;
    if (read_size(invocation->operands[1], &asking.more, &asking.request.count, &error) < 0)
        return status_wrong_usage(invocation->command, &error);
    return tell_one(invocation, &asking, ask_one);
}

static int look(void *context, const struct place *place, struct error *error)
{
    struct asking *asking = context;
    int rc = control_ask(place, asking->name, &asking->request, &asking->report, error);
    return rc == -ENOENT || rc == -EPIPE ? control_read_kept(place, asking->name, &asking->report, error)
                                         : rc;
}

int cmd_domain_status_run(const struct invocation *invocation)
{
    struct asking asking = {.request = {.verb = "stats", .fd = -1}, .report = {.exit_status = -1}};
    return tell_one(invocation, &asking, look);
}

/* ---- all ---- */

struct listing {
    const struct place *place;
    struct domain_report *reports;
    size_t count, room;
    bool failed;
};

/* One that ends meanwhile is none. */
static void add(void *context, const char *name)
{
    struct listing *listing = context;
    const struct control_request request = {.verb = "stats", .fd = -1};
    struct error error;
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 8;
        struct domain_report *more = reallocarray(listing->reports, room, sizeof *more);
        listing->failed |= !more;
        if (!more)
            return;
        listing->reports = more;
        listing->room = room;
    }
    if (control_ask(listing->place, name, &request, &listing->reports[listing->count], &error) == 0)
        listing->count++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct domain_report *)a)->name, ((const struct domain_report *)b)->name);
}

static const struct field list_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.domains/1"},
    {"domains", FIELD_LIST, FIELD_POINTER(struct listing, reports, count), .of = &domain_report_record},
};
static const struct record list_record = {"domains", sizeof(struct listing), RECORD_FIELDS(list_fields)};

static int write_list(const void *what, FILE *stream, struct error *error)
{
    return record_print(&list_record, what, stream, error);
}

static void view_list(const void *what, struct document *document)
{
    const struct listing *listing = what;
    view_domains(&(struct domain_list){listing->reports, listing->count}, document);
}

static int list(void *context, const struct place *place, struct error *error)
{
    struct listing *listing = context;
    listing->place = place;
    int rc = place_list(place, add, listing, error);
    if (rc == 0 && listing->failed)
        rc = error_set(error, ENOMEM, "no memory for a list of domains");
    if (rc == 0 && listing->count)
        qsort(listing->reports, listing->count, sizeof *listing->reports, by_name);
    return rc;
}

int cmd_domain_list_run(const struct invocation *invocation)
{
    struct listing listing = {.count = 0};
    int status =
        ask_and_tell(invocation->options, list, &listing, &(struct found){&listing, write_list, view_list});
    free(listing.reports);
    return status;
}
