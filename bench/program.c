/* `vcost run`: what a program in a domain takes, over the same natively or over what it must take at the
 * least, in turns in one run. Rows (bench/README.md):
 *
 *     program STEADY [ROUNDS]       STEADY: build/bench/steady; 20 rounds */
#include "bare.h"
#include "domain/memory.h"
#include "domain/user.h"
#include "measure/clock.h"
#include "monitor/kvm/kvm.h"
#include "program/guest.h"
#include "program/run.h"
#include "program/unnamed.h"
#include "row.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS_MAX = 200, CALLS = 300, PAGE = 4096 };

static struct guest_start start;
static char prices[32];
static struct clock clocks;
static int rounds = 20;

static void must(int rc, const struct error *error)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "program: %s\n", error->text);
    exit(error->code == ENOTSUP ? 77 : 1);
}

static void run(const char *const *words, bool inside, struct run_end *end, char *out, size_t out_bytes)
{
    const struct conditions conditions = {.variable_count = 0};
    const struct run_limits limits = {.seconds = 120, .marks = true, .kept = out, .kept_bytes = out_bytes};
    const char **guest = inside ? guest_start_words(&start, words) : NULL;
    const struct program program = {.words = inside ? guest : words};
    struct error error;
    if (inside)
        guest_start_begin(&start);
    must(program_run(&program, &conditions, &limits, end, &error), &error);
    if (inside)
        guest_start_end(&start);
    free(guest);
    if (end->status) {
        fprintf(stderr, "program: %s did not end well: %s\n", words[0], end->said);
        exit(1);
    }
}

static void tell(const char *what, double target, double *ratios)
{
    char repetitions[48];
    snprintf(repetitions, sizeof repetitions, "%d pairs", rounds);
    row_tell(what, target, statistics_estimate(ratios, (size_t)rounds), repetitions);
}

/* ---- a system call ---- */

/* syscall; jmp: in a domain of its own, for whoever answers nothing and lets it go on. */
static struct domain *domain;
static struct domain_cpu *cpu;
static struct domain_user user;

static void make_stub_loop(void)
{
    static const unsigned char code[] = {0x0f, 0x05, 0xeb, 0xfc};
    const struct domain_config config = {
        .monitor = &monitor_kvm, .program = true, .host_clock = true, .spare_tables = 64};
    const struct domain_mode mode = {.cr4 = 0};
    struct error error;
    char *page = mmap(
        (void *)0x200000000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    struct guest_region region = {.backing = backing_private(page, PAGE)};
    memcpy(page, code, sizeof code);
    must(domain_create(&config, &domain, &error), &error);
    must(domain_add_region(domain, &region, &error), &error);
    must(domain_map(domain, gva_same_as(page), region.start, PAGE, PAGE, PAGE_READ | PAGE_EXECUTE | PAGE_USER,
             &error),
        &error);
    cpu = domain_first_cpu(domain);
    must(domain_user_open(cpu, &mode, &error), &error);
    user.registers.rip = (uintptr_t)page;
}

static double stub_exit(void)
{
    static double each[CALLS];
    struct domain_left left;
    struct error error;
    for (int i = 0; i < CALLS; i++) {
        uint64_t began = clock_ticks();
        must(domain_user_run(cpu, &user, &left, &error), &error);
        each[i] = (double)(clock_ticks() - began);
        user = left.user;
        if (left.kind != LEFT_SYSCALL)
            exit(1);
    }
    return statistics_median(each, CALLS);
}

/* Each a batch of its own, so that there is a median of single calls. */
static double forwarded_call(void)
{
    static double each[CALLS];
    static char text[CALLS * 48];
    const char *const words[] = {prices, "call", "1", "300", NULL};
    struct run_end end;
    int count = 0;
    run(words, true, &end, text, sizeof text - 1);
    text[end.kept_length] = '\0';
    for (char *at = text; count < CALLS && sscanf(at, "%lf", &each[count]) == 1; count++)
        at = strchr(at, '\n') + 1;
    return statistics_median(each, (size_t)count);
}

static double exit_ticks; /* of one by SYSCALL */

static void compare_calls(void)
{
    double ratios[ROUNDS_MAX], stubs[ROUNDS_MAX];
    make_stub_loop();
    for (int i = 0; i < rounds; i++) {
        stubs[i] = stub_exit();
        ratios[i] = forwarded_call() / stubs[i];
    }
    exit_ticks = statistics_median(stubs, (size_t)rounds);
    domain_destroy(domain);
    tell("a forwarded system call over an exit by SYSCALL", 1.15, ratios);
}

/* ---- start to main ---- */

static double until_main(const char *const *words, bool inside)
{
    char text[64];
    struct run_end end;
    uint64_t began = clock_ticks();
    run(words, inside, &end, text, sizeof text - 1);
    text[end.kept_length] = '\0';
    return (double)(strtoull(text, NULL, 10) - began);
}

/* In a process of its own, at whose end the virtual machine goes. */
static double bare_domain(void)
{
    int ends[2];
    uint64_t took = 0;
    if (pipe(ends) < 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        struct entry entry;
        uint64_t began = clock_ticks();
        const char *failed = bare_enter(&entry, 1);
        took = entry.after - began;
        _exit(failed || write(ends[1], &took, sizeof took) != sizeof took);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &took, sizeof took) != sizeof took)
        exit(1);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return (double)took;
}

/* The exits until there, all by SYSCALL but for the odd one, are the domain's, too; `after`: what it leaves
 * the guest for later. */
static void compare_start(const char *to, const char *const *words, uint64_t after)
{
    double ratios[ROUNDS_MAX], floors[ROUNDS_MAX], guests[ROUNDS_MAX];
    uint64_t exits = 0;
    char what[160];
    for (int i = 0; i < rounds; i++) {
        floors[i] = until_main(words, false) + bare_domain();
        guests[i] = until_main(words, true);
        exits = start.tally->exits > after ? start.tally->exits - after : 0;
        floors[i] += (double)exits * exit_ticks;
        ratios[i] = guests[i] / floors[i];
    }
    snprintf(what, sizeof what,
        "start to %s, %.1f ms, over natively, a bare domain and %" PRIu64 " exits, %.1f ms", to,
        clock_ns(&clocks, (uint64_t)statistics_median(guests, (size_t)rounds)) / 1e6, exits,
        clock_ns(&clocks, (uint64_t)statistics_median(floors, (size_t)rounds)) / 1e6);
    tell(what, 1.5, ratios);
}

/* ---- steady states ---- */

static const char sqlite_loop[] =
    "import os, sqlite3\n"
    "base = sqlite3.connect(':memory:')\n"
    "base.execute('create table t(k integer primary key, v)')\n"
    "base.executemany('insert into t values(?, ?)', ((i, hex(i)) for i in range(200000)))\n"
    "mark = int(os.environ['VCOST_STEADY'])\n"
    "os.write(mark, b'b')\n"
    "for i in range(1000000):\n"
    "    base.execute('select v from t where k = ?', (i * 7919 % 200000,)).fetchone()\n"
    "os.write(mark, b'e')\n";

static double steady(const char *const *words, bool inside)
{
    struct run_end end;
    run(words, inside, &end, NULL, 0);
    return end.steady_seconds;
}

static void compare_steady(const char *what, const char *const *words)
{
    double ratios[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        double first = steady(words, i % 2), second = steady(words, !(i % 2));
        ratios[i] = i % 2 ? first / second : second / first;
    }
    tell(what, 1.02, ratios);
}

static void compare_threads(const char *program)
{
    const char *const one[] = {program, "gups", "1", NULL}, *const two[] = {program, "gups", "2", NULL};
    double ratios[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++)
        ratios[i] = steady(two, true) / steady(one, true) / (steady(two, false) / steady(one, false));
    tell("two threads over one, in a domain over natively", 1.05, ratios);
}

int main(int count, char **words)
{
    int executable;
    struct error error;
    if (count < 2) {
        fprintf(stderr, "usage: program STEADY [ROUNDS]\n");
        return 2;
    }
    if (count > 2)
        rounds = atoi(words[2]) < 2 ? 2 : atoi(words[2]) > ROUNDS_MAX ? ROUNDS_MAX : atoi(words[2]);
    must(clock_calibrate(&clocks, &error), &error);
    must(guest_start_open(&start, &error), &error);
    must(unnamed_open(UNNAMED_PRICES, &executable, &error), &error);
    fcntl(executable, F_SETFD, 0);
    snprintf(prices, sizeof prices, "/proc/self/fd/%d", executable);
    compare_calls();
    compare_start("main", (const char *const[]){words[1], "now", NULL}, 2 /* write and exit_group */);
    compare_start("a program without a C library", (const char *const[]){prices, "now", "1", "1", NULL},
        UINT64_MAX /* all of them */);
    compare_steady(
        "steady state of GUPS over 256 MiB, over natively", (const char *const[]){words[1], "gups", NULL});
    compare_steady("steady state of a B-tree of 4 M keys, over natively",
        (const char *const[]){words[1], "btree", NULL});
    compare_steady("steady state of an sqlite loop, over natively",
        (const char *const[]){"/usr/bin/python3", "-c", sqlite_loop, NULL});
    compare_threads(words[1]);
    guest_start_close(&start);
    return 0;
}
