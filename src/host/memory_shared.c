/* Memory that another process can map too: on a descriptor of its own. */
#include "host/memory_internal.h"

#include "host/hugetlb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

static int refuse_shared(int code, const struct memory *memory, struct error *error)
{
    if (code == ENOMEM && memory->source == MEMORY_HUGETLB)
        return hugetlb_shortage(memory->page_bytes, memory->bytes, &memory->nodes, error);
    if (code == ENOSYS || code == EPERM || code == EACCES)
        return error_set(error, ENOTSUP,
            "this kernel or a sandbox (seccomp) refuses memfd_create(): memory cannot be shared with the "
            "process that a guest runs in");
    return error_errno(error, code, "cannot make %" PRIu64 " MiB of shared memory", mib_up(memory->bytes));
}

/* Its size is sealed: whoever is handed the descriptor cannot take away what is mapped here. What there is
 * room for behind it takes none of the machine's memory before somebody maps it. */
static int make_descriptor(struct memory *memory, size_t room, struct error *error)
{
    const unsigned huge = memory->page_bytes == GIANT_PAGE ? MFD_HUGE_1GB : MFD_HUGE_2MB;
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    if (memory->source == MEMORY_HUGETLB)
        flags |= MFD_HUGETLB | huge;
    int descriptor = memfd_create("vcost", flags);
    if (descriptor < 0)
        return refuse_shared(errno, memory, error);
    if (ftruncate(descriptor, (off_t)(memory->bytes + room)) < 0 ||
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        int code = errno;
        close(descriptor);
        return refuse_shared(code, memory, error);
    }
    memory->shared = true;
    memory->descriptor = descriptor;
    return 0;
}

static int map_descriptor(const struct memory *memory, struct error *error)
{
    int flags = MAP_SHARED | MAP_FIXED;
    if (mmap(memory->base, memory->bytes, PROT_READ | PROT_WRITE, flags, memory->descriptor, 0) == MAP_FAILED)
        return refuse_shared(errno, memory, error);
    return 0;
}

void memory_close_shared(struct memory *memory)
{
    if (memory->shared)
        close(memory->descriptor);
    memory->shared = false;
}

int memory_open_shared(struct memory *memory, size_t room, struct error *error)
{
    int rc = make_descriptor(memory, room, error);
    return rc < 0 ? rc : map_descriptor(memory, error);
}

static int write_all(int descriptor, const char *from, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t wrote = pwrite(descriptor, from + done, bytes - done, (off_t)done);
        if (wrote <= 0)
            return wrote < 0 ? errno : EIO;
        done += (size_t)wrote;
    }
    return 0;
}

int memory_share(struct memory *memory, struct error *error)
{
    struct memory shared = *memory;
    if (memory->shared)
        return 0;
    int rc = make_descriptor(&shared, 0, error);
    if (rc < 0)
        return rc;
    int code = write_all(shared.descriptor, memory->base, memory->bytes);
    rc = code ? refuse_shared(code, memory, error) : map_descriptor(&shared, error);
    if (rc < 0)
        memory_close_shared(&shared);
    else
        *memory = shared;
    return rc;
}
