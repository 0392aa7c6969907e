#include "host/effect.h"

#include "base/size.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int effect_held_memory(uint64_t *kib, struct error *error)
{
    char status[4096];
    uint64_t locked, pinned;
    if (read_text("/proc/self/status", status, sizeof status) < 0 ||
        !text_value_number(status, "VmLck", ':', &locked) ||
        !text_value_number(status, "VmPin", ':', &pinned))
        return error_set(
            error, ENOTSUP, "/proc/self/status does not tell how much memory is locked or pinned");
    *kib = locked + pinned;
    return 0;
}

/* Not by the vDSO, which would write by itself. */
bool effect_can_write(void *at)
{
    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, at) == 0;
}

/* mincore(2) refuses what is not mapped. */
size_t effect_mapped(const void *at, size_t pages)
{
    size_t mapped = 0;
    unsigned char unused;
    for (size_t i = 0; i < pages; i++)
        mapped += mincore((char *)at + i * 4 * KIB, 4 * KIB, &unused) == 0 || errno != ENOMEM;
    return mapped;
}
