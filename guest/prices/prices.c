/* A Linux program that does one thing a known number of times, and tells how long each batch of it took:
 *
 *     prices OPERATION COUNT BATCHES       the table at the end has the operations; COUNT: in one batch
 *
 * One line to stdout for each batch: ticks of the time-stamp counter, and nanoseconds of CPU time of the
 * process and of the children that it has waited for. "fork-large" makes each batch twice, without pages and
 * then with many, and tells what the latter takes more. vcost run runs it natively and in a domain, in turns
 * with what is measured: what an operation takes longer there is its price. It has no C library, so that
 * every system call of it is one that stands here. */
#include "abi/prices.h"

#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE = 4096, OUT = 1 };

/* ---- system calls ---- */

static int64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static _Noreturn void end(int status)
{
    for (;;)
        call(__NR_exit_group, (uint64_t)status, 0, 0, 0, 0, 0);
}

static int64_t must(int64_t result)
{
    if (result < 0 && result > -PAGE)
        end(1);
    return result;
}

/* ---- clocks ---- */

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static uint64_t cpu_ns(void)
{
    enum { PROCESS_CLOCK = 2 };              /* CLOCK_PROCESS_CPUTIME_ID */
    const uint64_t of_children = UINT64_MAX; /* RUSAGE_CHILDREN */
    struct {
        int64_t seconds, ns;
    } own;
    struct {
        struct {
            int64_t seconds, us;
        } user, system;
        int64_t rest[14];
    } children;
    must(call(__NR_clock_gettime, PROCESS_CLOCK, (uintptr_t)&own, 0, 0, 0, 0));
    must(call(__NR_getrusage, of_children, (uintptr_t)&children, 0, 0, 0, 0));
    return (uint64_t)(own.seconds + children.user.seconds + children.system.seconds) * 1000000000 +
           (uint64_t)own.ns + (uint64_t)(children.user.us + children.system.us) * 1000;
}

/* ---- operations ---- */

static char *pages; /* as the operation wants them */

static void make_calls(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        call(__NR_getppid, 0, 0, 0, 0, 0, 0);
}

/* Of no file, after which the kernel does not look at the vector; a monitor does before. */
static void look(uint64_t count)
{
    const struct {
        const void *base;
        uint64_t bytes;
    } vector = {"", 0};
    for (uint64_t i = 0; i < count; i++)
        call(__NR_writev, UINT64_MAX, (uintptr_t)&vector, 1, 0, 0, 0);
}

static void yield(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        call(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void ask_number(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        call(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

static char *map_pages(uint64_t count)
{
    return (char *)(uintptr_t)must(
        call(__NR_mmap, 0, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0));
}

static void touch_pages(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, pages += PAGE)
        *(volatile char *)pages = 1;
}

static void raise_signals(uint64_t count)
{
    uint64_t process = (uint64_t)call(__NR_getpid, 0, 0, 0, 0, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        call(__NR_kill, process, SIGUSR1, 0, 0, 0, 0);
}

static void do_nothing(int number, void *info, struct ucontext *context)
{
    (void)number;
    (void)info;
    (void)context;
}

/* The instruction has three bytes, which the handler steps over. */
static void fault(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        __asm__ volatile("movb $1, (%%rax)" : : "a"((uint64_t)PRICES_NOWHERE) : "memory");
}

static void step_over(int number, void *info, struct ucontext *context)
{
    (void)number;
    (void)info;
    context->uc_mcontext.rip += 3;
}

static void fork_children(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int64_t child = must(call(__NR_fork, 0, 0, 0, 0, 0, 0));
        if (child == 0)
            end(0);
        must(call(__NR_wait4, (uint64_t)child, 0, 0, 0, 0, 0));
    }
}

/* The child has this stack, too, and leaves it alone. */
static void vfork_children(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int64_t child;
        __asm__ volatile("syscall\n"
                         "    test %%rax, %%rax\n"
                         "    jnz 1f\n"
                         "    mov $231, %%eax\n" /* exit_group */
                         "    xor %%edi, %%edi\n"
                         "    syscall\n"
                         "1:\n"
                         : "=a"(child)
                         : "a"(__NR_vfork)
                         : "rcx", "rdi", "r11", "memory");
        must(call(__NR_wait4, (uint64_t)must(child), 0, 0, 0, 0, 0));
    }
}

/* One that ends at once; the kernel clears its number then. */
static int64_t start_thread(char *stack_end, volatile int32_t *number)
{
    const uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                           CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    register uint64_t r10 __asm__("r10") = (uintptr_t)number, r8 __asm__("r8") = 0;
    int64_t result;
    __asm__ volatile("syscall\n"
                     "    test %%rax, %%rax\n"
                     "    jnz 1f\n"
                     "    mov $60, %%eax\n" /* exit */
                     "    xor %%edi, %%edi\n"
                     "    syscall\n"
                     "1:\n"
                     : "=a"(result)
                     : "a"(__NR_clone), "D"(flags), "S"(stack_end), "d"(number), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

static void start_threads(uint64_t count)
{
    static volatile int32_t number;
    for (uint64_t i = 0; i < count; i++) {
        must(start_thread(pages + PAGE, &number));
        for (int32_t seen; (seen = number) != 0;)
            call(__NR_futex, (uintptr_t)&number, FUTEX_WAIT, (uint64_t)seen, 0, 0, 0);
    }
}

static void map_and_unmap(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        must(call(
            __NR_munmap, (uintptr_t)map_pages(PRICES_MAPPED_PAGES), PRICES_MAPPED_PAGES * PAGE, 0, 0, 0, 0));
}

static void delay(uint64_t count)
{
    struct {
        int64_t seconds, ns;
    } time = {0, PRICES_DELAY_NS};
    for (uint64_t i = 0; i < count; i++)
        call(__NR_nanosleep, (uintptr_t)&time, 0, 0, 0, 0, 0);
}

static uint64_t began_at; /* ticks when its first instructions were executed */

static void nothing(uint64_t count)
{
    (void)count;
}

enum pages_wanted {
    NONE,
    ONE,
    FRESH,  /* one for each, not there yet */
    THERE,  /* one for each */
    TOUCHED /* many */
};

static const struct operation {
    const char *name;
    void (*make)(uint64_t count);
    enum pages_wanted pages;
    int signal; /* that `handler` is for; 0 */
    void (*handler)(int number, void *info, struct ucontext *context);
} operations[] = {
    {"call", make_calls, NONE, 0, NULL}, {"look", look, NONE, 0, NULL}, {"answer", ask_number, NONE, 0, NULL},
    {"retouch", touch_pages, THERE, 0, NULL}, /* pages that the host has, and the guest has not seen */
    {"touch", touch_pages, FRESH, 0, NULL}, {"signal", raise_signals, NONE, SIGUSR1, do_nothing},
    {"fault", fault, NONE, SIGSEGV, step_over}, {"fork", fork_children, NONE, 0, NULL},
    {"fork-large", fork_children, TOUCHED, 0, NULL}, {"vfork", vfork_children, NONE, 0, NULL},
    {"thread", start_threads, ONE, 0, NULL}, {"map", map_and_unmap, NONE, 0, NULL},
    {"delay", delay, NONE, 0, NULL}, {"yield", yield, NONE, 0, NULL},
    {"now", nothing, NONE, 0, NULL}, /* its ticks are those at its start */
};

/* ---- the whole ---- */

void return_from_signal(void);
__asm__("return_from_signal:\n"
        "    mov $15, %eax\n" /* rt_sigreturn */
        "    syscall\n");

static void prepare(const struct operation *operation, uint64_t count)
{
    enum { POPULATE = 23 /* MADV_POPULATE_WRITE */, SMALL = 15 /* MADV_NOHUGEPAGE */ };
    const struct {
        void (*handler)(int number, void *info, struct ucontext *context);
        uint64_t flags;
        void (*restorer)(void);
        uint64_t mask;
    } action = {operation->handler, 0x04000004 /* SA_RESTORER, SA_SIGINFO */, return_from_signal, 0};
    const uint64_t wanted = operation->pages == ONE       ? 1
                            : operation->pages == TOUCHED ? PRICES_FORKED_PAGES
                                                          : count,
                   bytes = wanted * PAGE;
    if (operation->pages != NONE) {
        pages = map_pages(wanted);
        call(__NR_madvise, (uintptr_t)pages, bytes, SMALL, 0, 0, 0);
    }
    if (operation->pages == ONE || operation->pages == THERE)
        must(call(__NR_madvise, (uintptr_t)pages, bytes, POPULATE, 0, 0, 0));
    if (operation->pages == TOUCHED)
        touch_pages(wanted);
    if (operation->signal)
        must(call(
            __NR_rt_sigaction, (uint64_t)operation->signal, (uintptr_t)&action, 0, sizeof action.mask, 0, 0));
}

static char *write_number(char *to, int64_t signed_number)
{
    char digits[20];
    unsigned count = 0;
    uint64_t number = (uint64_t)(signed_number < 0 ? -signed_number : signed_number);
    if (signed_number < 0)
        *to++ = '-';
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *to++ = digits[--count];
    return to;
}

struct taken {
    uint64_t ticks, cpu_ns;
};

static struct taken make_batch(const struct operation *operation, uint64_t count)
{
    const uint64_t cpu = cpu_ns(), began = ticks();
    operation->make(count);
    const uint64_t took = operation->make == nothing ? began_at : ticks() - began;
    return (struct taken){took, cpu_ns() - cpu};
}

static void run(const struct operation *operation, uint64_t count, uint64_t batches)
{
    enum { TWICE_MOST = 64 }; /* batches that can be made twice */
    const bool twice = operation->pages == TOUCHED;
    struct taken before[TWICE_MOST];
    char line[64], *at;
    if (twice && batches > TWICE_MOST)
        end(2);
    for (uint64_t i = 0; twice && i < batches; i++)
        before[i] = make_batch(operation, count);
    prepare(operation, count * batches);
    for (uint64_t i = 0; i < batches; i++) {
        const struct taken took = make_batch(operation, count),
                           less = twice ? before[i] : (struct taken){0, 0};
        at = write_number(line, (int64_t)(took.ticks - less.ticks));
        *at++ = ' ';
        at = write_number(at, (int64_t)(took.cpu_ns - less.cpu_ns));
        *at++ = '\n';
        must(call(__NR_write, OUT, (uintptr_t)line, (uint64_t)(at - line), 0, 0, 0));
    }
}

static uint64_t read_number(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = 10 * number + (uint64_t)(*text - '0');
    return number;
}

static int is_same(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        continue;
    return *a == *b;
}

/* What the kernel has put there: the number of words, then the words. Without any it ends at once. */
__attribute__((used)) static _Noreturn void begin(char **stack)
{
    enum { OPERATION = 2, COUNT, BATCHES, WORDS }; /* behind the number, and the program's name */
    began_at = ticks();
    if ((uintptr_t)stack[0] + 1 < WORDS)
        end(0);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (is_same(operations[i].name, stack[OPERATION])) {
            run(&operations[i], read_number(stack[COUNT]), read_number(stack[BATCHES]));
            end(0);
        }
    end(2);
}

__asm__(".globl _start\n"
        "_start:\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call begin\n");
