#include "domain/served/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/eventfd.h>

static bool checker_asked(void *context)
{
    return ((const struct served *)context)->quit;
}

static void *check_memory(void *context)
{
    struct served *served = context;
    const struct stop stop = {.asked = checker_asked, .context = served};
    struct error error;
    int rc = stored_load(served->restored->fd, &served->restored->saved, NULL, &stop, NULL, &error);
    if (rc < 0 && rc != -EINTR) {
        served->checker_error = error;
        served->checked = -1;
        eventfd_write(portable_eventfd(served->portable), 1);
    } else if (rc == 0) {
        served->checked = 1;
    }
    return NULL;
}

static struct bringing *bringing_of(const struct served *served)
{
    return served->restored ? served->restored->bringing : NULL;
}

static bool is_mapped(const struct served *served)
{
    return served->restored && served->restored->lazy;
}

void served_file_watch(struct served *served)
{
    if (bringing_of(served))
        bringing_tell(bringing_of(served), portable_eventfd(served->portable));
    if (!is_mapped(served))
        return;
    (void)fstat(served->restored->fd, &served->file);
    (void)restore_bring_back(served->restored, NULL); /* nothing but time is lost without it */
    served->checking =
        !served->unchecked && pthread_create(&served->checker, NULL, check_memory, served) == 0;
}

/* 1: verified, 0: not yet; negative, with *error: it is wrong. */
static int look(const struct served *served, struct error *error)
{
    if (bringing_of(served))
        return bringing_look(bringing_of(served), error);
    const int checked = served->checked;
    if (checked >= 0)
        return checked;
    *error = served->checker_error;
    return -error->code;
}

static bool is_changed(const struct served *served)
{
    const struct stat *before = &served->file;
    struct stat now;
    return fstat(served->restored->fd, &now) < 0 || now.st_size != before->st_size ||
           now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* First whether it was changed: that is why the checker finds it wrong then. */
int served_file_check(const struct served *served, struct error *error)
{
    if (is_mapped(served) && is_changed(served))
        return error_set(error, EIO,
            "the file that the domain's memory is mapped from was changed or cut off while it ran: what it "
            "computes from now on would be wrong, so it was stopped");
    int rc = look(served, error);
    return rc < 0 ? rc : 0;
}

void served_file_report(const struct served *served, struct domain_report *report)
{
    struct error error;
    int rc = look(served, &error);
    report->brought_back_ms = report->brought_held_ms = report->working_set_without_ms = NAN;
    if (served->restored && served->restored->ahead) {
        struct ahead_told told;
        ahead_look(served->restored->ahead, &told);
        report->brought_back_ms = told.ms;
        report->brought_held_ms = told.held_ms;
        report->working_set_without_ms = served->restored->first.working_set_ms;
    }
    if (is_mapped(served) && served->unchecked)
        snprintf(report->memory_checked, sizeof report->memory_checked, "no (vcost domain check does that)");
    else if (served->checking || bringing_of(served))
        snprintf(report->memory_checked, sizeof report->memory_checked, "%s",
            rc < 0 ? "no"
            : rc   ? "yes"
                   : "not yet");
    if (rc < 0)
        snprintf(report->sentence, sizeof report->sentence, "%s", error.text);
}
