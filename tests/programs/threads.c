/* Threads that come and go, change memory at the same time, take turns by a lock and a condition, and have
 * variables of their own:
 *
 *     threads THREADS ROUNDS [MAPPINGS] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static long next, sum, mappings;
static __thread long own;

static void map(void)
{
    enum { BYTES = 65536 };
    char *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        exit(1);
    *bytes = 1;
    munmap(bytes, BYTES);
}

static void *run(void *number)
{
    own = (long)number;
    for (int i = 0; i < 1000; i++)
        __atomic_fetch_add(&sum, own, __ATOMIC_RELAXED);
    for (long i = 0; i < mappings; i++)
        map();
    pthread_mutex_lock(&lock);
    while (next != (long)number)
        pthread_cond_wait(&turn, &lock);
    next++;
    pthread_cond_broadcast(&turn);
    pthread_mutex_unlock(&lock);
    return (void *)(own * own);
}

int main(int count, char **words)
{
    enum { MOST = 64 };
    long threads = count > 1 ? atol(words[1]) : 8, rounds = count > 2 ? atol(words[2]) : 10, squares = 0;
    pthread_t made[MOST];
    mappings = count > 3 ? atol(words[3]) : 0;
    for (long round = 0; round < rounds; round++) {
        next = 0;
        for (long i = 0; i < threads && i < MOST; i++)
            if (pthread_create(&made[i], NULL, run, (void *)i))
                return 1;
        for (long i = 0; i < threads && i < MOST; i++) {
            void *square;
            pthread_join(made[i], &square);
            squares += (long)square;
        }
    }
    printf("%ld %ld\n", sum, squares);
    return 0;
}
