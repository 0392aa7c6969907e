/* The event dma-pin, counted by the kernel: a page that it says to pin is pinned, once, and let go. Runs
 * where root has bound a device to vfio-pci and nobody else pins memory: on the nested host of
 * test_dma_pin.py. */
#include "cmocka_all.h"

#include "event/event.h"
#include "host/read_text.h"
#include "host/text.h"
#include "measure/pin.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* ---- the kernel's side ---- */

struct tally {
    uint64_t acquired, released; /* pins of pages, on the whole machine */
    uint64_t locked;             /* KiB of this process */
    uint64_t files;              /* that it has open */
};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static uint64_t figure(const char *path, const char *name, char separator)
{
    static char text[1 << 16];
    uint64_t value;
    assert_int_equal(read_text(path, text, sizeof text), 0);
    assert_true(text_value_number(text, name, separator, &value));
    return value;
}

static bool count_one(const char *name, void *context)
{
    (void)name;
    ++*(uint64_t *)context;
    return true;
}

/* Each CPU keeps some of its counts to itself until it is asked. */
static struct tally tally(void)
{
    write_text("/proc/sys/vm/stat_refresh", "1\n");
    uint64_t files = 0;
    assert_int_equal(read_each_name("/proc/self/fd", count_one, &files), 0);
    return (struct tally){
        .acquired = figure("/proc/vmstat", "nr_foll_pin_acquired", ' '),
        .released = figure("/proc/vmstat", "nr_foll_pin_released", ' '),
        .locked = figure("/proc/self/status", "VmLck", ':'),
        .files = files,
    };
}

/* What the kernel's trace of IOMMUs tells. */
static const char trace_path[] = "/sys/kernel/tracing/trace";

static bool add_size(char *line, void *context)
{
    uint64_t size;
    const char *found = strstr(line, " map: ") ? strstr(line, " size=") : NULL;
    if (found && text_number(found + strlen(" size="), &size))
        *(uint64_t *)context += size;
    return true;
}

/* ---- a kernel that does something else ---- */

static uint64_t pages_left_out, pages_kept;

int __real_ioctl(int file, unsigned long request, ...);
int __wrap_ioctl(int file, unsigned long request, ...);

/* Every ioctl() of the rooms. */
int __wrap_ioctl(int file, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (request == VFIO_IOMMU_MAP_DMA)
        ((struct vfio_iommu_type1_dma_map *)argument)->size -= pages_left_out * 4096;
    if (request == VFIO_IOMMU_UNMAP_DMA && pages_kept)
        return 0;
    return __real_ioctl(file, request, argument);
}

/* ---- the event ---- */

static struct setting {
    struct clock clock;
    struct pin pin;
    struct image image;
    struct placement placement;
    struct runner *runner;
} setting;

static int setup(void **state)
{
    struct error error;
    (void)state;
    if (clock_calibrate(&setting.clock, &error) < 0 || pin_thread(&setting.pin, -1, &error) < 0 ||
        image_load(&setting.image, &error) < 0)
        return -1;
    const struct placement_config config = {
        .image = &setting.image, .clock = &setting.clock, .other_cpu = -1, .cpu = setting.pin.cpu};
    placement_open(&setting.placement, &config);
    const struct runner_config native = runner_here(&runner_native, &setting.placement, NULL, 0);
    return runner_open(&native, &setting.runner, &error);
}

static int teardown(void **state)
{
    (void)state;
    runner_close(setting.runner);
    placement_close(&setting.placement);
    image_unload(&setting.image);
    pin_release(&setting.pin);
    return 0;
}

static struct event_bench *open_pin(void)
{
    struct event_bench *bench = NULL;
    struct error error;
    if (event_open(event_find("dma-pin"), 0, setting.runner, &bench, &error) < 0)
        fail_msg("%s", error.text);
    return bench;
}

static void assert_pins(struct event_bench *bench, uint64_t count)
{
    struct event_run run;
    struct error error;
    struct tally before = tally();
    if (event_run(bench, count, &run, &error) < 0)
        fail_msg("%llu pages: %s", (unsigned long long)count, error.text);
    struct tally after = tally();
    assert_int_equal(run.count, count);
    assert_true(run.ticks > 0);
    assert_int_equal(after.acquired - before.acquired, count);
    assert_int_equal(after.released - before.released, count);
    assert_int_equal(after.locked, before.locked);
}

static void each_page_is_pinned_once_and_let_go(void **state)
{
    static const uint64_t counts[] = {1, 2, 7, 64, 511, 512};
    struct event_bench *bench = open_pin();
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        assert_pins(bench, counts[i]);
    event_close(bench);
}

static void each_page_is_entered_into_the_iommu(void **state)
{
    static const char switch_path[] = "/sys/kernel/tracing/events/iommu/map/enable";
    struct event_bench *bench = open_pin();
    uint64_t bytes = 0;
    (void)state;
    write_text(switch_path, "1\n");
    assert_pins(bench, 300);
    write_text(switch_path, "0\n");
    assert_int_equal(read_each_line(trace_path, add_size, &bytes), 0);
    assert_int_equal(bytes, 300 * 4096);
    event_close(bench);
}

static void more_pages_than_there_are_become_all(void **state)
{
    struct event_bench *bench = open_pin();
    struct event_run run;
    struct error error;
    (void)state;
    assert_int_equal(event_run(bench, 100000, &run, &error), 0);
    assert_int_equal(run.count, 512);
    event_close(bench);
}

/* Opening pins all pages once, as a trial. */
static void nothing_stays_when_it_is_closed(void **state)
{
    struct tally before = tally();
    (void)state;
    for (int i = 0; i < 3; i++)
        event_close(open_pin());
    struct tally after = tally();
    assert_int_equal(after.acquired - before.acquired, 3 * 512);
    assert_int_equal(after.released - before.released, 3 * 512);
    assert_int_equal(after.locked, before.locked);
    assert_int_equal(after.files, before.files);
}

static void assert_refused(struct event_bench *bench, uint64_t count)
{
    struct event_run run;
    struct error error;
    assert_int_equal(event_run(bench, count, &run, &error), -EPROTO);
    assert_non_null(strstr(error.text, "not the pages that were asked for"));
}

static void a_page_that_is_not_pinned_is_an_error(void **state)
{
    struct event_bench *bench = open_pin();
    (void)state;
    pages_left_out = 1;
    assert_refused(bench, 2);
    assert_refused(bench, 512);
    pages_left_out = 0;
    assert_pins(bench, 512);
    event_close(bench);
}

static void pages_that_stay_pinned_are_an_error_until_it_is_closed(void **state)
{
    struct event_bench *bench = open_pin();
    struct tally before = tally();
    (void)state;
    pages_kept = 1;
    assert_refused(bench, 8);
    pages_kept = 0;
    assert_int_equal(tally().locked - before.locked, 8 * 4);
    event_close(bench);
    assert_int_equal(tally().locked, before.locked);
    assert_int_equal(tally().released - before.released, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_is_pinned_once_and_let_go),
        cmocka_unit_test(each_page_is_entered_into_the_iommu),
        cmocka_unit_test(more_pages_than_there_are_become_all),
        cmocka_unit_test(nothing_stays_when_it_is_closed),
        cmocka_unit_test(a_page_that_is_not_pinned_is_an_error),
        cmocka_unit_test(pages_that_stay_pinned_are_an_error_until_it_is_closed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
