#include "experiment/model_predict.h"

#include "runner/chase_kind.h"

int model_predict(const struct machine *machine, const struct chase_shape *shape, uint64_t page_bytes,
    enum frame_order frames, const struct stop *stop, struct account *account, struct error *error)
{
    struct placement placement;
    const struct placement_config nowhere = {
        .memory = {.page_bytes = page_bytes}, .elsewhere = true, .stop = stop};
    const struct modelled modelled = {.machine = machine,
        .technique = MODEL_NATIVE,
        .conditions = {.frames = frames, .domains = 1, .processes = 1},
        .quick = true};
    const struct workload workload = chase_workload(shape);
    struct runner *runner = NULL;
    placement_open(&placement, &nowhere);
    const struct runner_config config = modelled_runner(&modelled, &placement, 0);
    int rc = runner_open(&config, &runner, error);
    if (rc == 0)
        rc = runner_prepare(runner, &workload, 1, error);
    if (rc == 0)
        *account = *runner->account;
    runner_close(runner);
    placement_close(&placement);
    return rc;
}

const struct curve *model_measured_curve(const struct curves *curves, enum chase_order order)
{
    for (size_t i = 0; i < curves->count; i++) {
        const struct curve *curve = curves->all[i];
        if (curve->native && curve->host_page_bytes == 4096 && curve->group->shape.order == order &&
            !curve->group->shape.write && curve->group->shape.chains == 1)
            return curve;
    }
    return NULL;
}
