/* When and where: clocks, and which boot of which kernel. */
#include "domain/saved/stored.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint8_t boot[16];

/* It does not change, and is dear to read for clones. */
static void read_boot(void)
{
    char text[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file && fgets(text, sizeof text, file))
        for (unsigned i = 0, digits = 0; text[i] && digits < 32; i++) {
            unsigned value = 0;
            if (text[i] != '-' && sscanf((char[2]){text[i]}, "%1x", &value) == 1)
                boot[digits / 2] |= (uint8_t)(value << (digits % 2 ? 0 : 4));
            digits += text[i] != '-';
        }
    if (file)
        fclose(file);
}

void stored_moment_now(struct stored_moment *moment)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct timespec now;
    pthread_once(&once, read_boot);
    *moment = (struct stored_moment){.host_ticks = __builtin_ia32_rdtsc()};
    clock_gettime(CLOCK_REALTIME, &now);
    moment->realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    memcpy(moment->boot, boot, sizeof boot);
}
