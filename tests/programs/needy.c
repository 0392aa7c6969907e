/* A program that needs one remedy, to be told by vcost advise:
 *
 * - needy tlb MIB ACCESSES: random accesses to so much memory of malloc's
 * - needy fault MIB TIMES: touches so much memory of malloc's and frees it, so often
 * - needy map MIB TIMES: the same of memory that it maps itself
 * - needy text LAPS: jumps around in 16 MiB of text
 * - needy churn BLOCKS TIMES: keeps so many blocks of malloc's of all sizes, and so often changes one
 * - needy threads N TIMES: does so N times, in N threads or in as many as OMP_NUM_THREADS says
 * - needy numa MIB TIMES: reads so much memory from all CPUs that it may use
 * - needy none ROUNDS: computes in registers
 * - needy crash | hang | fork | terminal | big MIB | moment | pid | status N | orphan | daemon N | gone |
 * lines N
 *
 * It writes one line, the same each time (but for pid). */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *state >> 20;
}

static uint64_t tlb(size_t mib, size_t accesses)
{
    size_t bytes = mib << 20;
    size_t count = bytes / sizeof(uint64_t) + 1;
    uint64_t *words = malloc(count * sizeof *words), state = 1, sum = 0;
    for (size_t i = 0; i < count; i++)
        words[i] = i;
    for (size_t i = 0; i < accesses; i++)
        sum += words[(next(&state) + (sum & 1)) % count]; /* each waits for the one before */
    free(words);
    return sum;
}

static uint64_t touch(volatile unsigned char *memory, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i += 4096) {
        memory[i] = (unsigned char)i + 1;
        sum += memory[i];
    }
    return sum;
}

static uint64_t fault(size_t mib, size_t times)
{
    size_t bytes = mib << 20;
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        unsigned char *memory = malloc(bytes);
        sum += touch(memory, bytes);
        free(memory);
    }
    return sum;
}

static uint64_t map(size_t mib, size_t times)
{
    size_t bytes = mib << 20;
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        sum += touch(memory, bytes);
        munmap(memory, bytes);
    }
    return sum;
}

/* A ring of 2048 jumps, one in every other page or so of 16 MiB, in an order that a full cycle of a linear
 * congruence gives. They are so few that a processor foresees them all, and has to translate as many pages.
 */
__asm__(".text\n"
        ".p2align 12\n"
        "ring:\n"
        ".set jump, 0\n"
        ".rept 2048\n"
        ".org ring + jump * 8256\n"
        ".if jump == 0\n"
        "    sub $1, %rdi\n"
        "    jb ring_end\n"
        ".endif\n"
        "    add $1, %rax\n"
        "    jmp ring + ((jump * 1229 + 577) & 2047) * 8256\n"
        ".set jump, jump + 1\n"
        ".endr\n"
        ".org ring + 2048 * 8256\n"
        "ring_end:\n"
        "    ret\n"
        "ring_start:\n"
        "    xor %eax, %eax\n"
        "    jmp ring\n");
uint64_t ring_start(uint64_t laps);

static uint64_t text(size_t laps, size_t unused)
{
    (void)unused;
    return ring_start(laps);
}

/* Sizes that malloc of glibc keeps in lists to be searched. */
static uint64_t churn(size_t blocks, size_t times)
{
    uint64_t state = 1, sum = 0;
    unsigned char **kept = calloc(blocks + 1, sizeof *kept);
    for (size_t i = 0; i < times; i++) {
        unsigned char **block = &kept[next(&state) % (blocks + 1)];
        sum += *block ? **block : 0;
        free(*block);
        if ((*block = malloc(1100 + next(&state) % 8000)))
            **block = (unsigned char)i;
    }
    for (size_t i = 0; i <= blocks; i++)
        free(kept[i]);
    free(kept);
    return sum;
}

static void *churn_in_thread(void *times)
{
    churn(100, *(size_t *)times);
    return NULL;
}

static uint64_t threads(size_t count, size_t times)
{
    enum { MOST = 16 };
    pthread_t all[MOST];
    const char *told = getenv("OMP_NUM_THREADS");
    size_t wanted = told ? strtoul(told, NULL, 10) : count, started = 0;
    times = times * count / (wanted ? wanted : 1);
    while (started < wanted && started < MOST &&
           pthread_create(&all[started], NULL, churn_in_thread, &times) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(all[i], NULL);
    return count;
}

/* One thread on each CPU reads its part of memory that one thread has touched. What an emulator does not
 * have, a distance between nodes, is made up: a page of another node is read over and over. */
struct part {
    unsigned cpu;
    unsigned char *memory;
    size_t bytes, times;
    uint64_t sum;
};

static void *read_part(void *context)
{
    enum { PAGE = 4096, FARTHER = 20, NODE_OF_ADDRESS = 3 };
    struct part *part = context;
    unsigned here = 0, cpu;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(part->cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    syscall(SYS_getcpu, &cpu, &here, NULL);
    for (size_t i = 0; i < part->bytes; i += PAGE) {
        int node = (int)here;
        syscall(SYS_get_mempolicy, &node, NULL, 0, part->memory + i, NODE_OF_ADDRESS);
        size_t times = part->times * (node == (int)here ? 1 : FARTHER);
        for (size_t k = 0; k < times * PAGE / 64; k++)
            part->sum += *(volatile unsigned char *)&part->memory[i + k * 64 % PAGE] / times;
    }
    return NULL;
}

static uint64_t numa(size_t mib, size_t times)
{
    enum { MOST = 16 };
    pthread_t all[MOST];
    struct part parts[MOST];
    size_t bytes = mib << 20, count = 0;
    cpu_set_t set;
    unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    touch(memory, bytes);
    sched_getaffinity(0, sizeof set, &set);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < MOST; cpu++)
        if (CPU_ISSET(cpu, &set))
            parts[count++] = (struct part){.cpu = cpu, .times = times};
    for (size_t i = 0; i < count; i++) {
        parts[i].memory = memory + bytes / count / 4096 * 4096 * i;
        parts[i].bytes = bytes / count / 4096 * 4096;
        pthread_create(&all[i], NULL, read_part, &parts[i]);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(all[i], NULL);
    return mib;
}

static uint64_t none(size_t rounds, size_t unused)
{
    (void)unused;
    uint64_t state = 1, sum = 0;
    for (size_t i = 0; i < rounds; i++)
        sum ^= next(&state);
    return sum;
}

static uint64_t forks(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    int first = 0, second = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(1);
    waitpid(child, &first, 0);
    if ((child = vfork()) == 0) /* NOLINT: it is what is tried */
        _exit(2);
    waitpid(child, &second, 0);
    return (uint64_t)(WEXITSTATUS(first) + WEXITSTATUS(second));
}

static uint64_t crash(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return (uint64_t)raise(SIGSEGV);
}

static uint64_t hang(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return (uint64_t)pause();
}

static uint64_t pid(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return (uint64_t)getpid();
}

/* Does something else where something is preloaded. */
static uint64_t preloaded(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    return getenv("LD_PRELOAD") ? 1 : 0;
}

/* So many that leave the session and the process group, and end by themselves only if nobody ends them. */
static uint64_t daemons(size_t count, size_t unused)
{
    enum { SECONDS = 300 };
    (void)unused;
    for (size_t i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            setsid();
            if (fork() == 0)
                sleep(SECONDS);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    return count;
}

/* Leaves a process that ends by itself, and waits until there is no trace of it. */
static uint64_t gone(size_t unused, size_t unused_too)
{
    (void)unused;
    (void)unused_too;
    int ends[2];
    pid_t left = 0;
    if (pipe(ends))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        left = fork();
        if (left > 0 && write(ends[1], &left, sizeof left) == sizeof left)
            _exit(0);
        usleep(5000);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    if (read(ends[0], &left, sizeof left) != sizeof left)
        return 1;
    while (kill(left, 0) == 0)
        usleep(100);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    size_t first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0,
           second = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    uint64_t sum = 0;
    static const struct {
        const char *name;
        uint64_t (*run)(size_t first, size_t second);
    } kinds[] = {{"tlb", tlb}, {"fault", fault}, {"map", map}, {"text", text}, {"none", none},
        {"churn", churn}, {"threads", threads}, {"numa", numa}, {"fork", forks}, {"crash", crash},
        {"hang", hang}, {"pid", pid}, {"preloaded", preloaded}, {"daemon", daemons}, {"gone", gone}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(what, kinds[i].name))
            sum = kinds[i].run(first, second);
    if (!strcmp(what, "orphan") && fork() == 0)
        pause();
    else if (!strcmp(what, "terminal") && !isatty(0)) {
        fprintf(stderr, "needy: stdin is no terminal\n");
        return 1;
    } else if (!strcmp(what, "big")) {
        static char piece[1 << 20];
        for (size_t i = 0; i < first; i++)
            fwrite(piece, 1, sizeof piece, stdout);
    }
    printf("%llu\n", (unsigned long long)sum);
    return !strcmp(what, "status") ? (int)first : 0;
}
