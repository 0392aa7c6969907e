#include "model/trace.h"

#include "model/internal.h"

static void keep_step(void *context, const struct walk_step *step)
{
    struct model_trace *trace = context;
    if (trace->step_count < TRACE_STEPS_MAX)
        trace->steps[trace->step_count++] = *step;
}

int model_trace(
    const struct model_config *config, gva_t address, struct model_trace *trace, struct error *error)
{
    struct model *model;
    *trace = (struct model_trace){.config = *config, .address = address.value};
    trace->config.bytes_max = config->guest_page;
    int rc = model_open(&trace->config, &model, error);
    if (rc < 0)
        return rc;
    rc = model_map(model, GVA(address.value & -config->guest_page), config->guest_page, NULL, error);
    if (rc == 0) {
        model_cold(model);
        model_begin(model);
        model->walker.watch = keep_step;
        model->walker.context = trace;
        model_access(model, address, ACCESS_READ);
        trace->account = *model_account(model);
        trace->cache_levels = model->caches.count;
    }
    model_close(model);
    return rc;
}
