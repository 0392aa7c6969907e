/* What a page fault in a child comes to. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_FAULT_H
#define VCOST_MONITOR_DEPRIVILEGED_FAULT_H

#include "base/address.h"

struct fault_outcome {
    enum {
        FAULT_FILLED, /* goes on; was it a write to memory that is read-only, it is one to a device at `to` */
        FAULT_INJECT, /* the guest's own: error_code, with the address */
        FAULT_DEVICE, /* goes on as a device access; `to` has no memory */
        FAULT_STORE,  /* shadow_sync.h alone: the instruction stores to a page table at `to` */
        FAULT_AGAIN   /* the tables change faster than they can be read: goes on, and faults again */
    } kind;
    unsigned error_code;
    gpa_t to;
};

#endif
