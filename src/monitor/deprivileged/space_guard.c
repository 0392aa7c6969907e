/* Pages that no child may write any more without a fault, since their next write is to be recorded
 * (write_log.h). What else a child has mapped, and that it may read them, stays. */
#include "monitor/deprivileged/internal.h"

enum { PAGE_BYTES = 4096, WORD_PAGES = 64, CHANGES = 64 };

struct guarding {
    struct vcpu *vcpu;
    struct child *child;
    uint64_t from; /* the first page's offset in the memory */
    uint64_t pages;
    const uint64_t *bitmap; /* of these */
    size_t count;
    struct child_change list[CHANGES];
};

/* What cannot be taken from a child goes with it. */
static bool flush(struct guarding *guarding)
{
    struct error ignored;
    int rc = guarding->count
                 ? space_change(guarding->vcpu, guarding->child, guarding->list, guarding->count, &ignored)
                 : 0;
    guarding->count = 0;
    guarding->vcpu->changes++;
    if (rc < 0)
        space_drop(guarding->vcpu, guarding->child);
    return rc == 0;
}

static bool has(const struct guarding *guarding, uint64_t page)
{
    return guarding->bitmap[page / WORD_PAGES] >> page % WORD_PAGES & 1;
}

/* Of a piece that may be written, all runs of such pages. */
static bool guard_piece(struct guarding *guarding, const struct child_piece *piece)
{
    const uint64_t low = piece->offset > guarding->from ? piece->offset : guarding->from;
    const uint64_t high = piece->offset + piece->bytes, most = guarding->from + guarding->pages * PAGE_BYTES;
    uint64_t page = (low - guarding->from) / PAGE_BYTES,
             end = ((high < most ? high : most) - guarding->from) / PAGE_BYTES;
    bool lives = true;
    while (lives && page < end) {
        const uint64_t first = page;
        while (page < end && has(guarding, page))
            page++;
        if (page > first)
            guarding->list[guarding->count++] = (struct child_change){.kind = CHILD_PROTECT,
                .rights = piece->rights & ~(unsigned)CHILD_WRITE,
                .start = piece->start + (guarding->from + first * PAGE_BYTES - piece->offset),
                .bytes = (page - first) * PAGE_BYTES};
        else
            page++;
        if (guarding->count == CHANGES)
            lives = flush(guarding);
    }
    return lives;
}

static void guard_child(struct guarding *guarding, struct child *child, unsigned memory)
{
    struct child_piece piece;
    bool lives = child;
    guarding->child = child;
    guarding->count = 0;
    for (uint64_t at = 0; lives && child_mapped(child, memory, at, &piece); at = piece.start + piece.bytes)
        if (piece.rights & CHILD_WRITE && piece.offset < guarding->from + guarding->pages * PAGE_BYTES &&
            piece.offset + piece.bytes > guarding->from)
            lives = guard_piece(guarding, &piece);
    if (lives)
        (void)flush(guarding);
}

void space_take_writes(
    struct vcpu *vcpu, unsigned slot, uint64_t first, uint64_t pages, const uint64_t *bitmap)
{
    const struct guest_memory *memory = &vcpu->vm->memory;
    struct guarding guarding = {.vcpu = vcpu, .pages = pages, .bitmap = bitmap};
    if (vcpu->known[slot] < 0)
        return; /* nothing of it is mapped */
    for (size_t i = 0; i < memory->count; i++)
        if (memory->list[i].slot == slot)
            guarding.from = memory->list[i].backing.offset + first * PAGE_BYTES;
    for (int i = 0; i < SPACES; i++) {
        guard_child(&guarding, vcpu->spaces[i].kernel, (unsigned)vcpu->known[slot]);
        guard_child(&guarding, vcpu->spaces[i].user, (unsigned)vcpu->known[slot]);
    }
}
