#include "naive_model.h"

#include "naive_prefetch.h"

#include <assert.h>
#include <stdlib.h>

enum { STATES_GUARDED, STATES_OUT, STATES_NESTED };

/* What each domain has of its own. */
struct naive_domain {
    struct naive_memory memory;           /* the guest's */
    struct naive_space guest, host, made; /* made: what native, direct, shadow and agile walk */
    struct naive_dictionary states;       /* of the guest's tables, by guest physical address */
    struct naive_dictionary switched;     /* agile: by address >> 21, the host's place of the guest's table */
    struct naive_dictionary unused, clean; /* the kernel's leaves, by their address: 1, the bit is not set */
    uint64_t out_of_sync;                  /* how many tables are */
    uint64_t out[1024];
    unsigned space;
    uint64_t from, bytes; /* mapped last */
};

struct naive_model {
    struct naive_setting setting;
    const struct naive_file *machine;
    struct naive_account account;
    struct naive_table caches[NAIVE_MOST], tlbs[NAIVE_MOST], walk_caches[NAIVE_MOST],
        host_walk_caches[NAIVE_MOST];
    struct naive_table nested_tlb;
    struct naive_memory host_memory;
    struct naive_domain domains[8];
    unsigned now;
    uint64_t happened[NAIVE_EVENTS], random;
    uint64_t before;                    /* cycles of accounts that are over */
    struct naive_dictionary neighbours; /* by set of the last cache: how many of their lines have come */
    struct naive_prefetch prefetch;
};

static struct naive_domain *running(struct naive_model *model)
{
    return &model->domains[model->now];
}

/* Whose entry of a translation cache it is. */
static unsigned tag(const struct naive_model *model)
{
    return 8 * (naive_defect == DOMAINS_SHARE_TAGS ? 0 : model->now) + model->domains[model->now].space;
}

/* ---- opening ---- */

static void begin_prefetch(struct naive_model *model);

static void make_tables(struct naive_model *model)
{
    const struct naive_file *machine = model->machine;
    uint64_t seed = model->setting.seed;
    for (unsigned i = 0; i < machine->cache_count; i++)
        model->caches[i] = naive_table_make(&machine->caches[i].shape, seed);
    for (unsigned i = 0; i < machine->tlb_count; i++)
        model->tlbs[i] = naive_table_make(&machine->tlbs[i].shape, seed);
    for (unsigned i = 0; i < machine->walk_cache_count; i++)
        model->walk_caches[i] = naive_table_make(&machine->walk_caches[i].shape, seed);
    for (unsigned i = 0; i < machine->nested_walk_cache_count; i++)
        model->host_walk_caches[i] = naive_table_make(&machine->nested_walk_caches[i].shape, seed);
    if (machine->nested_tlb)
        model->nested_tlb = naive_table_make(&machine->nested_shape, seed);
}

/* The host's page around a guest physical address, if it has none yet. */
static void back(struct naive_model *model, uint64_t physical)
{
    uint64_t bytes = model->setting.host_page;
    if (naive_leaf_at(&running(model)->host, physical).level == 0)
        naive_space_map(&running(model)->host, physical / bytes * bytes,
            naive_take(&model->host_memory, naive_zone(bytes)), bytes);
}

static bool combines(const struct naive_model *model)
{
    return model->setting.technique != NAIVE_NATIVE && model->setting.technique != NAIVE_NESTED;
}

static void open_domain(struct naive_model *model)
{
    const struct naive_setting *setting = &model->setting;
    struct naive_domain *domain = running(model);
    struct naive_frames frames = setting->guest_frames;
    unsigned host_levels = model->machine->nested_levels < 4 ? 4 : model->machine->nested_levels;
    bool native = setting->technique == NAIVE_NATIVE;
    uint64_t root = 0;
    frames.seed += model->now;
    domain->memory = naive_memory_make(&frames, native ? 0 : setting->bytes);
    if (model->now == 0)
        model->host_memory = naive_memory_make(&setting->host_frames,
            setting->domains * (native ? setting->bytes : 2 * domain->memory.zone_bytes));
    if (setting->technique != NAIVE_NESTED)
        naive_space_begin(&domain->made, &model->host_memory, model->machine->levels);
    if (native)
        return;
    naive_space_begin(&domain->guest, &domain->memory, model->machine->levels);
    naive_space_begin(&domain->host, &model->host_memory, host_levels);
    naive_table_at(&domain->guest, model->machine->levels, 0, &root);
    back(model, root);
}

struct naive_model *naive_open(const struct naive_setting *setting)
{
    struct naive_model *model = calloc(1, sizeof *model);
    assert(model);
    model->setting = *setting;
    model->machine = setting->machine;
    model->random = setting->seed;
    make_tables(model);
    begin_prefetch(model);
    for (; model->now < setting->domains; model->now++)
        open_domain(model);
    model->now = 0;
    return model;
}

void naive_close(struct naive_model *model)
{
    for (unsigned i = 0; i < NAIVE_MOST; i++) {
        naive_table_free(&model->caches[i]);
        naive_table_free(&model->tlbs[i]);
        naive_table_free(&model->walk_caches[i]);
        naive_table_free(&model->host_walk_caches[i]);
    }
    naive_table_free(&model->nested_tlb);
    dictionary_free(&model->neighbours);
    for (model->now = 0; model->now < 8; model->now++) {
        struct naive_domain *domain = running(model);
        naive_space_free(&domain->guest);
        naive_space_free(&domain->host);
        naive_space_free(&domain->made);
        dictionary_free(&domain->states);
        dictionary_free(&domain->switched);
        dictionary_free(&domain->unused);
        dictionary_free(&domain->clean);
    }
    free(model);
}

/* ---- mapping ---- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the guest and the host have for an address, as one leaf. */
static void combine(struct naive_model *model, uint64_t address)
{
    struct naive_leaf guest = naive_leaf_at(&running(model)->guest, address);
    uint64_t physical = guest.to + (address - guest.from);
    struct naive_leaf host = naive_leaf_at(&running(model)->host, physical);
    uint64_t bytes = smaller(guest.bytes, host.bytes);
    if (naive_leaf_at(&running(model)->made, address).level)
        return;
    naive_space_hide(&running(model)->made, address / bytes * bytes, bytes, bytes, false);
    naive_space_map(&running(model)->made, address / bytes * bytes,
        (host.to + (physical - host.from)) / bytes * bytes, bytes);
}

static void map_page(struct naive_model *model, uint64_t address)
{
    uint64_t bytes = model->setting.guest_page, step = smaller(bytes, model->setting.host_page);
    uint64_t frame = naive_take(&running(model)->memory, naive_zone(bytes));
    naive_space_map(&running(model)->guest, address, frame, bytes);
    for (uint64_t done = 0; done < bytes && !model->setting.fresh; done += step) {
        back(model, frame + done);
        if (combines(model))
            combine(model, address + done);
    }
}

void naive_map(struct naive_model *model, uint64_t from, uint64_t bytes)
{
    uint64_t page = model->setting.guest_page;
    for (uint64_t at = from; at < from + bytes; at += page) {
        if (model->setting.technique == NAIVE_NATIVE)
            naive_space_map(
                &running(model)->made, at, naive_take(&model->host_memory, naive_zone(page)), page);
        else
            map_page(model, at);
    }
    for (uint64_t n = 0; model->setting.technique != NAIVE_NATIVE && n < running(model)->memory.taken[0]; n++)
        back(model, naive_frame(&running(model)->memory, 0, n));
    running(model)->from = from;
    running(model)->bytes = bytes;
}

/* ---- the caches (caches.h) ---- */

static unsigned cache_levels(const struct naive_file *machine)
{
    unsigned most = 0;
    for (unsigned i = 0; i < machine->cache_count; i++)
        most = machine->caches[i].level > most ? machine->caches[i].level : most;
    return most;
}

/* The number of the cache of a level and a use. */
static unsigned cache_of(const struct naive_file *machine, unsigned level, bool instruction)
{
    for (unsigned i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level == level &&
            (instruction ? machine->caches[i].instructions : machine->caches[i].data))
            return i;
    abort();
}

static void drop_above(struct naive_model *model, unsigned level, uint64_t line)
{
    for (unsigned i = 0; i < model->machine->cache_count; i++)
        if (model->machine->caches[i].level < level)
            naive_drop(&model->caches[i], line, line);
}

static void fill(struct naive_model *model, unsigned level, bool instruction, uint64_t line)
{
    const struct naive_file *machine = model->machine;
    unsigned i = cache_of(machine, level, instruction);
    uint64_t dropped;
    if (!naive_put(&model->caches[i], line, line, 0, &dropped))
        return;
    if (machine->caches[i].holds == NAIVE_INCLUSIVE && naive_defect != INCLUSION_IS_FORGOTTEN)
        drop_above(model, level, dropped);
    if (level == cache_levels(machine) || naive_defect == VICTIM_IS_LOST)
        return;
    unsigned next = cache_of(machine, level + 1, instruction);
    if (machine->caches[next].holds == NAIVE_EXCLUSIVE &&
        !naive_find(&model->caches[next], dropped, dropped, NULL))
        fill(model, level + 1, instruction, dropped);
}

/* What neighbours have put by now where the line goes to in the last cache. */
static void let_neighbours(struct naive_model *model, uint64_t line)
{
    const struct naive_file *machine = model->machine;
    unsigned last = cache_of(machine, cache_levels(machine), false);
    struct naive_table *table = &model->caches[last];
    uint64_t set = naive_set(table, line), sets = table->shape.entries / table->shape.ways, come = 0, dropped;
    if (!machine->neighbours || naive_defect == NEIGHBOURS_STAY_AWAY)
        return;
    double exact = (double)sets * machine->ghz * 1000 / machine->neighbours;
    uint64_t period = exact < 1 ? 1 : (uint64_t)exact;
    uint64_t all = (model->before + model->account.cycles + set * period / sets) / period;
    dictionary_find(&model->neighbours, set, &come);
    for (uint64_t i = come; i < all && i < come + table->shape.ways; i++)
        if (naive_put(table, line, UINT64_MAX, 0, &dropped) &&
            machine->caches[last].holds == NAIVE_INCLUSIVE && dropped != UINT64_MAX)
            drop_above(model, cache_levels(machine), dropped);
    if (all > come)
        dictionary_put(&model->neighbours, set, all);
}

/* The level that served it, after the last one: memory. */
static unsigned touch(
    struct naive_model *model, uint64_t address, bool instruction, unsigned first, uint64_t *cycles)
{
    const struct naive_file *machine = model->machine;
    unsigned levels = cache_levels(machine), server = first;
    uint64_t line = address / 64;
    let_neighbours(model, line);
    while (server <= levels &&
           !naive_find(&model->caches[cache_of(machine, server, instruction)], line, line, NULL))
        server++;
    bool filled = false;
    for (unsigned level = first; level < server; level++)
        filled |=
            level == 1 || machine->caches[cache_of(machine, level, instruction)].holds != NAIVE_EXCLUSIVE;
    if (server <= levels && filled && naive_defect != EXCLUSIVE_KEEPS_WHAT_IT_SERVED &&
        machine->caches[cache_of(machine, server, instruction)].holds == NAIVE_EXCLUSIVE)
        naive_drop(&model->caches[cache_of(machine, server, instruction)], line, line);
    for (unsigned level = server - 1; level >= first; level--)
        if (level == 1 || machine->caches[cache_of(machine, level, instruction)].holds != NAIVE_EXCLUSIVE)
            fill(model, level, instruction, line);
    const struct naive_frames *frames = &model->setting.host_frames;
    uint64_t zone_bytes = model->host_memory.zone_bytes, zone = address / zone_bytes;
    uint64_t frame = address % zone_bytes / (zone < 2 ? 4096 : zone == 2 ? 2 << 20 : 1 << 30);
    bool far = frames->node == NAIVE_FAR || (frames->node == NAIVE_ALTERNATING && frame % 2);
    *cycles = server <= levels ? machine->caches[cache_of(machine, server, instruction)].cycles
              : far            ? machine->remote
                               : machine->memory;
    return server;
}

static void charge(struct naive_model *model, uint64_t *bucket, uint64_t cycles)
{
    *bucket += cycles;
    model->account.cycles += cycles;
}

static unsigned touch_data(struct naive_model *model, uint64_t address, bool instruction, uint64_t *cycles)
{
    unsigned level = touch(model, address, instruction, 1, cycles);
    charge(model, &model->account.data[level > cache_levels(model->machine) ? 4 : level - 1], *cycles);
    return level;
}

/* ---- walks of one dimension (walk.h) ---- */

struct reading {
    bool host;
    unsigned tag;
    const struct naive_walk_cache *shapes;
    struct naive_table *caches;
    unsigned count;
};

static uint64_t region(unsigned level, uint64_t address)
{
    return address >> (12 + 9 * (level - 1));
}

static uint64_t walk_key(const struct reading *reading, unsigned level, uint64_t address)
{
    return region(level, address) * 1024 + level * 64 + reading->tag;
}

static int walk_cache_of(const struct reading *reading, unsigned level)
{
    for (unsigned i = 0; i < reading->count; i++)
        if (reading->shapes[i].levels[level])
            return (int)i;
    return -1;
}

/* The level of the first table to be read, of `levels`; *found: where it stands is known, *table. */
static unsigned first_table(struct naive_model *model, const struct reading *reading, unsigned levels,
    uint64_t address, bool *found, uint64_t *table)
{
    *found = false;
    bool unused = reading->host && naive_defect == HOST_WALK_CACHES_IGNORED;
    for (unsigned at = 2; at <= levels && !unused; at++) {
        unsigned level = naive_defect == WALK_CACHE_TOP_FIRST ? levels + 2 - at : at;
        int i = walk_cache_of(reading, level);
        if (i < 0 || !naive_find(&reading->caches[i], region(level, address),
                         walk_key(reading, level, address), table))
            continue;
        charge(model, &model->account.walk, reading->shapes[i].cycles);
        *found = naive_defect != WALK_CACHE_ONE_LEVEL_HIGHER;
        return naive_defect == WALK_CACHE_ONE_LEVEL_HIGHER ? level : level - 1;
    }
    return levels;
}

static void remember(const struct reading *reading, unsigned level, uint64_t address, uint64_t table)
{
    int i = walk_cache_of(reading, level);
    uint64_t dropped;
    if (i >= 0 && naive_defect != WALK_CACHE_KEEPS_NOTHING)
        naive_put(
            &reading->caches[i], region(level, address), walk_key(reading, level, address), table, &dropped);
}

static void read_entry(struct naive_model *model, const struct reading *reading, unsigned level,
    uint64_t table, uint64_t address)
{
    uint64_t cycles;
    unsigned first = naive_defect == WALKER_READS_FROM_LEVEL_1 ? 1 : model->machine->walk_first;
    touch(model, table + region(level, address) % 512 * 8, false, first, &cycles);
    charge(model, &(reading->host ? model->account.host : model->account.guest)[level - 1], cycles);
    (reading->host ? model->account.host_reads : model->account.guest_reads)[level - 1]++;
}

enum { DONE, ABSENT, HOST_ABSENT, SWITCHED };

static int walk_one(struct naive_model *model, const struct reading *reading, const struct naive_space *space,
    unsigned levels, uint64_t address, struct naive_leaf *leaf)
{
    bool found;
    uint64_t table, there;
    unsigned level = first_table(model, reading, levels, address, &found, &table);
    *leaf = naive_leaf_at(space, address);
    for (;; level--) {
        naive_table_at(space, level, address, &table);
        read_entry(model, reading, level, table, address);
        if (!reading->host && level == 2 && dictionary_find(&running(model)->switched, address >> 21, &there))
            return SWITCHED;
        if (leaf->level == level)
            return DONE;
        if (level == 1 || !naive_table_at(space, level - 1, address, &there))
            return ABSENT;
        remember(reading, level, address, there);
    }
}

/* ---- two dimensions ---- */

static bool nested_translate(struct naive_model *model, uint64_t physical, bool data, struct naive_leaf *leaf)
{
    const struct naive_file *machine = model->machine;
    const struct reading reading = {true, model->now, machine->nested_walk_caches, model->host_walk_caches,
        machine->nested_walk_cache_count};
    bool asked =
        machine->nested_tlb && (machine->nested_data || !data || naive_defect == NESTED_TLB_HAS_DATA);
    uint64_t dropped, key = physical / 4096 * 8 + model->now;
    if (asked && naive_find(&model->nested_tlb, physical / 4096, key, NULL)) {
        charge(model, &model->account.nested_tlb, machine->nested_cycles);
        *leaf = naive_leaf_at(&running(model)->host, physical);
        return true;
    }
    if (walk_one(model, &reading, &running(model)->host, machine->nested_levels, physical, leaf) != DONE)
        return false;
    if (asked)
        naive_put(&model->nested_tlb, physical / 4096, key, 0, &dropped);
    return true;
}

static uint64_t host_address(const struct naive_leaf *leaf, uint64_t physical)
{
    return leaf->to + (physical - leaf->from);
}

/* The guest's leaf has been read. */
static int finish(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing)
{
    struct naive_leaf guest = naive_leaf_at(&running(model)->guest, address), host;
    uint64_t physical = host_address(&guest, address);
    *missing = physical;
    host = naive_leaf_at(&running(model)->host, physical);
    if (naive_defect == LAST_PAGE_NOT_TRANSLATED && host.level == 0)
        return HOST_ABSENT;
    if (naive_defect != LAST_PAGE_NOT_TRANSLATED && !nested_translate(model, physical, true, &host))
        return HOST_ABSENT;
    uint64_t bytes = naive_defect == GUEST_PAGE_DECIDES ? guest.bytes : smaller(guest.bytes, host.bytes);
    *page =
        (struct naive_leaf){1, bytes, address / bytes * bytes, host_address(&host, physical) / bytes * bytes};
    return DONE;
}

static struct reading guest_reading(struct naive_model *model)
{
    return (struct reading){
        false, tag(model), model->machine->walk_caches, model->walk_caches, model->machine->walk_cache_count};
}

static int walk_two(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing)
{
    struct reading reading = guest_reading(model);
    struct naive_leaf guest = naive_leaf_at(&running(model)->guest, address), host;
    bool found;
    uint64_t table = 0;
    unsigned level = first_table(model, &reading, model->machine->levels, address, &found, &table);
    for (bool root = !found;; level--) {
        if (!found) {
            naive_table_at(&running(model)->guest, level, address, missing);
            if (root && naive_defect == ROOT_NOT_TRANSLATED)
                host = naive_leaf_at(&running(model)->host, *missing);
            else if (!nested_translate(model, *missing, false, &host))
                return HOST_ABSENT;
            table = host_address(&host, *missing);
            if (!root)
                remember(&reading, level + 1, address, table);
        }
        found = root = false;
        read_entry(model, &reading, level, table, address);
        if (guest.level == level)
            return finish(model, address, page, missing);
    }
}

/* ---- translation ---- */

static void forget_all(struct naive_model *model)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_clear(&model->tlbs[i]);
    for (unsigned i = 0; i < model->machine->walk_cache_count; i++)
        naive_clear(&model->walk_caches[i]);
    for (unsigned i = 0; i < model->machine->nested_walk_cache_count; i++)
        naive_clear(&model->host_walk_caches[i]);
    if (model->machine->nested_tlb)
        naive_clear(&model->nested_tlb);
}

static void leave(struct naive_model *model, uint64_t handling)
{
    charge(model, &model->account.exit, model->machine->exit + handling);
    model->account.exits++;
    if (!model->machine->guest_tags && naive_defect != EXIT_KEEPS_ALL)
        forget_all(model);
}

static const unsigned shifts[3] = {12, 21, 30};

static uint64_t tlb_key(const struct naive_model *model, unsigned size, uint64_t address)
{
    return (address >> shifts[size]) * 256 + size * 64 +
           (naive_defect == TLB_WITHOUT_SPACES ? 8 * model->now : tag(model));
}

static int tlb_of(const struct naive_model *model, unsigned level, bool instruction, unsigned size)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++) {
        const struct naive_tlb *tlb = &model->machine->tlbs[i];
        if (tlb->level == level && tlb->pages[size] && (instruction ? tlb->instructions : tlb->data))
            return (int)i;
    }
    return -1;
}

static void put_tlb(struct naive_model *model, unsigned level, uint64_t address, bool instruction,
    const struct naive_leaf *page)
{
    unsigned size = naive_zone(page->bytes) - 1;
    uint64_t dropped;
    /* Level 1 takes any smaller page; level 2 of 1 GiB 2 MiB. */
    while (tlb_of(model, level, instruction, size) < 0) {
        if (size == 0 || (level == 2 && size == 1) || naive_defect == LARGE_PAGE_IS_NOT_SPLINTERED)
            return;
        size--;
    }
    uint64_t start = address >> shifts[size] << shifts[size];
    int i = tlb_of(model, level, instruction, size);
    naive_put(&model->tlbs[i], address >> shifts[size], tlb_key(model, size, address),
        page->to + (start - page->from), &dropped);
}

static bool find_tlb(
    struct naive_model *model, unsigned level, uint64_t address, bool instruction, struct naive_leaf *page)
{
    for (unsigned size = 0; size < 3; size++) {
        int i = tlb_of(model, level, instruction, size);
        uint64_t bytes = UINT64_C(1) << shifts[size], to;
        if (i < 0 ||
            !naive_find(&model->tlbs[i], address >> shifts[size], tlb_key(model, size, address), &to))
            continue;
        charge(model, &model->account.tlb[level - 1], model->machine->tlbs[i].cycles);
        model->account.tlb_hits[level - 1]++;
        *page = (struct naive_leaf){1, bytes, address / bytes * bytes, to};
        return true;
    }
    return false;
}

static int walk(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing)
{
    model->account.walks++;
    charge(model, &model->account.walk, naive_defect == WALK_IS_FREE ? 0 : model->machine->walk_cycles);
    if (model->setting.technique == NAIVE_NESTED)
        return walk_two(model, address, page, missing);
    struct reading reading = guest_reading(model);
    int end = walk_one(model, &reading, &running(model)->made, model->machine->levels, address, page);
    uint64_t table = 0;
    if (end != SWITCHED)
        return end;
    dictionary_find(&running(model)->switched, address >> 21, &table);
    read_entry(model, &reading, 1, table, address);
    return finish(model, address, page, missing);
}

static void repair(struct naive_model *model, int end, uint64_t address, uint64_t missing)
{
    if (end == HOST_ABSENT) {
        model->account.faults++;
        leave(model, model->machine->nested_fault);
        back(model, missing);
        return;
    }
    struct naive_leaf guest = naive_leaf_at(&running(model)->guest, address);
    assert(combines(model) && guest.level);
    model->account.hidden_faults++;
    if (naive_defect != HIDDEN_FAULT_DOES_NOT_EXIT)
        leave(model, model->machine->hidden_fault);
    back(model, host_address(&guest, address));
    combine(model, address);
}

/* ---- accessed and dirty bits ---- */

static struct naive_space *kernels(struct naive_model *model)
{
    return model->setting.technique == NAIVE_NATIVE ? &running(model)->made : &running(model)->guest;
}

static bool lacks(const struct naive_dictionary *bits, uint64_t leaf)
{
    uint64_t yes = 0;
    return dictionary_find(bits, leaf, &yes) && yes;
}

/* Where the leaf entry of an address stands, in the memory that has its tables; *table: the table. */
static uint64_t entry_of(const struct naive_space *space, uint64_t address, uint64_t *table)
{
    unsigned level = naive_leaf_at(space, address).level;
    naive_table_at(space, level, address, table);
    return *table + region(level, address) % 512 * 8;
}

/* Are there shadows of the table that has the leaf? */
static bool is_shadowed(struct naive_model *model, uint64_t address)
{
    uint64_t table = 0, state = STATES_GUARDED;
    if (model->setting.technique != NAIVE_SHADOW && model->setting.technique != NAIVE_AGILE)
        return false;
    entry_of(&running(model)->guest, address, &table);
    dictionary_find(&running(model)->states, table, &state);
    return state != STATES_NESTED;
}

static void set_bits(struct naive_model *model, uint64_t address, bool write)
{
    struct naive_domain *domain = running(model);
    uint64_t leaf = naive_leaf_at(kernels(model), address).from;
    bool unused = lacks(&domain->unused, leaf), clean = lacks(&domain->clean, leaf);
    if (!unused && !(write && clean))
        return;
    dictionary_put(&domain->unused, leaf, 0);
    if (write && naive_defect != STORES_SET_NOTHING)
        dictionary_put(&domain->clean, leaf, 0);
    if (!is_shadowed(model, address)) {
        charge(model, &model->account.bits, model->machine->set_bit_cycles);
        model->account.bits_set++;
    } else if (!unused) {
        model->account.hidden_faults++;
        leave(model, model->machine->hidden_fault);
    }
}

/* ---- an access ---- */

/* The TLBs' page of a size around an address. */
static void forget_piece(struct naive_model *model, uint64_t address, unsigned size)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_drop(&model->tlbs[i], address >> shifts[size], tlb_key(model, size, address));
}

static void touch_address(struct naive_model *model, uint64_t address, enum naive_access access)
{
    struct naive_leaf page;
    uint64_t missing = 0;
    bool instruction = access == NAIVE_EXECUTE, write = access == NAIVE_WRITE;
    if (write && lacks(&running(model)->clean, naive_leaf_at(kernels(model), address).from) &&
        naive_defect != CLEAN_PAGES_ARE_NOT_WALKED)
        for (unsigned size = 0; size < 3; size++)
            forget_piece(model, address, size);
    if (find_tlb(model, 1, address, instruction, &page)) {
        /* nothing more is to be done */
    } else if (find_tlb(model, 2, address, instruction, &page)) {
        if (naive_defect != LEVEL_2_HIT_STAYS_THERE)
            put_tlb(model, 1, address, instruction, &page);
    } else {
        for (int end; (end = walk(model, address, &page, &missing)) != DONE;)
            repair(model, end, address, missing);
        set_bits(model, address, write);
        put_tlb(model, 2, address, instruction, &page);
        put_tlb(model, 1, address, instruction, &page);
    }
    uint64_t physical = host_address(&page, address), now = model->before + model->account.cycles, cycles;
    unsigned level = touch_data(model, physical, instruction, &cycles);
    if (!instruction)
        charge(model, &model->account.late,
            naive_prefetch_after(&model->prefetch, address, physical, level, cycles, now));
    model->account.prefetches += model->prefetch.fetched;
    model->prefetch.fetched = 0;
}

/* ---- for prefetchers ---- */

static bool find_for_prefetch(void *context, uint64_t address, uint64_t *physical)
{
    struct naive_model *model = context;
    const struct naive_account before = model->account;
    struct naive_leaf page;
    uint64_t missing = 0;
    bool found = true;
    if (find_tlb(model, 1, address, false, &page)) {
        /* nothing more is to be done */
    } else if (find_tlb(model, 2, address, false, &page)) {
        if (naive_defect != LEVEL_2_HIT_STAYS_THERE)
            put_tlb(model, 1, address, false, &page);
    } else if (walk(model, address, &page, &missing) == DONE) {
        for (unsigned level = 2; level > 0 && naive_defect != PREFETCHES_LEAVE_THE_TLBS; level--)
            put_tlb(model, level, address, false, &page);
    } else {
        found = false;
    }
    model->account = before;
    *physical = found ? host_address(&page, address) : 0;
    return found;
}

static unsigned bring_for_prefetch(void *context, uint64_t physical, unsigned from, uint64_t *cycles)
{
    return touch(context, physical, false, from, cycles);
}

static void begin_prefetch(struct naive_model *model)
{
    naive_prefetch_begin(&model->prefetch, model->machine,
        &(struct naive_reach){model, find_for_prefetch, bring_for_prefetch});
}

/* ---- events (model.h) ---- */

static bool is_tag(uint64_t key, const void *context)
{
    return key % 64 / 8 == *(const unsigned *)context;
}

static void forget_walks(struct naive_model *model)
{
    for (unsigned i = 0; i < model->machine->walk_cache_count && naive_defect != FLUSH_KEEPS_WALK_CACHES; i++)
        naive_drop_those(&model->walk_caches[i], is_tag, &model->now);
}

/* What the domain has of its own, of all its processes. */
static void forget_own(struct naive_model *model)
{
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_drop_those(&model->tlbs[i], is_tag, &model->now);
    forget_walks(model);
}

struct piece {
    uint64_t from, bytes;
    unsigned tag;
};

static bool is_piece(uint64_t key, const void *context)
{
    const struct piece *piece = context;
    uint64_t at = key / 256 << shifts[key / 64 % 4];
    return key % 64 == piece->tag && at >= piece->from && at < piece->from + piece->bytes;
}

/* All that the TLBs have of the kernel's page. */
static void forget_page(struct naive_model *model, const struct naive_leaf *leaf, uint64_t address)
{
    const struct piece piece = {leaf->from, leaf->bytes, tag(model)};
    for (unsigned i = 0; i < model->machine->tlb_count; i++)
        naive_drop_those(&model->tlbs[i], is_piece, &piece);
    for (unsigned size = 0; size < 3; size++) /* or it is a part of a larger one */
        forget_piece(model, address, size);
}

/* A store to the kernel's leaf entry, where the monitor makes tables of its table. */
static void store_shadowed(struct naive_model *model, uint64_t address, uint64_t table, uint64_t stored)
{
    struct naive_domain *domain = running(model);
    struct naive_leaf guest = naive_leaf_at(&domain->guest, address);
    uint64_t state = STATES_GUARDED, below;
    dictionary_find(&domain->states, table, &state);
    if (state != STATES_GUARDED) {
        touch_data(model, stored, false, &(uint64_t){0});
        return;
    }
    model->account.table_stores++;
    leave(model, model->machine->table_store);
    if (model->setting.technique == NAIVE_SHADOW && !model->setting.sync_write &&
        naive_defect != LAZY_STORES_ALL_EXIT) {
        state = STATES_OUT;
        assert(domain->out_of_sync < sizeof domain->out / sizeof *domain->out);
        domain->out[domain->out_of_sync++] = table;
    } else if (model->setting.technique == NAIVE_AGILE && naive_defect != AGILE_NEVER_SWITCHES &&
               guest.level == 1 && naive_table_at(&domain->made, 1, address, &below)) {
        struct naive_leaf host = naive_leaf_at(&domain->host, table);
        state = STATES_NESTED;
        dictionary_put(&domain->switched, address >> 21, host_address(&host, table));
        forget_walks(model);
    }
    dictionary_put(&domain->states, table, state);
}

/* The kernel's store to its leaf entry. */
static void store(struct naive_model *model, uint64_t address)
{
    uint64_t table = 0, entry = entry_of(kernels(model), address, &table);
    if (model->setting.technique != NAIVE_NATIVE) {
        struct naive_leaf host = naive_leaf_at(&running(model)->host, entry);
        entry = host_address(&host, entry);
    }
    if (is_shadowed(model, address)) {
        store_shadowed(model, address, table, entry);
        return;
    }
    if (model->setting.technique == NAIVE_DIRECT) {
        model->account.hypercalls++;
        leave(model, model->machine->hypercall);
    }
    touch_data(model, entry, false, &(uint64_t){0});
}

static void clear_bits(struct naive_model *model, const struct naive_leaf *leaf)
{
    dictionary_put(&running(model)->unused, leaf->from, naive_defect != BITS_STAY_SET);
    dictionary_put(&running(model)->clean, leaf->from, naive_defect != BITS_STAY_SET);
}

void naive_change_entry(struct naive_model *model, uint64_t address)
{
    struct naive_leaf leaf = naive_leaf_at(kernels(model), address);
    store(model, address);
    clear_bits(model, &leaf);
    if (is_shadowed(model, address)) {
        if (naive_defect != FLUSH_DOES_NOT_EXIT)
            leave(model, 0);
        naive_space_hide(&running(model)->made, leaf.from, leaf.bytes,
            smaller(leaf.bytes, model->setting.host_page), true);
    }
    charge(model, &model->account.switching, model->machine->flush_page);
    model->account.flushes++;
    if (naive_defect != FLUSH_KEEPS_THE_PAGE)
        forget_page(model, &leaf, address);
    forget_walks(model);
}

void naive_fault(struct naive_model *model, uint64_t address)
{
    const struct naive_setting *setting = &model->setting;
    struct naive_leaf leaf = naive_leaf_at(kernels(model), address);
    bool direct = setting->technique == NAIVE_DIRECT, traps = direct || is_shadowed(model, address);
    uint64_t step = smaller(leaf.bytes, setting->host_page);
    forget_page(model, &leaf, address);
    if (traps) {
        naive_space_hide(&running(model)->made, leaf.from, leaf.bytes,
            smaller(leaf.bytes, model->setting.host_page), true);
        if (naive_defect != FAULTS_DO_NOT_EXIT)
            leave(model, 0);
    }
    model->account.guest_faults++;
    charge(model, &model->account.fault, model->machine->fault);
    if (setting->fresh && naive_defect != FAULTS_RECYCLE_FRAMES) {
        struct naive_memory *memory =
            setting->technique == NAIVE_NATIVE ? &model->host_memory : &running(model)->memory;
        if (naive_has(memory, naive_zone(leaf.bytes)))
            naive_space_map(
                kernels(model), leaf.from, naive_take(memory, naive_zone(leaf.bytes)), leaf.bytes);
    }
    clear_bits(model, &leaf);
    store(model, address);
    for (uint64_t at = leaf.from; direct && at < leaf.from + leaf.bytes; at += step) {
        struct naive_leaf guest = naive_leaf_at(&running(model)->guest, at);
        back(model, host_address(&guest, at));
        combine(model, at);
    }
    touch_address(model, address, NAIVE_WRITE);
}

/* Writing CR3, where the monitor has the tables. */
static void enter_monitor(struct naive_model *model)
{
    struct naive_domain *domain = running(model);
    bool asks = model->setting.technique == NAIVE_DIRECT;
    if (!combines(model))
        return;
    model->account.hypercalls += asks;
    leave(model, asks ? model->machine->hypercall : 0);
    for (; domain->out_of_sync > 0; domain->out_of_sync--) {
        if (naive_defect != SYNC_DOES_NOT_GUARD)
            dictionary_put(&domain->states, domain->out[domain->out_of_sync - 1], STATES_GUARDED);
        charge(model, &model->account.exit, model->machine->table_sync);
        model->account.tables_synced++;
    }
}

void naive_switch(struct naive_model *model, unsigned space)
{
    running(model)->space = space;
    model->account.switches++;
    charge(model, &model->account.switching, model->machine->page_switch);
    enter_monitor(model);
    if (!model->machine->process_tags && naive_defect != SWITCH_KEEPS_ALL)
        forget_own(model);
}

void naive_exit(struct naive_model *model)
{
    if (model->setting.technique != NAIVE_NATIVE)
        leave(model, 0);
}

void naive_tick(struct naive_model *model)
{
    model->account.ticks++;
    naive_exit(model);
    charge(model, &model->account.fault, model->machine->fault);
    if (naive_defect != TICKS_EXIT_ONCE)
        naive_exit(model);
}

void naive_flush(struct naive_model *model)
{
    model->account.flushes++;
    charge(model, &model->account.switching, model->machine->page_switch);
    enter_monitor(model);
    if (naive_defect != FLUSH_KEEPS_ALL)
        forget_own(model);
}

void naive_turn(struct naive_model *model, unsigned domain)
{
    model->account.turns++;
    if (model->setting.technique == NAIVE_NATIVE) {
        charge(model, &model->account.switching, model->machine->page_switch);
        if (!model->machine->process_tags)
            forget_all(model);
    }
    naive_exit(model);
    model->now = domain;
}

void naive_cold(struct naive_model *model)
{
    forget_all(model);
    for (unsigned i = 0; i < model->machine->cache_count; i++)
        naive_clear(&model->caches[i]);
    begin_prefetch(model);
}

/* ---- by rate (rates.h) ---- */

static void happen(struct naive_model *model, unsigned event)
{
    struct naive_domain *domain = running(model);
    unsigned space = domain->space;
    uint64_t at = event == NAIVE_FAULTS || event == NAIVE_CHANGES
                      ? domain->from + naive_random(&model->random, domain->bytes) / 64 * 64
                      : 0;
    if (event == NAIVE_FAULTS)
        naive_fault(model, at);
    else if (event == NAIVE_CHANGES)
        naive_change_entry(model, at);
    else if (event == NAIVE_SWITCHES) {
        naive_switch(model, (space + 1) % 8);
        naive_switch(model, space);
    } else if (event == NAIVE_EXITS)
        naive_exit(model);
    else if (event == NAIVE_TICKS)
        naive_tick(model);
    else if (event == NAIVE_FLUSHES)
        naive_flush(model);
    else
        naive_turn(model, (model->now + 1) % model->setting.domains);
}

void naive_access(struct naive_model *model, uint64_t address, enum naive_access access)
{
    touch_address(model, address, access);
    model->account.accesses++;
    for (unsigned event = 0; event < NAIVE_EVENTS; event++) {
        const struct naive_rate *rate = &model->setting.rates[event];
        double period = (rate->per_second ? 1e9 * model->machine->ghz : 1e6) / rate->rate;
        uint64_t clock = rate->per_second ? model->account.cycles : model->account.accesses;
        double phase = naive_defect == EVENTS_BEGIN_LATE ? 1 : 0.5;
        if (rate->rate > 0 && clock >= (uint64_t)(((double)model->happened[event] + phase) * period)) {
            model->happened[event]++;
            happen(model, event);
        }
    }
}

void naive_begin(struct naive_model *model)
{
    model->before += model->account.cycles;
    model->account = (struct naive_account){.accesses = 0};
    for (unsigned event = 0; event < NAIVE_EVENTS; event++)
        model->happened[event] = 0;
}

const struct naive_account *naive_account(const struct naive_model *model)
{
    return &model->account;
}
