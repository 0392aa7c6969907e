#include "domain/served/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int check_folder(const char *folder, struct error *error)
{
    struct stat found;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_errno(
            error, errno, "cannot make the folder %.200s for domains (name another with --folder)", folder);
    if (lstat(folder, &found) < 0)
        return error_errno(error, errno, "cannot look at the folder %.200s", folder);
    if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || found.st_mode & 077)
        return error_set(error, EPERM,
            "%.200s is not a folder of yours alone (mode 0700), so anybody might be behind its sockets: name "
            "another with "
            "--folder",
            folder);
    return 0;
}

int place_open(const char *folder, struct place *place, struct error *error)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int length = folder ? snprintf(place->folder, sizeof place->folder, "%s", folder)
                 : runtime && *runtime
                     ? snprintf(place->folder, sizeof place->folder, "%s/vcost", runtime)
                     : snprintf(place->folder, sizeof place->folder, "/tmp/vcost-%u", (unsigned)geteuid());
    if (length < 0 || (size_t)length > sizeof((struct sockaddr_un *)0)->sun_path - 60)
        return error_set(error, ENAMETOOLONG,
            "the path of the folder for domains is too long for sockets in it: name a shorter one with "
            "--folder");
    return check_folder(place->folder, error);
}

void place_path(
    const struct place *place, const char *name, const char *extension, char path[static PLACE_PATH_BYTES])
{
    snprintf(path, PLACE_PATH_BYTES, "%.4000s/%.60s.%s", place->folder, name, extension);
}

static struct sockaddr_un address_of(const struct place *place, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.48s/%.52s.sock", place->folder, name);
    return address;
}

/* ---- locks ---- */

/* The file may have been removed between opening and locking: then it is no lock any more, and tried again.
 */
static int lock_name(const struct place *place, const char *name, int *lock)
{
    enum { TRIES = 100 };
    char path[PLACE_PATH_BYTES];
    place_path(place, name, "lock", path);
    for (int i = 0; i < TRIES; i++) {
        struct stat held, there;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            int code = errno;
            close(fd);
            return -code;
        }
        if (fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino) {
            *lock = fd;
            return 0;
        }
        close(fd);
    }
    return -EBUSY;
}

static void remove_name(const struct place *place, const char *name)
{
    char path[PLACE_PATH_BYTES];
    place_path(place, name, "sock", path);
    unlink(path);
    place_path(place, name, "lock", path);
    unlink(path);
}

bool place_lives(const struct place *place, const char *name)
{
    char path[PLACE_PATH_BYTES];
    int lock;
    place_path(place, name, "sock", path);
    if (access(path, F_OK) < 0)
        return false;
    int rc = lock_name(place, name, &lock);
    if (rc < 0)
        return rc == -EWOULDBLOCK;
    remove_name(place, name);
    close(lock);
    return false;
}

/* ---- claiming ---- */

static int listen_at(const struct place *place, const char *name, int *out, struct error *error)
{
    const struct sockaddr_un address = address_of(place, name);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    int rc = fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0
                 ? -errno
                 : 0;
    umask(before);
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        return error_errno(error, -rc, "cannot make the control socket %s", address.sun_path);
    }
    *out = fd;
    return 0;
}

int place_claim(const struct place *place, const char *name, struct claim *claim, struct error *error)
{
    char path[PLACE_PATH_BYTES];
    *claim = (struct claim){.place = *place, .lock = -1, .socket = -1};
    snprintf(claim->name, sizeof claim->name, "%s", name);
    int rc = lock_name(place, name, &claim->lock);
    if (rc == -EWOULDBLOCK)
        return error_set(error, EBUSY,
            "a domain %s runs already: choose another --name, or end it with vcost domain stop %s", name,
            name);
    if (rc < 0)
        return error_errno(error, -rc, "cannot take the name %s in %.200s", name, place->folder);
    place_path(place, name, "sock", path);
    unlink(path);
    place_path(place, name, "json", path);
    unlink(path);
    rc = listen_at(place, name, &claim->socket, error);
    if (rc < 0)
        place_give_up(claim);
    return rc;
}

void place_give_up(struct claim *claim)
{
    if (claim->lock >= 0) {
        remove_name(&claim->place, claim->name);
        close(claim->lock);
    }
    if (claim->socket >= 0)
        close(claim->socket);
    claim->lock = claim->socket = -1;
}

/* ---- looking ---- */

int place_list(const struct place *place, void (*each)(void *context, const char *name), void *context,
    struct error *error)
{
    DIR *folder = opendir(place->folder);
    if (!folder)
        return error_errno(error, errno, "cannot read the folder %.200s", place->folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".sock") != 0 || strlen(entry->d_name) > 60)
            continue;
        *dot = 0;
        if (place_lives(place, entry->d_name))
            each(context, entry->d_name);
    }
    closedir(folder);
    return 0;
}

int place_connect(const struct place *place, const char *name, int *out, struct error *error)
{
    const struct sockaddr_un address = address_of(place, name);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(error, errno, "no socket to reach a domain");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int code = errno;
        close(fd);
        if (code == ENOENT || code == ECONNREFUSED) {
            (void)place_lives(place, name); /* removes what it left */
            return error_set(
                error, ENOENT, "no domain %.60s runs (vcost domain list shows those that do)", name);
        }
        return error_errno(error, code, "cannot reach the domain %.60s", name);
    }
    *out = fd;
    return 0;
}
