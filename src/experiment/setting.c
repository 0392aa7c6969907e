#include "experiment/setting.h"

#include "domain/probe.h"
#include "host/cpu_use.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- which CPU ---- */

static const double look_seconds = 0.2;

/* What is told: a little is always going on. */
static const double own_least = 0.1, others_least = 0.5;

/* Of programs that may run on all CPUs. */
static void tell_all(struct setting *setting, const struct cpu_look *look)
{
    const struct cpu_use all = cpu_look_at_others(look, CPU_USE_NONE);
    if (all.steal >= own_least && all.steal >= all.busy)
        snprintf(setting->busy, sizeof setting->busy,
            "the hypervisor takes %.0f %% of the CPUs away for other machines: figures will be disturbed, a "
            "quieter hour or host gives better ones",
            100 * all.steal);
    else if (all.busy >= own_least)
        snprintf(setting->busy, sizeof setting->busy,
            "other programs use %.0f %% of the CPUs%s%s%s: figures will be disturbed; stop them, or wait",
            100 * all.busy, all.who[0] ? " (" : "", all.who, all.who[0] ? ")" : "");
}

/* Two sentences, of which the first is about the CPU that is measured on and the worse one. */
static void tell_use(struct setting *setting, const struct cpu_look *look, bool chosen)
{
    unsigned cpu = setting->pin.cpu;
    const struct cpu_use own = cpu_look_at(look, cpu), others = cpu_look_at_others(look, cpu);
    const char *what_to_do = chosen ? "it is the idlest that may be used, so stop them or wait"
                                    : "stop them, or leave the choice to vcost without --cpu";
    if (own.steal >= own_least && own.steal >= own.busy)
        snprintf(setting->busy, sizeof setting->busy,
            "the hypervisor takes %.0f %% of CPU %u away for other machines: figures will be disturbed, a "
            "quieter hour or host gives better ones",
            100 * own.steal, cpu);
    else if (own.busy >= own_least)
        snprintf(setting->busy, sizeof setting->busy,
            "other programs use %.0f %% of CPU %u, which is measured on%s%s%s: figures will be disturbed; %s",
            100 * own.busy, cpu, own.who[0] ? " (" : "", own.who, own.who[0] ? ")" : "", what_to_do);
    else if (others.busy >= others_least)
        snprintf(setting->busy, sizeof setting->busy,
            "other programs use %.0f %% of the CPUs beside CPU %u%s%s%s, and its caches and memory with "
            "them: "
            "stop them if you can",
            100 * others.busy, cpu, others.who[0] ? " (" : "", others.who, others.who[0] ? ")" : "");
}

static int choose_cpu(struct setting *setting, int wanted, struct error *error)
{
    struct cpu_look *look = cpu_look_begin();
    int rc = 0, cpu = wanted < 0 ? -1 : wanted;
    if (look) {
        nanosleep(&(struct timespec){.tv_nsec = (long)(look_seconds * 1e9)}, NULL);
        cpu_look_end(look);
        cpu = wanted < 0 ? pin_idlest(look) : wanted;
    }
    rc = pin_thread(&setting->pin, cpu, error);
    if (rc == 0 && look && wanted == SETTING_ON_ALL)
        tell_all(setting, look);
    else if (rc == 0 && look)
        tell_use(setting, look, wanted < 0);
    cpu_look_free(look);
    return rc;
}

int setting_open(struct setting *setting, int cpu, const struct stop *stop, struct error *error)
{
    setting->stop = *stop;
    int rc = choose_cpu(setting, cpu, error);
    if (rc == 0)
        rc = clock_calibrate(&setting->clock, error);
    if (rc == 0)
        rc = lookout_open(&setting->lookout, &setting->clock, error);
    if (rc == 0)
        rc = image_load(&setting->image, error);
    if (rc < 0)
        setting->cannot_measure = *error;
    return rc;
}

void setting_open_simulated(struct setting *setting, const struct stop *stop)
{
    setting->stop = *stop;
    setting->simulated = true;
}

void setting_close(struct setting *setting)
{
    for (size_t i = 0; i < setting->placement_count; i++) {
        remote_close(setting->remotes[i]);
        placement_close(&setting->placements[i]);
    }
    setting->placement_count = setting->runner_count = 0;
    pool_free(&setting->machines);
    kept_memory_release(&setting->kept);
    image_unload(&setting->image);
    pin_release(&setting->pin);
}

/* ---- where ---- */

static const char command_prefix[] = "command:", model_prefix[] = "model:";

/* What stands behind a prefix of an item of --on; NULL: it does not begin with it. */
static const char *behind(const char *item, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(item, prefix, length) != 0 ? NULL : item + length;
}

bool setting_simulates(const char *const *on, size_t on_count)
{
    size_t i = 0;
    while (i < on_count && behind(on[i], model_prefix))
        i++;
    return on_count && i == on_count;
}

static bool is_named(const struct setting *setting, const char *runner)
{
    for (size_t i = 0; i < setting->on_count; i++)
        if (!strcmp(setting->on[i], runner))
            return true;
    return false;
}

bool setting_wants(const struct setting *setting, const char *runner)
{
    const struct runner_ops *ops = runner_find(runner);
    return is_named(setting, runner) ||
           (setting->on_count == 0 && (setting->every_monitor || !(ops && ops->on_request)));
}

/* The image's code, job and stack are then shared with the process in which such a monitor runs its guest. */
static void probe(struct setting *setting, const struct monitor_ops *monitor, struct monitor_facts *facts)
{
    struct error error;
    domain_probe(monitor, facts);
    if (!monitor->elsewhere || !facts->usable || !setting->image.code ||
        image_share(&setting->image, &error) == 0)
        return;
    facts->usable = false;
    snprintf(facts->reason, sizeof facts->reason, "%.255s", error.text);
}

/* What runs guests here when it is asked to, after what was left out. */
static void tell_others(struct setting *setting)
{
    struct monitor_facts facts;
    const struct runner_ops *ops;
    char names[64] = "native";
    size_t used = strlen(names), alone = used;
    for (size_t i = 0; (ops = runner_at(i)); i++) {
        if (!ops->on_request || !ops->monitor)
            continue;
        ops->monitor->describe(&facts);
        if (facts.usable && used + strlen(ops->name) + 1 < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, ",%s", ops->name);
    }
    size_t told = strlen(setting->left_out);
    if (used > alone)
        snprintf(setting->left_out + told, sizeof setting->left_out - told,
            "; --on %s measures guests that need no /dev/kvm", names);
}

int setting_probe(struct setting *setting, const char *const *on, size_t on_count, struct error *error)
{
    const struct monitor_ops *monitor;
    setting->on = on;
    setting->on_count = on_count;
    for (size_t i = 0; (monitor = monitor_at(i)); i++) {
        struct monitor_facts *facts = &setting->facts[i];
        if (!setting_wants(setting, monitor->name)) {
            if (!runner_find(monitor->name)->on_request)
                monitor->describe(facts);
            continue;
        }
        probe(setting, monitor, facts);
        if (!facts->usable && is_named(setting, monitor->name))
            return error_set(error, ENOTSUP, "%s cannot be used: %s", monitor->name, facts->reason);
        if (!facts->usable)
            snprintf(setting->left_out, sizeof setting->left_out,
                "only native is measured, %s cannot be used: %s", monitor->name, facts->reason);
    }
    if (setting->left_out[0])
        tell_others(setting);
    return 0;
}

const struct monitor_facts *setting_facts(const struct setting *setting, const struct monitor_ops *monitor)
{
    for (size_t i = 0; monitor && monitor_at(i); i++)
        if (monitor_at(i) == monitor)
            return &setting->facts[i];
    return NULL;
}

bool setting_has(const struct setting *setting, const struct runner_ops *ops)
{
    const struct monitor_facts *facts = setting_facts(setting, ops->monitor);
    return setting_wants(setting, ops->name) && (!facts || facts->usable);
}

static bool has_agent(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->agent_count; i++)
        if (!strcmp(result->agents[i].monitor, name))
            return true;
    return false;
}

static int add_agents(const struct setting *setting, struct result *result, struct error *error)
{
    result->agents = calloc(SETTING_RUNNERS_MAX, sizeof *result->agents);
    if (!result->agents)
        return error_set(error, ENOMEM, "no memory for what the agents report");
    for (size_t i = 0; i < setting->runner_count; i++) {
        const struct runner_config *runner = &setting->runners[i];
        if (runner->remote && !has_agent(result, runner->name))
            result->agents[result->agent_count++] =
                (struct result_agent){pool_text(&result->pool, runner->name),
                    pool_text(&result->pool, remote_command(runner->remote)), *remote_facts(runner->remote)};
    }
    return 0;
}

int setting_describe(struct setting *setting, struct result *result, struct error *error)
{
    struct error other;
    result->cpu = setting->simulated ? RESULT_NO_CPU : setting->pin.cpu;
    result->tsc_ghz = setting->clock.ticks_per_ns;
    snprintf(result->clock_doubt, sizeof result->clock_doubt, "%s", setting->clock.doubt);
    for (size_t i = 0; monitor_at(i); i++)
        if (setting->facts[i].name[0])
            result_set_monitor(result, &setting->facts[i]);
    if (setting->pin.before)
        pin_pause(&setting->pin);
    int rc = setting->simulated ? host_look(&result->host, error)
                                : host_look_from(&result->host, (int)setting->pin.cpu, error);
    int bound = setting->pin.before ? pin_resume(&setting->pin, &other) : 0;
    if (setting->image.code) /* it was ready, and is or is not again */
        setting->cannot_measure = bound < 0 ? other : (struct error){.code = 0};
    return rc < 0 ? rc : add_agents(setting, result, error);
}

/* ---- placements and runners ---- */

static int add_placement(struct setting *setting, const struct placement_config *config,
    struct placement **placement, struct error *error)
{
    if (setting->placement_count == SETTING_PLACEMENTS_MAX)
        return error_set(error, EINVAL, "more than %d places to measure in", SETTING_PLACEMENTS_MAX);
    *placement = &setting->placements[setting->placement_count];
    setting->remotes[setting->placement_count++] = NULL;
    placement_open(*placement, config);
    return 0;
}

int setting_add_placement(struct setting *setting, const struct memory_request *memory, bool lock,
    struct placement **placement, struct error *error)
{
    const struct placement_config config = {
        .memory = *memory,
        .lock = lock,
        .cpu = setting->pin.cpu,
        .other_cpu = pin_other(&setting->pin),
        .image = &setting->image,
        .clock = &setting->clock,
        .stop = &setting->stop,
        .kept = &setting->kept,
    };
    return add_placement(setting, &config, placement, error);
}

int setting_add_runner(struct setting *setting, const struct runner_config *runner, struct error *error)
{
    if (setting->runner_count == SETTING_RUNNERS_MAX)
        return error_set(error, EINVAL, "more than %d runners side by side", SETTING_RUNNERS_MAX);
    setting->runners[setting->runner_count++] = *runner;
    return 0;
}

static int add_here(struct setting *setting, const struct runner_ops *ops, struct placement *placement,
    uint64_t guest_page_bytes, struct error *error)
{
    struct runner_config runner =
        runner_here(ops, placement, setting_facts(setting, ops->monitor), guest_page_bytes);
    runner.sync_write = setting->sync_write;
    runner.fill = setting->fill;
    return setting_add_runner(setting, &runner, error);
}

/* Whether a runner that is to stand on this machine's placements needs their memory in another process. */
static bool needs_shared(const struct setting *setting)
{
    const struct runner_ops *ops;
    bool needs = false;
    for (size_t i = 0; (ops = runner_at(i)); i++)
        needs |= ops->monitor && ops->monitor->elsewhere && setting_has(setting, ops);
    return needs;
}

static int add_all_here(struct setting *setting, const struct memory_request *memory, bool lock,
    const uint64_t *guest_pages, size_t guest_page_count, struct error *error)
{
    const struct runner_ops *ops;
    struct placement *placement = NULL;
    struct memory_request request = *memory;
    request.shared = needs_shared(setting);
    int rc = setting_add_placement(setting, &request, lock, &placement, error);
    for (size_t i = 0; rc == 0 && (ops = runner_at(i)); i++)
        for (size_t k = 0; rc == 0 && setting_has(setting, ops) && k < (ops->monitor ? guest_page_count : 1);
             k++)
            rc = add_here(setting, ops, placement, ops->monitor ? guest_pages[k] : 0, error);
    return rc;
}

static bool is_label_of_another(const struct setting *setting, const struct runner_config *runner)
{
    for (size_t i = 0; i < setting->runner_count; i++)
        if (!strcmp(setting->runners[i].label, runner->label) &&
            strcmp(setting->runners[i].name, runner->name) != 0)
            return true;
    return false;
}

/* Labels of different commands differ: curves are told apart by them. */
static void tell_apart(const struct setting *setting, struct runner_config *runner)
{
    const struct runner_config plain = *runner;
    for (unsigned number = 2; is_label_of_another(setting, runner); number++)
        snprintf(runner->label, sizeof runner->label, "%.42s %u", plain.label, number);
}

static int add_remote(
    struct setting *setting, const struct memory_request *memory, const char *command, struct error *error)
{
    const struct placement_config elsewhere = {
        .memory = {.page_bytes = memory->page_bytes}, .elsewhere = true, .stop = &setting->stop};
    const struct remote_config config = {
        .command = command, .version = this_tool.version, .pin = &setting->pin, .stop = &setting->stop};
    struct placement *placement;
    int rc = add_placement(setting, &elsewhere, &placement, error);
    struct remote **remote = &setting->remotes[setting->placement_count - 1];
    if (rc < 0 || (rc = remote_open(&config, remote, error)) < 0)
        return rc;
    struct runner_config runner = remote_runner(*remote, placement);
    tell_apart(setting, &runner);
    return setting_add_runner(setting, &runner, error);
}

/* Refused before anything else is measured. */
static int add_modelled(struct setting *setting, const struct modelled *modelled, struct placement *placement,
    uint64_t guest_page_bytes, struct error *error)
{
    uint64_t host_page = placement->config.memory.page_bytes;
    const struct model_config config = {
        .machine = modelled->machine,
        .technique = modelled->technique,
        .guest_page = modelled->technique == MODEL_NATIVE ? host_page : guest_page_bytes,
        .host_page = host_page,
        .hypothetical = modelled->hypothetical,
    };
    struct runner_config runner = modelled_runner(modelled, placement, guest_page_bytes);
    int rc = model_check(&config, error);
    setting->modelling.refused = rc == -ENOTSUP;
    return rc < 0 ? rc : setting_add_runner(setting, &runner, error);
}

/* Cells are told apart by the machine's name. */
static int check_machine(const struct setting *setting, const struct machine *machine, struct error *error)
{
    for (size_t i = 0; i < setting->runner_count; i++) {
        const struct machine *other = modelled_machine(&setting->runners[i]);
        if (other && !strcmp(other->name, machine->name) && strcmp(other->file, machine->file) != 0)
            return error_set(error, EINVAL, "%s and %s are both named \"%s\": change the name in one of them",
                other->file, machine->file, machine->name);
    }
    return 0;
}

/* A machine with each of the techniques, on a placement of its own that has no memory here. */
static int add_machine(struct setting *setting, const struct memory_request *memory, const char *name,
    const uint64_t *guest_pages, size_t guest_page_count, struct error *error)
{
    const struct placement_config nowhere = {
        .memory = {.page_bytes = memory->page_bytes}, .elsewhere = true, .stop = &setting->stop};
    const struct modelling *modelling = &setting->modelling;
    struct machine *machine = pool_room(&setting->machines, 1, sizeof *machine);
    struct modelled *modelled = pool_room(&setting->machines, modelling->count, sizeof *modelled);
    struct modelled_pass *pass = pool_room(&setting->machines, 1, sizeof *pass);
    struct placement *placement;
    if (!machine || !modelled || !pass)
        return error_set(error, ENOMEM, "no memory for simulated machines");
    int rc = machine_find(name, &setting->machines, machine, error);
    if (rc == 0)
        rc = check_machine(setting, machine, error);
    if (rc == 0)
        rc = add_placement(setting, &nowhere, &placement, error);
    for (size_t i = 0; rc == 0 && i < modelling->count; i++) {
        bool native = modelling->techniques[i] == MODEL_NATIVE;
        modelled[i] = (struct modelled){.machine = machine,
            .technique = modelling->techniques[i],
            .hypothetical = modelling->hypothetical,
            .conditions = modelling->conditions,
            .pass = pass};
        modelled[i].conditions.sync_write = setting->sync_write;
        for (size_t k = 0; rc == 0 && k < (native ? 1 : guest_page_count); k++)
            rc = add_modelled(setting, &modelled[i], placement, guest_pages[k], error);
    }
    return rc;
}

int setting_add_wanted(struct setting *setting, const struct memory_request *memory, bool lock,
    const uint64_t *guest_pages, size_t guest_page_count, struct error *error)
{
    bool here = setting->on_count == 0;
    int rc = 0;
    for (size_t i = 0; i < setting->on_count; i++)
        here |= !behind(setting->on[i], command_prefix) && !behind(setting->on[i], model_prefix);
    if (here)
        rc = add_all_here(setting, memory, lock, guest_pages, guest_page_count, error);
    for (size_t i = 0; rc == 0 && i < setting->on_count; i++) {
        const char *command = behind(setting->on[i], command_prefix);
        const char *machine = behind(setting->on[i], model_prefix);
        if (command)
            rc = add_remote(setting, memory, command, error);
        else if (machine)
            rc = add_machine(setting, memory, machine, guest_pages, guest_page_count, error);
    }
    return rc;
}
