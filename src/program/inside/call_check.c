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

static int check_message(const struct thread *thread, uint64_t at)
{
    struct msghdr message;
    if (access_read(thread->process, at, &message, sizeof message) < 0 ||
        is_foreign(thread, message.msg_name) || is_foreign(thread, message.msg_control))
        return -EFAULT;
    return check_vector(thread, (uintptr_t)message.msg_iov, message.msg_iovlen);
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

/* ---- each argument, by its kind ---- */

struct argument {
    const struct thread *thread;
    const char *kinds;
    uint64_t *all; /* of the call */
    unsigned at;
    uint64_t value, before, behind; /* it, and its neighbours */
};

static int look_at_descriptor(const struct argument *of)
{
    return call_is_kept(of->thread, of->value) ? -EBADF : 0;
}

static int look_at_path(const struct argument *of)
{
    int folder = of->at && of->kinds[of->at - 1] == 'f' ? (int)of->before : AT_FDCWD;
    of->all[of->at] = (uintptr_t)call_path(of->thread, folder, of->value);
    return 0;
}

static int look_at_opened(const struct argument *of)
{
    int folder = of->at ? (int)of->before : AT_FDCWD;
    of->all[of->at] = (uintptr_t)call_opened(of->thread, folder, of->value, of->behind);
    return 0;
}

static int look_at_vector(const struct argument *of)
{
    return check_vector(of->thread, of->value, of->behind);
}

static int look_at_own_vector(const struct argument *of)
{
    bool own = (pid_t)of->all[0] == getpid() || (pid_t)of->all[0] == of->thread->id;
    return own ? look_at_vector(of) : 0;
}

static int look_at_message(const struct argument *of)
{
    return check_message(of->thread, of->value);
}

static int look_at_messages(const struct argument *of)
{
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < of->behind && i < IOV_MAX; i++)
        rc = check_message(of->thread, of->value + i * sizeof(struct mmsghdr));
    return rc;
}

static int look_at_operations(const struct argument *of)
{
    int rc = 0;
    uint64_t one;
    for (uint64_t i = 0; rc == 0 && i < of->before && i < IOV_MAX; i++) {
        rc = access_read(of->thread->process, of->value + i * sizeof one, &one, sizeof one);
        rc = rc == 0 ? check_operation(of->thread, one) : rc;
    }
    return rc;
}

static int look_at_registered(const struct argument *of)
{
    return (uint32_t)of->before == IORING_REGISTER_BUFFERS ? look_at_vector(of) : 0;
}

/* Requests whose structure holds a pointer that the kernel writes to. */
static int look_at_requested(const struct argument *of)
{
    static const struct {
        uint32_t request, offset;
    } nested[] = {{SIOCGIFCONF, 8}, {SIOCETHTOOL, 16}};
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) {
        const void *pointer;
        if ((uint32_t)of->before == nested[i].request &&
            access_read(of->thread->process, of->value + nested[i].offset, &pointer, sizeof pointer) == 0 &&
            is_foreign(of->thread, pointer))
            return -EFAULT;
    }
    return 0;
}

/* What is no address of this process, and what else is looked at. */
static const struct {
    bool value;
    int (*look)(const struct argument *of);
} kinds_known['z' + 1] = {
    ['v'] = {true, NULL},                /* a value */
    ['f'] = {true, look_at_descriptor},  /* a descriptor */
    ['p'] = {false, NULL},               /* a pointer, or what may be one */
    ['s'] = {false, look_at_path},       /* a path */
    ['o'] = {false, look_at_opened},     /* one that is opened; its flags follow */
    ['V'] = {false, look_at_vector},     /* to an array of struct iovec; its length follows */
    ['R'] = {true, look_at_own_vector},  /* the same, of the process that the first argument names */
    ['M'] = {false, look_at_message},    /* to a struct msghdr */
    ['N'] = {false, look_at_messages},   /* to an array of struct mmsghdr; its length follows */
    ['A'] = {false, look_at_operations}, /* to an array of struct iocb; its length comes before */
    ['I'] = {false, look_at_requested},  /* what ioctl() is handed; its request comes before */
    ['B'] = {false, look_at_registered}, /* what io_uring_register() is; the operation comes before */
    ['m'] = {false, NULL},               /* a mask of signals that holds while it waits (calls.c) */
    ['W'] = {false, NULL},               /* to one and its length */
    ['U'] = {false, NULL},               /* one of the two, as io_uring_enter()'s flags before it say */
};

static int check_one(const struct argument *of)
{
    const unsigned kind = (unsigned char)of->kinds[of->at];
    if (!kinds_known[kind].value && window_is_foreign(of->thread->process->window, of->value))
        return -EFAULT;
    return kinds_known[kind].look ? kinds_known[kind].look(of) : 0;
}

int call_check(const struct thread *thread, const char *kinds, uint64_t *arguments)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && kinds[i]; i++)
        rc = check_one(&(struct argument){.thread = thread,
            .kinds = kinds,
            .all = arguments,
            .at = i,
            .value = arguments[i],
            .before = i ? arguments[i - 1] : 0,
            .behind = kinds[i + 1] ? arguments[i + 1] : 0});
    return rc;
}
