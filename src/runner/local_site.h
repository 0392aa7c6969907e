/* A site on this machine. */
#ifndef VCOST_RUNNER_LOCAL_SITE_H
#define VCOST_RUNNER_LOCAL_SITE_H

#include "base/stop.h"
#include "host/memory.h"
#include "measure/clock.h"
#include "runner/site.h"

struct local_site_config {
    struct memory_request memory; /* page size, source, nodes; its bytes are those of each placement */
    bool lock;                    /* mlock the memory */
    unsigned cpu;                 /* that the calling thread is bound to */
    const struct image *image;    /* must outlive the site, as all that is pointed to */
    const struct clock *clock;
    const struct stop *stop; /* may be NULL */
};

/* Opens a site without lanes. */
int local_site_open(const struct local_site_config *config, struct site **site, struct error *error);

/* Adds a lane before the first placement. `facts` are of the runner's monitor, as domain_probe() found them;
 * NULL for native. -EINVAL if there are too many. */
int local_site_add(struct site *site, const struct runner_type *type, const struct monitor_facts *facts,
    uint64_t guest_page_bytes, struct error *error);

#endif
