/* The picture of to_svg.c through rsvg-convert. What goes in, comes out and is complained of are memory
 * files: no pipe can fill up or break, and nothing half-drawn is passed on. */
#include "base/clean.h"
#include "report/formats.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN, OUT, COMPLAINTS, FILES };

static int open_files(FILE *files[FILES], struct error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        int descriptor = memfd_create("vcost-picture", MFD_CLOEXEC);
        files[i] = descriptor < 0 ? NULL : fdopen(descriptor, "w+");
        if (!files[i]) {
            int code = errno;
            if (descriptor >= 0)
                close(descriptor);
            return error_errno(error, code, "cannot make a memory file for the picture");
        }
    }
    return 0;
}

static void close_files(FILE *files[FILES])
{
    for (size_t i = 0; i < FILES; i++)
        if (files[i])
            fclose(files[i]);
}

/* The child gets default signals back, whatever this program ignores or blocks. 0 or a positive errno. */
static int spawn(char *const arguments[], FILE *const files[FILES], pid_t *child)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    int code = posix_spawnattr_init(&attributes);
    if (code)
        return code;
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    code = posix_spawn_file_actions_init(&actions);
    if (!code) {
        for (int i = 0; i < FILES && !code; i++)
            code = posix_spawn_file_actions_adddup2(&actions, fileno(files[i]), i);
        if (!code)
            code = posix_spawnp(child, arguments[0], &actions, &attributes, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return code;
}

static int judge(int status, FILE *complaints, struct error *error)
{
    char line[256] = "", clean[256];
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    if (WIFSIGNALED(status))
        return error_set(
            error, EIO, "rsvg-convert was ended by signal %d; no picture was made", WTERMSIG(status));
    rewind(complaints);
    if (fgets(line, sizeof line, complaints))
        line[strcspn(line, "\r\n")] = 0;
    text_clean(line, TEXT_UTF8, clean, sizeof clean);
    return error_set(error, EIO, "rsvg-convert could not make a PNG of the picture: %s",
        clean[0] ? clean : "it gave no reason");
}

static int run(char *const arguments[], FILE *const files[FILES], struct error *error)
{
    pid_t child;
    int status, code = spawn(arguments, files, &child);
    if (code == ENOENT)
        return error_set(error, ENOTSUP,
            "rsvg-convert, which makes PNG pictures, is not installed; install the package librsvg2-bin, or "
            "ask for an .svg");
    while (!code && waitpid(child, &status, 0) < 0)
        code = errno == EINTR ? 0 : errno;
    if (code)
        return error_errno(error, code, "cannot run rsvg-convert, which makes PNG pictures");
    return judge(status, files[COMPLAINTS], error);
}

static int copy_picture(FILE *from, FILE *stream, struct error *error)
{
    char block[16384];
    size_t length, all = 0;
    rewind(from);
    while ((length = fread(block, 1, sizeof block, from)) > 0) {
        fwrite(block, 1, length, stream);
        all += length;
    }
    return all ? 0 : error_set(error, EIO, "rsvg-convert drew nothing and gave no reason");
}

int to_png_check(struct error *error)
{
    FILE *files[FILES] = {NULL};
    int status = open_files(files, error);
    if (!status)
        status = run((char *const[]){"rsvg-convert", "--version", NULL}, files, error);
    close_files(files);
    return status;
}

int to_png(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    FILE *files[FILES] = {NULL};
    int status = open_files(files, error);
    if (!status)
        status = to_svg(document, files[IN], style, error);
    if (!status && (fflush(files[IN]) || fseek(files[IN], 0, SEEK_SET)))
        status = error_errno(error, errno, "cannot keep the picture in memory");
    if (!status) /* twice as large: PNG is for what cannot show an SVG */
        status = run((char *const[]){"rsvg-convert", "--format=png", "--zoom=2", NULL}, files, error);
    if (!status)
        status = copy_picture(files[OUT], stream, error);
    close_files(files);
    return status;
}
