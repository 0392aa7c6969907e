#include "domain/saved/bring.h"

#include "host/userfault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { FAULTS_AT_ONCE = 16, PAGE_BYTES = USERFAULT_PAGE_BYTES };

enum { COMING, COMPLETE, FAILED };

struct bringing {
    struct userfault fault;
    struct stored_reader reader;
    char *memory, *scratch; /* scratch: a chunk */
    size_t next, end;       /* chunks that come behind the guest, [next, end) */
    bool *there;            /* each chunk */
    pthread_t thread;
    bool started;
    atomic_bool quit;
    atomic_int state, eventfd; /* eventfd -1: nobody is to be told */
    _Atomic uint64_t waited, behind;
    struct error error; /* FAILED */
};

/* Runs of pages that are in the file or are zeros, so that one request brings each. */
static int put_chunk(struct bringing *bringing, size_t number, struct error *error)
{
    const struct stored_chunk *chunk = &bringing->reader.saved->index[number];
    char *to = bringing->memory + number * STORED_CHUNK_BYTES;
    int rc = 0;
    for (unsigned page = 0, end; rc == 0 && page < STORED_CHUNK_PAGES; page = end) {
        const bool present = stored_has_page(chunk, page);
        for (end = page + 1; end < STORED_CHUNK_PAGES && stored_has_page(chunk, end) == present;)
            end++;
        const size_t skip = (size_t)page * PAGE_BYTES, bytes = (size_t)(end - page) * PAGE_BYTES;
        rc = present
                 ? userfault_copy(&bringing->fault, to + skip, bringing->scratch + skip, bytes, NULL, error)
                 : userfault_zero(&bringing->fault, to + skip, bytes, NULL, error);
    }
    return rc;
}

static int bring(struct bringing *bringing, size_t number, struct error *error)
{
    if (bringing->there[number])
        return 0;
    int rc = stored_read_chunk(&bringing->reader, number, bringing->scratch, error);
    if (rc < 0 || (rc = put_chunk(bringing, number, error)) < 0)
        return rc;
    bringing->there[number] = true;
    return 0;
}

/* What is waited for comes first; nobody is left waiting while there is something to do behind. */
static int bring_touched(struct bringing *bringing, struct error *error)
{
    uintptr_t pages[FAULTS_AT_ONCE];
    int count = userfault_read(&bringing->fault, 0, pages, FAULTS_AT_ONCE, error), rc = count < 0 ? count : 0;
    for (int i = 0; rc == 0 && i < count; i++)
        rc = bring(bringing, (pages[i] - (uintptr_t)bringing->memory) / STORED_CHUNK_BYTES, error);
    bringing->waited += count > 0 ? (unsigned)count : 0;
    return rc;
}

static int bring_next(struct bringing *bringing, struct error *error)
{
    const size_t number = bringing->next++;
    if (bringing->there[number])
        return 0;
    bringing->behind++;
    return bring(bringing, number, error);
}

/* A failure is known before anybody who waits goes on, with zeros. */
static void *bring_all(void *context)
{
    struct bringing *bringing = context;
    int rc = 0;
    while (rc == 0 && bringing->next < bringing->end && !bringing->quit) {
        rc = bring_touched(bringing, &bringing->error);
        if (rc == 0)
            rc = bring_next(bringing, &bringing->error);
    }
    bringing->state = rc < 0 ? FAILED : bringing->next == bringing->end ? COMPLETE : COMING;
    if (rc < 0 && bringing->eventfd >= 0)
        eventfd_write(bringing->eventfd, 1);
    userfault_close(&bringing->fault);
    return NULL;
}

/* [0, first) and [end, chunks) hold what a guest must never wait for: its page tables (a signal that comes
 * while KVM reads one would become a fault in the guest), and what this process reads. */
static int read_rest(struct bringing *bringing, size_t first, size_t end, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < bringing->reader.saved->chunks; i++)
        if (i < first || i >= end) {
            rc = stored_read_chunk(&bringing->reader, i, bringing->memory + i * STORED_CHUNK_BYTES, error);
            bringing->there[i] = true;
        }
    return rc;
}

static int begin(struct bringing *bringing, const struct portable_plan *plan, struct error *error)
{
    uint64_t first, end;
    portable_data_range(plan, &first, &end);
    if (first >= end)
        return error_set(error, ENOTSUP,
            "a guest that makes its own page tables must not wait for one, and where they are is not known: "
            "restore "
            "it without --userfaultfd");
    bringing->next = first / STORED_CHUNK_BYTES;
    bringing->end = end / STORED_CHUNK_BYTES;
    int rc = userfault_open(&bringing->fault, error);
    if (rc < 0 || (rc = read_rest(bringing, bringing->next, bringing->end, error)) < 0 ||
        (rc = userfault_register(&bringing->fault, bringing->memory + first, end - first, error)) < 0)
        return rc;
    rc = pthread_create(&bringing->thread, NULL, bring_all, bringing);
    bringing->started = rc == 0;
    return rc ? error_errno(error, rc, "no thread to bring a domain's memory") : 0;
}

int bringing_start(
    int fd, const struct stored *saved, void *memory, struct bringing **out, struct error *error)
{
    struct bringing *bringing = calloc(1, sizeof *bringing);
    if (!bringing)
        return error_set(error, ENOMEM, "no memory to bring a domain's memory");
    bringing->fault.fd = -1;
    bringing->eventfd = -1;
    bringing->memory = memory;
    bringing->scratch = malloc(STORED_CHUNK_BYTES);
    bringing->there = calloc(saved->chunks, sizeof *bringing->there);
    int rc = stored_reader_open(fd, saved, &bringing->reader, error);
    if (rc == 0)
        rc = bringing->scratch && bringing->there
                 ? begin(bringing, &saved->plan, error)
                 : error_set(error, ENOMEM, "no memory to bring a domain's memory");
    if (rc < 0)
        bringing_end(bringing);
    else
        *out = bringing;
    return rc;
}

int bringing_look(struct bringing *bringing, struct error *error)
{
    const int state = bringing->state;
    if (state != FAILED)
        return state == COMPLETE;
    *error = bringing->error;
    return -error->code;
}

void bringing_tell(struct bringing *bringing, int eventfd)
{
    bringing->eventfd = eventfd;
}

struct brought bringing_counts(struct bringing *bringing)
{
    return (struct brought){bringing->waited, bringing->behind};
}

void bringing_end(struct bringing *bringing)
{
    if (!bringing)
        return;
    bringing->quit = true;
    if (bringing->started)
        pthread_join(bringing->thread, NULL);
    userfault_close(&bringing->fault);
    stored_reader_close(&bringing->reader);
    free(bringing->scratch);
    free(bringing->there);
    free(bringing);
}
