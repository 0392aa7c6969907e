/* replaced TIMES: one thread writes to a page while the other replaces it. Whoever writes never notices. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BYTES = 4096 };

static volatile char *page;
static volatile int ended;

static char *map(void *where, int fixed)
{
    return mmap(where, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
}

static void *write_on(void *unused)
{
    while (!ended)
        *page = 1;
    return unused;
}

int main(int count, char **words)
{
    long times = count > 1 ? atol(words[1]) : 1;
    pthread_t thread;
    page = map(NULL, 0);
    if (page == MAP_FAILED || pthread_create(&thread, NULL, write_on, NULL))
        return 2;
    for (long i = 0; i < times; i++)
        if (map((void *)page, MAP_FIXED) != page)
            return 3;
    ended = 1;
    pthread_join(thread, NULL);
    puts("done");
    return 0;
}
