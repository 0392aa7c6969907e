#include "experiment/verify_stage.h"

#include "base/size.h"
#include "domain/memory.h"

#include <errno.h>
#include <stdio.h>
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

/* A page of memory with a descriptor, filled with what is looked for later, at a place of the guest's. */
static int add_memory(
    struct stage *stage, enum place place, struct backing *backing, unsigned flags, struct error *error)
{
    backing->bytes = PAGE_BYTES;
    backing->shared = true;
    backing->descriptor = memfd_create("vcost", MFD_CLOEXEC);
    if (backing->descriptor < 0 || ftruncate(backing->descriptor, PAGE_BYTES) < 0)
        return error_errno(error, errno, "cannot make memory for a guest");
    void *host = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, backing->descriptor, 0);
    if (host == MAP_FAILED)
        return error_errno(error, errno, "cannot map memory for a guest");
    backing->host = memset(host, CANARY, PAGE_BYTES);
    struct guest_region region = {.flags = flags, .backing = *backing};
    int rc = domain_add_region(stage->ground.domain, &region, error);
    return rc < 0 ? rc : map_page(stage, place, region.start, PAGE_BYTES, error);
}

static void free_memory(struct backing *backing)
{
    if (backing->host)
        munmap(backing->host, PAGE_BYTES);
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

/* A monitor that validates tables refuses to let the guest write them. */
static void map_table(struct stage *stage)
{
    struct page_walk walk;
    struct error refused;
    const gva_t victim = gva_same_as(stage->ground.data.base);
    page_tables_walk(domain_tables(stage->ground.domain), victim, &walk);
    gpa_t table = walk.read[walk.reads - 1].where;
    stage->table_refused =
        map_page(stage, PLACE_TABLE, GPA(table.value & ~UINT64_C(0xfff)), PAGE_BYTES, &refused) < 0;
    stage->places[PLACE_TABLE] += (victim.value >> 12 & 511) * 8;
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
        (rc = add_memory(stage, PLACE_READ_ONLY, &stage->read_only, REGION_READ_ONLY, error)) < 0 ||
        (rc = add_memory(stage, PLACE_HOLE, &stage->hole, 0, error)) < 0)
        return rc;
    if (ftruncate(stage->hole.descriptor, 0) < 0)
        return error_errno(error, errno, "cannot take memory away from a guest");
    map_table(stage);
    return for_place == PLACE_SCATTERED ? scatter(stage, error) : 0;
}

int stage_open(
    struct stage *stage, const struct monitor_ops *monitor, enum place for_place, struct error *error)
{
    const size_t tables = for_place == PLACE_SCATTERED ? STAGE_SCATTERED / 512 + 16 : 16;
    *stage = (struct stage){.read_only.descriptor = -1, .hole.descriptor = -1};
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
    return *(const uint8_t *)stage->read_only.host == CANARY
               ? NULL
               : "it has changed memory that it may only read";
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
