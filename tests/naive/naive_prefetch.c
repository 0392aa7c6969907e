#include "naive_prefetch.h"

#include <assert.h>
#include <string.h>

void naive_prefetch_begin(
    struct naive_prefetch *prefetch, const struct naive_file *machine, const struct naive_reach *reach)
{
    memset(prefetch, 0, sizeof *prefetch);
    prefetch->machine = machine;
    prefetch->reach = *reach;
    for (unsigned i = 0; i < NAIVE_MOST; i++)
        prefetch->of[i].page = UINT64_MAX;
}

static uint64_t arrival(const struct naive_prefetch *prefetch, uint64_t line)
{
    uint64_t latest = 0;
    for (unsigned i = 0; i < prefetch->flight_count && i < NAIVE_FLIGHTS; i++)
        if (prefetch->flights[i].line == line && prefetch->flights[i].arrives > latest)
            latest = prefetch->flights[i].arrives;
    return naive_defect == PREFETCHES_COME_AT_ONCE ? 0 : latest;
}

static bool is_full(const struct naive_prefetch *prefetch, unsigned which, uint64_t now)
{
    unsigned flying = 0;
    for (unsigned i = 0; i < prefetch->flight_count && i < NAIVE_FLIGHTS; i++)
        flying += prefetch->flights[i].prefetcher == which && prefetch->flights[i].arrives > now;
    return flying >= prefetch->machine->prefetchers[which].in_flight &&
           naive_defect != PREFETCHES_HAVE_NO_LIMIT;
}

static bool fetch(struct naive_prefetch *prefetch, unsigned which, uint64_t line, uint64_t now)
{
    uint64_t cycles;
    if (is_full(prefetch, which, now))
        return false;
    if (!prefetch->near || prefetch->near_page != line / 64) {
        prefetch->near_page = line / 64;
        prefetch->near =
            prefetch->reach.find(prefetch->reach.context, line / 64 * 4096, &prefetch->near_physical);
    }
    if (!prefetch->near)
        return false;
    uint64_t physical = prefetch->near_physical + line % 64 * 64;
    unsigned fills = prefetch->machine->prefetchers[which].fills;
    if (prefetch->reach.bring(prefetch->reach.context, physical, fills, &cycles) == fills)
        return true;
    uint64_t arrives = arrival(prefetch, physical / 64);
    struct naive_flight flight = {which, physical / 64, arrives > now + cycles ? arrives : now + cycles};
    prefetch->flights[prefetch->flight_count++ % NAIVE_FLIGHTS] = flight;
    prefetch->fetched++;
    return true;
}

/* ---- streams ---- */

static int64_t difference(const struct naive_slot *slot, unsigned back)
{
    return (int64_t)(slot->lines[slot->count - back] - slot->lines[slot->count - back - 1]);
}

/* How many of the last steps are alike and short enough. */
static unsigned run(const struct naive_slot *slot, unsigned distance)
{
    unsigned steps = 0;
    while (steps + 1 < slot->count && difference(slot, steps + 1) == difference(slot, 1))
        steps++;
    return steps && difference(slot, 1) <= (int64_t)distance && -difference(slot, 1) <= (int64_t)distance
               ? steps
               : 0;
}

static void see(struct naive_slot *slot, uint64_t line)
{
    if (slot->count == NAIVE_HISTORY)
        memmove(slot->lines, slot->lines + 1, --slot->count * sizeof slot->lines[0]);
    slot->lines[slot->count++] = line;
}

/* The stream of a neighbouring page leads right here. */
static bool leads_here(const struct naive_slot *slot, uint64_t page, unsigned distance, uint64_t line)
{
    return slot->used && slot->page == page && run(slot, distance) &&
           slot->lines[slot->count - 1] + (uint64_t)difference(slot, 1) == line;
}

static struct naive_slot *slot_of(struct naive_prefetch *prefetch, unsigned which, uint64_t line)
{
    const struct naive_prefetcher *is = &prefetch->machine->prefetchers[which];
    struct naive_slot *slots = prefetch->of[which].slots;
    uint64_t page = line / 64;
    assert(is->trackers <= NAIVE_SLOTS);
    struct naive_slot *slot = &slots[page % is->trackers], *below = &slots[(page - 1) % is->trackers],
                      *above = &slots[(page + 1) % is->trackers], begun = {.used = false};
    if (slot->used && slot->page == page)
        return slot;
    if (leads_here(above, page + 1, is->distance, line))
        begun = *above;
    else if (leads_here(below, page - 1, is->distance, line))
        begun = *below;
    begun.used = true;
    begun.page = page;
    if (begun.count == 0)
        see(&begun, line);
    *slot = begun;
    return slot;
}

static void stream(struct naive_prefetch *prefetch, unsigned which, uint64_t line, uint64_t now)
{
    const struct naive_prefetcher *is = &prefetch->machine->prefetchers[which];
    struct naive_slot *slot = slot_of(prefetch, which, line);
    if (slot->lines[slot->count - 1] == line)
        return;
    see(slot, line);
    unsigned steps = run(slot, is->distance);
    int64_t step = difference(slot, 1);
    bool passed = step > 0 ? slot->next <= line : slot->next >= line;
    if (steps <= 1 || passed)
        slot->next = line + (uint64_t)step;
    if (steps == 0 || (steps < is->after && naive_defect != STREAMS_NEED_NO_STEPS))
        return;
    while (slot->next != line + (uint64_t)(step * ((int64_t)is->ahead + 1))) {
        bool elsewhere = slot->next / 64 != line / 64;
        if (elsewhere && (!is->crosses || naive_defect == STREAMS_END_WITH_THE_PAGE))
            return;
        if (!fetch(prefetch, which, slot->next, now))
            return;
        slot->next += (uint64_t)step;
    }
}

/* ---- regions ---- */

static void use(struct naive_seen *seen, uint64_t line)
{
    if (seen->page != line / 64) {
        seen->before = 0;
        for (unsigned i = 0; i < 64; i++)
            seen->before += seen->touched[i];
        memset(seen->touched, 0, sizeof seen->touched);
        seen->page = line / 64;
    }
    seen->touched[line % 64] = true;
}

static void region(struct naive_prefetch *prefetch, unsigned which, uint64_t line, uint64_t now)
{
    const struct naive_prefetcher *is = &prefetch->machine->prefetchers[which];
    if (prefetch->of[which].before < is->after && naive_defect != REGIONS_NEED_NO_USE)
        return;
    for (uint64_t away = 1; away < 64; away++) {
        if (away <= is->ahead && (line + away) / 64 == line / 64)
            fetch(prefetch, which, line + away, now);
        if (away <= is->behind && (line - away) / 64 == line / 64 && naive_defect != REGIONS_HAVE_NO_BELOW)
            fetch(prefetch, which, line - away, now);
    }
}

uint64_t naive_prefetch_after(struct naive_prefetch *prefetch, uint64_t address, uint64_t physical,
    unsigned level, uint64_t cycles, uint64_t now)
{
    uint64_t line = address / 64, arrives = arrival(prefetch, physical / 64);
    prefetch->near = true;
    prefetch->near_page = line / 64;
    prefetch->near_physical = physical / 4096 * 4096;
    for (unsigned i = 0; i < prefetch->machine->prefetcher_count; i++) {
        const struct naive_prefetcher *is = &prefetch->machine->prefetchers[i];
        if (is->region)
            use(&prefetch->of[i], line);
        if (level > is->misses && is->region)
            region(prefetch, i, line, now);
        else if (level > is->misses)
            stream(prefetch, i, line, now);
    }
    return arrives > now + cycles ? arrives - now - cycles : 0;
}
