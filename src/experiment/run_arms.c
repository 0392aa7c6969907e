/* The ways in which `vcost run` runs a program: natively and in a domain, with each size of pages. */
#include "experiment/run_internal.h"
#include "monitor/kvm/kvm.h"
#include "remedy/apply.h"
#include "remedy/library.h"
#include "runner/program_kind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- conditions ---- */

/* What `vcost advise` names large-pages: natively nothing less gives a program's memory large pages, so it is
 * asked for in the same way on both sides. */
static int ask_for_large(struct run_arm *arm, struct pool *pool, struct error *error)
{
    static const struct recipe recipe = {.preload = "pages",
        .pages = "large",
        .variables = {{"GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"}},
        .variable_count = 1};
    char library[PATH_MAX];
    int rc = library_find(library, error);
    if (rc < 0)
        return rc;
    const struct surroundings here = {.library = pool_text(pool, library), .report = ""};
    recipe_apply(&recipe, &here, pool, &arm->conditions);
    return pool->failed ? error_set(error, ENOMEM, "no memory for what is measured") : 0;
}

struct conditions run_conditions(const struct running *running)
{
    const struct pin *pin = &running->setting->pin;
    struct conditions conditions = {.variable_count = 0};
    if (pin->before)
        memcpy(&conditions.cpus, pin->before,
            pin->bytes < sizeof conditions.cpus ? pin->bytes : sizeof conditions.cpus);
    return conditions;
}

static int set_conditions(const struct running *running, struct run_arm *arm, struct error *error)
{
    enum { SMALL_PAGE = 4096 };
    arm->conditions = run_conditions(running);
    arm->conditions.without_large = arm->host_page == SMALL_PAGE;
    return arm->host_page > SMALL_PAGE ? ask_for_large(arm, &running->result->pool, error) : 0;
}

/* ---- names ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* "sort", or where several are called so "sort -u words.txt": without folders, since ids of cells have
 * slashes of their own. Commands that are alike then have a number to tell them apart. */
static const char *whole_name(const struct run_plan *plan, size_t program, struct pool *pool)
{
    const char *text = "";
    for (const char *const *word = plan->programs[program]; *word; word++)
        text = pool_format(pool, "%s%s%s", text, *text ? " " : "", last_part(*word));
    return text;
}

static const char *name_of(const struct run_plan *plan, size_t program, struct pool *pool)
{
    const char *short_name = last_part(plan->programs[program][0]), *name = whole_name(plan, program, pool);
    bool alone = true;
    unsigned before = 0;
    for (size_t i = 0; i < plan->program_count; i++) {
        alone &= i == program || strcmp(last_part(plan->programs[i][0]), short_name) != 0;
        before += i < program && !strcmp(whole_name(plan, i, pool), name);
    }
    if (alone)
        return pool_text(pool, short_name);
    return before ? pool_format(pool, "%s (%u)", name, before + 1) : name;
}

/* ---- cells ---- */

static int add_cell(struct running *running, const struct run_arm *arm, struct error *error)
{
    struct result *result = running->result;
    const struct monitor_facts *facts = setting_facts(running->setting, &monitor_kvm);
    struct result_cell *grown = reallocarray(result->cells, result->cell_count + 1, sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "no memory for what is measured");
    result->cells = grown;
    struct result_cell *cell = &grown[result->cell_count++];
    *cell = (struct result_cell){.cell = {.monitor = run_is_guest(arm) ? "kvm" : "native",
                                     .workload = program_workload(&workload_run, arm->name),
                                     .guest_page_bytes = arm->guest_page,
                                     .host_page_bytes = arm->host_page},
        .technique = run_is_guest(arm) ? facts->technique : TECHNIQUE_NONE,
        .label = "native",
        .pages = {.as_asked = true,
            .host_share_2m = NAN,
            .guest_share_2m = NAN,
            .proof = "those that the program asks for"},
        .ran = {.exit_status = RAN_NO_STATUS,
            .fidelity = FIDELITY_UNKNOWN,
            .faults = !run_is_guest(arm) ? RAN_FAULTS_UNKNOWN
                      : arm->later       ? RAN_FAULTS_DEMAND
                                         : RAN_FAULTS_EAGER},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING};
    if (run_is_guest(arm))
        monitor_label(facts, "kvm", cell->label);
    cell_id(&cell->cell, cell->id);
    return 0;
}

/* ---- arms ---- */

static int open_guest(struct running *running, struct run_arm *arm, struct error *error)
{
    const struct monitor_facts *facts = setting_facts(running->setting, &monitor_kvm);
    enum ran_faults faults = running->plan->guest_faults;
    arm->later =
        faults == RAN_FAULTS_DEMAND || (faults == RAN_FAULTS_UNKNOWN && facts->technique == TECHNIQUE_NESTED);
    const struct tally_memory memory = {.page_bytes = arm->guest_page, .later = arm->later};
    int rc = 0;
    for (size_t i = 0; i < running->arm_count && !arm->prices; i++)
        if (running->arms[i].guest_page == arm->guest_page && running->arms[i].host_page == arm->host_page)
            arm->prices = running->arms[i].prices; /* a native one has none */
    arm->owns_prices = !arm->prices;
    if (arm->owns_prices)
        rc = run_prices_open(&running->start, &memory, &arm->prices, error);
    if (rc < 0 || (rc = run_seen_open(&arm->seen, running->plan->runs, error)) < 0)
        return rc;
    arm->guest_words = guest_start_words(&running->start, arm->words);
    return arm->guest_words ? 0 : error_set(error, ENOMEM, "no memory for what is measured");
}

/* guest: with these guest pages in a domain; NULL: natively. */
static int add_arm(struct running *running, size_t program, uint64_t host_page, const uint64_t *guest_page,
    size_t native, struct error *error)
{
    struct run_arm *arm = &running->arms[running->arm_count++];
    *arm = (struct run_arm){.words = running->plan->programs[program],
        .name = name_of(running->plan, program, &running->result->pool),
        .native = native,
        .guest_page = guest_page ? *guest_page : 0,
        .host_page = host_page};
    int rc = guest_page ? open_guest(running, arm, error) : 0;
    if (rc == 0)
        rc = set_conditions(running, arm, error);
    for (int i = 0; rc == 0 && i < METRICS; i++)
        if (!(arm->values[i] = calloc(running->plan->runs, sizeof(double))))
            rc = error_set(error, ENOMEM, "no memory for what is measured");
    return rc < 0 ? rc : add_cell(running, arm, error);
}

static int add_arms(struct running *running, size_t program, struct error *error)
{
    const struct run_plan *plan = running->plan;
    int rc = 0;
    for (size_t host = 0; rc == 0 && host < plan->host_page_count; host++) {
        size_t native = running->arm_count;
        rc = add_arm(running, program, plan->host_pages[host], NULL, native, error);
        for (size_t guest = 0; rc == 0 && guest < plan->guest_page_count; guest++)
            rc = add_arm(running, program, plan->host_pages[host], &plan->guest_pages[guest], native, error);
    }
    return rc;
}

int run_arms_make(struct running *running, struct error *error)
{
    const struct run_plan *plan = running->plan;
    size_t room = plan->program_count * plan->host_page_count * (plan->guest_page_count + 1);
    int rc = 0;
    running->arms = calloc(room, sizeof *running->arms);
    if (!running->arms)
        return error_set(error, ENOMEM, "no memory for what is measured");
    for (size_t i = 0; rc == 0 && i < plan->program_count; i++)
        rc = add_arms(running, i, error);
    return rc;
}

void run_arms_end(struct running *running)
{
    for (size_t i = 0; i < running->arm_count; i++) {
        struct run_arm *arm = &running->arms[i];
        for (int metric = 0; metric < METRICS; metric++)
            free(arm->values[metric]);
        run_seen_close(&arm->seen);
        if (arm->owns_prices)
            run_prices_close(arm->prices);
        free(arm->guest_words);
    }
    free(running->arms);
}
