#include "host/read_text.h"

#include "host/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *root = "";

void read_text_root(const char *prefix)
{
    root = prefix ? prefix : "";
}

bool read_text_is_real(void)
{
    return !*root;
}

/* O_NONBLOCK: a FIFO in place of a file must not hang us. Returns a descriptor or a negative errno. */
static int open_under_root(const char *path, int flags)
{
    char full[PATH_MAX];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    if (length < 0 || (size_t)length >= sizeof full)
        return -ENAMETOOLONG;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    return fd < 0 ? -errno : fd;
}

/* Fills text[size] as far as the file goes; returns the bytes read or a negative errno. */
static ssize_t read_fill(int fd, char *text, size_t size)
{
    enum { INTERRUPTIONS_MAX = 100 };
    size_t used = 0;
    int interruptions = 0;
    while (used < size) {
        ssize_t got = read(fd, text + used, size - used);
        if (got < 0 && errno == EINTR && interruptions++ < INTERRUPTIONS_MAX)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

int read_text(const char *path, char *text, size_t size)
{
    int fd = open_under_root(path, 0);
    if (fd < 0)
        return fd;
    ssize_t used = read_fill(fd, text, size - 1);
    close(fd);
    if (used < 0)
        return (int)used;
    text[used] = '\0';
    return 0;
}

int read_line(const char *path, char *line, size_t size)
{
    int rc = read_text(path, line, size);
    if (rc)
        return rc;
    line[strcspn(line, "\n")] = '\0';
    text_trim(line);
    return *line ? 0 : -ENODATA;
}

int read_number(const char *path, uint64_t *value)
{
    char line[READ_TEXT_LINE];
    uint64_t number;
    int rc = read_line(path, line, sizeof line);
    if (rc)
        return rc;
    const char *end = text_number(line, &number);
    if (!end || *end)
        return -EINVAL;
    *value = number;
    return 0;
}

struct fact read_fact(const char *path)
{
    char line[READ_TEXT_LINE];
    int rc = read_line(path, line, sizeof line);
    if (rc == -ENOENT)
        return fact_unknown("no %s", path);
    if (rc)
        return fact_unknown("cannot read %s: %s", path, strerror(-rc));
    return fact_known("%s", line);
}

/* Takes the rest of a line that did not fit out of the stream. */
static void skip_line(FILE *file)
{
    int c;
    do
        c = getc(file);
    while (c != '\n' && c != EOF);
}

int read_each_line(const char *path, bool (*line)(char *line, void *context), void *context)
{
    char text[READ_TEXT_LINE];
    int fd = open_under_root(path, 0);
    if (fd < 0)
        return fd;
    FILE *file = fdopen(fd, "re");
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    bool more = true;
    while (more && fgets(text, sizeof text, file)) {
        if (!strchr(text, '\n'))
            skip_line(file);
        text[strcspn(text, "\n")] = '\0';
        more = line(text, context);
    }
    int rc = ferror(file) ? -EIO : 0;
    (void)fclose(file);
    return rc;
}

int read_each_name(const char *path, bool (*name)(const char *name, void *context), void *context)
{
    int fd = open_under_root(path, O_DIRECTORY);
    if (fd < 0)
        return fd;
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return -ENOMEM;
    }
    bool more = true;
    for (struct dirent *entry; more && (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            more = name(entry->d_name, context);
    closedir(directory);
    return 0;
}
