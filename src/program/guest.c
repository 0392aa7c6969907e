#include "program/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The executable vcost-inside (program_inside_bytes.S). */
extern const char program_inside_start[], program_inside_end[];

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u /* Linux 6.3 */
#endif

/* A kernel that does not know MFD_EXEC needs none. */
static int open_unnamed(void)
{
    int fd = memfd_create("vcost-inside", MFD_CLOEXEC | MFD_EXEC);
    return fd < 0 && errno == EINVAL ? memfd_create("vcost-inside", MFD_CLOEXEC) : fd;
}

static int write_executable(int *executable, struct error *error)
{
    int fd = open_unnamed();
    if (fd < 0)
        return error_errno(error, errno == EACCES ? ENOTSUP : errno,
            "the kernel gives no file without a name that can be executed (sysctl vm.memfd_noexec)");
    for (const char *at = program_inside_start; at < program_inside_end;) {
        ssize_t put = write(fd, at, (size_t)(program_inside_end - at));
        if (put < 0 && errno != EINTR) {
            int code = errno;
            close(fd);
            return error_errno(error, code, "cannot write the executable that runs programs in a domain");
        }
        at += put > 0 ? put : 0;
    }
    *executable = fd;
    return 0;
}

static int make_page(struct guest_start *start, struct error *error)
{
    start->page = memfd_create("vcost-tally", MFD_CLOEXEC);
    if (start->page < 0 || ftruncate(start->page, sizeof *start->tally) < 0)
        return error_errno(error, errno, "cannot make a page of counters");
    void *page = mmap(NULL, sizeof *start->tally, PROT_READ | PROT_WRITE, MAP_SHARED, start->page, 0);
    if (page == MAP_FAILED)
        return error_errno(error, errno, "cannot map a page of counters");
    start->tally = page;
    return 0;
}

int guest_start_open(struct guest_start *start, struct error *error)
{
    *start = (struct guest_start){.executable = -1, .page = -1};
    int rc = write_executable(&start->executable, error);
    if (rc == 0)
        rc = make_page(start, error);
    if (rc < 0) {
        guest_start_close(start);
        return rc;
    }
    snprintf(start->words[0], sizeof start->words[0], "/proc/self/fd/%d", start->executable);
    snprintf(start->words[1], sizeof start->words[1], "%d,-1,%d", start->page, start->executable);
    return 0;
}

void guest_start_close(struct guest_start *start)
{
    if (start->tally)
        munmap(start->tally, sizeof *start->tally);
    if (start->page >= 0)
        close(start->page);
    if (start->executable >= 0)
        close(start->executable);
    *start = (struct guest_start){.executable = -1, .page = -1};
}

const char **guest_start_words(struct guest_start *start, const char *const *program)
{
    enum { OF_OURS = 3 }; /* inside/inside.h */
    size_t count = 0;
    while (program[count])
        count++;
    const char **words = calloc(OF_OURS + count + 1, sizeof *words);
    if (!words)
        return NULL;
    words[0] = start->words[0];
    words[1] = start->words[1];
    words[2] = program[0];
    memcpy(words + OF_OURS, program, count * sizeof *words);
    return words;
}

void guest_start_next(struct guest_start *start, bool inside)
{
    if (inside)
        memset(start->tally, 0, sizeof *start->tally);
    fcntl(start->executable, F_SETFD, inside ? 0 : FD_CLOEXEC);
    fcntl(start->page, F_SETFD, inside ? 0 : FD_CLOEXEC);
}
