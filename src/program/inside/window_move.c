/* mremap: memory that grows, shrinks, and moves. */
#include "domain/memory.h"
#include "program/inside/window_internal.h"

#include <errno.h>
#include <sys/syscall.h>

struct move {
    uint64_t from, bytes, to, to_bytes;
    int flags;
    uint64_t wish;
};

/* What the areas of one range say is said of another; beyond the first range, as its end. */
static int copy_areas(struct window *window, const struct move *move)
{
    struct areas *areas = &window->areas;
    uint64_t same = move->bytes < move->to_bytes ? move->bytes : move->to_bytes;
    int protection = PROT_NONE, rc = areas_set(areas, move->to, move->to + move->to_bytes, AREA_NONE);
    for (uint64_t done = 0, end; rc == 0 && done < same; done = end) {
        const struct area *area = areas_at(areas, move->from + done);
        if (!area)
            return -EFAULT;
        protection = area->protection;
        end = area->to - move->from < same ? area->to - move->from : same;
        rc = areas_set(areas, move->to + done, move->to + end, protection);
    }
    if (rc == 0 && move->to_bytes > same) {
        const struct area *first = areas_at(areas, move->from);
        protection = same ? protection : first ? first->protection : PROT_NONE;
        rc = areas_set(areas, move->to + same, move->to + move->to_bytes, protection);
    }
    return rc;
}

/* ---- to a place that the program has not chosen ---- */

/* With MREMAP_FIXED the kernel takes several mappings at once since Linux 6.17, and without it never: so it
 * chooses a place first, and what is there then is one mapping. */
static int leave_copy(void *context, struct error *error)
{
    struct host_call *call = context;
    const long to = call->arguments[4];
    call->arguments[3] &= ~(long)MREMAP_FIXED;
    call->arguments[4] = call->arguments[5]; /* what of the wish the kernel may refuse */
    int rc = window_host_call(call, error);
    if (rc < 0)
        return rc;
    struct host_call next = {.number = SYS_mremap,
        .arguments = {
            call->result, call->arguments[1], call->arguments[2], MREMAP_MAYMOVE | MREMAP_FIXED, to}};
    rc = window_host_call(&next, error);
    call->result = next.result;
    return rc;
}

static int64_t move_to(struct window *window, const struct move *move)
{
    struct error error;
    struct host_call call = {.number = SYS_mremap,
        .arguments = {(long)move->from, (long)move->bytes, (long)move->to_bytes,
            move->flags | MREMAP_MAYMOVE | MREMAP_FIXED, (long)move->to, (long)(move->wish % PAGE)}};
    domain_host_call *const make = move->flags & MREMAP_DONTUNMAP ? leave_copy : window_host_call;
    bool stays = move->flags & MREMAP_DONTUNMAP || !move->bytes;
    int rc = move->bytes ? domain_unmap(window->domain, GVA(move->from), move->bytes, make, &call, &error)
                         : make(&call, &error);
    if (rc < 0)
        return call.result < 0 ? call.result : rc;
    rc = copy_areas(window, move);
    if (rc == 0 && !stays)
        rc = areas_set(&window->areas, move->from, move->from + move->bytes, AREA_NONE);
    if (rc == 0 && stays && move->bytes)
        rc = window_give(window, move->from, move->from + move->bytes, &error);
    if (rc == 0)
        rc = window_give(window, move->to, move->to + move->to_bytes, &error);
    return rc < 0 ? -ENOMEM : call.result;
}

static int64_t move_where_free(struct window *window, struct move *move)
{
    if (!move->bytes && !areas_at(&window->areas, move->from)) /* which could lie in that place */
        return -EFAULT;
    move->to = window_find_free(window, move->to_bytes, window_alignment(move->to_bytes, 0), 0);
    return move->to ? move_to(window, move) : -ENOMEM;
}

/* ---- to where it wants it, or in place ---- */

/* Between the two places is what is not the program's: neither may the whole be taken from the guest, then.
 */
static int64_t move_across(struct window *window, const struct move *move)
{
    struct host_call free_place = {.number = SYS_munmap, .arguments = {(long)move->to, (long)move->to_bytes}};
    uint64_t at = move->from, end = move->from + (move->bytes ? move->bytes : PAGE);
    for (const struct area *area; at < end; at = area->to)
        if (!(area = areas_at(&window->areas, at)))
            return -EFAULT;
    int64_t rc = window_change(window, move->to, move->to + move->to_bytes, AREA_NONE, &free_place);
    return rc < 0 ? rc : move_to(window, move);
}

/* The kernel replaces what is there, perhaps also where it then fails, and takes several mappings with what
 * is between them since Linux 6.17. */
static int64_t move_over(struct window *window, const struct move *move)
{
    struct host_call call = {.number = SYS_mremap,
        .arguments = {
            (long)move->from, (long)move->bytes, (long)move->to_bytes, move->flags, (long)move->to}};
    uint64_t end = move->from + move->bytes, to_end = move->to + move->to_bytes;
    if (!window_owns(move->to, move->to_bytes))
        return -ENOMEM;
    const uint64_t low = move->from < move->to ? move->from : move->to, high = end > to_end ? end : to_end;
    return window_owns(low, high - low) ? window_change(window, low, high, AREA_ASK, &call)
                                        : move_across(window, move);
}

static int64_t resize(struct window *window, struct move *move)
{
    uint64_t end = move->from + move->bytes, to_end = move->from + move->to_bytes;
    const struct area *last = areas_at(&window->areas, end - 1);
    struct host_call call = {
        .number = SYS_mremap, .arguments = {(long)move->from, (long)move->bytes, (long)move->to_bytes, 0}};
    if (to_end < end)
        return window_change(window, to_end, end, AREA_NONE, &call);
    if (to_end > end && !last)
        return -EFAULT;
    bool owned = window_owns(move->from, move->to_bytes);
    if (to_end > end && owned && window_is_free(window, end, to_end - end)) {
        window_change(window, end, to_end, last->protection, &call);
    } else if (owned) { /* no change, or none that can be */
        window_host_call(&call, NULL);
    } else {
        call.result = -ENOMEM;
    }
    return call.result == -ENOMEM && move->flags & MREMAP_MAYMOVE ? move_where_free(window, move)
                                                                  : call.result;
}

/* What no Linux does: which error it has then depends on its version. */
static bool is_impossible(const struct move *move)
{
    uint64_t end = move->from + move->bytes, to_end = move->to + move->to_bytes;
    bool moves = move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
    if (move->from % PAGE || !move->to_bytes || move->to_bytes > WINDOW_END)
        return true;
    if (((moves || !move->bytes) && !(move->flags & MREMAP_MAYMOVE)) ||
        (move->flags & MREMAP_DONTUNMAP && move->bytes != move->to_bytes))
        return true;
    return move->flags & MREMAP_FIXED &&
           (move->to % PAGE || to_end < move->to || (move->from < to_end && move->to < end));
}

int64_t window_mremap(
    struct window *window, uint64_t address, uint64_t bytes, uint64_t to_bytes, int flags, uint64_t to)
{
    enum { KNOWN = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP };
    struct move move = {address, whole_pages(bytes), to, whole_pages(to_bytes), flags, to};
    if (flags & ~KNOWN)
        return -EINVAL;
    if (is_impossible(&move)) {
        struct host_call call = {
            .number = SYS_mremap, .arguments = {(long)address, (long)bytes, (long)to_bytes, flags, (long)to}};
        window_host_call(&call, NULL);
        return call.result;
    }
    if (!window_owns(address, move.bytes))
        return -EFAULT;
    window_begin(window);
    int64_t rc = flags & MREMAP_FIXED                      ? move_over(window, &move)
                 : flags & MREMAP_DONTUNMAP || !move.bytes ? move_where_free(window, &move)
                                                           : resize(window, &move);
    window_end(window);
    return rc;
}
