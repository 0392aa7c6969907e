/* Programs that mark their steady state, for `vcost run` and bench/program.c:
 *
 *     steady gups|btree [THREADS]
 *     steady now                       tells the time-stamp counter at the beginning of main()
 *
 * gups: random read-modify-writes over 256 MiB. btree: look-ups in a B-tree of four million keys. Both touch
 * all of their memory and make further threads first, and tell by two writes to the descriptor in
 * VCOST_STEADY when all begin their work, and when they have done it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

enum { THREADS_MAX = 16, WORDS = 1 << 25, UPDATES = 1 << 26, KEYS = 1 << 22, FAN = 16, LOOKUPS = 1 << 22 };

static uint64_t *table;

static uint64_t next(uint64_t *state) /* xorshift64 (Marsaglia, 2003) */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void mark(void)
{
    const char *descriptor = getenv("VCOST_STEADY");
    if (descriptor && write(atoi(descriptor), "", 1) < 0)
        exit(1);
}

static void *update(uint64_t state)
{
    for (long i = 0; i < UPDATES; i++) {
        uint64_t random = next(&state);
        table[random % WORDS] ^= random;
    }
    return NULL;
}

/* Level by level from the root, each a sorted array of the largest keys below, FAN to a node. */
static const uint64_t *levels[16];
static unsigned level_count;

static void build_tree(void)
{
    size_t count = KEYS;
    uint64_t *level = table;
    for (size_t i = 0; i < count; i++)
        level[i] = 2 * i + 1;
    while (levels[level_count++] = level, count > FAN) {
        uint64_t *above = level + count;
        for (size_t i = 0; i < count / FAN; i++)
            above[i] = level[i * FAN + FAN - 1];
        level = above;
        count /= FAN;
    }
}

static void *look_up(uint64_t state)
{
    uint64_t found = 0;
    for (long i = 0; i < LOOKUPS; i++) {
        uint64_t key = next(&state) % (2 * (uint64_t)KEYS - 1);
        size_t at = 0;
        for (unsigned level = level_count; level-- > 0;) {
            const uint64_t *node = levels[level] + at * FAN;
            size_t child = 0;
            while (child < FAN - 1 && node[child] < key)
                child++;
            at = at * FAN + child;
        }
        found += levels[0][at];
    }
    return (void *)(uintptr_t)found;
}

static pthread_barrier_t begin, end;
static void *(*work)(uint64_t state) = update;

/* The main thread is one of them, and marks. */
static void *work_in_between(void *seed)
{
    if (!seed)
        mark();
    pthread_barrier_wait(&begin);
    void *found = work((uintptr_t)seed + 88172645463325252);
    pthread_barrier_wait(&end);
    if (!seed)
        mark();
    return found;
}

int main(int count, char **words)
{
    const unsigned long long began = __rdtsc();
    long threads = count > 2 ? atol(words[2]) : 1;
    pthread_t made[THREADS_MAX];
    if (count < 2 || threads < 1 || threads > THREADS_MAX)
        return 2;
    if (!strcmp(words[1], "now"))
        return dprintf(STDOUT_FILENO, "%llu\n", began) < 0;
    table = malloc(WORDS * sizeof *table);
    if (!table)
        return 1;
    memset(table, 1, WORDS * sizeof *table);
    if (!strcmp(words[1], "btree")) {
        build_tree();
        work = look_up;
    }
    pthread_barrier_init(&begin, NULL, (unsigned)threads);
    pthread_barrier_init(&end, NULL, (unsigned)threads);
    for (long i = 1; i < threads; i++)
        if (pthread_create(&made[i], NULL, work_in_between, (void *)(uintptr_t)i))
            return 1;
    work_in_between(NULL);
    for (long i = 1; i < threads; i++)
        pthread_join(made[i], NULL);
    puts("done");
    return 0;
}
