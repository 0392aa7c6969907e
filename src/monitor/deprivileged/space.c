/* Address spaces of a guest as children have them: two for each root, one that has what CPL 0 may touch, one
 * for CPL 3. What they have mapped is a cache of the guest's tables, as a TLB is: it may be thrown away at
 * any time, and what has become wrong must be when the guest says so (INVLPG, a new CR3). */
#include "monitor/deprivileged/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>

enum {
    PAGE_BYTES = 4096,
    CHANGES = 512, /* handed to a child at once: all the entries of a table */
    TABLES_MAX = 1 << 16,
};

/* ---- changes of a child, runs made as long as they can be ---- */

int space_change(struct vcpu *vcpu, struct child *child, const struct child_change *list, size_t count,
    struct error *error)
{
    const uint64_t start = waker_now();
    struct child_counts before, after;
    child_counts(child, &before);
    int rc = child_change(child, list, count, error);
    child_counts(child, &after);
    tally(vcpu, TALLY_MAPPING_NS, waker_now() - start);
    tally(vcpu, TALLY_PAGES_TORN, after.torn - before.torn);
    tally(vcpu, TALLY_DROPS, after.drops - before.drops);
    if (after.drops != before.drops && vcpu->vm->shadow)
        shadow_unfilled(vcpu->vm->shadow);
    return rc;
}

struct batch {
    struct vcpu *vcpu;
    struct child *child;
    bool user; /* it is one for CPL 3 */
    size_t count;
    uint64_t pages;
    struct child_change list[CHANGES];
};

/* Without touching the list, which is long. */
static void batch_start(struct batch *batch, struct vcpu *vcpu, const struct space *space, bool user)
{
    batch->vcpu = vcpu;
    batch->child = user ? space->user : space->kernel;
    batch->user = user;
    batch->count = batch->pages = 0;
}

static int flush_batch(struct batch *batch, struct error *error)
{
    int rc = batch->count ? space_change(batch->vcpu, batch->child, batch->list, batch->count, error) : 0;
    batch->vcpu->changes++;
    if (rc == 0)
        tally(batch->vcpu, TALLY_PAGES_FILLED, batch->pages);
    batch->count = batch->pages = 0;
    return rc;
}

/* The number of a region's memory in the family. */
static int memory_number(struct vcpu *vcpu, const struct guest_region *region, struct error *error)
{
    int *known = &vcpu->known[region->slot];
    if (*known < 0)
        *known = children_memory(vcpu->family, region->backing.descriptor, error);
    return *known;
}

/* Linux maps a large page of the memory by one entry where a whole one is mapped at once. Where the guest's
 * own tables have small leaves, a CPU that walked them would not see it: so the first page of each is by
 * itself. */
static bool may_join(
    const struct guest_region *region, const struct child_change *last, uint64_t virtual, uint64_t leaf_bytes)
{
    bool keeps_small = leaf_bytes == PAGE_BYTES && region->backing.page_bytes > PAGE_BYTES;
    return !keeps_small || (virtual % LARGE_BYTES != 0 && last->start % LARGE_BYTES != 0);
}

static int add_run(struct batch *batch, const struct guest_region *region, uint64_t virtual, uint64_t offset,
    uint64_t bytes, unsigned rights, uint64_t leaf_bytes, struct error *error)
{
    struct child_change *last = batch->count ? &batch->list[batch->count - 1] : NULL;
    int rc = 0, number = memory_number(batch->vcpu, region, error);
    if (number < 0)
        return number;
    batch->pages += bytes / PAGE_BYTES;
    offset += region->backing.offset;
    if (last && last->kind == CHILD_MAP && last->start + last->bytes == virtual &&
        last->offset + last->bytes == offset && last->rights == rights && last->memory == (uint32_t)number &&
        may_join(region, last, virtual, leaf_bytes)) {
        last->bytes += bytes;
        return 0;
    }
    if (batch->count == CHANGES)
        rc = flush_batch(batch, error);
    if (rc == 0)
        batch->list[batch->count++] = (struct child_change){.kind = CHILD_MAP,
            .rights = rights,
            .start = virtual,
            .bytes = bytes,
            .offset = offset,
            .memory = (uint32_t)number,
            .populate = true};
    return rc;
}

/* What a child may do with a page: nothing before it is accessed, and no write before it is dirty, so that
 * these bits are set when they must be. */
static unsigned child_rights(
    const struct batch *batch, const struct guest_region *region, const struct page_leaf *leaf)
{
    const bool protects = batch->user || batch->vcpu->machine.system.cr0 & CR0_WRITE_PROTECT;
    if (!leaf->accessed || (batch->user && !(leaf->rights & PAGE_USER)))
        return 0;
    bool writes =
        leaf->dirty && (leaf->rights & PAGE_WRITE || !protects) && !(region->flags & REGION_READ_ONLY);
    return CHILD_READ | (writes ? CHILD_WRITE : 0) | (leaf->rights & PAGE_EXECUTE ? CHILD_EXECUTE : 0);
}

/* Adds of a leaf what lies in [from, end), in memory and where a child can have something. */
static int add_leaf(
    struct batch *batch, const struct page_leaf *leaf, uint64_t from, uint64_t end, struct error *error)
{
    const struct guest_memory *memory = batch->vcpu->machine.memory;
    uint64_t low = leaf->from.value > from ? leaf->from.value : from;
    uint64_t high = leaf->from.value + leaf->bytes < end ? leaf->from.value + leaf->bytes : end;
    low = low > CHILD_BOTTOM ? low : CHILD_BOTTOM;
    high = high < CHILD_TOP ? high : CHILD_TOP;
    int rc = 0;
    for (size_t i = 0; rc == 0 && low < high && i < memory->count; i++) {
        const struct guest_region *region = &memory->list[i];
        uint64_t physical = leaf->to.value + (low - leaf->from.value);
        uint64_t start = region->start.value > physical ? region->start.value : physical;
        uint64_t stop = region->start.value + region->backing.bytes;
        stop = stop < physical + (high - low) ? stop : physical + (high - low);
        const unsigned rights = child_rights(batch, region, leaf);
        for (uint64_t bytes; rc == 0 && rights && start < stop; start += bytes) {
            bool writes = true;
            bytes = region->flags & REGION_LOG_DIRTY
                        ? write_log_alike(&batch->vcpu->vm->log, GPA(start), stop - start, &writes)
                        : stop - start;
            rc = add_run(batch, region, low + (start - physical), start - region->start.value, bytes,
                writes ? rights : rights & ~(unsigned)CHILD_WRITE, leaf->bytes, error);
        }
    }
    return rc;
}

/* ---- filling ---- */

/* Of one table of 4 KiB pages, those that the entries above allow as much. */
static int fill_table(struct batch *batch, gva_t address, const struct page_walk *walk, struct error *error)
{
    const struct page_read *last = &walk->read[walk->reads - 1];
    const uint64_t *entries = guest_physical(
        batch->vcpu->machine.memory, GPA(last->where.value & ENTRY_ADDRESS), PAGE_TABLE_BYTES, NULL);
    unsigned fill = batch->vcpu->vm->fill, index = address.value / PAGE_BYTES % TABLE_ENTRIES,
             first = index & -fill;
    unsigned above = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_USER;
    int rc = 0;
    for (unsigned i = 0; i + 1 < walk->reads; i++)
        above &= page_entry_rights(walk->read[i].entry);
    for (unsigned i = first; rc == 0 && entries && i < first + fill; i++) {
        uint64_t entry = __atomic_load_n(&entries[i], __ATOMIC_RELAXED);
        const struct page_leaf leaf = {
            .from = GVA((address.value & -LARGE_BYTES) + (uint64_t)i * PAGE_BYTES),
            .to = GPA(entry & ENTRY_ADDRESS),
            .bytes = PAGE_BYTES,
            .rights = page_entry_rights(entry) & above,
            .accessed = entry & PAGE_BIT_ACCESSED,
            .dirty = entry & PAGE_BIT_DIRTY,
        };
        if (entry & PAGE_BIT_PRESENT)
            rc = add_leaf(batch, &leaf, leaf.from.value, leaf.from.value + PAGE_BYTES, error);
    }
    return rc;
}

int space_fill(struct vcpu *vcpu, struct space *space, gva_t address, struct error *error)
{
    bool user = machine_privilege(&vcpu->machine) == 3;
    struct batch batch = {.vcpu = vcpu, .child = user ? space->user : space->kernel, .user = user};
    const struct page_tables tables = machine_tables(&vcpu->machine);
    struct page_walk walk;
    page_tables_walk(&tables, address, &walk); /* with the bits that the touch has set */
    const struct page_leaf *leaf = &walk.leaf;
    int rc;
    if (!leaf->bytes)
        return 0; /* changed meanwhile: it faults again */
    if (leaf->bytes == PAGE_BYTES) {
        rc = fill_table(&batch, address, &walk, error);
    } else {
        uint64_t from = address.value & -LARGE_BYTES;
        space->has_large = true;
        rc = add_leaf(&batch, leaf, from, from + LARGE_BYTES, error);
    }
    return rc < 0 ? rc : flush_batch(&batch, error);
}

/* ---- all of an address space ---- */

struct sweep {
    struct batch batch;
    struct space *space;
    uint64_t from, end; /* virtual */
    unsigned tables;    /* that may still be looked at: tables may form cycles */
};

static int sweep_table(
    struct sweep *sweep, gpa_t table, unsigned level, uint64_t base, unsigned above, struct error *error);

static int sweep_entry(
    struct sweep *sweep, uint64_t entry, unsigned level, uint64_t base, unsigned above, struct error *error)
{
    const uint64_t span = entry_span(level);
    const unsigned rights = page_entry_rights(entry) & above;
    if (!(entry & PAGE_BIT_PRESENT))
        return 0;
    if (level > 1 && !(entry & PAGE_BIT_LARGE))
        return sweep_table(sweep, GPA(entry & ENTRY_ADDRESS), level - 1, base, rights, error);
    if (level > 3)
        return 0;
    const struct page_leaf leaf = {
        .from = GVA(base),
        .to = GPA(entry & ENTRY_ADDRESS & -span),
        .bytes = span,
        .rights = rights,
        .accessed = entry & PAGE_BIT_ACCESSED,
        .dirty = entry & PAGE_BIT_DIRTY,
    };
    sweep->space->has_large |= level > 1;
    return add_leaf(&sweep->batch, &leaf, sweep->from, sweep->end, error);
}

/* At most five deep. */
static int sweep_table(
    struct sweep *sweep, gpa_t table, unsigned level, uint64_t base, unsigned above, struct error *error)
{
    const uint64_t span = entry_span(level);
    const uint64_t *entries =
        guest_physical(sweep->batch.vcpu->machine.memory, table, PAGE_TABLE_BYTES, NULL);
    int rc = 0;
    if (!entries || !sweep->tables)
        return 0;
    sweep->tables--;
    for (unsigned i = 0; rc == 0 && i < TABLE_ENTRIES; i++) {
        uint64_t at = base + i * span;
        if (at >= sweep->end)
            break;
        if (at + span > sweep->from)
            rc = sweep_entry(sweep, __atomic_load_n(&entries[i], __ATOMIC_RELAXED), level, at, above, error);
    }
    return rc;
}

/* Maps what the tables say of a range. */
static int map_range(
    struct vcpu *vcpu, struct space *space, bool user, uint64_t from, uint64_t end, struct error *error)
{
    const struct page_tables tables = machine_tables(&vcpu->machine);
    struct sweep sweep = {
        .batch = {.vcpu = vcpu, .child = user ? space->user : space->kernel, .user = user},
        .space = space,
        .from = from,
        .end = end < CHILD_TOP ? end : CHILD_TOP,
        .tables = TABLES_MAX,
    };
    int rc = sweep_table(
        &sweep, space->root, tables.levels, 0, PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_USER, error);
    return rc < 0 ? rc : flush_batch(&sweep.batch, error);
}

/* ---- children ---- */

/* Whoever kicks may have read `running` just before it was set to another. */
static void close_child(struct vcpu *vcpu, struct child **child)
{
    if (vcpu->last == *child)
        vcpu->last = NULL;
    while (*child && vcpu->kickers)
        sched_yield();
    vcpu->changes++;
    vcpu->ended_ns += *child ? child_work_ns(*child) : 0;
    child_close(*child);
    *child = NULL;
}

static void close_space(struct vcpu *vcpu, struct space *space)
{
    close_child(vcpu, &space->kernel);
    close_child(vcpu, &space->user);
    *space = (struct space){.used = 0};
}

void space_drop(struct vcpu *vcpu, struct child *child)
{
    for (int i = 0; i < SPACES; i++) {
        struct space *space = &vcpu->spaces[i];
        if (space->kernel == child)
            close_child(vcpu, &space->kernel);
        if (space->user == child)
            close_child(vcpu, &space->user);
    }
}

static struct space *find_space(struct vcpu *vcpu, gpa_t root)
{
    struct space *oldest = &vcpu->spaces[0];
    for (int i = 0; i < SPACES; i++) {
        struct space *space = &vcpu->spaces[i];
        if (space->used && space->root.value == root.value)
            return space;
        if (space->used < oldest->used)
            oldest = space;
    }
    if (vcpu->vm->shadow && oldest->used)
        shadow_end_space(vcpu->vm->shadow, oldest->root);
    close_space(vcpu, oldest);
    oldest->root = root;
    return oldest;
}

int space_child(struct vcpu *vcpu, struct space **out, struct child **out_child, struct error *error)
{
    const bool user = machine_privilege(&vcpu->machine) == 3;
    int rc = 0;
    struct space *space = find_space(vcpu, GPA(vcpu->machine.system.page_tables.value & ENTRY_ADDRESS));
    struct child **child = user ? &space->user : &space->kernel;
    space->used = ++vcpu->clock;
    bool eager = vcpu->vm->eager && !vcpu->vm->paravirt;
    if (!*child && (rc = child_open(vcpu->family, child, error)) == 0 && eager &&
        (rc = map_range(vcpu, space, user, 0, CHILD_TOP, error)) < 0)
        close_child(vcpu, child);
    *out = space;
    *out_child = *child;
    return rc;
}

/* ---- forgetting ---- */

/* What cannot be taken from a child goes with it. */
static void unmap(struct vcpu *vcpu, struct child **child, uint64_t from, uint64_t bytes)
{
    const struct child_change gone = {.kind = CHILD_UNMAP, .start = from, .bytes = bytes};
    struct error ignored;
    vcpu->changes++;
    if (*child && space_change(vcpu, *child, &gone, 1, &ignored) < 0)
        space_drop(vcpu, *child);
}

static void forget_in(struct vcpu *vcpu, struct space *space, uint64_t from, uint64_t end)
{
    from = from > CHILD_BOTTOM ? from : CHILD_BOTTOM;
    end = end < CHILD_TOP ? end : CHILD_TOP;
    if (from >= end)
        return;
    unmap(vcpu, &space->kernel, from, end - from);
    unmap(vcpu, &space->user, from, end - from);
}

static int map_again(struct vcpu *vcpu, struct space *space, uint64_t from, uint64_t end, struct error *error)
{
    int rc = 0;
    if (vcpu->vm->eager && space->user)
        rc = map_range(vcpu, space, true, from, end, error);
    if (rc == 0 && vcpu->vm->eager && space->kernel)
        rc = map_range(vcpu, space, false, from, end, error);
    return rc;
}

static struct space *space_in_use(struct vcpu *vcpu)
{
    gpa_t root = GPA(vcpu->machine.system.page_tables.value & ENTRY_ADDRESS);
    for (int i = 0; i < SPACES; i++)
        if (vcpu->spaces[i].used && vcpu->spaces[i].root.value == root.value)
            return &vcpu->spaces[i];
    return NULL;
}

/* Whatever is gone is mapped again when it is touched. Of a large leaf all goes. */
void space_forget_page(struct vcpu *vcpu, gva_t address)
{
    struct space *space = space_in_use(vcpu);
    if (!space)
        return;
    uint64_t bytes = space->has_large ? LARGE_BYTES : PAGE_BYTES, from = address.value & -bytes;
    forget_in(vcpu, space, from, from + bytes);
}

int space_forget(struct vcpu *vcpu, struct error *error)
{
    struct space *space = space_in_use(vcpu);
    if (!space)
        return 0;
    forget_in(vcpu, space, 0, CHILD_TOP);
    space->has_large = false;
    return map_again(vcpu, space, 0, CHILD_TOP, error);
}

int space_forget_range(struct vcpu *vcpu, gva_t from, uint64_t bytes, struct error *error)
{
    uint64_t first = from.value & -LARGE_BYTES, end = (from.value + bytes + LARGE_BYTES - 1) & -LARGE_BYTES;
    int rc = 0;
    for (int i = 0; rc == 0 && i < SPACES; i++) {
        if (!vcpu->spaces[i].used)
            continue;
        forget_in(vcpu, &vcpu->spaces[i], first, end);
        rc = map_again(vcpu, &vcpu->spaces[i], first, end, error);
    }
    return rc;
}

void space_forget_all(struct vcpu *vcpu)
{
    for (int i = 0; i < SPACES; i++) {
        forget_in(vcpu, &vcpu->spaces[i], 0, CHILD_TOP);
        vcpu->spaces[i].has_large = false;
    }
}

/* ---- carrying out what was decided elsewhere (run.h) ---- */

static bool has_guarded_memory(const struct guest_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        if (memory->list[i].flags & (REGION_READ_ONLY | REGION_LOG_DIRTY))
            return true;
    return false;
}

/* To unmap neighbours is one change. */
static int add_change(struct batch *batch, const struct child_change *change, struct error *error)
{
    struct child_change *last = batch->count ? &batch->list[batch->count - 1] : NULL;
    if (last && last->kind == CHILD_UNMAP && change->kind == CHILD_UNMAP &&
        last->start + last->bytes == change->start) {
        last->bytes += change->bytes;
        return 0;
    }
    int rc = batch->count == CHANGES ? flush_batch(batch, error) : 0;
    if (rc == 0)
        batch->list[batch->count++] = *change;
    return rc;
}

static int add_map(struct batch *batch, const struct run *run, struct error *error)
{
    const struct page_leaf leaf = {
        .from = run->from,
        .to = run->to,
        .bytes = run->bytes,
        .rights = run->rights,
        .accessed = true,
        .dirty = true,
    };
    return add_leaf(batch, &leaf, run->from.value, run->from.value + run->bytes, error);
}

static unsigned rights_in_child(unsigned rights)
{
    return CHILD_READ | (rights & PAGE_WRITE ? CHILD_WRITE : 0) | (rights & PAGE_EXECUTE ? CHILD_EXECUTE : 0);
}

/* Where all of a run is memory of one region that a child can have, mapping replaces what was there. */
static bool covers(const struct guest_memory *memory, const struct run *run)
{
    for (size_t i = 0; i < memory->count; i++) {
        uint64_t offset = run->to.value - memory->list[i].start.value, bytes = memory->list[i].backing.bytes;
        if (offset < bytes && run->bytes <= bytes - offset)
            return run->from.value >= CHILD_BOTTOM && run->from.value + run->bytes <= CHILD_TOP;
    }
    return false;
}

/* [from, end) is what of the run a child can have. */
static int add_run_of(
    struct batch *batch, const struct run *run, uint64_t from, uint64_t end, struct error *error)
{
    const struct guest_memory *memory = batch->vcpu->machine.memory;
    const bool hides = batch->user && !(run->rights & PAGE_USER);
    const bool waits = !batch->user && run->rights & PAGE_USER && !run->touched;
    const bool maps = run->kind == RUN_MAP && !hides && !waits;
    struct child_change change = {.kind = CHILD_UNMAP, .start = from, .bytes = end - from};
    if (run->kind == RUN_PROTECT && !hides && !has_guarded_memory(memory)) {
        change.kind = CHILD_PROTECT;
        change.rights = rights_in_child(run->rights);
    }
    int rc = maps && covers(memory, run) ? 0 : add_change(batch, &change, error);
    return rc < 0 || !maps ? rc : add_map(batch, run, error);
}

static int change_child(
    struct vcpu *vcpu, const struct space *space, bool user, const struct run *runs, size_t count)
{
    struct batch batch;
    const bool runs_now = user == (machine_privilege(&vcpu->machine) == 3);
    struct error ignored;
    int rc = 0;
    batch_start(&batch, vcpu, space, user);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct run *run = &runs[i];
        if (run->touched && !runs_now)
            continue;
        uint64_t from = run->from.value > CHILD_BOTTOM ? run->from.value : CHILD_BOTTOM;
        uint64_t end = run->from.value + run->bytes;
        end = end && end < CHILD_TOP ? end : CHILD_TOP;
        if (run->root.value == space->root.value && from < end)
            rc = add_run_of(&batch, run, from, end, &ignored);
    }
    return rc < 0 ? rc : flush_batch(&batch, &ignored);
}

static void change_space(struct vcpu *vcpu, struct space *space, const struct run *runs, size_t count)
{
    if (space->kernel && change_child(vcpu, space, false, runs, count) < 0)
        close_child(vcpu, &space->kernel);
    if (space->user && change_child(vcpu, space, true, runs, count) < 0)
        close_child(vcpu, &space->user);
}

void space_carry_out(struct vcpu *vcpu, const struct run *runs, size_t count)
{
    for (size_t i = 0, next; i < count; i = next) {
        next = i + 1;
        if (runs[i].kind == RUN_FORGET) {
            space_forget_all(vcpu);
            continue;
        }
        while (next < count && runs[next].kind != RUN_FORGET)
            next++;
        for (int k = 0; k < SPACES; k++)
            if (vcpu->spaces[k].used)
                change_space(vcpu, &vcpu->spaces[k], runs + i, next - i);
    }
}
