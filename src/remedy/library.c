#include "remedy/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char file_name[] = "libvcost-pages.so";

int library_find(char path[static PATH_MAX], struct error *error)
{
    static const char *const folders[] = {"", "../lib/vcost/"};
    char own[PATH_MAX / 2], made[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0)
        return error_errno(error, errno, "cannot find out where vcost is");
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(made, sizeof made, "%s%s%s", own, folders[i], file_name);
        if (access(made, R_OK) < 0 || !realpath(made, path))
            continue;
        if (strpbrk(path, " :"))
            return error_set(error, EINVAL,
                "the path of %s has a blank or a colon, which LD_PRELOAD cannot take", file_name);
        return 0;
    }
    return error_set(
        error, ENOENT, "%s is neither beside vcost nor in ../lib/vcost: install vcost anew", file_name);
}

int library_report_open(struct library_report *report, struct error *error)
{
    static const char *const places[] = {"/dev/shm", "/tmp"};
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < sizeof places / sizeof *places; i++) {
        snprintf(report->path, sizeof report->path, "%s/vcost-pages-XXXXXX", places[i]);
        fd = mkstemp(report->path);
    }
    if (fd < 0)
        return error_errno(error, errno, "cannot make a file in /dev/shm or /tmp");
    void *counts = ftruncate(fd, PAGES_REPORT_BYTES) < 0
                       ? MAP_FAILED
                       : mmap(NULL, PAGES_REPORT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int code = errno;
    close(fd);
    if (counts == MAP_FAILED) {
        unlink(report->path);
        return error_errno(error, code, "cannot map %s", report->path);
    }
    report->counts = counts;
    return 0;
}

void library_report_close(struct library_report *report)
{
    if (!report->counts)
        return;
    munmap(report->counts, PAGES_REPORT_BYTES);
    unlink(report->path);
    report->counts = NULL;
}
