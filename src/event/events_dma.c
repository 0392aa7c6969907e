/* Pinning memory for a device that is handed through. */
#include "event/internal.h"

#include "base/size.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PAGES_MOST = 512 };
#define DATA_BYTES (PAGES_MOST * 4 * KIB)

/* Where the device sees the memory: any address below what every IOMMU can. */
#define IOVA (UINT64_C(1) << 30)

struct dma {
    int container, group;
};

/* The first group of devices that was bound to vfio-pci; "" if there is none. */
static void find_group(char path[64])
{
    DIR *folder = opendir("/dev/vfio");
    path[0] = '\0';
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
            snprintf(path, 64, "/dev/vfio/%.40s", entry->d_name);
    if (folder)
        closedir(folder);
}

static int join(struct dma *dma, const char *path, struct error *error)
{
    struct vfio_group_status status = {.argsz = sizeof status};
    if (ioctl(dma->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
        !ioctl(dma->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU))
        return error_set(error, ENOTSUP, "this kernel's VFIO has no IOMMU of type 1");
    if (ioctl(dma->group, VFIO_GROUP_GET_STATUS, &status) < 0 || !(status.flags & VFIO_GROUP_FLAGS_VIABLE))
        return error_set(
            error, ENOTSUP, "not all devices of %s are bound to VFIO: bind them to vfio-pci", path);
    if (ioctl(dma->group, VFIO_GROUP_SET_CONTAINER, &dma->container) < 0 ||
        ioctl(dma->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
        return error_errno(error, errno, "cannot use the IOMMU of %s", path);
    return 0;
}

static int open_dma(struct event_bench *bench, struct error *error)
{
    char path[64];
    struct dma *dma = malloc(sizeof *dma);
    if (!dma)
        return error_set(error, ENOMEM, "no memory for a DMA mapping");
    *dma = (struct dma){-1, -1};
    bench->own = dma;
    find_group(path);
    if (!path[0])
        return error_set(error, ENOTSUP, "no device is bound to VFIO here: it needs an IOMMU and vfio-pci");
    dma->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
    dma->group = open(path, O_RDWR | O_CLOEXEC);
    if (dma->container < 0 || dma->group < 0)
        return error_set(error, ENOTSUP, "%s cannot be opened: %s", path, strerror(errno));
    return join(dma, path, error);
}

static void close_dma(struct event_bench *bench)
{
    struct dma *dma = bench->own;
    if (!dma)
        return;
    if (dma->group >= 0)
        close(dma->group);
    if (dma->container >= 0)
        close(dma->container);
    free(dma);
}

static int run_pin(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const struct dma *dma = bench->own;
    struct vfio_iommu_type1_dma_map map = {
        .argsz = sizeof map,
        .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
        .vaddr = (uintptr_t)bench->data.base,
        .iova = IOVA,
        .size = count * 4 * KIB,
    };
    struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof unmap, .iova = IOVA, .size = map.size};
    uint64_t start = clock_ticks();
    int rc = ioctl(dma->container, VFIO_IOMMU_MAP_DMA, &map);
    *run = (struct event_run){.count = count, .ticks = clock_ticks() - start};
    if (rc < 0)
        return error_errno(error, errno, "cannot pin memory for a device (ulimit -l)");
    if (ioctl(dma->container, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0 || unmap.size != map.size)
        return error_set(error, EIO, "memory stays pinned for a device");
    return 0;
}

static const struct event rows[] = {
    {
        .name = "dma-pin",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "pinning memory for a device that is handed to a guest, each 4 KiB page",
        .article = "A device that is handed to a domain reads and writes its memory by itself: all of it "
                   "must be pinned, "
                   "since no device can wait for a page fault.",
        .source = "Linux Documentation/driver-api/vfio.rst, VFIO_IOMMU_MAP_DMA",
        .steps = "One system call pins every page of a range and enters it into the IOMMU's page tables; "
                 "taking it out "
                 "again is not timed.",
        .advice = "Start guests with devices handed through with large pages behind them: one pin for 512 "
                  "pages. Count "
                  "the time to pin as part of the guest's start.",
        .native = {.run = run_pin,
            .open = open_dma,
            .close = close_dma,
            .data_bytes = DATA_BYTES,
            .most = PAGES_MOST},
        .guest = NEEDS_LINUX,
    },
};

const struct event_family events_dma = EVENT_FAMILY(rows);
