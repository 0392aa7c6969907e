/* What a simulated machine says of a chase, and curves of results to hold it against. */
#ifndef VCOST_EXPERIMENT_MODEL_PREDICT_H
#define VCOST_EXPERIMENT_MODEL_PREDICT_H

#include "base/stop.h"
#include "result/curves.h"
#include "runner/modelled.h"

/* Simulates natively, with pages of so many bytes in frames of that order; the account of it. What cannot be
 * simulated: -ENOTSUP. */
int model_predict(const struct machine *machine, const struct chase_shape *shape, uint64_t page_bytes,
    enum frame_order frames, const struct stop *stop, struct account *account, struct error *error);

/* ns per access of an account. */
static inline double predicted_ns(const struct machine *machine, const struct account *account)
{
    return (double)account->cycles / (double)account->accesses / machine->ghz;
}

/* Measured natively on the result's own machine, in this order, with pages of 4 KiB; NULL: there is no such
 * curve. */
const struct curve *model_measured_curve(const struct curves *curves, enum chase_order order);

#endif
