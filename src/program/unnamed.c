#include "program/unnamed.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* program_inside_bytes.S */
extern const char program_inside_start[], program_inside_end[], program_prices_start[], program_prices_end[];

static const struct {
    const char *name, *start, *end;
} executables[] = {
    [UNNAMED_INSIDE] = {"vcost-inside", program_inside_start, program_inside_end},
    [UNNAMED_PRICES] = {"vcost-prices", program_prices_start, program_prices_end},
};

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u /* Linux 6.3 */
#endif

/* A kernel that does not know MFD_EXEC needs none. */
static int create(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
    return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC) : fd;
}

int unnamed_open(enum unnamed which, int *descriptor, struct error *error)
{
    int fd = create(executables[which].name);
    if (fd < 0)
        return error_errno(error, errno == EACCES ? ENOTSUP : errno,
            "the kernel gives no file without a name that can be executed (sysctl vm.memfd_noexec)");
    for (const char *at = executables[which].start; at < executables[which].end;) {
        ssize_t put = write(fd, at, (size_t)(executables[which].end - at));
        if (put < 0 && errno != EINTR) {
            int code = errno;
            close(fd);
            return error_errno(error, code, "cannot write the executable %s", executables[which].name);
        }
        at += put > 0 ? put : 0;
    }
    *descriptor = fd;
    return 0;
}
