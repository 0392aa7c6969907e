/* Whether a guest's time-stamp counter can be set: some monitors say yes and do nothing, so it is read
 * inside. */
#include "domain/portable/internal.h"

#include "workload/image.h"

static int read_inside(struct domain *domain, const struct image *image, uint64_t *ticks, struct error *error)
{
    workload_function *touch;
    int rc = image_find(image, "touch", &touch, error);
    if (rc < 0)
        return rc;
    image->job->bytes = 0;
    rc = domain_call(domain, touch, error);
    *ticks = image->job->entered;
    return rc;
}

/* A domain whose virtual CPU has not run yet: only then KVM takes a CPUID (KVM_SET_CPUID2). */
static int make_domain(
    const struct monitor_ops *monitor, const struct image *image, struct domain **domain, struct error *error)
{
    const struct domain_config config = {.monitor = monitor, .image = image};
    domain_destroy(*domain);
    *domain = NULL;
    return domain_create(&config, domain, error);
}

int portable_clock_settable(const struct monitor_ops *monitor, bool *settable, struct error *error)
{
    const struct state_pause far = {.ticks = UINT64_C(1) << 44};
    struct machine_state state = {.count = 0};
    struct domain *domain = NULL;
    struct image image;
    uint64_t before = 0, after = 0;
    int rc = image_load(&image, error);
    if (rc < 0)
        return rc;
    if ((rc = monitor->elsewhere ? image_share(&image, error) : 0) == 0 &&
        (rc = make_domain(monitor, &image, &domain, error)) == 0 &&
        (rc = read_inside(domain, &image, &before, error)) == 0 &&
        (rc = monitor->save_cpu(domain->first->vcpu, &state, error)) == 0 &&
        (rc = make_domain(monitor, &image, &domain, error)) == 0 &&
        (rc = monitor->restore_cpu(domain->first->vcpu, &state, &far, error)) == 0)
        rc = read_inside(domain, &image, &after, error);
    *settable = rc == 0 && after - before >= far.ticks && after - before < 2 * far.ticks;
    machine_state_free(&state);
    domain_destroy(domain);
    image_unload(&image);
    return rc;
}
