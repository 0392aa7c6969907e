/* The part of a local APIC that gives a guest its tick: in x2APIC mode, the timer, and the interrupt that
 * waits or is being served (SDM volume 3, 10.4.7, 10.5.4, 10.8, 10.12). As data: the time is handed in, in ns
 * of a clock that only goes forward. The timer counts at 1 GHz. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_APIC_H
#define VCOST_MONITOR_DEPRIVILEGED_APIC_H

#include <stdbool.h>
#include <stdint.h>

struct apic {
    bool present;
    uint64_t base;     /* IA32_APIC_BASE */
    uint32_t spurious; /* what its registers hold */
    uint32_t timer, divide;
    uint64_t initial;
    uint64_t deadline; /* when the timer reaches 0; 0: it does not count */
    bool waiting;      /* an interrupt of before the timer was set anew is still to be taken */
    bool served;       /* one was taken and not ended (EOI): no other comes */
    bool by_request;   /* the tick is apic_tick()'s, and needs no end */
};

void apic_reset(struct apic *apic, bool present);

/* A model-specific register. False: it is none of the APIC's, or does not take this: #GP. */
bool apic_read(const struct apic *apic, uint32_t number, uint64_t now, uint64_t *value);
bool apic_write(struct apic *apic, uint32_t number, uint64_t value, uint64_t now);

/* A tick every so many ns from now on, without any of those registers; 0: none. */
void apic_tick(struct apic *apic, uint64_t ns, uint64_t now);

/* Whether there is, at this time, an interrupt that could be taken. */
bool apic_is_due(const struct apic *apic, uint64_t now);
/* Takes it: the vector; of apic_tick() 0. To be called when it is due. */
unsigned apic_take(struct apic *apic, uint64_t now);

/* Its registers as KVM has them in memory (kvm_lapic_state: SDM volume 3, table 10-1), and back; the time
 * that is left runs on from `now`. */
enum { APIC_PAGE_BYTES = 1024 };
void apic_save(const struct apic *apic, uint64_t now, char page[static APIC_PAGE_BYTES]);
void apic_restore(struct apic *apic, uint64_t base, const char page[static APIC_PAGE_BYTES], uint64_t now);

/* When one is due next that is not yet; 0: never. */
uint64_t apic_next(const struct apic *apic);

#endif
