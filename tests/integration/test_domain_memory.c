/* What a guest has at its addresses is changed from outside while it lives, and it must see every change at
 * once: in the same way as this process, natively, where the same is done to the same contents. Tables that
 * are right are not enough: under shadow paging the CPU walks others. Also run in tests/nested. */
#include "chosen_monitor.h"
#include "repeated.h"

#include "base/random.h"
#include "base/size.h"
#include "domain/memory.h"
#include "domain/probe.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* The guest's pages are one window; behind each is one of two frames. */
enum { PAGE = 4096, PAGES = 1024, FRAMES = 2 * PAGES, LARGE = 512 };
enum { OPERATIONS = 300, OPERATIONS_MIN = 40, SECONDS = 2 }; /* slow hosts do fewer */
enum { TAG = 0, WRITTEN = 8, CODE = 16 }; /* offsets in a frame: what is read, written, and executed */
enum { RETURN = 0xc3 };
enum { RW = PAGE_READ | PAGE_WRITE };

static struct monitor_facts facts;
static struct {
    struct image image;
    struct memory data;
    struct domain *domain;
    char *native; /* the window, here: shared pages of: */
    int file;     /* the frames, */
    char *contents;
    bool mapped[PAGES];
    unsigned frame[PAGES], rights[PAGES];
    atomic_bool stop;
    struct stop ask;
} here;
static uint64_t seed, next_tag;

static bool stop_is_asked(void *context)
{
    return *(atomic_bool *)context;
}

static int find_facts(void **state)
{
    (void)state;
    domain_probe(chosen, &facts);
    if (!facts.usable)
        fprintf(stderr, "# %s cannot be used: %s\n", chosen->name, facts.reason);
    return 0;
}

/* ---- here and there ---- */

static char *frame_at(unsigned frame)
{
    return (char *)here.data.base + (size_t)frame * PAGE;
}

static gpa_t physical_at(unsigned frame)
{
    return GPA(domain_data_region(here.domain)->start.value + (uint64_t)frame * PAGE);
}

static void *native_at(unsigned page)
{
    return here.native + (size_t)page * PAGE;
}

static gva_t guest_at(unsigned page)
{
    return gva_same_as(frame_at(page)); /* at first a page has the frame of its number */
}

static int protection(unsigned rights)
{
    return (rights & PAGE_READ ? PROT_READ : 0) | (rights & PAGE_WRITE ? PROT_WRITE : 0) |
           (rights & PAGE_EXECUTE ? PROT_EXEC : 0);
}

static void fill_frame(unsigned frame)
{
    char *const copies[] = {frame_at(frame), here.contents + (size_t)frame * PAGE};
    next_tag++;
    for (int i = 0; i < 2; i++) {
        memcpy(copies[i] + TAG, &next_tag, sizeof next_tag);
        copies[i][CODE] = (char)RETURN;
    }
}

/* Faulted in, as the guest's entries are present: what a fault says depends on it. */
static void map_native(unsigned page, unsigned count, unsigned rights)
{
    int prot = protection(rights), flags = MAP_SHARED | MAP_FIXED;
    size_t bytes = (size_t)count * PAGE;
    void *at = mmap(native_at(page), bytes, prot, flags, here.file, (off_t)here.frame[page] * PAGE);
    assert_ptr_equal(at, native_at(page));
    if (prot)
        assert_int_equal(madvise(at, bytes, MADV_POPULATE_READ), 0);
}

/* ---- touching ---- */

enum touch { TOUCH_READ, TOUCH_WRITE, TOUCH_EXECUTE, TOUCHES };
struct outcome {
    bool faulted;
    uint64_t value, offset,
        error_code; /* what was read; where the fault was, from the window's start, and why */
};

static sigjmp_buf fault_jump;
static volatile uint64_t fault_address, fault_code;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    fault_address = (uintptr_t)info->si_addr;
    fault_code = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR];
    siglongjmp(fault_jump, 1);
}

static uint64_t touch_native_now(unsigned page, enum touch kind)
{
    char *at = native_at(page);
    if (kind == TOUCH_READ)
        return *(volatile uint64_t *)(at + TAG);
    if (kind == TOUCH_WRITE)
        *(volatile char *)(at + WRITTEN) = 1;
    else
        ((void (*)(void))(uintptr_t)(at + CODE))();
    return 0;
}

static struct outcome touch_native(unsigned page, enum touch kind)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, old;
    struct outcome outcome = {0};
    sigaction(SIGSEGV, &action, &old);
    if (sigsetjmp(fault_jump, 1))
        outcome = (struct outcome){true, 0, fault_address - (uintptr_t)here.native, fault_code};
    else
        outcome.value = touch_native_now(page, kind);
    sigaction(SIGSEGV, &old, NULL);
    return outcome;
}

static int call_guest(unsigned page, enum touch kind, struct error *error)
{
    static const char *const names[] = {"chase-read-1", "event-touch"};
    struct workload_job *job = here.image.job;
    workload_function *entry = (workload_function *)(uintptr_t)(guest_at(page).value + CODE);
    *job = (struct workload_job){
        .steps = 1, .batches = 1, .first = guest_at(page).value + WRITTEN, .stride = PAGE};
    job->cursor[0] = guest_at(page).value + TAG;
    if (kind != TOUCH_EXECUTE)
        assert_int_equal(image_find(&here.image, names[kind], &entry, error), 0);
    int rc = domain_call(here.domain, entry, error);
    return kind == TOUCH_EXECUTE && rc == -EPROTO && strstr(error->text, "before its workload") ? 0 : rc;
}

static struct outcome touch_guest(unsigned page, enum touch kind)
{
    struct error error = {0};
    int rc = call_guest(page, kind, &error);
    if (rc == 0)
        return (struct outcome){.value = kind == TOUCH_READ ? here.image.job->cursor[0] : 0};
    struct domain_fault fault = domain_fault(here.domain);
    if (rc != -EFAULT || fault.vector != 14)
        fail_msg("page %u, touch %d: %s", page, kind, error.text);
    return (struct outcome){true, 0, fault.address - guest_at(0).value, fault.error_code};
}

/* A write must also arrive in the frame. */
static void touch(unsigned page, enum touch kind)
{
    char *written = frame_at(here.frame[page]) + WRITTEN;
    struct outcome native = touch_native(page, kind);
    bool writes = kind == TOUCH_WRITE && !native.faulted;
    if (writes)
        *written = 0;
    struct outcome guest = touch_guest(page, kind);
    if (guest.faulted != native.faulted || guest.value != native.value || guest.offset != native.offset ||
        guest.error_code != native.error_code || (writes && !*written))
        fail_msg("page %u, touch %d: natively fault %d, value %llu, offset %llx, code %llx; in the guest %d, "
                 "%llu, "
                 "%llx, %llx",
            page, kind, native.faulted, (unsigned long long)native.value, (unsigned long long)native.offset,
            (unsigned long long)native.error_code, guest.faulted, (unsigned long long)guest.value,
            (unsigned long long)guest.offset, (unsigned long long)guest.error_code);
}

static void touch_in_all_ways(unsigned page)
{
    for (int kind = 0; kind < TOUCHES; kind++)
        touch(page, (enum touch)kind);
}

/* ---- changing ---- */

struct pages {
    unsigned first, count, rights;
    bool replaced;
};

static void touch_edges(struct pages pages)
{
    const unsigned edges[] = {
        pages.first - 1, pages.first, pages.first + pages.count - 1, pages.first + pages.count};
    for (int i = 0; i < 4; i++)
        if (edges[i] < PAGES) /* 0 - 1 is not */
            touch_in_all_ways(edges[i]);
}

static uint64_t bytes_of(const struct pages *pages)
{
    return (uint64_t)pages->count * PAGE;
}

/* How many pages from this one on are alike, so that one call does for all; 0: it is not mapped. */
static unsigned run_of(const struct pages *pages, unsigned page)
{
    unsigned end = pages->first + pages->count, next = page;
    while (next < end && here.mapped[next] && here.frame[next] - here.frame[page] == next - page &&
           here.rights[next] == here.rights[page])
        next++;
    return next - page;
}

#define FOR_RUNS(pages, page, count)                                                                         \
    for (unsigned page = (pages)->first, count; page < (pages)->first + (pages)->count;                      \
         page += count ? count : 1)                                                                          \
        if ((count = run_of(pages, page)))

/* A monitor whose guest is elsewhere has nothing of the mapping here, which stays as it is. */
static void map_anew(char *frames, size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (chosen->elsewhere)
        assert_int_equal(madvise(frames, bytes, MADV_REMOVE), 0);
    else
        assert_ptr_equal(mmap(frames, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), frames);
}

static int protect_host(char *frames, size_t bytes, unsigned rights)
{
    return chosen->elsewhere ? 0 : mprotect(frames, bytes, protection(rights));
}

/* What mprotect() and mmap() do to a program's memory, done to what is behind its pages. */
static int change_host(void *context, struct error *error)
{
    const struct pages *pages = context;
    FOR_RUNS(pages, page, count)
    {
        char *frames = frame_at(here.frame[page]);
        size_t bytes = (size_t)count * PAGE;
        if (pages->replaced)
            map_anew(frames, bytes);
        for (unsigned i = 0; pages->replaced && i < count; i++)
            fill_frame(here.frame[page + i]);
        if (!pages->replaced && protect_host(frames, bytes, pages->rights) < 0)
            return error_errno(error, errno, "cannot protect");
    }
    return 0;
}

/* Where nobody asks for a call, what is behind must be readable and writable. */
static void make_host_writable(const struct pages *pages)
{
    assert_int_equal(mprotect(frame_at(pages->first), bytes_of(pages), PROT_READ | PROT_WRITE), 0);
    assert_int_equal(mprotect(frame_at(PAGES + pages->first), bytes_of(pages), PROT_READ | PROT_WRITE), 0);
}

/* A program's memory has here the protection that it has in the guest: no change is none in both. */
static void make_host_follow(const struct pages *pages)
{
    FOR_RUNS(pages, page, count)
    {
        char *frames = frame_at(here.frame[page]);
        assert_int_equal(protect_host(frames, (size_t)count * PAGE, here.rights[page]), 0);
    }
}

static void must(int rc, const struct error *error)
{
    if (rc < 0)
        fail_msg("%s", error->text);
}

static void protect(struct pages pages, bool by_the_host)
{
    struct error error;
    if (by_the_host)
        make_host_follow(&pages);
    must(domain_protect(here.domain, guest_at(pages.first), bytes_of(&pages), pages.rights | PAGE_USER,
             by_the_host ? change_host : NULL, &pages, &error),
        &error);
    for (unsigned page = pages.first; page < pages.first + pages.count; page++)
        here.rights[page] = pages.rights;
    FOR_RUNS(&pages, page, count)
    {
        map_native(page, count, pages.rights);
    }
    touch_edges(pages);
    make_host_writable(&pages);
}

static void unmap(struct pages pages)
{
    struct error error;
    must(domain_unmap(here.domain, guest_at(pages.first), bytes_of(&pages), NULL, NULL, &error), &error);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    void *at = native_at(pages.first);
    assert_ptr_equal(mmap(at, bytes_of(&pages), PROT_NONE, flags, -1, 0), at);
    memset(here.mapped + pages.first, false, pages.count);
}

/* By the frames of their numbers, or by the others. */
static void map(struct pages pages, bool other, uint64_t page_bytes)
{
    struct error error;
    unsigned shift = other ? PAGES : 0;
    must(domain_map(here.domain, guest_at(pages.first), physical_at(pages.first + shift), bytes_of(&pages),
             page_bytes, pages.rights | PAGE_USER, &error),
        &error);
    for (unsigned page = pages.first; page < pages.first + pages.count; page++) {
        here.mapped[page] = true;
        here.frame[page] = page + shift;
        here.rights[page] = pages.rights;
    }
    map_native(pages.first, pages.count, pages.rights);
}

/* ---- a world ---- */

static int open_domain(uint64_t guest_page)
{
    struct error error = {0};
    if (!facts.usable)
        return 0;
    memset(&here, 0, sizeof here);
    here.ask = (struct stop){.asked = stop_is_asked, .context = &here.stop};
    const struct memory_request request = {
        .bytes = FRAMES * PAGE, .page_bytes = PAGE, .alignment = 2 * MIB, .shared = chosen->elsewhere};
    int rc = image_load(&here.image, &error);
    if (rc == 0 && chosen->elsewhere)
        rc = image_share(&here.image, &error);
    if (rc == 0)
        rc = memory_map_request(&here.data, &request, &error);
    if (rc == 0)
        rc = memory_populate(&here.data, true, NULL, NULL, &error);
    struct domain_config config = {.monitor = chosen,
        .image = &here.image,
        .data = &here.data,
        .data_page_bytes = guest_page,
        .spare_tables = 8,
        .stop = &here.ask};
    if (rc == 0)
        rc = domain_create(&config, &here.domain, &error);
    if (rc < 0)
        fprintf(stderr, "# %s\n", error.text);
    here.file = memfd_create("frames", MFD_CLOEXEC);
    here.native = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (rc < 0 || here.file < 0 || here.native == MAP_FAILED || ftruncate(here.file, FRAMES * PAGE) < 0)
        return -1;
    here.contents = mmap(NULL, FRAMES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, here.file, 0);
    if (here.contents == MAP_FAILED)
        return -1;
    for (unsigned frame = 0; frame < FRAMES; frame++)
        fill_frame(frame);
    for (unsigned page = 0; page < PAGES; page++) {
        here.mapped[page] = true;
        here.frame[page] = page;
        here.rights[page] = RW;
    }
    map_native(0, PAGES, RW);
    return 0;
}

static int open_small(void **state)
{
    (void)state;
    return open_domain(4 * KIB);
}

static int open_large(void **state)
{
    (void)state;
    return open_domain(2 * MIB);
}

static int close_domain(void **state)
{
    (void)state;
    if (!facts.usable)
        return 0;
    domain_destroy(here.domain);
    memory_unmap(&here.data);
    image_unload(&here.image);
    munmap(here.native, PAGES * PAGE);
    munmap(here.contents, FRAMES * PAGE);
    close(here.file);
    return 0;
}

static void need_monitor(void)
{
    if (facts.usable)
        return;
    print_message("# skip: %s\n", facts.reason);
    skip();
}

/* ---- one thing after the other ---- */

static void every_change_is_seen_at_once(void **state)
{
    const unsigned rights[] = {PAGE_READ, 0, RW, PAGE_READ | PAGE_EXECUTE, RW | PAGE_EXECUTE, 0, RW};
    struct pages one = {.first = 7, .count = 1};
    (void)state;
    need_monitor();
    for (size_t i = 0; i < 2 * sizeof rights / sizeof rights[0]; i++) {
        touch_in_all_ways(one.first);
        one.rights = rights[i / 2];
        protect(one, i % 2);
        for (unsigned page = one.first - 1; page <= one.first + 1; page++)
            touch_in_all_ways(page);
    }
}

static void what_is_unmapped_is_gone_and_comes_back_as_what_is_mapped(void **state)
{
    const struct pages some = {.first = 5, .count = 3, .rights = RW};
    (void)state;
    need_monitor();
    for (int i = 0; i < 6; i++) {
        touch_in_all_ways(6);
        unmap(some);
        for (unsigned page = 4; page <= 8; page++)
            touch_in_all_ways(page);
        map(some, i % 2 == 0, PAGE); /* to other frames, and back */
        for (unsigned page = 4; page <= 8; page++)
            touch_in_all_ways(page);
    }
}

static void what_the_host_maps_anew_is_what_the_guest_reads(void **state)
{
    const struct pages some = {.first = 5, .count = 2, .rights = RW, .replaced = true};
    (void)state;
    need_monitor();
    for (int i = 0; i < 3; i++) {
        touch_in_all_ways(5);
        protect(some, true);
        for (unsigned page = 4; page <= 7; page++)
            touch_in_all_ways(page);
    }
}

/* What a monitor derives from a large leaf is for its frames and no others. */
static void large_leaves_come_and_go(void **state)
{
    struct pages whole = {.first = LARGE, .count = LARGE, .rights = RW};
    const struct pages part = {.first = LARGE + 3, .count = 2, .rights = PAGE_READ};
    (void)state;
    need_monitor();
    for (unsigned i = 0; i < repeated(4) + 1; i++) {
        protect(part, false); /* splits it */
        for (unsigned page = LARGE; page < LARGE + 8; page++)
            touch_in_all_ways(page);
        unmap(part);
        touch_in_all_ways(LARGE + 4);
        map(part, i % 2 == 0, PAGE);
        for (unsigned page = LARGE; page < LARGE + 8; page++)
            touch_in_all_ways(page);
        unmap(whole);
        touch_in_all_ways(LARGE + 4);
        map(whole, i % 2 == 0, 2 * MIB);
        for (unsigned page = LARGE; page < LARGE + 8; page++)
            touch_in_all_ways(page);
        touch_in_all_ways(2 * LARGE - 1);
        touch_in_all_ways(LARGE - 1);
    }
}

/* Leaves in the tables that the CPU walks, as KVM counts them. */
static uint64_t leaves(void)
{
    struct counters counters;
    uint64_t count = UINT64_MAX;
    domain_counters(here.domain, &counters);
    if (!counters_get(&counters, "pages_4k", &count)) {
        print_message("# skip: this kernel's KVM has no binary statistics\n");
        skip();
    }
    return count;
}

static void read_all(void)
{
    struct error error;
    workload_function *entry;
    *here.image.job =
        (struct workload_job){.first = guest_at(0).value, .bytes = PAGES * PAGE, .stride = PAGE};
    assert_int_equal(image_find(&here.image, "touch", &entry, &error), 0);
    assert_int_equal(domain_call(here.domain, entry, &error), 0);
}

/* A kernel that keeps what it has derived from a large leaf, whatever stands there later, goes wrong in ways
 * that do not show at once: so it is counted that nothing is kept. */
static void where_a_large_leaf_was_nothing_is_kept(void **state)
{
    const struct pages part = {.first = LARGE + 3, .count = 2, .rights = RW};
    const struct pages whole = {.first = 0, .count = LARGE, .rights = RW};
    (void)state;
    need_monitor();
    read_all();
    assert_true(leaves() >= PAGES);
    protect(part, false); /* splits it */
    assert_true(leaves() < PAGES / 4);
    read_all();
    unmap(whole);
    assert_true(leaves() >= PAGES / 2);
    map(whole, true, 2 * MIB);
    assert_true(leaves() < PAGES / 4);
}

static int fail_to_change(void *context, struct error *error)
{
    (void)context;
    return error_set(error, EACCES, "not today");
}

static void a_change_that_the_host_refuses_changes_nothing(void **state)
{
    struct error error;
    (void)state;
    need_monitor();
    touch_in_all_ways(9);
    assert_int_equal(
        domain_protect(here.domain, guest_at(9), PAGE, PAGE_READ, fail_to_change, NULL, &error), -EACCES);
    touch_in_all_ways(9);
    assert_int_equal(domain_unmap(here.domain, guest_at(9), PAGE, fail_to_change, NULL, &error), -EACCES);
    touch_in_all_ways(9);
    assert_int_equal(
        domain_map(here.domain, guest_at(9), physical_at(PAGES), PAGE, PAGE, PAGE_READ | PAGE_USER, &error),
        -EEXIST);
    touch_in_all_ways(9);
}

/* ---- at random ---- */

static struct pages any_pages(void)
{
    static const unsigned rights[] = {0, PAGE_READ, RW, PAGE_READ | PAGE_EXECUTE, RW | PAGE_EXECUTE};
    struct pages pages = {.count = LARGE, .rights = rights[random_below(&seed, 5)]};
    if (random_below(&seed, 8)) {
        pages.first = LARGE - 8 + (unsigned)random_below(&seed, 12);
        pages.count = 1 + (unsigned)random_below(&seed, 4);
    } else
        pages.first = (unsigned)random_below(&seed, 2) * LARGE;
    return pages;
}

static bool any_mapped(const struct pages *pages)
{
    for (unsigned page = pages->first; page < pages->first + pages->count; page++)
        if (here.mapped[page])
            return true;
    return false;
}

static void operate(struct pages pages)
{
    uint64_t dice = random_below(&seed, 8);
    pages.replaced = dice == 7 && pages.count < LARGE;
    if (dice < 3 || !any_mapped(&pages)) {
        if (any_mapped(&pages))
            unmap(pages);
        if (dice)
            map(pages, random_below(&seed, 2), pages.count == LARGE ? 2 * MIB : PAGE);
    } else
        protect(pages, pages.replaced || dice % 2);
}

static void random_changes(uint64_t start)
{
    need_monitor();
    seed = start;
    const time_t end = time(NULL) + SECONDS;
    const unsigned operations = repeated(OPERATIONS);
    for (unsigned i = 0; i < operations && (i < OPERATIONS_MIN || time(NULL) < end); i++) {
        struct pages pages = any_pages();
        operate(pages);
        touch(pages.first, (enum touch)random_below(&seed, TOUCHES));
        touch(pages.first + pages.count - 1, (enum touch)random_below(&seed, TOUCHES));
        for (int j = 0; j < 3; j++)
            touch(LARGE - 10 + (unsigned)random_below(&seed, 18), (enum touch)random_below(&seed, TOUCHES));
    }
}

static void random_changes_of_small_leaves_are_seen(void **state)
{
    (void)state;
    random_changes(1);
}

static void random_changes_of_large_leaves_are_seen(void **state)
{
    (void)state;
    random_changes(2);
}

/* ---- while it runs ---- */

static void nothing(int number)
{
    (void)number;
}

struct changer {
    pthread_t main;
    bool unmaps;
    atomic_bool seen;
};

/* A call after which the guest has time to touch the page again, if it still has it. */
static int refresh_slowly(void *context, struct error *error)
{
    (void)context;
    if (mprotect(frame_at(3), PAGE, PROT_NONE) < 0 || mprotect(frame_at(3), PAGE, PROT_READ | PROT_WRITE) < 0)
        return error_errno(error, errno, "cannot protect");
    usleep(2000);
    return 0;
}

/* Takes page 3 away from the guest that reads it without end; and ends that guest if it does not notice. */
static void *take_page(void *context)
{
    enum { TRIES = 60000 };
    struct changer *changer = context;
    struct error error;
    usleep(5000);
    int rc = changer->unmaps
                 ? domain_unmap(here.domain, guest_at(3), PAGE, NULL, NULL, &error)
                 : domain_protect(here.domain, guest_at(3), PAGE, 0, refresh_slowly, NULL, &error);
    for (int i = 0; i < TRIES && !changer->seen; i++)
        usleep(1000);
    here.stop = !changer->seen;
    for (int i = 0; i < TRIES && !changer->seen; i++, usleep(1000))
        pthread_kill(changer->main, SIGALRM);
    return rc < 0 ? changer : NULL;
}

static void a_running_guest_loses_its_page(void **state)
{
    const struct sigaction action = {.sa_handler = nothing}; /* without SA_RESTART */
    const struct pages page = {.first = 3, .count = 1, .rights = RW};
    uint64_t itself;
    (void)state;
    need_monitor();
    itself = guest_at(3).value;
    sigaction(SIGALRM, &action, NULL);
    memcpy(frame_at(3), &itself, sizeof itself);
    memcpy(here.contents + (size_t)3 * PAGE, &itself, sizeof itself);
    for (unsigned i = 0; i < repeated(18) + 2; i++) {
        struct changer changer = {.main = pthread_self(), .unmaps = i % 2};
        struct error error = {0};
        pthread_t thread;
        void *failed;
        workload_function *entry;
        assert_int_equal(image_find(&here.image, "chase-read-1", &entry, &error), 0);
        *here.image.job =
            (struct workload_job){.steps = UINT64_MAX, .batches = 1, .cursor = {guest_at(3).value}};
        assert_int_equal(pthread_create(&thread, NULL, take_page, &changer), 0);
        int rc = domain_call(here.domain, entry, &error);
        changer.seen = true;
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
        if (rc != -EFAULT || domain_fault(here.domain).address != guest_at(3).value)
            fail_msg("%d: %s", rc, error.text);
        if (changer.unmaps)
            map(page, false, PAGE);
        else
            protect(page, false);
    }
}

#define WITH(test, open) cmocka_unit_test_setup_teardown(test, open, close_domain)

int main(int argc, char **argv)
{
    choose_monitor(argc, argv);
    const struct CMUnitTest tests[] = {
        WITH(every_change_is_seen_at_once, open_small),
        WITH(what_is_unmapped_is_gone_and_comes_back_as_what_is_mapped, open_small),
        WITH(what_the_host_maps_anew_is_what_the_guest_reads, open_small),
        WITH(large_leaves_come_and_go, open_large),
        WITH(a_change_that_the_host_refuses_changes_nothing, open_large),
        WITH(random_changes_of_small_leaves_are_seen, open_small),
        WITH(random_changes_of_large_leaves_are_seen, open_large),
        WITH(a_running_guest_loses_its_page, open_small),
        WITH(where_a_large_leaf_was_nothing_is_kept, open_large), /* KVM's shadows are by shape */
    };
    size_t count = sizeof tests / sizeof tests[0] - (chosen->elsewhere ? 1 : 0);
    return _cmocka_run_group_tests("domain memory", tests, count, find_facts, NULL);
}
