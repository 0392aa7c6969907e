/* What shows that a system call did what it said. Emulators of Linux (qemu-user) and sandboxes say yes to
 * some and do nothing; what is measured of such a call would be the price of that word. */
#ifndef VCOST_HOST_EFFECT_H
#define VCOST_HOST_EFFECT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* KiB that this process has locked or pinned: what VFIO pins counts as locked, what iommufd pins in VFIO's
 * name as pinned. -ENOTSUP where /proc does not tell. */
int effect_held_memory(uint64_t *kib, struct error *error);

/* May this process write at `at`? Lets the kernel try, which raises no signal: 16 bytes there are lost. */
bool effect_can_write(void *at);

/* How many of so many pages of 4 KiB are mapped, present or not. */
size_t effect_mapped(const void *at, size_t pages);

#endif
