/* Can devices be handed to a guest: the IOMMU, and VFIO on top of it. */
#ifndef VCOST_HOST_IOMMU_H
#define VCOST_HOST_IOMMU_H

#include "host/host.h"

/* Fills host->passthrough. Opens no device: that of VFIO loads a module. */
void host_look_iommu(struct host *host);

#endif
