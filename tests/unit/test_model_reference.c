/* The model against the naive machine of tests/naive/: after every single step both have the same account,
 * reference for reference and bucket for bucket; and each of the mistakes that the naive machine can make is
 * noticed.
 *
 *   test_model_reference [STEPS [SHARE [PART]]]   steps for each combination (10^4), of which one in SHARE
 * (10) is tried: the PART-th of SHARE parts that have each of them once, from 0, and then nothing else
 *   test_model_reference --differs         succeeds if the two do not agree: for a model with a mistake in it
 */
#include "cmocka_all.h"

#include "base/pool.h"
#include "base/random.h"
#include "model/model.h"
#include "naive_model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_SMALL (UINT64_C(24) << 20) /* of 4 KiB and 2 MiB pages */
#define BYTES_LARGE (UINT64_C(2) << 30)  /* where there are pages of 1 GiB */
#define FROM (UINT64_C(0x10) << 32)
#define PIECE (UINT64_C(512) << 10)     /* of memory that is apart, in 4 KiB pages */
#define APART (UINT64_C(3) << 30)       /* from one piece to the next, and a large page … */
#define ROW_APART (UINT64_C(512) << 30) /* … and from one row of them */
enum { ROW_PIECES = 24 };

static unsigned long steps = 10000, share = 10, part;

static const char *const presets[] = {"barcelona", "core2-merom", "icelake-sp", "nehalem", "neoverse-n1",
    "neoverse-v2", "sapphire-rapids", "skylake-sp", "zen2-rome", "zen3-milan", "zen4-genoa", "zen5-turin"};
enum { PRESETS = sizeof presets / sizeof *presets };
static const uint64_t pages[] = {UINT64_C(1) << 12, UINT64_C(1) << 21, UINT64_C(1) << 30};

struct combination {
    unsigned preset, technique, guest, host; /* guest, host: of pages[] */
    unsigned variant;                        /* which of the rest: VARIANT_… */
};
enum {
    VARIANT_FRAMES = 3, /* in order, scattered, fragmented, scattered */
    VARIANT_SYNC_WRITE = 1 << 2,
    VARIANT_FRESH = 1 << 3,
    VARIANT_INTERLEAVED = 1 << 4,
    VARIANT_TOLD = 1 << 5,
    VARIANT_DOMAINS = 1 << 6, /* three; of pages that are splintered into very many, one */
    VARIANT_RATES = 1 << 7,
    VARIANT_NEIGHBOURS = 1 << 8,   /* in the last cache */
    VARIANT_PREFETCHERS = 1 << 9,  /* one of each kind, with little room */
    VARIANT_APART = 1 << 10,       /* hardly two pieces of memory share a table, so that walk caches fill */
    VARIANT_MANY = 1 << 11,        /* accesses that are known ahead, in the first half … */
    VARIANT_MANY_BESIDE = 1 << 12, /* … and beside them what keeps them from going together */
    VARIANTS = 1 << 13
};
enum { COMBINATIONS = PRESETS * MODEL_TECHNIQUES * 9 };

static struct combination combination_at(unsigned number, unsigned variant)
{
    return (struct combination){
        .variant = variant,
        .host = number % 3,
        .guest = number / 3 % 3,
        .technique = number / 9 % MODEL_TECHNIQUES,
        .preset = number / 9 / MODEL_TECHNIQUES,
    };
}

/* ---- both machines ---- */

struct pair {
    struct pool pool;
    struct machine machine;
    struct naive_file file;
    struct model *model;
    struct naive_model *naive;
    uint64_t bytes;
    uint64_t piece, apart; /* of memory that is in pieces; else all of it is one */
    char name[160];
};

static uint64_t address_of(const struct pair *pair, uint64_t offset)
{
    const uint64_t number = offset / pair->piece;
    return FROM + number / ROW_PIECES * ROW_APART + number % ROW_PIECES * pair->apart + offset % pair->piece;
}

static void path_of(unsigned preset, char *path, size_t size)
{
    const char *root = getenv("VCOST_SOURCE_ROOT");
    snprintf(path, size, "%s/share/machines/%s.json", root ? root : ".", presets[preset]);
}

static void read_files(unsigned preset, struct pair *pair)
{
    char path[512];
    struct error error;
    path_of(preset, path, sizeof path);
    if (machine_find(path, &pair->pool, &pair->machine, &error) < 0)
        fail_msg("%s", error.text);
    naive_file_read(path, &pair->file);
}

/* So often that 10^4 accesses see each of them; time passes differently by technique. */
static const struct event_rates rates = {{
    [EVENT_FAULT] = {2000, false},
    [EVENT_CHANGE] = {3e5, true},
    [EVENT_SWITCH] = {700, false},
    [EVENT_EXIT] = {2e5, true},
    [EVENT_TICK] = {900, false},
    [EVENT_FLUSH] = {500, false},
    [EVENT_TURN] = {1234.5, false},
    [EVENT_SCAN] = {400, false},
}};

/* Into very many pieces, which takes long naively: of less memory and with fewer steps. */
static bool is_splintered(const struct combination *what)
{
    return what->technique != MODEL_NATIVE && what->guest == 2 && what->host == 0;
}

/* Rates, pages that are fresh, several domains: of accesses that are known ahead half the combinations have
 * none. */
static bool has_beside(const struct combination *what, unsigned variant)
{
    return what->variant & variant &&
           (!(what->variant & VARIANT_MANY) || what->variant & VARIANT_MANY_BESIDE);
}

static unsigned domains_of(const struct combination *what)
{
    return has_beside(what, VARIANT_DOMAINS) && !is_splintered(what) ? 3 : 1;
}

static struct model_config config_of(const struct combination *what, const struct pair *pair)
{
    static const enum frame_order orders[] = {
        FRAMES_IN_ORDER, FRAMES_SCATTERED, FRAMES_FRAGMENTED, FRAMES_SCATTERED};
    struct frame_policy policy = {.order = orders[what->variant & VARIANT_FRAMES], .fragmented = 0.3};
    struct model_config config = {.machine = &pair->machine,
        .technique = what->technique,
        .guest_page = pages[what->guest],
        .host_page = pages[what->host],
        .guest_frames = policy,
        .host_frames = policy,
        .sync_write = what->variant & VARIANT_SYNC_WRITE,
        .fresh = has_beside(what, VARIANT_FRESH),
        .hypothetical = true,
        .bytes_max = pair->bytes,
        .seed = 13,
        .domains = domains_of(what)};
    config.guest_frames.seed = 11;
    config.host_frames.seed = 12;
    config.host_frames.node = what->variant & VARIANT_INTERLEAVED ? NODE_INTERLEAVED : NODE_LOCAL;
    config.host_frames.told = what->variant & VARIANT_TOLD;
    if (has_beside(what, VARIANT_RATES))
        config.rates = rates;
    return config;
}

static struct naive_frames frames_of(const struct frame_policy *policy)
{
    return (struct naive_frames){.order = policy->order == FRAMES_IN_ORDER    ? NAIVE_IN_ORDER
                                          : policy->order == FRAMES_SCATTERED ? NAIVE_SCATTERED
                                                                              : NAIVE_FRAGMENTED,
        .fragmented = policy->fragmented,
        .seed = policy->seed,
        .node = policy->node == NODE_INTERLEAVED ? NAIVE_ALTERNATING : NAIVE_NEAR,
        .told = policy->told};
}

static struct naive_setting setting_of(const struct model_config *config, const struct pair *pair)
{
    struct naive_setting setting = {.machine = &pair->file,
        .technique = (enum naive_technique)config->technique,
        .guest_page = config->guest_page,
        .host_page = config->host_page,
        .bytes = config->bytes_max,
        .guest_frames = frames_of(&config->guest_frames),
        .host_frames = frames_of(&config->host_frames),
        .sync_write = config->sync_write,
        .fresh = config->fresh,
        .seed = config->seed,
        .domains = config->domains};
    for (unsigned i = 0; i < MODEL_EVENTS; i++)
        setting.rates[i] = (struct naive_rate){config->rates.of[i].rate, config->rates.of[i].per_second};
    return setting;
}

/* So many that they show in few steps. */
static void add_neighbours(struct pair *pair)
{
    pair->machine.has_neighbours = true;
    pair->machine.neighbours.lines_per_us = pair->file.neighbours = 90000;
}

/* Of both kinds, with few places and few lines on their way. */
static void change_prefetchers(struct pair *pair)
{
    pair->machine.prefetcher_count = pair->file.prefetcher_count = 2;
    pair->machine.prefetchers[0] = (struct machine_prefetcher){.kind = PREFETCH_STREAM,
        .fills = 2,
        .trackers = 4,
        .after = 2,
        .distance = 2,
        .ahead = 5,
        .in_flight = 4,
        .crosses = true};
    pair->machine.prefetchers[1] = (struct machine_prefetcher){.kind = PREFETCH_REGION,
        .misses = 1,
        .fills = 1,
        .trackers = 1,
        .after = 3,
        .distance = 1,
        .ahead = 1,
        .behind = 2,
        .in_flight = 3};
    pair->file.prefetchers[0] = (struct naive_prefetcher){false, true, 0, 2, 4, 2, 2, 5, 0, 4};
    pair->file.prefetchers[1] = (struct naive_prefetcher){true, false, 1, 1, 1, 3, 1, 1, 2, 3};
}

/* Of memory of so many bytes. */
static void lay_out(const struct combination *what, uint64_t bytes, struct pair *pair)
{
    const uint64_t page = pages[what->guest];
    pair->bytes = pair->piece = bytes;
    if (!(what->variant & VARIANT_APART))
        return;
    pair->piece = page < PIECE ? PIECE : page;
    pair->apart = APART + (page <= pages[1] ? pages[1] : 0);
}

static void map_both(struct pair *pair)
{
    struct error error;
    for (uint64_t offset = 0; offset < pair->bytes; offset += pair->piece) {
        if (model_map(pair->model, GVA(address_of(pair, offset)), pair->piece, NULL, &error) < 0)
            fail_msg("%s: %s", pair->name, error.text);
        naive_map(pair->naive, address_of(pair, offset), pair->piece);
    }
}

/* False: the machine has no such pages. */
static bool open_pair(const struct combination *what, struct pair *pair)
{
    struct error error;
    *pair = (struct pair){.bytes = is_splintered(what)                   ? BYTES_LARGE / 2
                                   : what->guest == 2 || what->host == 2 ? BYTES_LARGE
                                                                         : BYTES_SMALL};
    read_files(what->preset, pair);
    if (what->variant & VARIANT_NEIGHBOURS)
        add_neighbours(pair);
    if (what->variant & VARIANT_PREFETCHERS)
        change_prefetchers(pair);
    struct model_config config = config_of(what, pair);
    struct naive_setting setting = setting_of(&config, pair);
    snprintf(pair->name, sizeof pair->name, "%s %s guest %" PRIu64 " host %" PRIu64 " variant %u",
        presets[what->preset], model_technique_names[what->technique], config.guest_page, config.host_page,
        what->variant);
    int rc = model_open(&config, &pair->model, &error);
    if (rc == -ENOTSUP)
        return false;
    if (rc < 0)
        fail_msg("%s: %s", pair->name, error.text);
    pair->naive = naive_open(&setting);
    lay_out(what, config.guest_page == pages[0] ? BYTES_SMALL : pair->bytes, pair); /* more takes long */
    for (unsigned i = 0; i < config.domains; i++) {
        model_turn(pair->model, i);
        naive_turn(pair->naive, i);
        map_both(pair);
    }
    model_begin(pair->model);
    naive_begin(pair->naive);
    return true;
}

static void close_pair(struct pair *pair)
{
    model_close(pair->model);
    if (pair->naive)
        naive_close(pair->naive);
    pool_free(&pair->pool);
}

/* ---- comparing ---- */

#define ROW(what, count, in_model, in_naive)                                                                 \
    {                                                                                                        \
        what, count, offsetof(struct account, in_model), offsetof(struct naive_account, in_naive)            \
    }
static const struct row {
    const char *what;
    size_t count, model, naive; /* so many numbers, from there */
} rows[] = {
    ROW("accesses", 1, accesses, accesses),
    ROW("cycles of data, by level", 4, bucket[BUCKET_DATA], data[0]),
    ROW("cycles of data in memory", 1, bucket[BUCKET_DATA_MEMORY], data[4]),
    ROW("cycles of TLBs, by level", 2, bucket[BUCKET_TLB], tlb[0]),
    ROW("hits in TLBs, by level", 2, tlb_hits[0], tlb_hits[0]),
    ROW("walks", 1, walks, walks),
    ROW("hits in walk caches, by tables", 2, walk_cache_hits, walk_cache_hits[0]),
    ROW("hits and misses in the nested TLB", 2, nested_tlb_hits, nested_tlb_hits),
    ROW("reads of the guest's tables, by level", 5, guest_reads[0], guest_reads[0]),
    ROW("reads of the host's tables, by level", 5, host_reads[0], host_reads[0]),
    ROW("cycles of the guest's tables, by level", 5, bucket[BUCKET_GUEST], guest[0]),
    ROW("cycles of the host's tables, by level", 5, bucket[BUCKET_HOST], host[0]),
    ROW("cycles of walks", 1, bucket[BUCKET_WALK], walk),
    ROW("cycles of the nested TLB", 1, bucket[BUCKET_NESTED_TLB], nested_tlb),
    ROW("cycles of accessed and dirty bits", 1, bucket[BUCKET_BITS], bits),
    ROW("cycles of faults", 1, bucket[BUCKET_FAULT], fault),
    ROW("faults of the guest", 1, guest_faults, guest_faults),
    ROW("ticks", 1, ticks, ticks),
    ROW("turns", 1, turns, turns),
    ROW("bits set", 1, bits_set, bits_set),
    ROW("cycles of exits", 1, bucket[BUCKET_EXIT], exit),
    ROW("cycles of switches", 1, bucket[BUCKET_SWITCH], switching),
    ROW("exits", 1, exits, exits),
    ROW("faults", 1, faults, faults),
    ROW("hidden faults", 1, hidden_faults, hidden_faults),
    ROW("stores to tables", 1, table_stores, table_stores),
    ROW("tables synced", 1, tables_synced, tables_synced),
    ROW("hypercalls", 1, hypercalls, hypercalls),
    ROW("switches", 1, switches, switches),
    ROW("flushes", 1, flushes, flushes),
    ROW("cycles of prefetches on their way", 1, bucket[BUCKET_LATE], late),
    ROW("prefetches", 1, prefetches, prefetches),
    ROW("all cycles", 1, cycles, cycles),
};
#undef ROW

/* What differs, or NULL. */
static const char *difference(const struct pair *pair)
{
    static char text[160];
    const char *model = (const char *)model_account(pair->model),
               *naive = (const char *)naive_account(pair->naive);
    for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
        const uint64_t *a = (const uint64_t *)(model + row->model),
                       *b = (const uint64_t *)(naive + row->naive);
        for (size_t i = 0; i < row->count; i++)
            if (a[i] != b[i]) {
                snprintf(
                    text, sizeof text, "%s [%zu]: %" PRIu64 ", naively %" PRIu64, row->what, i, a[i], b[i]);
                return text;
            }
    }
    return NULL;
}

static uint64_t sum_of_buckets(const struct account *account)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        sum += account->bucket[i];
    return sum;
}

/* ---- steps ---- */

/* How addresses come, of twelve: near the last one, of a few pages, anywhere; the others are a step on. */
enum manner {
    MIXED,
    ANYWHERE, /* no prefetcher makes anything of most: long runs go through the caches together */
    STREAMS,  /* half of many accesses; of the others half are of each manner before */
    MANNERS
};
static const struct {
    uint64_t near, few, anywhere;
} manners[MANNERS] = {[MIXED] = {2, 3, 3}, [ANYWHERE] = {0, 2, 10}, [STREAMS] = {1, 0, 0}};

/* One of a few pages, which have the same tracker of each prefetcher. */
static uint64_t of_few(const struct pair *pair, uint64_t number)
{
    return number % 96 * (pair->bytes / 96 / 64 * 64);
}

static uint64_t some_address(uint64_t *state, const struct pair *pair, uint64_t last, enum manner manner)
{
    const uint64_t near = manners[manner].near, few = near + manners[manner].few,
                   anywhere = few + manners[manner].anywhere;
    uint64_t kind = random_below(state, 12), offset = random_below(state, pair->bytes);
    if (kind >= anywhere)
        offset = (last + 64 * (1 + (last >> 12 & 1))) % pair->bytes;
    else if (kind < near)
        offset = (last + random_below(state, 4096)) % pair->bytes;
    else if (kind < few)
        offset = of_few(pair, offset);
    return offset & ~UINT64_C(7);
}

/* The i-th of many accesses that begin elsewhere than the stream of before, whose tracker that takes, and go
 * back, at times, to where it has lines on their way. */
static uint64_t stream_address(
    uint64_t *state, const struct pair *pair, size_t i, uint64_t before, uint64_t last)
{
    if (i == 0)
        return of_few(pair, random_next(state));
    if (i == 1 && random_below(state, 4))
        return (before + random_below(state, 1024)) % pair->bytes & ~UINT64_C(7);
    return some_address(state, pair, last, STREAMS);
}

/* An event that no rate asked for; from QUIET on, as many as QUIET_KINDS: those that leave tables as they
 * are. */
enum { EVENT_KINDS = 15, QUIET = 7, QUIET_KINDS = 6 };

static void event(uint64_t kind, uint64_t *state, struct pair *pair, uint64_t at, unsigned domains)
{
    unsigned space = (unsigned)random_below(state, 3), domain = (unsigned)random_below(state, domains);
    if (kind < 5) {
        model_change_entry(pair->model, GVA(at));
        naive_change_entry(pair->naive, at);
    } else if (kind < 7) {
        model_fault(pair->model, GVA(at));
        naive_fault(pair->naive, at);
    } else if (kind < 8) {
        model_switch(pair->model, space);
        naive_switch(pair->naive, space);
    } else if (kind < 9) {
        model_exit(pair->model);
        naive_exit(pair->naive);
    } else if (kind < 10) {
        model_tick(pair->model);
        naive_tick(pair->naive);
    } else if (kind < 11) {
        model_flush(pair->model);
        naive_flush(pair->naive);
    } else if (kind < 12) {
        model_turn(pair->model, domain);
        naive_turn(pair->naive, domain);
    } else if (kind < 13) {
        model_scan(pair->model);
        naive_scan(pair->naive);
    } else if (kind < 14) {
        model_copy(pair->model, GVA(at));
        naive_copy(pair->naive, at);
    } else {
        model_protect(pair->model, GVA(at));
        naive_protect(pair->naive, at);
    }
}

static enum naive_access naively(enum model_access access)
{
    return access == ACCESS_EXECUTE ? NAIVE_EXECUTE : access == ACCESS_WRITE ? NAIVE_WRITE : NAIVE_READ;
}

static void step(uint64_t *state, struct pair *pair, uint64_t *last, unsigned domains)
{
    uint64_t kind = random_below(state, 100);
    *last = some_address(state, pair, *last, MIXED);
    if (kind < 5) {
        event(random_below(state, EVENT_KINDS), state, pair, address_of(pair, *last), domains);
        return;
    }
    enum model_access access = kind < 20 ? ACCESS_EXECUTE : kind < 35 ? ACCESS_WRITE : ACCESS_READ;
    model_access(pair->model, GVA(address_of(pair, *last)), access);
    naive_access(pair->naive, address_of(pair, *last), naively(access));
}

/* At times something happens before many accesses, and mostly something after which they still go together.
 */
static void event_before_many(uint64_t *state, struct pair *pair, uint64_t at, unsigned domains)
{
    uint64_t kind = random_below(state, 32);
    if (kind < 8)
        event(kind == 0 ? random_below(state, EVENT_KINDS) : QUIET + random_below(state, QUIET_KINDS), state,
            pair, at, domains);
}

/* Accesses of one kind, which the model is told all at once; returns how many. */
static unsigned long step_many(uint64_t *state, struct pair *pair, uint64_t *last, unsigned domains)
{
    enum { MOST = 200, MOST_OF_FEW = 20 };
    gva_t addresses[MOST];
    const uint64_t before = *last;
    event_before_many(state, pair, address_of(pair, *last), domains);
    const enum manner manner = random_below(state, 2) ? STREAMS : (enum manner)random_below(state, STREAMS);
    size_t count = 1 + random_below(state, manner == STREAMS || random_below(state, 2) ? MOST_OF_FEW : MOST);
    uint64_t kind = random_below(state, 8);
    enum model_access access = kind == 0 ? ACCESS_EXECUTE : kind == 1 ? ACCESS_WRITE : ACCESS_READ;
    for (size_t i = 0; i < count; i++) {
        *last = manner == STREAMS ? stream_address(state, pair, i, before, *last)
                                  : some_address(state, pair, *last, manner);
        addresses[i] = GVA(address_of(pair, *last));
        naive_access(pair->naive, addresses[i].value, naively(access));
    }
    model_access_many(pair->model, addresses, count, access);
    return count;
}

/* Each combination has a sequence of its own: what one does not come across another one does. */
static uint64_t seed_of(const struct combination *what)
{
    return ((what->preset * MODEL_TECHNIQUES + what->technique) * 9 + what->guest * 3 + what->host) *
               VARIANTS +
           what->variant;
}

/* What differed first, or NULL; *refused: there is no such combination. */
static const char *run(const struct combination *what, unsigned long count, struct pair *pair, bool *refused)
{
    uint64_t state = random_mix(seed_of(what)), last = 0;
    const char *found = NULL;
    *refused = !open_pair(what, pair);
    count = is_splintered(what) ? count / 20 : count;
    for (unsigned long i = 0; i < count && !found && !*refused;) {
        if (what->variant & VARIANT_MANY && i < count / 2)
            i += step_many(&state, pair, &last, domains_of(what));
        else if (++i)
            step(&state, pair, &last, domains_of(what));
        found = difference(pair);
    }
    return found;
}

static void model_and_naive_machine_agree_step_by_step(void **unused)
{
    (void)unused;
    uint64_t state = 2026;
    unsigned tried = 0;
    naive_defect = SOUND;
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        struct combination what = combination_at(i, (unsigned)random_below(&state, VARIANTS));
        struct pair pair;
        bool refused;
        if (random_below(&state, share) != part)
            continue;
        const char *found = run(&what, steps, &pair, &refused);
        if (found)
            fail_msg("%s: %s", pair.name, found);
        if (!refused)
            assert_int_equal(sum_of_buckets(model_account(pair.model)), model_account(pair.model)->cycles);
        tried += !refused;
        close_pair(&pair);
    }
    print_message("# %u combinations, %lu steps each\n", tried, steps);
    assert_true(tried > COMBINATIONS / share / 4 || share > 20);
}

/* Is it noticed in some combination? */
static bool noticed(enum naive_defect defect)
{
    enum { STRIDE = 37, VARIANT_STRIDE = 89, ROUNDS = 4 };
    naive_defect = defect;
    for (unsigned i = 0; i < ROUNDS * COMBINATIONS; i++) {
        struct combination what = combination_at(i * STRIDE % COMBINATIONS, i * VARIANT_STRIDE % VARIANTS);
        struct pair pair;
        bool refused;
        if (is_splintered(&what))
            continue;
        const char *found = run(&what, 2000, &pair, &refused);
        close_pair(&pair);
        if (found)
            return true;
    }
    return false;
}

static void every_defect_of_the_naive_machine_is_noticed(void **unused)
{
    (void)unused;
    for (unsigned defect = SOUND + 1; defect < NAIVE_DEFECTS; defect++)
        if (!noticed(defect))
            fail_msg("defect %u was not", defect);
    naive_defect = SOUND;
}

/* ---- arithmetic ---- */

static uint64_t reads(const struct account *account)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ACCOUNT_LEVELS; i++)
        sum += account->guest_reads[i] + account->host_reads[i];
    return sum;
}

static uint64_t naive_reads(const struct naive_account *account)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 5; i++)
        sum += account->guest_reads[i] + account->host_reads[i];
    return sum;
}

/* The first access of a machine without walk caches and nested TLB, in both. */
static void expect_reads(
    unsigned preset, enum model_technique technique, unsigned guest, unsigned host, uint64_t expected)
{
    struct error error;
    struct pair pair = {.bytes = BYTES_LARGE};
    struct combination what = {preset, technique, guest, host, 0};
    read_files(preset, &pair);
    pair.machine.walk_cache_count = pair.machine.nested.walk_cache_count = 0;
    pair.machine.nested.has_tlb = pair.file.nested_tlb = false;
    pair.file.walk_cache_count = pair.file.nested_walk_cache_count = 0;
    struct model_config config = config_of(&what, &pair);
    struct naive_setting setting = setting_of(&config, &pair);
    assert_int_equal(model_open(&config, &pair.model, &error), 0);
    pair.naive = naive_open(&setting);
    assert_int_equal(model_map(pair.model, GVA(FROM), pages[guest], NULL, &error), 0);
    naive_map(pair.naive, FROM, pages[guest]);
    model_access(pair.model, GVA(FROM), ACCESS_READ);
    naive_access(pair.naive, FROM, NAIVE_READ);
    if (reads(model_account(pair.model)) != expected || naive_reads(naive_account(pair.naive)) != expected)
        fail_msg("%s %s %u %u: %" PRIu64 " reads, naively %" PRIu64 ", should be %" PRIu64, presets[preset],
            model_technique_names[technique], guest, host, reads(model_account(pair.model)),
            naive_reads(naive_account(pair.naive)), expected);
    close_pair(&pair);
}

static unsigned preset_of(const char *name)
{
    for (unsigned i = 0; i < PRESETS; i++)
        if (strcmp(presets[i], name) == 0)
            return i;
    fail_msg("there is no %s", name);
    return 0;
}

/* g guest levels and h host levels: g, and g * (h + 1) + h. */
static void cold_walks_read_as_many_entries_as_arithmetic_says(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        uint64_t g, h;
    } machines[] = {{"barcelona", 4, 4}, {"skylake-sp", 4, 4}, {"icelake-sp", 5, 4},
        {"sapphire-rapids", 5, 5}, {"zen4-genoa", 5, 5}, {"neoverse-n1", 4, 3}};
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        unsigned preset = preset_of(machines[m].name);
        for (unsigned guest = 0; guest < 3; guest++) {
            expect_reads(preset, MODEL_NATIVE, guest, guest, machines[m].g - guest);
            for (unsigned host = 0; host < 3; host++) {
                uint64_t g = machines[m].g - guest, h = machines[m].h - host;
                expect_reads(preset, MODEL_NESTED, guest, host, g * (h + 1) + h);
                expect_reads(
                    preset, MODEL_SHADOW, guest, host, machines[m].g - (guest < host ? guest : host));
                expect_reads(
                    preset, MODEL_DIRECT, guest, host, machines[m].g - (guest < host ? guest : host));
            }
        }
    }
    expect_reads(preset_of("barcelona"), MODEL_NESTED, 0, 0, 24);
    expect_reads(preset_of("barcelona"), MODEL_NESTED, 1, 0, 19);
    expect_reads(preset_of("barcelona"), MODEL_NESTED, 0, 1, 19);
    expect_reads(preset_of("barcelona"), MODEL_NESTED, 1, 1, 15);
    expect_reads(preset_of("sapphire-rapids"), MODEL_NESTED, 0, 0, 35);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--differs") == 0)
        return noticed(SOUND) ? 0 : 1;
    steps = argc > 1 ? strtoul(argv[1], NULL, 10) : steps;
    share = argc > 2 ? strtoul(argv[2], NULL, 10) : share;
    part = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (argc > 3) {
        const struct CMUnitTest one[] = {cmocka_unit_test(model_and_naive_machine_agree_step_by_step)};
        return cmocka_run_group_tests(one, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_walks_read_as_many_entries_as_arithmetic_says),
        cmocka_unit_test(model_and_naive_machine_agree_step_by_step),
        cmocka_unit_test(every_defect_of_the_naive_machine_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
