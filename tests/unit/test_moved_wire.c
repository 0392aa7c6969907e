/* What two vcost say to each other while a domain moves: memory arrives as it is, whether it was copied
 * before or sent from where it stands, and what is not as it was sent is noticed; and a link on which nothing
 * moves is told from one that is slow. */
#include "cmocka_all.h"

#include "domain/moved/pages.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
    unsigned messages, whole; /* whole: of as many pages as there may be, side by side */
    int rc;
    struct error error;
};

static void *take(void *context)
{
    struct taking *taking = context;
    struct moved_header header;
    while ((taking->rc = moved_receive_header(taking->wire, &header, &taking->error)) == 0 &&
           header.kind != WIRE_PASS &&
           (taking->rc = pages_take(taking->wire, &header, &taking->target, &taking->error)) == 0) {
        taking->messages++;
        taking->whole += header.kind == WIRE_PAGES && header.at == 1 && header.pages == WIRE_RUN_PAGES;
    }
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
    struct taking taking = {
        .wire = &link.there, .target = {.base = to, .pages = PAGES, .had = had, .streams = 1}};
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

static void two_mebibytes_side_by_side_are_one_message(void **state)
{
    char *from = aligned_alloc(PAGE, (size_t)PAGES * PAGE), *to = calloc(PAGES, PAGE);
    uint64_t had[PAGES / 64] = {0};
    struct link link;
    struct page_batch batch;
    struct error error;
    pthread_t thread;
    (void)state;
    link_open(&link);
    memset(from, 7, (size_t)PAGES * PAGE);
    struct taking taking = {
        .wire = &link.there, .target = {.base = to, .pages = PAGES, .had = had, .streams = 1}};
    assert_int_equal(pthread_create(&thread, NULL, take, &taking), 0);
    assert_int_equal(page_batch_open(&batch, &link.here, &error), 0);
    for (unsigned page = 0; page < PAGES; page++)
        assert_int_equal(
            page_batch_add(&batch, (uint64_t)page * PAGE, from + (size_t)page * PAGE, &error), 0);
    assert_int_equal(page_batch_flush(&batch, &error), 0);
    assert_int_equal(moved_send(&link.here, WIRE_PASS, 0, 0, NULL, 0, &error), 0);
    pthread_join(thread, NULL);
    assert_int_equal(taking.rc, 0);
    assert_int_equal(taking.messages, PAGES / WIRE_RUN_PAGES);
    assert_int_equal(taking.whole, taking.messages);
    assert_memory_equal(from, to, (size_t)PAGES * PAGE);
    page_batch_close(&batch);
    link_close(&link);
    free(from);
    free(to);
}

struct scribbling {
    char *memory;
    atomic_bool quit;
};

static void *scribble(void *context)
{
    struct scribbling *scribbling = context;
    for (unsigned i = 1; !scribbling->quit; i++)
        for (unsigned page = 0; page < PAGES; page++)
            *(volatile unsigned *)(scribbling->memory + (size_t)page * PAGE + i % (PAGE / 4) * 4) = i | 1;
    return NULL;
}

/* What arrives is old or new; that its sum is another than it was when it was made is no damage. */
static void memory_that_changes_while_it_is_sent_arrives_whole(void **state)
{
    enum { TIMES = 20 };
    char *from = aligned_alloc(PAGE, (size_t)PAGES * PAGE), *to = calloc(PAGES, PAGE);
    uint64_t had[PAGES / 64] = {0};
    struct scribbling scribbling = {.memory = from};
    struct link link;
    struct page_batch batch;
    struct error error;
    pthread_t thread, writer;
    (void)state;
    link_open(&link);
    memset(from, 7, (size_t)PAGES * PAGE);
    struct taking taking = {
        .wire = &link.there, .target = {.base = to, .pages = PAGES, .had = had, .streams = 1}};
    assert_int_equal(pthread_create(&thread, NULL, take, &taking), 0);
    assert_int_equal(pthread_create(&writer, NULL, scribble, &scribbling), 0);
    assert_int_equal(page_batch_open(&batch, &link.here, &error), 0);
    for (unsigned i = 0; i < TIMES * PAGES; i++)
        assert_int_equal(
            page_batch_add(&batch, (uint64_t)(i % PAGES) * PAGE, from + (size_t)(i % PAGES) * PAGE, &error),
            0);
    assert_int_equal(page_batch_flush(&batch, &error), 0);
    assert_int_equal(moved_send(&link.here, WIRE_PASS, 0, 0, NULL, 0, &error), 0);
    pthread_join(thread, NULL);
    scribbling.quit = true;
    pthread_join(writer, NULL);
    assert_int_equal(taking.rc, 0);
    page_batch_close(&batch);
    link_close(&link);
    free(from);
    free(to);
}

/* ---- what is not as it was sent ---- */

enum {
    SENT_PAGES = 70,
    ROOM_PAGES = 128,
    TABLE = sizeof(struct moved_header),
    BODY = TABLE + sizeof(struct moved_run)
};

/* A message of SENT_PAGES pages, one byte of which is another; what became of it, and of the memory. */
static int take_damaged(size_t at, struct taking *taking, bool *written)
{
    static char from[SENT_PAGES * PAGE], to[ROOM_PAGES * PAGE],
        bytes[BODY + SENT_PAGES * PAGE + WIRE_SUM_BYTES];
    uint64_t had[ROOM_PAGES / 64] = {0};
    struct page_batch batch;
    struct error error;
    int file = memfd_create("message", MFD_CLOEXEC);
    struct moved_wire out, in;
    memset(from, 7, sizeof from);
    memset(to, 0, sizeof to);
    assert_true(file >= 0);
    assert_int_equal(moved_open(&out, file, file, NULL, &error), 0);
    assert_int_equal(moved_open(&in, file, file, NULL, &error), 0);
    assert_int_equal(page_batch_open(&batch, &out, &error), 0);
    for (unsigned page = 0; page < SENT_PAGES; page++)
        assert_int_equal(
            page_batch_add(&batch, (uint64_t)page * PAGE, from + (size_t)page * PAGE, &error), 0);
    assert_int_equal(page_batch_flush(&batch, &error), 0);
    assert_int_equal(pread(file, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    if (at < sizeof bytes)
        bytes[at] = (char)(bytes[at] ^ 1);
    assert_int_equal(pwrite(file, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    *taking =
        (struct taking){.wire = &in, .target = {.base = to, .pages = ROOM_PAGES, .had = had, .streams = 1}};
    take(taking);
    *written = to[0] != 0;
    page_batch_close(&batch);
    moved_close(&out);
    moved_close(&in);
    close(file);
    return taking->rc;
}

static void a_byte_that_is_another_is_noticed_wherever_it_stands(void **state)
{
    static const struct {
        size_t at;
        const char *says;
    } places[] = {
        {1, "no message"}, {TABLE - 1, "damaged (its header)"},
        {TABLE + 1, "memory arrived that the domain does not have"}, /* the run's address */
        {TABLE + 8, "what cannot be"},                               /* its pages */
        {BODY, "damaged (its contents)"},                            /* the first page */
        {BODY + SENT_PAGES * PAGE - 1, "damaged (its contents)"},    /* the last one */
        {BODY + SENT_PAGES * PAGE, "damaged (its contents)"},        /* the sum behind */
    };
    struct taking taking;
    bool written;
    (void)state;
    assert_int_equal(take_damaged(SIZE_MAX, &taking, &written), -EPIPE); /* nothing more comes */
    assert_int_equal(taking.messages, 1);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_int_equal(take_damaged(places[i].at, &taking, &written), -EPROTO);
        assert_non_null(strstr(taking.error.text, places[i].says));
        assert_int_equal(taking.messages, 0);
        assert_int_equal(written, places[i].at >= BODY);
    }
}

/* Inside of the domain's memory, and not what was sent. */
static void a_run_that_is_another_writes_nothing(void **state)
{
    struct moved_run runs[] = {{PAGE, 1}};
    struct moved_header header = {.magic = "VCOSTMOV",
        .version = WIRE_VERSION,
        .kind = WIRE_PAGES,
        .at = 1,
        .pages = 1,
        .bytes = sizeof runs + PAGE + WIRE_SUM_BYTES,
        .checksum = checksum_of(&(struct moved_run){0, 1}, sizeof runs)};
    static char to[2 * PAGE];
    static const char page[PAGE + WIRE_SUM_BYTES] = "x", none[PAGE];
    uint64_t had[1] = {0};
    struct link link;
    (void)state;
    link_open(&link);
    moved_sum(&header);
    assert_int_equal(write(link.ends[0], &header, sizeof header), (ssize_t)sizeof header);
    assert_int_equal(write(link.ends[0], runs, sizeof runs), (ssize_t)sizeof runs);
    assert_int_equal(write(link.ends[0], page, sizeof page), (ssize_t)sizeof page);
    struct taking taking = {
        .wire = &link.there, .target = {.base = to, .pages = 2, .had = had, .streams = 1}};
    take(&taking);
    assert_int_equal(taking.rc, -EPROTO);
    assert_non_null(strstr(taking.error.text, "damaged (its contents)"));
    assert_memory_equal(to + PAGE, none, PAGE);
    link_close(&link);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    for (uint32_t version = WIRE_VERSION - 1; version <= WIRE_VERSION + 1; version += 2) {
        struct moved_header header = {.magic = "VCOSTMOV", .version = version, .kind = WIRE_OFFER};
        struct error error;
        moved_sum(&header);
        assert_int_equal(moved_check(&header, 0, &error), -ENOTSUP);
        assert_non_null(strstr(error.text, "install the same vcost on both"));
    }
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
        cmocka_unit_test(two_mebibytes_side_by_side_are_one_message),
        cmocka_unit_test(memory_that_changes_while_it_is_sent_arrives_whole),
        cmocka_unit_test(a_byte_that_is_another_is_noticed_wherever_it_stands),
        cmocka_unit_test(a_run_that_is_another_writes_nothing),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_link_on_which_nothing_moves_is_broken),
        cmocka_unit_test(one_that_is_slow_and_moves_is_not),
        cmocka_unit_test(a_stream_waits_as_long_as_another_one_moves),
        cmocka_unit_test(that_bytes_still_come_is_passed_over),
        cmocka_unit_test(where_nobody_listens_it_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
