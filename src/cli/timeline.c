#include "cli/timeline.h"

#include "domain/served/control.h"
#include "report/view_timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int timeline_add_output(struct outputs *outputs, const char *path, struct error *error)
{
    int rc = outputs_add(outputs, format_of_path(path), path, error);
    if (rc < 0)
        outputs_discard(outputs);
    return rc;
}

int timeline_ask(const struct place *place, const char *name, int *fd, struct error *error)
{
    struct control_request request = {.verb = "timeline", .fd = memfd_create("vcost-timeline", MFD_CLOEXEC)};
    if (request.fd < 0)
        return error_errno(error, errno, "no memory for a timeline");
    *fd = request.fd;
    return control_ask(place, name, &request, NULL, error);
}

int timeline_read(int fd, struct timeline_told **told, struct error *error)
{
    struct pool pool = {.newest = NULL};
    struct reader reader = {
        .name = "what the domain has told", .what = "timeline", .pool = &pool, .error = error};
    json_error_t where;
    json_t *json = lseek(fd, 0, SEEK_SET) < 0 ? NULL : json_loadfd(fd, JSON_REJECT_DUPLICATES, &where);
    *told = calloc(1, sizeof **told);
    int rc = !json || !*told ? error_set(error, ENODATA, "the domain has told no timeline of its migration")
                             : record_read(&timeline_told_record, json, *told, &reader);
    if (rc < 0) {
        free(*told);
        *told = NULL;
    }
    json_decref(json);
    pool_free(&pool);
    return rc;
}

static int write_told(const void *what, FILE *stream, struct error *error)
{
    return record_print(&timeline_told_record, what, stream, error);
}

static void view_told(const void *what, struct document *document)
{
    view_timeline_alone(what, document);
}

int timeline_write_alone(struct outputs *outputs, const struct timeline_told *told, struct error *error)
{
    return outputs_write_files(outputs, &(struct found){told, write_told, view_told}, error);
}
