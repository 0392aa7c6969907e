/* When and where: clocks, and which boot of which kernel. */
#include "domain/saved/stored.h"

#include <stdio.h>
#include <time.h>

void stored_moment_now(struct stored_moment *moment)
{
    struct timespec now;
    char text[64] = "";
    FILE *boot = fopen("/proc/sys/kernel/random/boot_id", "re");
    *moment = (struct stored_moment){.host_ticks = __builtin_ia32_rdtsc()};
    clock_gettime(CLOCK_REALTIME, &now);
    moment->realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    if (boot && fgets(text, sizeof text, boot))
        for (unsigned i = 0, digits = 0; text[i] && digits < 32; i++) {
            unsigned value = 0;
            if (text[i] != '-' && sscanf((char[2]){text[i]}, "%1x", &value) == 1)
                moment->boot[digits / 2] |= (uint8_t)(value << (digits % 2 ? 0 : 4));
            digits += text[i] != '-';
        }
    if (boot)
        fclose(boot);
}
