#include "domain/moved/receive.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- memory ---- */

static struct page_target target_of(const struct receiving *receiving, const struct handover *offer)
{
    const struct restored *restored = &receiving->restored;
    return (struct page_target){.base = restored->memory.base,
        .pages = restored->saved.plan.memory_bytes / WIRE_PAGE_BYTES,
        .had = receiving->had,
        .streams = (unsigned)offer->streams};
}

/* All streams have come as far as this one. */
static int end_pass(struct receiving *receiving, const struct moved_header *header, struct error *error)
{
    if (header->at != receiving->passes)
        return error_set(error, EPROTO, "a pass over memory ended that was not the next");
    receiving->passes++;
    int rc = moved_receive_payload(&receiving->wire, header, error);
    if (rc == 0 && (rc = joined_wait(&receiving->joined, receiving->passes, &receiving->wire, error)) == 0)
        rc = moved_send(&receiving->wire, WIRE_PASSED, header->at, 0, NULL, 0, error);
    return rc;
}

static int take_left(struct receiving *receiving, const struct moved_header *header, struct error *error)
{
    int rc = moved_receive_payload(&receiving->wire, header, error);
    return rc < 0 ? rc : follow_left(&receiving->follow, header, receiving->wire.payload, error);
}

/* Up to a WIRE_STATE. */
static int receive_memory(struct receiving *receiving, const struct page_target *target,
    struct moved_header *header, struct error *error)
{
    int rc = 0;
    while (rc == 0 && (rc = moved_receive_header(&receiving->wire, header, error)) == 0 &&
           header->kind != WIRE_STATE) {
        if (header->kind == WIRE_PAGES || header->kind == WIRE_ZEROS)
            rc = pages_take(&receiving->wire, header, target, error);
        else if (header->kind == WIRE_PASS)
            rc = end_pass(receiving, header, error);
        else if (header->kind == WIRE_LEFT && receiving->post_copy)
            rc = take_left(receiving, header, error);
        else if ((rc = moved_receive_payload(&receiving->wire, header, error)) == 0)
            rc = moved_unexpected(&receiving->wire, header, WIRE_STATE, error);
    }
    if (rc == 0 && !receiving->passes)
        rc = error_set(error, EPROTO, "the domain's state came before its memory");
    return rc < 0 ? rc : moved_receive_payload(&receiving->wire, header, error);
}

/* ---- all of it ---- */

/* What it is like now is put in once: whether that can be, and how long it takes, is known then. */
static int try_state(struct receiving *receiving, const struct state_pause *pause, struct error *error)
{
    double begun = now_seconds();
    int rc = portable_restore(receiving->restored.portable, &receiving->restored.saved.state, pause, error);
    receiving->create_seconds = now_seconds() - begun;
    return rc;
}

/* The offer becomes a saved domain whose memory is on its way. */
static int make_ready(struct receiving *receiving, const struct restore_request *request, struct error *error)
{
    struct restored *restored = &receiving->restored;
    struct portable_plan *plan = &restored->saved.plan;
    struct state_pause pause = {.ticks = 0};
    int rc = portable_choose_monitor(plan, request->monitor, &restored->monitor, error);
    if (rc < 0)
        return rc;
    if (receiving->post_copy && request->wish.locked)
        return error_set(error, ENOTSUP,
            "memory that is locked is all there before the domain runs: receive it without --lock, or move "
            "it without "
            "--post-copy");
    if (receiving->post_copy && request->wish.forkable)
        return error_set(error, ENOTSUP,
            "memory that clones can map is all there before the domain runs: receive it without --forkable, "
            "or move it "
            "without --post-copy");
    receiving->had = calloc(plan->memory_bytes / WIRE_PAGE_BYTES / 64 + 1, sizeof *receiving->had);
    if (!receiving->had)
        return error_set(error, ENOMEM, "no memory to receive a domain");
    rc = restore_set_clock(request, restored, &pause, error);
    if (rc == 0 &&
        (rc = portable_map_memory(
             plan->memory_bytes, restored->monitor, &request->wish, &restored->memory, error)) == 0 &&
        (rc = portable_open(plan, restored->monitor, portable_backing(&restored->memory), NULL,
             &restored->portable, error)) == 0)
        rc = restore_check_cpu(restored, error);
    if (rc == 0 && receiving->post_copy)
        rc = follow_open(
            &receiving->follow, restored->portable, restored->memory.base, restored->monitor, error);
    if (rc == 0) {
        portable_set_room(restored->portable, portable_room(plan->memory_bytes));
        rc = try_state(receiving, &pause, error);
    }
    return rc < 0 || receiving->checked ? rc : portable_ready(restored->portable, error);
}

static int take_offer(struct receiving *receiving, const struct restore_request *request,
    const struct receiving_hooks *hooks, struct handover *offer, struct error *error)
{
    struct moved_header header;
    struct stored *saved = &receiving->restored.saved;
    int rc = moved_expect(&receiving->wire, WIRE_OFFER, &header, error);
    if (rc == -EPIPE)
        return error_set(error, ENODATA, "the other side went without a word");
    if (rc < 0 || (rc = handover_read(receiving->wire.payload, header.bytes, true, offer, error)) < 0)
        return rc;
    *saved = (struct stored){
        .plan = offer->plan, .state = offer->state, .moment = offer->moment, .pace = offer->pace};
    receiving->checked = offer->check;
    receiving->paused = offer->paused;
    receiving->post_copy = offer->post_copy;
    receiving->watch = offer->watch > 0 && !offer->paused ? offer->watch : 0;
    if (offer->streams > 1 && !hooks->accept)
        return error_set(
            error, ENOTSUP, "one link takes one stream: several need unix:PATH or tcp:HOST:PORT");
    if (request->name)
        snprintf(saved->plan.name, sizeof saved->plan.name, "%s", request->name);
    rc = hooks->refused ? hooks->refused(hooks->context, saved->plan.name, error) : 0;
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
    int rc = handover_read(receiving->wire.payload, bytes, false, &last, error);
    if (rc < 0)
        return rc;
    machine_state_free(&saved->state);
    saved->state = last.state;
    saved->moment = last.moment;
    if (receiving->post_copy)
        rc = follow_prepare(&receiving->follow, error);
    if (rc == 0 && (rc = restore_set_clock(request, &receiving->restored, &pause, error)) == 0)
        rc = portable_restore(receiving->restored.portable, &saved->state, &pause, error);
    if (rc == 0)
        jump_begin(&receiving->restored.jump, receiving->restored.portable);
    receiving->create_seconds = now_seconds() - begun;
    return rc;
}

/* Everything from the offer on to the last of its memory. */
static int receive_all(struct receiving *receiving, const struct restore_request *request,
    const struct receiving_hooks *hooks, struct error *error)
{
    struct moved_header header;
    struct handover offer;
    int rc = take_offer(receiving, request, hooks, &offer, error);
    if (rc == 0)
        rc = moved_send(
            &receiving->wire, WIRE_READY, (uint64_t)(receiving->create_seconds * 1e9), 0, NULL, 0, error);
    if (rc < 0 || receiving->checked)
        return rc;
    const struct page_target target = target_of(receiving, &offer);
    const struct joined_request joining = {.streams = target.streams,
        .token = offer.token,
        .target = target,
        .first_link = receiving->wire.in,
        .patience = &receiving->patience,
        .stop = request->stop,
        .accept = hooks->accept,
        .context = hooks->context};
    receiving->follow.accept = hooks->accept;
    receiving->follow.context = hooks->context;
    memcpy(receiving->follow.token, offer.token, sizeof offer.token);
    if ((rc = joined_open(&receiving->joined, &joining, error)) == 0 &&
        (rc = receive_memory(receiving, &target, &header, error)) == 0) {
        joined_end(&receiving->joined);
        urgent_begin(&receiving->urgent);
        rc = take_state(receiving, request, header.bytes, error);
    }
    return rc < 0 && joined_failed(&receiving->joined, error) ? -error->code : rc;
}

int receiving_open(struct receiving *receiving, int in, int out, const struct restore_request *request,
    const struct receiving_hooks *hooks, struct error *error)
{
    *receiving = (struct receiving){.restored = {.fd = -1},
        .patience = {.seconds = hooks->link_timeout > 0 ? hooks->link_timeout : WIRE_SILENCE_SECONDS},
        .follow = {.fault = {.fd = -1}, .link = -1}};
    int rc = moved_open(&receiving->wire, in, out, request->stop, error);
    receiving->wire.patience = &receiving->patience;
    receiving->wire.tells_alive = true;
    if (rc == 0)
        rc = receive_all(receiving, request, hooks, error);
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
    after_prepare(&receiving->after, &receiving->wire, receiving->restored.portable, receiving->watch);
    int rc = moved_send(&receiving->wire, WIRE_PREPARED, create_ns, 0, NULL, 0, error);
    return rc < 0 ? rc : moved_expect(&receiving->wire, WIRE_COMMIT, &header, error);
}

void receiving_started(struct receiving *receiving)
{
    struct error error;
    int rc = moved_send(&receiving->wire, WIRE_STARTED, 0, 0, NULL, 0, &error);
    urgent_end(&receiving->urgent);
    if (rc == 0)
        after_start(&receiving->after, receiving->post_copy ? &receiving->follow : NULL);
    if (receiving->post_copy)
        (void)follow_start(&receiving->follow, &receiving->wire, &error);
}

bool receiving_is_over(struct receiving *receiving)
{
    struct follow_told told = {.stage = FOLLOW_ALL};
    if (receiving->post_copy)
        follow_look(&receiving->follow, &told);
    return told.stage == FOLLOW_ALL && (!receiving->after.started || receiving->after.over);
}

void receiving_close(struct receiving *receiving)
{
    urgent_end(&receiving->urgent);
    after_stop(&receiving->after);
    follow_close(&receiving->follow);
    joined_close(&receiving->joined);
    moved_close(&receiving->wire);
    free(receiving->had);
    receiving->had = NULL;
    restore_close(&receiving->restored);
}
