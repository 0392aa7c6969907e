/* Domains that are saved and restored, against what each costs at the least, in turns in one run: the median
 * of the ratio, or the difference, of each pair.
 *
 *     domains [ROUNDS [MIB [ROW]]]      20 rounds of 1024 MiB; rows with such a word; files go to /dev/shm */
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 200, CLONES = 10 };

static const char path[] = "/dev/shm/vcost-bench.domain";
static uint64_t bytes = GIB;
static struct monitor_facts facts;
static struct portable *source;
static int file = -1;

/* What something took, by the clock and by the CPU: where other programs run, the second tells more. */
struct took {
    double ms, cpu_ms;
};

static double clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct took now(void)
{
    return (struct took){clock_ms(CLOCK_MONOTONIC), clock_ms(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct took since(struct took begun)
{
    struct took end = now();
    return (struct took){end.ms - begun.ms, end.cpu_ms - begun.cpu_ms};
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
    must(portable_create(&plan, monitor_at(0), &facts, NULL, &source, &error), &error);
    must(portable_resume(source, &error), &error);
    usleep(100000);
    must(portable_pause(source, &error), &error);
}

static struct took save(void)
{
    struct stored stored = {.plan = *portable_plan(source)};
    struct error error;
    if (file >= 0)
        close(file);
    unlink(path);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct took begun = now();
    stored_moment_now(&stored.moment);
    must(portable_save(source, &stored.state, &error), &error);
    must(cpu_record_add_host(&stored.state, &error), &error);
    must(stored_write(file, &stored, portable_memory(source), &error), &error);
    struct took took = since(begun);
    stored_free(&stored);
    return took;
}

static struct took plain_write(void)
{
    static const char plain[] = "/dev/shm/vcost-bench.plain";
    int fd = open(plain, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const char *memory = portable_memory(source);
    struct took begun = now();
    for (uint64_t at = 0; at < bytes; at += 2 * MIB)
        if (pwrite(fd, memory + at, 2 * MIB, (off_t)at) != 2 * MIB)
            exit(1);
    struct took took = since(begun);
    close(fd);
    unlink(plain);
    return took;
}

/* ---- from the file ---- */

static struct took restore(bool lazy)
{
    const struct restore_request request = {.fd = file, .lazy = lazy, .monitor = monitor_at(0)};
    struct restored restored;
    struct error error;
    struct took begun = now();
    must(restore_open(&request, &restored, &error), &error);
    must(portable_resume(restored.portable, &error), &error);
    if (lazy)
        must(portable_pause(restored.portable, &error),
            &error); /* its first exit, as the floor's: by a kick */
    struct took took = since(begun);
    restore_close(&restored);
    return took;
}

static struct took restore_lazily(void)
{
    return restore(true);
}

static struct took restore_fully(void)
{
    return restore(false);
}

static struct took plain_read(void)
{
    struct memory memory;
    struct error error;
    struct took begun = now();
    must(portable_map_memory(bytes, monitor_at(0), NULL, &memory, &error), &error);
    for (uint64_t at = 0; at < bytes; at += 2 * MIB)
        if (pread(file, (char *)memory.base + at, 2 * MIB, (off_t)at) != 2 * MIB)
            exit(1);
    struct took took = since(begun);
    memory_unmap(&memory);
    return took;
}

/* A VM, a virtual CPU, the file mapped as its memory, and its first exit. */
static struct took floor_of_lazy(void)
{
    static const struct vm_config config;
    const struct monitor_ops *kvm = monitor_at(0);
    struct vm *vm;
    struct vcpu *vcpu;
    struct vm_exit left;
    struct error error;
    struct took begun = now();
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 2 * MIB);
    const struct backing backing = backing_private(memory, bytes);
    must(kvm->create(&config, &vm, &error), &error);
    must(kvm->region(vm, 0, GPA(0), &backing, 0, &error), &error);
    must(kvm->vcpu(vm, 0, &vcpu, &error), &error);
    kvm->kick(vcpu);
    must(kvm->enter(vcpu, &left, &error), &error);
    struct took took = since(begun);
    kvm->destroy(vm);
    munmap(memory, bytes);
    return took;
}

/* ---- clones ---- */

/* What one is: its first exit, and how much memory it has for itself then. */
struct clone {
    struct took ready; /* the CPU time is its own alone */
    double private_kib;
};

static double private_kib(void)
{
    char line[256];
    double sum = 0;
    FILE *smaps = fopen("/proc/self/smaps_rollup", "re");
    while (smaps && fgets(line, sizeof line, smaps))
        sum += strncmp(line, "Private_", 8) ? 0 : strtod(line + strcspn(line, " "), NULL);
    if (smaps)
        fclose(smaps);
    return sum;
}

static double last_private_kib;

/* A process that has the domain of a file, which was read and checked before, or the source's memory. */
static pid_t start_clone(const struct stored *state, bool of_file, int *hear)
{
    const struct restore_request request = {.fd = file,
        .saved = state,
        .checked = true,
        .lazy = of_file,
        .monitor = monitor_at(0),
        .name = "clone"};
    struct clone clone;
    struct error error;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        static struct restored restored;
        must(of_file ? restore_open(&request, &restored, &error)
                     : restore_shared(&request, state, portable_memory(source), &restored, &error),
            &error);
        must(portable_resume(restored.portable, &error), &error);
        must(portable_pause(restored.portable, &error), &error);
        clone.ready = now();
        clone.private_kib = private_kib();
        _exit(write(ends[1], &clone, sizeof clone) != sizeof clone);
    }
    close(ends[1]);
    *hear = ends[0];
    return child;
}

/* Clones as `vcost domain fork` makes them, one starting while another does; what one of them took. */
static struct took clones_of(const struct stored *state, bool of_file)
{
    pid_t child[CLONES];
    int hear[CLONES];
    struct took begun = now(), end = begun;
    double cpu_ms = 0;
    for (int i = 0; i < CLONES + 1; i++) {
        struct clone clone;
        if (i < CLONES && (child[i] = start_clone(state, of_file, &hear[i])) < 0)
            exit(1);
        if (i == 0)
            continue;
        if (read(hear[i - 1], &clone, sizeof clone) != sizeof clone)
            exit(1);
        end = clone.ready;
        cpu_ms += clone.ready.cpu_ms;
        last_private_kib = clone.private_kib;
    }
    cpu_ms += now().cpu_ms - begun.cpu_ms;
    for (int i = 0; i < CLONES; i++) {
        close(hear[i]);
        waitpid(child[i], NULL, 0);
    }
    return (struct took){(end.ms - begun.ms) / CLONES, cpu_ms / CLONES};
}

/* The source's memory is none of the clone's, as it is not of a command's that forks a file. */
static struct took fork_of_file(void)
{
    struct stored stored;
    struct error error;
    must(stored_read(file, &stored, &error), &error);
    madvise(portable_memory(source), bytes, MADV_DONTFORK);
    struct took took = clones_of(&stored, true);
    madvise(portable_memory(source), bytes, MADV_DOFORK);
    stored_free(&stored);
    return took;
}

static struct took fork_of_domain(void)
{
    struct stored stored = {.plan = *portable_plan(source)};
    struct error error;
    stored_moment_now(&stored.moment);
    must(portable_save(source, &stored.state, &error), &error);
    struct took took = clones_of(&stored, false);
    stored_free(&stored);
    return took;
}

/* ---- what was touched first, brought in behind the domain ---- */

enum { WRITES = 16384 };
static const char writer_path[] = "/dev/shm/vcost-bench.writer",
                  touched_path[] = "/dev/shm/vcost-bench.touched";
static int writer_file = -1;

static void must_wait(struct portable *portable, uint64_t writes)
{
    struct portable_status status;
    do {
        usleep(200);
        portable_status(portable, &status);
    } while (status.phase == PORTABLE_RUNNING && status.done < writes);
}

/* Until it has written WRITES pages more: its working set is 32 MiB. */
static struct took write_pages(const char *first, const char *record)
{
    const struct restore_request request = {.fd = writer_file, .lazy = true, .first = first};
    struct portable_status status;
    struct restored restored;
    struct touched touched;
    struct error error;
    struct took begun = now();
    must(restore_open(&request, &restored, &error), &error);
    portable_status(restored.portable, &status);
    must(portable_resume(restored.portable, &error), &error);
    must(restore_bring_back(&restored, &error), &error);
    must_wait(restored.portable, status.done + WRITES);
    struct took took = since(begun);
    must(portable_pause(restored.portable, &error), &error);
    if (record) {
        FILE *stream = fopen(record, "we");
        must(touched_look(
                 portable_memory(restored.portable), restored.saved.plan.memory_bytes, &touched, &error),
            &error);
        must(touched_write(&touched, stream, &error), &error);
        fclose(stream);
        touched_free(&touched);
    }
    restore_close(&restored);
    return took;
}

static void make_writer(void)
{
    struct portable_plan plan = {.name = "writer",
        .monitor = "kvm",
        .workload = PORTABLE_WRITER,
        .memory_bytes = 256 * MIB,
        .working_set_bytes = 32 * MIB,
        .cpus = 1,
        .ticks_per_second = 1e9};
    struct stored stored;
    struct portable *writer;
    struct error error;
    must(portable_create(&plan, monitor_at(0), &facts, NULL, &writer, &error), &error);
    must(portable_resume(writer, &error), &error);
    must_wait(writer, 100000);
    must(portable_pause(writer, &error), &error);
    stored = (struct stored){.plan = *portable_plan(writer)};
    writer_file = open(writer_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    stored_moment_now(&stored.moment);
    must(portable_save(writer, &stored.state, &error), &error);
    must(cpu_record_add_host(&stored.state, &error), &error);
    must(stored_write(writer_file, &stored, portable_memory(writer), &error), &error);
    stored_free(&stored);
    portable_destroy(writer);
    write_pages(NULL, touched_path);
}

static struct took as_touched(void)
{
    if (writer_file < 0)
        make_writer();
    return write_pages(NULL, NULL);
}

static struct took recorded_first(void)
{
    return write_pages(touched_path, NULL);
}

/* ---- in turns ---- */

static const struct row {
    const char *what;
    struct took (*run)(void), (*least)(void);
    double times, more_ms; /* the target: at most so many times the floor, or so much more than it */
} rows[] = {
    {"domain save / plain write", save, plain_write, 1 / 0.8, 0},
    {"full restore / plain read", restore_fully, plain_read, 1 / 0.8, 0},
    {"restore --lazy, beyond VM, mapping and exit", restore_lazily, floor_of_lazy, 0, 0.5},
    {"fork of a file / VM, mapping and exit", fork_of_file, floor_of_lazy, 1.2, 0},
    {"fork of a domain / VM, mapping and exit", fork_of_domain, floor_of_lazy, 1.2, 0},
    {"lazy restore until 16384 writes: recorded pages brought in / not", recorded_first, as_touched, 1, 0},
};

static const char *judge(struct estimate found, double target)
{
    return found.high <= target ? "met" : found.low > target ? "missed" : "cannot tell";
}

/* By the clock (cpu false) or by the CPU. */
static void tell(
    const struct row *row, const struct took *took, const struct took *least, int rounds, bool cpu)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], figure[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        ours[i] = cpu ? took[i].cpu_ms : took[i].ms;
        theirs[i] = cpu ? least[i].cpu_ms : least[i].ms;
        figure[i] = row->times > 0 ? ours[i] / theirs[i] : ours[i] - theirs[i];
    }
    struct estimate found =
        (row->times > 0 ? statistics_estimate : statistics_difference)(figure, (size_t)rounds);
    double target = row->times > 0 ? row->times : row->more_ms;
    const char *unit = row->times > 0 ? "x" : " ms";
    printf("%s%s\tat most %.2f%s\t%.2f%s (%.2f ... %.2f)\t%d in turns, medians %.2f and %.2f ms\t%s\n",
        row->what, cpu ? ", CPU time" : "", target, unit, found.median, unit, found.low, found.high, rounds,
        statistics_median(ours, (size_t)rounds), statistics_median(theirs, (size_t)rounds),
        judge(found, target));
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
        struct took took[ROUNDS_MAX], least[ROUNDS_MAX];
        if (argc > 3 && !strstr(row->what, argv[3]))
            continue;
        for (int round = 0; round < rounds; round++) {
            least[round] = row->least();
            took[round] = row->run();
        }
        tell(row, took, least, rounds, false);
        tell(row, took, least, rounds, true);
        if (last_private_kib > 0)
            printf("  private memory of the last clone\t%.0f KiB\n", last_private_kib);
        last_private_kib = 0;
        fflush(stdout);
    }
    portable_destroy(source);
    unlink(path);
    unlink(writer_path);
    unlink(touched_path);
    return 0;
}
