/* Memory that comes when it is touched. */
#include "cmocka_all.h"

#include "host/userfault.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = USERFAULT_PAGE_BYTES, PAGES = 8 };

static struct userfault fault;
static char *memory, *pattern;

static int make(void **state)
{
    struct error error;
    (void)state;
    fault = (struct userfault){.fd = -1};
    if (userfault_open(&fault, &error) == -ENOTSUP)
        return 0;
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pattern = malloc(PAGES * PAGE);
    for (int i = 0; i < PAGES * PAGE; i++)
        pattern[i] = (char)(1 + i % 251);
    assert_int_equal(userfault_register(&fault, memory, PAGES * PAGE, &error), 0);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    if (fault.fd < 0)
        return 0;
    userfault_close(&fault);
    munmap(memory, PAGES * PAGE);
    free(pattern);
    return 0;
}

static void needs_one(void)
{
    if (fault.fd < 0) {
        print_message("this user may have no userfaultfd for the kernel's faults\n");
        skip();
    }
}

/* Page 3 is touched by the kernel, as by KVM_RUN, for this process. */
static void *touch(void *ends)
{
    return (void *)(intptr_t)(write(((int *)ends)[1], memory + 3 * PAGE + 100, 64) == 64);
}

static void who_touches_a_page_waits_until_it_is_there(void **state)
{
    int ends[2], found = 0;
    char got[64];
    uintptr_t page = 0;
    size_t brought;
    pthread_t thread;
    struct error error;
    void *written;
    (void)state;
    needs_one();
    assert_int_equal(userfault_read(&fault, 0, &page, 1, &error), 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pthread_create(&thread, NULL, touch, ends), 0);
    for (int waited = 0; waited < 100 && found == 0; waited++)
        found = userfault_read(&fault, 100, &page, 1, &error);
    assert_int_equal(found, 1);
    assert_int_equal(page, (uintptr_t)memory + 3 * PAGE);
    assert_int_equal(
        userfault_copy(&fault, memory + 3 * PAGE, pattern + 3 * PAGE, PAGE, &brought, &error), 0);
    assert_int_equal(brought, 1);
    pthread_join(thread, &written);
    assert_int_equal((intptr_t)written, 1);
    assert_int_equal(read(ends[0], got, sizeof got), sizeof got);
    assert_memory_equal(got, pattern + 3 * PAGE + 100, sizeof got);
    close(ends[0]);
    close(ends[1]);
}

static void what_is_there_stays_as_it_is(void **state)
{
    size_t brought;
    struct error error;
    (void)state;
    needs_one();
    assert_int_equal(userfault_zero(&fault, memory + 2 * PAGE, 2 * PAGE, &brought, &error), 0);
    assert_int_equal(brought, 2);
    memory[2 * PAGE] = 'x';
    assert_int_equal(userfault_copy(&fault, memory, pattern, PAGES * PAGE, &brought, &error), 0);
    assert_int_equal(brought, PAGES - 2);
    assert_memory_equal(memory, pattern, 2 * PAGE);
    assert_int_equal(memory[2 * PAGE], 'x');
    assert_int_equal(memory[3 * PAGE], 0);
    assert_memory_equal(memory + 4 * PAGE, pattern + 4 * PAGE, (PAGES - 4) * PAGE);
    assert_int_equal(userfault_copy(&fault, memory, pattern, PAGES * PAGE, &brought, &error), 0);
    assert_int_equal(brought, 0);
}

static void what_is_waited_for_no_longer_is_zero(void **state)
{
    struct error error;
    (void)state;
    needs_one();
    assert_int_equal(userfault_unregister(&fault, memory, PAGES * PAGE, &error), 0);
    assert_int_equal(memory[5 * PAGE], 0);
}

static void a_range_that_is_none_is_refused(void **state)
{
    struct error error = {.code = 0};
    (void)state;
    needs_one();
    assert_true(userfault_register(&fault, memory + 1, PAGE, &error) < 0);
    assert_true(error.text[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_touches_a_page_waits_until_it_is_there, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_there_stays_as_it_is, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_waited_for_no_longer_is_zero, make, unmake),
        cmocka_unit_test_setup_teardown(a_range_that_is_none_is_refused, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
