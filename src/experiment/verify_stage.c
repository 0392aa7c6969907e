#include "experiment/verify_stage.h"

#include "base/size.h"
#include "domain/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, CANARY = 0x5c };
#define AT(place) GVA(0x50000000 + (place)*UINT64_C(0x100000))

static int map_page(struct stage *stage, enum place place, gpa_t to, uint64_t bytes, struct error *error)
{
    stage->places[place] = AT(place).value;
    return domain_map(
        stage->ground.domain, AT(place), to, bytes, PAGE_BYTES, PAGE_READ | PAGE_WRITE | PAGE_USER, error);
}

/* Memory with a descriptor, filled with what is looked for later. */
static int add_memory(struct stage *stage, struct backing *backing, uint64_t bytes, unsigned flags,
    gpa_t *start, struct error *error)
{
    backing->bytes = bytes;
    backing->shared = true;
    backing->descriptor = memfd_create("vcost", MFD_CLOEXEC);
    if (backing->descriptor < 0 || ftruncate(backing->descriptor, (off_t)bytes) < 0)
        return error_errno(error, errno, "cannot make memory for a guest");
    void *host = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, backing->descriptor, 0);
    if (host == MAP_FAILED)
        return error_errno(error, errno, "cannot map memory for a guest");
    backing->host = memset(host, CANARY, bytes);
    struct guest_region region = {.flags = flags, .backing = *backing};
    int rc = domain_add_region(stage->ground.domain, &region, error);
    *start = region.start;
    return rc;
}

static int add_page(
    struct stage *stage, enum place place, struct backing *backing, unsigned flags, struct error *error)
{
    gpa_t start;
    int rc = add_memory(stage, backing, PAGE_BYTES, flags, &start, error);
    return rc < 0 ? rc : map_page(stage, place, start, PAGE_BYTES, error);
}

static int add_roots(struct stage *stage, struct error *error)
{
    const struct page_tables *tables = domain_tables(stage->ground.domain);
    gpa_t start;
    int rc = add_memory(stage, &stage->roots, STAGE_ROOTS * PAGE_BYTES, 0, &start, error);
    for (unsigned i = 0; rc == 0 && i < STAGE_ROOTS; i++)
        memcpy((char *)stage->roots.host + (size_t)i * PAGE_BYTES,
            tables->memory.at(tables->memory.context, tables->root), PAGE_BYTES);
    stage->places[PLACE_ROOTS] = start.value;
    return rc;
}

static void free_memory(struct backing *backing)
{
    if (backing->host)
        munmap(backing->host, backing->bytes);
    if (backing->descriptor >= 0)
        close(backing->descriptor);
    *backing = (struct backing){.descriptor = -1};
}

static int add_canary(struct stage *stage, struct error *error)
{
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return error_errno(error, errno, "cannot map a page that no guest may reach");
    stage->canary = memset(page, CANARY, PAGE_BYTES);
    stage->places[PLACE_CANARY] = (uintptr_t)page;
    return 0;
}

/* An entry that was read on the way to the victim. A monitor that validates tables refuses to let the guest
 * write them. */
static void map_entry(struct stage *stage, enum place place, const struct page_read *read)
{
    const uint64_t offset = read->where.value % PAGE_BYTES;
    struct error refused;
    stage->tables_refused |=
        map_page(stage, place, GPA(read->where.value - offset), PAGE_BYTES, &refused) < 0;
    stage->places[place] += offset;
}

static void map_tables(struct stage *stage)
{
    struct page_walk walk;
    page_tables_walk(domain_tables(stage->ground.domain), gva_same_as(stage->ground.data.base), &walk);
    map_entry(stage, PLACE_TABLE, &walk.read[walk.reads - 1]);
    map_entry(stage, PLACE_LINK, &walk.read[walk.reads - 2]);
}

static int scatter(struct stage *stage, struct error *error)
{
    const gpa_t data = domain_data_region(stage->ground.domain)->start;
    int rc = 0;
    stage->places[PLACE_SCATTERED] = AT(PLACE_SCATTERED).value;
    for (uint64_t i = 0; rc == 0 && i < STAGE_SCATTERED; i++)
        rc = domain_map(stage->ground.domain, GVA(AT(PLACE_SCATTERED).value + i * PAGE_BYTES),
            GPA(data.value + i % 2 * 2 * PAGE_BYTES), PAGE_BYTES, PAGE_BYTES, PAGE_READ | PAGE_USER, error);
    return rc;
}

static int set(struct stage *stage, enum place for_place, struct error *error)
{
    int rc;
    stage->ground.hostile = true;
    stage->places[PLACE_VICTIM] = (uintptr_t)stage->ground.data.base;
    stage->places[PLACE_HOST_CODE] = (uintptr_t)stage_open;
    if ((rc = add_canary(stage, error)) < 0 ||
        (rc = map_page(stage, PLACE_DEVICE, GPA(DOMAIN_VOID_PHYSICAL), 2 * PAGE_BYTES, error)) < 0 ||
        (rc = add_page(stage, PLACE_READ_ONLY, &stage->read_only, REGION_READ_ONLY, error)) < 0 ||
        (rc = add_page(stage, PLACE_HOLE, &stage->hole, 0, error)) < 0)
        return rc;
    if (ftruncate(stage->hole.descriptor, 0) < 0)
        return error_errno(error, errno, "cannot take memory away from a guest");
    map_tables(stage);
    return for_place == PLACE_SCATTERED ? scatter(stage, error)
           : for_place == PLACE_ROOTS   ? add_roots(stage, error)
                                        : 0;
}

int stage_open(
    struct stage *stage, const struct monitor_ops *monitor, enum place for_place, struct error *error)
{
    const size_t tables = for_place == PLACE_SCATTERED ? STAGE_SCATTERED / 512 + 16 : 16;
    *stage = (struct stage){.read_only.descriptor = -1, .hole.descriptor = -1, .roots.descriptor = -1};
    int rc = ground_open_with(&stage->ground, monitor, NULL, tables, error);
    if (rc == 0)
        rc = set(stage, for_place, error);
    if (rc < 0)
        stage_close(stage);
    return rc;
}

void stage_close(struct stage *stage)
{
    ground_close(&stage->ground);
    free_memory(&stage->read_only);
    free_memory(&stage->hole);
    free_memory(&stage->roots);
    if (stage->canary)
        munmap(stage->canary, PAGE_BYTES);
    stage->canary = NULL;
}

const char *stage_canary_wrong(const struct stage *stage)
{
    for (size_t i = 0; i < PAGE_BYTES; i++)
        if (stage->canary[i] != CANARY)
            return "the host's memory has changed";
    return NULL;
}

const char *stage_read_only_wrong(const struct stage *stage)
{
    return *(const uint8_t *)stage->read_only.host == CANARY ? NULL
                                                             : "it has changed memory that it may only read";
}

/* proc(5): state and parent follow the name in parentheses. 0: it is not told. */
static int parent_of(int process)
{
    char path[32], text[512] = "";
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *name_end = strrchr(text, ')');
    return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

unsigned stage_processes(void)
{
    const int generations = 3, self = getpid();
    DIR *all = opendir("/proc");
    unsigned count = 0;
    for (const struct dirent *entry; all && (entry = readdir(all));) {
        int ancestor = parent_of(atoi(entry->d_name));
        for (int i = 1; i < generations && ancestor && ancestor != self; i++)
            ancestor = parent_of(ancestor);
        count += ancestor == self;
    }
    if (all)
        closedir(all);
    return count;
}

/* ---- beside ---- */

static void compute(struct beside *beside, struct ground *ground)
{
    const struct timespec nap = {.tv_nsec = 1000000}; /* the CPU is not its alone */
    uint64_t first[2] = {ground_expects(ground)}, bits[2];
    struct error error;
    for (bool begun = false, last = false; !last; begun = true) {
        last = atomic_load(&beside->over);
        int rc = ground_compute(ground, bits, &error);
        first[1] = begun ? first[1] : bits[1];
        if (rc < 0)
            snprintf(beside->wrong, sizeof beside->wrong, "the second guest: %.200s", error.text);
        else if (bits[0] != first[0] || bits[1] != first[1])
            snprintf(beside->wrong, sizeof beside->wrong, "the second guest computes something else");
        if (beside->wrong[0])
            return;
        if (!begun)
            sem_post(&beside->begun);
        nanosleep(&nap, NULL);
    }
}

static void *live(void *context)
{
    struct beside *beside = context;
    struct ground ground;
    struct error error;
    if (ground_open(&ground, beside->monitor, NULL, &error) == 0) {
        compute(beside, &ground);
        ground_close(&ground);
    } else {
        snprintf(beside->wrong, sizeof beside->wrong, "the second guest: %.200s", error.text);
    }
    sem_post(&beside->begun);
    return NULL;
}

int beside_begin(struct beside *beside, const struct monitor_ops *monitor, struct error *error)
{
    *beside = (struct beside){.monitor = monitor};
    sem_init(&beside->begun, 0, 0);
    int code = pthread_create(&beside->thread, NULL, live, beside);
    if (code)
        return error_errno(error, code, "cannot start a thread for a second guest");
    while (sem_wait(&beside->begun) < 0) {
    }
    return 0;
}

void beside_end(struct beside *beside)
{
    atomic_store(&beside->over, true);
    pthread_join(beside->thread, NULL);
    sem_destroy(&beside->begun);
}
