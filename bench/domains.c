/* Domains that are saved and restored, against what each costs at the least, in turns in one run: the median
 * of the ratio, or the difference, of each pair.
 *
 *     domains [ROUNDS [MIB [ROW]]]      20 rounds of 1024 MiB; rows with such a word; files go to /dev/shm
 *
 * What takes milliseconds is done more often than that (row.often), so that an interval is narrower than what
 * is asked of it. Each round is one pair, whose order changes from round to round; a first pair warms up. */
#include "base/size.h"
#include "domain/probe.h"
#include "domain/saved/cpu_record.h"
#include "domain/saved/restore.h"
#include "fresh.h"
#include "host/smaps.h"
#include "measure/statistics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 2000, CLONES = 10 };

static const char path[] = "/dev/shm/vcost-bench.domain";
static uint64_t bytes = GIB;
static struct monitor_facts facts;
static struct portable *source;
static struct portable *forkable; /* made when it is needed */
static int file = -1, image = -1;

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

static void make(const struct portable_wish *wish, struct portable **portable)
{
    struct portable_plan plan = {
        .name = "bench", .monitor = "kvm", .memory_bytes = bytes, .cpus = 1, .ticks_per_second = 1e9};
    struct error error;
    must(portable_create(&plan, monitor_at(0), &facts, wish, portable, &error), &error);
    must(portable_resume(*portable, &error), &error);
    usleep(100000);
    must(portable_pause(*portable, &error), &error);
}

static void make_source(void)
{
    domain_probe(monitor_at(0), &facts);
    if (!facts.usable) {
        fprintf(stderr, "domains: %s\n", facts.reason);
        exit(77);
    }
    make(NULL, &source);
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
    must(stored_write(file, &stored, portable_memory(source), NULL, &error), &error);
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
    if (!lazy)
        fresh_at_hand(bytes);
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
    fresh_at_hand(bytes);
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
    uint64_t own = 0;
    (void)smaps_own_bytes(getpid(), &own);
    return (double)own / KIB;
}

static double last_private_kib;

/* What clones are made of: a file, which was read and checked before; the image of a domain that runs; or, in
 * a copy of this process, its memory. Or none: the floor. */
enum of { OF_FILE, OF_IMAGE, OF_PROCESS, OF_FLOOR };

/* Until its first exit. It lives on until nobody holds `live[1]` any more, as a command's does: its end costs
 * the others nothing. */
static void be_clone(const struct stored *state, enum of of, const int *live, int tell)
{
    static struct restored restored;
    const struct restore_request request = {.fd = of == OF_IMAGE ? image : file,
        .saved = state,
        .checked = true,
        .lazy = of == OF_FILE,
        .monitor = monitor_at(0),
        .name = "clone"};
    struct clone clone;
    struct error error;
    if (of == OF_FLOOR) {
        (void)floor_of_lazy();
    } else {
        must(of == OF_FILE ? restore_open(&request, &restored, &error)
                           : restore_shared(&request, state,
                                 of == OF_PROCESS ? portable_memory(source) : NULL, &restored, &error),
            &error);
        must(portable_resume(restored.portable, &error), &error);
        must(portable_pause(restored.portable, &error), &error);
    }
    clone.ready = now();
    clone.private_kib = private_kib();
    close(live[1]);
    _exit(write(tell, &clone, sizeof clone) != sizeof clone || read(live[0], &clone, 1) != 0);
}

/* Clones as `vcost domain fork` makes them, one starting while another does; what one of them took since
 * `begun`, when there was not yet a process to make them. */
static struct family_told {
    struct took took;
    double private_kib;
} clones_of(const struct stored *state, enum of of, struct took begun)
{
    struct family_told told = {.took = {.cpu_ms = -now().cpu_ms}};
    int hear[2], live[2];
    if (pipe2(hear, O_CLOEXEC) < 0 || pipe2(live, O_CLOEXEC) < 0)
        exit(1);
    for (int i = 0; i < CLONES + 1; i++) {
        struct clone clone;
        pid_t child = i < CLONES ? fork() : 1;
        if (child < 0)
            exit(1);
        if (child == 0)
            be_clone(state, of, live, hear[1]);
        if (i == 0)
            continue;
        if (read(hear[0], &clone, sizeof clone) != sizeof clone)
            exit(1);
        told.took.ms = clone.ready.ms - begun.ms;
        told.took.cpu_ms += clone.ready.cpu_ms;
        told.private_kib = clone.private_kib;
    }
    told.took.cpu_ms += now().cpu_ms;
    close(live[1]);
    while (wait(NULL) > 0)
        ;
    return told;
}

/* In a process of their own, a copy of this one without its virtual machines: to copy that costs more. */
static struct took family(const struct stored *state, enum of of)
{
    struct family_told told;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        exit(1);
    struct took begun = now();
    pid_t child = fork();
    if (child < 0)
        exit(1);
    if (child == 0) {
        told = clones_of(state, of, begun);
        _exit(write(ends[1], &told, sizeof told) != sizeof told);
    }
    const double forked_ms = since(begun).cpu_ms;
    if (read(ends[0], &told, sizeof told) != sizeof told)
        exit(1);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    last_private_kib = of == OF_FLOOR ? last_private_kib : told.private_kib;
    return (struct took){told.took.ms / CLONES, (told.took.cpu_ms + forked_ms) / CLONES};
}

/* The source's memory is none of the clone's, as it is not of a command's that forks a file. */
static struct took without_source(const struct stored *state, enum of of)
{
    madvise(portable_memory(source), bytes, MADV_DONTFORK);
    struct took took = family(state, of);
    madvise(portable_memory(source), bytes, MADV_DOFORK);
    return took;
}

static struct took fork_of_file(void)
{
    struct stored stored;
    struct error error;
    must(stored_read(file, &stored, &error), &error);
    struct took took = without_source(&stored, OF_FILE);
    stored_free(&stored);
    return took;
}

static struct took fork_of(struct portable *portable, enum of of)
{
    struct stored stored = {.plan = *portable_plan(portable)};
    struct error error;
    stored_moment_now(&stored.moment);
    must(portable_save(portable, &stored.state, &error), &error);
    struct took took = of == OF_IMAGE ? without_source(&stored, of) : family(&stored, of);
    stored_free(&stored);
    return took;
}

static struct took fork_of_domain(void)
{
    return fork_of(source, OF_PROCESS);
}

/* Of one that was started with --forkable. */
static struct took fork_of_image(void)
{
    static const struct portable_wish wish = {.forkable = true};
    struct error error;
    if (!forkable) {
        make(&wish, &forkable);
        must(portable_freeze(forkable, &wish, &image, &error), &error);
    }
    return fork_of(forkable, OF_IMAGE);
}

/* The floor once more, in processes that are copies of this one with all of the source's memory, of which two
 * start at a time as clones do. */
static struct took floor_of_copies(void)
{
    return family(NULL, OF_FLOOR);
}

/* ---- what was touched first, brought in behind the domain ---- */

enum { WRITES = 16384 };
static const char writer_path[] = "/dev/shm/vcost-bench.writer",
                  touched_path[] = "/dev/shm/vcost-bench.touched";
static const char cold_path[] = "/var/tmp/vcost-bench.writer";
static int writer_file = -1, cold_file = -1;

static void must_wait(struct portable *portable, uint64_t writes)
{
    struct portable_status status;
    do {
        usleep(200);
        portable_status(portable, &status);
    } while (status.phase == PORTABLE_RUNNING && status.done < writes);
}

/* Until it has written WRITES pages more: its working set is 32 MiB. */
static struct took write_pages(int of, const char *first, const char *record)
{
    const struct restore_request request = {.fd = of, .lazy = true, .first = first};
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
    must(stored_write(writer_file, &stored, portable_memory(writer), NULL, &error), &error);
    stored_free(&stored);
    portable_destroy(writer);
    write_pages(writer_file, NULL, touched_path);
}

static struct took as_touched(void)
{
    if (writer_file < 0)
        make_writer();
    return write_pages(writer_file, NULL, NULL);
}

static struct took recorded_first(void)
{
    return write_pages(writer_file, touched_path, NULL);
}

/* The same file on a disk. */
static void make_cold(void)
{
    char piece[1 << 16];
    if (writer_file < 0)
        make_writer();
    cold_file = open(cold_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t at = 0;
    for (ssize_t got; (got = pread(writer_file, piece, sizeof piece, at)) > 0; at += got)
        if (pwrite(cold_file, piece, (size_t)got, at) != got)
            exit(1);
    if (fsync(cold_file) < 0)
        exit(1);
}

/* Nothing of it is in memory, which is looked at: the call alone says nothing. */
static void cool(void)
{
    struct stat is;
    if (cold_file < 0)
        make_cold();
    if (fstat(cold_file, &is) < 0)
        exit(1);
    (void)posix_fadvise(cold_file, 0, 0, POSIX_FADV_DONTNEED);
    const size_t pages = ((size_t)is.st_size + 4095) / 4096;
    unsigned char *cached = malloc(pages);
    void *mapping = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_SHARED, cold_file, 0);
    size_t left = 0;
    if (!cached || mapping == MAP_FAILED || mincore(mapping, (size_t)is.st_size, cached) < 0)
        exit(1);
    for (size_t i = 0; i < pages; i++)
        left += cached[i] & 1;
    munmap(mapping, (size_t)is.st_size);
    free(cached);
    if (left)
        fprintf(stderr, "domains: %zu pages of %s stay in memory: it is not cold\n", left, cold_path);
}

static struct took as_touched_cold(void)
{
    cool();
    return write_pages(cold_file, NULL, NULL);
}

static struct took recorded_first_cold(void)
{
    cool();
    return write_pages(cold_file, touched_path, NULL);
}

/* ---- in turns ---- */

static const struct row {
    const char *what;
    struct took (*run)(void), (*least)(void);
    double times, more_ms; /* the target: at most so many times the floor, or so much more than it */
    int often;             /* so many times the rounds */
} rows[] = {
    {"domain save / plain write", save, plain_write, 1 / 0.8, 0, 1},
    {"full restore / plain read", restore_fully, plain_read, 1 / 0.8, 0, 3},
    {"restore --lazy, beyond VM, mapping and exit", restore_lazily, floor_of_lazy, 0, 0.5, 20},
    {"fork of a file / VM, mapping and exit", fork_of_file, floor_of_lazy, 1.2, 0, 15},
    {"fork of a domain run --forkable / VM, mapping and exit", fork_of_image, floor_of_lazy, 1.2, 0, 15},
    {"fork of another domain / VM, mapping and exit", fork_of_domain, floor_of_lazy, 1.2, 0, 5},
    {"fork of another domain / copy of a process, VM, mapping and exit", fork_of_domain, floor_of_copies, 1.2,
        0, 5},
    {"that floor / VM, mapping and exit: the copies alone", floor_of_copies, floor_of_lazy, 1.2, 0, 5},
    {"lazy restore until 16384 writes: recorded pages brought in / not", recorded_first, as_touched, 1, 0, 1},
    {"the same of a cold file: recorded pages brought in / not", recorded_first_cold, as_touched_cold, 1, 0,
        1},
};

static const char *judge(struct estimate found, double target)
{
    return found.high <= target ? "met" : found.low > target ? "missed" : "cannot tell";
}

/* By the clock (cpu false) or by the CPU. */
static void tell(
    const struct row *row, const struct took *took, const struct took *least, int rounds, bool cpu)
{
    static double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], figure[ROUNDS_MAX];
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
        static struct took took[ROUNDS_MAX], least[ROUNDS_MAX];
        const int all = rounds * row->often < ROUNDS_MAX ? rounds * row->often : ROUNDS_MAX;
        if (argc > 3 && !strstr(row->what, argv[3]))
            continue;
        (void)row->least();
        (void)row->run();
        for (int round = 0; round < all; round++) {
            if (round % 2)
                took[round] = row->run();
            least[round] = row->least();
            if (round % 2 == 0)
                took[round] = row->run();
        }
        tell(row, took, least, all, false);
        tell(row, took, least, all, true);
        if (last_private_kib > 0)
            printf("  private memory of the last clone\t%.0f KiB\n", last_private_kib);
        last_private_kib = 0;
        fflush(stdout);
    }
    portable_destroy(source);
    portable_destroy(forkable);
    unlink(path);
    unlink(writer_path);
    unlink(touched_path);
    unlink(cold_path);
    return 0;
}
