/* The state of a domain as bytes: part by part, each filled up to 8 bytes. */
#include "domain/saved/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct part_header { /* the data follow */
    uint32_t kind, cpu;
    uint64_t bytes;
};

int stored_state_read(const char *bytes, size_t count, struct machine_state *state, struct error *error)
{
    struct part_header part;
    while (count) {
        if (count < sizeof part)
            return error_set(error, EPROTO, "the saved state ends in the middle of a part");
        memcpy(&part, bytes, sizeof part);
        bytes += sizeof part;
        count -= sizeof part;
        if (part.bytes > count || (part.bytes + 7) / 8 * 8 > count)
            return error_set(error, EPROTO, "a part of the saved state is longer than all of it");
        void *data = machine_state_add(state, part.kind, part.cpu, part.bytes, error);
        if (!data)
            return -error->code;
        memcpy(data, bytes, part.bytes);
        bytes += (part.bytes + 7) / 8 * 8;
        count -= (part.bytes + 7) / 8 * 8;
    }
    return 0;
}

size_t stored_state_bytes(const struct machine_state *state)
{
    size_t bytes = 0;
    for (size_t i = 0; i < state->count; i++)
        bytes += sizeof(struct part_header) + (state->parts[i].bytes + 7) / 8 * 8;
    return bytes;
}

char *stored_state_write(const struct machine_state *state)
{
    char *all = calloc(1, stored_state_bytes(state) + 1), *at = all;
    for (size_t i = 0; all && i < state->count; i++) {
        const struct state_part *part = &state->parts[i];
        const struct part_header header = {(uint32_t)part->kind, part->cpu, part->bytes};
        memcpy(at, &header, sizeof header);
        memcpy(at + sizeof header, part->data, part->bytes);
        at += sizeof header + (part->bytes + 7) / 8 * 8;
    }
    return all;
}
