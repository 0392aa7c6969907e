#include "remedy/apply.h"

#include "abi/pages_report.h"
#include "base/size.h"
#include "host/hugetlb.h"
#include "host/numa.h"
#include "host/read_text.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- whether it can be tried ---- */

/* A static program has glibc's settings, too, if glibc is in it, which what it obtains will tell. */
static int needs_tunables(const struct surroundings *here, struct error *error)
{
    if (here->executable->privileged)
        return error_set(error, ENOTSUP,
            "it is set-user-id or has capabilities, so that glibc ignores what others preload or set");
    return 0;
}

static int needs_dynamic(const struct surroundings *here, struct error *error)
{
    int rc = needs_tunables(here, error);
    if (rc == 0 && !here->executable->dynamic)
        return error_set(error, ENOTSUP,
            "it is a static program, or one without a dynamic linker that could be told; build it as a "
            "dynamic one");
    return rc;
}

/* Of a static program nothing is known of the version in it. */
static int needs_version(const struct surroundings *here, long least, struct error *error)
{
    int rc = needs_tunables(here, error);
    const char *version = gnu_get_libc_version();
    char *rest;
    long major = strtol(version, &rest, 10), minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    if (rc < 0 || !here->executable->dynamic || major > 2 || (major == 2 && minor >= least))
        return rc;
    return error_set(error, ENOTSUP, "this glibc is %s, and it takes 2.%ld", version, least);
}

static int needs_glibc_2_35(const struct surroundings *here, struct error *error)
{
    return needs_version(here, 35, error);
}

static int needs_glibc_2_44(const struct surroundings *here, struct error *error)
{
    return needs_version(here, 44, error);
}

static int needs_large(const struct surroundings *here, struct error *error)
{
    char line[READ_TEXT_LINE];
    (void)here;
    int rc = read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line);
    if (rc < 0)
        return error_set(error, ENOTSUP, "this kernel has no transparent huge pages, or hides them");
    if (strstr(line, "[never]"))
        return error_set(error, ENOTSUP,
            "transparent huge pages are off: root sets transparent_hugepage/enabled to madvise");
    return 0;
}

static int needs_on_request(const struct surroundings *here, struct error *error)
{
    char line[READ_TEXT_LINE];
    int rc = needs_large(here, error);
    if (rc == 0 && read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line) == 0 &&
        strstr(line, "[always]"))
        return error_set(error, ENOTSUP, "this kernel gives large pages to all memory already");
    return rc;
}

/* What the program uses is not known before it has run; of nothing even an empty pool has enough. */
static int needs_pool(const struct surroundings *here, struct error *error)
{
    const uint64_t least = 2 * MIB, wanted = here->peak_bytes > least ? here->peak_bytes : least;
    return hugetlb_check(2 * MIB, wanted, &(const struct numa_nodes){.bits = {0}}, error);
}

static int needs_cpus(const struct surroundings *here, struct error *error)
{
    return CPU_COUNT(&here->cpus) > 1 ? 0
                                      : error_set(error, ENOTSUP, "there is one CPU only that it may use");
}

static int needs_nodes(const struct surroundings *here, struct error *error)
{
    char line[READ_TEXT_LINE];
    (void)here;
    if (read_line("/sys/devices/system/node/has_memory", line, sizeof line) == 0 && strpbrk(line, ",-"))
        return 0;
    return error_set(error, ENOTSUP, "there is one NUMA node only, as far as this machine tells");
}

static int needs_lockable(const struct surroundings *here, struct error *error)
{
    struct rlimit limit;
    if (geteuid() == 0 || getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= 2 * here->peak_bytes)
        return 0;
    return error_set(
        error, ENOTSUP, "only %" PRIu64 " KiB may be locked (ulimit -l)", (uint64_t)limit.rlim_cur / 1024);
}

static int needs_lazy(const struct surroundings *here, struct error *error)
{
    int rc = needs_dynamic(here, error);
    return rc < 0 || !here->executable->binds_now
               ? rc
               : error_set(error, ENOTSUP, "it is built so already (-z now)");
}

static int (*const needs[RECIPE_NEEDS])(const struct surroundings *here, struct error *error) = {
    [NEED_DYNAMIC] = needs_dynamic,
    [NEED_TUNABLES] = needs_tunables,
    [NEED_GLIBC_2_35] = needs_glibc_2_35,
    [NEED_GLIBC_2_44] = needs_glibc_2_44,
    [NEED_LARGE_PAGES] = needs_large,
    [NEED_ON_REQUEST] = needs_on_request,
    [NEED_HUGETLB_POOL] = needs_pool,
    [NEED_CPUS] = needs_cpus,
    [NEED_NODES] = needs_nodes,
    [NEED_LOCKABLE] = needs_lockable,
    [NEED_LAZY_BINDING] = needs_lazy,
};

/* The folders that the dynamic linker looks into without being told. */
static bool is_installed(const char *library)
{
    static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/lib64", "/usr/local/lib", "/usr/lib"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], library);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

int recipe_check(const struct recipe *recipe, const struct surroundings *here, struct error *error)
{
    bool own = !strcmp(recipe->preload, "pages");
    for (size_t i = 0; i < recipe->need_count; i++) {
        int rc = needs[recipe->needs[i]](here, error);
        if (rc < 0)
            return rc;
    }
    if (recipe->operator[0])
        return error_set(error, ENOTSUP, "%.400s", recipe->operator);
    if (own && !here->library[0])
        return error_set(error, ENOTSUP, "%.400s", here->why_no_library);
    if (recipe->preload[0] && !own && !is_installed(recipe->preload))
        return error_set(error, ENOTSUP, "%.100s is not installed%s%.100s", recipe->preload,
            recipe->package[0] ? ": it is in " : "", recipe->package);
    return 0;
}

/* ---- nodes ---- */

struct node_search {
    unsigned node;
    bool found;
};

/* A CPU's folder has a link "nodeN" to its node's. */
static bool take_node(const char *name, void *context)
{
    struct node_search *search = context;
    char *end;
    if (strncmp(name, "node", 4) != 0 || name[4] < '0' || name[4] > '9')
        return true;
    search->node = (unsigned)strtoul(name + 4, &end, 10);
    search->found = !*end;
    return !search->found;
}

static struct node_search node_of(unsigned cpu)
{
    char path[64];
    struct node_search search = {.found = false};
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u", cpu);
    read_each_name(path, take_node, &search);
    return search;
}

void surroundings_find_node(struct surroundings *here)
{
    const struct node_search own = node_of(here->idlest);
    here->node = own.node;
    here->near = here->cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && own.found; cpu++)
        if (CPU_ISSET(cpu, &here->cpus) && node_of(cpu).node != own.node)
            CPU_CLR(cpu, &here->near);
}

/* ---- conditions ---- */

/* With {heap} or {fewer} filled in. */
static const char *filled(const char *text, const struct surroundings *here, struct pool *pool)
{
    const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL;
    static const char heap[] = "{heap}";
    if (!close)
        return text;
    uint64_t bytes = (here->peak_bytes / (2 * MIB) + 2) * (2 * MIB);
    uint64_t number = !strncmp(open, heap, sizeof heap - 1) ? bytes : (uint64_t)CPU_COUNT(&here->cpus) - 1;
    return pool_format(pool, "%.*s%" PRIu64 "%s", (int)(open - text), text, number, close + 1);
}

static bool is_joined(const char *name)
{
    return !strcmp(name, "GLIBC_TUNABLES") || !strcmp(name, "LD_PRELOAD");
}

/* Behind what there is already: of this remedy's neighbours, or of who started vcost. */
static void set_variable(
    struct conditions *conditions, const char *name, const char *value, struct pool *pool)
{
    const char *between = !strcmp(name, PAGES_VARIABLE) ? "," : ":",
               *before = is_joined(name) ? getenv(name) : NULL;
    size_t i = 0;
    while (i < conditions->variable_count && strcmp(conditions->variables[i].name, name) != 0)
        i++;
    if (i == CONDITIONS_VARIABLES_MAX)
        return;
    if (i < conditions->variable_count)
        before = is_joined(name) || !strcmp(name, PAGES_VARIABLE) ? conditions->variables[i].value : NULL;
    else
        conditions->variable_count++;
    if (before && !strcmp(before, value))
        return;
    conditions->variables[i] = (struct variable){
        name, before && before[0] ? pool_format(pool, "%s%s%s", before, between, value) : value};
}

void recipe_apply(const struct recipe *recipe, const struct surroundings *here, struct pool *pool,
    struct conditions *conditions)
{
    bool own = !strcmp(recipe->preload, "pages");
    for (size_t i = 0; i < recipe->variable_count; i++)
        set_variable(
            conditions, recipe->variables[i].name, filled(recipe->variables[i].value, here, pool), pool);
    if (recipe->preload[0])
        set_variable(conditions, "LD_PRELOAD", own ? here->library : recipe->preload, pool);
    if (own) {
        set_variable(conditions, PAGES_VARIABLE, filled(recipe->pages, here, pool), pool);
        if (here->report[0])
            set_variable(conditions, PAGES_REPORT_VARIABLE, here->report, pool);
    }
    if (recipe->cpus == CPUS_ONE) {
        CPU_ZERO(&conditions->cpus);
        CPU_SET(here->idlest, &conditions->cpus);
        conditions->bound = true;
    }
    if (recipe->memory == MEMORY_SPREAD)
        conditions->memory = MEMORY_INTERLEAVED;
    if (recipe->memory == MEMORY_NEAR) {
        conditions->memory = MEMORY_OF_NODE;
        conditions->node = here->node;
        if (!conditions->bound)
            conditions->cpus = here->near;
        conditions->bound = true;
    }
    conditions->without_large |= recipe->kernel == SWITCH_NO_LARGE_PAGES;
    conditions->fixed_addresses |= recipe->kernel == SWITCH_FIXED_ADDRESSES;
}

/* ---- the command line ---- */

static const char *quoted(const char *word, struct pool *pool)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (word[0] && strspn(word, harmless) == strlen(word))
        return word;
    const char *text = "'";
    for (const char *at = word; *at;) {
        size_t length = strcspn(at, "'");
        text = pool_format(pool, "%s%.*s%s", text, (int)length, at, at[length] ? "'\\''" : "");
        at += length + (at[length] == '\'');
    }
    return pool_format(pool, "%s'", text);
}

const char *recipe_command_line(const struct recipe *const *recipes, size_t count,
    const struct surroundings *here, const char *const *words, struct pool *pool)
{
    struct surroundings kept = *here;
    struct conditions conditions = {.variable_count = 0};
    const char *text = "";
    kept.report = "";
    for (size_t i = 0; i < count; i++)
        recipe_apply(recipes[i], &kept, pool, &conditions);
    for (size_t i = 0; i < conditions.variable_count; i++)
        text = pool_format(pool, "%s%s=%s ", text, conditions.variables[i].name,
            quoted(conditions.variables[i].value, pool));
    if (conditions.memory == MEMORY_OF_NODE)
        text = pool_format(pool, "%snumactl --cpunodebind=%u --membind=%u ", text, here->node, here->node);
    if (conditions.bound && CPU_COUNT(&conditions.cpus) == 1)
        text = pool_format(pool, "%staskset -c %u ", text, here->idlest);
    if (conditions.memory == MEMORY_INTERLEAVED)
        text = pool_format(pool, "%snumactl --interleave=all ", text);
    if (conditions.fixed_addresses)
        text = pool_format(pool, "%ssetarch -R ", text);
    for (size_t i = 0; words[i]; i++)
        text = pool_format(pool, "%s%s%s", text, i ? " " : "", quoted(words[i], pool));
    return text;
}
