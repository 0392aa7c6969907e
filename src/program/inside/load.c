#include "program/inside/load.h"

#include "program/inside/elf_map.h"
#include "program/inside/memory_limit.h"
#include "program/inside/page.h"
#include "program/inside/signal_frame.h"
#include "program/inside/stack.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- looking ---- */

/* Is a file's owner one of this user namespace? Its set-user-id bit says nothing where not (Linux, fs/exec.c,
 * bprm_fill_uid()), and the kernel then tells the same number for all owners. */
static bool is_here(uid_t owner)
{
    enum { ELSEWHERE = 65534 }; /* /proc/sys/kernel/overflowuid */
    unsigned long inside, outside, count;
    FILE *map = owner == ELSEWHERE ? fopen("/proc/self/uid_map", "re") : NULL;
    bool is = !map;
    while (map && fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3)
        is |= owner >= inside && owner - inside < count;
    if (map)
        fclose(map);
    return is;
}

static bool is_open_for_writing(int file)
{
    enum { EXECVE_CHECK = 1 << 16 /* AT_EXECVE_CHECK: older kernels do not know it */ };
    static const char *const words[] = {"", NULL}, *const none[] = {NULL};
    return syscall(SYS_execveat, file, "", words, none, AT_EMPTY_PATH | EXECVE_CHECK) < 0 && errno == ETXTBSY;
}

static int check_program(const struct load_what *what, int file)
{
    struct stat facts;
    if (fstat(file, &facts) < 0)
        return errno;
    if (!S_ISREG(facts.st_mode))
        return EACCES;
    int rc = what->file < 0 ? faccessat(AT_FDCWD, what->path, X_OK, AT_EACCESS)
                            : faccessat(file, "", X_OK, AT_EACCESS | AT_EMPTY_PATH);
    return rc < 0 ? errno : what->written && is_open_for_writing(file) ? ETXTBSY : 0;
}

/* From the root, by names alone. */
static bool is_spelt_out(const char *path)
{
    const char *name = path;
    bool names = *path == '/';
    while (names && *name == '/') {
        size_t length = strcspn(++name, "/");
        names = length > 0 && strncmp(name, "..", length) != 0;
        name += length;
    }
    return names;
}

/* `plain`: its path, without any link, is what /proc says of it. To ask there takes 25 us. */
static int open_path(const char *path, bool *plain)
{
    enum {
        NO_SYMLINKS = 4 /* RESOLVE_NO_SYMLINKS (Linux 5.6) */,
        FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    };
    const struct {
        uint64_t flags, mode, resolve;
    } how = {.flags = FLAGS, .resolve = NO_SYMLINKS};
    int fd = is_spelt_out(path) ? (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how) : -1;
    *plain = fd >= 0;
    return fd < 0 ? open(path, FLAGS) : fd;
}

static int open_program(const struct load_what *what, int *file, bool *plain, struct error *error)
{
    const char *path = what->path;
    *plain = false;
    int fd = what->file < 0 ? open_path(path, plain) : what->file;
    if (fd < 0)
        return error_errno(error, errno, "cannot open %.300s", path);
    int code = check_program(what, fd);
    if (code) {
        close(fd);
        return error_errno(error, code, "cannot execute %.300s", path);
    }
    *file = fd;
    return 0;
}

/* Those of the ELF program that is executed: a script's and a linker's bits Linux does not look at. */
static int refuse_privileges(const char *path, int file, struct error *error)
{
    struct stat facts = {.st_mode = 0};
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 || fstat(file, &facts) < 0)
        return 0; /* nothing gives it any */
    bool privileged = facts.st_mode & S_ISUID || (facts.st_mode & S_ISGID && facts.st_mode & S_IXGRP);
    privileged &= geteuid() != facts.st_uid && is_here(facts.st_uid);
    if (!privileged && fgetxattr(file, "security.capability", NULL, 0) <= 0)
        return 0;
    return error_set(error, EPERM,
        "%.300s is set-user-id: it would get its privileges on the host, not in the domain", path);
}

/* "#!interpreter argument" (Linux, fs/binfmt_script.c): one argument, blanks around it do not count. */
static int take_script(struct loadable *loadable, char *line, struct error *error)
{
    const char *const blanks = " \t";
    char script[PATH_MAX];
    line[strcspn(line, "\n")] = '\0';
    char *name = line + 2 + strspn(line + 2, blanks), *rest = name + strcspn(name, blanks);
    bool more = *rest;
    *rest = '\0';
    rest += more ? 1 + strspn(rest + 1, blanks) : 0;
    for (size_t end = strlen(rest); end > 0 && strchr(blanks, rest[end - 1]);)
        rest[--end] = '\0';
    if (!*name)
        return error_set(error, ENOEXEC, "%.300s names no interpreter behind #!", loadable->path);
    unsigned added = *rest ? 2 : 1;
    memcpy(script, loadable->path, sizeof script);
    if (!loadable->word_count)
        memcpy(loadable->words[loadable->word_count++], script, sizeof script);
    memmove(loadable->words[added], loadable->words[0], loadable->word_count * sizeof loadable->words[0]);
    strcpy(loadable->words[0], name);
    if (*rest)
        strcpy(loadable->words[1], rest);
    loadable->word_count += added;
    strcpy(loadable->path, name);
    return 0;
}

static int follow_scripts(const struct load_what *what, struct loadable *loadable, struct error *error)
{
    char line[LOAD_SCRIPT_BYTES + 1];
    struct load_what next = *what;
    for (unsigned depth = 0; depth <= LOAD_SCRIPTS_MAX - 1; depth++) {
        int rc = open_program(&next, &loadable->file, &loadable->plain, error);
        if (rc < 0)
            return rc;
        ssize_t got = pread(loadable->file, line, LOAD_SCRIPT_BYTES, 0);
        if (got < 2 || memcmp(line, "#!", 2) != 0)
            return 0;
        line[got] = '\0';
        close(loadable->file);
        loadable->file = -1;
        if ((rc = take_script(loadable, line, error)) < 0)
            return rc;
        next = (struct load_what){.path = loadable->path, .file = -1};
    }
    return error_set(
        error, ELOOP, "more than %d scripts are each other's interpreters", LOAD_SCRIPTS_MAX - 1);
}

static int look_at_linker(struct loadable *loadable, struct error *error)
{
    const char *name = loadable->program.interpreter;
    const struct load_what what = {.path = *name ? name : ".", .file = -1}; /* Linux: an empty path */
    bool plain;
    int rc = open_program(&what, &loadable->interpreter, &plain, error);
    if (rc == 0)
        rc = elf_read(loadable->interpreter, ELF_LINKER, &loadable->linker, error);
    return rc < 0 ? error_prefix(error, "the program's interpreter %.200s", name) : 0;
}

/* What comes of it only once the caller is gone (-EFAULT), and then what only a domain lacks. */
static int look_at_places(struct loadable *loadable, struct error *error)
{
    const bool linked = loadable->interpreter >= 0;
    int rc = elf_place(&loadable->program, NULL, &loadable->place, error);
    if (rc == 0 && linked)
        rc = elf_place(&loadable->linker, &loadable->place, &loadable->linker_place, error);
    if (rc == 0)
        rc = elf_map_look(&loadable->program, &loadable->place, error);
    if (rc == 0 && linked)
        rc = elf_map_look(&loadable->linker, &loadable->linker_place, error);
    return rc < 0 ? error_prefix(error, "%.300s", loadable->path) : 0;
}

int load_look(const struct load_what *what, struct loadable **out, struct error *error)
{
    struct loadable *loadable = calloc(1, sizeof *loadable);
    if (!loadable)
        return error_set(error, ENOMEM, "no memory for a program's headers");
    loadable->file = loadable->interpreter = -1;
    int rc = strlen(what->path) < sizeof loadable->path
                 ? 0
                 : error_set(error, ENAMETOOLONG, "the program's path is too long");
    if (rc == 0) {
        strcpy(loadable->path, what->path);
        rc = follow_scripts(what, loadable, error);
    }
    if (rc == 0)
        rc = refuse_privileges(loadable->path, loadable->file, error);
    if (rc == 0 && (rc = elf_read(loadable->file, ELF_PROGRAM, &loadable->program, error)) < 0)
        rc = error_prefix(error, "%.300s", loadable->path);
    if (rc == 0 && loadable->program.interpreted)
        rc = look_at_linker(loadable, error);
    if (rc == 0)
        rc = look_at_places(loadable, error);
    if (rc < 0)
        load_free(loadable);
    else
        *out = loadable;
    return rc;
}

void load_free(struct loadable *loadable)
{
    if (loadable->file >= 0)
        close(loadable->file);
    if (loadable->interpreter >= 0)
        close(loadable->interpreter);
    free(loadable);
}

/* ---- the stack ---- */

/* As much as the limit allows now, which the program may raise. */
static int map_stack(
    struct window *window, bool executable, uint64_t *bottom, uint64_t *bytes, struct error *error)
{
    enum { LEAST = 1 << 17 };
    struct rlimit limit = {WINDOW_STACK_BYTES, WINDOW_STACK_BYTES};
    getrlimit(RLIMIT_STACK, &limit);
    const int protection = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
    int64_t top =
        window_make_stack(window, limit.rlim_cur < LEAST ? LEAST : limit.rlim_cur, protection, bottom);
    if (top < 0)
        return error_errno(error, (int)-top, "cannot map the program's stack");
    *bytes = (uint64_t)top - *bottom;
    return 0;
}

struct placed {
    const struct loadable *loadable;
    uint64_t bias, linker_bias;
};

/* What /proc tells of this process' arguments and environment (`ps`, `pgrep -f`) is the program's, which may
 * overwrite them there. Not where the kernel cannot (CONFIG_CHECKPOINT_RESTORE). The heap is this process'
 * own: what it has so far it keeps. */
static void tell_kernel(const struct placed *placed, const struct stack_built *built)
{
    const struct elf_place *place = &placed->loadable->place;
    uint64_t heap = (uintptr_t)sbrk(0), code = place->low + placed->bias, behind = code + place->bytes;
    struct prctl_mm_map map = {.start_code = code,
        .end_code = behind,
        .start_data = behind,
        .end_data = behind,
        .start_brk = heap,
        .brk = heap,
        .start_stack = built->pointer,
        .arg_start = built->arguments,
        .arg_end = built->environment,
        .env_start = built->environment,
        .env_end = built->end,
        .exe_fd = UINT32_MAX};
    prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

static int fill_stack(struct process *process, const struct placed *placed, const char *path,
    char *const *arguments, char *const *environment, struct domain_user *user, struct error *error)
{
    const struct elf *program = &placed->loadable->program;
    uint64_t bottom, bytes, clock = window_clock(process->window);
    struct stack_built built;
    const struct stack_aux aux[] = {
        {clock ? AT_SYSINFO_EHDR : AT_IGNORE, clock},
        {AT_MINSIGSTKSZ, frame_bytes(process->extended_bytes)},
        {AT_HWCAP, getauxval(AT_HWCAP)},
        {AT_PAGESZ, PAGE},
        {AT_CLKTCK, getauxval(AT_CLKTCK)},
        {AT_PHDR, program->headers + placed->bias},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, program->header_count},
        {AT_BASE, placed->linker_bias},
        {AT_FLAGS, 0},
        {AT_ENTRY, program->entry + placed->bias},
        {AT_UID, getuid()},
        {AT_EUID, geteuid()},
        {AT_GID, getgid()},
        {AT_EGID, getegid()},
        {AT_SECURE, 0},
        {AT_HWCAP2, getauxval(AT_HWCAP2)},
    };
    struct stack_content content = {.arguments = arguments,
        .environment = environment,
        .path = path,
        .platform = "x86_64",
        .aux = aux,
        .aux_count = sizeof aux / sizeof aux[0]};
    if (getrandom(content.random, sizeof content.random, 0) != (ssize_t)sizeof content.random)
        return error_errno(error, errno, "cannot get random bytes for the program's stack");
    int rc = map_stack(process->window, program->executable_stack, &bottom, &bytes, error);
    if (rc == 0)
        rc = stack_build(&content, (void *)(uintptr_t)bottom, bytes, &built, error);
    if (rc < 0)
        return rc;
    user->registers.rsp = built.pointer;
    tell_kernel(placed, &built);
    return 0;
}

/* A script's words stand in place of the first argument. */
static char **arguments_of(const struct loadable *loadable, char *const *arguments)
{
    size_t count = 0, first = loadable->word_count && arguments[0] ? 1 : 0, put = 0;
    while (arguments[count])
        count++;
    char **all = calloc(loadable->word_count + count + 1, sizeof *all);
    for (unsigned i = 0; all && i < loadable->word_count; i++)
        all[put++] = (char *)loadable->words[i];
    for (size_t i = first; all && i < count; i++)
        all[put++] = arguments[i];
    return all;
}

/* Behind the program, or where that would be if it were small, or any. */
static void set_heap(struct window *window, uint64_t behind)
{
    bool near_others = behind >= WINDOW_FROM && behind < window_program();
    window_set_heap(window, behind < WINDOW_LOW_FROM || near_others ? window_program() : behind);
}

int load_program(struct process *process, const struct loadable *loadable, char *const *arguments,
    char *const *environment, struct domain_user *user, struct error *error)
{
    struct placed placed = {.loadable = loadable};
    const struct elf_place *place = &loadable->place;
    char **all = arguments_of(loadable, arguments);
    if (!all)
        return error_set(error, ENOMEM, "no memory for the program's arguments");
    int rc = elf_map(process, loadable->file, &loadable->program, place, ELF_PROGRAM, &placed.bias, error);
    if (rc == 0)
        set_heap(process->window, place->low + placed.bias + place->bytes);
    if (rc == 0 && loadable->interpreter >= 0)
        rc = elf_map(process, loadable->interpreter, &loadable->linker, &loadable->linker_place, ELF_LINKER,
            &placed.linker_bias, error);
    *user = (struct domain_user){.fs_base = 0};
    if (rc == 0) {
        const char *named = loadable->word_count ? loadable->words[loadable->word_count - 1] : loadable->path;
        rc = fill_stack(process, &placed, named, all, environment, user, error);
        user->registers.rip = loadable->interpreter >= 0 ? loadable->linker.entry + placed.linker_bias
                                                         : loadable->program.entry + placed.bias;
    }
    free(all);
    if (rc == 0 && !memory_limits_let(process, &(struct memory_wish){.data = true}))
        rc = error_set(error, EFAULT, "the program is larger than its limits of memory");
    return rc;
}
