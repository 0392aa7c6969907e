#include "runner/local_site.h"

#include "base/random.h"
#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAYOUT_PIECE = 1 << 20 }; /* elements written between two looks for Ctrl-C */

struct local_site {
    struct site site;
    struct local_site_config config;
    struct watch watch;
    struct memory data; /* of the present placement */
    struct runner *runners[SITE_LANES_MAX];
    const struct monitor_facts *facts[SITE_LANES_MAX];
    workload_function *entry; /* for the shape that is laid out */
    struct chase_layout layout;
    uint64_t cursor[CHASE_CHAINS_MAX];
};

static struct local_site *of(struct site *site)
{
    return (struct local_site *)site;
}

/* ---- a placement ---- */

static int open_lane(struct local_site *here, size_t lane, struct error *error)
{
    struct runner_config config = {
        .image = here->config.image,
        .data = &here->data,
        .guest_page_bytes = here->site.lanes[lane].guest_page_bytes,
        .facts = here->facts[lane],
        .stop = here->config.stop,
    };
    int rc = runner_open(here->site.lanes[lane].type, &config, &here->runners[lane], error);
    return rc < 0 ? rc : runner_touch(here->runners[lane], error);
}

static uint64_t largest_guest_page(const struct site *site)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < site->lane_count; i++)
        if (site->lanes[i].guest_page_bytes > largest)
            largest = site->lanes[i].guest_page_bytes;
    return largest;
}

static int map_data(struct local_site *here, uint64_t bytes, struct error *error)
{
    const struct stop *stop = here->config.stop;
    uint64_t unit = largest_guest_page(&here->site);
    bytes = unit ? (bytes + unit - 1) / unit * unit : bytes;
    struct memory_request request = here->config.memory;
    request.bytes = bytes;
    request.alignment = unit; /* so that the guest's pages line up with addresses */
    int rc = memory_map_request(&here->data, &request, error);
    if (rc == 0)
        rc =
            memory_populate(&here->data, true, stop ? stop->asked : NULL, stop ? stop->context : NULL, error);
    return rc == 0 && here->config.lock ? memory_lock(&here->data, error) : rc;
}

static int local_place(struct site *site, uint64_t bytes, struct error *error)
{
    struct local_site *here = of(site);
    int rc = map_data(here, bytes, error);
    for (size_t lane = 0; rc == 0 && lane < site->lane_count; lane++)
        rc = open_lane(here, lane, error);
    return rc;
}

static void local_clear(struct site *site)
{
    struct local_site *here = of(site);
    for (size_t lane = 0; lane < site->lane_count; lane++) {
        runner_close(here->runners[lane]);
        here->runners[lane] = NULL;
    }
    memory_unmap(&here->data);
}

static int local_proof(struct site *site, size_t lane, struct page_proof *proof, struct error *error)
{
    return site->lanes[lane].type->proof(of(site)->runners[lane], proof, error);
}

/* ---- a list ---- */

/* A random page of the memory, of the order's size, where the list leaves room. The memory starts at a
 * multiple of the largest. */
static char *choose_base(const struct local_site *here, const struct chase_layout *layout, uint64_t *random)
{
    uint64_t room = (here->data.bytes - layout->bytes) / layout->alignment;
    return (char *)here->data.base + random_below(random, room + 1) * layout->alignment;
}

static int write_list(
    const struct local_site *here, const struct chase_layout *layout, char *base, struct error *error)
{
    for (uint64_t first = 0; first < layout->elements; first += LAYOUT_PIECE) {
        uint64_t left = layout->elements - first;
        if (stop_asked(here->config.stop))
            return error_set(error, EINTR, "stopped while a list was laid out");
        chase_layout_write(layout, base, first, left < LAYOUT_PIECE ? left : LAYOUT_PIECE);
    }
    return 0;
}

static int local_lay_out(
    struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    struct local_site *here = of(site);
    struct chase_layout layout = chase_layout_make(shape, random_next(&seed));
    char name[WORKLOAD_NAME_BYTES];
    chase_entry_name(shape, name);
    if (layout.bytes > here->data.bytes)
        return error_set(error, EINVAL, "a list does not fit the memory that was mapped for it");
    char *base = choose_base(here, &layout, &seed);
    int rc = image_find(here->config.image, name, &here->entry, error);
    if (rc < 0 || (rc = write_list(here, &layout, base, error)) < 0)
        return rc;
    here->layout = layout;
    for (unsigned chain = 0; chain < shape->chains; chain++)
        here->cursor[chain] =
            (uintptr_t)base + chase_layout_offset(&layout, chase_layout_start(&layout, chain));
    return 0;
}

static int local_sample(struct site *site, size_t lane, const struct sample_plan *plan, struct sample *sample,
    struct error *error)
{
    struct local_site *here = of(site);
    struct walk walk;
    int rc = runner_walk(here->runners[lane], here->entry, plan, here->cursor, here->layout.shape.chains,
        &here->watch, &walk, error);
    if (rc < 0)
        return rc;
    double ns = clock_ns(here->config.clock, walk.ticks);
    *sample = (struct sample){
        .ns = ns / (double)walk.hops,
        .disturbed = evidence_judge(&walk.evidence),
        .counters = walk.counters,
    };
    return 0;
}

/* ---- the site ---- */

static void local_close(struct site *site)
{
    watch_close(&of(site)->watch);
    free(site);
}

static const struct site_ops local_ops = {
    .place = local_place,
    .lay_out = local_lay_out,
    .sample = local_sample,
    .proof = local_proof,
    .clear = local_clear,
    .close = local_close,
};

int local_site_open(const struct local_site_config *config, struct site **site, struct error *error)
{
    struct local_site *here = calloc(1, sizeof *here);
    if (!here)
        return error_set(error, ENOMEM, "no memory for a site");
    here->site.ops = &local_ops;
    here->site.host_page_bytes = config->memory.page_bytes;
    here->config = *config;
    watch_open(&here->watch, config->cpu);
    *site = &here->site;
    return 0;
}

int local_site_add(struct site *site, const struct runner_type *type, const struct monitor_facts *facts,
    uint64_t guest_page_bytes, struct error *error)
{
    if (site->lane_count == SITE_LANES_MAX)
        return error_set(error, EINVAL, "more than %d runners on one memory", SITE_LANES_MAX);
    of(site)->facts[site->lane_count] = facts;
    struct lane *lane = &site->lanes[site->lane_count++];
    *lane = (struct lane){.type = type, .name = type->name};
    snprintf(lane->label, sizeof lane->label, "%s", type->name);
    if (type->monitor) {
        lane->guest_page_bytes = guest_page_bytes;
        lane->technique = facts->technique;
        monitor_label(facts, type->name, lane->label);
    }
    return 0;
}
