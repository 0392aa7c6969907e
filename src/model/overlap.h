/* What an access takes when several run at once: between which limits. An account is of accesses one after
 * another; of `chains` independent ones that a core has on the way together,
 *
 *   at best   all that memory, TLBs and walks take overlaps:  (data + translation) / chains + the rest
 *   at worst  only the data do, walks wait for one another:   data / chains + translation + the rest
 *
 * where the rest is what stops a core: exits, faults, switches, bits that are set. Of one chain both are the
 * account's own figure. No limit of the machine's is in it: neither how many misses it can have on the way
 * (10 and more, for up to 8 chains here), nor bandwidth, nor a prefetcher. */
#ifndef VCOST_MODEL_OVERLAP_H
#define VCOST_MODEL_OVERLAP_H

#include "model/account.h"

struct overlap {
    double best, worst; /* cycles per access */
};

struct overlap overlap_of(const struct account *account, unsigned chains);

#endif
