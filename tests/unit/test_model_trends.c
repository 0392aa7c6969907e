/* Trends of the literature, in direction and order of size, on the presets: what the model's machine
 * experiences. Accesses are to addresses at random. Sources:
 *
 *   [Adams]    Adams, Agesen, "A comparison of software and hardware techniques for x86 virtualization",
 * ASPLOS 2006 [Barr]     Barr, Cox, Rixner, "Translation caching: skip, don't walk (the page table)", ISCA
 * 2010 [Bhargava] Bhargava, Serebrin, Spadini, Manne, "Accelerating two-dimensional page walks for
 * virtualized systems", ASPLOS 2008 [Gandhi]   Gandhi, Hill, Swift, "Agile paging: exceeding the best of
 * nested and shadow paging", ISCA 2016 [Park]     Park, Vougioukas, Sandberg, Black-Schaffer, "Every walk's a
 * hit: making page walks single-access cache hits", ASPLOS 2022: 1.5 references a walk natively, 4.4
 * virtualized, on average [Pham]     Pham, Vesely, Loh, Bhattacharjee, "Large pages and lightweight memory
 * management in virtualized environments: can you have it both ways?", MICRO 2015
 */
#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

static const uint64_t base = UINT64_C(1) << 45;

/* A machine, which a test may change before it is run. */
struct sheet {
    struct pool pool;
    struct machine machine;
};

static void read_sheet(const char *name, struct sheet *sheet)
{
    struct error error;
    *sheet = (struct sheet){.pool = {.newest = NULL}};
    if (machine_find(name, &sheet->pool, &sheet->machine, &error) < 0)
        fail_msg("%s", error.text);
}

/* What is run, beside the model's own configuration. */
struct trial {
    struct model_config config; /* without machine and bytes_max; pages of 0 bytes: 4 KiB */
    uint64_t bytes;             /* of each domain */
    unsigned accesses;          /* 0: a hundred thousand; as many before to warm up */
    enum model_access access;
    uint64_t stride; /* only the first line of each so many bytes; 0: any line */
    unsigned
        change_every; /* so many accesses an entry changes, of the first table of 4 KiB leaves; 0: none */
};

static void go(struct model *model, const struct trial *trial, unsigned accesses, uint64_t *random)
{
    uint64_t unit = trial->stride ? trial->stride : 64;
    for (unsigned i = 0; i < accesses; i++) {
        model_access(model, GVA(base + random_below(random, trial->bytes / unit) * unit), trial->access);
        if (trial->change_every && i % trial->change_every == 0)
            model_change_entry(model, GVA(base + random_below(random, 2 * MIB)));
    }
}

static struct account run(const struct sheet *sheet, const struct trial *trial)
{
    struct model_config config = trial->config;
    struct model *model;
    struct error error;
    unsigned domains = config.domains ? config.domains : 1,
             accesses = trial->accesses ? trial->accesses : 100000;
    uint64_t random = 5;
    config.machine = &sheet->machine;
    config.guest_page = config.guest_page ? config.guest_page : 4 * KIB;
    config.host_page = config.host_page ? config.host_page : 4 * KIB;
    config.bytes_max = (trial->bytes + config.guest_page - 1) / config.guest_page * config.guest_page;
    config.guest_frames.order = config.host_frames.order = FRAMES_SCATTERED;
    if (model_open(&config, &model, &error) < 0)
        fail_msg("%s", error.text);
    for (unsigned i = domains; i-- > 0;) {
        model_turn(model, i);
        if (model_map(model, GVA(base), config.bytes_max, NULL, &error) < 0)
            fail_msg("%s", error.text);
    }
    model_begin(model);
    go(model, trial, accesses, &random);
    model_begin(model);
    go(model, trial, accesses, &random);
    struct account account = *model_account(model);
    assert_false(model_lacks_frames(model));
    model_close(model);
    uint64_t sum = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        sum += account.bucket[i];
    assert_int_equal(sum, account.cycles);
    return account;
}

static double per_access(const struct account *account)
{
    return (double)account->cycles / (double)account->accesses;
}

static double reads_per_walk(const struct account *account)
{
    uint64_t reads = 0;
    for (unsigned i = 0; i < ACCOUNT_LEVELS; i++)
        reads += account->guest_reads[i] + account->host_reads[i];
    return (double)reads / (double)account->walks;
}

/* ---- translation caches ---- */

static void walk_caches_leave_one_or_two_reads_of_four(void **unused)
{
    (void)unused;
    static const char *const names[] = {"barcelona", "nehalem", "skylake-sp", "zen3-milan", "neoverse-n1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct sheet sheet;
        struct trial native = {.config = {.technique = MODEL_NATIVE}, .bytes = 64 * MIB, .accesses = 30000},
                     nested = native;
        nested.config.technique = MODEL_NESTED;
        read_sheet(names[i], &sheet);
        struct account with = run(&sheet, &native), two = run(&sheet, &nested);
        print_message("# %s: %.2f reads a walk natively, %.2f nested\n", names[i], reads_per_walk(&with),
            reads_per_walk(&two));
        assert_true(reads_per_walk(&with) >= 1 && reads_per_walk(&with) < 2); /* [Barr], [Park] */
        assert_true(reads_per_walk(&two) >= 2 && reads_per_walk(&two) < 8);   /* [Bhargava], [Park] */
        sheet.machine.walk_cache_count = 0;
        struct account without = run(&sheet, &native);
        assert_true(reads_per_walk(&without) == sheet.machine.levels);
        assert_true(per_access(&without) > per_access(&with));
        pool_free(&sheet.pool);
    }
}

/* [Bhargava]: each by itself, and both together. */
static void walk_caches_and_the_nested_tlb_help_each_by_itself(void **unused)
{
    (void)unused;
    struct account with[2][2]; /* [walk caches][nested TLB] */
    struct trial trial = {.config = {.technique = MODEL_NESTED}, .bytes = 64 * MIB, .accesses = 50000};
    for (int caches = 0; caches < 2; caches++)
        for (int tlb = 0; tlb < 2; tlb++) {
            struct sheet sheet;
            read_sheet("barcelona", &sheet);
            sheet.machine.nested.has_tlb &= tlb;
            sheet.machine.walk_cache_count *= (size_t)caches;
            sheet.machine.nested.walk_cache_count *= (size_t)caches;
            with[caches][tlb] = run(&sheet, &trial);
            print_message(
                "# barcelona %s walk caches, %s nested TLB: %.2f reads a walk, %.0f cycles an access\n",
                caches ? "with" : "without", tlb ? "with" : "without", reads_per_walk(&with[caches][tlb]),
                per_access(&with[caches][tlb]));
            pool_free(&sheet.pool);
        }
    assert_true(reads_per_walk(&with[0][0]) == 24);
    assert_true(reads_per_walk(&with[0][1]) < 12);
    assert_true(reads_per_walk(&with[1][0]) < 6);
    assert_true(per_access(&with[0][1]) < 0.95 * per_access(&with[0][0]));
    assert_true(per_access(&with[1][0]) < 0.95 * per_access(&with[0][0]));
    assert_true(with[1][1].cycles <= with[1][0].cycles);
}

/* ---- large pages ---- */

static void large_pages_help_on_one_side_and_more_on_both(void **unused)
{
    (void)unused;
    static const char *const names[] = {"barcelona", "skylake-sp", "zen3-milan"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct sheet sheet;
        struct account with[2][2]; /* [guest][host] */
        struct trial trial = {.config = {.technique = MODEL_NATIVE}, .bytes = 128 * MIB, .accesses = 30000};
        read_sheet(names[i], &sheet);
        struct account native = run(&sheet, &trial);
        for (int guest = 0; guest < 2; guest++)
            for (int host = 0; host < 2; host++) {
                trial.config = (struct model_config){.technique = MODEL_NESTED,
                    .guest_page = guest ? 2 * MIB : 4 * KIB,
                    .host_page = host ? 2 * MIB : 4 * KIB};
                with[guest][host] = run(&sheet, &trial);
            }
        print_message(
            "# %s, cycles an access: native %.0f; nested 4K/4K %.0f, 2M/4K %.0f, 4K/2M %.0f, 2M/2M %.0f\n",
            names[i], per_access(&native), per_access(&with[0][0]), per_access(&with[1][0]),
            per_access(&with[0][1]), per_access(&with[1][1]));
        assert_true(per_access(&native) < per_access(&with[0][0]));
        for (int one = 0; one < 2; one++) {
            assert_true(per_access(&with[one][!one]) < per_access(&with[0][0]));
            assert_true(per_access(&with[1][1]) < per_access(&with[one][!one]));
        }
        /* [Pham]: a large page that is splintered below has no more reach than small ones, only shorter walks
         */
        double walks = (double)with[1][0].walks / (double)with[0][0].walks;
        assert_true(walks > 0.9 && walks < 1.1);
        assert_true(with[1][1].walks < with[0][0].walks / 4);
        pool_free(&sheet.pool);
    }
}

/* ---- changes of page tables ---- */

static const enum model_technique three[] = {MODEL_SHADOW, MODEL_NESTED, MODEL_AGILE};

/* An entry changes every so many accesses (0: none does); locally: all of them in one table of many. */
static void change_every(const struct sheet *sheet, unsigned every, bool locally, double cycles[3])
{
    for (int i = 0; i < 3; i++) {
        struct trial trial = {.config = {.technique = three[i]},
            .bytes = 32 * MIB,
            .accesses = locally ? 50000 : 100000}; /* each table changes */
        if (locally)
            trial.change_every = every;
        else if (every)
            trial.config.rates.of[EVENT_CHANGE].rate = 1e6 / every;
        struct account account = run(sheet, &trial);
        cycles[i] = per_access(&account);
    }
    print_message("# %s, a change %s every %u accesses: shadow %.1f, nested %.1f, agile %.1f cycles\n",
        sheet->machine.name, locally ? "of one table" : "anywhere", every, cycles[0], cycles[1], cycles[2]);
}

enum { SHADOW, NESTED, AGILE };
static const unsigned every[] = {0, 10000, 1000, 100, 10};
enum { RATES = sizeof every / sizeof *every };

/* [Adams]: each change costs shadow paging exits and nested paging none, which pays at each walk. */
static void shadow_paging_is_better_until_page_tables_change(void **unused)
{
    (void)unused;
    struct sheet sheet;
    double cycles[RATES][3];
    int crossings = 0;
    read_sheet("skylake-sp", &sheet);
    for (int i = 0; i < RATES; i++) {
        change_every(&sheet, every[i], false, cycles[i]);
        if (i == 0)
            continue;
        assert_true(cycles[i][SHADOW] > cycles[i - 1][SHADOW]);
        assert_true(
            cycles[i][AGILE] < 1.02 * cycles[i][NESTED]); /* as nested, but for the last table alone */
        crossings +=
            (cycles[i - 1][SHADOW] < cycles[i - 1][NESTED]) != (cycles[i][SHADOW] < cycles[i][NESTED]);
    }
    assert_true(cycles[0][SHADOW] < cycles[0][NESTED]);
    assert_true(cycles[0][AGILE] == cycles[0][SHADOW]);
    assert_true(cycles[RATES - 1][SHADOW] > 1.5 * cycles[RATES - 1][NESTED]);
    assert_int_equal(crossings, 1);
    pool_free(&sheet.pool);
}

/* [Gandhi]: where it is a small part of the tables that changes. */
static void agile_paging_exceeds_the_best_of_both_where_few_tables_change(void **unused)
{
    (void)unused;
    struct sheet sheet;
    double cycles[3];
    read_sheet("skylake-sp", &sheet);
    for (int i = 0; i < RATES; i++) {
        change_every(&sheet, every[i], true, cycles);
        assert_true(cycles[AGILE] < 1.02 * fmin(cycles[SHADOW], cycles[NESTED]));
    }
    change_every(&sheet, 100, true, cycles);
    assert_true(cycles[AGILE] < 0.95 * fmin(cycles[SHADOW], cycles[NESTED]));
    pool_free(&sheet.pool);
}

/* [Gandhi]: what has changed is walked longer only as long as it changes. */
static void agile_paging_walks_as_shadow_paging_again_when_changes_cease(void **unused)
{
    (void)unused;
    struct sheet sheet;
    struct account after[3];
    read_sheet("skylake-sp", &sheet);
    for (int i = 0; i < 3; i++) {
        struct model *model;
        struct error error;
        uint64_t random = 5, bytes = 8 * MIB;
        const struct model_config config = {.machine = &sheet.machine,
            .technique = three[i],
            .guest_page = 4 * KIB,
            .host_page = 4 * KIB,
            .bytes_max = bytes,
            .rates.of[EVENT_SCAN].rate = 100};
        assert_int_equal(model_open(&config, &model, &error), 0);
        assert_int_equal(model_map(model, GVA(base), bytes, NULL, &error), 0);
        struct trial changing = {.bytes = bytes, .change_every = 10}, calm = {.bytes = bytes};
        go(model, &changing, 50000, &random);
        uint64_t host_reads = model_account(model)->host_reads[0];
        assert_true(three[i] == MODEL_SHADOW ? host_reads == 0 : host_reads > 0);
        go(model, &calm, 50000, &random); /* all accessed bits are set, and the monitor looks */
        model_begin(model);
        go(model, &calm, 50000, &random);
        after[i] = *model_account(model);
        model_close(model);
    }
    print_message("# changes have ceased: shadow %.1f, nested %.1f, agile %.1f cycles\n",
        per_access(&after[0]), per_access(&after[1]), per_access(&after[2]));
    assert_int_equal(after[2].host_reads[0], 0);
    assert_int_equal(after[2].exits, 5); /* its looks */
    assert_true(per_access(&after[2]) < 1.01 * per_access(&after[0]));
    pool_free(&sheet.pool);
}

static void lazy_shadows_pay_less_than_eager_ones_for_many_changes_between_switches(void **unused)
{
    (void)unused;
    struct sheet sheet;
    struct trial trial = {.config = {.technique = MODEL_SHADOW}, .bytes = 4 * MIB};
    read_sheet("core2-merom", &sheet);
    trial.config.rates.of[EVENT_CHANGE].rate = 10000;
    trial.config.rates.of[EVENT_SWITCH].rate = 100;
    struct account lazy = run(&sheet, &trial);
    trial.config.sync_write = true;
    struct account eager = run(&sheet, &trial);
    assert_true(lazy.table_stores < eager.table_stores / 2);
    assert_int_equal(eager.table_stores, 1000);
    assert_true(lazy.cycles < eager.cycles);
    pool_free(&sheet.pool);
}

/* ---- frames with a history ---- */

static struct account faulting(const struct sheet *sheet, enum model_technique technique, bool fresh)
{
    struct trial trial = {.config = {.technique = technique, .fresh = fresh}, .bytes = 8 * MIB};
    trial.config.rates.of[EVENT_FAULT].rate = 1000;
    return run(sheet, &trial);
}

/* Nested paging faults once for a page of the host; shadow paging traps each of the guest's. Whoever restarts
 * a guest before each run measures the first of these. */
static void recycled_frames_cost_nested_paging_nothing_and_shadow_paging_the_same(void **unused)
{
    (void)unused;
    struct sheet sheet;
    read_sheet("skylake-sp", &sheet);
    struct account recycled = faulting(&sheet, MODEL_NESTED, false),
                   fresh = faulting(&sheet, MODEL_NESTED, true);
    struct account shadow = faulting(&sheet, MODEL_SHADOW, false),
                   shadow_fresh = faulting(&sheet, MODEL_SHADOW, true);
    struct account native = faulting(&sheet, MODEL_NATIVE, false);
    assert_int_equal(native.guest_faults, 100);
    assert_int_equal(recycled.guest_faults, 100);
    assert_int_equal(native.bucket[BUCKET_FAULT], 100 * sheet.machine.costs.fault);
    assert_int_equal(recycled.bucket[BUCKET_FAULT], native.bucket[BUCKET_FAULT]);
    assert_int_equal(recycled.exits, 0);
    assert_int_equal(fresh.exits, 100);
    assert_int_equal(fresh.faults, 100);
    assert_true(
        shadow.exits >= 200 && shadow.exits <= 300); /* the fault, the hidden fault, at times the store */
    assert_int_equal(shadow_fresh.exits, shadow.exits);
    assert_true(recycled.cycles < fresh.cycles);
    pool_free(&sheet.pool);
}

/* ---- tags ---- */

static void tags_spare_the_walks_after_each_exit(void **unused)
{
    (void)unused;
    struct sheet sheet;
    double before = 0;
    read_sheet("zen3-milan", &sheet);
    for (int i = 0; i < 3; i++) {
        struct trial trial = {.config = {.technique = MODEL_NESTED}, .bytes = 4 * MIB};
        trial.config.rates.of[EVENT_EXIT].rate = (double[]){100, 1000, 10000}[i];
        sheet.machine.tags.guests = true;
        struct account tagged = run(&sheet, &trial);
        sheet.machine.tags.guests = false;
        struct account flushed = run(&sheet, &trial);
        double lost = per_access(&flushed) - per_access(&tagged);
        print_message("# %.0f exits a million accesses: %.1f cycles an access, without tags %.1f\n",
            trial.config.rates.of[EVENT_EXIT].rate, per_access(&tagged), per_access(&flushed));
        assert_int_equal(tagged.exits, flushed.exits);
        assert_true(tagged.walks < flushed.walks / 10);
        assert_true(lost > before);
        before = lost;
    }
    pool_free(&sheet.pool);
}

/* Walks for each page of a domain's set and turn; 1: each turn begins with nothing. */
static double walks_a_turn(struct sheet *sheet, bool tagged, unsigned domains, unsigned pages)
{
    enum { TURNS = 12 };
    unsigned turn = 10 * pages; /* long enough to touch all */
    struct trial trial = {.config = {.technique = MODEL_NESTED, .domains = domains},
        .bytes = pages * 4 * KIB,
        .accesses = TURNS * turn,
        .stride = 4 * KIB};
    sheet->machine.tags.guests = tagged;
    trial.config.rates.of[EVENT_TURN].rate = 1e6 / turn;
    struct account account = run(sheet, &trial);
    assert_int_equal(account.turns, TURNS);
    return (double)account.walks / TURNS / pages;
}

/* Of one TLB of 512 entries, fully associative, whose replacement is told. */
static void use_one_tlb(struct sheet *sheet, enum machine_replacement replacement)
{
    struct machine_tlb *tlb = &sheet->machine.tlbs[0];
    sheet->machine.tlb_count = 1;
    tlb->use = USE_BOTH;
    tlb->page_count = 1;
    tlb->pages[0] = 4 * KIB;
    tlb->shape = (struct machine_shape){512, 512, INDEX_BITS, replacement};
}

/* "Tagging will only increase the cache pressure" (the article): domains with tags share the entries. While
 * all fit nothing is walked again; once they do not, nothing is left of what tags spare; and where
 * replacement does not know which entries are in use, a domain is worse off with tags than with flushes. */
static void tags_spare_flushes_until_domains_fill_the_tlb(void **unused)
{
    (void)unused;
    struct sheet sheet;
    read_sheet("zen3-milan", &sheet);
    use_one_tlb(&sheet, REPLACE_LRU);
    double before = -1;
    for (unsigned domains = 2; domains <= 8; domains *= 2) {
        double tagged = walks_a_turn(&sheet, true, domains, 128),
               flushed = walks_a_turn(&sheet, false, domains, 128);
        print_message(
            "# %u domains of 128 pages on 512 entries: %.2f walks a page and turn, with flushes %.2f\n",
            domains, tagged, flushed);
        assert_true(flushed > 0.98 && flushed < 1.02);
        assert_true(domains <= 4 ? tagged < 0.02 : tagged > 0.98); /* 4 * 128 = 512 */
        assert_true(tagged >= before);
        before = tagged;
    }
    use_one_tlb(&sheet, REPLACE_RANDOM);
    double tagged = walks_a_turn(&sheet, true, 2, 128), flushed = walks_a_turn(&sheet, false, 2, 128);
    assert_true(tagged < 0.1 && flushed > 0.98);
    tagged = walks_a_turn(&sheet, true, 8, 256);
    flushed = walks_a_turn(&sheet, false, 8, 256);
    print_message("# 8 domains of 256 pages, random replacement: %.2f, with flushes %.2f\n", tagged, flushed);
    assert_true(tagged > 1.05 * flushed);
    pool_free(&sheet.pool);
}

/* The same on a machine as it is sold. */
static void tags_are_worth_less_the_more_domains_share_a_machine(void **unused)
{
    (void)unused;
    struct sheet sheet;
    double before = 1;
    read_sheet("skylake-sp", &sheet);
    for (unsigned domains = 2; domains <= 8; domains *= 2) {
        double spared =
            1 - walks_a_turn(&sheet, true, domains, 512) / walks_a_turn(&sheet, false, domains, 512);
        print_message("# skylake-sp, %u domains of 512 pages: tags spare %.0f %% of the walks\n", domains,
            100 * spared);
        assert_true(spared <= before);
        before = spared;
        if (domains == 2)
            assert_true(spared > 0.8);
    }
    assert_true(before < 0.2);
    pool_free(&sheet.pool);
}

/* ---- rates, bits, nodes ---- */

static void events_come_at_their_rates(void **unused)
{
    (void)unused;
    struct sheet sheet;
    struct trial trial = {.config = {.technique = MODEL_NESTED}, .bytes = MIB};
    read_sheet("barcelona", &sheet);
    for (enum model_event event = 0; event < EVENT_TURN; event++)
        trial.config.rates.of[event].rate = 100.0 * (event + 1);
    struct account account = run(&sheet, &trial);
    assert_int_equal(account.guest_faults, 10);
    assert_int_equal(account.switches, 2 * 30);
    assert_int_equal(account.ticks, 50);
    assert_int_equal(account.exits, 40 + 2 * 50);
    assert_int_equal(account.flushes, 20 + 60); /* those of changes, too */
    trial.config.rates = (struct event_rates){.of = {[EVENT_TICK] = {1000, true}}};
    account = run(&sheet, &trial);
    assert_int_equal(
        account.ticks, (uint64_t)((double)account.cycles / (sheet.machine.ghz * 1e9) * 1000 + 0.5));
    assert_true(account.ticks > 0 || account.cycles < 1e6 * sheet.machine.ghz);
    pool_free(&sheet.pool);
}

/* A store finds the dirty bit set, but for the first one after a change: then the CPU sets it, or, of shadow
 * tables, the monitor. */
static void first_stores_set_a_bit_and_cost_shadow_paging_an_exit(void **unused)
{
    (void)unused;
    struct sheet sheet;
    read_sheet("skylake-sp", &sheet);
    for (enum model_technique technique = 0; technique < MODEL_TECHNIQUES; technique++) {
        struct model_config config = {.machine = &sheet.machine,
            .technique = technique,
            .guest_page = 4 * KIB,
            .host_page = 4 * KIB,
            .bytes_max = 64 * KIB};
        bool shadow = technique == MODEL_SHADOW || technique == MODEL_AGILE; /* of one change */
        struct model *model;
        struct error error;
        assert_int_equal(model_open(&config, &model, &error), 0);
        assert_int_equal(model_map(model, GVA(base), 64 * KIB, NULL, &error), 0);
        const struct account *account = model_account(model);
        model_access(model, GVA(base), ACCESS_WRITE);
        assert_int_equal(account->bits_set, 0);
        model_change_entry(model, GVA(base));
        model_access(model, GVA(base), ACCESS_READ);
        assert_int_equal(account->bits_set, shadow ? 0 : 1); /* shadow: with the hidden fault */
        uint64_t exits = account->exits, walks = account->walks;
        for (int i = 0; i < 2; i++) { /* the second one finds it set */
            model_access(model, GVA(base), ACCESS_WRITE);
            assert_int_equal(account->bits_set, shadow ? 0 : 2);
            assert_int_equal(account->exits, exits + shadow);
            assert_int_equal(account->walks, walks + 1);
        }
        assert_int_equal(
            account->bucket[BUCKET_BITS], account->bits_set * sheet.machine.walker.set_bit_cycles);
        model_close(model);
    }
    pool_free(&sheet.pool);
}

static double memory_cycles(const struct sheet *sheet, enum frame_node node, bool told)
{
    struct trial trial = {
        .config = {.technique = MODEL_NESTED}, .bytes = 256 * MIB, .accesses = 20000, .stride = 4 * KIB};
    trial.config.host_frames = (struct frame_policy){.node = node, .told = told};
    struct account account = run(sheet, &trial);
    return (double)account.bucket[BUCKET_DATA_MEMORY] / (double)account.accesses;
}

static void hidden_nodes_put_half_of_the_memory_far_away(void **unused)
{
    (void)unused;
    struct sheet sheet;
    read_sheet("skylake-sp", &sheet);
    double near = memory_cycles(&sheet, NODE_LOCAL, false), far = memory_cycles(&sheet, NODE_REMOTE, false);
    double hidden = memory_cycles(&sheet, NODE_INTERLEAVED, false),
           told = memory_cycles(&sheet, NODE_INTERLEAVED, true);
    assert_true(near < hidden && hidden < far);
    assert_true(fabs(hidden - (near + far) / 2) < 0.05 * near);
    assert_true(fabs(told - near) < 0.02 * near);
    pool_free(&sheet.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_caches_leave_one_or_two_reads_of_four),
        cmocka_unit_test(walk_caches_and_the_nested_tlb_help_each_by_itself),
        cmocka_unit_test(large_pages_help_on_one_side_and_more_on_both),
        cmocka_unit_test(shadow_paging_is_better_until_page_tables_change),
        cmocka_unit_test(agile_paging_exceeds_the_best_of_both_where_few_tables_change),
        cmocka_unit_test(agile_paging_walks_as_shadow_paging_again_when_changes_cease),
        cmocka_unit_test(lazy_shadows_pay_less_than_eager_ones_for_many_changes_between_switches),
        cmocka_unit_test(recycled_frames_cost_nested_paging_nothing_and_shadow_paging_the_same),
        cmocka_unit_test(tags_spare_the_walks_after_each_exit),
        cmocka_unit_test(tags_spare_flushes_until_domains_fill_the_tlb),
        cmocka_unit_test(tags_are_worth_less_the_more_domains_share_a_machine),
        cmocka_unit_test(events_come_at_their_rates),
        cmocka_unit_test(first_stores_set_a_bit_and_cost_shadow_paging_an_exit),
        cmocka_unit_test(hidden_nodes_put_half_of_the_memory_far_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
