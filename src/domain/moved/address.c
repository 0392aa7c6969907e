#include "domain/moved/address.h"

#include "domain/moved/wire.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100 };

/* What stands behind a scheme; NULL: it is another. */
static const char *behind(const char *address, const char *scheme)
{
    size_t length = strlen(scheme);
    return strncmp(address, scheme, length) == 0 && address[length] ? address + length : NULL;
}

static int no_address(const char *address, struct error *error)
{
    return error_set(error, EINVAL,
        "\"%.100s\" is no address: unix:PATH, tcp:HOST:PORT, or command:CMD (source) and - (destination)",
        address);
}

/* ---- names ---- */

static int unix_name(const char *path, struct sockaddr_un *name, struct error *error)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name->sun_path)
        return error_set(
            error, ENAMETOOLONG, "the path of a socket has at most %zu bytes", sizeof name->sun_path - 1);
    memcpy(name->sun_path, path, strlen(path) + 1);
    return 0;
}

static bool is_loopback(const struct sockaddr *name)
{
    if (name->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)name)->sin_addr.s_addr) >> 24 == 127;
    return name->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)name)->sin6_addr);
}

enum { HOST_BYTES = 256, PORT_DIGITS = 5, PORT_MAX = 65535 };

/* HOST:PORT, [HOST]:PORT. */
static int tcp_parts(const char *text, char host[static HOST_BYTES], const char **port, struct error *error)
{
    const char *colon = strrchr(text, ':');
    const size_t length = colon ? (size_t)(colon - text) : 0;
    *port = colon ? colon + 1 : "";
    const size_t digits = strspn(*port, "0123456789");
    const bool is_port =
        digits > 0 && digits <= PORT_DIGITS && !(*port)[digits] && atoi(*port) > 0 && atoi(*port) <= PORT_MAX;
    if (!length || length >= HOST_BYTES || !is_port)
        return error_set(error, EINVAL,
            "\"tcp:%.100s\" is no address: tcp:HOST:PORT, with a port from 1 to %d", text, PORT_MAX);
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    snprintf(host, HOST_BYTES, "%.*s", (int)length - 2 * bracketed, text + bracketed);
    return 0;
}

/* *found is to be freed by freeaddrinfo(); its first name is the one that is used. */
static int tcp_names(const char *text, bool cleartext, struct addrinfo **found, struct error *error)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM};
    char host[HOST_BYTES];
    const char *port;
    int rc = tcp_parts(text, host, &port, error);
    if (rc < 0)
        return rc;
    int code = getaddrinfo(host, port, &want, found);
    if (code)
        return error_set(error, ENOENT, "%.100s is not found: %s", text, gai_strerror(code));
    if (is_loopback((*found)->ai_addr) || cleartext)
        return 0;
    freeaddrinfo(*found);
    return error_set(error, EPERM,
        "%.100s is another machine, and everybody on the way could read the domain's memory: use command:CMD "
        "with "
        "ssh, or force it with --cleartext",
        text);
}

int address_check(const char *address, bool source, struct error *error)
{
    char host[HOST_BYTES];
    const char *rest, *port;
    if ((rest = behind(address, "tcp:")))
        return tcp_parts(rest, host, &port, error);
    return behind(address, "unix:") || (source ? behind(address, "command:") != NULL : !strcmp(address, "-"))
               ? 0
               : no_address(address, error);
}

/* ---- the source ---- */

struct towards {
    const char *address;
    bool cleartext;
    double seconds;
};

static void set_patience(int fd, double seconds)
{
    const struct timeval patience = {
        .tv_sec = (time_t)seconds, .tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6)};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static int connect_to(int family, const struct sockaddr *name, socklen_t bytes, const struct towards *to,
    int *out, struct error *error)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_patience(fd, to->seconds);
    if (fd < 0 || connect(fd, name, bytes) < 0) {
        int code = errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno;
        if (fd >= 0)
            close(fd);
        return error_errno(
            error, code, "cannot connect to %.200s (is vcost domain receive running there?)", to->address);
    }
    set_patience(fd, 0);
    const int on = 1;
    if (family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *out = fd;
    return 0;
}

static int connect_unix(const char *path, const struct towards *to, int *fd, struct error *error)
{
    struct sockaddr_un name;
    int rc = unix_name(path, &name, error);
    return rc < 0 ? rc : connect_to(AF_UNIX, (const struct sockaddr *)&name, sizeof name, to, fd, error);
}

static int connect_tcp(const char *text, const struct towards *to, int *fd, struct error *error)
{
    struct addrinfo *found;
    int rc = tcp_names(text, to->cleartext, &found, error);
    if (rc == 0) {
        rc = connect_to(found->ai_family, found->ai_addr, found->ai_addrlen, to, fd, error);
        freeaddrinfo(found);
    }
    return rc;
}

static int start_command(const char *command, int *fd, pid_t *child, struct error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_errno(error, errno, "no link to a command");
    *child = fork();
    if (*child == 0) {
        signal(SIGPIPE, SIG_DFL);
        if (dup2(ends[1], STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0)
            execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int code = errno;
    close(ends[1]);
    if (*child < 0) {
        close(ends[0]);
        return error_start(error, code, "the command");
    }
    *fd = ends[0];
    return 0;
}

void address_end(pid_t child)
{
    static const int signals[] = {0, SIGTERM, SIGKILL};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        kill(child, signals[i]);
        for (int waited = 0; waited < 10; waited++) {
            if (waitpid(child, NULL, WNOHANG) != 0)
                return;
            nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
        }
    }
}

int address_connect(
    const char *address, bool cleartext, double seconds, int *fd, pid_t *child, struct error *error)
{
    const struct towards to = {address, cleartext, seconds};
    const char *rest;
    *child = 0;
    if ((rest = behind(address, "unix:")))
        return connect_unix(rest, &to, fd, error);
    if ((rest = behind(address, "tcp:")))
        return connect_tcp(rest, &to, fd, error);
    if ((rest = behind(address, "command:")))
        return start_command(rest, fd, child, error);
    return no_address(address, error);
}

bool address_comes_again(const char *address)
{
    return !behind(address, "command:");
}

/* ---- the destination ---- */

static int listen_at(int family, const struct sockaddr *name, socklen_t bytes, int *out, struct error *error)
{
    const int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    mode_t before = umask(0177);
    int code = fd < 0 || bind(fd, name, bytes) < 0 || listen(fd, WIRE_STREAMS_MAX) < 0 ? errno : 0;
    umask(before);
    if (!code) {
        *out = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return error_errno(error, code, "cannot wait for a domain there");
}

/* Nobody listens at a socket that refuses connections. */
static void remove_dead(const char *path, const struct sockaddr_un *name)
{
    struct stat found;
    if (lstat(path, &found) < 0 || !S_ISSOCK(found.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof *name) < 0 && errno == ECONNREFUSED)
        unlink(path);
    if (fd >= 0)
        close(fd);
}

int address_listen(const char *address, bool cleartext, struct listening *listening, struct error *error)
{
    struct sockaddr_un name;
    struct addrinfo *found;
    const char *rest;
    int rc;
    *listening = (struct listening){.fd = -1};
    if ((rest = behind(address, "unix:"))) {
        if ((rc = unix_name(rest, &name, error)) < 0)
            return rc;
        remove_dead(rest, &name);
        rc = listen_at(AF_UNIX, (const struct sockaddr *)&name, sizeof name, &listening->fd, error);
        if (rc == 0)
            memcpy(listening->path, name.sun_path, sizeof listening->path);
        return rc;
    }
    if (!(rest = behind(address, "tcp:")))
        return no_address(address, error);
    if ((rc = tcp_names(rest, cleartext, &found, error)) == 0) {
        rc = listen_at(found->ai_family, found->ai_addr, found->ai_addrlen, &listening->fd, error);
        freeaddrinfo(found);
    }
    return rc;
}

int address_accept(const struct listening *listening, const struct stop *stop, int *fd, struct error *error)
{
    const int on = 1;
    while (!stop_asked(stop)) {
        struct pollfd watched = {listening->fd, POLLIN, 0};
        if (poll(&watched, 1, LOOK_MS) <= 0)
            continue;
        *fd = accept4(listening->fd, NULL, NULL, SOCK_CLOEXEC);
        if (*fd >= 0) {
            (void)setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return 0;
        }
        if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
            return error_errno(error, errno, "cannot take the connection of a source");
    }
    return error_set(error, EINTR, "%s", stop_reason(stop));
}

void address_close(struct listening *listening)
{
    if (listening->fd >= 0)
        close(listening->fd);
    if (listening->path[0])
        unlink(listening->path);
    *listening = (struct listening){.fd = -1};
}
