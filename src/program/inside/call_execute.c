/* execve: what is executed is looked at while the caller can still be told that it cannot be. */
#include "program/inside/calls.h"

#include "host/descriptor.h"
#include "program/inside/access.h"
#include "program/inside/inside.h"
#include "program/inside/load.h"
#include "program/inside/own_proc.h"
#include "program/inside/page.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    uint64_t page = page_of(address);
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

/* What a call names. */
struct named {
    const char *path;  /* its name for whom it is executed */
    const char *below; /* by a descriptor: the path relative to it, or ""; NULL: by its name alone */
    int descriptor;
    bool closes; /* that will be closed then */
};

/* The descriptor itself may be one that can only name its file (O_PATH). */
static int open_below(const struct thread *thread, const struct named *named)
{
    enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };
    char link[OWN_LINK_BYTES];
    own_link(named->descriptor, link);
    int file = *named->below ? openat(named->descriptor, named->below, FLAGS)
                             : openat(thread->process->kept.proc, link, FLAGS);
    return file < 0 ? -errno : file;
}

/* A script's interpreter opens it by its name, which goes with a descriptor (fs/exec.c,
 * BINPRM_FLAGS_PATH_INACCESSIBLE). What else a descriptor names is kept as *file. */
static int keep_file(
    const struct thread *thread, const struct named *named, const struct loadable *loadable, int *file)
{
    if (loadable->word_count)
        return named->closes ? -ENOENT : 0;
    *file = descriptor_copy(loadable->file, thread->process->kept.first, false);
    return *file < 0 ? -errno : 0;
}

/* What Linux may execute where a domain does not: the first is kept for the report. */
static void keep_why(struct process *process, const char *path, int rc, const struct error *error)
{
    struct tally *tally = process->tally;
    bool here_alone = rc == -ENOMEM || rc == -EPERM || (rc == -ENOEXEC && elf_is_of_32_bits(path));
    int none = 0;
    if (here_alone && atomic_compare_exchange_strong(&tally->unexecuted_code, &none, -rc))
        snprintf(tally->unexecuted, sizeof tally->unexecuted, "%s", error->text);
}

/* It is looked at once more by the program that comes: by its path, or as *file (else -1). */
static int look_first(const struct thread *thread, const struct named *named, int *file)
{
    struct load_what what = {.path = named->path, .file = -1, .written = true};
    struct loadable *loadable;
    struct rlimit limit;
    struct error error = {.code = 0};
    int rc = 0;
    *file = -1;
    descriptor_limit_raise(&limit);
    if (named->below)
        rc = what.file = open_below(thread, named);
    if (rc >= 0 && (rc = load_look(&what, &loadable, &error)) == 0) {
        rc = named->below ? keep_file(thread, named, loadable, file) : 0;
        load_free(loadable);
    } else if (error.code)
        keep_why(thread->process, named->path, rc, &error);
    descriptor_limit_restore(&limit);
    if (rc == -EFAULT && error.code == EFAULT)
        signals_end(thread->process, SIGSEGV);
    return rc;
}

static int64_t execute(
    struct thread *thread, const struct named *named, uint64_t arguments, uint64_t environment)
{
    struct process *process = thread->process;
    struct look look = {.process = process};
    struct words words;
    char **with, **variables;
    int file, rc = open_words(process, &words);
    if (rc < 0)
        return rc;
    rc = take_words(&look, arguments, INSIDE_ARGUMENTS, &words, &with);
    if (rc == 0)
        rc = take_words(&look, environment, 0, &words, &variables);
    if (rc == 0)
        rc = look_first(thread, named, &file);
    if (rc == 0) {
        signals_let(thread);
        rc = inside_execute(thread, named->path, file, with, variables);
        if (file >= 0)
            close(file);
    }
    close_words(process);
    return rc;
}

int64_t call_execve(struct thread *thread, const uint64_t *arguments)
{
    char path[PATH_MAX];
    struct named named = {.path = path};
    int rc = access_text(thread->process, arguments[0], path, sizeof path);
    if (rc < 0)
        return rc;
    if (call_path(thread, AT_FDCWD, arguments[0]) == thread->process->executable)
        named.path = thread->process->executable;
    return execute(thread, &named, arguments[1], arguments[2]);
}

/* Relative to a directory, or the descriptor itself: for whom it is executed its name is in /dev/fd. */
int64_t call_execveat(struct thread *thread, const uint64_t *arguments)
{
    enum { DIGITS = 32 };
    char path[PATH_MAX], whole[PATH_MAX + DIGITS];
    struct named named = {.path = path};
    struct stat facts;
    int directory = (int)arguments[0], flags = (int)arguments[4], kind = 0;
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
    if (below && (kind = fcntl(directory, F_GETFD)) < 0)
        return -EBADF;
    if (flags & AT_SYMLINK_NOFOLLOW && path[0] &&
        fstatat(directory, path, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(facts.st_mode))
        return -ELOOP;
    if (path[0] && call_path(thread, directory, arguments[1]) == thread->process->executable) {
        named.path = thread->process->executable;
    } else if (below) {
        snprintf(whole, sizeof whole, "/dev/fd/%d%s%s", directory, path[0] ? "/" : "", path);
        named = (struct named){whole, path, directory, kind & FD_CLOEXEC};
    }
    return execute(thread, &named, arguments[2], arguments[3]);
}
