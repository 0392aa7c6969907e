/* Addresses have types, so that one kind is never taken for another by accident. Host virtual addresses are C
 * pointers. The two guest kinds cannot be dereferenced. */
#ifndef VCOST_BASE_ADDRESS_H
#define VCOST_BASE_ADDRESS_H

#include <stdint.h>

typedef struct {
    uint64_t value;
} gva_t; /* guest virtual */

typedef struct {
    uint64_t value;
} gpa_t; /* guest physical */

#define GVA(number) ((gva_t){(uint64_t)(number)})
#define GPA(number) ((gpa_t){(uint64_t)(number)})

/* Memory that a domain maps at the very address that it has here. */
static inline gva_t gva_same_as(const void *host_virtual)
{
    return GVA((uintptr_t)host_virtual);
}

#endif
