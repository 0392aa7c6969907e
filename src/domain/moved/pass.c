#include "domain/moved/pass.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WORD_PAGES = 64,
    CHUNK_WORDS = PAGES_CHUNK / WORD_PAGES,
    ALONE_PAGES = 2048 /* that one thread sends sooner than others are started */
};
static const double nap_seconds = 0.1;     /* then it is looked whether to stop */
static const double limited_seconds = 0.1; /* a slow link that is kept so carries something this often */

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- streams ---- */

int streams_open(struct streams *streams, const int *links, unsigned count, uint64_t pages,
    struct moved_patience *patience, const struct stop *stop, struct error *error)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        struct stream *stream = &streams->list[i];
        streams->count = i + 1;
        stream->mask = calloc(pages / WORD_PAGES + 1, sizeof *stream->mask);
        rc = stream->mask ? moved_open(&stream->wire, links[i], links[i], stop, error)
                          : error_set(error, ENOMEM, "no memory to move a domain");
        stream->wire.patience = patience;
        if (rc == 0)
            rc = page_batch_open(&stream->batch, &stream->wire, error);
    }
    return rc;
}

void streams_close(struct streams *streams)
{
    for (unsigned i = 0; i < streams->count; i++) {
        page_batch_close(&streams->list[i].batch);
        moved_close(&streams->list[i].wire);
        free(streams->list[i].mask);
    }
    streams->count = 0;
}

/* ---- one stream's part ---- */

struct part {
    struct streams *streams;
    struct stream *stream;
    double since;
    uint64_t bytes_then, bytes_told; /* of all streams; of this one */
};

/* From *word on, until enough pages are written in what is this stream's: those go to the mask. Up to *word;
 * how many. */
static uint64_t gather(const struct part *part, uint64_t *word)
{
    const struct pass *pass = part->stream->pass;
    const unsigned number = (unsigned)(part->stream - part->streams->list), of = part->streams->count;
    const double enough =
        pass->bandwidth > 0 ? pass->bandwidth * limited_seconds / WIRE_PAGE_BYTES : INFINITY;
    uint64_t count = 0, words = pass->pages / WORD_PAGES;
    for (; *word < words && count < PAGES_CHUNK && (double)count < enough; ++*word) {
        bool own = pages_stream(*word * WORD_PAGES, of) == number;
        part->stream->mask[*word] = own ? pass->dirty[*word] : 0;
        count += (unsigned)__builtin_popcountll(part->stream->mask[*word]);
    }
    return count;
}

static int add_pages(const struct part *part, uint64_t word, uint64_t end, struct error *error)
{
    const char *memory = portable_memory(part->stream->pass->portable);
    int rc = 0;
    for (; rc == 0 && word < end; word++)
        for (uint64_t bits = part->stream->mask[word]; rc == 0 && bits; bits &= bits - 1) {
            uint64_t at = (word * WORD_PAGES + (unsigned)__builtin_ctzll(bits)) * WIRE_PAGE_BYTES;
            rc = page_batch_add(&part->stream->batch, at, memory + at, error);
        }
    return rc;
}

static void tell(struct part *part, uint64_t pages, uint64_t zeros)
{
    const struct page_batch *batch = &part->stream->batch;
    struct pass_progress *progress = part->streams->progress;
    progress->pages += batch->pages_sent - pages;
    progress->zeros += batch->zeros_sent - zeros;
    progress->bytes += part->stream->wire.bytes_sent - part->bytes_told;
    part->bytes_told = part->stream->wire.bytes_sent;
}

/* No faster than is allowed, all streams together. */
static void keep_pace(const struct part *part)
{
    const double most = part->stream->pass->bandwidth, begun = now_seconds();
    double now = begun;
    const double until =
        most > 0 ? part->since + (double)(part->streams->progress->bytes - part->bytes_then) / most : 0;
    for (; now < until && !stop_asked(part->stream->wire.stop); now = now_seconds()) {
        double nap = fmin(until - now, nap_seconds);
        nanosleep(&(struct timespec){.tv_nsec = (long)(nap * 1e9)}, NULL);
    }
    part->stream->slept += now - begun;
}

/* What is written is cleared before it is copied: from then on a write counts again. It is cleared for many
 * pages at once, since that costs the guest's translations. */
static int send_part(struct part *part, struct error *error)
{
    struct stream *stream = part->stream;
    const struct pass *pass = stream->pass;
    int rc = 0;
    for (uint64_t word = 0, first = 0; rc == 0; first = word) {
        uint64_t pages = stream->batch.pages_sent, zeros = stream->batch.zeros_sent;
        uint64_t count = gather(part, &word);
        if (!count)
            break;
        if (pass->running)
            rc = portable_dirty_clear(
                pass->portable, first * WORD_PAGES, (word - first) * WORD_PAGES, stream->mask + first, error);
        if (rc == 0)
            rc = add_pages(part, first, word, error);
        if (rc == 0 && pass->bandwidth > 0)
            rc = page_batch_flush(&stream->batch, error);
        stream->sent += count;
        if (pass->timeline && stream == part->streams->list)
            timeline_take(pass->timeline, pass->portable, 0);
        tell(part, pages, zeros);
        if (rc == 0 && stop_asked(stream->wire.stop))
            rc = error_set(error, EINTR, "%s", stop_reason(stream->wire.stop));
        keep_pace(part);
    }
    uint64_t pages = stream->batch.pages_sent, zeros = stream->batch.zeros_sent;
    if (rc == 0 && (rc = page_batch_flush(&stream->batch, error)) == 0)
        rc = moved_send(&stream->wire, WIRE_PASS, pass->number, 0, NULL, 0, error);
    tell(part, pages, zeros);
    return rc;
}

/* ---- all of them ---- */

static void *send_in_thread(void *context)
{
    struct part *part = context;
    part->stream->rc = send_part(part, &part->stream->error);
    return NULL;
}

static uint64_t count_pages(const struct pass *pass)
{
    uint64_t count = 0;
    for (uint64_t word = 0; word < pass->pages / WORD_PAGES; word++)
        count += (unsigned)__builtin_popcountll(pass->dirty[word]);
    return count;
}

int pass_send(
    struct streams *streams, const struct pass *pass, uint64_t *sent, double *seconds, struct error *error)
{
    struct part parts[WIRE_STREAMS_MAX];
    bool threads = streams->count > 1 && count_pages(pass) > ALONE_PAGES, started[WIRE_STREAMS_MAX] = {false};
    const double since = now_seconds();
    double slept = 0;
    int rc = 0;
    *sent = 0;
    for (unsigned i = streams->count; i-- > 0;) { /* the first is this thread's */
        struct stream *stream = &streams->list[i];
        stream->pass = pass;
        stream->batch.still = pass->still;
        stream->slept = 0;
        stream->sent = 0;
        parts[i] = (struct part){streams, stream, since, streams->progress->bytes, stream->wire.bytes_sent};
        started[i] =
            i > 0 && threads && pthread_create(&stream->thread, NULL, send_in_thread, &parts[i]) == 0;
        if (!started[i])
            send_in_thread(&parts[i]);
    }
    for (unsigned i = 0; i < streams->count; i++) {
        struct stream *stream = &streams->list[i];
        if (started[i])
            pthread_join(stream->thread, NULL);
        *sent += stream->sent;
        slept = fmax(slept, stream->slept);
        if (rc == 0 && (rc = stream->rc) < 0)
            *error = stream->error;
    }
    *seconds = now_seconds() - since - slept;
    return rc;
}
