#include "domain/portable/jump.h"

#include "domain/portable/internal.h"
#include "domain/portable/samples.h"

#include <math.h>

/* Of the first virtual CPU: all of them have one clock. */
static const struct portable_job *job_of(const struct portable *portable)
{
    return portable_at(portable, portable->plan.results[0], sizeof(struct portable_job));
}

void jump_begin(struct jump *jump, const struct portable *portable)
{
    struct sample_ring ring;
    *jump = (struct jump){.seconds = NAN};
    if (!portable_ring(portable, 0, &ring))
        return;
    jump->looked = job_of(portable)->looked;
    jump->sampled = *ring.written;
    jump->watched = jump->looked != 0;
}

/* A sample's longest pause is from one look to the next since the sample before: that of the first one has
 * the jump in it, unless the counter went back. */
void jump_look(struct jump *jump, const struct portable *portable)
{
    struct portable_sample first;
    struct sample_ring ring;
    uint64_t taken = jump->sampled, lost = 0;
    if (!jump->watched || !portable_ring(portable, 0, &ring) || *ring.written == taken)
        return;
    jump->watched = false;
    if (sample_ring_take(&ring, &taken, &first, 1, &lost) != 1 || lost)
        return;
    const double ticks =
        first.ticks < jump->looked ? -(double)(jump->looked - first.ticks) : (double)first.longest;
    jump->seconds = ticks / portable->plan.ticks_per_second;
}
