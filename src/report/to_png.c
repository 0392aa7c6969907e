/* The picture of to_svg.c through rsvg-convert. What goes in, comes out and is complained of are memory
 * files: no pipe can fill up or break, and nothing half-drawn is passed on. */
#include "base/clean.h"
#include "report/formats.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN, OUT, COMPLAINTS, FILES };
enum { CANNOT = 126, MISSING }; /* exit statuses of a child that became no program, as a shell's */

static int open_files(FILE *files[FILES], struct error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        int descriptor = memfd_create("vcost-picture", MFD_CLOEXEC);
        if (descriptor < 0 || !(files[i] = fdopen(descriptor, "w+"))) {
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

/* In the child, which gets default signals back, whatever this program ignores or blocks. */
static _Noreturn void become(const char *const arguments[], FILE *const files[FILES])
{
    sigset_t none;
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < FILES; i++)
        if (dup2(fileno(files[i]), i) < 0)
            _exit(CANNOT);
    execvp(arguments[0], (char *const *)arguments);
    _exit(errno == ENOENT ? MISSING : CANNOT);
}

static int judge(int status, FILE *complaints, struct error *error)
{
    char line[256] = "", clean[256];
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    if (WIFSIGNALED(status))
        return error_set(
            error, EIO, "rsvg-convert was ended by signal %d; no picture was made", WTERMSIG(status));
    if (WEXITSTATUS(status) == MISSING)
        return error_set(error, ENOTSUP,
            "rsvg-convert, which makes PNG pictures, is not installed; install the package librsvg2-bin, or "
            "ask for an .svg");
    rewind(complaints);
    if (fgets(line, sizeof line, complaints))
        line[strcspn(line, "\r\n")] = 0;
    text_clean(line, TEXT_UTF8, clean, sizeof clean);
    return error_set(error, EIO, "rsvg-convert could not make a PNG of the picture: %s",
        clean[0] ? clean : "it gave no reason");
}

static int run(const char *const arguments[], FILE *const files[FILES], struct error *error)
{
    int status = 0;
    pid_t child = fork();
    if (!child)
        become(arguments, files);
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            child = -1;
    if (child < 0)
        return error_errno(error, errno, "cannot run rsvg-convert, which makes PNG pictures");
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
        status = run((const char *const[]){"rsvg-convert", "--version", NULL}, files, error);
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
        status = run((const char *const[]){"rsvg-convert", "--format=png", "--zoom=2", NULL}, files, error);
    if (!status)
        status = copy_picture(files[OUT], stream, error);
    close_files(files);
    return status;
}
