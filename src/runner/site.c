#include "runner/site.h"

int site_place(struct site *site, uint64_t bytes, struct error *error)
{
    int rc = site->ops->place(site, bytes, error);
    if (rc < 0)
        site->ops->clear(site);
    return rc;
}

int site_lay_out(struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    return site->ops->lay_out(site, shape, seed, error);
}

int site_sample(struct site *site, size_t lane, const struct sample_plan *plan, struct sample *sample,
    struct error *error)
{
    return site->ops->sample(site, lane, plan, sample, error);
}

int site_proof(struct site *site, size_t lane, struct page_proof *proof, struct error *error)
{
    return site->ops->proof(site, lane, proof, error);
}

void site_clear(struct site *site)
{
    site->ops->clear(site);
}

void site_close(struct site *site)
{
    if (!site)
        return;
    site->ops->clear(site);
    site->ops->close(site);
}
