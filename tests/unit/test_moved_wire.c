/* What two vcost say to each other while a domain moves: memory arrives as it is, whether it was copied
 * before or sent from where it stands; and a link on which nothing moves is told from one that is slow. */
#include "cmocka_all.h"

#include "domain/moved/pages.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 2048, PAGE = WIRE_PAGE_BYTES };

static double now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct link {
    int ends[2];
    struct moved_wire here, there;
};

static void link_open(struct link *link)
{
    struct error error;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, link->ends), 0);
    assert_int_equal(moved_open(&link->here, link->ends[0], link->ends[0], NULL, &error), 0);
    assert_int_equal(moved_open(&link->there, link->ends[1], link->ends[1], NULL, &error), 0);
}

static void link_close(struct link *link)
{
    moved_close(&link->here);
    moved_close(&link->there);
    close(link->ends[0]);
    close(link->ends[1]);
}

/* ---- memory ---- */

struct taking {
    struct moved_wire *wire;
    struct page_target target;
    unsigned messages;
    int rc;
};

static void *take(void *context)
{
    struct taking *taking = context;
    struct moved_header header;
    struct error error;
    while ((taking->rc = moved_receive_header(taking->wire, &header, &error)) == 0 &&
           header.kind != WIRE_PASS &&
           (taking->rc = pages_take(taking->wire, &header, &taking->target, &error)) == 0)
        taking->messages++;
    return NULL;
}

/* Runs of all lengths from 1 to 40 pages, zeros between some of them, and one in ten not sent. */
static bool is_sent(unsigned page)
{
    return page % 10 != 7;
}

static void fill(char *memory)
{
    for (unsigned page = 0, run = 1, left = 1; page < PAGES; page++, left--) {
        if (!left)
            left = run = run % 40 + 1;
        memset(memory + (size_t)page * PAGE, run % 3 ? (int)(page % 250 + 1) : 0, PAGE);
    }
}

static void check_memory(bool still)
{
    char *from = aligned_alloc(PAGE, (size_t)PAGES * PAGE), *to = calloc(PAGES, PAGE);
    uint64_t had[PAGES / 64] = {0};
    struct link link;
    struct page_batch batch;
    struct error error;
    pthread_t thread;
    link_open(&link);
    fill(from);
    struct taking taking = {&link.there, {.base = to, .pages = PAGES, .had = had, .streams = 1}, 0, 0};
    assert_int_equal(pthread_create(&thread, NULL, take, &taking), 0);
    assert_int_equal(page_batch_open(&batch, &link.here, &error), 0);
    batch.still = still;
    for (unsigned page = 0; page < PAGES; page++)
        if (is_sent(page))
            assert_int_equal(
                page_batch_add(&batch, (uint64_t)page * PAGE, from + (size_t)page * PAGE, &error), 0);
    assert_int_equal(page_batch_flush(&batch, &error), 0);
    assert_int_equal(moved_send(&link.here, WIRE_PASS, 0, 0, NULL, 0, &error), 0);
    pthread_join(thread, NULL);
    assert_int_equal(taking.rc, 0);
    for (unsigned page = 0; page < PAGES; page++) {
        static const char none[PAGE];
        assert_memory_equal(
            to + (size_t)page * PAGE, is_sent(page) ? from + (size_t)page * PAGE : none, PAGE);
    }
    page_batch_close(&batch);
    link_close(&link);
    free(from);
    free(to);
}

static void memory_arrives_as_it_is(void **state)
{
    (void)state;
    check_memory(false);
}

static void memory_that_stands_still_does_so_without_a_copy(void **state)
{
    (void)state;
    check_memory(true);
}

/* ---- silence ---- */

static void a_link_on_which_nothing_moves_is_broken(void **state)
{
    struct moved_patience patience = {.seconds = 0.15};
    struct moved_header header;
    struct link link;
    struct error error;
    (void)state;
    link_open(&link);
    link.here.patience = &patience;
    assert_int_equal(moved_receive(&link.here, &header, &error), -ETIMEDOUT);
    assert_non_null(strstr(error.text, "nothing has moved for 0.15 s"));
    link_close(&link);
}

/* Eight pieces take longer than a link may be silent, and one may come as late as a busy machine likes; where
 * it stands still for longer, all is tried anew with more time. */
enum { PIECES = 8, SLOWER = 4, SLOWEST = 16 };
static double piece_seconds;

static struct moved_patience patience_for(unsigned times)
{
    piece_seconds = 0.3 * times;
    return (struct moved_patience){.seconds = 2.0 * times};
}

/* One message in pieces, which together take longer than nothing may move. */
static void *trickle(void *context)
{
    struct link *link = context;
    struct moved_header header = {.kind = WIRE_PASSED, .checksum = 0};
    struct link aside;
    struct error error;
    char message[sizeof header];
    link_open(&aside);
    assert_int_equal(moved_send(&aside.here, WIRE_PASSED, 0, 0, NULL, 0, &error), 0);
    assert_int_equal(read(aside.ends[1], message, sizeof message), (ssize_t)sizeof message);
    link_close(&aside);
    for (int i = 0; i < PIECES; i++) {
        usleep((useconds_t)(1e6 * piece_seconds));
        (void)!write(link->ends[1], message + i * sizeof message / PIECES, sizeof message / PIECES);
    }
    return NULL;
}

static int hear_slow_link(unsigned times)
{
    struct moved_patience patience = patience_for(times);
    struct moved_header header;
    struct link link;
    struct error error;
    pthread_t thread;
    link_open(&link);
    link.here.patience = &patience;
    assert_int_equal(pthread_create(&thread, NULL, trickle, &link), 0);
    int rc = moved_expect(&link.here, WIRE_PASSED, &header, &error);
    pthread_join(thread, NULL);
    link_close(&link);
    return rc;
}

static void one_that_is_slow_and_moves_is_not(void **state)
{
    int rc = -ETIMEDOUT;
    (void)state;
    for (unsigned times = 1; rc == -ETIMEDOUT && times <= SLOWEST; times *= SLOWER)
        rc = hear_slow_link(times);
    assert_int_equal(rc, 0);
}

/* Its own part is done; the others of the migration still move. */
static bool waits_for_another(unsigned times)
{
    struct moved_patience patience = patience_for(times);
    struct moved_header header;
    struct link quiet, busy;
    struct error error;
    pthread_t thread;
    link_open(&quiet);
    link_open(&busy);
    quiet.here.patience = busy.here.patience = &patience;
    assert_int_equal(pthread_create(&thread, NULL, trickle, &busy), 0);
    double begun = now();
    pthread_t reader;
    struct taking taking = {.wire = &busy.here};
    assert_int_equal(pthread_create(&reader, NULL, take, &taking), 0);
    assert_int_equal(moved_receive(&quiet.here, &header, &error), -ETIMEDOUT);
    const bool waited = now() - begun >= piece_seconds * PIECES;
    pthread_join(thread, NULL);
    pthread_join(reader, NULL);
    link_close(&quiet);
    link_close(&busy);
    return waited;
}

static void a_stream_waits_as_long_as_another_one_moves(void **state)
{
    bool waited = false;
    (void)state;
    for (unsigned times = 1; !waited && times <= SLOWEST; times *= SLOWER)
        waited = waits_for_another(times);
    assert_true(waited);
}

static void that_bytes_still_come_is_passed_over(void **state)
{
    struct moved_header header;
    struct link link;
    struct error error;
    (void)state;
    link_open(&link);
    moved_alive(&link.there);
    moved_alive(&link.there); /* at once again: is not said */
    assert_int_equal(link.there.sent, 1);
    assert_int_equal(moved_send(&link.there, WIRE_PASSED, 7, 0, NULL, 0, &error), 0);
    assert_int_equal(moved_expect(&link.here, WIRE_PASSED, &header, &error), 0);
    assert_int_equal(header.at, 7);
    link_close(&link);
}

/* Else both would wait: one until it is read from, the other until it is listened to. */
static void where_nobody_listens_it_is_not_waited_for(void **state)
{
    enum { TIMES = 10000 };
    struct link link;
    (void)state;
    link_open(&link);
    for (unsigned i = 0; i < TIMES; i++) {
        link.there.alive_ns = 0;
        moved_alive(&link.there);
    }
    assert_in_range(link.there.sent, 1, TIMES - 1);
    link_close(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_arrives_as_it_is),
        cmocka_unit_test(memory_that_stands_still_does_so_without_a_copy),
        cmocka_unit_test(a_link_on_which_nothing_moves_is_broken),
        cmocka_unit_test(one_that_is_slow_and_moves_is_not),
        cmocka_unit_test(a_stream_waits_as_long_as_another_one_moves),
        cmocka_unit_test(that_bytes_still_come_is_passed_over),
        cmocka_unit_test(where_nobody_listens_it_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
