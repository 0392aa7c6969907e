/* Pages and addresses as x86-64 Linux has them, with tables of four levels. */
#ifndef VCOST_PROGRAM_INSIDE_PAGE_H
#define VCOST_PROGRAM_INSIDE_PAGE_H

#include <stdint.h>

enum { PAGE = 4096 };

#define ADDRESSES_END ((UINT64_C(1) << 47) - PAGE) /* TASK_SIZE: what a process may have is below it */

/* Where the page of an address begins. */
static inline uint64_t page_of(uint64_t address)
{
    return address & -(uint64_t)PAGE;
}

/* So many bytes as whole pages; of an address: where the next page begins, if none begins there. 0: what is
 * more than 64 bits hold. */
static inline uint64_t whole_pages(uint64_t bytes)
{
    return page_of(bytes + PAGE - 1);
}

#endif
