#include "program/executable.h"

#include "program/executable_find.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Who puts a whole command into one word is told how it is given. */
static const char *hint_for(const char *word)
{
    return word[strcspn(word, " |&;<>")] ? " (the program and its arguments are words of their own; what "
                                           "only a shell does is one for it: sh -c 'a | b')"
                                         : "";
}

static int refuse(const char *word, int code, struct error *error)
{
    struct stat status;
    if (code == -ENOENT && !strchr(word, '/'))
        return error_set(
            error, ENOENT, "cannot start %.200s: there is no such program in PATH%s", word, hint_for(word));
    if (code != -EACCES)
        return error_set(error, -code, "cannot start %.200s: %s%s", word, strerror(-code), hint_for(word));
    return error_set(error, EACCES, "cannot start %.300s: it is %s", word,
        stat(word, &status) == 0 && S_ISDIR(status.st_mode) ? "a directory" : "no program that you may run");
}

static bool read_at(int fd, void *into, size_t bytes, uint64_t offset)
{
    return pread(fd, into, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* DF_BIND_NOW, DF_1_NOW or DT_BIND_NOW in the dynamic section. */
static bool says_now(int fd, const Elf64_Phdr *segment)
{
    enum { ENTRIES_MAX = 256 };
    Elf64_Dyn entry;
    for (size_t i = 0; i < ENTRIES_MAX && (i + 1) * sizeof entry <= segment->p_filesz; i++) {
        if (!read_at(fd, &entry, sizeof entry, segment->p_offset + i * sizeof entry))
            return false;
        if (entry.d_tag == DT_BIND_NOW || (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_BIND_NOW)) ||
            (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_NOW)))
            return true;
    }
    return false;
}

/* Does it name an interpreter (PT_INTERP)? Only 64-bit programs do for vcost. */
static void look_at_segments(int fd, struct executable *made)
{
    enum { SEGMENTS_MAX = 64 };
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    made->dynamic = made->binds_now = false;
    if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof segment)
        return;
    for (size_t i = 0; i < head.e_phnum && i < SEGMENTS_MAX; i++) {
        if (!read_at(fd, &segment, sizeof segment, head.e_phoff + i * sizeof segment))
            return;
        made->dynamic |= segment.p_type == PT_INTERP;
        made->binds_now |= segment.p_type == PT_DYNAMIC && says_now(fd, &segment);
    }
}

/* Whatever is no program for the kernel is the shell's for execvp(), and a shell then says of it what nobody
 * understands. No text is what has a zero in its first line (so bash judges). */
static bool is_foreign(int fd, uint64_t bytes)
{
    char line[80];
    Elf64_Ehdr head;
    ssize_t got = pread(fd, line, sizeof line, 0);
    size_t length = got > 0 ? (size_t)got : 0;
    if (length < SELFMAG || memcmp(line, ELFMAG, SELFMAG) != 0) {
        const char *end = memchr(line, '\n', length);
        return memchr(line, '\0', end ? (size_t)(end - line) : length);
    }
    memcpy(&head, line, sizeof head);
    return length < sizeof head || head.e_machine != EM_X86_64 || head.e_phoff > bytes ||
           (uint64_t)head.e_phnum * sizeof(Elf64_Phdr) > bytes - head.e_phoff;
}

/* The interpreter of a script, "#!/usr/bin/env python3" looked up too; what is no program of any kind that is
 * known is a script of the shell, as for execvp(). "" : it is none. */
static void script_interpreter(int fd, char name[static PATH_MAX])
{
    char line[256] = "", *rest;
    name[0] = '\0';
    ssize_t got = pread(fd, line, sizeof line - 1, 0);
    if (got < (ssize_t)SELFMAG || memcmp(line, ELFMAG, SELFMAG) == 0)
        return;
    if (memcmp(line, "#!", 2) != 0) {
        snprintf(name, PATH_MAX, "/bin/sh");
        return;
    }
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
    if (fstat(fd, &status) == 0) {
        made->privileged |=
            (status.st_mode & (S_ISUID | S_ISGID)) || fgetxattr(fd, "security.capability", NULL, 0) > 0;
        made->foreign |= is_foreign(fd, (uint64_t)status.st_size);
    }
    look_at_segments(fd, made);
    script_interpreter(fd, interpreter);
    close(fd);
    return 0;
}

int executable_look(const char *word, struct executable *executable, struct error *error)
{
    struct executable made = {.script = false};
    char interpreter[PATH_MAX], path[PATH_MAX];
    int rc = executable_find(word, made.path);
    if (rc < 0)
        return refuse(word, rc, error);
    /* Who may run but not read it knows no more than that. */
    if (look(made.path, &made, interpreter) == 0 && interpreter[0]) {
        made.script = true;
        if (executable_find(interpreter, path) < 0)
            return error_set(error, ENOENT,
                "cannot start %.200s: it is a script for %.200s, which is not there", word, interpreter);
        look(path, &made, interpreter);
    }
    *executable = made;
    return 0;
}
