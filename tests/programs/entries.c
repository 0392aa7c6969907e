/* What a ring's entries ask for: each kind of them as it succeeds and as it fails, chains of them, and what a
 * filter of system calls has to say. A line for each; what a kernel does not know it says. */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define AT(pointer) .addr = (uintptr_t)(pointer)
#define AND(pointer) .off = (uintptr_t)(pointer)

/* ---- names ---- */

static void tell_facts(struct ring *ring, const char *name)
{
    struct statx facts = {.stx_size = 0};
    long rc = MAKE(ring, .opcode = IORING_OP_STATX, .fd = AT_FDCWD, AT(name), AND(&facts),
        .len = STATX_BASIC_STATS, .statx_flags = AT_SYMLINK_NOFOLLOW);
    printf("%s: %ld, %llu bytes, mode %o, %u links\n", name, rc, (unsigned long long)facts.stx_size,
        facts.stx_mode, facts.stx_nlink);
}

static void names(struct ring *ring)
{
    const struct open_how how = {.flags = O_CREAT | O_RDWR, .mode = 0640},
                          wrong = {.flags = O_CREAT, .mode = 1 << 20};
    printf("made: %ld, ", MAKE(ring, .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, AT("d"), .len = 0755));
    printf("again: %ld\n", MAKE(ring, .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, AT("d"), .len = 0755));
    long file =
        MAKE(ring, .opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, AT("d/a"), .len = sizeof how, AND(&how));
    printf("opened: %d, wrongly: %ld, ", file >= 0,
        MAKE(ring, .opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, AT("d/x"), .len = sizeof wrong, AND(&wrong)));
    printf("without a name: %ld\n", MAKE(ring, .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, AT(8)));
    printf("written: %ld\n",
        MAKE(ring, .opcode = IORING_OP_WRITE, .fd = (int)file, AT("twelve bytes"), .len = 12));
    printf("linked: %ld, ", MAKE(ring, .opcode = IORING_OP_LINKAT, .fd = AT_FDCWD, .len = (uint32_t)AT_FDCWD,
                                AT("d/a"), AND("d/b")));
    printf("%ld\n", MAKE(ring, .opcode = IORING_OP_SYMLINKAT, .fd = AT_FDCWD, AT("a"), AND("d/c")));
    tell_facts(ring, "d/a");
    tell_facts(ring, "d/c");
    tell_facts(ring, "d/none");
    printf("renamed: %ld, ", MAKE(ring, .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD,
                                 .len = (uint32_t)AT_FDCWD, AT("d/b"), AND("d/e")));
    printf("what is not there: %ld\n", MAKE(ring, .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD,
                                           .len = (uint32_t)AT_FDCWD, AT("d/b"), AND("d/e")));
    for (int i = 0; i < 4; i++)
        printf("removed: %ld\n", MAKE(ring, .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
                                     AT(((const char *[]){"d/a", "d/c", "d/e", "d/e"}[i]))));
    printf("the folder: %ld\n",
        MAKE(ring, .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, AT("d"), .unlink_flags = AT_REMOVEDIR));
    close((int)file);
}

/* ---- files and pipes ---- */

static void files(struct ring *ring)
{
    char back[16] = "";
    int file = memfd_create("file", 0);
    printf(
        "room: %ld, ", MAKE(ring, .opcode = IORING_OP_FALLOCATE, .fd = file, AT(8192), .len = 0, .off = 0));
    printf("%ld bytes, none: %ld\n", (long)lseek(file, 0, SEEK_END),
        MAKE(ring, .opcode = IORING_OP_FALLOCATE, .fd = file, AT(0)));
    printf("advice: %ld, ", MAKE(ring, .opcode = IORING_OP_FADVISE, .fd = file, .len = 4096,
                                .fadvise_advice = POSIX_FADV_WILLNEED));
    printf("synchronized: %ld\n", MAKE(ring, .opcode = IORING_OP_SYNC_FILE_RANGE, .fd = file, .len = 4096));
    int table[] = {-1, -1};
    printf("table: %ld, ", code(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, table, 2)));
    printf("changed: %ld, ", MAKE(ring, .opcode = IORING_OP_FILES_UPDATE, AT(&file), .len = 1, .off = 1));
    printf("written: %ld, ",
        MAKE(ring, .opcode = IORING_OP_WRITE, .flags = IOSQE_FIXED_FILE, .fd = 1, AT("by number"), .len = 9));
    printf("into the table: %ld, ",
        MAKE(ring, .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, AT("/dev/zero"), .file_index = 1));
    printf("read: %ld, ",
        MAKE(ring, .opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .fd = 0, AT(back), .len = 8));
    printf("closed: %ld, ", MAKE(ring, .opcode = IORING_OP_CLOSE, .file_index = 1));
    printf("again: %ld\n", MAKE(ring, .opcode = IORING_OP_CLOSE, .file_index = 1));
    printf("end of the table: %ld\n",
        code(syscall(SYS_io_uring_register, ring->fd, IORING_UNREGISTER_FILES, NULL, 0)));
    close(file);
}

static void pipes(struct ring *ring)
{
    char back[32] = "";
    int file = memfd_create("file", 0), one[2], two[2];
    if (pipe(one) < 0 || pipe(two) < 0 || write(file, "through a pipe", 14) != 14)
        abort();
    printf("spliced: %ld, ", MAKE(ring, .opcode = IORING_OP_SPLICE, .splice_fd_in = file, .splice_off_in = 8,
                                 .fd = one[1], .off = (uint64_t)-1, .len = 6));
    printf(
        "copied: %ld, ", MAKE(ring, .opcode = IORING_OP_TEE, .splice_fd_in = one[0], .fd = two[1], .len = 6));
    printf("read: %ld and ", (long)read(one[0], back, sizeof back));
    printf("%ld, %s\n",
        MAKE(ring, .opcode = IORING_OP_READ, .fd = two[0], AT(back + 8), .len = 20, .off = (uint64_t)-1),
        back + 8);
    for (int i = 0; i < 4; i++)
        close((i < 2 ? one : two)[i % 2]);
    close(file);
}

/* ---- sockets ---- */

static int listen_at(const struct sockaddr_un *where)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 && bind(fd, (const void *)where, sizeof *where) == 0 && listen(fd, 4) == 0 ? fd : -1;
}

static void messages(struct ring *ring, int from, int to)
{
    char text[] = "a message", back[16] = "";
    struct iovec out = {text, sizeof text}, in = {back, sizeof back};
    struct msghdr sent = {.msg_iov = &out, .msg_iovlen = 1}, received = {.msg_iov = &in, .msg_iovlen = 1};
    printf("sent: %ld, ", MAKE(ring, .opcode = IORING_OP_SENDMSG, .fd = from, AT(&sent), .len = 1));
    printf("received: %ld, %s, ", MAKE(ring, .opcode = IORING_OP_RECVMSG, .fd = to, AT(&received), .len = 1),
        back);
    printf("nowhere: %ld\n", MAKE(ring, .opcode = IORING_OP_SENDMSG, .fd = from, AT(8), .len = 1));
}

/* The kernel chooses where the bytes go. */
static void lent_buffers(struct ring *ring, int from, int to)
{
    enum { EACH = 32, COUNT = 2, GROUP = 3 };
    static char room[COUNT][EACH];
    printf("lent: %ld, ", MAKE(ring, .opcode = IORING_OP_PROVIDE_BUFFERS, AT(room), .len = EACH, .fd = COUNT,
                              .off = 5, .buf_group = GROUP));
    for (int i = 0; i <= COUNT; i++) {
        if (write(from, "bytes", 5) != 5)
            abort();
        printf("received: %ld, ",
            MAKE(ring, .opcode = IORING_OP_RECV, .flags = IOSQE_BUFFER_SELECT, .fd = to, .buf_group = GROUP));
    }
    printf("%.5s %.5s, taken back: %ld\n", room[0], room[1],
        MAKE(ring, .opcode = IORING_OP_REMOVE_BUFFERS, .fd = 4, .buf_group = GROUP));
}

static void sockets(struct ring *ring)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int listening = listen_at(&where);
    long end = MAKE(ring, .opcode = IORING_OP_SOCKET, .fd = AF_UNIX, .off = SOCK_STREAM);
    printf("socket: %d, ", end >= 0);
    int mine = end >= 0 ? (int)end : socket(AF_UNIX, SOCK_STREAM, 0);
    printf("connected: %ld, ",
        MAKE(ring, .opcode = IORING_OP_CONNECT, .fd = mine, AT(&where), .off = sizeof where));
    long other = MAKE(ring, .opcode = IORING_OP_ACCEPT, .fd = listening);
    printf("accepted: %d\n", other >= 0);
    messages(ring, mine, (int)other);
    lent_buffers(ring, mine, (int)other);
    printf("shut: %ld, ", MAKE(ring, .opcode = IORING_OP_SHUTDOWN, .fd = mine, .len = SHUT_RDWR));
    printf("again: %ld\n", MAKE(ring, .opcode = IORING_OP_SHUTDOWN, .fd = 900, .len = SHUT_RDWR));
    close(mine);
    close((int)other);
    close(listening);
    unlink("socket");
}

/* ---- several at once ---- */

/* What each came to, by its number, which its user_data is. */
static void tell_all(struct ring *ring, const char *what, unsigned count)
{
    long results[8] = {0};
    long entered = enter(ring, count, count, IORING_ENTER_GETEVENTS, NULL, 0);
    for (unsigned i = 0; i < count; i++) {
        uint64_t data = 0;
        long result = take(ring, &data);
        results[data % 8] = result;
    }
    printf("%s: %ld:", what, entered);
    for (unsigned i = 0; i < count; i++)
        printf(" %ld", results[i]);
    printf("\n");
}
#define PUT(ring, ...) put(ring, &(struct io_uring_sqe){__VA_ARGS__})

static void chains(struct ring *ring)
{
    struct __kernel_timespec soon = {.tv_nsec = 5000000}, late = {.tv_sec = 1000};
    char back[8];
    int file = memfd_create("file", 0), ends[2];
    if (pipe(ends) < 0)
        abort();
    PUT(ring, .opcode = IORING_OP_WRITE, .flags = IOSQE_IO_LINK, .fd = file, AT("in turn"), .len = 7,
        .user_data = 0);
    PUT(ring, .opcode = IORING_OP_FSYNC, .flags = IOSQE_IO_LINK, .fd = file, .user_data = 1);
    PUT(ring, .opcode = IORING_OP_READ, .fd = file, AT(back), .len = 7, .user_data = 2);
    tell_all(ring, "one after the other", 3);
    PUT(ring, .opcode = IORING_OP_READ, .flags = IOSQE_IO_LINK, .fd = 900, AT(back), .len = 7,
        .user_data = 0);
    PUT(ring, .opcode = IORING_OP_NOP, .flags = IOSQE_IO_LINK, .user_data = 1);
    PUT(ring, .opcode = IORING_OP_NOP, .user_data = 2);
    tell_all(ring, "after one that failed", 3);
    PUT(ring, .opcode = IORING_OP_READ, .flags = IOSQE_IO_HARDLINK, .fd = 900, AT(back), .len = 7,
        .user_data = 0);
    PUT(ring, .opcode = IORING_OP_NOP, .user_data = 1);
    tell_all(ring, "whatever it came to", 2);
    PUT(ring, .opcode = IORING_OP_POLL_ADD, .flags = IOSQE_IO_LINK, .fd = ends[0], .poll32_events = POLLIN,
        .user_data = 0);
    PUT(ring, .opcode = IORING_OP_LINK_TIMEOUT, AT(&soon), .len = 1, .user_data = 1);
    tell_all(ring, "for a time", 2);
    PUT(ring, .opcode = IORING_OP_POLL_ADD, .fd = ends[0], .poll32_events = POLLIN, .user_data = 0);
    PUT(ring, .opcode = IORING_OP_POLL_REMOVE, AT(0), .user_data = 1);
    tell_all(ring, "no longer looked for", 2);
    PUT(ring, .opcode = IORING_OP_READ, .fd = ends[0], AT(back), .len = 1, .user_data = 0);
    PUT(ring, .opcode = IORING_OP_ASYNC_CANCEL, AT(0), .user_data = 1);
    tell_all(ring, "no longer wanted", 2);
    PUT(ring, .opcode = IORING_OP_TIMEOUT, AT(&late), .len = 1, .user_data = 0);
    PUT(ring, .opcode = IORING_OP_TIMEOUT_REMOVE, AT(0), .user_data = 1);
    tell_all(ring, "no longer waited for", 2);
    PUT(ring, .opcode = IORING_OP_NOP, .user_data = 0);
    PUT(ring, .opcode = IORING_OP_NOP, .flags = IOSQE_IO_DRAIN, .user_data = 1);
    PUT(ring, .opcode = IORING_OP_NOP, .flags = IOSQE_ASYNC, .user_data = 2);
    tell_all(ring, "when all before are done, and by another thread", 3);
    close(ends[0]);
    close(ends[1]);
    close(file);
}

/* ---- who is told ---- */

static void tellers(struct ring *ring)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7}, got = {.events = 0};
    struct ring other;
    uint64_t count = 0, data = 0;
    int set = epoll_create1(0), told = eventfd(0, EFD_NONBLOCK);
    printf("watched: %ld, ", MAKE(ring, .opcode = IORING_OP_EPOLL_CTL, .fd = set, .len = EPOLL_CTL_ADD,
                                 .off = (uint64_t)told, AT(&event)));
    printf("again: %ld, ", MAKE(ring, .opcode = IORING_OP_EPOLL_CTL, .fd = set, .len = EPOLL_CTL_ADD,
                               .off = (uint64_t)told, AT(&event)));
    printf("registered: %ld\n",
        code(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_EVENTFD, &told, 1)));
    MAKE(ring, .opcode = IORING_OP_NOP);
    int waited = epoll_wait(set, &got, 1, 10000);
    printf("waited: %d, %u, ", waited, got.data.u32);
    long bytes = code(read(told, &count, sizeof count));
    printf("told: %ld, %llu, ", bytes, (unsigned long long)count);
    printf(
        "no more: %ld\n", code(syscall(SYS_io_uring_register, ring->fd, IORING_UNREGISTER_EVENTFD, NULL, 0)));
    if (open_ring(&other, 0) == 0) {
        printf("to another ring: %ld, ",
            MAKE(ring, .opcode = IORING_OP_MSG_RING, .fd = other.fd, .len = 11, .off = 12));
        if (*other.done_head != *other.done_tail) {
            long result = take(&other, &data);
            printf("%ld, %llu, ", result, (unsigned long long)data);
        }
        close_ring(&other);
    }
    close(set);
    close(told);
}

/* ---- filters of system calls: no entry is one ---- */

static int forbid(uint32_t number)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)code(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}

static void filters(struct ring *ring)
{
    struct io_uring_params with = {.flags = 0};
    printf("forbidden: %d, ", forbid(SYS_openat));
    printf("by a call: %ld, ", code(syscall(SYS_openat, AT_FDCWD, "/dev/zero", O_RDONLY)));
    printf("by an entry: %d\n", MAKE(ring, .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, AT("/dev/zero")) >= 0);
    printf("forbidden: %d, ", forbid(SYS_io_uring_setup));
    printf("a ring: %ld\n", code(syscall(SYS_io_uring_setup, 8, &with)));
    printf("forbidden: %d, ", forbid(SYS_io_uring_enter));
    printf("an entry: %ld\n", MAKE(ring, .opcode = IORING_OP_NOP));
}

int main(void)
{
    struct ring ring;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (open_ring(&ring, 0) < 0)
        return 0;
    names(&ring);
    files(&ring);
    pipes(&ring);
    sockets(&ring);
    chains(&ring);
    tellers(&ring);
    filters(&ring);
    return 0;
}
