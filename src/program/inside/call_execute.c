/* execve: what is executed is looked at while the caller can still be told that it cannot be. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/inside.h"
#include "program/inside/load.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list of strings of the program's, copied; NULL in the program is an empty one (Linux, fs/exec.c). */
struct words {
    char **list;
    size_t count, room;
};

static int add_word(const struct process *process, struct words *words, uint64_t from)
{
    enum { WORD_MAX = 131072, FIRST = 64 };
    if (words->count + 1 >= words->room) {
        size_t room = words->room ? 2 * words->room : FIRST;
        char **list = realloc(words->list, room * sizeof *list);
        if (!list)
            return -ENOMEM;
        words->list = list;
        words->room = room;
    }
    words->list[words->count] = NULL;
    if (!from)
        return 0;
    char *text = malloc(WORD_MAX);
    int rc = text ? access_text(process, from, text, WORD_MAX) : -ENOMEM;
    if (rc == 0)
        words->list[words->count++] = strdup(text);
    free(text);
    return rc == -ENAMETOOLONG ? -E2BIG : rc == 0 ? 1 : rc;
}

static int take_words(const struct process *process, uint64_t from, struct words *words)
{
    enum { WORDS_MAX = 1 << 20 };
    int rc = 1;
    for (size_t i = 0; rc == 1 && i < WORDS_MAX; i++) {
        uint64_t word = 0;
        if (from && access_read(process, from + i * sizeof word, &word, sizeof word) < 0)
            return -EFAULT;
        rc = add_word(process, words, word);
    }
    return rc == 1 ? -E2BIG : rc;
}

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
    free(words->list);
}

static int64_t execute(struct thread *thread, const char *path, uint64_t arguments, uint64_t environment)
{
    struct process *process = thread->process;
    struct words with = {.list = NULL}, variables = {.list = NULL};
    struct loadable *loadable;
    struct error error;
    int rc = take_words(process, arguments, &with);
    if (rc == 0)
        rc = take_words(process, environment, &variables);
    if (rc == 0 && (rc = load_look(path, &loadable, &error)) == 0)
        load_free(loadable);
    if (rc == 0) {
        uint64_t mask = thread->mask;
        signals_let(thread);
        rc = inside_execute(process, path, with.list, variables.list);
        thread->mask = mask;
    }
    free_words(&with);
    free_words(&variables);
    return rc;
}

int64_t call_execve(struct thread *thread, const uint64_t *arguments)
{
    char path[PATH_MAX];
    int rc = access_text(thread->process, arguments[0], path, sizeof path);
    if (rc < 0)
        return rc;
    if (call_path(thread, arguments[0]) == thread->process->executable)
        return execute(thread, thread->process->executable, arguments[1], arguments[2]);
    return execute(thread, path, arguments[1], arguments[2]);
}

/* Relative to a directory, or the descriptor itself: by its name in /proc. */
int64_t call_execveat(struct thread *thread, const uint64_t *arguments)
{
    enum { DIGITS = 32 };
    char path[PATH_MAX], whole[PATH_MAX + DIGITS];
    int directory = (int)arguments[0], flags = (int)arguments[4];
    const struct kept_descriptors *kept = &thread->process->kept;
    int rc = access_text(thread->process, arguments[1], path, sizeof path);
    if (rc < 0)
        return rc;
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    if (directory >= kept->first && directory < kept->behind)
        return -EBADF;
    if (!path[0] && !(flags & AT_EMPTY_PATH))
        return -ENOENT;
    if (path[0] == '/' || (path[0] && directory == AT_FDCWD))
        snprintf(whole, sizeof whole, "%s", path);
    else
        snprintf(whole, sizeof whole, "/proc/self/fd/%d%s%s", directory, path[0] ? "/" : "", path);
    return execute(thread, whole, arguments[2], arguments[3]);
}
