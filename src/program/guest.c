#include "program/guest.h"

#include "program/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
    int rc = unnamed_open(UNNAMED_INSIDE, &start->executable, error);
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

int guest_start_heat(
    struct guest_start *start, uint64_t interval_ns, struct heat_log **out, struct error *error)
{
    if (ftruncate(start->page, HEAT_LOG_OFFSET + HEAT_LOG_BYTES) < 0)
        return error_errno(error, errno, "cannot make room for what a program touches");
    void *log = mmap(NULL, HEAT_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, start->page,
        HEAT_LOG_OFFSET);
    if (log == MAP_FAILED)
        return error_errno(error, errno, "cannot map what a program touches");
    *out = log;
    (*out)->interval_ns = interval_ns;
    (*out)->room = (HEAT_LOG_BYTES - sizeof **out) / sizeof *(*out)->entries;
    start->tally->heat = 1;
    return 0;
}

void guest_start_heat_end(struct guest_start *start, struct heat_log *log)
{
    start->tally->heat = 0;
    munmap(log, HEAT_LOG_BYTES);
    if (ftruncate(start->page, sizeof *start->tally) < 0)
        return; /* what is left of it goes with the file */
}

static void set_flags(const struct guest_start *start, int flags)
{
    fcntl(start->executable, F_SETFD, flags);
    fcntl(start->page, F_SETFD, flags);
}

void guest_start_begin(struct guest_start *start)
{
    const struct tally_memory memory = start->tally->memory;
    memset(start->tally, 0, offsetof(struct tally, kept));
    start->tally->memory = memory;
    set_flags(start, 0);
}

void guest_start_end(struct guest_start *start)
{
    set_flags(start, FD_CLOEXEC);
}
