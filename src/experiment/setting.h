/* What every experiment on this machine measures with: a CPU, a clock, the workloads' code, what the monitors
 * do here, and the sites. */
#ifndef VCOST_EXPERIMENT_SETTING_H
#define VCOST_EXPERIMENT_SETTING_H

#include "base/stop.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "monitor/monitor.h"
#include "result/result.h"
#include "runner/local_site.h"
#include "runner/remote_site.h"
#include "workload/image.h"

enum { SETTING_SITES_MAX = 8 };

struct setting {
    struct pin pin;
    struct clock clock;
    struct image image;
    struct stop stop;
    const char *const *on;                    /* where it may run: names of runners, and others; not owned */
    size_t on_count;                          /* 0: wherever this host can run something */
    struct monitor_facts facts[MONITORS_MAX]; /* of monitor_at() */
    char left_out[320]; /* the sentence that a monitor is left out since it cannot be used; "": none is */
    struct site *sites[SETTING_SITES_MAX];
    size_t site_count;
};

/* Binds the calling thread to a CPU (-1: the last one that may be used) and makes ready. *setting must stay
 * where it is until setting_close(), which is to be called also after a failure of setting_open(). */
int setting_open(struct setting *setting, int cpu, const struct stop *stop, struct error *error);
void setting_close(struct setting *setting);

/* Says where it is to run, and finds out what the monitors that takes do here; the others are only asked
 * what is known without running a guest. -ENOTSUP if one that is named cannot be used. */
int setting_probe(struct setting *setting, const char *const *on, size_t on_count, struct error *error);

/* Whether it is to run there, as far as the user says. */
bool setting_wants(const struct setting *setting, const char *runner);

/* As setting_probe() found them; NULL for no monitor. */
const struct monitor_facts *setting_facts(const struct setting *setting, const struct monitor_ops *monitor);

/* Whether it is to run there and can. */
bool setting_has(const struct setting *setting, const struct runner_type *type);

/* Looks at the machine, as a thread that is not bound to a CPU: result->host, and where and how it ran. */
int setting_describe(const struct setting *setting, struct result *result, struct error *error);

/* Opens a local site without lanes, as the last of setting->sites. */
int setting_add_local(struct setting *setting, const struct memory_request *memory, bool lock,
    struct site **site, struct error *error);

/* Starts an agent by a shell command, as the last of setting->sites. */
int setting_add_remote(
    struct setting *setting, uint64_t host_page_bytes, const char *command, struct error *error);

#endif
