#include "domain/saved/stored.h"

#include "base/size.h"
#include "domain/saved/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096 };

/* ---- the header, as it stands in the file: little-endian, as this architecture is ---- */

struct section {
    uint64_t offset, bytes, checksum;
};

struct header {
    char magic[8];
    uint32_t version, bytes;
    uint64_t file_bytes;
    struct section plan, state, index;
    uint64_t memory_offset, memory_bytes;
    uint64_t realtime_ns, host_ticks;
    uint8_t boot[16];
    uint64_t pace; /* thousandths a second */
    char reserved[STORED_HEADER_BYTES - 160];
    uint64_t checksum; /* of all before it */
};
_Static_assert(sizeof(struct header) == STORED_HEADER_BYTES, "doc/saved-domain.md");
_Static_assert(offsetof(struct header, reserved) == 152, "doc/saved-domain.md");

static const char magic[8] = "VCOSTDOM";

struct part_header { /* of the state; the data follow, filled up to 8 bytes */
    uint32_t kind, cpu;
    uint64_t bytes;
};

/* ---- the plan, as JSON ---- */

static const struct field result_fields[] = {{NULL, FIELD_COUNT, .size = sizeof(uint64_t)}};
static const struct record result_record = {"result", sizeof(uint64_t), RECORD_FIELDS(result_fields)};

#define AT(member) FIELD_AT(struct portable_plan, member)
static const struct field plan_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.domain/1"},
    {"name", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(name)},
    {"monitor", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(monitor)},
    {"workload", FIELD_ENUM, FIELD_NEEDED, AT(workload), FIELD_NAMES(portable_workloads)},
    {"memory_bytes", FIELD_COUNT, FIELD_NEEDED, AT(memory_bytes)},
    {"working_set_bytes", FIELD_COUNT, FIELD_NEEDED, AT(working_set_bytes)},
    {"vcpus", FIELD_COUNT, FIELD_NEEDED, AT(cpus)},
    {"work", FIELD_COUNT, FIELD_NEEDED, AT(work)},
    {"rate", FIELD_COUNT, FIELD_NEEDED, AT(rate)},
    {"ticks_per_second", FIELD_REAL, FIELD_NEEDED | FIELD_DIGITS, AT(ticks_per_second)},
    {"tsc_settable", FIELD_FLAG, FIELD_NEEDED, AT(tsc_settable)},
    {"results", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct portable_plan, results, result_count),
        .of = &result_record},
};
const struct record portable_plan_record = {"plan", sizeof(struct portable_plan), RECORD_FIELDS(plan_fields)};

static int read_plan(const char *text, size_t bytes, struct stored *saved, struct error *error)
{
    struct reader reader = {
        .name = "the file", .what = "saved domain", .pool = &saved->state.pool, .error = error};
    json_error_t where;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        return error_set(error, EPROTO, "the description in the file is no JSON");
    int rc = record_read(&portable_plan_record, json, &saved->plan, &reader);
    json_decref(json);
    if (rc == 0 && !(saved->plan.ticks_per_second >= 1e6 && saved->plan.ticks_per_second <= 1e12))
        rc = error_set(error, EPROTO, "the time-stamp counter in the file has an impossible rate");
    if (rc == 0 && (rc = portable_plan_check(&saved->plan, true, error)) < 0) {
        error->code = EPROTO;
        rc = error_prefix(error, "the file describes no domain that can be");
    }
    return rc;
}

static int write_plan(const struct portable_plan *plan, char **text, size_t *bytes, struct error *error)
{
    FILE *stream = open_memstream(text, bytes);
    if (!stream)
        return error_set(error, ENOMEM, "no memory for a domain's description");
    int rc = record_print(&portable_plan_record, plan, stream, error);
    if (fclose(stream) != 0 && rc == 0)
        rc = error_set(error, ENOMEM, "no memory for a domain's description");
    return rc;
}

/* ---- reading ---- */

static bool is_inside(const struct section *section, uint64_t most, uint64_t end)
{
    return section->offset >= STORED_HEADER_BYTES && section->offset <= end && section->bytes &&
           section->bytes <= most && section->bytes <= end - section->offset && section->offset % 8 == 0;
}

static int check_header(const struct header *header, uint64_t file_bytes, struct error *error)
{
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return error_set(error, EPROTO, "this is no saved domain: its first bytes are something else");
    if (header->version > STORED_VERSION)
        return error_set(error, ENOTSUP,
            "the file is of version %u, of a newer vcost than this one, which knows %d: restore it with that",
            header->version, STORED_VERSION);
    if (!header->version || header->bytes != STORED_HEADER_BYTES ||
        header->checksum != checksum_of(header, offsetof(struct header, checksum)))
        return error_set(error, EPROTO, "the saved domain is damaged: its header is not as it was written");
    if (file_bytes < header->file_bytes)
        return error_set(error, EPROTO,
            "the saved domain is cut off: %" PRIu64 " of %" PRIu64 " bytes are there", file_bytes,
            header->file_bytes);
    uint64_t front = header->memory_offset;
    bool good =
        header->memory_bytes >= PORTABLE_BYTES_MIN && header->memory_bytes <= PORTABLE_BYTES_MAX &&
        header->memory_bytes % STORED_CHUNK_BYTES == 0 && front % STORED_CHUNK_BYTES == 0 &&
        front <= (UINT64_C(1) << 30) && header->file_bytes == front + header->memory_bytes &&
        is_inside(&header->plan, STORED_PLAN_BYTES_MAX, front) &&
        is_inside(&header->state, STORED_STATE_BYTES_MAX, front) && is_inside(&header->index, front, front) &&
        header->index.bytes == header->memory_bytes / STORED_CHUNK_BYTES * sizeof(struct stored_chunk);
    return good ? 0 : error_set(error, EPROTO, "the saved domain's header says what cannot be");
}

static size_t end_of(const struct section *section)
{
    return section->offset + section->bytes;
}

int stored_front_bytes(const void *bytes, uint64_t file_bytes, size_t *front, struct error *error)
{
    struct header header;
    memcpy(&header, bytes, sizeof header);
    int rc = check_header(&header, file_bytes, error);
    if (rc < 0)
        return rc;
    *front = end_of(&header.plan);
    if (*front < end_of(&header.state))
        *front = end_of(&header.state);
    if (*front < end_of(&header.index))
        *front = end_of(&header.index);
    return 0;
}

static int check_section(
    const char *front, const struct section *section, const char *what, struct error *error)
{
    if (checksum_of(front + section->offset, section->bytes) == section->checksum)
        return 0;
    return error_set(error, EPROTO, "the saved domain is damaged: its %s is not as it was written", what);
}

int stored_state_read(const char *bytes, size_t count, struct machine_state *state, struct error *error)
{
    struct part_header part;
    while (count) {
        if (count < sizeof part)
            return error_set(error, EPROTO, "the saved state ends in the middle of a part");
        memcpy(&part, bytes, sizeof part);
        bytes += sizeof part;
        count -= sizeof part;
        if (part.bytes > count || (part.bytes + 7) / 8 * 8 > count)
            return error_set(error, EPROTO, "a part of the saved state is longer than all of it");
        void *data = machine_state_add(state, part.kind, part.cpu, part.bytes, error);
        if (!data)
            return -error->code;
        memcpy(data, bytes, part.bytes);
        bytes += (part.bytes + 7) / 8 * 8;
        count -= (part.bytes + 7) / 8 * 8;
    }
    return 0;
}

static int read_index(const char *bytes, size_t count, struct stored *saved, struct error *error)
{
    saved->chunks = count / sizeof *saved->index;
    saved->index = pool_room(&saved->state.pool, saved->chunks, sizeof *saved->index);
    if (!saved->index)
        return error_set(error, ENOMEM, "no memory for the index of a saved domain");
    memcpy(saved->index, bytes, count);
    for (size_t i = 0; i < saved->chunks; i++)
        for (unsigned word = 0; word < STORED_CHUNK_PAGES / 64; word++)
            saved->pages += (unsigned)__builtin_popcountll(saved->index[i].present[word]);
    return 0;
}

int stored_parse(
    const void *bytes, size_t count, uint64_t file_bytes, struct stored *saved, struct error *error)
{
    const char *front = bytes;
    struct header header;
    size_t need;
    int rc = stored_front_bytes(bytes, file_bytes, &need, error);
    if (rc < 0)
        return rc;
    if (count < need)
        return error_set(error, EPROTO, "the saved domain is cut off in its front");
    memcpy(&header, bytes, sizeof header);
    *saved = (struct stored){.memory_offset = header.memory_offset,
        .moment = {.realtime_ns = header.realtime_ns, .host_ticks = header.host_ticks},
        .pace = (double)header.pace / 1000};
    memcpy(saved->moment.boot, header.boot, sizeof header.boot);
    if ((rc = check_section(front, &header.plan, "description", error)) == 0 &&
        (rc = check_section(front, &header.state, "state", error)) == 0 &&
        (rc = check_section(front, &header.index, "index", error)) == 0 &&
        (rc = read_plan(front + header.plan.offset, header.plan.bytes, saved, error)) == 0 &&
        (rc = stored_state_read(front + header.state.offset, header.state.bytes, &saved->state, error)) == 0)
        rc = read_index(front + header.index.offset, header.index.bytes, saved, error);
    if (rc == 0 && saved->plan.memory_bytes != header.memory_bytes)
        rc = error_set(
            error, EPROTO, "the saved domain's header and its description differ in the size of its memory");
    if (rc < 0)
        stored_free(saved);
    return rc;
}

static int read_all(int fd, void *to, size_t bytes, uint64_t offset, struct error *error)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR)
            return error_errno(error, errno, "cannot read the saved domain");
        if (got == 0)
            return error_set(
                error, EPROTO, "the saved domain is cut off: it ends at %" PRIu64 " bytes", offset + done);
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int stored_read(int fd, struct stored *saved, struct error *error)
{
    struct stat file;
    char header[STORED_HEADER_BYTES];
    size_t bytes;
    if (fstat(fd, &file) < 0)
        return error_errno(error, errno, "cannot look at the saved domain");
    if (!S_ISREG(file.st_mode))
        return error_set(error, EINVAL, "a saved domain is a regular file, and this is none");
    if (file.st_size < (off_t)sizeof header)
        return error_set(
            error, EPROTO, "this is no saved domain: it has only %" PRId64 " bytes", (int64_t)file.st_size);
    int rc = read_all(fd, header, sizeof header, 0, error);
    if (rc < 0 || (rc = stored_front_bytes(header, (uint64_t)file.st_size, &bytes, error)) < 0)
        return rc;
    char *front = malloc(bytes);
    if (!front)
        return error_set(error, ENOMEM, "no memory for the front of a saved domain");
    rc = read_all(fd, front, bytes, 0, error);
    if (rc == 0)
        rc = stored_parse(front, bytes, (uint64_t)file.st_size, saved, error);
    free(front);
    return rc;
}

void stored_free(struct stored *saved)
{
    machine_state_free(&saved->state);
    *saved = (struct stored){.chunks = 0};
}

void stored_moment_now(struct stored_moment *moment)
{
    struct timespec now;
    char text[64] = "";
    FILE *boot = fopen("/proc/sys/kernel/random/boot_id", "re");
    *moment = (struct stored_moment){.host_ticks = __builtin_ia32_rdtsc()};
    clock_gettime(CLOCK_REALTIME, &now);
    moment->realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    if (boot && fgets(text, sizeof text, boot))
        for (unsigned i = 0, digits = 0; text[i] && digits < 32; i++) {
            unsigned value = 0;
            if (text[i] != '-' && sscanf((char[2]){text[i]}, "%1x", &value) == 1)
                moment->boot[digits / 2] |= (uint8_t)(value << (digits % 2 ? 0 : 4));
            digits += text[i] != '-';
        }
    if (boot)
        fclose(boot);
}

/* ---- memory ---- */

static bool is_zero(const char *page)
{
    const uint64_t *words = (const uint64_t *)page;
    for (unsigned i = 0; i < PAGE_BYTES / 8; i += 8)
        if (words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] | words[i + 5] |
            words[i + 6] | words[i + 7])
            return false;
    return true;
}

/* Pages from `page` on that are alike: in the file or not. */
static unsigned run_of(const struct stored_chunk *chunk, unsigned page)
{
    unsigned end = page + 1;
    while (end < STORED_CHUNK_PAGES && stored_has_page(chunk, end) == stored_has_page(chunk, page))
        end++;
    return end - page;
}

/* Calls each() for every run of pages of a chunk that are in the file. */
static int each_run(const struct stored_chunk *chunk, char *memory, uint64_t offset,
    int (*each)(int fd, char *at, size_t bytes, uint64_t offset, struct error *error), int fd,
    struct error *error)
{
    int rc = 0;
    for (unsigned page = 0, run; rc == 0 && page < STORED_CHUNK_PAGES; page += run) {
        run = run_of(chunk, page);
        uint64_t skip = (uint64_t)page * PAGE_BYTES;
        if (stored_has_page(chunk, page))
            rc = each(fd, memory + skip, (size_t)run * PAGE_BYTES, offset + skip, error);
    }
    return rc;
}

static uint64_t chunk_checksum(const struct stored_chunk *chunk, const char *memory)
{
    struct checksum checksum;
    checksum_begin(&checksum);
    for (unsigned page = 0, run; page < STORED_CHUNK_PAGES; page += run) {
        run = run_of(chunk, page);
        if (stored_has_page(chunk, page))
            checksum_add(&checksum, memory + (size_t)page * PAGE_BYTES, (size_t)run * PAGE_BYTES);
    }
    return checksum_end(&checksum, NULL, 0);
}

static int read_run(int fd, char *to, size_t bytes, uint64_t offset, struct error *error)
{
    return read_all(fd, to, bytes, offset, error);
}

int stored_load(
    int fd, const struct stored *saved, void *memory, const struct stop *stop, struct error *error)
{
    char *scratch = memory ? NULL : malloc(STORED_CHUNK_BYTES);
    int rc = memory || scratch ? 0 : error_set(error, ENOMEM, "no memory to check a saved domain");
    for (size_t i = 0; rc == 0 && i < saved->chunks; i++) {
        uint64_t at = (uint64_t)i * STORED_CHUNK_BYTES;
        char *to = memory ? (char *)memory + at : scratch;
        if (stop_asked(stop)) {
            rc = error_set(error, EINTR, "stopped while a saved domain was read");
            break;
        }
        rc = each_run(&saved->index[i], to, saved->memory_offset + at, read_run, fd, error);
        if (rc == 0 && chunk_checksum(&saved->index[i], to) != saved->index[i].checksum)
            rc = error_set(error, EPROTO,
                "the saved domain is damaged: its memory from 0x%" PRIx64
                " on (2 MiB) is not as it was written",
                at);
    }
    free(scratch);
    return rc;
}

/* ---- writing ---- */

static int cannot_write(int code, struct error *error)
{
    if (code == ENOSPC || code == EDQUOT)
        return error_set(
            error, code, "the disk is full: the domain cannot be saved there (%s)", strerror(code));
    if (code == EFBIG)
        return error_set(
            error, code, "the file would be larger than this process may write: raise `ulimit -f`");
    return error_errno(error, code, "cannot write the saved domain");
}

static int write_run(int fd, char *from, size_t bytes, uint64_t offset, struct error *error)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put = pwrite(fd, from + done, bytes - done, (off_t)(offset + done));
        if (put < 0 && errno != EINTR)
            return cannot_write(errno, error);
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static void find_pages(struct stored *saved, const char *memory)
{
    saved->pages = 0;
    for (size_t i = 0; i < saved->chunks * STORED_CHUNK_PAGES; i++) {
        if (is_zero(memory + i * PAGE_BYTES))
            continue;
        saved->index[i / STORED_CHUNK_PAGES].present[i % STORED_CHUNK_PAGES / 64] |= UINT64_C(1) << i % 64;
        saved->pages++;
    }
}

/* Before anything is written: what is left on the disk, and what this process may write. */
static int check_space(int fd, uint64_t file_bytes, uint64_t used_bytes, struct error *error)
{
    struct statvfs disk;
    struct rlimit limit;
    char need[SIZE_TEXT_BYTES], have[SIZE_TEXT_BYTES];
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < file_bytes)
        return cannot_write(EFBIG, error);
    if (fstatvfs(fd, &disk) < 0)
        return error_errno(error, errno, "cannot look how much room there is for the saved domain");
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (left >= used_bytes || !disk.f_blocks)
        return 0;
    size_text(used_bytes, need);
    size_text(left, have);
    return error_set(error, ENOSPC, "the saved domain takes %s, and only %s are left there", need, have);
}

struct front {
    char *bytes;
    size_t used, room;
};

static struct section put_section(struct front *front, const void *data, size_t bytes)
{
    struct section section = {front->used, bytes, checksum_of(data, bytes)};
    memcpy(front->bytes + front->used, data, bytes);
    front->used += (bytes + 7) / 8 * 8;
    return section;
}

size_t stored_state_bytes(const struct machine_state *state)
{
    size_t bytes = 0;
    for (size_t i = 0; i < state->count; i++)
        bytes += sizeof(struct part_header) + (state->parts[i].bytes + 7) / 8 * 8;
    return bytes;
}

char *stored_state_write(const struct machine_state *state)
{
    char *all = calloc(1, stored_state_bytes(state) + 1), *at = all;
    for (size_t i = 0; all && i < state->count; i++) {
        const struct state_part *part = &state->parts[i];
        const struct part_header header = {(uint32_t)part->kind, part->cpu, part->bytes};
        memcpy(at, &header, sizeof header);
        memcpy(at + sizeof header, part->data, part->bytes);
        at += sizeof header + (part->bytes + 7) / 8 * 8;
    }
    return all;
}

static int write_memory(int fd, struct stored *saved, char *memory, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < saved->chunks; i++) {
        char *from = memory + i * STORED_CHUNK_BYTES;
        saved->index[i].checksum = chunk_checksum(&saved->index[i], from);
        rc = each_run(
            &saved->index[i], from, saved->memory_offset + i * STORED_CHUNK_BYTES, write_run, fd, error);
    }
    return rc;
}

static int write_front(int fd, const struct stored *saved, const char *plan, size_t plan_bytes,
    const char *state, struct error *error)
{
    struct header header = {.version = STORED_VERSION,
        .bytes = STORED_HEADER_BYTES,
        .file_bytes = saved->memory_offset + saved->plan.memory_bytes,
        .memory_offset = saved->memory_offset,
        .memory_bytes = saved->plan.memory_bytes,
        .realtime_ns = saved->moment.realtime_ns,
        .host_ticks = saved->moment.host_ticks,
        .pace = (uint64_t)(saved->pace * 1000)};
    struct front front = {.bytes = calloc(1, saved->memory_offset), .used = STORED_HEADER_BYTES};
    if (!front.bytes)
        return error_set(error, ENOMEM, "no memory for the front of a saved domain");
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.boot, saved->moment.boot, sizeof header.boot);
    header.plan = put_section(&front, plan, plan_bytes);
    header.state = put_section(&front, state, stored_state_bytes(&saved->state));
    header.index = put_section(&front, saved->index, saved->chunks * sizeof *saved->index);
    header.checksum = checksum_of(&header, offsetof(struct header, checksum));
    memcpy(front.bytes, &header, sizeof header);
    int rc = write_run(fd, front.bytes, front.used, 0, error);
    free(front.bytes);
    return rc;
}

int stored_write(int fd, struct stored *saved, const void *memory, struct error *error)
{
    char *plan = NULL, *state = stored_state_write(&saved->state);
    size_t plan_bytes = 0;
    saved->chunks = saved->plan.memory_bytes / STORED_CHUNK_BYTES;
    saved->index = pool_room(&saved->state.pool, saved->chunks, sizeof *saved->index);
    int rc = state && saved->index ? write_plan(&saved->plan, &plan, &plan_bytes, error)
                                   : error_set(error, ENOMEM, "no memory to save a domain");
    if (rc == 0) {
        uint64_t front = STORED_HEADER_BYTES + plan_bytes + stored_state_bytes(&saved->state) +
                         saved->chunks * sizeof *saved->index + 64;
        saved->memory_offset = (front + STORED_CHUNK_BYTES - 1) / STORED_CHUNK_BYTES * STORED_CHUNK_BYTES;
        find_pages(saved, memory);
        uint64_t bytes = saved->memory_offset + saved->plan.memory_bytes;
        rc = check_space(fd, bytes, front + saved->pages * PAGE_BYTES, error);
        if (rc == 0 && ftruncate(fd, (off_t)bytes) < 0)
            rc = cannot_write(errno, error);
        if (rc == 0 && (rc = write_memory(fd, saved, (char *)(uintptr_t)memory, error)) == 0)
            rc = write_front(fd, saved, plan, plan_bytes, state, error);
    }
    free(plan);
    free(state);
    return rc;
}
