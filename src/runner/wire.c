#include "runner/wire.h"

#include "base/clean.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Whether to try once more what failed: after an interruption, and where whoever shares the connection does
 * not want to wait for it (ssh does so), once it is ready. A kernel that interrupts for ever is an error. */
static bool again(int fd, short event, int *failures)
{
    enum { FAILURES_MAX = 1000, WAIT_MS = 60000 };
    struct pollfd ready = {.fd = fd, .events = event};
    if ((errno != EINTR && errno != EAGAIN) || ++*failures > FAILURES_MAX)
        return false;
    return errno == EINTR || poll(&ready, 1, WAIT_MS) >= 0 || errno == EINTR;
}

/* ---- sending ---- */

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    int failures = 0;
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && !again(fd, POLLOUT, &failures))
            return -errno;
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* write() with SIGPIPE held back, and taken away if the writing caused it. */
static int write_without_signal(int fd, const uint8_t *bytes, size_t length)
{
    const struct timespec at_once = {0};
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    int rc = write_all(fd, bytes, length);
    if (rc == -EPIPE && !sigismember(&before, SIGPIPE))
        sigtimedwait(&pipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int wire_send(const struct wire *wire, const struct message *message, struct error *error)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t length = message_encode(message, bytes);
    if (!length)
        return error_set(error, EINVAL, "%s cannot be sent: a value is out of the protocol's range",
            message_name(message->type));
    int rc = write_without_signal(wire->out, bytes, length);
    return rc < 0 ? error_errno(error, -rc, "cannot send %s", message_name(message->type)) : 0;
}

/* ---- receiving ---- */

static int read_all(const struct wire *wire, uint8_t *bytes, size_t length, struct error *error)
{
    int failures = 0;
    while (length) {
        int rc = wire->wait ? wire->wait(wire->context, error) : 0;
        if (rc < 0)
            return rc;
        ssize_t got = read(wire->in, bytes, length);
        if (got == 0)
            return error_set(error, EPIPE, "the connection has ended");
        if (got < 0 && !again(wire->in, POLLIN, &failures))
            return error_errno(error, errno, "cannot read from the connection");
        bytes += got > 0 ? got : 0;
        length -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* The rest of a message, after its magic. */
static int read_rest(const struct wire *wire, uint8_t *header, struct message *message, struct error *error)
{
    uint8_t body[MESSAGE_BODY_MAX];
    enum message_type type;
    size_t length;
    int rc = read_all(wire, header + MESSAGE_MAGIC_BYTES, MESSAGE_HEADER_BYTES - MESSAGE_MAGIC_BYTES, error);
    if (rc < 0 || (rc = message_decode_header(header, &type, &length, error)) < 0 ||
        (rc = read_all(wire, body, length, error)) < 0)
        return rc;
    return message_decode(type, body, length, wire->texts, message, error);
}

/* What began a message and is none's beginning, as it was heard. */
static int refuse_noise(const uint8_t *heard, size_t length, struct error *error)
{
    char raw[MESSAGE_MAGIC_BYTES + 1] = "", shown[4 * sizeof raw];
    for (size_t i = 0; i < length; i++)
        raw[i] = heard[i] ? (char)heard[i] : ' ';
    for (; length && raw[length - 1] <= ' ' && raw[length - 1] >= 0; length--)
        raw[length - 1] = '\0';
    text_clean(raw, TEXT_ASCII, shown, sizeof shown);
    return error_set(error, EPROTO, "what came begins with \"%s\", which is no message of vcost", shown);
}

/* The beginning byte by byte: what was heard is known where it ends too early. */
int wire_receive(const struct wire *wire, struct message *message, struct error *error)
{
    uint8_t header[MESSAGE_HEADER_BYTES];
    for (size_t i = 0; i < MESSAGE_MAGIC_BYTES; i++) {
        int rc = read_all(wire, header + i, 1, error);
        if (rc == -EPIPE && i)
            return refuse_noise(header, i, error);
        if (rc < 0)
            return rc;
    }
    if (memcmp(header, message_magic, MESSAGE_MAGIC_BYTES) != 0)
        return refuse_noise(header, MESSAGE_MAGIC_BYTES, error);
    return read_rest(wire, header, message, error);
}

/* The magic without the line's end that terminals change. */
enum { MAGIC_WORD_BYTES = MESSAGE_MAGIC_BYTES - 2 };

static bool is_changed_magic(const uint8_t *window)
{
    char next = (char)window[MAGIC_WORD_BYTES];
    return !memcmp(window, message_magic, MAGIC_WORD_BYTES) && (next == '\r' || next == '\n') &&
           memcmp(window, message_magic, MESSAGE_MAGIC_BYTES) != 0;
}

int wire_receive_first(const struct wire *wire, struct message *message, struct error *error)
{
    uint8_t window[MESSAGE_HEADER_BYTES];
    int rc = read_all(wire, window, MESSAGE_MAGIC_BYTES, error);
    for (size_t skipped = 0; rc == 0 && memcmp(window, message_magic, MESSAGE_MAGIC_BYTES); skipped++) {
        if (is_changed_magic(window))
            return error_set(error, EPROTO,
                "the connection changes bytes, as a terminal does: use one without (ssh -T, docker exec "
                "without -t), or put 'stty raw -echo' before the agent");
        if (skipped == WIRE_NOISE_MAX)
            return error_set(
                error, EPROTO, "%d bytes came that are not from an agent of vcost", WIRE_NOISE_MAX);
        memmove(window, window + 1, MESSAGE_MAGIC_BYTES - 1);
        rc = read_all(wire, window + MESSAGE_MAGIC_BYTES - 1, 1, error);
    }
    return rc < 0 ? rc : read_rest(wire, window, message, error);
}
