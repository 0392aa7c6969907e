/* vcost domain save and check: domains as files. */
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
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- save ---- */

/* How far it is: the domain's process writes, and answers nothing meanwhile; but the descriptor that both
 * have tells by its position how much of the memory it has gone through. */
struct saving {
    struct progress_line line;
    struct output *output; /* NULL: it is in its place, or nowhere */
    int file;
    double bytes, begun; /* of memory; 0: not known */
};

static bool look(void *context)
{
    struct saving *saving = context;
    if (interrupt_asked(NULL))
        return false;
    const off_t done = lseek(saving->file, 0, SEEK_CUR);
    const double took = clock_seconds() - saving->begun, share = fmin((double)done / saving->bytes, 1);
    if (saving->bytes > 0 && done > 0)
        progress_update(&saving->line, share, took / share - took,
            share < 1 ? "its memory is written" : "its program is looked at");
    return true;
}

/* It is all that there is of a domain that ends then: so it is on the disk before. */
static int put_in_place(void *context, struct error *error)
{
    struct saving *saving = context;
    struct output *output = saving->output;
    if (fsync(saving->file) < 0 && errno != EINVAL && errno != EROFS)
        return error_errno(error, errno, "the saved domain does not get to its disk");
    saving->output = NULL;
    return output_commit(output, error);
}

static void begin(struct saving *saving, const struct place *place, const char *name, struct output *output)
{
    const struct control_request status = {.verb = "status", .fd = -1};
    struct domain_report report;
    struct error unheard;
    *saving =
        (struct saving){.output = output, .file = fileno(output_stream(output)), .begun = clock_seconds()};
    progress_start(&saving->line, stderr, false, locale_is_utf8());
    if (saving->line.active && control_ask(place, name, &status, &report, &unheard) == 0)
        saving->bytes = (double)report.memory_bytes;
}

struct saved {
    struct domain_report report;
    const char *file;
};

static int write_report(const void *what, FILE *stream, struct error *error)
{
    return record_print(&domain_report_record, &((const struct saved *)what)->report, stream, error);
}

static void view_report(const void *what, struct document *document)
{
    const struct saved *saved = what;
    if (!saved->report.ending[0])
        document_say(
            document, BLOCK_CONCLUSION, "%s is saved in %s, and goes on.", saved->report.name, saved->file);
    view_domain(&saved->report, document);
}

/* The domain writes to a descriptor of ours: what it may reach is what we may. It ends only when the file
 * is in its place. */
static int save(const struct invocation *invocation, const struct place *place, struct outputs *picture,
    struct domain_report *report, struct error *error)
{
    const struct domain_options *options = invocation->options;
    const char *name = invocation->operands[0];
    struct timeline_told *told = NULL;
    struct saving saving;
    struct output *output;
    int timeline = -1, rc = output_open(invocation->operands[1], &output, error);
    if (rc < 0)
        return rc;
    begin(&saving, place, name, output);
    const struct control_request request = {.verb = "save",
        .keep = options->keep_running,
        .compress = options->compress,
        .confirm = !options->keep_running,
        .fd = saving.file};
    if (options->timeline)
        rc = timeline_ask(place, name, &timeline, error);
    if (rc == 0)
        rc = control_ask_slowly(
            place, name, &request, &(struct control_patience){look, put_in_place, &saving}, report, error);
    progress_clear(&saving.line);
    if (saving.output)
        output_discard(saving.output);
    if (rc == -EINTR)
        error_set(error, EINTR, "%s before %s was saved: it goes on, and nothing was written",
            interrupt_reason(NULL), name);
    if (rc == 0 && timeline >= 0 && (rc = timeline_read(timeline, &told, error)) == 0)
        rc = timeline_write_alone(picture, told, error);
    free(told);
    if (timeline >= 0)
        close(timeline);
    return rc;
}

int cmd_domain_save_run(const struct invocation *invocation)
{
    const struct domain_options *options = invocation->options;
    static const struct output_options none;
    struct outputs outputs, picture = {.options = &none};
    struct saved saved = {.file = invocation->operands[1]};
    struct place place;
    struct error error;
    if (options->timeline && !options->keep_running) {
        error_set(
            &error, EINVAL, "--timeline needs --keep-running: there would be nothing to look at after it");
        return status_wrong_usage(invocation->command, &error);
    }
    if (place_open(options->folder, &place, &error) < 0 ||
        outputs_open(&outputs, &options->output, &error) < 0)
        return status_failed(&error);
    int rc = options->timeline ? timeline_add_output(&picture, options->timeline, &error) : 0;
    interrupt_catch();
    if (rc == 0 && (rc = save(invocation, &place, &picture, &saved.report, &error)) == 0)
        rc = outputs_write(&outputs, &(struct found){&saved, write_report, view_report}, &error);
    outputs_discard(&outputs);
    outputs_discard(&picture);
    int status = rc < 0 ? status_failed(&error) : STATUS_DONE;
    interrupt_finish();
    return status;
}

/* ---- check ---- */

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

static int check(int fd, const char *path, struct error *error)
{
    static const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};
    struct progress_line line;
    struct stored saved;
    int rc = stored_read(fd, &saved, error);
    if (rc < 0)
        return rc;
    progress_start(&line, stderr, false, locale_is_utf8());
    rc = stored_load(fd, &saved, NULL, &stop, &(struct progress){show_progress, &line}, error);
    progress_clear(&line);
    if (rc == 0)
        printf("%s is whole: domain %s, %s, %llu of %llu pages in the file.\n", path, saved.plan.name,
            portable_workloads[saved.plan.workload].name, (unsigned long long)saved.pages,
            (unsigned long long)(saved.plan.memory_bytes / 4096));
    stored_free(&saved);
    return rc;
}

int cmd_domain_check_run(const struct invocation *invocation)
{
    const char *path = invocation->operands[0];
    struct error error;
    int fd = open(path, O_RDONLY | O_CLOEXEC), status = STATUS_DONE;
    if (fd < 0) {
        error_errno(&error, errno, "cannot open %.300s", path);
        return status_failed(&error);
    }
    interrupt_catch();
    if (check(fd, path, &error) < 0) {
        error_prefix(&error, "%.200s", path);
        status = status_failed(&error);
    }
    close(fd);
    interrupt_finish();
    return status;
}
