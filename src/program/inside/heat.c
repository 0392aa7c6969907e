#include "program/inside/heat.h"

#include "program/heat_log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

struct heat {
    struct heat_log *log;
    struct process *process;
    uint32_t number, harvest;
    uint64_t from_ns;
    bool discards; /* what is touched is of before it began */
    struct {
        bool used;
        struct heat_entry entry;
    } pending[2]; /* data and code of the region that is looked at */
};

int heat_open(struct process *process, struct error *error)
{
    static struct heat heat; /* a process has one, and so has its copy */
    if (!process->tally->heat)
        return 0;
    void *log = mmap(NULL, HEAT_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
        process->kept.tally, (off_t)HEAT_LOG_OFFSET);
    if (log == MAP_FAILED)
        return error_errno(error, errno, "cannot map the log of what is touched");
    heat = (struct heat){.log = log};
    process->heat = &heat;
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- writing ---- */

static void write_entry(struct heat *heat, const struct heat_entry *entry, enum heat_kind kind)
{
    struct heat_log *log = heat->log;
    uint64_t at = atomic_fetch_add(&log->used, 1);
    if (at >= log->room)
        return; /* the reader sees that there was no room */
    struct heat_entry *to = &log->entries[at];
    *to = *entry;
    to->process = heat->number;
    to->harvest = heat->harvest;
    atomic_store(&to->kind, kind);
}

static void flush(struct heat *heat)
{
    for (unsigned code = 0; code < 2; code++)
        if (heat->pending[code].used) {
            heat->pending[code].used = false;
            write_entry(heat, &heat->pending[code].entry, code ? HEAT_CODE : HEAT_DATA);
        }
}

static void take_page(struct heat *heat, uint64_t address, bool code)
{
    uint64_t region = address / HEAT_REGION_BYTES, page = address % HEAT_REGION_BYTES / HEAT_PAGE_BYTES;
    for (unsigned i = 0; i < 2; i++)
        if (heat->pending[i].used && heat->pending[i].entry.region != region)
            flush(heat);
    if (!heat->pending[code].used)
        heat->pending[code].entry = (struct heat_entry){.region = region};
    heat->pending[code].used = true;
    heat->pending[code].entry.pages[page / 64] |= UINT64_C(1) << page % 64;
}

static void take_leaf(void *context, const struct page_leaf *leaf)
{
    struct heat *heat = context;
    for (uint64_t done = 0; leaf->accessed && !heat->discards && done < leaf->bytes; done += HEAT_PAGE_BYTES)
        take_page(heat, leaf->from.value + done, leaf->rights & PAGE_EXECUTE);
}

/* Nothing here allocates: a fork copies this process while another of its threads is in the middle of it. */
static void end_harvest(void *context)
{
    struct heat *heat = context;
    struct heat_entry entry = {.from_ns = heat->from_ns, .to_ns = now_ns()};
    flush(heat);
    if (!heat->discards) {
        write_entry(heat, &entry, HEAT_HARVEST);
        heat->harvest++;
    }
    heat->discards = false;
    heat->from_ns = entry.to_ns;
}

static void harvest(struct heat *heat)
{
    struct error error;
    if (window_harvest(heat->process->window, take_leaf, end_harvest, heat, &error) < 0)
        process_fail(heat->process, &error);
}

/* ---- when ---- */

static void *watch(void *context)
{
    struct heat *heat = context;
    uint64_t next = now_ns();
    for (;;) { /* until the process ends, or executes another program */
        next += heat->log->interval_ns;
        const struct timespec at = {(time_t)(next / 1000000000), (long)(next % 1000000000)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        harvest(heat);
        if (now_ns() > next)
            next = now_ns(); /* behind: what takes longer than the interval is no reason to hurry */
    }
    return NULL;
}

static int start_thread(struct heat *heat)
{
    enum { STACK_BYTES = 64 << 10 };
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, &attributes, watch, heat);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return code;
}

void heat_begin(struct process *process)
{
    struct heat *heat = process->heat;
    struct heat_entry entry = {.kind = HEAT_NOTHING};
    struct error error;
    if (!heat)
        return;
    heat->process = process;
    heat->number = atomic_fetch_add(&heat->log->processes, 1);
    heat->harvest = 0;
    heat->from_ns = entry.from_ns = entry.to_ns = now_ns();
    heat->pending[0].used = heat->pending[1].used = false;
    prctl(PR_GET_NAME, entry.name);
    write_entry(heat, &entry, HEAT_PROCESS);
    process->threaded = true;
    heat->discards = true; /* a copied process has what its parent touched */
    harvest(heat);
    int code = start_thread(heat);
    if (code) {
        error_set(&error, code, "cannot start a thread that looks at what the program touches");
        process_fail(process, &error);
    }
}

void heat_end(struct process *process)
{
    if (process->heat)
        harvest(process->heat);
}
