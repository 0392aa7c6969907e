#include "cli/status.h"

#include "base/clean.h"
#include "cli/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct entry status_entries[] = {
    {"0", "done"},
    {"1", "failed"},
    {"2", "wrong usage"},
    {"3", "a threshold that was asked for was passed"},
    {"77", "this host cannot do it; the message says what is missing"},
    {NULL, NULL},
};

int status_of(int code)
{
    if (!code)
        return STATUS_DONE;
    return code == ENOTSUP || code == ENODEV ? STATUS_CANNOT : STATUS_FAILED;
}

/* The only way for a sentence to a terminal. It may repeat what a user typed or what a file is called, which
 * can hold anything, also what would steer the terminal. */
void status_warn(const char *sentence)
{
    char clean[4096];
    text_clean(sentence, TEXT_UTF8 | TEXT_MARK_CONTROLS, clean, sizeof clean);
    fprintf(stderr, "vcost: %s\n", clean);
}

int status_failed(const struct error *error)
{
    status_warn(error->text);
    return status_of(error->code);
}

int status_wrong_usage(const struct command *command, const struct error *error)
{
    char name[DESCRIBE_BYTES];
    describe_name(command, name);
    status_warn(error->text);
    fprintf(stderr, "Try '%s --help'.\n", name);
    return STATUS_USAGE;
}

int status_close_stdout(int status)
{
    bool failed = ferror(stdout);
    errno = 0;
    failed |= fflush(stdout) != 0;
    if (!failed || status != STATUS_DONE)
        return status;
    if (!errno) { /* it failed earlier, in the middle of a long report: another byte tells why */
        clearerr(stdout);
        fputc('\n', stdout);
        (void)fflush(stdout);
    }
    fprintf(stderr, "vcost: cannot write to standard output%s%s\n", errno ? ": " : "",
        errno ? strerror(errno) : "");
    return STATUS_FAILED;
}
