/* The system calls that are emulated in a domain, each as it succeeds and as it fails: a line for each call
 * says what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, BYTES = 8 /* of a set of signals */ };

/* Pages: of zeros; one that can only be read; texts; and addresses at which there is nothing. */
static char *zeros, *readonly, *texts;
#define NOWHERE 8L
#define KERNEL (-4096L)
#define HOLE ((long)(readonly + PAGE))
#define ZEROS ((long)zeros)
#define READONLY ((long)readonly)

static long text(const char *string)
{
    static size_t used;
    char *at = texts + used;
    strcpy(at, string);
    used += strlen(string) + 1;
    return (long)at;
}

/* What is put into a page before a call. */
static long put(const void *bytes, size_t count)
{
    static size_t used = PAGE / 2;
    char *at = zeros + used;
    memcpy(at, bytes, count);
    used += (count + 15) & -16ul;
    return (long)at;
}

static void make(const char *what, long number, long a, long b, long c, long d, long e)
{
    errno = 0;
    long result = syscall(number, a, b, c, d, e);
    printf("%s: %ld %s\n", what, result, errno ? strerror(errno) : "");
}
#define MAKE(what, number, ...) ARGUMENTS(what, number, __VA_ARGS__, 0, 0, 0, 0, 0)
#define ARGUMENTS(what, number, a, b, c, d, e, ...)                                                          \
    make(#number " " what, SYS_##number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

/* ---- descriptors and paths ---- */

/* Which file it is. */
static void own_executable(const char *directory, const char *name)
{
    struct stat facts = {.st_size = 0};
    int at = open(directory, O_PATH | O_DIRECTORY);
    memset(zeros, 0, 200);
    MAKE("itself, from a directory", readlinkat, at, text(name), ZEROS, 200);
    fstatat(at, name, &facts, 0);
    printf("%s, of %ld bytes\n", zeros, (long)facts.st_size);
    close(at);
}

static void descriptors(void)
{
    MAKE("none", close, -1);
    MAKE("not open", close, 900);
    MAKE("same", dup2, 0, 0);
    MAKE("same, not open", dup2, 900, 900);
    MAKE("to none", dup2, 0, -1);
    MAKE("beyond the limit", dup2, 0, 1 << 24);
    MAKE("", dup2, 1, 900);
    MAKE("same", dup3, 1, 1, 0);
    MAKE("wrong flags", dup3, 1, 901, 1);
    MAKE("from none", dup3, -1, 901, O_CLOEXEC);
    MAKE("", dup3, 1, 901, O_CLOEXEC);
    MAKE("how it is", fcntl, 901, F_GETFD);
    MAKE("backwards", close_range, 5, 4, 0);
    MAKE("wrong flags", close_range, 3, ~0u, 64);
    MAKE("on exec", close_range, 900, 900, 4 /* CLOSE_RANGE_CLOEXEC */);
    MAKE("how it is", fcntl, 900, F_GETFD);
    MAKE("", close_range, 900, ~0u, 0);
    MAKE("how it is", fcntl, 900, F_GETFD);
    MAKE("no room", readlink, text("/proc/self/exe"), ZEROS, 0);
    MAKE("less than no room", readlink, text("/proc/self/exe"), ZEROS, -5);
    MAKE("some room", readlink, text("/proc/self/exe"), ZEROS, 3);
    printf("%.3s\n", zeros);
    MAKE("bad room", readlink, text("/proc/self/exe"), READONLY, 100);
    MAKE("bad path", readlink, NOWHERE, ZEROS, 100);
    MAKE("kernel's path", readlink, KERNEL, ZEROS, 100);
    MAKE("no path", readlink, text(""), ZEROS, 100);
    MAKE("no link", readlink, text("/"), ZEROS, 100);
    MAKE("from none", readlinkat, -1, text("x"), ZEROS, 100);
    MAKE("bad path", readlinkat, AT_FDCWD, HOLE, ZEROS, 100);
    MAKE("absolute", readlinkat, -1, text("/proc/self/exe"), ZEROS, 3);
    own_executable("/proc/self", "exe");
    own_executable("/proc", "self/exe");
    own_executable("/proc/thread-self", "exe");
    own_executable("/", "proc/self/exe");
}

/* ---- limits and what a process is ---- */

static void limits(void)
{
    const struct rlimit few = {64, 128}, wrong = {200, 100}, back = {100, 128};
    MAKE("unknown", getrlimit, 99, ZEROS);
    MAKE("files, bad", getrlimit, RLIMIT_NOFILE, NOWHERE);
    MAKE("files, read only", getrlimit, RLIMIT_NOFILE, READONLY);
    MAKE("stack, bad", getrlimit, RLIMIT_STACK, KERNEL);
    MAKE("unknown", setrlimit, 99, put(&few, sizeof few));
    MAKE("files, bad", setrlimit, RLIMIT_NOFILE, HOLE);
    MAKE("files, wrong", setrlimit, RLIMIT_NOFILE, put(&wrong, sizeof wrong));
    MAKE("files", setrlimit, RLIMIT_NOFILE, put(&few, sizeof few));
    MAKE("files", getrlimit, RLIMIT_NOFILE, ZEROS);
    printf(
        "%ld of %ld\n", (long)((struct rlimit *)zeros)->rlim_cur, (long)((struct rlimit *)zeros)->rlim_max);
    MAKE("beyond it", dup2, 0, 64);
    MAKE("within it", dup2, 0, 63);
    MAKE("files", prlimit64, 0, RLIMIT_NOFILE, put(&back, sizeof back), ZEROS);
    printf(
        "%ld of %ld\n", (long)((struct rlimit *)zeros)->rlim_cur, (long)((struct rlimit *)zeros)->rlim_max);
    MAKE("within it", dup2, 0, 64);
    MAKE("unknown", prlimit64, 0, 99, 0, ZEROS);
    MAKE("of nobody", prlimit64, 1 << 30, RLIMIT_NOFILE, 0, ZEROS);
    MAKE("files, bad", prlimit64, 0, RLIMIT_NOFILE, 0, READONLY);
    MAKE("stack, bad", prlimit64, 0, RLIMIT_STACK, NOWHERE, 0);
    MAKE("asked", personality, 0xffffffff);
    MAKE("no random addresses", personality, 0x40000);
    MAKE("asked", personality, 0xffffffff);
    MAKE("unknown", prctl, 9999);
    MAKE("bad name", prctl, PR_SET_NAME, NOWHERE);
    MAKE("name", prctl, PR_SET_NAME, text("a name that is too long"));
    MAKE("name", prctl, PR_GET_NAME, ZEROS);
    printf("%s\n", zeros);
    MAKE("name, read only", prctl, PR_GET_NAME, READONLY);
    MAKE("no signal", prctl, PR_SET_PDEATHSIG, 100);
    MAKE("no such state", prctl, PR_SET_DUMPABLE, 5);
    MAKE("no such mode", prctl, PR_SET_SECCOMP, 5);
    MAKE("mode", prctl, PR_GET_SECCOMP);
    MAKE("unknown", arch_prctl, 0x9999, 0);
    MAKE("FS, not an address", arch_prctl, 0x1002, 1L << 47);
    MAKE("GS, the kernel's", arch_prctl, 0x1001, KERNEL);
    MAKE("GS", arch_prctl, 0x1001, 0x12345000);
    MAKE("GS, asked", arch_prctl, 0x1004, ZEROS);
    printf("%lx\n", *(unsigned long *)zeros);
    MAKE("GS, bad", arch_prctl, 0x1004, HOLE);
    MAKE("FS, read only", arch_prctl, 0x1003, READONLY);
    printf("set_tid_address: %d\n", syscall(SYS_set_tid_address, NOWHERE) == getpid());
}

/* ---- signals ---- */

struct action {
    unsigned long handler, flags, restorer, mask;
};
struct stack {
    unsigned long at;
    int flags;
    unsigned long bytes;
};

static void tell_action(void)
{
    const struct action *was = (struct action *)zeros;
    printf("%lx %lx %lx\n", was->handler, was->flags, was->mask);
}

static void tell_stack(void)
{
    const struct stack *was = (struct stack *)zeros;
    printf("%x %lx\n", was->flags, was->bytes);
}

static void signals(void)
{
    const struct action every = {(unsigned long)SIG_IGN, ~0ul >> 1, 0, ~0ul}, none = {0, 0, 0, 0};
    const unsigned long all = ~0ul, one = 1ul << (SIGUSR1 - 1);
    const struct stack small = {(unsigned long)zeros, 0, 2047}, wrong = {(unsigned long)zeros, 77, 1 << 16},
                       right = {(unsigned long)zeros, 0, 1 << 16}, gone = {1, SS_DISABLE, 5};
    MAKE("0", rt_sigaction, 0, 0, ZEROS, BYTES);
    MAKE("65", rt_sigaction, 65, 0, ZEROS, BYTES);
    MAKE("of another size", rt_sigaction, SIGUSR1, 0, ZEROS, 4);
    MAKE("SIGKILL", rt_sigaction, SIGKILL, put(&every, sizeof every), 0, BYTES);
    MAKE("SIGKILL, asked", rt_sigaction, SIGKILL, 0, ZEROS, BYTES);
    MAKE("bad", rt_sigaction, SIGUSR1, NOWHERE, 0, BYTES);
    MAKE("bad, SIGKILL", rt_sigaction, SIGKILL, NOWHERE, 0, BYTES);
    MAKE("all bits, bad before", rt_sigaction, SIGUSR1, put(&every, sizeof every), READONLY, BYTES);
    MAKE("asked", rt_sigaction, SIGUSR1, 0, ZEROS, BYTES);
    tell_action();
    MAKE("", rt_sigaction, SIGUSR1, put(&none, sizeof none), ZEROS, BYTES);
    tell_action();
    MAKE("of another size", rt_sigprocmask, SIG_BLOCK, 0, ZEROS, 4);
    MAKE("unknown", rt_sigprocmask, 7, put(&one, sizeof one), 0, BYTES);
    MAKE("unknown, nothing", rt_sigprocmask, 7, 0, ZEROS, BYTES);
    MAKE("bad", rt_sigprocmask, SIG_BLOCK, HOLE, 0, BYTES);
    MAKE("bad before", rt_sigprocmask, SIG_BLOCK, put(&one, sizeof one), READONLY, BYTES);
    MAKE("asked", rt_sigprocmask, SIG_BLOCK, 0, ZEROS, BYTES);
    printf("%lx\n", *(unsigned long *)zeros);
    MAKE("all", rt_sigprocmask, SIG_SETMASK, put(&all, sizeof all), ZEROS, BYTES);
    MAKE("asked", rt_sigprocmask, SIG_BLOCK, 0, ZEROS, BYTES);
    printf("%lx\n", *(unsigned long *)zeros);
    MAKE("none", rt_sigprocmask, SIG_UNBLOCK, put(&all, sizeof all), ZEROS, BYTES);
    MAKE("asked", sigaltstack, 0, ZEROS);
    tell_stack();
    MAKE("too small", sigaltstack, put(&small, sizeof small), 0);
    MAKE("wrong flags", sigaltstack, put(&wrong, sizeof wrong), 0);
    MAKE("bad", sigaltstack, NOWHERE, 0);
    MAKE("", sigaltstack, put(&right, sizeof right), ZEROS);
    tell_stack();
    MAKE("bad before", sigaltstack, 0, READONLY);
    MAKE("gone", sigaltstack, put(&gone, sizeof gone), ZEROS);
    tell_stack();
    MAKE("asked", sigaltstack, 0, ZEROS);
    tell_stack();
}

/* ---- memory ---- */

/* Which is gone in parts, with different rights: what is left of it goes. */
static void detach_pieces(void)
{
    int segment = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600);
    char *at = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    munmap(at, PAGE);
    mprotect(at + 2 * PAGE, PAGE, PROT_READ);
    MAKE("not where it began", shmdt, at + PAGE);
    MAKE("of which the first page is gone", shmdt, at);
    MAKE("once more", shmdt, at);
    MAKE("what was left", write, 1, at + PAGE, 1);
    MAKE("and could be read", write, 1, at + 2 * PAGE, 1);
    MAKE("a free place", mprotect, at + 2 * PAGE, PAGE, PROT_READ);
}

/* Between them is what a domain has for itself. */
static void far_apart(void)
{
    enum { LOW = 0x3ffff000, HIGH = 0x50000000 };
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    MAKE("low", mmap, LOW, PAGE, PROT_READ, flags, -1);
    MAKE("high", mmap, HIGH, PAGE, PROT_READ | PROT_WRITE, flags, -1);
    MAKE("as far as there is something", mprotect, LOW, HIGH + PAGE - LOW, PROT_NONE);
    MAKE("low, read", write, 1, LOW, 1);
    MAKE("high, written", getrlimit, RLIMIT_CORE, HIGH);
    MAKE("both", munmap, LOW, HIGH + PAGE - LOW);
    MAKE("low, there", mprotect, LOW, PAGE, PROT_READ);
    MAKE("high, there", mprotect, HIGH, PAGE, PROT_READ);
}

static void memory(void)
{
    int segment = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
    detach_pieces();
    far_apart();
    MAKE("no memory of that number", shmat, -5, 0, 0);
    MAKE("not aligned", shmat, segment, HOLE + 100, 0);
    MAKE("over something", shmat, segment, READONLY, 0);
    MAKE("nothing there", shmdt, HOLE);
    MAKE("no shared memory", shmdt, READONLY);
    MAKE("not aligned", shmdt, READONLY + 1);
    shmctl(segment, IPC_RMID, NULL);
    MAKE("no key", pkey_mprotect, READONLY, PAGE, PROT_READ, -1);
    MAKE("no such key", pkey_mprotect, READONLY, PAGE, PROT_READ, 99);
    MAKE("to nowhere", mprotect, KERNEL, PAGE, PROT_READ);
    MAKE("nowhere", munmap, KERNEL, PAGE);
    MAKE("nowhere", madvise, KERNEL, PAGE, MADV_DONTNEED);
    MAKE("too long", munmap, READONLY, 1L << 47);
    MAKE("nowhere", mremap, KERNEL, PAGE, PAGE, 0);
    char *gone = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 3 * PAGE);
    MAKE("once more, what is gone", mremap, gone + PAGE, 0, 3 * PAGE, MREMAP_MAYMOVE);
    MAKE("too high", mmap, 1L << 47, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
    MAKE("too much", mmap, 0, 1L << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    MAKE("a closed file", mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, 900);
    MAKE("a pipe", mmap, 0, PAGE, PROT_READ, MAP_SHARED, 0);
    const int file = memfd_create("code", 0);
    char *written = mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *executed = write(file, "\xc3", 1) == 1 ? mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE, file, 0) : NULL;
    *written = 5;
    ((void (*)(void))(uintptr_t)executed)();
    printf("only written: %d; only executed\n", *written);
    printf("brk: %d\n", syscall(SYS_brk, 8) == syscall(SYS_brk, 0));
}

/* ---- processes ---- */

static void tell_child(const char *what, pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s: %d %x\n", what, child > 0, status);
}

static void children(void)
{
    MAKE("handlers without memory", clone, CLONE_SIGHAND | SIGCHLD);
    MAKE("a thread without handlers", clone, CLONE_THREAD | CLONE_VM | SIGCHLD);
    MAKE("both of them", clone, CLONE_FS | CLONE_NEWNS | SIGCHLD);
    pid_t child;
    if ((child = fork()) == 0)
        syscall(SYS_exit, 300);
    tell_child("exit", child);
    if ((child = fork()) == 0)
        syscall(SYS_exit_group, 0x1ff);
    tell_child("exit_group", child);
    if ((child = fork()) == 0)
        __asm__ volatile("mov $8, %%esp; mov $15, %%eax; syscall" ::: "memory");
    tell_child("sigreturn from nowhere", child);
    signal(SIGUSR1, SIG_IGN); /* it may come before anything else is told */
    if ((child = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0)) == 0)
        _exit(7);
    errno = 0;
    int status = 0, got = waitpid(child, &status, 0) == child;
    printf("clone, told by another signal: %d %s\n", got, strerror(errno));
    got = waitpid(child, &status, __WALL) == child;
    printf("clone: %d %x\n", got, status);
}

static const char *make_file(const char *name, const void *bytes, size_t count, mode_t mode)
{
    int file = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (file < 0 || write(file, bytes, count) != (ssize_t)count || fchmod(file, mode) < 0)
        exit(1);
    close(file);
    return name;
}

static long script(const char *name, const char *line)
{
    return text(make_file(name, line, strlen(line), 0755));
}

static void executing(void)
{
    static char longer[PAGE + 10];
    memset(longer, 'a', sizeof longer - 1);
    const long words[] = {text("word"), 0}, bad[] = {NOWHERE, 0};
    const long with = put(words, sizeof words), badly = put(bad, sizeof bad);
    MAKE("bad path", execve, HOLE, with, 0);
    MAKE("no path", execve, text(""), with, 0);
    MAKE("too long a path", execve, longer, with, 0);
    MAKE("no such file", execve, text("/nowhere/at/all"), with, 0);
    MAKE("below a file", execve, text("/etc/passwd/x"), with, 0);
    MAKE("a folder", execve, text("/"), with, 0);
    MAKE("not to be executed", execve, text("/etc/passwd"), with, 0);
    MAKE("bad words", execve, text("/bin/true"), KERNEL, 0);
    MAKE("a bad word", execve, text("/bin/true"), badly, 0);
    MAKE("bad variables", execve, text("/bin/true"), with, NOWHERE);
    MAKE("a text", execve, script("text", "nothing\n"), with, 0);
    MAKE("nothing at all", execve, script("empty", ""), with, 0);
    MAKE("a script without interpreter", execve, script("bare", "#!\n"), with, 0);
    MAKE("a script with blanks alone", execve, script("blank", "#!   \t \n"), with, 0);
    MAKE("an interpreter that is not there", execve, script("lost", "#!/nowhere/at/all x\n"), with, 0);
    MAKE("its own interpreter", execve, script("self", "#!self\n"), with, 0);
    MAKE("half a header", execve, text(make_file("half", "\177ELF\2\1\1", 7, 0755)), with, 0);
    MAKE("wrong flags", execveat, AT_FDCWD, text("/bin/true"), with, 0, 1);
    MAKE("below none", execveat, 900, text("true"), with, 0, 0);
    MAKE("none", execveat, 900, text(""), with, 0, AT_EMPTY_PATH);
    MAKE("no path", execveat, AT_FDCWD, text(""), with, 0, 0);
    unlink("link");
    if (symlink("/bin/true", "link") == 0)
        MAKE("a link", execveat, AT_FDCWD, text("link"), with, 0, AT_SYMLINK_NOFOLLOW);
    pid_t child = fork();
    if (child == 0)
        MAKE("a file", execveat, open("/bin/true", O_RDONLY), text(""), with, 0, AT_EMPTY_PATH);
    tell_child("execveat", child);
}

static void filters(void)
{
    const struct {
        unsigned short length;
        const void *at;
    } empty = {0, 0}, long_one = {4097, 0}, nowhere = {1, (void *)NOWHERE};
    const unsigned unknown = 0x12340000, allow = 0x7fff0000;
    MAKE("unknown", seccomp, 9, 0, 0);
    MAKE("strictly, with flags", seccomp, 0, 1, 0);
    MAKE("strictly, with words", seccomp, 0, 0, ZEROS);
    MAKE("wrong flags", seccomp, 1, 1 << 20, ZEROS);
    MAKE("bad", seccomp, 1, 0, NOWHERE);
    MAKE("nothing", seccomp, 1, 0, put(&empty, sizeof empty));
    MAKE("too long", seccomp, 1, 0, put(&long_one, sizeof long_one));
    MAKE("nowhere", seccomp, 1, 0, put(&nowhere, sizeof nowhere));
    MAKE("may be told", seccomp, 2, 0, put(&allow, sizeof allow));
    MAKE("may not be told", seccomp, 2, 0, put(&unknown, sizeof unknown));
    MAKE("bad", seccomp, 2, 0, HOLE);
}

int main(int count, char **words)
{
    static void (*const all[])(void) = {descriptors, limits, signals, memory, children, executing, filters};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count > 1 && chdir(words[1]) < 0) /* where it makes files */
        return 1;
    char *pages = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    zeros = pages;
    texts = pages + 8 * PAGE;
    readonly = pages + 62 * PAGE;
    mprotect(readonly, PAGE, PROT_READ);
    munmap(readonly + PAGE, PAGE);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        pid_t child = fork();
        if (child == 0) {
            all[i]();
            _exit(0);
        }
        tell_child("together", child);
    }
    return 0;
}
