#include "experiment/setting.h"

#include "domain/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int setting_open(struct setting *setting, int cpu, const struct stop *stop, struct error *error)
{
    setting->stop = *stop;
    int rc = pin_thread(&setting->pin, cpu, error);
    if (rc < 0 || (rc = clock_calibrate(&setting->clock, error)) < 0)
        return rc;
    return image_load(&setting->image, error);
}

void setting_close(struct setting *setting)
{
    for (size_t i = 0; i < setting->site_count; i++)
        site_close(setting->sites[i]);
    setting->site_count = 0;
    image_unload(&setting->image);
    pin_release(&setting->pin);
}

/* ---- where ---- */

static bool is_named(const struct setting *setting, const char *runner)
{
    for (size_t i = 0; i < setting->on_count; i++)
        if (!strcmp(setting->on[i], runner))
            return true;
    return false;
}

bool setting_wants(const struct setting *setting, const char *runner)
{
    return setting->on_count == 0 || is_named(setting, runner);
}

int setting_probe(struct setting *setting, const char *const *on, size_t on_count, struct error *error)
{
    const struct monitor_ops *monitor;
    setting->on = on;
    setting->on_count = on_count;
    for (size_t i = 0; (monitor = monitor_at(i)); i++) {
        struct monitor_facts *facts = &setting->facts[i];
        if (!setting_wants(setting, monitor->name)) {
            monitor->describe(facts);
            continue;
        }
        domain_probe(monitor, facts);
        if (!facts->usable && is_named(setting, monitor->name))
            return error_set(error, ENOTSUP, "%s cannot be used: %s", monitor->name, facts->reason);
        if (!facts->usable)
            snprintf(setting->left_out, sizeof setting->left_out,
                "only native is measured, %s cannot be used: %s", monitor->name, facts->reason);
    }
    return 0;
}

const struct monitor_facts *setting_facts(const struct setting *setting, const struct monitor_ops *monitor)
{
    for (size_t i = 0; monitor && monitor_at(i); i++)
        if (monitor_at(i) == monitor)
            return &setting->facts[i];
    return NULL;
}

bool setting_has(const struct setting *setting, const struct runner_type *type)
{
    const struct monitor_facts *facts = setting_facts(setting, type->monitor);
    return setting_wants(setting, type->name) && (!facts || facts->usable);
}

int setting_describe(const struct setting *setting, struct result *result, struct error *error)
{
    struct error other;
    result->cpu = setting->pin.cpu;
    result->tsc_ghz = setting->clock.ticks_per_ns;
    for (size_t i = 0; monitor_at(i); i++)
        result_set_monitor(result, &setting->facts[i]);
    pin_pause(&setting->pin);
    int rc = host_look(&result->host, error);
    int bound = pin_resume(&setting->pin, &other);
    return rc < 0 || bound == 0 ? rc : error_set(error, EIO, "%s", other.text);
}

/* ---- sites ---- */

static int check_room(const struct setting *setting, struct error *error)
{
    if (setting->site_count < SETTING_SITES_MAX)
        return 0;
    return error_set(error, EINVAL, "more than %d places to measure in", SETTING_SITES_MAX);
}

int setting_add_local(struct setting *setting, const struct memory_request *memory, bool lock,
    struct site **site, struct error *error)
{
    struct local_site_config config = {
        .memory = *memory,
        .lock = lock,
        .cpu = setting->pin.cpu,
        .image = &setting->image,
        .clock = &setting->clock,
        .stop = &setting->stop,
    };
    int rc = check_room(setting, error);
    if (rc == 0 && (rc = local_site_open(&config, site, error)) == 0)
        setting->sites[setting->site_count++] = *site;
    return rc;
}

int setting_add_remote(
    struct setting *setting, uint64_t host_page_bytes, const char *command, struct error *error)
{
    struct remote_site_config config = {
        .command = command,
        .host_page_bytes = host_page_bytes,
        .version = this_tool.version,
        .pin = &setting->pin,
        .stop = &setting->stop,
    };
    struct site *site;
    int rc = check_room(setting, error);
    if (rc == 0 && (rc = remote_site_open(&config, &site, error)) == 0)
        setting->sites[setting->site_count++] = site;
    return rc;
}
