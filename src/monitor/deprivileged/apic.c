#include "monitor/deprivileged/apic.h"

#include <string.h>

enum {
    MSR_BASE = 0x1b,
    MSR_VERSION = 0x803,
    MSR_PRIORITY = 0x808,
    MSR_END = 0x80b,
    MSR_SPURIOUS = 0x80f,
    MSR_TIMER = 0x832,
    MSR_INITIAL = 0x838,
    MSR_CURRENT = 0x839,
    MSR_DIVIDE = 0x83e,
};

#define BASE_INITIAL UINT64_C(0xfee00900) /* where it would be in memory; enabled, of the first CPU */
#define BASE_ENABLED (UINT64_C(1) << 11)
#define BASE_X2APIC (UINT64_C(1) << 10)
#define SPURIOUS_ENABLED (UINT32_C(1) << 8)
#define TIMER_MASKED (UINT32_C(1) << 16)
#define TIMER_PERIODIC (UINT32_C(1) << 17)
#define TIMER_BITS (UINT64_C(0xff) | TIMER_MASKED | TIMER_PERIODIC)
enum { VERSION = 0x50014, FIRST_VECTOR = 16 };

void apic_reset(struct apic *apic, bool present)
{
    *apic = (struct apic){.present = present, .base = BASE_INITIAL, .spurious = 0xff, .timer = TIMER_MASKED};
}

/* SDM volume 3, figure 10-10: bits 0, 1 and 3 are the logarithm of a half of it. */
static unsigned divisor(const struct apic *apic)
{
    unsigned code = (apic->divide & 3) | (apic->divide >> 1 & 4);
    return code == 7 ? 1 : 2u << code;
}

static uint64_t period(const struct apic *apic)
{
    return apic->by_request ? apic->initial : apic->initial * divisor(apic);
}

static bool is_periodic(const struct apic *apic)
{
    return apic->by_request || apic->timer & TIMER_PERIODIC;
}

static bool is_on(const struct apic *apic)
{
    return apic->present &&
           (apic->by_request || (apic->base & BASE_X2APIC && apic->spurious & SPURIOUS_ENABLED));
}

static bool has_expired(const struct apic *apic, uint64_t now)
{
    return apic->deadline && now >= apic->deadline;
}

static bool is_wanted(const struct apic *apic)
{
    return apic->by_request || (!(apic->timer & TIMER_MASKED) && (apic->timer & 0xff) >= FIRST_VECTOR);
}

/* Until the next time it reaches 0. */
static uint64_t counts_left(const struct apic *apic, uint64_t now)
{
    if (!apic->deadline)
        return 0;
    uint64_t left = apic->deadline > now ? apic->deadline - now : 0;
    if (!left && is_periodic(apic) && period(apic))
        left = period(apic) - (now - apic->deadline) % period(apic);
    return left / divisor(apic);
}

/* ---- registers ---- */

bool apic_read(const struct apic *apic, uint32_t number, uint64_t now, uint64_t *value)
{
    if (number == MSR_BASE) { /* every CPU has this one */
        *value = apic->present ? apic->base : apic->base & ~BASE_ENABLED;
        return true;
    }
    if (!apic->present || !(apic->base & BASE_X2APIC))
        return false;
    switch (number) {
    case MSR_VERSION:
        *value = VERSION;
        return true;
    case MSR_PRIORITY:
        *value = 0;
        return true;
    case MSR_SPURIOUS:
        *value = apic->spurious;
        return true;
    case MSR_TIMER:
        *value = apic->timer;
        return true;
    case MSR_INITIAL:
        *value = apic->initial;
        return true;
    case MSR_CURRENT:
        *value = counts_left(apic, now);
        return true;
    case MSR_DIVIDE:
        *value = apic->divide;
        return true;
    default:
        return false;
    }
}

static void start_timer(struct apic *apic, uint64_t now)
{
    apic->waiting |= has_expired(apic, now) && is_wanted(apic);
    apic->deadline = apic->initial ? now + period(apic) : 0;
}

/* x2APIC mode is not left again. */
static bool write_base(struct apic *apic, uint64_t value)
{
    if ((value | BASE_X2APIC) != (BASE_INITIAL | BASE_X2APIC) || apic->base & ~value)
        return false;
    apic->base = value;
    return true;
}

static bool write_timer(struct apic *apic, uint64_t value)
{
    if (value & ~TIMER_BITS)
        return false;
    apic->timer = (uint32_t)value;
    return true;
}

bool apic_write(struct apic *apic, uint32_t number, uint64_t value, uint64_t now)
{
    if (!apic->present || (number != MSR_BASE && (!(apic->base & BASE_X2APIC) || value >> 32)))
        return false;
    switch (number) {
    case MSR_BASE:
        return write_base(apic, value);
    case MSR_END:
        apic->served = false;
        return !value;
    case MSR_SPURIOUS:
        apic->spurious = (uint32_t)value & (0xff | SPURIOUS_ENABLED);
        return true;
    case MSR_TIMER:
        return write_timer(apic, value);
    case MSR_INITIAL:
        apic->initial = (uint32_t)value;
        start_timer(apic, now);
        return true;
    case MSR_DIVIDE:
        apic->divide = (uint32_t)value & 0xb;
        start_timer(apic, now);
        return true;
    default:
        return false;
    }
}

void apic_tick(struct apic *apic, uint64_t ns, uint64_t now)
{
    apic->by_request = ns != 0;
    apic->waiting = apic->served = false;
    apic->initial = ns;
    apic->deadline = ns ? now + ns : 0;
}

/* ---- all of it ---- */

/* SDM volume 3, table 10-1. */
enum {
    PAGE_VERSION = 0x30,
    PAGE_SPURIOUS = 0xf0,
    PAGE_SERVED = 0x100,  /* a bit for each vector, 32 in each 16 bytes */
    PAGE_WAITING = 0x200, /* the same */
    PAGE_TIMER = 0x320,
    PAGE_OTHERS = 0x330, /* other local interrupts, of which this APIC has none: masked */
    PAGE_OTHERS_END = 0x380,
    PAGE_INITIAL = 0x380,
    PAGE_CURRENT = 0x390,
    PAGE_DIVIDE = 0x3e0
};

static uint32_t page_get(const char *page, unsigned offset)
{
    uint32_t value;
    memcpy(&value, page + offset, sizeof value);
    return value;
}

static void page_set(char *page, unsigned offset, uint32_t value)
{
    memcpy(page + offset, &value, sizeof value);
}

static unsigned page_of_vector(unsigned first, uint32_t vector)
{
    return first + (vector & 0xff) / 32 * 16;
}

void apic_save(const struct apic *apic, uint64_t now, char page[static APIC_PAGE_BYTES])
{
    const uint32_t bit = UINT32_C(1) << (apic->timer & 31);
    memset(page, 0, APIC_PAGE_BYTES);
    page_set(page, PAGE_VERSION, VERSION);
    page_set(page, PAGE_SPURIOUS, apic->spurious);
    page_set(page, PAGE_TIMER, apic->timer);
    for (unsigned at = PAGE_OTHERS; at < PAGE_OTHERS_END; at += 16)
        page_set(page, at, TIMER_MASKED);
    page_set(page, PAGE_INITIAL, (uint32_t)apic->initial);
    page_set(page, PAGE_CURRENT, (uint32_t)counts_left(apic, now));
    page_set(page, PAGE_DIVIDE, apic->divide);
    if (apic->served)
        page_set(page, page_of_vector(PAGE_SERVED, apic->timer), bit);
    if (apic->waiting || (has_expired(apic, now) && is_wanted(apic)))
        page_set(page, page_of_vector(PAGE_WAITING, apic->timer), bit);
}

void apic_restore(struct apic *apic, uint64_t base, const char page[static APIC_PAGE_BYTES], uint64_t now)
{
    const uint32_t timer = page_get(page, PAGE_TIMER) & (uint32_t)TIMER_BITS, bit = UINT32_C(1)
                                                                                    << (timer & 31);
    apic_reset(apic, apic->present);
    apic->base = BASE_INITIAL | (base & BASE_X2APIC);
    apic->spurious = page_get(page, PAGE_SPURIOUS) & (0xff | SPURIOUS_ENABLED);
    apic->timer = timer;
    apic->initial = page_get(page, PAGE_INITIAL);
    apic->divide = page_get(page, PAGE_DIVIDE) & 0xb;
    uint64_t left = (uint64_t)page_get(page, PAGE_CURRENT) * divisor(apic);
    apic->deadline = left ? now + left : 0;
    apic->served = page_get(page, page_of_vector(PAGE_SERVED, timer)) & bit;
    apic->waiting = page_get(page, page_of_vector(PAGE_WAITING, timer)) & bit;
}

/* ---- interrupts ---- */

bool apic_is_due(const struct apic *apic, uint64_t now)
{
    return is_on(apic) && !apic->served && (apic->waiting || (has_expired(apic, now) && is_wanted(apic)));
}

/* The next time after now; those that were missed are one. */
static void go_on(struct apic *apic, uint64_t now)
{
    uint64_t each = period(apic);
    apic->deadline = is_periodic(apic) && each ? now + each - (now - apic->deadline) % each : 0;
}

unsigned apic_take(struct apic *apic, uint64_t now)
{
    if (has_expired(apic, now))
        go_on(apic, now);
    apic->waiting = false;
    apic->served = !apic->by_request;
    return apic->by_request ? 0 : apic->timer & 0xff;
}

uint64_t apic_next(const struct apic *apic)
{
    return is_on(apic) && is_wanted(apic) ? apic->deadline : 0;
}
