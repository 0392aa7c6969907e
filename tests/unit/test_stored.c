/* A domain as a file: what is written is read again, and nothing else is. */
#include "cmocka_all.h"

#include "base/checksum.h"
#include "domain/saved/cpu_record.h"
#include "domain/saved/stored.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { PAGE = 4096, MEMORY = 8 << 20 };

/* From the algorithm's own test vectors: seed 0 over nothing, and over "abc". */
static void checksums_are_xxh64(void **state)
{
    (void)state;
    assert_int_equal(checksum_of("", 0), 0xef46db3751d8e999);
    assert_int_equal(checksum_of("abc", 3), 0x44bc2cf5ad770999);
}

static void checksums_of_memory_do_not_depend_on_the_pieces(void **state)
{
    char data[1000];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7);
    for (int old = 0; old < 2; old++) {
        struct checksum checksum;
        checksum_begin(&checksum, old);
        checksum_add(&checksum, data, 320);
        checksum_add(&checksum, data + 320, sizeof data - 320);
        uint64_t all = checksum_end(&checksum);
        assert_int_equal(all, old ? checksum_of(data, sizeof data) : XXH3_64bits(data, sizeof data));
    }
}

static char *memory_with_three_pages(void)
{
    char *memory = calloc(1, MEMORY);
    assert_non_null(memory);
    memory[5 * PAGE + 17] = 1;
    memory[6 * PAGE] = 2;
    memory[MEMORY - 1] = 3;
    return memory;
}

static void make(struct stored *stored)
{
    struct error error;
    *stored = (struct stored){.plan = {.name = "d",
                                  .monitor = "kvm",
                                  .memory_bytes = MEMORY,
                                  .regions = {{0, MEMORY / 2}, {UINT64_C(1) << 32, MEMORY / 2}},
                                  .region_count = 2,
                                  .cpus = 1,
                                  .ticks_per_second = 2.5e9,
                                  .results = {3 * PAGE},
                                  .result_count = 1},
        .pace = 12.5,
        .moment = {.realtime_ns = 7, .host_ticks = 8, .boot = {1, 2}}};
    memset(machine_state_add(&stored->state, STATE_REGISTERS, 0, 13, &error), 'r', 13);
}

static int write_one(const char *memory, bool compressed)
{
    struct stored stored;
    struct error error;
    int fd = memfd_create("saved", MFD_CLOEXEC);
    make(&stored);
    stored.compressed = compressed;
    assert_int_equal(stored_write(fd, &stored, memory, NULL, &error), 0);
    stored_free(&stored);
    return fd;
}

static void what_is_written_is_read_and_zeros_take_no_room(void **state)
{
    char *memory = memory_with_three_pages(), *again = calloc(1, MEMORY);
    struct stored stored;
    struct error error;
    struct stat file;
    int fd = write_one(memory, false);
    (void)state;
    assert_int_equal(stored_read(fd, &stored, &error), 0);
    assert_int_equal(stored.pages, 3);
    assert_int_equal(fstat(fd, &file), 0);
    assert_true(file.st_blocks * 512 < 20 * PAGE);
    assert_string_equal(stored.plan.name, "d");
    assert_int_equal(stored.plan.results[0], 3 * PAGE);
    assert_int_equal(stored.plan.region_count, 2);
    assert_int_equal(stored.plan.regions[1].start, UINT64_C(1) << 32);
    assert_int_equal(stored.plan.laid_out_bytes, MEMORY);
    assert_true(stored.pace == 12.5);
    const struct state_part *part = machine_state_find(&stored.state, STATE_REGISTERS, 0);
    assert_non_null(part);
    assert_int_equal(part->bytes, 13);
    assert_int_equal(((const char *)part->data)[12], 'r');
    assert_int_equal(stored_load(fd, &stored, again, NULL, NULL, &error), 0);
    assert_memory_equal(memory, again, MEMORY);
    stored_free(&stored);
    close(fd);
    free(memory);
    free(again);
}

static void what_is_compressed_is_read_and_ends_with_its_last_frame(void **state)
{
    char *memory = memory_with_three_pages(), *again = calloc(1, MEMORY);
    struct stored stored;
    struct error error;
    struct stat file;
    int fd = write_one(memory, true);
    (void)state;
    assert_int_equal(stored_read(fd, &stored, &error), 0);
    assert_true(stored.compressed && stored.pages == 3);
    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(stored.frame_at[stored.chunks], file.st_size);
    assert_int_equal(stored.frame_at[1], stored.frame_at[2]);
    assert_int_equal(stored_load(fd, &stored, again, NULL, NULL, &error), 0);
    assert_memory_equal(memory, again, MEMORY);
    assert_int_equal(pwrite(fd, "xyzz", 4, (off_t)stored.frame_at[0] + 8), 4);
    assert_int_equal(stored_load(fd, &stored, NULL, NULL, NULL, &error), -EPROTO);
    stored_free(&stored);
    close(fd);
    free(memory);
    free(again);
}

/* Wherever a bit of the front that is not unused changes, and wherever memory does. */
static void every_change_is_noticed(void **state)
{
    static const off_t places[] = {
        0, 8, 12, 16, 24, 40, 48, 64, 72, 88, 96, 104, 112, 128, 144, 152, 160, 200, 4088};
    char *memory = memory_with_three_pages(), byte;
    struct stored stored;
    struct error error;
    int fd = write_one(memory, false);
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
        error = (struct error){.code = 0};
        assert_true(stored_read(fd, &stored, &error) < 0);
        assert_true(error.text[0]);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
    }
    assert_int_equal(stored_read(fd, &stored, &error), 0);
    assert_int_equal(pwrite(fd, "x", 1, (off_t)stored.memory_offset + 5 * PAGE + 99), 1);
    assert_int_equal(stored_load(fd, &stored, NULL, NULL, NULL, &error), -EPROTO);
    stored_free(&stored);
    close(fd);
    free(memory);
}

static void add_cpuid(struct machine_state *state, uint32_t ebx_of_7)
{
    struct error error;
    struct kvm_cpuid_entry2 *leaf = machine_state_add(state, STATE_CPUID, 0, sizeof *leaf, &error);
    assert_non_null(leaf);
    *leaf = (struct kvm_cpuid_entry2){.function = 7, .ebx = ebx_of_7};
}

static void a_processor_that_lacks_something_is_refused_by_name(void **state)
{
    struct machine_state saved = {.count = 0}, here = {.count = 0};
    struct error error;
    (void)state;
    add_cpuid(&saved, 1u << 5 | 1u << 16 | 1u << 3);
    add_cpuid(&here, 1u << 3);
    assert_int_equal(cpu_record_check(&saved, &here, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "lacks 2 features"));
    assert_non_null(strstr(error.text, "AVX2, AVX512F"));
    assert_int_equal(cpu_record_check(&here, &saved, &error), 0);
    machine_state_free(&saved);
    machine_state_free(&here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_xxh64),
        cmocka_unit_test(checksums_of_memory_do_not_depend_on_the_pieces),
        cmocka_unit_test(what_is_written_is_read_and_zeros_take_no_room),
        cmocka_unit_test(what_is_compressed_is_read_and_ends_with_its_last_frame),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(a_processor_that_lacks_something_is_refused_by_name),
    };
    return cmocka_run_group_tests_name("stored", tests, NULL, NULL);
}
