#include "domain/moved/follow_internal.h"

#include "domain/moved/left.h"
#include "domain/moved/pages.h"
#include "host/memory.h"
#include "measure/statistics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FAULTS_AT_ONCE = 16, LOOK_MS = 100 };

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_asked_to_stop(void *context)
{
    return ((const struct follow *)context)->quit;
}

static const char *why_stopped(void *context)
{
    (void)context;
    return "the domain has ended";
}

/* ---- before it runs ---- */

int follow_open(struct follow *follow, struct portable *portable, const char *base,
    const struct monitor_ops *monitor, struct error *error)
{
    const struct portable_plan *plan = portable_plan(portable);
    uint64_t first, end;
    portable_data_range(plan, &first, &end);
    if (monitor->elsewhere)
        return error_set(error, ENOTSUP,
            "post-copy needs a monitor whose guests use the memory of this process: %s runs them in others",
            monitor->title);
    if (first == end)
        return error_set(error, ENOTSUP,
            "post-copy needs to know where a domain's page tables are, which cannot come late: "
            "kernel-selftest "
            "has them anywhere; move it without --post-copy");
    *follow = (struct follow){.portable = portable,
        .base = (char *)(uintptr_t)base,
        .pages = plan->memory_bytes / WIRE_PAGE_BYTES,
        .fault = {.fd = -1},
        .link = -1};
    int rc = userfault_open(&follow->fault, error);
    if (rc < 0)
        return rc;
    pthread_mutex_init(&follow->lock, NULL);
    follow->missing = calloc(follow->pages / 64, sizeof *follow->missing);
    follow->thrown = calloc(follow->pages / 64, sizeof *follow->thrown);
    follow->waits = malloc(FOLLOW_WAITS_MAX * sizeof *follow->waits);
    return follow->missing && follow->thrown && follow->waits
               ? 0
               : error_set(error, ENOMEM, "no memory to receive a domain");
}

static bool is_to_go(const struct follow *follow, uint64_t page)
{
    return left_has(follow->missing, page) && !left_has(follow->thrown, page);
}

/* The first page from `page` on that is missing and still here, or `end`, a multiple of 64 as all are. */
static uint64_t next_to_go(const struct follow *follow, uint64_t page, uint64_t end)
{
    while (page < end && !is_to_go(follow, page))
        page += page % 64 == 0 && !(follow->missing[page / 64] & ~follow->thrown[page / 64]) ? 64 : 1;
    return page;
}

/* Of [from, end). */
static int throw_away(struct follow *follow, uint64_t from, uint64_t end, struct error *error)
{
    for (uint64_t first = next_to_go(follow, from, end), page = first; first < end;
         first = page = next_to_go(follow, page, end)) {
        for (; page < end && is_to_go(follow, page); page++)
            follow->thrown[page / 64] |= UINT64_C(1) << page % 64;
        if (madvise(follow->base + first * WIRE_PAGE_BYTES, (page - first) * WIRE_PAGE_BYTES, MADV_DONTNEED) <
            0)
            return error_errno(error, errno, "memory that comes later cannot be taken away before");
    }
    return 0;
}

int follow_left(
    struct follow *follow, const struct moved_header *header, const char *payload, struct error *error)
{
    const struct portable_plan *plan = portable_plan(follow->portable);
    const uint64_t later = plan->laid_out_bytes / WIRE_PAGE_BYTES, from = header->at / WIRE_PAGE_BYTES;
    uint64_t first, end;
    int rc = left_take(header, payload, follow->missing, follow->pages, error);
    portable_data_range(plan, &first, &end);
    if (rc == 0 && (left_next(follow->missing, 0, first / WIRE_PAGE_BYTES) < first / WIRE_PAGE_BYTES ||
                       left_next(follow->missing, end / WIRE_PAGE_BYTES, later) < later))
        rc = error_set(error, EPROTO, "memory is to come later that the domain cannot run without");
    /* Else the kernel might fill what is gone with zeros, to make a large page of it. */
    (void)madvise(follow->base, follow->pages * WIRE_PAGE_BYTES, MADV_NOHUGEPAGE);
    return rc < 0 ? rc : throw_away(follow, from, from + header->pages, error);
}

int follow_prepare(struct follow *follow, struct error *error)
{
    follow->told.left = follow->told.pages = left_count(follow->missing, follow->pages);
    return userfault_register(&follow->fault, follow->base, follow->pages * WIRE_PAGE_BYTES, error);
}

/* ---- who waits for a page ---- */

/* Is it to be asked for? False: it is there, or is zero, or was asked for. */
static bool note_asked(struct follow *follow, uint64_t page)
{
    if (!left_has(follow->missing, page))
        return false;
    for (unsigned i = 0; i < follow->asked_count; i++)
        if (follow->asked[i].page == page)
            return false;
    if (follow->asked_count < FOLLOW_ASKED_MAX)
        follow->asked[follow->asked_count++] = (struct follow_asked){page, now_seconds()};
    return true;
}

static void answer_fault(struct follow *follow, uintptr_t address)
{
    const uint64_t page = (address - (uintptr_t)follow->base) / WIRE_PAGE_BYTES;
    struct error error;
    pthread_mutex_lock(&follow->lock);
    bool missing = left_has(follow->missing, page), asks = note_asked(follow, page);
    if (asks && follow->told.stage == FOLLOW_COMES) /* where the link breaks the receiver sees it */
        (void)moved_send(follow->wire, WIRE_WANTED, page * WIRE_PAGE_BYTES, 1, NULL, 0, &error);
    pthread_mutex_unlock(&follow->lock);
    if (!missing)
        (void)userfault_zero(&follow->fault, (void *)address, WIRE_PAGE_BYTES, NULL, &error);
}

static void *serve_faults(void *context)
{
    struct follow *follow = context;
    uintptr_t pages[FAULTS_AT_ONCE];
    struct error error;
    while (!follow->quit) {
        int count = userfault_read(&follow->fault, LOOK_MS, pages, FAULTS_AT_ONCE, &error);
        for (int i = 0; i < count; i++)
            answer_fault(follow, pages[i]);
    }
    return NULL;
}

/* ---- what comes ---- */

static void note_come(struct follow *follow, uint64_t page)
{
    if (!left_has(follow->missing, page))
        return;
    follow->missing[page / 64] &= ~(UINT64_C(1) << page % 64);
    follow->told.left--;
    for (unsigned i = 0; i < follow->asked_count; i++)
        if (follow->asked[i].page == page) {
            if (follow->wait_count < FOLLOW_WAITS_MAX)
                follow->waits[follow->wait_count++] = now_seconds() - follow->asked[i].since;
            follow->asked[i] = follow->asked[--follow->asked_count];
            follow->told.faults++;
            break;
        }
}

/* A page that is there already stays as it is: the domain may have written it. */
static int bring(struct follow *follow, const struct moved_run *run, const char *from, struct error *error)
{
    char *to = follow->base + run->at;
    size_t bytes = run->pages * WIRE_PAGE_BYTES;
    int rc = from ? userfault_copy(&follow->fault, to, from, bytes, NULL, error)
                  : userfault_zero(&follow->fault, to, bytes, NULL, error);
    pthread_mutex_lock(&follow->lock);
    for (uint64_t page = run->at / WIRE_PAGE_BYTES, end = page + run->pages; rc == 0 && page < end; page++)
        note_come(follow, page);
    pthread_mutex_unlock(&follow->lock);
    return rc;
}

static int take_pages(struct follow *follow, const struct moved_header *header, struct error *error)
{
    const struct page_target target = {.pages = follow->pages, .streams = 1};
    const bool zeros = header->kind == WIRE_ZEROS;
    const struct moved_run zero = {header->at, header->pages},
                           *runs = zeros ? &zero : (const void *)follow->wire->payload;
    struct moved_header all = *header;
    if (zeros)
        all.at = 1;
    const char *from = follow->wire->payload + all.at * sizeof *runs;
    int rc = pages_check(&all, runs, &target, error);
    for (uint64_t i = 0; rc == 0 && i < all.at; i++) {
        rc = bring(follow, &runs[i], zeros ? NULL : from, error);
        from += runs[i].pages * WIRE_PAGE_BYTES;
    }
    return rc;
}

static void set_stage(struct follow *follow, enum follow_stage stage, const struct error *why)
{
    pthread_mutex_lock(&follow->lock);
    follow->told.stage = stage;
    if (why)
        follow->why = *why;
    if (stage == FOLLOW_ALL)
        follow->told.seconds = now_seconds() - follow->begun;
    pthread_mutex_unlock(&follow->lock);
    eventfd_write(portable_eventfd(follow->portable), 1);
}

static void sum_up(struct follow *follow)
{
    pthread_mutex_lock(&follow->lock);
    double longest = 0;
    for (size_t i = 0; i < follow->wait_count; i++)
        longest = fmax(longest, follow->waits[i]);
    follow->told.median_us =
        follow->wait_count ? statistics_median(follow->waits, follow->wait_count) * 1e6 : NAN;
    follow->told.longest_us = follow->wait_count ? longest * 1e6 : NAN;
    pthread_mutex_unlock(&follow->lock);
}

/* All has come, or what has not is not needed. */
int follow_complete(struct follow *follow, struct moved_wire *wire, struct error *error)
{
    struct follow_told told;
    sum_up(follow);
    follow_look(follow, &told);
    const uint64_t waited[] = {isnan(told.median_us) ? 0 : (uint64_t)(told.median_us * 1e3),
        isnan(told.longest_us) ? 0 : (uint64_t)(told.longest_us * 1e3)};
    _Static_assert(sizeof waited == WIRE_COMPLETE_BYTES, "doc/migration.md");
    return moved_send(wire, WIRE_COMPLETE, told.faults, 0, waited, sizeof waited, error);
}

/* Whether the source hears of it is of no matter: it may come again to ask. */
static int end_of_memory(struct follow *follow, struct error *error)
{
    struct follow_told told;
    follow_look(follow, &told);
    if (told.left)
        return error_set(error, EPROTO,
            "the source says that all was sent, and %" PRIu64 " pages have not come", told.left);
    (void)follow_complete(follow, follow->wire, error);
    return 0;
}

/* Until all has come, or the link breaks. */
static int take(struct follow *follow, struct error *error)
{
    struct moved_header header;
    for (;;) {
        int rc = moved_receive(follow->wire, &header, error);
        if (rc < 0)
            return rc;
        if (header.kind == WIRE_ALL)
            return end_of_memory(follow, error);
        rc = header.kind == WIRE_PAGES || header.kind == WIRE_ZEROS
                 ? take_pages(follow, &header, error)
                 : moved_unexpected(follow->wire, &header, WIRE_PAGES, error);
        if (rc < 0)
            return rc;
    }
}

/* ---- when all is there ---- */

/* They came one by one: where the memory was to be of large pages, the kernel is asked to make some of them.
 */
static void join_pages(struct follow *follow)
{
    enum { LARGE_PAGES = 512 };
    struct error error;
    (void)madvise(follow->base, follow->pages * WIRE_PAGE_BYTES, MADV_HUGEPAGE);
    for (uint64_t page = 0; page + LARGE_PAGES <= follow->pages && !follow->quit; page += LARGE_PAGES)
        if (memory_collapse(
                follow->base + page * WIRE_PAGE_BYTES, (size_t)LARGE_PAGES * WIRE_PAGE_BYTES, &error) < 0)
            break;
}

/* The last word may be missing on either side: what counts is whether a page is. */
static bool has_all(struct follow *follow)
{
    struct follow_told told;
    follow_look(follow, &told);
    return !told.left;
}

static void *receive(void *context)
{
    struct follow *follow = context;
    struct error error;
    while (take(follow, &error) < 0 && !follow->quit) {
        (void)shutdown(follow->wire->in, SHUT_RDWR); /* so that the source knows */
        if (has_all(follow))
            break;
        set_stage(follow, FOLLOW_BROKEN, &error);
        if (follow_rejoined(follow) < 0)
            return NULL;
        eventfd_write(portable_eventfd(follow->portable), 1);
    }
    if (follow->quit)
        return NULL;
    (void)userfault_unregister(&follow->fault, follow->base, follow->pages * WIRE_PAGE_BYTES, &error);
    set_stage(follow, FOLLOW_ALL, NULL);
    join_pages(follow);
    follow_tell_again(follow);
    return NULL;
}

/* ---- all of it ---- */

int follow_start(struct follow *follow, struct moved_wire *wire, struct error *error)
{
    follow->wire = wire;
    follow->begun = now_seconds();
    follow->stop = (struct stop){.asked = is_asked_to_stop, .context = follow, .why = why_stopped};
    wire->stop = &follow->stop;
    follow->told.stage = FOLLOW_COMES;
    int code = pthread_create(&follow->faults, NULL, serve_faults, follow);
    if (code)
        return error_errno(error, code, "no thread for the memory of a domain");
    if ((code = pthread_create(&follow->receiver, NULL, receive, follow))) {
        follow->quit = true;
        pthread_join(follow->faults, NULL);
        return error_errno(error, code, "no thread for the memory of a domain");
    }
    follow->started = true;
    return 0;
}

void follow_look(struct follow *follow, struct follow_told *told)
{
    pthread_mutex_lock(&follow->lock);
    *told = follow->told;
    if (told->stage == FOLLOW_COMES || told->stage == FOLLOW_BROKEN)
        told->seconds = now_seconds() - follow->begun;
    pthread_mutex_unlock(&follow->lock);
}

void follow_why(struct follow *follow, struct error *why)
{
    pthread_mutex_lock(&follow->lock);
    *why = follow->why;
    pthread_mutex_unlock(&follow->lock);
}

void follow_stop(struct follow *follow)
{
    struct error error;
    if (!follow->started)
        return;
    follow->quit = true;
    pthread_join(follow->faults, NULL);
    pthread_join(follow->receiver, NULL);
    follow->started = false;
    if (follow->told.stage != FOLLOW_COMES)
        return;
    if (!follow->told.left) /* the last page has woken a domain that then ended at once */
        set_stage(follow, FOLLOW_ALL, NULL);
    (void)follow_complete(follow, follow->wire, &error);
}

void follow_close(struct follow *follow)
{
    follow_stop(follow);
    if (follow->missing)
        pthread_mutex_destroy(&follow->lock);
    userfault_close(&follow->fault);
    if (follow->link >= 0)
        close(follow->link);
    free(follow->missing);
    free(follow->thrown);
    free(follow->waits);
    *follow = (struct follow){.fault = {.fd = -1}, .link = -1};
}
