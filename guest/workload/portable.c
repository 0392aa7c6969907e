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
static void wait_for(uint64_t since, uint64_t interval)
{
    while (timer_ticks() - since < interval)
        __asm__ volatile("pause");
}

void portable_writer(struct workload_job *at);
void portable_writer(struct workload_job *at)
{
    struct portable_job *job = (void *)at;
    struct portable_page *pages = (void *)job->first;
    const uint64_t count = job->bytes / PAGE;
    uint64_t done = 0, sum = 0, hash = 0, wrong = 0, random = 1, since = timer_ticks();
    while (!job->work || done < job->work) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t number = (random >> 32) * count >> 32; /* no division, which can fault */
        write_page(&pages[number], number);
        done++;
        if (job->interval) {
            wait_for(since, job->interval);
            since = timer_ticks();
        }
        if (job->interval || done % LOOK_EACH == 0)
            look(job, done);
    }
    for (uint64_t i = 0; i < count; i++) {
        sum += pages[i].writes;
        hash = portable_chain(hash, check_page(&pages[i], i, &wrong));
    }
    look(job, done);
    job->wrong = wrong + (sum != done);
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
