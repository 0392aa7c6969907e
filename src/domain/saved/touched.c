#include "domain/saved/touched.h"

#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, ENTRIES = 4096 };

/* ---- looking ---- */

static bool is_touched(uint64_t entry)
{
    return entry >> 62 != 0; /* present, or swapped out */
}

static int add(struct touched *touched, size_t *room, uint64_t page, bool written)
{
    struct touched_run *last = touched->count ? &touched->runs[touched->count - 1] : NULL;
    if (last && last->written == written && last->first + last->pages == page) {
        last->pages++;
        return 0;
    }
    if (touched->count == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct touched_run *runs = reallocarray(touched->runs, more, sizeof *runs);
        if (!runs)
            return -ENOMEM;
        touched->runs = runs;
        *room = more;
    }
    touched->runs[touched->count++] = (struct touched_run){page, 1, written};
    return 0;
}

static int look(int fd, uintptr_t memory, struct touched *touched)
{
    uint64_t entries[ENTRIES];
    size_t room = 0;
    int rc = 0;
    for (uint64_t page = 0, end = touched->memory_bytes / PAGE_BYTES; page < end;) {
        uint64_t want = end - page < ENTRIES ? end - page : ENTRIES;
        ssize_t got = pread(
            fd, entries, want * sizeof entries[0], (off_t)((memory / PAGE_BYTES + page) * sizeof entries[0]));
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        for (uint64_t i = 0; i < (uint64_t)got / sizeof entries[0]; i++, page++)
            if (is_touched(entries[i]) &&
                (rc = add(touched, &room, page, touched_is_written(entries[i]))) < 0)
                return rc;
    }
    return 0;
}

int touched_look(const void *memory, uint64_t bytes, struct touched *touched, struct error *error)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, ENOTSUP,
            "which pages were touched is not told here: /proc/self/pagemap cannot be opened (%s)",
            strerror(errno));
    *touched = (struct touched){.memory_bytes = bytes, .working_set_ms = NAN};
    int rc = look(fd, (uintptr_t)memory, touched);
    close(fd);
    if (rc == 0)
        return 0;
    touched_free(touched);
    return error_errno(error, -rc, "cannot find out which pages were touched");
}

uint64_t touched_pages(const struct touched *touched, bool written)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < touched->count; i++)
        pages += touched->runs[i].written == written ? touched->runs[i].pages : 0;
    return pages;
}

void touched_free(struct touched *touched)
{
    free(touched->runs);
    *touched = (struct touched){.count = 0};
}

/* ---- as a file ---- */

#define AT(member) FIELD_AT(struct touched_run, member)
static const struct field run_fields[] = {
    {"first", FIELD_COUNT, FIELD_NEEDED, AT(first)},
    {"pages", FIELD_COUNT, FIELD_NEEDED, AT(pages)},
    {"written", FIELD_FLAG, FIELD_NEEDED, AT(written)},
};
#undef AT
static const struct record run_record = {"run", sizeof(struct touched_run), RECORD_FIELDS(run_fields)};
static const struct field touched_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.touched/1"},
    {"memory_bytes", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct touched, memory_bytes)},
    {"working_set_ms", FIELD_REAL, FIELD_AT(struct touched, working_set_ms),
        .missing = "it was not back, or the pace before it was saved is not known"},
    {"runs", FIELD_LIST, FIELD_NEEDED, FIELD_POINTER(struct touched, runs, count), .of = &run_record},
};
static const struct record touched_record = {
    "touched", sizeof(struct touched), RECORD_FIELDS(touched_fields)};

int touched_write(const struct touched *touched, FILE *stream, struct error *error)
{
    return record_print(&touched_record, touched, stream, error);
}

static bool is_in_order(const struct touched *touched)
{
    uint64_t from = 0, end = touched->memory_bytes / PAGE_BYTES;
    for (size_t i = 0; i < touched->count; i++) {
        const struct touched_run *run = &touched->runs[i];
        if (run->first < from || run->first >= end || !run->pages || run->pages > end - run->first)
            return false;
        from = run->first + run->pages;
    }
    return true;
}

int touched_read(const char *path, uint64_t memory_bytes, struct touched *touched, struct error *error)
{
    struct pool pool = {.newest = NULL};
    struct reader reader = {.name = path, .what = "record of touched pages", .pool = &pool, .error = error};
    json_error_t where;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    *touched = (struct touched){.count = 0};
    if (!json)
        return error_set(error, EPROTO, "%.200s is no record of touched pages: %.100s", path, where.text);
    int rc = record_read(&touched_record, json, touched, &reader);
    json_decref(json);
    pool_free(&pool);
    if (rc == 0 && (touched->memory_bytes != memory_bytes || !is_in_order(touched)))
        rc = error_set(error, EPROTO, "%.200s is no record of touched pages of this domain", path);
    if (rc < 0)
        touched_free(touched);
    return rc < 0 ? -EPROTO : 0;
}
