/* The picture of to_svg.c through rsvg-convert. What goes in, comes out and is complained of are memory
 * files: no pipe can fill up or break, and nothing half-drawn is passed on. */
#include "base/clean.h"
#include "report/formats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN, OUT, COMPLAINTS, FILES };
enum { MISSING = 127 }; /* a shell's exit status */

static int run(const char *arguments, FILE *const files[FILES], struct error *error)
{
    char command[160], line[256] = "", clean[256];
    snprintf(command, sizeof command,
        "exec rsvg-convert %s </proc/self/fd/%d >/proc/self/fd/%d 2>/proc/self/fd/%d", arguments,
        fileno(files[IN]), fileno(files[OUT]), fileno(files[COMPLAINTS]));
    int status = system(command);
    if (status < 0)
        return error_errno(error, errno, "cannot run rsvg-convert, which makes PNG pictures");
    if (WIFSIGNALED(status))
        return error_set(
            error, EIO, "rsvg-convert was ended by signal %d; no picture was made", WTERMSIG(status));
    if (WEXITSTATUS(status) == MISSING)
        return error_set(error, ENOTSUP,
            "rsvg-convert, which makes PNG pictures, is not installed; install the package librsvg2-bin, or "
            "ask for an .svg");
    if (WEXITSTATUS(status) && fgets(line, sizeof line, files[COMPLAINTS]))
        line[strcspn(line, "\r\n")] = 0;
    text_clean(line, TEXT_UTF8, clean, sizeof clean);
    return !WEXITSTATUS(status)
               ? 0
               : error_set(error, EIO, "rsvg-convert could not make a PNG of the picture: %s",
                     clean[0] ? clean : "it gave no reason");
}

/* Draws a picture; NULL: only asks whether that can be. */
static int convert(struct writing *writing, struct error *error)
{
    FILE *files[FILES] = {NULL};
    char block[16384];
    size_t all = 0;
    int status = 0;
    for (size_t i = 0; i < FILES && !status; i++) {
        int descriptor = memfd_create("vcost-picture", 0); /* the program's too */
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
    if (!status && fflush(files[IN]))
        status = error_errno(error, errno, "cannot keep the picture in memory");
    if (!status) /* twice as large: PNG is for what cannot show an SVG */
        status = run(writing ? "--format=png --zoom=2" : "--version", files, error);
    if (!status && writing) {
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
