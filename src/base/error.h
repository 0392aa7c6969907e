/* What a function that can fail says about it.
 *
 * Functions return 0 or a negative errno and, on failure, fill a struct error with one sentence that a
 * user can act on: what failed, where, what to do. They never print and never exit. Outputs are untouched
 * on failure. The error number is also kept, so that the command line can tell "this host cannot do it"
 * (ENOTSUP) and "stopped by the user" (EINTR) from an ordinary failure. */
#ifndef VCOST_BASE_ERROR_H
#define VCOST_BASE_ERROR_H

struct error {
    int code;       /* a positive errno, 0 while nothing failed */
    char text[512]; /* one sentence, no newline, no leading "vcost:" */
};

/* Fills *error (may be NULL) and returns -code, so that a caller can write `return error_set(…)`. A sentence
 * that is too long is cut. A code that is no errno (0 or less) becomes EIO: a failure never looks like
 * success. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of `code` (strerror) appended, and of a limit that was met, what to do. */
int error_errno(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A process or a thread ("a process", "/bin/true") that could not be started. */
int error_start(struct error *error, int code, const char *what);

/* Puts what the caller was doing in front of what *error already says ("while laying out …: …"). Returns
 * -error->code. */
int error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the functions promise, told to compilers and analysers: the result is negative, so what a caller
 * leaves unset after a failure is not used. */
static inline int error_is_negative(int result)
{
    if (result >= 0)
        __builtin_unreachable();
    return result;
}
#define error_set(...) error_is_negative(error_set(__VA_ARGS__))
#define error_errno(...) error_is_negative(error_errno(__VA_ARGS__))

#endif
