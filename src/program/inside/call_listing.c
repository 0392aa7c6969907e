/* getdents and stat: of what /proc lists of this process the domain's descriptors, and the threads that KVM
 * has in it, are none of the program's. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/own_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum listing { LISTS_OTHERS, LISTS_DESCRIPTORS, LISTS_THREADS };

static enum listing listing_of(const struct thread *thread, int directory)
{
    char path[sizeof "/proc/4194304/task/4194304/fdinfo"];
    ssize_t length = own_link_read(thread->process, directory, path, sizeof path);
    if (length <= 0 || length >= (ssize_t)sizeof path)
        return LISTS_OTHERS;
    path[length] = '\0';
    const char *part = own_part(path, true);
    if (!part)
        return LISTS_OTHERS;
    if (!strcmp(part, "task"))
        return LISTS_THREADS;
    return !strcmp(part, "fd") || !strcmp(part, "fdinfo") ? LISTS_DESCRIPTORS : LISTS_OTHERS;
}

/* Linux has one that is a thread of the process whose machine it looks after (arch/x86/kvm/mmu/mmu.c). */
static bool is_monitors(const struct thread *thread, const char *number)
{
    static const char monitors[] = "kvm-nx-lpage-re";
    char path[sizeof "self/task//comm" + 12], name[sizeof monitors];
    snprintf(path, sizeof path, "self/task/%.12s/comm", number);
    int file = openat(thread->process->kept.proc, path, O_RDONLY | O_CLOEXEC);
    bool is = file >= 0 && read(file, name, sizeof name) == (ssize_t)sizeof name &&
              memcmp(name, monitors, sizeof monitors - 1) == 0;
    if (file >= 0)
        close(file);
    return is;
}

static bool is_hidden(const struct thread *thread, enum listing listing, const char *name)
{
    if (name[0] < '0' || name[0] > '9')
        return false;
    return listing == LISTS_THREADS ? is_monitors(thread, name)
                                    : call_is_kept(thread, strtoul(name, NULL, 10));
}

/* Entries begin alike in both forms but for where the name is (getdents(2)). What is left of them, in bytes.
 */
static size_t take_out(
    const struct thread *thread, enum listing listing, char *entries, size_t bytes, size_t name_at)
{
    enum { LENGTH_AT = 16 };
    size_t kept = 0;
    uint16_t length;
    for (size_t at = 0; at + name_at < bytes; at += length) {
        memcpy(&length, entries + at + LENGTH_AT, sizeof length);
        if (length <= name_at || length > bytes - at)
            break;
        if (is_hidden(thread, listing, entries + at + name_at))
            continue;
        memmove(entries + kept, entries + at, length);
        kept += length;
    }
    return kept;
}

static int64_t list(struct thread *thread, long number, const uint64_t *arguments, size_t name_at)
{
    if (call_is_kept(thread, arguments[0]))
        return -EBADF;
    if (window_is_foreign(thread->process->window, arguments[1]))
        return -EFAULT;
    enum listing listing = listing_of(thread, (int)arguments[0]);
    int64_t got = call_host(thread, number, arguments);
    while (got > 0 && listing != LISTS_OTHERS) {
        char *entries = malloc((size_t)got);
        size_t left = (size_t)got;
        if (entries && access_read(thread->process, arguments[1], entries, left) == 0) {
            left = take_out(thread, listing, entries, left, name_at);
            access_write(thread->process, arguments[1], entries, left);
        }
        free(entries);
        if (left) /* nothing would be the end */
            return (int64_t)left;
        got = call_host(thread, number, arguments);
    }
    return got;
}

int64_t call_getdents(struct thread *thread, const uint64_t *arguments)
{
    enum { NAME_AT = 18 };
    return list(thread, SYS_getdents, arguments, NAME_AT);
}

int64_t call_getdents64(struct thread *thread, const uint64_t *arguments)
{
    enum { NAME_AT = 19 };
    return list(thread, SYS_getdents64, arguments, NAME_AT);
}

/* ---- how many links that list has ---- */

uint64_t call_monitors_threads(const struct thread *thread)
{
    int file = openat(thread->process->kept.proc, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = file < 0 ? NULL : fdopendir(file);
    uint64_t count = 0;
    for (struct dirent *entry; list && (entry = readdir(list));)
        count += entry->d_name[0] != '.' && is_monitors(thread, entry->d_name);
    if (list)
        closedir(list);
    return count;
}

static bool may_name_threads(const struct thread *thread, uint64_t path)
{
    char text[sizeof "/proc/4194304/task/"];
    if (access_text(thread->process, path, text, sizeof text) < 0)
        return false;
    size_t length = strlen(text);
    length -= length && text[length - 1] == '/';
    return length >= 4 && memcmp(text + length - 4, "task", 4) == 0;
}

/* Where what a call has found out stands. */
struct found {
    unsigned path, to; /* the arguments */
    unsigned inode, links, links_bytes;
};

/* Whoever wants to know whether it has one thread may look at that (Chromium). */
static int64_t look(struct thread *thread, long number, const char *kinds, const uint64_t *given,
    const struct found *found, bool follows)
{
    uint64_t arguments[6], inode, links = 0;
    struct stat own;
    memcpy(arguments, given, sizeof arguments);
    int64_t result = call_check(thread, kinds, arguments);
    if (!follows) /* the link to the executable is to be looked at, not the program */
        arguments[found->path] = given[found->path];
    if (result == 0)
        result = call_host(thread, number, arguments);
    uint64_t to = given[found->to];
    if (result != 0 || !may_name_threads(thread, given[found->path]) ||
        fstatat(thread->process->kept.proc, "self/task", &own, 0) < 0 ||
        access_read(thread->process, to + found->inode, &inode, sizeof inode) < 0 || inode != own.st_ino ||
        access_read(thread->process, to + found->links, &links, found->links_bytes) < 0)
        return result;
    links -= call_monitors_threads(thread);
    access_write(thread->process, to + found->links, &links, found->links_bytes);
    return result;
}

static const struct found of_stat = {0, 1, offsetof(struct stat, st_ino), offsetof(struct stat, st_nlink), 8},
                          of_newfstatat = {1, 2, offsetof(struct stat, st_ino),
                              offsetof(struct stat, st_nlink), 8},
                          of_statx = {1, 4, 32, 16, 4}; /* struct statx: stx_ino, stx_nlink */

int64_t call_stat(struct thread *thread, const uint64_t *arguments)
{
    return look(thread, SYS_stat, "sp", arguments, &of_stat, true);
}

int64_t call_lstat(struct thread *thread, const uint64_t *arguments)
{
    return look(thread, SYS_lstat, "sp", arguments, &of_stat, false);
}

int64_t call_newfstatat(struct thread *thread, const uint64_t *arguments)
{
    return look(
        thread, SYS_newfstatat, "fspv", arguments, &of_newfstatat, !(arguments[3] & AT_SYMLINK_NOFOLLOW));
}

int64_t call_statx(struct thread *thread, const uint64_t *arguments)
{
    return look(thread, SYS_statx, "fsvvp", arguments, &of_statx, !(arguments[2] & AT_SYMLINK_NOFOLLOW));
}
