/* What a guest's kernel has asked its monitor for (paravirt.h), so that it need not ask again: entries, the
 * stack for them, the tick, and which page tables are pinned. What is known of each frame is not kept: it is
 * found anew, by the rules by which it was found before. */
#include "monitor/deprivileged/state.h"
#include "monitor/deprivileged/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    HAS_STACK = 1,
    HALTED_CLOSED = 2, /* halted by request, with interrupts disabled but for that */
    TICK_WAITS = 4,
    FLAGS = 7,
    LEVEL_MASK = 7 /* of a pin: the rest is the table's address */
};

/* As it stands in the part, pins behind it (doc/saved-domain.md). */
struct requests {
    uint64_t flags, stack, tick_ns, tick_left_ns;
    struct hypercall_entries entries;
    uint64_t pins;
};
enum { PINS_MAX = (STATE_PART_BYTES_MAX - sizeof(struct requests)) / sizeof(uint64_t) };

/* ---- out ---- */

int state_take_requests(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct paravirt *paravirt = vcpu->vm->paravirt;
    const struct apic *apic = &vcpu->apic;
    const uint64_t now = waker_now();
    struct frame_pins pins;
    int rc = paravirt ? frames_pins(&paravirt->hypercalls.frames, &pins, error) : 0;
    if (rc < 0 || !paravirt)
        return rc;
    struct requests *requests = NULL;
    if (pins.count > PINS_MAX)
        error_set(error, ENOTSUP,
            "the guest's kernel has pinned %zu page tables, and at most %d can be saved: its processes' are "
            "too many",
            pins.count, PINS_MAX);
    else
        requests =
            state_add(vcpu, state, STATE_REQUESTS, sizeof *requests + pins.count * sizeof(uint64_t), error);
    if (requests) {
        uint64_t *pin = (uint64_t *)(requests + 1);
        const bool ticks = apic->by_request && apic->initial;
        const uint64_t due = apic->deadline > now ? apic->deadline - now : 0;
        *requests = (struct requests){.stack = paravirt->stack,
            .flags = (paravirt->has_stack ? HAS_STACK : 0) | (vcpu->halted_closed ? HALTED_CLOSED : 0) |
                     (ticks && (apic->waiting || !due) ? TICK_WAITS : 0),
            .tick_ns = ticks ? apic->initial : 0,
            .tick_left_ns = ticks ? due : 0,
            .entries = paravirt->entries,
            .pins = pins.count};
        for (size_t i = 0; i < pins.count; i++)
            pin[i] = pins.list[i].table.value | pins.list[i].level;
    }
    free(pins.list);
    return requests ? 0 : -error->code;
}

/* ---- in ---- */

void state_drop_requests(struct vcpu *vcpu)
{
    vcpu_seize(vcpu);
    paravirt_close(vcpu->vm->paravirt);
    vcpu->vm->paravirt = NULL;
    vcpu_let_go(vcpu);
}

/* As the guest itself would have been answered, had it asked for this (hypercalls.c). */
static bool may_be(const struct requests *requests)
{
    bool good = requests->flags <= FLAGS && requests->stack % 16 == 0 &&
                address_is_canonical(requests->stack) && requests->tick_left_ns <= requests->tick_ns &&
                (!requests->tick_ns ||
                    (requests->tick_ns >= HYPERCALL_TICK_MIN && requests->tick_ns <= HYPERCALL_TICK_MAX));
    for (int i = 0; good && i < HYPERCALL_ENTRY_COUNT; i++)
        good = address_is_canonical(requests->entries.entry[i]);
    return good;
}

static void set_tick(struct vcpu *vcpu, const struct requests *requests)
{
    const uint64_t now = waker_now();
    if (!requests->tick_ns)
        return;
    vcpu->apic.present = true;
    apic_tick(&vcpu->apic, requests->tick_ns, now);
    vcpu->apic.waiting = requests->flags & TICK_WAITS;
    if (requests->tick_left_ns)
        vcpu->apic.deadline = now + requests->tick_left_ns;
}

static int validate(
    struct vcpu *vcpu, const struct requests *requests, const uint64_t *pin, struct error *error)
{
    struct frame_pins pins = {calloc(requests->pins + 1, sizeof *pins.list), requests->pins};
    if (!pins.list)
        return error_set(error, ENOMEM, "no memory for what a guest has asked for");
    for (size_t i = 0; i < pins.count; i++)
        pins.list[i] =
            (struct frame_pin){GPA(pin[i] & ~(uint64_t)LEVEL_MASK), (unsigned)(pin[i] & LEVEL_MASK)};
    vcpu_seize(vcpu);
    struct paravirt *paravirt = vcpu->vm->paravirt = paravirt_open(vcpu, &pins, error);
    vcpu_let_go(vcpu);
    free(pins.list);
    if (!paravirt)
        return error->code == ENOMEM
                   ? -ENOMEM
                   : error_prefix(error, "the page tables of the guest's kernel are refused");
    paravirt->entries = requests->entries;
    paravirt->stack = requests->stack;
    paravirt->has_stack = requests->flags & HAS_STACK;
    return 0;
}

int state_put_requests(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    const struct state_part *part = machine_state_find(state, STATE_REQUESTS, vcpu->id);
    struct requests requests;
    if (!part)
        return 0;
    if (!vcpu->vm->eager)
        return error_set(error, ENOTSUP,
            "the guest's kernel asks its monitor to change its page tables, which %s does not: it goes on on "
            "paravirt only",
            vcpu->vm->ops->name);
    const size_t pins =
        part->bytes < sizeof requests ? 0 : (part->bytes - sizeof requests) / sizeof(uint64_t);
    if (part->bytes != sizeof requests + pins * sizeof(uint64_t))
        return error_set(error, EPROTO, "what the guest's kernel has asked for is cut off");
    memcpy(&requests, part->data, sizeof requests);
    if (requests.pins != pins || !may_be(&requests))
        return error_set(error, EPROTO, "what the guest's kernel has asked for cannot be");
    int rc = validate(vcpu, &requests, (const uint64_t *)((const char *)part->data + sizeof requests), error);
    if (rc < 0)
        return rc;
    set_tick(vcpu, &requests);
    vcpu->halted_closed = vcpu->halted && requests.flags & HALTED_CLOSED;
    return interrupts_set_waker(vcpu, error);
}
