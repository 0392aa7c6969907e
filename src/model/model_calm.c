/* Whether accesses are all that happens: then many of them are made in parts (many.c), and several models
 * find translations alike (pass.h). */
#include "model/internal.h"

bool model_translates_ahead(const struct machine *machine)
{
    bool crosses = false;
    for (size_t i = 0; i < machine->prefetcher_count; i++)
        crosses |= machine->prefetchers[i].crosses;
    return crosses;
}

bool model_config_is_calm(const struct model_config *config)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++)
        if (config->rates.of[event].rate > 0)
            return false;
    return !config->fresh && config->domains <= 1;
}

bool model_is_calm(const struct model *model)
{
    unsigned size = tlbs_size(model_tlb_page(&model->config));
    bool whole = true;
    for (unsigned level = 1; level <= MACHINE_TLB_LEVELS_MAX; level++)
        for (unsigned use = 0; use < 2; use++) {
            const struct tlb_taker *taker = &model->tlbs.takers[level - 1][use][size];
            whole &= !taker->tlb || taker->size == size;
        }
    return whole && model_config_is_calm(&model->config);
}
