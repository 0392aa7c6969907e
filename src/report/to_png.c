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

/* The program gets default signals, whatever this one ignores or blocks. */
static int run(const char *const arguments[], FILE *const files[FILES], struct error *error)
{
    char line[256] = "", clean[256];
    int status = 0;
    pid_t child;
    sigset_t signals;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigemptyset(&signals);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < FILES; i++)
        posix_spawn_file_actions_adddup2(&actions, fileno(files[i]), i);
    int code = posix_spawnp(&child, arguments[0], &actions, &attributes, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    for (int tries = 0; !code && waitpid(child, &status, 0) < 0; tries++)
        code = errno == EINTR && tries < 1000 ? 0 : errno;
    if (code == ENOENT)
        return error_set(error, ENOTSUP,
            "rsvg-convert, which makes PNG pictures, is not installed; install the package librsvg2-bin, or "
            "ask for an .svg");
    if (code)
        return error_start(error, code, "rsvg-convert, which makes PNG pictures");
    if (WIFSIGNALED(status))
        return error_set(
            error, EIO, "rsvg-convert was ended by signal %d; no picture was made", WTERMSIG(status));
    if (!WEXITSTATUS(status))
        return 0;
    rewind(files[COMPLAINTS]);
    if (fgets(line, sizeof line, files[COMPLAINTS]))
        line[strcspn(line, "\r\n")] = 0;
    text_clean(line, TEXT_UTF8, clean, sizeof clean);
    return error_set(error, EIO, "rsvg-convert could not make a PNG of the picture: %s",
        clean[0] ? clean : "it gave no reason");
}

/* Draws a picture; NULL: only asks whether that can be. */
static int convert(struct writing *writing, struct error *error)
{
    static const char *const draw[] = {
        "rsvg-convert", "--format=png", "--zoom=2", NULL}; /* twice as large: PNG is for what shows no SVG */
    static const char *const ask[] = {"rsvg-convert", "--version", NULL};
    FILE *files[FILES] = {NULL};
    char block[16384];
    size_t all = 0;
    int status = 0;
    for (size_t i = 0; i < FILES && !status; i++) {
        int descriptor = memfd_create("vcost-picture", MFD_CLOEXEC);
        files[i] = descriptor < 0 ? NULL : fdopen(descriptor, "w+");
        if (!files[i])
            status = error_errno(error, errno, "cannot make a memory file for the picture");
        if (!files[i] && descriptor >= 0)
            close(descriptor);
    }
    if (!status && writing) {
        FILE *stream = writing->stream;
        writing->stream = files[IN];
        status = to_svg(writing, error);
        writing->stream = stream;
    }
    if (!status && (fflush(files[IN]) || fseek(files[IN], 0, SEEK_SET)))
        status = error_errno(error, errno, "cannot keep the picture in memory");
    if (!status)
        status = run(writing ? draw : ask, files, error);
    if (!status && writing) {
        rewind(files[OUT]);
        for (size_t length; (length = fread(block, 1, sizeof block, files[OUT])) > 0; all += length)
            fwrite(block, 1, length, writing->stream);
        if (!all)
            status = error_set(error, EIO, "rsvg-convert drew nothing and gave no reason");
    }
    for (size_t i = 0; i < FILES; i++)
        if (files[i])
            fclose(files[i]);
    return status;
}

int to_png_check(struct error *error)
{
    return convert(NULL, error);
}

int to_png(struct writing *writing, struct error *error)
{
    return convert(writing, error);
}
