/* Memory of this process whose pages a thread of it brings when they are touched first (userfaultfd(2),
 * Documentation/admin-guide/mm/userfaultfd.rst): also when what touches them is a guest inside KVM_RUN, whose
 * faults are the kernel's. The kernel gives such a descriptor only to who may have it.
 *
 * Use: open, register the range, start what may touch it; then a loop of userfault_read() and
 * userfault_copy() or userfault_zero(). Several threads may copy. Whoever waits for a page waits until it is
 * there, or until the descriptor is closed: then the kernel gives zeros, so nothing may run any more that
 * would take them for its memory. */
#ifndef VCOST_HOST_USERFAULT_H
#define VCOST_HOST_USERFAULT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { USERFAULT_PAGE_BYTES = 4096 };

struct userfault {
    int fd; /* readable (poll) when somebody waits for a page; -1: closed */
};

/* By the system call, else by /dev/userfaultfd. -ENOTSUP: this user, or this kernel, may not have one that
 * takes a guest's faults, too; the sentence says what to do. */
int userfault_open(struct userfault *fault, struct error *error);
void userfault_close(struct userfault *fault); /* harmless if it is closed */

/* From now on pages of the range that are missing are waited for; those that are there stay. Private and
 * anonymous memory, whole pages. */
int userfault_register(const struct userfault *fault, void *base, size_t bytes, struct error *error);
/* Missing pages are zero again. */
int userfault_unregister(const struct userfault *fault, void *base, size_t bytes, struct error *error);

/* Waits up to wait_ms, 0 for not at all. How many pages were found waited for, at most `most` (page
 * addresses, which may come again: several wait for one), or 0. */
int userfault_read(
    const struct userfault *fault, int wait_ms, uintptr_t *pages, size_t most, struct error *error);

/* Brings whole pages and wakes who waits for them. Those that are there already stay as they are; *brought
 * (may be NULL) is how many were not. A page is seen by everybody with all of its contents, or not at all. */
int userfault_copy(const struct userfault *fault, void *to, const void *from, size_t bytes, size_t *brought,
    struct error *error);
int userfault_zero(
    const struct userfault *fault, void *to, size_t bytes, size_t *brought, struct error *error);

#endif
