/* What every experiment on this machine measures with: a CPU, a clock, the workloads' code, what KVM does
 * here, and the sites. */
#ifndef VCOST_EXPERIMENT_SETTING_H
#define VCOST_EXPERIMENT_SETTING_H

#include "base/stop.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "monitor/monitor_facts.h"
#include "runner/local_site.h"
#include "runner/remote_site.h"
#include "workload/image.h"

enum { SETTING_SITES_MAX = 8 };

struct setting {
    struct pin pin;
    struct clock clock;
    struct image image;
    struct monitor_facts facts; /* of KVM: the caller's to fill, before a lane with a monitor is added */
    struct stop stop;
    struct site *sites[SETTING_SITES_MAX];
    size_t site_count;
};

/* Binds the calling thread to a CPU (-1: the last one that may be used) and makes ready. *setting must stay
 * where it is until setting_close(), which is to be called also after a failure of setting_open(). */
int setting_open(struct setting *setting, int cpu, const struct stop *stop, struct error *error);
void setting_close(struct setting *setting);

/* Opens a local site without lanes, as the last of setting->sites. */
int setting_add_local(struct setting *setting, const struct memory_request *memory, bool lock,
    struct site **site, struct error *error);

/* Starts an agent by a shell command, as the last of setting->sites. `version` is that of this vcost. */
int setting_add_remote(struct setting *setting, uint64_t host_page_bytes, const char *command,
    const char *version, struct error *error);

#endif
