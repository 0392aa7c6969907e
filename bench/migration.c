/* Domains that move from one thread of this process to another through a socket, against what each costs at
 * the least, in turns in one run.
 *
 *     migration [ROUNDS [MIB [WHAT]]]      20 rounds of 1024 MiB; downtime, copy, streams; without: all */
#include "base/size.h"
#include "domain/moved/receive.h"
#include "domain/moved/send.h"
#include "domain/probe.h"
#include "fresh.h"
#include "measure/clock.h"
#include "row.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 200, PAGE = WIRE_PAGE_BYTES };

static uint64_t bytes = GIB;
static int rounds = 20;
static const uint64_t rate = 100000000; /* bytes of pages a second that the writer makes dirty */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void must(int rc, const struct error *error)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "migration: %s\n", error->text);
    exit(error->code == ENOTSUP ? 77 : 1);
}

static void must_move(int fd, void *data, size_t count, ssize_t (*move)(int, void *, size_t))
{
    for (size_t done = 0; done < count;) {
        ssize_t now = move(fd, (char *)data + done, count - done);
        if (now <= 0)
            exit(1);
        done += (size_t)now;
    }
}

static ssize_t give(int fd, void *data, size_t count)
{
    return write(fd, data, count);
}

static struct portable *make_domain(enum portable_workload workload)
{
    struct portable_plan plan = {.name = "bench",
        .monitor = "kvm",
        .workload = workload,
        .memory_bytes = bytes,
        .cpus = 1,
        .rate = workload == PORTABLE_WRITER ? rate : 0};
    struct monitor_facts facts;
    struct portable *portable;
    struct clock clock;
    struct error error;
    domain_probe(monitor_at(0), &facts);
    if (!facts.usable) {
        fprintf(stderr, "migration: %s\n", facts.reason);
        exit(77);
    }
    must(clock_calibrate(&clock, &error), &error);
    plan.ticks_per_second = clock.ticks_per_ns * 1e9;
    must(portable_create(&plan, monitor_at(0), &facts, NULL, &portable, &error), &error);
    return portable;
}

/* ---- one migration ---- */

struct destination {
    struct receiving receiving;
    int links[WIRE_STREAMS_MAX];
    unsigned streams, come;
    bool runs;
    pthread_t thread;
};

static int next_link(void *context, const struct stop *stop, int *link, struct error *error)
{
    struct destination *to = context;
    (void)stop;
    if (to->come == to->streams)
        return error_set(error, EPROTO, "a stream too many");
    *link = to->links[to->come++];
    return 0;
}

static void *receive(void *context)
{
    struct destination *to = context;
    const struct restore_request request = {.fd = -1, .monitor = monitor_at(0)};
    const struct receiving_hooks hooks = {.context = to, .accept = to->streams > 1 ? next_link : NULL};
    struct error error;
    to->come = 1;
    must(receiving_open(&to->receiving, to->links[0], to->links[0], &request, &hooks, &error), &error);
    must(receiving_take_over(&to->receiving, &error), &error);
    if (to->runs)
        must(portable_resume(to->receiving.restored.portable, &error), &error);
    receiving_started(&to->receiving);
    return NULL;
}

static struct moved_told migrate(struct portable *from, struct destination *to, bool runs, unsigned streams)
{
    const struct moving_request request = {.streams = streams, .max_downtime = 0.03, .version = "bench"};
    struct moving moving;
    struct moved_told told;
    struct error error;
    int ends[2];
    *to = (struct destination){.streams = streams, .runs = runs};
    moving_init(&moving, from, &request);
    for (unsigned i = 0; i < streams; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
            exit(1);
        moving.request.links[i] = ends[0];
        to->links[i] = ends[1];
    }
    pthread_create(&to->thread, NULL, receive, to);
    must(moving_run(&moving, &error), &error);
    pthread_join(to->thread, NULL);
    moving_look(&moving, &told);
    for (unsigned i = 0; i < streams; i++)
        close(moving.request.links[i]);
    close(to->links[0]); /* the others are the destination's */
    return told;
}

/* ---- the least that a downtime can be ---- */

struct least {
    struct portable *to; /* parked, with a memory that is as the source's once was */
    int link;
    size_t state_bytes, pass_bytes;
};

static void *take_least(void *context)
{
    const struct least *least = context;
    struct machine_state state = {.count = 0};
    const struct state_pause pause = {.ticks = 0};
    struct error error;
    char *text = malloc(least->state_bytes);
    must_move(least->link, (char *)portable_memory(least->to) + bytes / 2, least->pass_bytes, read);
    must_move(least->link, text, least->state_bytes, read);
    must(stored_state_read(text, least->state_bytes, &state, &error), &error);
    must(portable_restore(least->to, &state, &pause, &error), &error);
    must(portable_resume(least->to, &error), &error);
    must(portable_pause(least->to, &error), &error); /* its first exit, by a kick */
    must_move(least->link, &(char){1}, 1, give);
    machine_state_free(&state);
    free(text);
    return NULL;
}

/* State out and in, the last pass's bytes through such a socket, the first exit. */
static double least_downtime(struct portable *from, struct portable *to, uint64_t pages)
{
    struct machine_state state = {.count = 0};
    struct error error;
    pthread_t thread;
    int ends[2];
    char answer;
    must(portable_save(from, &state, &error), &error);
    struct least least = {.to = to, .state_bytes = stored_state_bytes(&state), .pass_bytes = pages * PAGE};
    machine_state_free(&state);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        exit(1);
    least.link = ends[1];
    pthread_create(&thread, NULL, take_least, &least);
    usleep(2000); /* it waits */
    double begun = now_ms();
    must_move(ends[0], (char *)portable_memory(from) + bytes / 2, least.pass_bytes, give);
    state = (struct machine_state){.count = 0};
    must(portable_save(from, &state, &error), &error);
    char *text = stored_state_write(&state);
    must_move(ends[0], text, least.state_bytes, give);
    must_move(ends[0], &answer, 1, read);
    double took = now_ms() - begun;
    pthread_join(thread, NULL);
    free(text);
    machine_state_free(&state);
    close(ends[0]);
    close(ends[1]);
    return took;
}

static void tell(const char *what, double target, const char *unit, struct estimate found, const char *from)
{
    char limit[32] = "-";
    if (!isinf(target))
        snprintf(limit, sizeof limit, "at most %.2f%s", target, unit);
    printf("%s\t%s\t%.2f%s (%.2f ... %.2f)\t%s\t%s\n", what, limit, found.median, unit, found.low, found.high,
        from,
        isinf(target)          ? "-"
        : found.high <= target ? "met"
        : found.low > target   ? "missed"
                               : "cannot tell");
    fflush(stdout);
}

/* The domain goes to and fro; each time the floor is taken of the source that is left. */
static void bench_downtime(void)
{
    double net[ROUNDS_MAX], floors[ROUNDS_MAX], over[ROUNDS_MAX], stopping[ROUNDS_MAX];
    static struct destination ends[2];
    struct portable *from = make_domain(PORTABLE_WRITER), *first = from;
    struct memory memory;
    struct portable *to;
    struct error error;
    char parts[200];
    double sums[5][ROUNDS_MAX];
    must(portable_resume(from, &error), &error);
    usleep(500000);
    must(portable_map_memory(bytes, monitor_at(0), NULL, &memory, &error), &error);
    must(portable_pause(from, &error), &error);
    memcpy(memory.base, portable_memory(from), bytes);
    must(portable_open(portable_plan(from), monitor_at(0), portable_backing(&memory), NULL, &to, &error),
        &error);
    must(portable_resume(from, &error), &error);
    for (int round = 0; round < rounds; round++) {
        struct destination *there = &ends[round % 2];
        const struct moved_told told = migrate(from, there, true, 1);
        const double found[] = {
            told.last_pass_ms, told.state_ms, told.send_ms, told.create_ms, told.start_ms};
        for (int i = 0; i < 5; i++)
            sums[i][round] = found[i];
        stopping[round] = told.stopping_ms;
        net[round] = told.downtime_ms - told.stopping_ms;
        floors[round] = least_downtime(from, to, told.last_pages);
        over[round] = net[round] / floors[round];
        if (from == first)
            portable_destroy(from);
        else
            receiving_close(&ends[1 - round % 2].receiving);
        from = there->receiving.restored.portable;
    }
    receiving_close(&ends[(rounds - 1) % 2].receiving);
    portable_destroy(to);
    memory_unmap(&memory);
    const size_t count = (size_t)rounds;
    snprintf(parts, sizeof parts,
        "%d: last pass %.2f, state %.2f, sending %.2f, creating %.2f, starting %.2f", rounds,
        statistics_median(sums[0], count), statistics_median(sums[1], count),
        statistics_median(sums[2], count), statistics_median(sums[3], count),
        statistics_median(sums[4], count));
    tell("downtime without stopping, writer 100 MB/s", 3, " ms", statistics_difference(net, count), parts);
    snprintf(parts, sizeof parts, "%d in turns, floor %.2f ms", rounds, statistics_median(floors, count));
    tell("the same / state, last pass, first exit", 2, "x", statistics_estimate(over, count), parts);
    snprintf(parts, sizeof parts, "%d", rounds);
    tell("stopping", INFINITY, " ms", statistics_difference(stopping, count), parts);
}

/* ---- memory of a domain that stands still ---- */

static void *read_plainly(void *context)
{
    struct memory memory;
    struct error error;
    must(portable_map_memory(bytes, monitor_at(0), NULL, &memory, &error), &error);
    for (uint64_t at = 0; at < bytes; at += 2 * MIB)
        must_move(*(int *)context, (char *)memory.base + at, 2 * MIB, read);
    must_move(*(int *)context, &(char){1}, 1, give);
    memory_unmap(&memory);
    return NULL;
}

/* By the clock and by the CPU, of both ends: the second varies less on a machine that others use. */
struct took {
    double ms, cpu_ms;
};

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct took copy_plainly(struct portable *from)
{
    pthread_t thread;
    int ends[2];
    char answer;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        exit(1);
    fresh_at_hand(bytes);
    const struct took begun = {now_ms(), cpu_ms()};
    pthread_create(&thread, NULL, read_plainly, &ends[1]);
    for (uint64_t at = 0; at < bytes; at += 2 * MIB)
        must_move(ends[0], (char *)portable_memory(from) + at, 2 * MIB, give);
    must_move(ends[0], &answer, 1, read);
    const struct took took = {now_ms() - begun.ms, cpu_ms() - begun.cpu_ms};
    pthread_join(thread, NULL);
    close(ends[0]);
    close(ends[1]);
    return took;
}

/* A domain that stands still. */
static struct took copy_migrating(struct portable *from, unsigned streams)
{
    static struct destination there;
    struct error error;
    fresh_at_hand(bytes);
    const double begun = cpu_ms();
    const double ms = migrate(from, &there, false, streams).seconds * 1e3;
    const struct took took = {ms, cpu_ms() - begun};
    must(portable_log(from, false, &error), &error);
    receiving_close(&there.receiving);
    return took;
}

/* A chase's memory has no page of zeros. Each round: plain, migrated, migrated, plain, so that what changes
 * slowly falls on both. */
static void bench_copy(void)
{
    double took[ROUNDS_MAX], least[ROUNDS_MAX], over[ROUNDS_MAX], cpu[ROUNDS_MAX];
    struct portable *from = make_domain(PORTABLE_CHASE);
    const size_t count = (size_t)rounds;
    char from_what[120];
    for (int round = 0; round < rounds; round++) {
        const struct took plain = copy_plainly(from), moved = copy_migrating(from, 1);
        const struct took again = copy_migrating(from, 1), last = copy_plainly(from);
        took[round] = moved.ms + again.ms;
        least[round] = plain.ms + last.ms;
        over[round] = took[round] / least[round];
        cpu[round] = (moved.cpu_ms + again.cpu_ms) / (plain.cpu_ms + last.cpu_ms);
    }
    portable_destroy(from);
    snprintf(from_what, sizeof from_what, "%d times two in turns, medians %.0f and %.0f ms", rounds,
        statistics_median(took, count) / 2, statistics_median(least, count) / 2);
    row_tell("idle migration / plain copy through the socket", 1 / 0.8, statistics_estimate(over, count),
        from_what);
    row_tell("the same, CPU time of both ends", INFINITY, statistics_estimate(cpu, count), from_what);
}

static void bench_streams(void)
{
    static const unsigned counts[] = {2, 4};
    double one[ROUNDS_MAX], over[2][ROUNDS_MAX];
    struct portable *from = make_domain(PORTABLE_CHASE);
    for (int round = 0; round < rounds; round++) {
        one[round] = copy_migrating(from, 1).ms;
        for (size_t i = 0; i < 2; i++)
            over[i][round] = copy_migrating(from, counts[i]).ms / one[round];
    }
    portable_destroy(from);
    for (size_t i = 0; i < 2; i++) {
        char what[60], from_what[60];
        snprintf(what, sizeof what, "idle migration by %u streams / by one", counts[i]);
        snprintf(from_what, sizeof from_what, "%d in turns, one: median %.0f ms", rounds,
            statistics_median(one, (size_t)rounds));
        row_tell(what, INFINITY, statistics_estimate(over[i], (size_t)rounds), from_what);
    }
}

int main(int argc, char **argv)
{
    rounds = argc > 1 ? atoi(argv[1]) : rounds;
    rounds = rounds < 3 ? 3 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    bytes = argc > 2 ? (uint64_t)atoi(argv[2]) * MIB : GIB;
    static const struct {
        const char *name;
        void (*run)(void);
    } benches[] = {{"downtime", bench_downtime}, {"copy", bench_copy}, {"streams", bench_streams}};
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++)
        if (argc < 4 || !strcmp(argv[3], benches[i].name))
            benches[i].run();
    return 0;
}
