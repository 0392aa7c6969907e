/* Script, picture and complaints are memory files: no pipe can fill up or break, and nothing half-drawn is
 * passed on. */
#include "report/gnuplot.h"

#include "report/text.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int gnuplot_script(FILE **script, struct error *error)
{
    int descriptor = memfd_create("vcost-gnuplot", MFD_CLOEXEC);
    *script = descriptor < 0 ? NULL : fdopen(descriptor, "w+");
    if (*script)
        return 0;
    int code = errno;
    if (descriptor >= 0)
        close(descriptor);
    return error_errno(error, code, "cannot make a memory file for gnuplot");
}

void gnuplot_quote(FILE *script, const char *text)
{
    char clean[1024];
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    fputc('\'', script);
    for (const char *at = clean; *at; at++) {
        if (*at == '\'')
            fputc('\'', script);
        fputc(*at, script);
    }
    fputc('\'', script);
}

/* The child gets default signals back, whatever this program ignores or blocks. */
static int prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGPIPE);
    sigaddset(&all, SIGINT);
    sigaddset(&all, SIGTERM);
    int code = posix_spawnattr_init(attributes);
    if (code)
        return code;
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return 0;
}

/* Starts gnuplot with the three files as its standard ones. 0 or a positive errno. */
static int spawn(char *const arguments[], FILE *const files[3], pid_t *child)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int code = prepare_attributes(&attributes);
    if (code)
        return code;
    code = posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3 && !code; i++)
        code = posix_spawn_file_actions_adddup2(&actions, fileno(files[i]), i);
    if (!code)
        code = posix_spawnp(child, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

/* The last line that says something, without blanks at its ends. */
static void last_line(FILE *complaints, char line[256])
{
    char next[256];
    line[0] = 0;
    rewind(complaints);
    while (fgets(next, sizeof next, complaints)) {
        char *start = next + strspn(next, " \t\r\n");
        size_t length = strlen(start);
        while (length && strchr(" \t\r\n", start[length - 1]))
            length--;
        start[length] = 0;
        if (*start && *start != '^')
            text_clean(start, TEXT_UTF8, line, 256);
    }
}

static int wait_for(pid_t child, int *status)
{
    while (waitpid(child, status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int judge_exit(int status, FILE *complaints, struct error *error)
{
    char line[256];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return error_set(error, EIO, "gnuplot was ended by signal %d; no picture was made", WTERMSIG(status));
    last_line(complaints, line);
    return error_set(error, EIO, "gnuplot could not draw the picture: %s",
        line[0] ? line : "it gave no reason (is gnuplot-nox complete?)");
}

static int run(char *const arguments[], FILE *const files[3], struct error *error)
{
    pid_t child;
    int status, code = spawn(arguments, files, &child);
    if (code == ENOENT)
        return error_set(error, ENOTSUP,
            "gnuplot, which draws the picture, is not installed; install the package gnuplot-nox");
    if (!code)
        code = wait_for(child, &status);
    if (code)
        return error_errno(error, code, "cannot run gnuplot, which draws the picture");
    return judge_exit(status, files[2], error);
}

static int copy_picture(FILE *from, FILE *picture, struct error *error)
{
    char block[16384];
    size_t length, all = 0;
    rewind(from);
    while ((length = fread(block, 1, sizeof block, from)) > 0) {
        fwrite(block, 1, length, picture);
        all += length;
    }
    return all ? 0 : error_set(error, EIO, "gnuplot drew nothing and gave no reason");
}

/* Runs gnuplot between memory files. */
static int run_between(char *const arguments[], FILE *script, FILE *picture, struct error *error)
{
    FILE *drawn = NULL, *complaints = NULL;
    int status = gnuplot_script(&drawn, error);
    if (!status)
        status = gnuplot_script(&complaints, error);
    if (!status)
        status = run(arguments, (FILE *const[]){script, drawn, complaints}, error);
    if (!status && picture)
        status = copy_picture(drawn, picture, error);
    if (drawn)
        fclose(drawn);
    if (complaints)
        fclose(complaints);
    return status;
}

int gnuplot_check(struct error *error)
{
    FILE *script;
    int status = gnuplot_script(&script, error);
    if (status)
        return status;
    status = run_between((char *const[]){"gnuplot", "--version", NULL}, script, NULL, error);
    fclose(script);
    return status;
}

int gnuplot_run(FILE *script, FILE *picture, struct error *error)
{
    if (fflush(script) || fseek(script, 0, SEEK_SET))
        return error_errno(error, errno, "cannot write the script for gnuplot");
    /* --default-settings: the user's own ~/.gnuplot must not change what the picture looks like */
    return run_between((char *const[]){"gnuplot", "--default-settings", NULL}, script, picture, error);
}
