/* Pinning memory for a device that is handed through. */
#include "event/internal.h"

#include "base/size.h"
#include "host/effect.h"
#include "host/read_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGES_MOST = 512 };
#define DATA_BYTES (PAGES_MOST * 4 * KIB)

/* Where the device sees the memory: any address below what every IOMMU can. */
#define IOVA (UINT64_C(1) << 30)

static const char container_path[] = "/dev/vfio/vfio";

struct dma {
    int container, group;
};

/* ---- finding a group of devices ---- */

static int cannot_open(const char *path, int code, struct error *error)
{
    if (code == EACCES)
        return error_set(
            error, ENOTSUP, "no permission on %s: run as root, or let root give it to you", path);
    if (code == EPERM)
        return error_set(error, ENOTSUP,
            "the device rules of this container forbid %s: start it with --device for it", path);
    return error_set(error, ENOTSUP, "%s cannot be opened: %s%s", path, strerror(code),
        code == EBUSY ? ": end what has the device, such as a guest" : "");
}

static int check_group(int group, const char *path, struct error *error)
{
    struct vfio_group_status status = {.argsz = sizeof status};
    if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) < 0)
        return error_errno(error, errno, "cannot get the status of %s", path);
    if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
        return error_set(error, ENOTSUP,
            "a device of %s is still another driver's: bind all devices of the group to vfio-pci", path);
    return 0;
}

/* Without interrupt remapping a device could send any interrupt, and VFIO asks root whether that is wanted.
 */
static int join(int container, int group, const char *path, struct error *error)
{
    int rc = check_group(group, path, error);
    if (rc < 0)
        return rc;
    if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0)
        return error_errno(error, errno, "cannot use %s", path);
    if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0)
        return 0;
    if (errno == EPERM)
        return error_set(error, ENOTSUP,
            "the IOMMU does not remap interrupts: root may allow that in "
            "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
    return error_errno(error, errno, "cannot use the IOMMU of %s", path);
}

struct search {
    struct dma *dma;
    struct error error; /* why the last group cannot be used; code 0: there is none */
};

/* Takes the first group that can be used. A group that is closed again has left the container. */
static bool try_group(const char *name, void *context)
{
    struct search *search = context;
    char path[64];
    if (name[0] < '0' || name[0] > '9')
        return true;
    snprintf(path, sizeof path, "/dev/vfio/%.40s", name);
    int group = open(path, O_RDWR | O_CLOEXEC);
    if (group < 0) {
        (void)cannot_open(path, errno, &search->error);
        return true;
    }
    if (join(search->dma->container, group, path, &search->error) < 0) {
        close(group);
        return true;
    }
    search->dma->group = group;
    return false;
}

static bool is_there(const char *name, void *context)
{
    (void)name;
    *(bool *)context = true;
    return false;
}

static int nothing_bound(struct error *error)
{
    bool group = false;
    if (read_each_name("/sys/kernel/iommu_groups", is_there, &group) == 0 && group)
        return error_set(
            error, ENOTSUP, "no device is bound to vfio-pci: it takes one that this machine can spare");
    return error_set(error, ENOTSUP,
        "no IOMMU is in use here: switch it on in the firmware, and for Linux by intel_iommu=on");
}

static bool is_group(const char *name, void *context)
{
    *(bool *)context = name[0] >= '0' && name[0] <= '9';
    return !*(bool *)context;
}

static int open_container(struct error *error)
{
    bool bound = false;
    if (read_each_name("/dev/vfio", is_group, &bound) < 0 || !bound)
        return nothing_bound(error);
    int container = open(container_path, O_RDWR | O_CLOEXEC);
    if (container < 0)
        return cannot_open(container_path, errno, error);
    int version = ioctl(container, VFIO_GET_API_VERSION), code = errno;
    int has_type1 = version < 0 ? -1 : ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU);
    if (version == VFIO_API_VERSION && has_type1 == 1)
        return container;
    close(container);
    if (version < 0)
        return error_errno(error, code, "%s does not tell its version", container_path);
    if (version != VFIO_API_VERSION)
        return error_set(error, ENOTSUP, "%s speaks version %d of VFIO's interface, vcost version %d",
            container_path, version, VFIO_API_VERSION);
    return error_set(error, ENOTSUP, "VFIO has no IOMMU of type 1 here: load the module vfio_iommu_type1");
}

static int open_group(struct dma *dma, struct error *error)
{
    struct search search = {.dma = dma};
    dma->container = open_container(error);
    if (dma->container < 0)
        return dma->container;
    if (read_each_name("/dev/vfio", try_group, &search) == 0 && dma->group >= 0)
        return 0;
    if (search.error.code == 0)
        return nothing_bound(error);
    *error = search.error;
    return -error->code;
}

/* ---- pinning ---- */

static int cannot_pin(int code, struct error *error)
{
    struct rlimit limit;
    if (code == ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        return error_set(error, ENOTSUP,
            "of the %llu KiB that may be locked and pinned (ulimit -l) no %llu KiB are left",
            (unsigned long long)(limit.rlim_cur / KIB), (unsigned long long)(DATA_BYTES / KIB));
    return error_errno(error, code, "cannot pin memory for a device");
}

static int pin(const struct event_bench *bench, uint64_t bytes, uint64_t *ticks, struct error *error)
{
    const struct dma *dma = bench->own;
    struct vfio_iommu_type1_dma_map map = {
        .argsz = sizeof map,
        .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
        .vaddr = (uintptr_t)bench->data.base,
        .iova = IOVA,
        .size = bytes,
    };
    uint64_t start = clock_ticks();
    int rc = ioctl(dma->container, VFIO_IOMMU_MAP_DMA, &map);
    *ticks = clock_ticks() - start;
    return rc < 0 ? cannot_pin(errno, error) : 0;
}

static int unpin(const struct event_bench *bench, uint64_t bytes, struct error *error)
{
    const struct dma *dma = bench->own;
    struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof unmap, .iova = IOVA, .size = bytes};
    if (ioctl(dma->container, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
        return error_errno(error, errno, "memory stays pinned for a device");
    return 0;
}

/* A mapping that pins nothing, as iommufd's before there is a device, must not pass for a cheap one. */
static int run_pin(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t bytes = count * 4 * KIB, ticks, with = 0, without = 0;
    int rc = pin(bench, bytes, &ticks, error);
    if (rc < 0)
        return rc;
    int told = effect_held_memory(&with, error);
    if ((rc = unpin(bench, bytes, error)) < 0 || (rc = told) < 0 ||
        (rc = effect_held_memory(&without, error)) < 0)
        return rc;
    if (with - without != bytes / KIB)
        return error_set(error, EPROTO,
            "mapping %" PRIu64 " pages for a device pinned %" PRId64
            " KiB: not the pages that were asked for",
            count, (int64_t)(with - without));
    *run = (struct event_run){.count = count, .ticks = ticks};
    return 0;
}

/* All pages once, so that a limit is met here. */
static int open_dma(struct event_bench *bench, struct error *error)
{
    struct event_run all;
    struct dma *dma = malloc(sizeof *dma);
    if (!dma)
        return error_set(error, ENOMEM, "no memory for a DMA mapping");
    *dma = (struct dma){-1, -1};
    bench->own = dma;
    int rc = open_group(dma, error);
    return rc < 0 ? rc : run_pin(bench, PAGES_MOST, &all, error);
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
                 "again is not timed. That so many pages were pinned is checked by what the kernel says of "
                 "the process.",
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
