#include "experiment/setting.h"

#include <errno.h>

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
        .facts = &setting->facts,
        .stop = &setting->stop,
    };
    int rc = check_room(setting, error);
    if (rc == 0 && (rc = local_site_open(&config, site, error)) == 0)
        setting->sites[setting->site_count++] = *site;
    return rc;
}

int setting_add_remote(struct setting *setting, uint64_t host_page_bytes, const char *command,
    const char *version, struct error *error)
{
    struct remote_site_config config = {
        .command = command,
        .host_page_bytes = host_page_bytes,
        .version = version,
        .pin = &setting->pin,
        .stop = &setting->stop,
    };
    struct site *site;
    int rc = check_room(setting, error);
    if (rc == 0 && (rc = remote_site_open(&config, &site, error)) == 0)
        setting->sites[setting->site_count++] = site;
    return rc;
}
