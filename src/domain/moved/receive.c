#include "domain/moved/receive.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE_BYTES = 4096 };

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- memory ---- */

/* Fresh memory is zero: pages of zeros that nothing was written to are not touched. */
static void clear_page(struct receiving *receiving, uint64_t page)
{
    if (receiving->had[page / 64] >> page % 64 & 1)
        memset((char *)receiving->restored.memory.base + page * PAGE_BYTES, 0, PAGE_BYTES);
}

int receiving_take(
    struct receiving *receiving, const struct moved_header *header, const char *payload, struct error *error)
{
    uint64_t first = header->at / PAGE_BYTES, all = receiving->restored.saved.plan.memory_bytes / PAGE_BYTES;
    if (first >= all || header->pages > all - first)
        return error_set(
            error, EPROTO, "memory arrived that the domain does not have, at 0x%" PRIx64, header->at);
    if (header->kind == WIRE_PAGES)
        memcpy((char *)receiving->restored.memory.base + header->at, payload, header->bytes);
    for (uint64_t page = first; page < first + header->pages; page++) {
        if (header->kind == WIRE_ZEROS)
            clear_page(receiving, page);
        else
            receiving->had[page / 64] |= UINT64_C(1) << page % 64;
    }
    return 0;
}

static int receive_memory(struct receiving *receiving, struct moved_header *header, struct error *error)
{
    int rc;
    while ((rc = moved_receive(&receiving->wire, header, error)) == 0 &&
           (header->kind == WIRE_PAGES || header->kind == WIRE_ZEROS)) {
        rc = receiving_take(receiving, header, receiving->wire.payload, error);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && header->kind != WIRE_STATE)
        rc = moved_unexpected(&receiving->wire, header, WIRE_STATE, error);
    return rc;
}

/* ---- all of it ---- */

/* The offer becomes a saved domain whose memory is on its way. */
static int make_ready(struct receiving *receiving, const struct restore_request *request, struct error *error)
{
    struct restored *restored = &receiving->restored;
    struct portable_plan *plan = &restored->saved.plan;
    struct state_pause pause = {.ticks = 0};
    int rc = portable_choose_monitor(plan, request->monitor, &restored->monitor, error);
    if (rc < 0)
        return rc;
    receiving->had = calloc(plan->memory_bytes / PAGE_BYTES / 64 + 1, sizeof *receiving->had);
    if (!receiving->had)
        return error_set(error, ENOMEM, "no memory to receive a domain");
    rc = restore_set_clock(request, restored, &pause, error);
    if (rc == 0 &&
        (rc = portable_map_memory(plan->memory_bytes, restored->monitor, &restored->memory, error)) == 0 &&
        (rc = portable_open(
             plan, restored->monitor, portable_backing(&restored->memory), &restored->portable, error)) == 0)
        rc = restore_check_cpu(restored, error);
    return rc;
}

static int take_offer(struct receiving *receiving, const struct restore_request *request,
    int (*refused)(void *context, const char *name, struct error *error), void *context, struct error *error)
{
    struct moved_header header;
    struct handover offer;
    struct stored *saved = &receiving->restored.saved;
    int rc = moved_expect(&receiving->wire, WIRE_OFFER, &header, error);
    if (rc == -EPIPE)
        return error_set(error, ENODATA, "the other side went without a word");
    if (rc < 0 || (rc = handover_read(receiving->wire.payload, header.bytes, &offer, error)) < 0)
        return rc;
    *saved =
        (struct stored){.plan = offer.plan, .state = offer.state, .moment = offer.moment, .pace = offer.pace};
    receiving->checked = offer.check;
    receiving->paused = offer.paused;
    if (request->name)
        snprintf(saved->plan.name, sizeof saved->plan.name, "%s", request->name);
    rc = refused ? refused(context, saved->plan.name, error) : 0;
    return rc < 0 ? rc : make_ready(receiving, request, error);
}

/* What the offer said of it stays, but for its state. */
static int take_state(
    struct receiving *receiving, const struct restore_request *request, size_t bytes, struct error *error)
{
    struct stored *saved = &receiving->restored.saved;
    struct state_pause pause = {.ticks = 0};
    struct handover last;
    double begun = now_seconds();
    int rc = handover_read(receiving->wire.payload, bytes, &last, error);
    if (rc < 0)
        return rc;
    machine_state_free(&saved->state);
    saved->state = last.state;
    saved->moment = last.moment;
    saved->pace = last.pace;
    if ((rc = restore_set_clock(request, &receiving->restored, &pause, error)) == 0)
        rc = portable_restore(receiving->restored.portable, &saved->state, &pause, error);
    receiving->create_seconds = now_seconds() - begun;
    return rc;
}

int receiving_open(struct receiving *receiving, int in, int out, const struct restore_request *request,
    int (*refused)(void *context, const char *name, struct error *error), void *context, struct error *error)
{
    struct moved_header header;
    *receiving = (struct receiving){.restored = {.fd = -1}};
    int rc = moved_open(&receiving->wire, in, out, request->stop, error);
    if (rc == 0)
        rc = take_offer(receiving, request, refused, context, error);
    if (rc == 0)
        rc = moved_send(&receiving->wire, WIRE_READY, 0, 0, NULL, 0, error);
    if (rc == 0 && !receiving->checked && (rc = receive_memory(receiving, &header, error)) == 0)
        rc = take_state(receiving, request, header.bytes, error);
    if (rc < 0) {
        struct error why;
        error_set(&why, -rc, "%s", error->text);
        moved_refuse(&receiving->wire, &why);
        receiving_close(receiving);
    }
    return rc;
}

int receiving_take_over(struct receiving *receiving, struct error *error)
{
    struct moved_header header;
    const uint64_t create_ns = (uint64_t)(receiving->create_seconds * 1e9);
    int rc = moved_send(&receiving->wire, WIRE_PREPARED, create_ns, 0, NULL, 0, error);
    return rc < 0 ? rc : moved_expect(&receiving->wire, WIRE_COMMIT, &header, error);
}

void receiving_started(struct receiving *receiving)
{
    struct error error;
    (void)moved_send(&receiving->wire, WIRE_STARTED, 0, 0, NULL, 0, &error);
}

void receiving_close(struct receiving *receiving)
{
    moved_close(&receiving->wire);
    free(receiving->had);
    receiving->had = NULL;
    restore_close(&receiving->restored);
}
