#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct output {
    FILE *stream;
    char *path;      /* as the user wrote it, for messages */
    char *target;    /* what to rename to; NULL: written directly */
    char *temporary; /* what to rename from */
};

enum { LINKS_MAX = 40 };

FILE *output_stream(struct output *output)
{
    return output->stream;
}

/* Length of the folder part of a path with its slash, 0 if there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static void output_release(struct output *output)
{
    if (output->stream && output->stream != stdout)
        fclose(output->stream);
    free(output->path);
    free(output->target);
    free(output->temporary);
    free(output);
}

/* The descriptor that a path stands for ("-", /dev/stdout, /dev/fd/63), -1 if for none. */
static int named_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
        return STDOUT_FILENO;
    if (!strcmp(path, "/dev/stderr"))
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) || path[length] < '0' || path[length] > '9')
            continue;
        char *end;
        unsigned long number = strtoul(path + length, &end, 10);
        if (!*end && number <= INT_MAX)
            return (int)number;
    }
    return -1;
}

int output_check_stdout(struct error *error)
{
    struct pollfd reader = {.fd = STDOUT_FILENO};
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return error_set(error, EBADF,
            "standard output is closed: nothing could be shown of what is found (name a file with --json, or "
            "send it somewhere)");
    if (poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR))
        return error_set(error, EPIPE,
            "nobody reads standard output any more: the program behind the pipe has ended before anything "
            "was measured");
    return 0;
}

/* Shares the descriptor and with it the position, so that `>> log` keeps what is in the log. */
static int open_descriptor(struct output *output, int descriptor, struct error *error)
{
    if (fcntl(descriptor, F_GETFL) < 0)
        return error_errno(
            error, errno, "cannot write to %s: descriptor %d is not open", output->path, descriptor);
    if (descriptor == STDOUT_FILENO) {
        output->stream = stdout;
        return 0;
    }
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    output->stream = copy < 0 ? NULL : fdopen(copy, "w");
    if (output->stream)
        return 0;
    int code = errno;
    if (copy >= 0)
        close(copy);
    return error_errno(error, code, "cannot write to %s", output->path);
}

static int open_directly(struct output *output, const char *target, struct error *error)
{
    int descriptor = open(target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    output->stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (output->stream)
        return 0;
    int code = errno;
    if (descriptor >= 0)
        close(descriptor);
    return error_errno(error, code, "cannot write to %s", output->path);
}

/* Replaces a link's path by what it points to. */
static int step_link(char target[static PATH_MAX], const char *link, struct error *error)
{
    size_t folder = link[0] == '/' ? 0 : folder_length(target);
    if (folder + strlen(link) >= PATH_MAX)
        return error_set(
            error, ENAMETOOLONG, "cannot write to %.100s: its link leads to a name too long", target);
    strcpy(target + folder, link);
    return 0;
}

/* Follows symbolic links at the end of path, also to a file that does not exist yet; stops at a name that
 * stands for a descriptor. */
static int follow_links(const char *path, char target[static PATH_MAX], struct error *error)
{
    char link[PATH_MAX];
    if (strlen(path) >= PATH_MAX)
        return error_set(error, ENAMETOOLONG, "cannot write to %.100s…: the name is too long", path);
    strcpy(target, path);
    for (int hops = 0; hops < LINKS_MAX; hops++) {
        ssize_t length = named_descriptor(target) >= 0 ? -1 : readlink(target, link, sizeof link - 1);
        if (length < 0)
            return 0; /* not a link, not there, or not to be read: opening it tells */
        link[length] = 0;
        int status = step_link(target, link, error);
        if (status)
            return status;
    }
    return error_set(error, ELOOP, "cannot write to %s: too many symbolic links", path);
}

/* A file beside the target under a name that is not taken. Its permissions are those of a plain open(). */
static int create_beside(const char *target, char **temporary)
{
    size_t folder = folder_length(target);
    size_t size = folder + sizeof ".vcost-0123456789abcdef";
    *temporary = malloc(size);
    if (!*temporary)
        return -1;
    memcpy(*temporary, target, folder);
    for (int attempt = 0; attempt < 100; attempt++) {
        uint64_t random;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return -1;
        snprintf(*temporary + folder, size - folder, ".vcost-%016llx", (unsigned long long)random);
        int descriptor = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* The new file takes over the old one's permissions, and its owner where that is allowed. */
static void keep_attributes(int descriptor, const struct stat *old)
{
    if (fchown(descriptor, old->st_uid, old->st_gid))
        (void)!fchown(descriptor, (uid_t)-1, old->st_gid);
    (void)!fchmod(descriptor, old->st_mode & 0777);
}

static int open_beside(struct output *output, const char *target, const struct stat *old, struct error *error)
{
    output->target = strdup(target);
    if (!output->target)
        return error_errno(error, ENOMEM, "cannot write to %s", output->path);
    int descriptor = create_beside(target, &output->temporary);
    if (descriptor < 0) {
        size_t folder = folder_length(target);
        return error_errno(error, errno, "cannot write to %s: no file can be created in %.*s", output->path,
            folder ? (int)folder : 1, folder ? target : ".");
    }
    if (old)
        keep_attributes(descriptor, old);
    output->stream = fdopen(descriptor, "w");
    if (output->stream)
        return 0;
    int code = errno;
    close(descriptor);
    unlink(output->temporary);
    return error_errno(error, code, "cannot write to %s", output->path);
}

/* A new file: its name must be one that a file can have. */
static int open_new(struct output *output, const char *target, int code, struct error *error)
{
    if (code != ENOENT)
        return error_errno(error, code, "cannot write to %s", output->path);
    if (!target[folder_length(target)])
        return error_set(error, EISDIR, "cannot write to %s: name a file, not a folder", output->path);
    return open_beside(output, target, NULL, error);
}

static int open_target(struct output *output, const char *target, struct error *error)
{
    struct stat old;
    if (named_descriptor(target) >= 0)
        return open_descriptor(output, named_descriptor(target), error);
    if (!*target)
        return error_set(error, ENOENT, "cannot write to a file without a name");
    if (stat(target, &old))
        return open_new(output, target, errno, error);
    if (S_ISDIR(old.st_mode))
        return error_set(error, EISDIR, "cannot write to %s: it is a folder, name a file", output->path);
    if (!S_ISREG(old.st_mode) || !strncmp(target, "/proc/", 6))
        return open_directly(output, target, error);
    if (faccessat(AT_FDCWD, target, W_OK, AT_EACCESS))
        return error_errno(error, errno, "cannot write to %s", output->path);
    return open_beside(output, target, &old, error);
}

bool output_is_same(const char *a, const char *b)
{
    const char *paths[2] = {a, b};
    char targets[2][PATH_MAX];
    size_t lengths[2]; /* of their folders */
    struct stat folders[2];
    if (named_descriptor(a) >= 0 || named_descriptor(b) >= 0)
        return named_descriptor(a) == named_descriptor(b);
    for (size_t i = 0; i < 2; i++) {
        char folder[PATH_MAX];
        struct error error;
        if (follow_links(paths[i], targets[i], &error))
            return false;
        lengths[i] = folder_length(targets[i]);
        snprintf(
            folder, sizeof folder, "%.*s", lengths[i] ? (int)lengths[i] : 1, lengths[i] ? targets[i] : ".");
        if (stat(folder, &folders[i]))
            return false;
    }
    return folders[0].st_dev == folders[1].st_dev && folders[0].st_ino == folders[1].st_ino &&
           !strcmp(targets[0] + lengths[0], targets[1] + lengths[1]);
}

int output_open(const char *path, struct output **output, struct error *error)
{
    char target[PATH_MAX];
    int status = follow_links(path, target, error);
    if (status)
        return status;
    struct output *made = calloc(1, sizeof *made);
    if (!made || !(made->path = strdup(strcmp(path, "-") ? path : "standard output"))) {
        free(made);
        return error_errno(error, ENOMEM, "cannot write to %s", path);
    }
    status = open_target(made, target, error);
    if (status) {
        output_release(made);
        return status;
    }
    *output = made;
    return 0;
}

/* A write failed earlier, and errno with it is gone: another byte tells why. */
static int why_it_failed(FILE *stream)
{
    clearerr(stream);
    errno = 0;
    fputc('\n', stream);
    (void)fflush(stream);
    return errno ? errno : EIO;
}

/* Flushes and, unless it is standard output, closes the stream. 0 or a positive errno. */
static int finish_stream(struct output *output)
{
    FILE *stream = output->stream;
    int code = 0;
    errno = 0;
    if (fflush(stream))
        code = errno;
    else if (ferror(stream))
        code = why_it_failed(stream);
    if (stream == stdout)
        return code;
    output->stream = NULL;
    errno = 0;
    if (fclose(stream) && !code)
        code = errno ? errno : EIO;
    return code;
}

int output_commit(struct output *output, struct error *error)
{
    int status = 0, code = finish_stream(output);
    if (code && output->temporary) {
        unlink(output->temporary);
        status = error_errno(error, code, "cannot write to %s, which is left as it was", output->path);
    } else if (code) {
        status = error_errno(error, code, "cannot write to %s", output->path);
    } else if (output->temporary && rename(output->temporary, output->target)) {
        status = error_errno(error, errno, "cannot put the result in place as %s; it is kept in %s",
            output->path, output->temporary);
    }
    output_release(output);
    return status;
}

void output_discard(struct output *output)
{
    if (!output)
        return;
    if (output->temporary)
        unlink(output->temporary);
    output_release(output);
}
