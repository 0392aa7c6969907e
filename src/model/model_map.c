/* Making the tables of a model: what a kernel and a monitor do before anything runs, uncharged. */
#include "model/internal.h"

#include <errno.h>
#include <stdlib.h>

enum { STOP_EVERY = 1024 }; /* pages */

static const unsigned all_rights = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_USER;

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct page_leaf leaf_at(const struct page_tables *tables, uint64_t address)
{
    struct page_walk walk;
    page_tables_walk(tables, GVA(address), &walk);
    return walk.leaf;
}

int model_back(struct model *model, uint64_t physical, struct error *error)
{
    uint64_t bytes = model->config.host_page, frame;
    if (leaf_at(&model->now->host, physical).bytes)
        return 0;
    int rc = ground_take(&model->host_ground, bytes, &frame, error);
    return rc < 0 ? rc
                  : page_tables_map(&model->now->host, GVA(physical & -bytes), GPA(frame), bytes, bytes,
                        all_rights, error);
}

int model_combine(struct model *model, uint64_t address, struct error *error)
{
    struct page_leaf guest = leaf_at(&model->now->guest, address);
    uint64_t physical = guest.to.value + address - guest.from.value;
    struct page_leaf host = leaf_at(&model->now->host, physical);
    uint64_t bytes = smaller(guest.bytes, host.bytes);
    if (!bytes)
        return error_set(error, EFAULT, "nothing is mapped there");
    gva_t from = GVA(address & -bytes);
    if (leaf_at(&model->now->walked, address).bytes)
        return 0;
    gpa_t to = GPA((host.to.value + physical - host.from.value) & -bytes);
    int rc = page_tables_show(&model->now->walked, from, bytes, error);
    uint64_t *entry = rc == 0 ? model_leaf_entry(&model->now->walked, address) : NULL;
    if (entry) /* the frame may be another one by now */
        *entry = (*entry & ~page_address_mask) | to.value;
    return rc < 0 || entry ? rc
                           : page_tables_map(&model->now->walked, from, to, bytes, bytes, all_rights, error);
}

/* The guest's page at an address, and what the host has for it. */
static int map_in_guest(struct model *model, uint64_t address, struct error *error)
{
    uint64_t bytes = model->config.guest_page, step = smaller(bytes, model->config.host_page), frame;
    int rc = ground_take(&model->now->guest_ground, bytes, &frame, error);
    if (rc == 0)
        rc = page_tables_map(&model->now->guest, GVA(address), GPA(frame), bytes, bytes, all_rights, error);
    for (uint64_t done = 0; rc == 0 && !model->config.fresh && done < bytes; done += step) {
        rc = model_back(model, frame + done, error);
        if (rc == 0 && model_combines(model))
            rc = model_combine(model, address + done, error);
    }
    return rc;
}

static int map_native(struct model *model, uint64_t address, struct error *error)
{
    uint64_t bytes = model->config.guest_page, frame;
    int rc = ground_take(&model->host_ground, bytes, &frame, error);
    return rc < 0 ? rc
                  : page_tables_map(
                        &model->now->walked, GVA(address), GPA(frame), bytes, bytes, all_rights, error);
}

/* Of a host's tables that have more levels than are walked: those above have one entry that is used, the
 * first. */
static void begin_lower(struct walk_dimension *walk, unsigned levels)
{
    for (; walk->levels > levels; walk->levels--) {
        uint64_t below = ground_read(walk->ground, walk->root.address) & page_address_mask;
        walk->root = (struct walk_table){below, ground_table_number(walk->ground, below)};
    }
}

/* The guest's tables are memory like any other; those of before are there already. */
static int back_tables(struct model *model, struct error *error)
{
    struct model_domain *domain = model->now;
    int rc = 0;
    for (uint64_t n = 0; rc == 0 && n < domain->guest_ground.taken[ZONE_TABLES]; n++)
        rc = model_back(model, ground_frame(&domain->guest_ground, ZONE_TABLES, n), error);
    if (rc == 0)
        begin_lower(&domain->host_walk, model_host_levels(model->machine));
    return rc;
}

int model_make_states(struct model *model, struct error *error)
{
    size_t count = model->now->guest_ground.table_count + 1;
    unsigned char *states = reallocarray(model->now->states, count, sizeof *states);
    model->now->states = states ? states : model->now->states;
    uint32_t *numbers = reallocarray(model->now->out_of_sync, count, sizeof *numbers);
    model->now->out_of_sync = numbers ? numbers : model->now->out_of_sync;
    struct nested_table *nested = reallocarray(model->now->nested, count, sizeof *nested);
    model->now->nested = nested ? nested : model->now->nested;
    if (!states || !numbers || !nested)
        return error_set(error, ENOMEM, "no memory for a simulated machine");
    for (; model->now->state_count < count; model->now->state_count++)
        states[model->now->state_count] = TABLE_GUARDED;
    return 0;
}

int model_map(struct model *model, gva_t from, uint64_t bytes, const struct stop *stop, struct error *error)
{
    uint64_t page = model->config.guest_page, pages = bytes / page;
    struct model_domain *domain = model->now;
    bool native = model->config.technique == MODEL_NATIVE;
    int rc = (from.value | bytes) % page ? error_set(error, EINVAL, "no whole pages are to be mapped") : 0;
    for (uint64_t i = 0; rc == 0 && i < pages; i++) {
        if (i % STOP_EVERY == 0 && stop_asked(stop))
            rc = error_set(error, EINTR, "%s", stop_reason(stop));
        else
            rc = (native ? map_native : map_in_guest)(model, from.value + i * page, error);
    }
    if (rc == 0 && !native)
        rc = back_tables(model, error);
    domain->from = rc == 0 ? from.value : domain->from;
    domain->pages = rc == 0 ? pages : domain->pages;
    return rc == 0 && !native ? model_make_states(model, error) : rc;
}
