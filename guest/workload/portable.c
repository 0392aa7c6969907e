/* Workloads that run for long and can be stopped anywhere (abi/portable.h). What they have reached stands in
 * registers and memory; at the end a checksum tells whether any of it was lost. */
#include "abi/portable.h"
#include "abi/workload.h"
#include "timer.h"

enum { LOOK_EACH = 256, PAGE = 4096 };

/* One more in the ring, if it is time, or the work has just come to its end. */
static void sample(struct portable_job *job, uint64_t now, uint64_t done)
{
    if (done == job->sampled_done ||
        (job->sampled && done != job->work && now - job->sampled_at < job->sample_ticks))
        return;
    volatile struct portable_sample *to = (struct portable_sample *)job->samples + job->slot;
    to->ticks = job->sampled_at = now;
    to->done = job->sampled_done = done;
    to->looks = job->looks;
    to->longest = job->longest_now;
    job->longest_now = 0;
    job->slot = job->slot + 1 < job->sample_count ? job->slot + 1 : 0;
    *(volatile uint64_t *)&job->sampled = job->sampled + 1;
}

/* Tells outside how far it is, and what it sees of time and of its identity. */
static void look(struct portable_job *job, uint64_t done)
{
    const volatile struct portable_identity *identity = (const volatile void *)job->identity;
    uint64_t now = timer_ticks();
    uint64_t since = job->looked && now > job->looked ? now - job->looked : 0;
    job->backwards += now < job->looked;
    if (since > job->longest)
        job->longest = since;
    if (since > job->longest_now)
        job->longest_now = since;
    job->looks++;
    job->looked = now;
    sample(job, now, done);
    job->generation[0] = identity->generation[0];
    job->generation[1] = identity->generation[1];
    *(volatile uint64_t *)&job->done = done;
}

static uint64_t batch_of(const struct portable_job *job, uint64_t done)
{
    return !job->work || job->work - done > LOOK_EACH ? LOOK_EACH : job->work - done;
}

static void finish(struct portable_job *job, uint64_t checksum)
{
    job->checksum = checksum;
    *(volatile uint64_t *)&job->finished = WORKLOAD_MAGIC;
}

/* ---- chase: the way that it took ---- */

void portable_chase(struct workload_job *page);
void portable_chase(struct workload_job *page)
{
    struct portable_job *job = (void *)page;
    const uint64_t *element = (const uint64_t *)job->start;
    uint64_t hash = 0, done = 0;
    while (!job->work || done < job->work) {
        uint64_t batch = batch_of(job, done);
        for (uint64_t i = 0; i < batch; i++) {
            element = (const uint64_t *)*element;
            hash = portable_chain(hash, (uint64_t)element);
        }
        look(job, done += batch);
    }
    finish(job, hash);
}

/* ---- writer: each page's writes, chained ---- */

static void write_page(struct portable_page *page, uint64_t number)
{
    uint64_t hash = portable_chain(page->hash ^ number, ++page->writes);
    page->marks[hash % 510] = hash;
    page->hash = hash;
}

/* Once more from the start, in this page alone: *wrong counts it if it is not as it was written. */
static uint64_t check_page(const struct portable_page *page, uint64_t number, uint64_t *wrong)
{
    uint64_t hash = 0, marks = 0, last = 0;
    for (uint64_t i = 1; i <= page->writes; i++) {
        hash = portable_chain(hash ^ number, i);
        last = hash % 510;
    }
    for (unsigned i = 0; i < 510; i++)
        marks = portable_chain(marks, page->marks[i]);
    *wrong += page->hash != hash || (page->writes && page->marks[last] != hash);
    return portable_chain(marks, page->hash);
}

/* Not longer than one interval, whatever the counter does meanwhile. */
static void keep_pace(const struct portable_job *job, uint64_t *since)
{
    if (!job->interval)
        return;
    while (timer_ticks() - *since < job->interval)
        __asm__ volatile("pause");
    *since = timer_ticks();
}

static uint64_t pick(uint64_t random, uint64_t count)
{
    return (random >> 32) * count >> 32; /* no division, which can fault */
}

static uint64_t next_random(uint64_t random)
{
    return random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

/* ---- the writer's pages that came later ----
 *
 * They are written besides, as often each as the others: so what is written to those, and the checksum, do
 * not depend on when memory comes and goes. */

struct added {
    uint64_t random, due;
    uint64_t writes, left; /* writes in all, and those that stood in pages when these were given up */
    uint64_t wrong;
};

static struct portable_page *added_page(const struct portable_job *job, uint64_t number)
{
    return (struct portable_page *)(job->added + number * job->added_stride);
}

/* Numbered behind the others, so that none of them would pass for one of those. */
static uint64_t added_number(const struct portable_job *job, uint64_t number)
{
    return job->bytes / PAGE + number;
}

static void give_up_last(struct portable_job *job, struct added *added, uint64_t done)
{
    const uint32_t number = job->pages.used - 1;
    const struct portable_page *page = added_page(job, number);
    (void)check_page(page, added_number(job, number), &added->wrong);
    added->left += page->writes;
    __atomic_store_n(&job->pages.used, number, __ATOMIC_RELEASE);
    if (number % LOOK_EACH == 0)
        look(job, done);
}

static void follow_memory(struct portable_job *job, struct added *added, uint64_t done)
{
    union portable_added pages = {.both = __atomic_load_n(&job->pages.both, __ATOMIC_ACQUIRE)};
    const union portable_added all = {.there = pages.there, .used = pages.there};
    if (pages.used < pages.there)
        (void)__atomic_compare_exchange_n(
            &job->pages.both, &pages.both, all.both, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    while (job->pages.used > __atomic_load_n(&job->pages.there, __ATOMIC_ACQUIRE))
        give_up_last(job, added, done);
}

/* After a write to one of `count` other pages. */
static void write_added(struct portable_job *job, struct added *added, uint64_t count, uint64_t *since)
{
    const uint64_t used = job->pages.used;
    added->due += used < count ? used : count; /* not more often than to the others */
    if (!used || added->due < count)
        return;
    added->due -= count;
    added->random = next_random(added->random);
    const uint64_t number = pick(added->random, used);
    write_page(added_page(job, number), added_number(job, number));
    *(volatile uint64_t *)&job->added_writes = ++added->writes;
    keep_pace(job, since);
}

void portable_writer(struct workload_job *at);
void portable_writer(struct workload_job *at)
{
    struct portable_job *job = (void *)at;
    struct portable_page *pages = (void *)job->first;
    const uint64_t count = job->bytes / PAGE;
    uint64_t done = 0, sum = 0, hash = 0, wrong = 0, random = 1, since = timer_ticks();
    struct added added = {.random = 2};
    while (!job->work || done < job->work) {
        random = next_random(random);
        uint64_t number = pick(random, count);
        write_page(&pages[number], number);
        done++;
        keep_pace(job, &since);
        write_added(job, &added, count, &since);
        if (job->interval || done % LOOK_EACH == 0) {
            look(job, done);
            follow_memory(job, &added, done);
        }
    }
    while (job->pages.used)
        give_up_last(job, &added, done);
    for (uint64_t i = 0; i < count; i++) {
        sum += pages[i].writes;
        hash = portable_chain(hash, check_page(&pages[i], i, &wrong));
    }
    look(job, done);
    job->wrong = wrong + (sum != done) + added.wrong + (added.left != added.writes);
    finish(job, hash);
}

/* ---- vectors: every register of a width ---- */

#define VECTORS(width)                                                                                       \
    void vectors_begin_##width(void);                                                                        \
    void vectors_run_##width(uint64_t rounds);                                                               \
    void vectors_end_##width(void *out);                                                                     \
    void portable_vectors_##width(struct workload_job *page);                                                \
    void portable_vectors_##width(struct workload_job *page)                                                 \
    {                                                                                                        \
        vectors(page, vectors_begin_##width, vectors_run_##width, vectors_end_##width);                      \
    }

static inline __attribute__((always_inline)) void vectors(
    struct workload_job *page, void (*begin)(void), void (*run)(uint64_t), void (*end)(void *))
{
    struct portable_job *job = (void *)page;
    uint64_t *out = (uint64_t *)((char *)page + PORTABLE_ROOM), done = 0, hash = 0;
    begin();
    while (!job->work || done < job->work) {
        uint64_t batch = batch_of(job, done);
        run(batch);
        look(job, done += batch);
    }
    end(out);
    for (unsigned i = 0; i < PORTABLE_VECTOR_BYTES / 8; i++)
        hash = portable_chain(hash, out[i]);
    finish(job, hash);
}

VECTORS(128)
VECTORS(256)
VECTORS(512)
