#include "program/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool can_run(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static int find(const char *word, char path[static PATH_MAX], struct error *error)
{
    const char *folders = getenv("PATH");
    if (strchr(word, '/')) {
        snprintf(path, PATH_MAX, "%s", word);
        return can_run(path) ? 0
               : access(path, F_OK) < 0
                   ? error_errno(error, errno, "cannot start %.300s", word)
                   : error_set(error, EACCES, "cannot start %.300s: it is no program that you may run", word);
    }
    for (const char *at = folders ? folders : "/bin:/usr/bin"; *at;) {
        size_t length = strcspn(at, ":");
        int made = snprintf(path, PATH_MAX, "%.*s/%s", (int)length, length ? at : ".", word);
        if (made > 0 && made < PATH_MAX && can_run(path))
            return 0;
        at += length + (at[length] == ':');
    }
    return error_set(error, ENOENT, "cannot start %.200s: there is no such program in PATH", word);
}

/* Does it name an interpreter (PT_INTERP)? Only 64-bit programs do for vcost. */
static bool names_linker(int fd)
{
    enum { SEGMENTS_MAX = 64 };
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    if (pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_phentsize != sizeof segment)
        return false;
    for (int i = 0; i < head.e_phnum && i < SEGMENTS_MAX; i++)
        if (pread(fd, &segment, sizeof segment, (off_t)(head.e_phoff + (size_t)i * sizeof segment)) ==
                (ssize_t)sizeof segment &&
            segment.p_type == PT_INTERP)
            return true;
    return false;
}

/* The interpreter of a script, "#!/usr/bin/env python3" looked up too; "" : it is none. */
static void script_interpreter(int fd, char name[static PATH_MAX])
{
    char line[256] = "", *rest;
    name[0] = '\0';
    ssize_t got = pread(fd, line, sizeof line - 1, 0);
    if (got < 3 || memcmp(line, "#!", 2) != 0)
        return;
    line[strcspn(line, "\n")] = '\0';
    const char *first = strtok_r(line + 2, " \t", &rest),
               *second = first ? strtok_r(NULL, " \t", &rest) : NULL;
    if (first)
        snprintf(name, PATH_MAX, "%s", second && !strcmp(first, "/usr/bin/env") ? second : first);
}

static int look(const char *path, struct executable *made, char interpreter[static PATH_MAX])
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    interpreter[0] = '\0';
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) == 0)
        made->privileged |=
            (status.st_mode & (S_ISUID | S_ISGID)) || fgetxattr(fd, "security.capability", NULL, 0) > 0;
    made->dynamic = names_linker(fd);
    script_interpreter(fd, interpreter);
    close(fd);
    return 0;
}

int executable_look(const char *word, struct executable *executable, struct error *error)
{
    struct executable made = {.script = false};
    char interpreter[PATH_MAX], path[PATH_MAX];
    int rc = find(word, made.path, error);
    if (rc < 0)
        return rc;
    /* Who may run but not read it knows no more than that. */
    if (look(made.path, &made, interpreter) == 0 && interpreter[0]) {
        made.script = true;
        if (find(interpreter, path, NULL) == 0)
            look(path, &made, interpreter);
    }
    *executable = made;
    return 0;
}
