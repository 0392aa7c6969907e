#include "program/inside/inside.h"

#include "host/descriptor.h"
#include "monitor/kvm/kvm.h"
#include "program/executable_find.h"
#include "program/inside/children.h"
#include "program/inside/counted.h"
#include "program/inside/handed.h"
#include "program/inside/heat.h"
#include "program/inside/load.h"
#include "program/inside/machine_thread.h"
#include "program/inside/memory_limit.h"
#include "program/inside/own_proc.h"
#include "program/inside/seccomp.h"
#include "program/inside/signal_frame.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- descriptors ---- */

/* Where a program will hardly come by itself, and low: the kernel's table of descriptors reaches to the
 * highest, and a fork copies it. By the hard limit, which stays as it is whatever the program sets. */
static void choose_kept(struct kept_descriptors *kept)
{
    enum { USUAL = 16384, MANY = 4096, AMPLE = 32768 };
    struct rlimit limit = {1024, 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    kept->first = limit.rlim_max >= AMPLE ? USUAL : (int)(limit.rlim_max / 4 * 3);
    kept->behind = kept->first + MANY;
}

/* It stays open when this process executes itself. */
static int keep(const struct kept_descriptors *kept, int *descriptor)
{
    if (*descriptor >= kept->first)
        return 0;
    int moved = descriptor_copy(*descriptor, kept->first, false);
    if (moved < 0)
        return -errno;
    close(*descriptor);
    *descriptor = moved;
    return 0;
}

/* What only the first program's process finds out, and then hands on. */
static int begin_process(struct process *process, struct error *error)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    process->files_hard = limit.rlim_max;
    getrlimit(RLIMIT_NPROC, &limit);
    process->processes = (struct limit){limit.rlim_cur, limit.rlim_max};
    memory_limits_take(&process->memory);
    process->kept.proc = open("/proc", O_PATH | O_DIRECTORY);
    return process->kept.proc < 0
               ? error_errno(error, errno, "cannot open /proc, which tells what a program has mapped")
               : 0;
}

static void take_over(struct process *process, const uint64_t handed[HANDED_COUNT])
{
    process->kept.proc = (int)handed[HANDED_PROC];
    process->files_hard = handed[HANDED_FILES_HARD];
    process->memory.addresses = (struct limit){handed[HANDED_ADDRESSES], handed[HANDED_ADDRESSES + 1]};
    process->memory.data = (struct limit){handed[HANDED_DATA], handed[HANDED_DATA + 1]};
    process->processes = (struct limit){handed[HANDED_PROCESSES], handed[HANDED_PROCESSES + 1]};
    process->numbered = handed[HANDED_NUMBERED];
    process->few_processes = handed[HANDED_FEW_PROCESSES];
    process->children = (int)handed[HANDED_CHILDREN];
    process->children_announced = process->numbers_children = handed[HANDED_ANNOUNCED];
    process->executed = true;
}

static int take_handed(
    struct process *process, struct thread *thread, const char *text, int *file, struct error *error)
{
    struct kept_descriptors *kept = &process->kept;
    uint64_t handed[HANDED_COUNT];
    unsigned got = handed_read(text, handed);
    if (got != HANDED_FIRST && got != HANDED_COUNT)
        return error_set(error, EINVAL, "this program is started by vcost run alone");
    kept->tally = (int)handed[HANDED_TALLY];
    kept->kvm = (int)handed[HANDED_KVM];
    kept->self = (int)handed[HANDED_SELF];
    void *page = mmap(NULL, sizeof *process->tally, PROT_READ | PROT_WRITE, MAP_SHARED, kept->tally, 0);
    if (page == MAP_FAILED)
        return error_errno(error, errno, "cannot map the page of counters that vcost run made");
    process->tally = page;
    *file = -1;
    if (got == HANDED_FIRST)
        return begin_process(process, error);
    take_over(process, handed);
    *file = (int)handed[HANDED_FILE];
    if (seccomp_load(thread, (int)handed[HANDED_FILTERS]) < 0)
        return error_set(error, EINVAL, "what the program before has forbidden cannot be read");
    return 0;
}

static int take_descriptors(struct kept_descriptors *kept, struct error *error)
{
    int *const all[] = {&kept->tally, &kept->kvm, &kept->self, &kept->proc};
    int rc = 0;
    choose_kept(kept);
    if (kept->kvm < 0 && (kept->kvm = open("/dev/kvm", O_RDWR)) < 0) {
        struct monitor_facts facts;
        monitor_kvm.describe(&facts);
        return error_set(error, ENOTSUP, "%s", facts.reason);
    }
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof all[0]; i++)
        rc = keep(kept, all[i]);
    return rc < 0 ? error_errno(error, -rc, "cannot put aside the domain's descriptors") : 0;
}

/* ---- what its CPU is to have ---- */

/* Of the registers that the host's kernel saves for programs, those that every KVM carries: not AMX, whose
 * tiles some lose, and no protection keys. */
static uint64_t find_features(void)
{
    enum { OSXSAVE = 1 << 27, WANTED = 0xe7 /* x87, SSE, AVX, AVX-512 */ };
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE))
        return 3;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & WANTED;
}

/* How many bytes they take in XSAVE's standard form (SDM volume 1, 13.4). */
static size_t extended_bytes_of(uint64_t features)
{
    enum { LEGACY_AND_HEADER = 576, FIRST_EXTENSION = 2, FEATURES = 63 };
    size_t bytes = LEGACY_AND_HEADER;
    for (unsigned i = FIRST_EXTENSION; i < FEATURES; i++) {
        unsigned size, offset, c, d;
        if (features >> i & 1 && __get_cpuid_count(0xd, i, &size, &offset, &c, &d) && offset + size > bytes)
            bytes = offset + size;
    }
    return bytes;
}

static void choose_mode(struct process *process)
{
    enum { HWCAP2_FSGSBASE = 2 };
    const uint64_t fsgsbase = 1 << 16, osxsave = 1 << 18;
    struct tally *tally = process->tally;
    process->features = tally->features ? tally->features : find_features();
    process->extended_bytes =
        tally->extended_bytes ? tally->extended_bytes : extended_bytes_of(process->features);
    tally->features = process->features;
    tally->extended_bytes = process->extended_bytes;
    process->mode.cr4 = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE ? fsgsbase : 0;
    if (process->features > 3) {
        process->mode.cr4 |= osxsave;
        process->mode.xcr0 = process->features;
    }
}

/* ---- the domain ---- */

enum { TABLES = 1 << 14 }; /* 64 MiB, of which only what is used is there: 32 GiB in small pages */

static int make_domain(struct process *process, struct error *error)
{
    const struct domain_config config = {.monitor = &monitor_kvm,
        .program = true,
        .room = window_room(process->tally),
        .host_clock = true,
        .later = process->tally->memory.later,
        .spare_tables = TABLES,
        .device = process->kept.kvm,
        .first_descriptor = process->kept.first,
        .kept = &process->tally->kept};
    int rc = domain_create(&config, &process->domain, error);
    if (rc < 0)
        return rc;
    choose_mode(process);
    if ((rc = heat_open(process, error)) < 0)
        return rc;
    rc = window_create(process->domain, process->kept.proc, process->tally, &process->window, error);
    if (rc == 0 && process->heat)
        window_watch(process->window);
    return rc;
}

/* What is ignored stays so (execve(2)). */
static void take_actions(struct process *process)
{
    pthread_mutex_init(&process->actions_lock, NULL);
    for (int number = 1; number <= SIGNALS; number++)
        syscall(SYS_rt_sigaction, number, NULL, &process->actions[number], sizeof(uint64_t));
    signals_take_defaults(process);
}

/* What /proc would say of it. */
static void know_executable(struct process *process, const struct loadable *loadable)
{
    ssize_t length =
        loadable->plain ? -1 : own_link_read(process, loadable->file, process->executable, PATH_MAX - 1);
    if (length < 0)
        snprintf(process->executable, sizeof process->executable, "%s", loadable->path);
    else
        process->executable[length] = '\0';
}

/* What has no name but that goes by its file's (Linux 6.14, fs/exec.c, bprm->comm_from_dentry). */
static bool is_descriptor(const char *path)
{
    static const char begin[] = "/dev/fd/";
    return strncmp(path, begin, sizeof begin - 1) == 0 && !strchr(path + sizeof begin - 1, '/');
}

static void name_after(const char *path)
{
    const char *slash = strrchr(path, '/');
    prctl(PR_SET_NAME, slash ? slash + 1 : path);
}

/* ---- beginning ---- */

static int find_path(
    const struct process *process, const char *word, char path[static PATH_MAX], struct error *error)
{
    if (process->executed) { /* execve() looks nowhere else */
        snprintf(path, PATH_MAX, "%s", word);
        return 0;
    }
    int rc = executable_find(word, path);
    return rc < 0 ? error_errno(error, -rc, "cannot execute %.300s", word) : 0;
}

/* What the kernel does not know, and is no broken program: execvp() hands it to the shell. */
static bool is_for_the_shell(const char *path)
{
    static const char program[] = "\177ELF";
    char start[sizeof program - 1] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool is = file >= 0 && read(file, start, sizeof start) >= 0 && memcmp(start, program, sizeof start) != 0;
    if (file >= 0)
        close(file);
    return is;
}

/* Where the shell comes in, it stands in front of the words, and is what is executed. */
static int look_at_program(const struct process *process, struct load_what *what, char ***words,
    struct loadable **loadable, struct error *error)
{
    static char shell[] = "/bin/sh";
    int rc = load_look(what, loadable, error);
    if (rc != -ENOEXEC || process->executed || !is_for_the_shell(what->path))
        return rc;
    **words = (char *)what->path;
    *--*words = shell;
    *what = (struct load_what){.path = shell, .file = -1};
    return load_look(what, loadable, error);
}

static int begin_program(struct thread *thread, const struct loadable *loadable, char **words,
    char **environment, struct error *error)
{
    struct process *process = thread->process;
    int rc = make_domain(process, error);
    if (rc == 0)
        rc = load_program(process, loadable, words, environment, &thread->user, error);
    if (rc < 0)
        return rc;
    tally_add(&process->tally->programs, 1);
    return thread_open_first(thread, NULL, error);
}

static int begin(
    struct process *process, struct thread *thread, char **argv, char **environment, struct error *error)
{
    static char path[PATH_MAX];
    char **words = argv + INSIDE_ARGUMENTS;
    struct loadable *loadable;
    struct load_what what = {.path = path, .file = -1};
    int rc = take_handed(process, thread, argv[INSIDE_HANDED], &what.file, error);
    if (rc == 0)
        rc = take_descriptors(&process->kept, error);
    if (rc == 0)
        rc = find_path(process, argv[INSIDE_PATH], path, error);
    if (rc < 0)
        return rc;
    take_actions(process);
    rc = look_at_program(process, &what, &words, &loadable, error);
    if (rc == 0) {
        know_executable(process, loadable);
        name_after(is_descriptor(what.path) ? process->executable : what.path);
        rc = begin_program(thread, loadable, words, environment, error);
        load_free(loadable);
    }
    if (rc == -EFAULT)
        signals_die(SIGSEGV); /* as of any other that Linux can no longer refuse */
    return rc;
}

int inside_main(int argc, char **argv, char **environment)
{
    static struct process process = {.threads = 1, .children = -1};
    struct rlimit limit; /* of the program's descriptors, of which it may leave none */
    struct error error;
    struct thread *thread = calloc(1, sizeof *thread);
    if (argc < INSIDE_ARGUMENTS || !thread) {
        error_set(&error, EINVAL, "this program is started by vcost run alone");
        process_fail(&process, &error);
    }
    *thread = (struct thread){.process = &process, .id = gettid(), .first = true, .stack_flags = 2};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &thread->mask, sizeof thread->mask);
    descriptor_limit_raise(&limit);
    if (begin(&process, thread, argv, environment, &error) < 0)
        process_fail(&process, &error);
    descriptor_limit_restore(&limit);
    signals_begin(thread);
    if (machine_begin(thread, &error) < 0)
        process_fail(&process, &error);
    thread_run(thread);
}

static void hand_over(const struct process *process, uint64_t handed[HANDED_COUNT])
{
    const struct kept_descriptors *kept = &process->kept;
    const struct memory_limits *memory = &process->memory;
    handed[HANDED_TALLY] = (uint64_t)kept->tally;
    handed[HANDED_KVM] = (uint64_t)kept->kvm;
    handed[HANDED_SELF] = (uint64_t)kept->self;
    handed[HANDED_PROC] = (uint64_t)kept->proc;
    handed[HANDED_FILES_HARD] = process->files_hard;
    handed[HANDED_ADDRESSES] = memory->addresses.now;
    handed[HANDED_ADDRESSES + 1] = memory->addresses.most;
    handed[HANDED_DATA] = memory->data.now;
    handed[HANDED_DATA + 1] = memory->data.most;
    handed[HANDED_PROCESSES] = process->processes.now;
    handed[HANDED_PROCESSES + 1] = process->processes.most;
    handed[HANDED_NUMBERED] = process->numbered;
    handed[HANDED_FEW_PROCESSES] = process->few_processes;
    handed[HANDED_ANNOUNCED] = process->children_announced;
}

int inside_execute(
    const struct thread *thread, const char *path, int file, char **words, char *const *environment)
{
    static char name[] = "vcost-inside";
    struct process *process = thread->process;
    uint64_t handed[HANDED_COUNT];
    char text[HANDED_TEXT_BYTES];
    int children = geteuid() != 0 ? children_begin(process) : 0; /* it may lose the right to it */
    int filters = children < 0 ? children : seccomp_save(thread);
    if (filters < -1 || children < 0)
        return filters;
    children_leave(process, &children);
    hand_over(process, handed);
    handed[HANDED_FILTERS] = (uint64_t)filters;
    handed[HANDED_FILE] = (uint64_t)file;
    handed[HANDED_CHILDREN] = (uint64_t)children;
    handed_write(handed, text);
    words[INSIDE_NAME] = name;
    words[INSIDE_HANDED] = text;
    words[INSIDE_PATH] = (char *)path;
    counted_tell(process);
    process->gone = true;
    syscall(SYS_execveat, process->kept.self, "", words, environment, AT_EMPTY_PATH);
    int code = errno;
    process->gone = false;
    if (filters >= 0)
        close(filters);
    if (children >= 0)
        children_return(process, children, NULL);
    return -code;
}

/* ---- failing ---- */

void process_fail(struct process *process, const struct error *cause)
{
    static const char name[] = "vcost: ";
    struct tally *tally = process->tally;
    struct error told = *cause, *error = &told;
    int none = 0;
    machine_explain(process, error);
    if (tally && atomic_compare_exchange_strong(&tally->problem_code, &none, error->code))
        snprintf(tally->problem, sizeof tally->problem, "%s", error->text);
    if (write(STDERR_FILENO, name, sizeof name - 1) < 0 ||
        write(STDERR_FILENO, error->text, strlen(error->text)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        _exit(126);
    _exit(error->code == ENOTSUP ? 77 : 127);
}
