/* execve: what is executed is looked at while the caller can still be told that it cannot be. */
#include "program/inside/calls.h"

#include "host/descriptor.h"
#include "program/inside/access.h"
#include "program/inside/inside.h"
#include "program/inside/load.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096 };

/* ---- the program's words ---- */

/* Of its memory the page that was looked at last: pointers stand side by side, and mostly strings, too. */
struct look {
    const struct process *process;
    uint64_t page;
    char bytes[PAGE];
};

/* What is at an address, to the end of its page; NULL: nothing that can be read. */
static const char *look_at(struct look *look, uint64_t address)
{
    uint64_t page = address & -(uint64_t)PAGE;
    if (page != look->page && access_read(look->process, page, look->bytes, PAGE) < 0) {
        look->page = 0;
        return NULL;
    }
    look->page = page;
    return look->bytes + address % PAGE;
}

static int look_at_word(struct look *look, uint64_t from, uint64_t *word)
{
    char bytes[sizeof *word];
    for (size_t i = 0; i < sizeof bytes; i++) {
        const char *there = look_at(look, from + i);
        if (!there)
            return -EFAULT;
        bytes[i] = *there;
    }
    memcpy(word, bytes, sizeof *word);
    return 0;
}

static int look_at_text(struct look *look, uint64_t from, char *text, size_t bytes)
{
    for (size_t done = 0, more; done < bytes; done += more) {
        const char *there = look_at(look, from + done);
        if (!there)
            return -EFAULT;
        more = PAGE - (from + done) % PAGE;
        more = more < bytes - done ? more : bytes - done;
        if (memccpy(text + done, there, '\0', more))
            return 0;
    }
    return -ENAMETOOLONG;
}

/* Strings of the program's, copied: the text in the first half of a mapping, lists of them in the second. */
struct words {
    char *text, *text_end;
    char **list, **list_end;
};

enum { TEXT_BYTES = 8 << 20, WORDS_BYTES = 2 * TEXT_BYTES };

static int open_words(struct process *process, struct words *words)
{
    char *room =
        mmap(NULL, WORDS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return -ENOMEM;
    process->words = room;
    process->words_bytes = WORDS_BYTES;
    words->text = room;
    words->text_end = room + TEXT_BYTES;
    words->list = (char **)(room + TEXT_BYTES);
    words->list_end = (char **)(room + WORDS_BYTES);
    return 0;
}

static void close_words(struct process *process)
{
    munmap(process->words, process->words_bytes);
    process->words = NULL;
}

/* One list, with its end, behind `before` empty places; no list is an empty one (Linux, fs/exec.c). */
static int take_words(struct look *look, uint64_t from, size_t before, struct words *words, char ***list)
{
    enum { WORD_MAX = 131072 };
    *list = words->list;
    words->list += before;
    for (uint64_t word;; from += sizeof word) {
        size_t room = (size_t)(words->text_end - words->text);
        word = 0;
        if (words->list == words->list_end)
            return -E2BIG;
        if (from && look_at_word(look, from, &word) < 0)
            return -EFAULT;
        *words->list++ = word ? words->text : NULL;
        if (!word)
            return 0;
        int rc = look_at_text(look, word, words->text, room < WORD_MAX ? room : WORD_MAX);
        if (rc < 0)
            return rc == -ENAMETOOLONG ? -E2BIG : rc;
        words->text += strlen(words->text) + 1;
    }
}

/* ---- executing ---- */

/* What Linux may execute where a domain does not: the first is kept for the report. */
static void keep_why(struct process *process, const char *path, int rc, const struct error *error)
{
    struct tally *tally = process->tally;
    bool here_alone = rc == -ENOMEM || rc == -EPERM || (rc == -ENOEXEC && elf_is_of_32_bits(path));
    int none = 0;
    if (here_alone && atomic_compare_exchange_strong(&tally->unexecuted_code, &none, -rc))
        snprintf(tally->unexecuted, sizeof tally->unexecuted, "%s", error->text);
}

static int64_t execute(struct thread *thread, const char *path, uint64_t arguments, uint64_t environment)
{
    struct process *process = thread->process;
    struct look look = {.process = process};
    struct words words;
    char **with, **variables;
    struct loadable *loadable;
    struct rlimit limit;
    struct error error = {.code = 0};
    int rc = open_words(process, &words);
    if (rc < 0)
        return rc;
    rc = take_words(&look, arguments, INSIDE_ARGUMENTS, &words, &with);
    if (rc == 0)
        rc = take_words(&look, environment, 0, &words, &variables);
    descriptor_limit_raise(&limit);
    if (rc == 0 && (rc = load_look(path, &loadable, &error)) == 0)
        load_free(loadable);
    else if (error.code)
        keep_why(process, path, rc, &error);
    descriptor_limit_restore(&limit);
    if (rc == -EFAULT && error.code == EFAULT)
        signals_die(SIGSEGV);
    if (rc == 0) {
        signals_let(thread);
        rc = inside_execute(thread, path, with, variables);
    }
    close_words(process);
    return rc;
}

int64_t call_execve(struct thread *thread, const uint64_t *arguments)
{
    char path[PATH_MAX];
    int rc = access_text(thread->process, arguments[0], path, sizeof path);
    if (rc < 0)
        return rc;
    if (call_path(thread, AT_FDCWD, arguments[0]) == thread->process->executable)
        return execute(thread, thread->process->executable, arguments[1], arguments[2]);
    return execute(thread, path, arguments[1], arguments[2]);
}

/* Relative to a directory, or the descriptor itself: by its name in /proc. */
int64_t call_execveat(struct thread *thread, const uint64_t *arguments)
{
    enum { DIGITS = 32 };
    char path[PATH_MAX], whole[PATH_MAX + DIGITS];
    struct stat facts;
    int directory = (int)arguments[0], flags = (int)arguments[4];
    int rc = access_text(thread->process, arguments[1], path, sizeof path);
    if (rc < 0)
        return rc;
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    if (call_is_kept(thread, arguments[0]))
        return -EBADF;
    if (!path[0] && !(flags & AT_EMPTY_PATH))
        return -ENOENT;
    bool below = path[0] != '/' && (directory != AT_FDCWD || !path[0]);
    if (below && fcntl(directory, F_GETFD) < 0)
        return -EBADF;
    if (flags & AT_SYMLINK_NOFOLLOW && path[0] &&
        fstatat(directory, path, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(facts.st_mode))
        return -ELOOP;
    if (path[0] && call_path(thread, directory, arguments[1]) == thread->process->executable)
        snprintf(whole, sizeof whole, "%s", thread->process->executable);
    else if (!below)
        snprintf(whole, sizeof whole, "%s", path);
    else
        snprintf(whole, sizeof whole, "/proc/self/fd/%d%s%s", directory, path[0] ? "/" : "", path);
    return execute(thread, whole, arguments[2], arguments[3]);
}
