/* Preloaded into a vcost that is tested: lets chosen calls fail as a kernel, a sandbox or a limit would, or
 * has it interrupted there.
 *
 * VCOST_TEST_ERRORS is the table, rows with ';' in between:
 *
 *     CALL/WHAT/ERRNO/WHEN       ioctl/ae80/4/always    madvise/23/11/once    open/kvm/1/always@2
 *
 * CALL is a function of the C library; WHAT its request (ioctl: low 32 bits, hexadecimal; madvise: the
 * advice; prctl: the option; open, fopen, read: the end of the file's path), "*" any; ERRNO a number; WHEN
 * "once" or "always", from the first such call on or from number N (@N). Each row that has let a call fail
 * leaves its number and a newline in the file VCOST_TEST_HITS, once: a test knows whether it has tried
 * anything.
 *
 * CALL "*" with ERRNO -N sends signal N to this process, not to what it starts, just before any of the calls
 * below, which then is made; where it did not come to that the number of these calls is left in
 * VCOST_TEST_HITS.
 */
#undef _FILE_OFFSET_BITS /* it would give two functions one name */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS_MAX = 16, CALL_BYTES = 24, WHAT_BYTES = 80 };

static struct row {
    char call[CALL_BYTES], what[WHAT_BYTES];
    int code;
    unsigned from; /* the number of the first call that fails */
    bool always;
    unsigned seen;
} rows[ROWS_MAX];
static size_t row_count;
static pid_t interrupted; /* the process that a row sends a signal to; 0: none */

static void add_row(const char *text)
{
    struct row *row = &rows[row_count];
    char when[24];
    if (row_count == ROWS_MAX ||
        sscanf(text, "%23[^/]/%79[^/]/%d/%23s", row->call, row->what, &row->code, when) != 4)
        abort(); /* a test that is wrong must not pass */
    /* A path in the table has '|' for '/'. */
    for (char *at = row->what; (at = strchr(at, '|'));)
        *at = '/';
    const char *number = strchr(when, '@');
    row->from = number ? (unsigned)strtoul(number + 1, NULL, 10) : 1;
    row->always = !strncmp(when, "always", strlen("always"));
    row_count++;
    if (row->code < 0) {
        interrupted = getpid();
        unsetenv("LD_PRELOAD");
    }
}

__attribute__((constructor)) static void read_table(void)
{
    const char *table = getenv("VCOST_TEST_ERRORS");
    char *copy = table ? strdup(table) : NULL, *rest = copy;
    for (char *text; copy && (text = strsep(&rest, ";"));)
        if (*text)
            add_row(text);
    free(copy);
}

static void leave(unsigned number)
{
    const char *path = getenv("VCOST_TEST_HITS");
    char text[16];
    int length = snprintf(text, sizeof text, "%u\n", number), code = errno;
    long fd =
        path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) {
        syscall(SYS_write, fd, text, length);
        syscall(SYS_close, fd);
    }
    errno = code;
}

static bool is_due(struct row *row)
{
    unsigned number = __atomic_add_fetch(&row->seen, 1, __ATOMIC_RELAXED);
    bool due = row->always ? number >= row->from : number == row->from;
    if (due && number == row->from) /* whoever counts hits wants to know of the first alone */
        leave((unsigned)(row - rows));
    return due;
}

static void interrupt(void)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].code < 0 && is_due(&rows[i]))
            kill(interrupted, -rows[i].code);
}

__attribute__((destructor)) static void leave_count(void)
{
    for (size_t i = 0; i < row_count; i++)
        if (interrupted == getpid() && rows[i].code < 0 && rows[i].seen < rows[i].from)
            leave(rows[i].seen);
}

/* The errno with which a call is to fail; 0: it is to be made. */
static int fails(const char *call, const char *what, bool is_end)
{
    if (interrupted && interrupted == getpid())
        interrupt();
    for (size_t i = 0; i < row_count; i++) {
        const char *wanted = rows[i].what;
        size_t length = strlen(what), end = strlen(wanted);
        bool same = !strcmp(wanted, "*") || !strcmp(wanted, what) ||
                    (is_end && length >= end && !strcmp(what + length - end, wanted));
        if (same && !strcmp(rows[i].call, call) && is_due(&rows[i]))
            return rows[i].code;
    }
    return 0;
}

static int fails_number(const char *call, const char *format, unsigned long number)
{
    char what[24];
    snprintf(what, sizeof what, format, number);
    return fails(call, what, false);
}

/* `real` is the function behind this one. */
#define REAL(function)                                                                                       \
    static __typeof__(function) *real;                                                                       \
    if (!real)                                                                                               \
    *(void **)&real = dlsym(RTLD_NEXT, #function)
#define FAIL_WITH(code, value)                                                                               \
    do {                                                                                                     \
        int failure_ = (code);                                                                               \
        if (failure_) {                                                                                      \
            errno = failure_;                                                                                \
            return value;                                                                                    \
        }                                                                                                    \
    } while (0)

/* ---- with a request ---- */

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    FAIL_WITH(fails_number("ioctl", "%lx", request & 0xffffffff), -1);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

int madvise(void *at, size_t bytes, int advice)
{
    FAIL_WITH(fails_number("madvise", "%lu", (unsigned long)advice), -1);
    return (int)syscall(SYS_madvise, at, bytes, advice);
}

int prctl(int option, ...)
{
    unsigned long arguments[4];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    FAIL_WITH(fails_number("prctl", "%lu", (unsigned long)option), -1);
    return (int)syscall(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

/* ---- memory ---- */

#define MMAP(name)                                                                                           \
    void *name(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)                      \
    {                                                                                                        \
        FAIL_WITH(fails("mmap", fd >= 0 ? "file" : "anonymous", false), MAP_FAILED);                         \
        return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);                          \
    }
#undef mmap64
MMAP(mmap)
MMAP(mmap64)

/* By what is asked for: "0" none, "3" read and write, "5" read and execute. */
int mprotect(void *at, size_t bytes, int protection)
{
    FAIL_WITH(fails_number("mprotect", "%lu", (unsigned long)protection), -1);
    return (int)syscall(SYS_mprotect, at, bytes, protection);
}

int mlock(const void *at, size_t bytes)
{
    FAIL_WITH(fails("mlock", "", false), -1);
    return (int)syscall(SYS_mlock, at, bytes);
}

int munlock(const void *at, size_t bytes)
{
    FAIL_WITH(fails("munlock", "", false), -1);
    return (int)syscall(SYS_munlock, at, bytes);
}

/* ---- processes and threads ---- */

int sched_setaffinity(pid_t pid, size_t bytes, const cpu_set_t *set)
{
    FAIL_WITH(fails("sched_setaffinity", "", false), -1);
    return (int)syscall(SYS_sched_setaffinity, pid, bytes, set) < 0 ? -1 : 0;
}

int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set)
{
    REAL(sched_getaffinity);
    FAIL_WITH(fails("sched_getaffinity", "", false), -1);
    return real(pid, bytes, set);
}

pid_t fork(void)
{
    REAL(fork);
    FAIL_WITH(fails("fork", "", false), -1);
    return real();
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    FAIL_WITH(fails("waitpid", "", false), -1);
    return (pid_t)syscall(SYS_wait4, pid, status, options, NULL);
}

/* This one returns its errno. */
int pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    REAL(pthread_create);
    int code = fails("pthread_create", "", false);
    return code ? code : real(thread, attributes, start, argument);
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    FAIL_WITH(fails("nanosleep", "", false), -1);
    return (int)syscall(SYS_nanosleep, time, left);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    FAIL_WITH(fails("poll", "", false), -1);
    return (int)syscall(SYS_poll, fds, count, timeout);
}

int getrusage(__rusage_who_t who, struct rusage *usage)
{
    FAIL_WITH(fails("getrusage", "", false), -1);
    return (int)syscall(SYS_getrusage, who, usage);
}

int pipe2(int ends[2], int flags)
{
    FAIL_WITH(fails("pipe2", "", false), -1);
    return (int)syscall(SYS_pipe2, ends, flags);
}

int eventfd(unsigned count, int flags)
{
    FAIL_WITH(fails("eventfd", "", false), -1);
    return (int)syscall(SYS_eventfd2, count, flags);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    REAL(sigaction);
    FAIL_WITH(fails_number("sigaction", "%lu", (unsigned long)number), -1);
    return real(number, action, before);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    FAIL_WITH(fails("clock_gettime", "", false), -1);
    return (int)syscall(SYS_clock_gettime, clock, time);
}

/* ---- files ---- */

#define OPEN(name)                                                                                           \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        va_list list;                                                                                        \
        va_start(list, flags);                                                                               \
        unsigned mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, unsigned) : 0;                        \
        va_end(list);                                                                                        \
        FAIL_WITH(fails("open", path, true), -1);                                                            \
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);                                        \
    }
#undef open64
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                                                                          \
    FILE *name(const char *path, const char *mode)                                                           \
    {                                                                                                        \
        REAL(name);                                                                                          \
        FAIL_WITH(fails("open", path, true), NULL);                                                          \
        return real(path, mode);                                                                             \
    }
#undef fopen64
FOPEN(fopen)
FOPEN(fopen64)

/* Files are known by their descriptor's path; only where a row asks for it is that looked up. */
static int fails_reading(int fd)
{
    char link[32], path[256];
    bool asked = false;
    for (size_t i = 0; i < row_count; i++)
        asked |= !strcmp(rows[i].call, "read");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = asked ? readlink(link, path, sizeof path - 1) : -1;
    if (length < 0)
        return 0;
    path[length] = '\0';
    return fails("read", path, true);
}

ssize_t read(int fd, void *to, size_t bytes)
{
    FAIL_WITH(fails_reading(fd), -1);
    return syscall(SYS_read, fd, to, bytes);
}

#define PREAD(name)                                                                                          \
    ssize_t name(int fd, void *to, size_t bytes, off_t offset)                                               \
    {                                                                                                        \
        FAIL_WITH(fails_reading(fd), -1);                                                                    \
        return syscall(SYS_pread64, fd, to, bytes, offset);                                                  \
    }
#undef pread64
PREAD(pread)
PREAD(pread64)

ssize_t write(int fd, const void *from, size_t bytes)
{
    FAIL_WITH(fails_number("write", "%lu", (unsigned long)fd), -1);
    return syscall(SYS_write, fd, from, bytes);
}
