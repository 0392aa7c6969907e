/* Rings that a program shares with the kernel: what io_uring and asynchronous I/O (io_setup) do for it, a
 * line for each. Where the kernel has none, or forbids them, it says so. */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, BYTES = 8 /* of a set of signals */, LOOKS = 2000000 };

/* ---- what entries ask for ---- */

static void files(struct ring *ring)
{
    static char text[] = "a text that is written", back[64];
    const struct iovec vector[] = {{back, 4}, {back + 8, 6}};
    int file = memfd_create("file", 0);
    printf("write: %ld\n",
        MAKE(ring, .opcode = IORING_OP_WRITE, .fd = file, .addr = (uintptr_t)text, .len = sizeof text));
    printf("read: %ld ",
        MAKE(ring, .opcode = IORING_OP_READ, .fd = file, .addr = (uintptr_t)back, .len = 6, .off = 2));
    printf("%.6s\n", back);
    printf("readv: %ld ",
        MAKE(ring, .opcode = IORING_OP_READV, .fd = file, .addr = (uintptr_t)vector, .len = 2));
    printf("%.4s, %.6s\n", back, back + 8);
    printf("read to nowhere: %ld\n", MAKE(ring, .opcode = IORING_OP_READ, .fd = file, .addr = 8, .len = 6));
    printf("read of none: %ld\n",
        MAKE(ring, .opcode = IORING_OP_READ, .fd = 900, .addr = (uintptr_t)back, .len = 6));
    printf("no operation: %ld\n", MAKE(ring, .opcode = 250));
    printf("sync: %ld\n", MAKE(ring, .opcode = IORING_OP_FSYNC, .fd = file));
    long opened = MAKE(ring, .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t) "/dev/zero",
        .open_flags = O_RDONLY);
    printf("opened: %d, ", opened >= 0);
    printf("read: %ld, ",
        MAKE(ring, .opcode = IORING_OP_READ, .fd = (int)opened, .addr = (uintptr_t)back, .len = 64));
    printf("%d, ", back[0]);
    printf("closed: %ld, ", MAKE(ring, .opcode = IORING_OP_CLOSE, .fd = (int)opened));
    printf("again: %ld\n", code(close((int)opened)));
    close(file);
}

/* The kernel keeps hold of the pages and the files. */
static void registered(struct ring *ring)
{
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct iovec buffers[] = {{pages, PAGE}, {pages + PAGE, PAGE}}, nowhere = {(void *)8, 8};
    int file = memfd_create("file", 0), files[] = {file, -1};
    printf("registered: %ld, ",
        code(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &nowhere, 1)));
    printf("%ld, ", code(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, buffers, 2)));
    printf("%ld, ", code(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, files, 2)));
    printf("%ld\n", code(syscall(SYS_io_uring_register, ring->fd, 1000, files, 2)));
    memset(pages, 'a', PAGE);
    printf("write: %ld, ", MAKE(ring, .opcode = IORING_OP_WRITE_FIXED, .flags = IOSQE_FIXED_FILE, .fd = 0,
                               .addr = (uintptr_t)pages, .len = PAGE, .buf_index = 0));
    printf("read: %ld, ", MAKE(ring, .opcode = IORING_OP_READ_FIXED, .flags = IOSQE_FIXED_FILE, .fd = 0,
                              .addr = (uintptr_t)pages + PAGE, .len = PAGE, .buf_index = 1));
    printf("the same: %d, ", !memcmp(pages, pages + PAGE, PAGE));
    printf("elsewhere: %ld\n", MAKE(ring, .opcode = IORING_OP_READ_FIXED, .flags = IOSQE_FIXED_FILE, .fd = 0,
                                   .addr = (uintptr_t)pages, .len = PAGE, .buf_index = 1));
    close(file);
}

static void memory(struct ring *ring)
{
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status;
    pages[0] = pages[PAGE] = 'a';
    printf("dropped: %ld, ", MAKE(ring, .opcode = IORING_OP_MADVISE, .addr = (uintptr_t)pages, .len = PAGE,
                                 .fadvise_advice = MADV_DONTNEED));
    printf("%d %d; ", pages[0], pages[PAGE]);
    printf("kept from children: %ld, ", MAKE(ring, .opcode = IORING_OP_MADVISE, .addr = (uintptr_t)pages,
                                            .len = PAGE, .fadvise_advice = MADV_DONTFORK));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        volatile char *first = pages;
        _exit(*first);
    }
    waitpid(child, &status, 0);
    printf("child %x, here %d\n", status, pages[0]);
}

static void *write_soon(void *context)
{
    usleep(20000);
    if (write(*(int *)context, "x", 1) != 1)
        abort();
    return NULL;
}

static void waiting(struct ring *ring)
{
    struct __kernel_timespec soon = {.tv_nsec = 5000000};
    struct io_uring_getevents_arg until = {.ts = (uintptr_t)&soon};
    char byte = 0;
    long results[2];
    int ends[2], sockets[2];
    uint64_t data;
    pthread_t thread;
    if (pipe(ends) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0)
        abort();
    printf("timeout: %ld\n", MAKE(ring, .opcode = IORING_OP_TIMEOUT, .addr = (uintptr_t)&soon, .len = 1));
    printf("nothing comes: %ld\n",
        enter(ring, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &until, sizeof until));
    pthread_create(&thread, NULL, write_soon, &ends[1]);
    printf(
        "readable: %ld\n", MAKE(ring, .opcode = IORING_OP_POLL_ADD, .fd = ends[0], .poll32_events = POLLIN));
    pthread_join(thread, NULL);
    put(ring, &(struct io_uring_sqe){
                  .opcode = IORING_OP_RECV, .fd = sockets[0], .addr = (uintptr_t)&byte, .len = 1});
    printf("receives: %ld, ", enter(ring, 1, 0, 0, NULL, 0));
    put(ring,
        &(struct io_uring_sqe){
            .opcode = IORING_OP_SEND, .fd = sockets[1], .addr = (uintptr_t) "y", .len = 1, .user_data = 1});
    printf("sends: %ld, ", enter(ring, 1, 2, IORING_ENTER_GETEVENTS, NULL, 0));
    for (int i = 0; i < 2; i++) {
        long result = take(ring, &data);
        results[data % 2] = result;
    }
    printf("%ld and %ld, %c\n", results[0], results[1], byte);
    for (int i = 0; i < 4; i++)
        close((i < 2 ? ends : sockets)[i % 2]);
}

static volatile sig_atomic_t alarms;

static void count(int number)
{
    (void)number;
    alarms++;
}

static void signals(struct ring *ring)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    const struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    uint64_t none = 0, alarm_only = UINT64_C(1) << (SIGALRM - 1);
    struct io_uring_getevents_arg with = {.sigmask = (uintptr_t)&none, .sigmask_sz = sizeof none};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    printf("interrupted: %ld, ", enter(ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
    printf("alarms %d\n", alarms);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &alarm_only, NULL, BYTES);
    setitimer(ITIMER_REAL, &soon, NULL);
    printf("with a mask: %ld, ", enter(ring, 0, 1, IORING_ENTER_GETEVENTS, &none, BYTES));
    printf("alarms %d\n", alarms);
    setitimer(ITIMER_REAL, &soon, NULL);
    printf("with a mask: %ld, ",
        enter(ring, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &with, sizeof with));
    printf("alarms %d\n", alarms);
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &alarm_only, NULL, BYTES);
}

static void many(struct ring *ring)
{
    uint64_t sum = 0, data;
    for (uint64_t i = 0; i < 300; i++) {
        put(ring, &(struct io_uring_sqe){.opcode = IORING_OP_NOP, .user_data = 3 * i});
        if (i % 4 == 3)
            sum += (uint64_t)enter(ring, 4, 4, IORING_ENTER_GETEVENTS, NULL, 0) << 32;
        for (int each = 0; i % 4 == 3 && each < 4; each++)
            sum += take(ring, &data) == 0 ? data : 0;
    }
    printf("300 times nothing: %llx\n", (unsigned long long)sum);
}

static void uring(void)
{
    struct ring ring;
    if (open_ring(&ring, 0) == 0) {
        files(&ring);
        registered(&ring);
        memory(&ring);
        waiting(&ring);
        signals(&ring);
        many(&ring);
        printf("where it is wanted: %d\n",
            mmap((char *)ring.shared + (1 << 24), PAGE, PROT_READ, MAP_SHARED, ring.fd, 0) == MAP_FAILED);
        close_ring(&ring);
    }
    if (open_ring(&ring, IORING_SETUP_SQPOLL) == 0) { /* a thread of the kernel looks for entries */
        files(&ring);
        close_ring(&ring);
    }
    printf("no entries: %ld, ", code(syscall(SYS_io_uring_setup, 0, &(struct io_uring_params){.flags = 0})));
    printf("nowhere: %ld, ", code(syscall(SYS_io_uring_setup, 8, (void *)8)));
    printf("no ring: %ld\n", code(syscall(SYS_io_uring_enter, 0, 1, 0, 0, NULL, 0)));
}

/* ---- asynchronous I/O ---- */

/* fs/aio.c, struct aio_ring; programs read it, as libaio does. */
struct aio_ring {
    uint32_t id, entries;
    _Atomic uint32_t head, tail;
    uint32_t magic, compatible, incompatible, header_bytes;
    struct io_event events[];
};

static int ends_by_touching(const volatile uint32_t *at)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(*at == 1);
    waitpid(child, &status, 0);
    return status;
}

static void aio(void)
{
    static char text[] = "written by itself", back[sizeof text];
    aio_context_t context = 0;
    struct io_event event;
    int file = memfd_create("file", 0);
    struct iocb write = {.aio_lio_opcode = IOCB_CMD_PWRITE,
                    .aio_fildes = (unsigned)file,
                    .aio_buf = (uintptr_t)text,
                    .aio_nbytes = sizeof text},
                read = {.aio_lio_opcode = IOCB_CMD_PREAD,
                    .aio_fildes = (unsigned)file,
                    .aio_buf = (uintptr_t)back,
                    .aio_nbytes = sizeof text,
                    .aio_data = 9},
                *first[] = {&write}, *second[] = {&read};
    printf("setup: %ld, ", code(syscall(SYS_io_setup, 8, 8L)));
    long rc = code(syscall(SYS_io_setup, 8, &context));
    printf("%ld, again: %ld\n", rc, code(syscall(SYS_io_setup, 8, &context)));
    if (rc < 0)
        return;
    struct aio_ring *ring = (struct aio_ring *)context;
    printf("magic %x, header %u\n", ring->magic, ring->header_bytes);
    printf("submitted: %ld, ", code(syscall(SYS_io_submit, context, 1, first)));
    printf("got: %ld, ", code(syscall(SYS_io_getevents, context, 1, 1, &event, NULL)));
    printf("%lld\n", (long long)event.res);
    printf("submitted: %ld, ", code(syscall(SYS_io_submit, context, 1, second)));
    for (int looks = 0; ring->head == ring->tail && looks < LOOKS; looks++)
        sched_yield();
    printf("in the ring: %lld of %llu, %s\n", (long long)ring->events[ring->head].res,
        (unsigned long long)ring->events[ring->head].data, back);
    ring->head = ring->tail;
    printf("nothing more: %ld\n", code(syscall(SYS_io_getevents, context, 0, 1, &event, NULL)));
    printf("child ends by %x, ", ends_by_touching(&ring->magic));
    printf("destroyed: %ld, ", code(syscall(SYS_io_destroy, context)));
    printf("again: %ld, ", code(syscall(SYS_io_destroy, context)));
    printf("child ends by %x\n", ends_by_touching(&ring->magic));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    uring();
    aio();
    return 0;
}
