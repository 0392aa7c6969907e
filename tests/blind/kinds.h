/* The kinds of curves. */
#ifndef VCOST_BLIND_KINDS_H
#define VCOST_BLIND_KINDS_H

#include "curve.h"

struct kind {
    const char *name;
    bool one_level;    /* on CPUs with a single level of TLB; else on the others */
    unsigned backings; /* bits: which of them, one of which is drawn */
    noise_function *noise;
    void (*alter)(struct curve *curve, struct dice *dice); /* what is given besides, and the truth; NULL */
    bool small_for_large; /* the guest's kernel gave no large pages, or only some */
    bool fractured;       /* the CPU has no large translations */
    bool emulated;
};

extern const struct kind kinds[];
extern const size_t kinds_count;

/* The curve of this number, on that geometry or (geometries_count) one that is drawn. The same arguments make
 * the same curve. */
void kind_make(const struct kind *kind, uint64_t seed, uint64_t number, size_t geometry, struct curve *curve);

#endif
