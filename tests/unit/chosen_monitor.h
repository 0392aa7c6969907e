/* For tests that are run once for each monitor: which one, and memory that its guests can have. */
#ifndef VCOST_TEST_CHOSEN_MONITOR_H
#define VCOST_TEST_CHOSEN_MONITOR_H

#include "cmocka_all.h"

#include "monitor/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct monitor_ops *chosen;

/* By the first argument; "kvm" without one. */
static inline void choose_monitor(int argc, char *const *argv)
{
    const char *name = argc > 1 ? argv[1] : "kvm";
    for (size_t i = 0; (chosen = monitor_at(i)) && strcmp(chosen->name, name) != 0;)
        i++;
    if (!chosen) {
        fprintf(stderr, "there is no monitor '%s'\n", name);
        exit(2);
    }
}

/* Anonymous memory, or shared with a descriptor where the monitor needs one; to be unmapped by munmap(). */
static inline struct backing map_backing(size_t bytes)
{
    int fd = chosen->elsewhere ? memfd_create("test", MFD_CLOEXEC) : -1;
    if (fd >= 0)
        assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *host = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    assert_ptr_not_equal(host, MAP_FAILED);
    return (struct backing){.host = host, .bytes = bytes, .descriptor = fd, .shared = fd >= 0};
}

static inline void unmap_backing(const struct backing *backing)
{
    munmap(backing->host, backing->bytes);
    if (backing->shared)
        close(backing->descriptor);
}

#endif
