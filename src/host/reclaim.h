/* What this kernel does with memory by itself: swapping, sharing equal pages, reclaiming what is idle. */
#ifndef VCOST_HOST_RECLAIM_H
#define VCOST_HOST_RECLAIM_H

#include "host/host.h"

/* Fills host->reclaim. */
void host_look_reclaim(struct host *host);

#endif
