#include "monitor/machine_state.h"

#include <errno.h>

void *machine_state_add(
    struct machine_state *state, unsigned kind, unsigned cpu, size_t bytes, struct error *error)
{
    if (kind == 0 || kind >= STATE_KINDS || !bytes || bytes > STATE_PART_BYTES_MAX ||
        cpu > STATE_OF_MACHINE || state->count == STATE_PARTS_MAX) {
        error_set(error, EPROTO, "a machine's state has no part of kind %u with %zu bytes", kind, bytes);
        return NULL;
    }
    struct state_part *parts =
        pool_grow(&state->pool, state->parts, state->count, &state->room, sizeof *state->parts);
    void *data = pool_room(&state->pool, 1, bytes);
    if (!parts || !data) {
        error_set(error, ENOMEM, "no memory for a machine's state");
        return NULL;
    }
    state->parts = parts;
    parts[state->count++] = (struct state_part){(enum state_kind)kind, cpu, bytes, data};
    return data;
}

const struct state_part *machine_state_find(
    const struct machine_state *state, enum state_kind kind, unsigned cpu)
{
    for (size_t i = 0; i < state->count; i++)
        if (state->parts[i].kind == kind && state->parts[i].cpu == cpu)
            return &state->parts[i];
    return NULL;
}

void machine_state_free(struct machine_state *state)
{
    pool_free(&state->pool);
    *state = (struct machine_state){.count = 0};
}
