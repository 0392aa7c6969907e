#include "host/userfault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES_MAX = 1000000 }; /* of one piece, while the kernel says that mappings change */

#ifndef USERFAULTFD_IOC_NEW /* Linux 6.1 */
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

/* ---- the descriptor ---- */

static int open_device(void)
{
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    int fd = device < 0 ? -1 : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    int code = errno;
    if (device >= 0)
        close(device);
    errno = code;
    return fd;
}

int userfault_open(struct userfault *fault, struct error *error)
{
    struct uffdio_api api = {.api = UFFD_API};
    *fault = (struct userfault){.fd = -1};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOSYS)
        return error_set(
            error, ENOTSUP, "this kernel has no userfaultfd, by which memory could come when it is touched");
    if (fd < 0 && (fd = open_device()) < 0)
        return error_set(error, ENOTSUP,
            "memory that comes when a guest touches it needs a userfaultfd that takes the kernel's faults, "
            "which this user may not have: set vm.unprivileged_userfaultfd to 1, give this user "
            "/dev/userfaultfd, or "
            "vcost CAP_SYS_PTRACE");
    if (ioctl(fd, UFFDIO_API, &api) < 0) {
        int code = errno;
        close(fd);
        return error_errno(error, code, "this kernel's userfaultfd is another");
    }
    fault->fd = fd;
    return 0;
}

void userfault_close(struct userfault *fault)
{
    if (fault->fd >= 0)
        close(fault->fd);
    fault->fd = -1;
}

/* ---- ranges ---- */

int userfault_register(const struct userfault *fault, void *base, size_t bytes, struct error *error)
{
    struct uffdio_register range = {.range = {(uintptr_t)base, bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    return ioctl(fault->fd, UFFDIO_REGISTER, &range) < 0
               ? error_errno(error, errno, "pages of this memory cannot be waited for")
               : 0;
}

int userfault_unregister(const struct userfault *fault, void *base, size_t bytes, struct error *error)
{
    struct uffdio_range range = {(uintptr_t)base, bytes};
    return ioctl(fault->fd, UFFDIO_UNREGISTER, &range) < 0
               ? error_errno(error, errno, "memory does not become what it was before it was waited for")
               : 0;
}

/* ---- pages ---- */

int userfault_read(
    const struct userfault *fault, int wait_ms, uintptr_t *pages, size_t most, struct error *error)
{
    struct pollfd watched = {fault->fd, POLLIN, 0};
    if (poll(&watched, 1, wait_ms) < 0 && errno != EINTR)
        return error_errno(error, errno, "cannot wait for what a guest touches");
    int found = 0;
    for (size_t looked = 0; looked < most; looked++) {
        struct uffd_msg message;
        ssize_t count = read(fault->fd, &message, sizeof message);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (count != (ssize_t)sizeof message)
            return error_errno(error, count < 0 ? errno : EPROTO, "cannot read what a guest touches");
        if (message.event == UFFD_EVENT_PAGEFAULT)
            pages[found++] = (uintptr_t)message.arg.pagefault.address & -(uintptr_t)USERFAULT_PAGE_BYTES;
    }
    return found;
}

/* One request to the kernel for up to all of [done, bytes). How many bytes it brought, or the negative errno.
 */
static int64_t ask(const struct userfault *fault, uintptr_t to, const void *from, size_t bytes)
{
    struct uffdio_copy copy = {.dst = to, .src = (uintptr_t)from, .len = bytes};
    struct uffdio_zeropage zero = {.range = {to, bytes}};
    bool failed =
        from ? ioctl(fault->fd, UFFDIO_COPY, &copy) < 0 : ioctl(fault->fd, UFFDIO_ZEROPAGE, &zero) < 0;
    int64_t brought = from ? copy.copy : zero.zeropage;
    return !failed || (errno == EAGAIN && brought > 0) ? brought : -errno;
}

/* Who has asked for a page that came meanwhile does not wait on. */
static void wake(const struct userfault *fault, uintptr_t page)
{
    struct uffdio_range range = {page, USERFAULT_PAGE_BYTES};
    (void)ioctl(fault->fd, UFFDIO_WAKE, &range);
}

/* `from` NULL: zeros. What is there already is passed over a page at a time. */
static int bring(const struct userfault *fault, void *to, const char *from, size_t bytes, size_t *brought,
    struct error *error)
{
    int tries = 0;
    if (brought)
        *brought = 0;
    for (size_t done = 0; done < bytes;) {
        int64_t now = ask(fault, (uintptr_t)to + done, from ? from + done : NULL, bytes - done);
        if (now > 0) {
            done += (size_t)now;
            if (brought)
                *brought += (size_t)now / USERFAULT_PAGE_BYTES;
            tries = 0;
        } else if (now == -EEXIST) {
            wake(fault, (uintptr_t)to + done);
            done += USERFAULT_PAGE_BYTES;
        } else if (now != -EAGAIN || ++tries == TRIES_MAX)
            return error_errno(
                error, now < 0 ? (int)-now : EIO, "cannot bring memory that a guest waits for");
    }
    return 0;
}

int userfault_copy(const struct userfault *fault, void *to, const void *from, size_t bytes, size_t *brought,
    struct error *error)
{
    return bring(fault, to, from, bytes, brought, error);
}

int userfault_zero(
    const struct userfault *fault, void *to, size_t bytes, size_t *brought, struct error *error)
{
    return bring(fault, to, NULL, bytes, brought, error);
}
