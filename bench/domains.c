/* Domains that are saved and restored, against what each costs at the least, in turns in one run: the median
 * of the ratio, or the difference, of each pair.
 *
 *     domains [ROUNDS [MIB]]      20 rounds of 1024 MiB; files go to /dev/shm */
#include "base/size.h"
#include "domain/probe.h"
#include "domain/saved/cpu_record.h"
#include "domain/saved/restore.h"
#include "measure/statistics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 200 };

static const char path[] = "/dev/shm/vcost-bench.domain";
static uint64_t bytes = GIB;
static struct monitor_facts facts;
static struct portable *source;
static int file = -1;

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
    fprintf(stderr, "domains: %s\n", error->text);
    exit(error->code == ENOTSUP ? 77 : 1);
}

/* ---- a domain of 1 GiB, all of it used ---- */

static void make_source(void)
{
    struct portable_plan plan = {
        .name = "bench", .monitor = "kvm", .memory_bytes = bytes, .cpus = 1, .ticks_per_second = 1e9};
    struct error error;
    domain_probe(monitor_at(0), &facts);
    if (!facts.usable) {
        fprintf(stderr, "domains: %s\n", facts.reason);
        exit(77);
    }
    must(portable_create(&plan, monitor_at(0), &facts, &source, &error), &error);
    must(portable_resume(source, &error), &error);
    usleep(100000);
    must(portable_pause(source, &error), &error);
}

static double save(void)
{
    struct stored stored = {.plan = *portable_plan(source)};
    struct error error;
    if (file >= 0)
        close(file);
    unlink(path);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    double begun = now_ms();
    stored_moment_now(&stored.moment);
    must(portable_save(source, &stored.state, &error), &error);
    must(cpu_record_add_host(&stored.state, &error), &error);
    must(stored_write(file, &stored, portable_memory(source), &error), &error);
    double took = now_ms() - begun;
    stored_free(&stored);
    return took;
}

static double plain_write(void)
{
    static const char plain[] = "/dev/shm/vcost-bench.plain";
    int fd = open(plain, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const char *memory = portable_memory(source);
    double begun = now_ms();
    for (uint64_t at = 0; at < bytes; at += 2 * MIB)
        if (pwrite(fd, memory + at, 2 * MIB, (off_t)at) != 2 * MIB)
            exit(1);
    double took = now_ms() - begun;
    close(fd);
    unlink(plain);
    return took;
}

/* ---- from the file ---- */

static double restore(bool lazy)
{
    const struct restore_request request = {.fd = file, .lazy = lazy, .monitor = monitor_at(0)};
    struct restored restored;
    struct error error;
    double begun = now_ms();
    must(restore_open(&request, &restored, &error), &error);
    must(portable_resume(restored.portable, &error), &error);
    if (lazy)
        must(portable_pause(restored.portable, &error),
            &error); /* its first exit, as the floor's: by a kick */
    double took = now_ms() - begun;
    restore_close(&restored);
    return took;
}

static double restore_lazily(void)
{
    return restore(true);
}

static double restore_fully(void)
{
    return restore(false);
}

static double plain_read(void)
{
    struct memory memory;
    struct error error;
    double begun = now_ms();
    must(portable_map_memory(bytes, monitor_at(0), &memory, &error), &error);
    for (uint64_t at = 0; at < bytes; at += 2 * MIB)
        if (pread(file, (char *)memory.base + at, 2 * MIB, (off_t)at) != 2 * MIB)
            exit(1);
    double took = now_ms() - begun;
    memory_unmap(&memory);
    return took;
}

/* A VM, a virtual CPU, the file mapped as its memory, and its first exit. */
static double floor_of_lazy(void)
{
    static const struct vm_config config;
    const struct monitor_ops *kvm = monitor_at(0);
    struct vm *vm;
    struct vcpu *vcpu;
    struct vm_exit left;
    struct error error;
    double begun = now_ms();
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 2 * MIB);
    const struct backing backing = backing_private(memory, bytes);
    must(kvm->create(&config, &vm, &error), &error);
    must(kvm->region(vm, 0, GPA(0), &backing, 0, &error), &error);
    must(kvm->vcpu(vm, 0, &vcpu, &error), &error);
    kvm->kick(vcpu);
    must(kvm->enter(vcpu, &left, &error), &error);
    double took = now_ms() - begun;
    kvm->destroy(vm);
    munmap(memory, bytes);
    return took;
}

/* ---- in turns ---- */

static const struct row {
    const char *what;
    double (*run)(void), (*least)(void);
    double times, more_ms; /* the target: at most so many times the floor, or so much more than it */
} rows[] = {
    {"domain save / plain write", save, plain_write, 1 / 0.8, 0},
    {"full restore / plain read", restore_fully, plain_read, 1 / 0.8, 0},
    {"restore --lazy, beyond VM, mapping and exit", restore_lazily, floor_of_lazy, 0, 0.5},
};

static const char *judge(struct estimate found, double target)
{
    return found.high <= target ? "met" : found.low > target ? "missed" : "cannot tell";
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    bytes = argc > 2 ? (uint64_t)atoi(argv[2]) * MIB : GIB;
    rounds = rounds < 3 ? 3 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    make_source();
    save();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        double took[ROUNDS_MAX], least[ROUNDS_MAX], figure[ROUNDS_MAX];
        for (int round = 0; round < rounds; round++) {
            least[round] = row->least();
            took[round] = row->run();
            figure[round] = row->times > 0 ? took[round] / least[round] : took[round] - least[round];
        }
        struct estimate found =
            (row->times > 0 ? statistics_estimate : statistics_difference)(figure, (size_t)rounds);
        double target = row->times > 0 ? row->times : row->more_ms;
        const char *unit = row->times > 0 ? "x" : " ms";
        printf("%s\tat most %.2f%s\t%.2f%s (%.2f ... %.2f)\t%d in turns, medians %.2f and %.2f ms\t%s\n",
            row->what, target, unit, found.median, unit, found.low, found.high, rounds,
            statistics_median(took, (size_t)rounds), statistics_median(least, (size_t)rounds),
            judge(found, target));
        fflush(stdout);
    }
    portable_destroy(source);
    unlink(path);
    return 0;
}
