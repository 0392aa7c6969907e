/* A family: the nursery's process, and the memory that it knows. */
#include "host/read_text.h"
#include "monitor/deprivileged/child_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(
    CHILD_TOP == DESK_TOP && CHILD_CALL == DESK_TOP + DESK_CALL && CHILDREN_MEMORY_MAX == DESK_FD_MEMORY_MAX,
    "child.h and desk.h agree");

extern const unsigned char nursery_image_start[], nursery_image_end[];

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif

enum {
    SLICE_MS = 50, /* between two looks at the stop flag */
    ANSWER_SLICES = 400,
    MAPPINGS_DEFAULT = 65530, /* vm.max_map_count of most hosts */
    MAPPINGS_SPARE = 1000,
    MAPPINGS_LEAST = 64,
    KICKS_MAX = 10000
};

/* ---- the nursery ---- */

static int refused(struct error *error, int code, const char *what)
{
    return error_set(error, ENOTSUP, "this host does not let programs %s: %s", what, strerror(code));
}

static int memory_of_image(struct error *error)
{
    int fd = memfd_create("vcost-guests", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
        fd = memfd_create("vcost-guests", MFD_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return error_set(error, ENOTSUP,
            "this host does not let programs execute memory of their own (vm.memfd_noexec is 2: set it to "
            "1)");
    return fd < 0 ? refused(error, errno, "make shared memory (memfd_create)") : fd;
}

static int make_image(struct error *error)
{
    const size_t bytes = (size_t)(nursery_image_end - nursery_image_start);
    int fd = memory_of_image(error);
    if (fd < 0)
        return fd;
    for (size_t done = 0; done < bytes;) {
        ssize_t more = write(fd, nursery_image_start + done, bytes - done);
        if (more <= 0 && errno != EINTR) {
            int code = errno;
            close(fd);
            return error_errno(error, code, "cannot write the program that guests run in");
        }
        done += more > 0 ? (size_t)more : 0;
    }
    return fd;
}

/* Where dup2() in the new process takes neither of them for the other. */
static int out_of_the_way(int fd)
{
    int other = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, DESK_FD_IMAGE + 1);
    if (fd >= 0)
        close(fd);
    return other;
}

/* In a group of processes of its own: Ctrl-C is not for it. */
static int spawn(int socket, int image, pid_t *pid)
{
    char *arguments[] = {"vcost-guests", NULL}, *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, socket, DESK_FD_SOCKET);
    posix_spawn_file_actions_adddup2(&actions, image, DESK_FD_IMAGE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int code = posix_spawn(pid, "/proc/self/fd/4", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static int watch_nursery(struct children *children, pid_t pid, struct error *error)
{
    children->nursery_number = pid;
    children->nursery = pidfd_open(pid, 0);
    if (children->nursery >= 0)
        return 0;
    int rc = refused(error, errno, "watch a process (pidfd_open, Linux 5.3)");
    close(children->socket); /* it ends */
    children->socket = -1;
    waitpid(pid, NULL, 0);
    return rc;
}

static int start_nursery(struct children *children, int socket, struct error *error)
{
    pid_t pid;
    int image = make_image(error);
    if (image < 0)
        return image;
    int code = (image = out_of_the_way(image)) < 0 ? errno : spawn(socket, image, &pid);
    if (image >= 0)
        close(image);
    if (code == EAGAIN || code == ENOMEM || code == EMFILE)
        return error_start(error, code, "the process that guests run in");
    if (code)
        return refused(error, code, "execute memory of their own (memfd, /proc/self/fd)");
    return watch_nursery(children, pid, error);
}

static int connect_nursery(struct children *children, struct error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return error_errno(error, errno, "cannot make a pair of sockets");
    children->socket = pair[0];
    int far = out_of_the_way(pair[1]);
    int rc = far < 0 ? error_errno(error, errno, "cannot make a pair of sockets")
                     : start_nursery(children, far, error);
    if (far >= 0)
        close(far);
    return rc;
}

static size_t read_mappings_max(void)
{
    uint64_t limit = MAPPINGS_DEFAULT;
    read_number("/proc/sys/vm/max_map_count", &limit);
    return limit < MAPPINGS_SPARE + MAPPINGS_LEAST ? MAPPINGS_LEAST : limit - MAPPINGS_SPARE;
}

int children_open(const struct stop *stop, struct children **children, struct error *error)
{
    struct children *new = calloc(1, sizeof *new);
    if (!new)
        return error_errno(error, ENOMEM, "cannot start guests");
    *new = (struct children){.stop = stop,
        .socket = -1,
        .nursery = -1,
        .mappings_max = read_mappings_max(),
        .kicks_max = KICKS_MAX};
    int rc = connect_nursery(new, error);
    if (rc < 0)
        children_close(new);
    else
        *children = new;
    return rc;
}

/* The nursery ends by itself when the socket is closed; it is not waited for without end. */
static void end_nursery(const struct children *children)
{
    siginfo_t info;
    if (children->socket >= 0)
        close(children->socket);
    if (children->nursery < 0)
        return;
    pidfd_send_signal(children->nursery, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)children->nursery, &info, WEXITED) < 0 && errno == EINTR)
        ;
    close(children->nursery);
}

void children_close(struct children *children)
{
    if (!children)
        return;
    while (children->open)
        child_close(children->open);
    end_nursery(children);
    free(children);
}

/* ---- asking it ---- */

static int send_request(
    const struct children *children, const struct nursery_request *request, const int descriptors[2])
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)request, sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    size_t count = (size_t)(descriptors[0] >= 0) + (descriptors[0] >= 0 && descriptors[1] >= 0);
    if (count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(children->socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int await_answer(const struct children *children, struct nursery_answer *answer, struct error *error)
{
    struct pollfd poll_socket = {.fd = children->socket, .events = POLLIN};
    for (int slice = 0; slice < ANSWER_SLICES; slice++) {
        if (stop_asked(children->stop))
            return error_set(error, EINTR, "%s", stop_reason(children->stop));
        if (poll(&poll_socket, 1, SLICE_MS) <= 0)
            continue;
        if (recv(children->socket, answer, sizeof *answer, MSG_DONTWAIT) == sizeof *answer)
            return 0;
        return error_set(error, ESRCH, "the process that guests run in has ended");
    }
    return error_set(error, ETIMEDOUT, "the process that guests run in does not answer");
}

int nursery_ask(struct children *children, const struct nursery_request *request, const int descriptors[2],
    struct nursery_answer *answer, struct error *error)
{
    if (children->broken)
        return error_set(error, ESRCH, "the process that guests run in has failed before");
    int rc = send_request(children, request, descriptors);
    if (rc < 0)
        return error_errno(error, -rc, "cannot ask the process that guests run in");
    rc = await_answer(children, answer, error);
    children->broken = rc < 0;
    return rc;
}

/* ---- memory ---- */

static int ask_memory(
    struct children *children, uint32_t kind, unsigned number, int descriptor, struct error *error)
{
    const struct nursery_request request = {kind, (int32_t)(DESK_FD_MEMORY + number)};
    struct nursery_answer answer = {0};
    int rc = nursery_ask(children, &request, (const int[2]){descriptor, -1}, &answer, error);
    if (rc == 0 && answer.code < 0)
        rc = error_errno(error, answer.code == -EBADF ? EMFILE : -answer.code, "cannot give guests memory");
    return rc;
}

int children_memory(struct children *children, int descriptor, struct error *error)
{
    unsigned number = 0;
    while (number < CHILDREN_MEMORY_MAX && children->memory >> number & 1)
        number++;
    if (number == CHILDREN_MEMORY_MAX)
        return error_set(
            error, ENOSPC, "guests have %d pieces of memory, no more are possible", CHILDREN_MEMORY_MAX);
    int rc = ask_memory(children, NURSERY_MEMORY, number, descriptor, error);
    if (rc < 0)
        return rc;
    children->memory |= UINT64_C(1) << number;
    return (int)number;
}

void children_memory_forget(struct children *children, unsigned number)
{
    if (number >= CHILDREN_MEMORY_MAX)
        return;
    children->memory &= ~(UINT64_C(1) << number);
    ask_memory(children, NURSERY_FORGET, number, -1, NULL);
}
