/* vcost domain list, status, pause, resume, stop, save, check: what is asked of domains that run, and of
 * files. */
#include "cli/domain_options.h"
#include "cli/interrupt.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "cli/timeline.h"
#include "domain/saved/stored.h"
#include "domain/served/control.h"
#include "measure/clock.h"
#include "report/progress.h"
#include "report/view_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_report(const void *what, FILE *stream, struct error *error)
{
    return record_print(&domain_report_record, what, stream, error);
}

static void view_report(const void *what, struct document *document)
{
    view_domain(what, document);
}

static int show(const struct domain_options *options, const struct found *found, struct error *error)
{
    struct outputs outputs;
    int rc = outputs_open(&outputs, &options->output, error);
    return rc < 0 ? rc : outputs_write(&outputs, found, error);
}

static int show_report(
    const struct domain_options *options, const struct domain_report *report, struct error *error)
{
    return show(options, &(struct found){report, write_report, view_report}, error);
}

/* ---- one ---- */

static int ask(const struct invocation *invocation, const char *verb)
{
    const struct domain_options *options = invocation->options;
    struct control_request request = {.fd = -1};
    struct domain_report report;
    struct place place;
    struct error error;
    snprintf(request.verb, sizeof request.verb, "%s", verb);
    int rc = place_open(options->folder, &place, &error);
    if (rc == 0 && (rc = control_ask(&place, invocation->operands[0], &request, &report, &error)) == 0)
        rc = show_report(options, &report, &error);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
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

int cmd_domain_status_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    const char *name = invocation->operands[0];
    const struct control_request request = {.verb = "stats", .fd = -1};
    struct domain_report report = {.exit_status = -1};
    struct place place;
    struct error error;
    int rc = place_open(options->folder, &place, &error);
    if (rc == 0)
        rc = control_ask(&place, name, &request, &report, &error);
    if (rc == -ENOENT || rc == -EPIPE)
        rc = control_read_kept(&place, name, &report, &error);
    if (rc == 0)
        rc = show_report(options, &report, &error);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}

/* How far a save is: its process writes, and answers nothing meanwhile, but the file grows. */
struct saving {
    struct progress_line line;
    int file;
    double bytes, begun;
};

static void draw_saving(void *context)
{
    struct saving *saving = context;
    struct stat now;
    double took = clock_seconds() - saving->begun;
    if (!saving->line.active || fstat(saving->file, &now) < 0)
        return;
    double share = fmin((double)now.st_blocks * 512 / saving->bytes, 1);
    progress_update(&saving->line, share, share > 0 ? took / share - took : NAN,
        share < 1 ? "its memory is written" : "its program is looked at");
}

/* Of what is compressed nobody knows how much it will be. */
static void begin_saving(
    struct saving *saving, const struct place *place, const char *name, int file, bool compress)
{
    const struct control_request stats = {.verb = "stats", .fd = -1};
    struct domain_report report;
    *saving = (struct saving){.file = file, .begun = clock_seconds()};
    if (!compress && control_ask(place, name, &stats, &report, NULL) == 0) {
        progress_start(&saving->line, stderr, false, locale_is_utf8());
        saving->bytes =
            isnan(report.stats.resident_bytes) ? (double)report.memory_bytes : report.stats.resident_bytes;
    }
}

/* The domain writes to a descriptor of ours: what it may reach is what we may. */
int cmd_domain_save_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    struct control_request request = {
        .verb = "save", .keep = options->keep_running, .compress = options->compress};
    static const struct output_options none;
    struct outputs picture = {.options = &none};
    struct timeline_told *told = NULL;
    struct domain_report report;
    struct saving saving;
    struct output *output;
    struct place place;
    struct error error;
    int timeline = -1, rc = place_open(options->folder, &place, &error);
    if (rc == 0 && options->timeline && !options->keep_running) {
        error_set(
            &error, EINVAL, "--timeline needs --keep-running: there would be nothing to look at after it");
        return status_wrong_usage(invocation->command, &error);
    }
    if (rc == 0 && options->timeline)
        rc = timeline_add_output(&picture, options->timeline, &error);
    if (rc < 0 || (rc = output_open(invocation->operands[1], &output, &error)) < 0) {
        outputs_discard(&picture);
        return status_failed(&error);
    }
    request.fd = fileno(output_stream(output));
    if (options->timeline)
        rc = timeline_ask(&place, invocation->operands[0], &timeline, &error);
    begin_saving(&saving, &place, invocation->operands[0], request.fd, options->compress);
    if (rc == 0)
        rc = control_ask_slowly(
            &place, invocation->operands[0], &request, draw_saving, &saving, &report, &error);
    progress_clear(&saving.line);
    if (rc < 0)
        output_discard(output);
    else
        rc = output_commit(output, &error);
    if (rc == 0 && timeline >= 0 && (rc = timeline_read(timeline, &told, &error)) == 0)
        rc = timeline_write_alone(&picture, told, &error);
    outputs_discard(&picture);
    free(told);
    if (timeline >= 0)
        close(timeline);
    if (rc == 0)
        rc = show_report(options, &report, &error);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
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

int cmd_domain_list_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    struct listing listing = {.count = 0};
    struct place place;
    struct error error;
    int rc = place_open(options->folder, &place, &error);
    listing.place = &place;
    if (rc == 0)
        rc = place_list(&place, add, &listing, &error);
    if (rc == 0 && listing.failed)
        rc = error_set(&error, ENOMEM, "no memory for a list of domains");
    if (rc == 0 && listing.count)
        qsort(listing.reports, listing.count, sizeof *listing.reports, by_name);
    if (rc == 0)
        rc = show(options, &(struct found){&listing, write_list, view_list}, &error);
    free(listing.reports);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}

/* ---- files ---- */

int cmd_domain_check_run(const struct invocation *invocation)
{
    static const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};
    const char *path = invocation->operands[0];
    struct stored saved;
    struct error error;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_errno(&error, errno, "cannot open %.300s", path);
        return status_failed(&error);
    }
    interrupt_catch();
    int rc = stored_read(fd, &saved, &error);
    if (rc == 0) {
        rc = stored_load(fd, &saved, NULL, &stop, &error);
        if (rc == 0)
            printf("%s is whole: domain %s, %s, %llu of %llu pages in the file.\n", path, saved.plan.name,
                portable_workloads[saved.plan.workload].name, (unsigned long long)saved.pages,
                (unsigned long long)(saved.plan.memory_bytes / 4096));
        stored_free(&saved);
    }
    close(fd);
    if (rc < 0)
        error_prefix(&error, "%.200s", path);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
