/* The first thread calls nothing any more, and another ends the process: nobody waits for the first to leave
 * what it runs on. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int begun;

static void *end(void *unused)
{
    (void)unused;
    while (!begun)
        continue;
    printf("ended\n");
    exit(7);
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, end, NULL))
        return 1;
    for (;;)
        begun = 1;
}
