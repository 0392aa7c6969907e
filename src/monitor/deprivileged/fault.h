/* Page faults: what is said of them, and what one in a child comes to. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_FAULT_H
#define VCOST_MONITOR_DEPRIVILEGED_FAULT_H

#include "base/address.h"

/* Error codes of page faults (SDM volume 3, 4.7); the last three are also what kind of access it was. */
enum fault_code { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_RESERVED = 8, FAULT_FETCH = 16 };

struct fault_outcome {
    enum {
        FAULT_FILLED, /* goes on; was it a write to memory that is read-only, it is one to a device at `to` */
        FAULT_INJECT, /* the guest's own: error_code, with the address */
        FAULT_DEVICE, /* goes on as a device access; `to` has no memory */
        FAULT_STORE,  /* shadow_sync.h alone: the instruction stores to a page table at `to` */
        FAULT_AGAIN   /* nothing could be done yet: goes on, and faults again */
    } kind;
    unsigned error_code;
    gpa_t to;
};

#endif
