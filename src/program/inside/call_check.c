/* What a forwarded call is handed, looked at before the kernel does: pointers at which it would find memory
 * of the monitor, also those in what pointers point to, and descriptors of the domain. A program that changes
 * them meanwhile in another thread deceives this; one that has only gone wild does not. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/own_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_foreign(const struct thread *thread, const void *pointer)
{
    return window_is_foreign(thread->process->window, (uintptr_t)pointer);
}

/* Above the first of them only those are the domain's that it has: a program of so many descriptors has the
 * others. */
bool call_is_kept(const struct thread *thread, uint64_t descriptor)
{
    static const char monitors[] = "anon_inode:kvm-", device[] = "/dev/kvm";
    const struct kept_descriptors *kept = &thread->process->kept;
    int number = (int)descriptor;
    char name[sizeof monitors];
    if (number < kept->first || number >= kept->behind)
        return false;
    if (number == kept->tally || number == kept->kvm || number == kept->self || number == kept->proc)
        return true;
    ssize_t length = own_link_read(thread->process, number, name, sizeof name);
    return (length == (ssize_t)sizeof name && memcmp(name, monitors, sizeof monitors - 1) == 0) ||
           (length == (ssize_t)sizeof device - 1 && memcmp(name, device, sizeof device - 1) == 0);
}

static int check_vector(const struct thread *thread, uint64_t vector, uint64_t count)
{
    struct iovec entry;
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < count && i < IOV_MAX; i++) {
        rc = access_read(thread->process, vector + i * sizeof entry, &entry, sizeof entry);
        if (rc == 0 && is_foreign(thread, entry.iov_base))
            rc = -EFAULT;
    }
    return rc;
}

/* Only those of this process are addresses here. */
static int check_own_vector(const struct thread *thread, const uint64_t *arguments, unsigned at)
{
    bool own = (pid_t)arguments[0] == getpid() || (pid_t)arguments[0] == thread->id;
    return own ? check_vector(thread, arguments[at], arguments[at + 1]) : 0;
}

static int check_message(const struct thread *thread, uint64_t at)
{
    struct msghdr message;
    if (access_read(thread->process, at, &message, sizeof message) < 0 ||
        is_foreign(thread, message.msg_name) || is_foreign(thread, message.msg_control))
        return -EFAULT;
    return check_vector(thread, (uintptr_t)message.msg_iov, message.msg_iovlen);
}

static int check_messages(const struct thread *thread, uint64_t at, uint64_t count)
{
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < count && i < IOV_MAX; i++)
        rc = check_message(thread, at + i * sizeof(struct mmsghdr));
    return rc;
}

static int check_operation(const struct thread *thread, uint64_t at)
{
    struct iocb operation;
    if (access_read(thread->process, at, &operation, sizeof operation) < 0)
        return -EFAULT;
    if (call_is_kept(thread, operation.aio_fildes))
        return -EBADF;
    bool vector = operation.aio_lio_opcode == IOCB_CMD_PREADV || operation.aio_lio_opcode == IOCB_CMD_PWRITEV;
    if (vector)
        return check_vector(thread, operation.aio_buf, operation.aio_nbytes);
    return window_is_foreign(thread->process->window, operation.aio_buf) ? -EFAULT : 0;
}

static int check_operations(const struct thread *thread, uint64_t count, uint64_t list)
{
    int rc = 0;
    uint64_t one;
    for (uint64_t i = 0; rc == 0 && i < count && i < IOV_MAX; i++) {
        rc = access_read(thread->process, list + i * sizeof one, &one, sizeof one);
        rc = rc == 0 ? check_operation(thread, one) : rc;
    }
    return rc;
}

/* Requests whose structure holds a pointer that the kernel writes to. */
static int check_request(const struct thread *thread, uint64_t request, uint64_t at)
{
    static const struct {
        uint32_t request, offset;
    } nested[] = {{SIOCGIFCONF, 8}, {SIOCETHTOOL, 16}};
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) {
        const void *pointer;
        if ((uint32_t)request == nested[i].request &&
            access_read(thread->process, at + nested[i].offset, &pointer, sizeof pointer) == 0 &&
            is_foreign(thread, pointer))
            return -EFAULT;
    }
    return 0;
}

static int check_one(const struct thread *thread, const char *kinds, uint64_t *arguments, unsigned at)
{
    uint64_t value = arguments[at];
    switch (kinds[at]) {
    case 'v':
        return 0;
    case 'f':
        return call_is_kept(thread, value) ? -EBADF : 0;
    case 'R':
        return check_own_vector(thread, arguments, at);
    default:
        break;
    }
    if (window_is_foreign(thread->process->window, value))
        return -EFAULT;
    switch (kinds[at]) {
    case 's':
        arguments[at] = (uintptr_t)call_path(
            thread, at && kinds[at - 1] == 'f' ? (int)arguments[at - 1] : AT_FDCWD, value);
        return 0;
    case 'o':
        arguments[at] =
            (uintptr_t)call_opened(thread, at ? (int)arguments[at - 1] : AT_FDCWD, value, arguments[at + 1]);
        return 0;
    case 'V':
        return check_vector(thread, value, arguments[at + 1]);
    case 'M':
        return check_message(thread, value);
    case 'N':
        return check_messages(thread, value, arguments[at + 1]);
    case 'A':
        return check_operations(thread, arguments[at - 1], value);
    case 'B':
        return (uint32_t)arguments[at - 1] == IORING_REGISTER_BUFFERS
                   ? check_vector(thread, value, arguments[at + 1])
                   : 0;
    case 'I':
        return check_request(thread, arguments[at - 1], value);
    default:
        return 0;
    }
}

int call_check(const struct thread *thread, const char *kinds, uint64_t *arguments)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && kinds[i]; i++)
        rc = check_one(thread, kinds, arguments, i);
    return rc;
}
