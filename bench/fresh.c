#include "fresh.h"

#include "domain/portable/portable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fresh_at_hand(uint64_t bytes)
{
    struct memory memory;
    struct error error;
    if (portable_map_memory(bytes, monitor_at(0), NULL, &memory, &error) < 0) {
        fprintf(stderr, "bench: %s\n", error.text);
        exit(1);
    }
    memset(memory.base, 1, bytes);
    memory_unmap(&memory);
}
