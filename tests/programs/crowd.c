/* Many threads that change what is mapped, all at once: they wait for each other. */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

enum { THREADS = 16, TIMES = 200, BYTES = 1 << 16 };

static void *map_and_unmap(void *failures)
{
    for (int i = 0; i < TIMES; i++) {
        void *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED || munmap(at, BYTES) < 0)
            ++*(int *)failures;
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int failures[THREADS] = {0}, all = 0;
    for (int i = 0; i < THREADS; i++)
        all += pthread_create(&threads[i], NULL, map_and_unmap, &failures[i]) != 0;
    for (int i = 0; i < THREADS && !all; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        all += failures[i];
    printf("%d failed\n", all);
    return all > 0;
}
