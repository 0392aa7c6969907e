#include "domain/served/placed.h"

#include "base/size.h"
#include "host/effect.h"
#include "host/numa_maps.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void tell_nodes(const struct portable *portable, char *text, size_t bytes)
{
    static struct numa_maps maps; /* large; one thread serves */
    const uint64_t start = (uintptr_t)portable_memory(portable);
    if (numa_maps_look(start, portable_plan(portable)->memory_bytes, &maps) < 0) {
        snprintf(text, bytes, "not told by this kernel");
        return;
    }
    for (unsigned node = 0; node < NUMA_NODES_MAX; node++) {
        char size[SIZE_TEXT_BYTES];
        size_t used = strlen(text);
        if (!maps.node_bytes[node])
            continue;
        size_text(maps.node_bytes[node], size);
        snprintf(text + used, bytes - used, "%s%s on node %u", used ? ", " : "", size, node);
    }
}

void served_place(const struct served *served, struct domain_report *report)
{
    uint64_t kib;
    report->locked_bytes = NAN;
    if (served->wish.locked && effect_held_memory(&kib, NULL) == 0)
        report->locked_bytes = (double)kib * KIB;
    if (!numa_nodes_none(&served->wish.nodes))
        tell_nodes(served->portable, report->nodes, sizeof report->nodes);
}
