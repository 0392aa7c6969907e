#include "program/executable_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int can_run(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0 ||
        (S_ISREG(status.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0))
        return -errno;
    return S_ISREG(status.st_mode) ? 0 : -EACCES;
}

/* Of PATH: without a name it is the current one. */
static int try_folder(const char *folder, int length, const char *word, char path[static PATH_MAX])
{
    int made = snprintf(path, PATH_MAX, "%.*s%s%s", length, folder, length ? "/" : "", word);
    return made < PATH_MAX ? can_run(path) : -ENAMETOOLONG;
}

int executable_find(const char *word, char path[static PATH_MAX])
{
    const char *folders = getenv("PATH");
    int found = -ENOENT;
    if (strchr(word, '/'))
        return snprintf(path, PATH_MAX, "%s", word) < PATH_MAX ? can_run(path) : -ENAMETOOLONG;
    for (const char *at = folders ? folders : "/bin:/usr/bin"; *word && at;) {
        size_t length = strcspn(at, ":");
        int rc = try_folder(at, (int)length, word, path);
        if (rc == 0)
            return 0;
        if (rc == -EACCES)
            found = rc;
        at = at[length] ? at + length + 1 : NULL;
    }
    return found;
}
