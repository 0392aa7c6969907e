#include "domain/saved/restore.h"

#include "domain/portable/regions.h"
#include "domain/saved/cpu_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* ---- memory ---- */

static int map_file(struct restored *restored, struct error *error)
{
    if (restored->saved.compressed)
        return error_set(error, EINVAL,
            "its memory is compressed, and such a file cannot be mapped: restore it without --lazy");
    const uint64_t bytes = restored->saved.plan.memory_bytes;
    restored->mapping_bytes = portable_room(bytes) + STORED_CHUNK_BYTES;
    restored->mapping =
        mmap(NULL, restored->mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (restored->mapping == MAP_FAILED) {
        restored->mapping = NULL;
        return error_errno(error, errno, "cannot reserve addresses for the domain's memory");
    }
    uintptr_t base =
        ((uintptr_t)restored->mapping + STORED_CHUNK_BYTES - 1) / STORED_CHUNK_BYTES * STORED_CHUNK_BYTES;
    if (mmap((void *)base, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
            restored->fd, (off_t)restored->saved.memory_offset) == MAP_FAILED)
        return error_errno(error, errno, "cannot map the saved domain's memory (restore it without --lazy)");
    return 0;
}

static void *memory_of(const struct restored *restored)
{
    uintptr_t base =
        ((uintptr_t)restored->mapping + STORED_CHUNK_BYTES - 1) / STORED_CHUNK_BYTES * STORED_CHUNK_BYTES;
    return restored->mapping ? (void *)base : restored->memory.base;
}

static struct backing backing_of(const struct restored *restored)
{
    return restored->mapping ? backing_private(memory_of(restored), restored->saved.plan.memory_bytes)
                             : portable_backing(&restored->memory);
}

static int map_memory(const struct restore_request *request, struct restored *restored, struct error *error)
{
    const struct portable_wish *wish = &request->wish;
    if (request->brought && (wish->locked || restored->monitor->elsewhere))
        return error_set(error, ENOTSUP,
            wish->locked
                ? "memory that is locked is all there before the domain runs: restore it without "
                  "--userfaultfd"
                : "this monitor runs its guest in another process, which waits for nothing here: restore "
                  "it without --userfaultfd");
    if ((restored->lazy || request->brought) && wish->forkable)
        return error_set(error, ENOTSUP,
            "memory that clones can map is all there before the domain runs: restore it without --forkable, "
            "or without %s",
            restored->lazy ? "--lazy (the file itself can be forked)" : "--userfaultfd");
    if (restored->lazy && (wish->locked || !numa_nodes_none(&wish->nodes)))
        return error_set(error, ENOTSUP,
            "memory that is mapped from a file is the page cache's until it is written: it can neither be "
            "locked "
            "nor placed on a node, restore it without --lazy");
    if (restored->lazy && restored->monitor->elsewhere)
        return error_set(error, ENOTSUP,
            "%s runs its guest in another process, which cannot have a private mapping of the file: restore "
            "it without --lazy",
            restored->monitor->title);
    return restored->lazy ? map_file(restored, error)
                          : portable_map_memory(restored->saved.plan.memory_bytes, restored->monitor, wish,
                                &restored->memory, error);
}

static int load_memory(const struct restore_request *request, struct restored *restored, struct error *error)
{
    if (restored->lazy)
        return 0;
    int rc = request->brought ? bringing_start(restored->fd, &restored->saved, restored->memory.base,
                                    &restored->bringing, error)
                              : stored_load(restored->fd, &restored->saved, restored->memory.base,
                                    request->stop, request->progress, error);
    return rc < 0 ? rc : memory_check_nodes(&restored->memory, error);
}

/* ---- the clock ---- */

static double elapsed_seconds(const struct stored_moment *from, const struct stored_moment *to)
{
    return ((double)to->realtime_ns - (double)from->realtime_ns) / 1e9;
}

/* On the host that it was saved on, which was not started anew since, the host's own counter tells. */
static void let_pass(const struct restored *restored, const struct stored_moment *now, bool same_boot,
    struct state_pause *pause)
{
    double seconds = restored->stored_seconds > 0 ? restored->stored_seconds : 0;
    pause->ns = (uint64_t)(seconds * 1e9);
    pause->ticks = same_boot ? now->host_ticks - restored->saved.moment.host_ticks
                             : (uint64_t)(seconds * restored->saved.plan.ticks_per_second);
}

/* Where the guest's counter cannot be set it is the host's: time goes on for it as for the host, and from one
 * boot of it to the next it starts anew. */
int restore_set_clock(const struct restore_request *request, struct restored *restored,
    struct state_pause *pause, struct error *error)
{
    struct stored_moment now;
    stored_moment_now(&now);
    bool same_boot = !memcmp(now.boot, restored->saved.moment.boot, sizeof now.boot),
         settable = restored->saved.plan.tsc_settable;
    restored->stored_seconds = elapsed_seconds(&restored->saved.moment, &now);
    int rc = same_boot && request->clock != CLOCK_KEEP
                 ? 0
                 : portable_clock_settable(restored->monitor, &settable, error);
    if (rc < 0)
        return rc;
    if (request->clock == CLOCK_KEEP && !settable)
        return error_set(error, ENOTSUP,
            "the clock cannot be kept here: what is written to the guest's time-stamp counter has no effect "
            "on this host "
            "(tried from inside): use --clock advance");
    restored->clock = request->clock == CLOCK_KEEP ? "kept" : "advanced";
    if (request->clock == CLOCK_KEEP)
        return 0;
    let_pass(restored, &now, same_boot, pause);
    if (settable || now.host_ticks >= restored->saved.moment.host_ticks)
        return 0;
    if (request->clock == CLOCK_ADVANCE)
        return error_set(error, ENOTSUP,
            "the clock would go back: the guest's time-stamp counter is the host's and cannot be set, and "
            "this host's is "
            "behind (it was started later)");
    restored->clock = "the host's";
    snprintf(restored->warning, sizeof restored->warning,
        "the guest's time-stamp counter goes back: it is the host's, cannot be set here, and this host was "
        "started later");
    return 0;
}

/* ---- all of it ---- */

int restore_check_cpu(const struct restored *restored, struct error *error)
{
    struct machine_state here = {.count = 0};
    int rc = portable_save(restored->portable, &here, error);
    if (rc == 0)
        rc = cpu_record_add_host(&here, error);
    if (rc == 0)
        rc = cpu_record_check(&restored->saved.state, &here, error);
    machine_state_free(&here);
    return rc;
}

/* What is read here while the domain runs (its identity, its results) is anonymous memory, not the file's: a
 * file that is cut off takes private copies of its pages with it, and reading them then is SIGBUS. */
static int own_page(const struct restored *restored, uint64_t at, struct error *error)
{
    enum { PAGE_BYTES = 4096 };
    char copy[PAGE_BYTES], *page = (char *)memory_of(restored) + at;
    memcpy(copy, page, sizeof copy);
    if (mmap(page, sizeof copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
        return error_errno(error, errno, "no memory for the domain's results");
    memcpy(page, copy, sizeof copy);
    return 0;
}

static int own_pages(const struct restored *restored, struct error *error)
{
    const struct portable_plan *plan = &restored->saved.plan;
    int rc = restored->lazy ? own_page(restored, plan->laid_out_bytes - 4096, error) : 0;
    for (size_t i = 0; restored->lazy && rc == 0 && i < plan->result_count; i++)
        rc = own_page(restored, portable_offset(plan, plan->results[i], 4096), error);
    return rc;
}

/* How it is called here, and by which monitor. */
static int take_plan(const struct restore_request *request, struct restored *restored, struct error *error)
{
    struct portable_plan *plan = &restored->saved.plan;
    if (request->name)
        snprintf(plan->name, sizeof plan->name, "%s", request->name);
    return portable_choose_monitor(plan, request->monitor, &restored->monitor, error);
}

static int put_back(struct restored *restored, const struct state_pause *pause, struct error *error)
{
    if (restored->mapping || restored->memory.base)
        portable_set_room(restored->portable, portable_room(restored->saved.plan.memory_bytes));
    int rc = portable_restore(restored->portable, &restored->saved.state, pause, error);
    if (rc == 0)
        jump_begin(&restored->jump, restored->portable);
    return rc < 0 ? rc : portable_new_generation(restored->portable, error);
}

int restore_open(const struct restore_request *request, struct restored *restored, struct error *error)
{
    struct state_pause pause = {.ticks = 0};
    *restored = (struct restored){.fd = request->fd, .lazy = request->lazy};
    int rc = request->saved ? 0 : stored_read(request->fd, &restored->saved, error);
    if (rc < 0)
        return rc;
    if (request->saved)
        restored->saved = *request->saved;
    if ((rc = take_plan(request, restored, error)) == 0 &&
        (rc = request->first
                  ? touched_read(request->first, restored->saved.plan.memory_bytes, &restored->first, error)
                  : 0) == 0 &&
        (rc = restore_set_clock(request, restored, &pause, error)) == 0 &&
        (rc = map_memory(request, restored, error)) == 0 && (rc = own_pages(restored, error)) == 0 &&
        (rc = portable_open(&restored->saved.plan, restored->monitor, backing_of(restored),
             request->checked ? &restored->saved.state : NULL, &restored->portable, error)) == 0 &&
        (rc = request->checked ? 0 : restore_check_cpu(restored, error)) == 0 &&
        (rc = load_memory(request, restored, error)) == 0)
        rc = put_back(restored, &pause, error);
    if (rc < 0)
        restore_close(restored);
    return rc;
}

int restore_shared(const struct restore_request *request, const struct stored *saved, void *memory,
    struct restored *restored, struct error *error)
{
    struct state_pause pause = {.ticks = 0};
    *restored = (struct restored){.saved = *saved, .fd = request->fd, .lazy = request->lazy};
    int rc = take_plan(request, restored, error);
    if (rc == 0 && (rc = restore_set_clock(request, restored, &pause, error)) == 0 &&
        (rc = memory ? 0 : map_file(restored, error)) == 0 &&
        (rc = portable_open(&restored->saved.plan, restored->monitor,
             backing_private(memory ? memory : memory_of(restored), saved->plan.memory_bytes),
             &restored->saved.state, &restored->portable, error)) == 0)
        rc = put_back(restored, &pause, error);
    if (rc < 0)
        restore_close(restored);
    return rc;
}

int restore_bring_back(struct restored *restored, struct error *error)
{
    return restored->first.count ? ahead_start(&restored->first, restored->fd, &restored->saved,
                                       restored->portable, &restored->ahead, error)
                                 : 0;
}

void restore_close(struct restored *restored)
{
    ahead_end(restored->ahead);
    bringing_end(restored->bringing);
    portable_destroy(restored->portable);
    if (restored->mapping)
        munmap(restored->mapping, restored->mapping_bytes);
    memory_unmap(&restored->memory);
    touched_free(&restored->first);
    stored_free(&restored->saved);
    *restored = (struct restored){.fd = -1};
}
