#include "program/inside/elf_map.h"

#include "program/inside/access.h"

#include <errno.h>
#include <sys/mman.h>

/* What is there already, of who executes it, does not count. */
static bool can_map(uint64_t at, uint64_t bytes, int flags)
{
    void *got = mmap(
        (void *)(uintptr_t)at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (got != MAP_FAILED)
        munmap(got, bytes);
    return got != MAP_FAILED || errno == EEXIST;
}

/* Could Linux map it? The lowest pages are not everyone's (vm.mmap_min_addr), and of zeros, which are not
 * looked at where a domain has them, it gives no more than it may have memory for. */
static bool linux_maps(const struct elf_segment *segment, uint64_t at, bool owned)
{
    uint64_t zeros = owned ? 0 : segment->memory_bytes - segment->file_bytes;
    bool low = segment->file_bytes && at < WINDOW_EVERYONES_FROM;
    return !(low && !can_map(at, PAGE, MAP_FIXED_NOREPLACE)) && !(zeros && !can_map(0, zeros, 0));
}

int elf_map_look(const struct elf *elf, const struct elf_place *place, struct error *error)
{
    bool lacks = !place->fixed && place->bytes > WINDOW_TO - WINDOW_FROM;
    for (unsigned i = 0; !place->chosen && i < elf->segment_count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        uint64_t from = page_of(segment->address + place->bias),
                 to = whole_pages(segment->address + place->bias + segment->memory_bytes);
        bool owned = window_owns(from, to - from);
        if (segment->memory_bytes && !linux_maps(segment, from, owned))
            return error_set(error, EFAULT, "a segment of the program cannot be mapped");
        lacks |= segment->memory_bytes && !owned && place->fixed;
    }
    return lacks ? error_set(error, ENOMEM, "it is linked for addresses that a domain does not have") : 0;
}

/* The file's part, then zeros: the rest of its last page, to its end (dynamic linkers use what is
 * behind their data there), and pages of their own, which may be written whatever the segment says. */
static int64_t map_segment(
    const struct process *process, int file, const struct elf_segment *segment, uint64_t bias)
{
    static const char zeros[PAGE];
    const int fresh_protection = PROT_READ | PROT_WRITE | (segment->protection & PROT_EXEC);
    struct window *window = process->window;
    uint64_t at = segment->address + bias, end = at + segment->memory_bytes,
             read_to = at + segment->file_bytes;
    uint64_t fresh = segment->file_bytes ? whole_pages(read_to) : page_of(at);
    int64_t rc = 0;
    if (segment->file_bytes)
        rc = window_mmap(window, page_of(at), read_to - page_of(at), segment->protection,
            MAP_PRIVATE | MAP_FIXED, file, page_of(segment->offset));
    if (rc >= 0 && end > fresh && segment->memory_bytes)
        rc = window_mmap(
            window, fresh, end - fresh, fresh_protection, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
    bool tail = segment->file_bytes && end > read_to && segment->protection & PROT_WRITE;
    if (rc >= 0 && tail) /* which may lie behind the end of the file */
        rc = access_write(process, read_to, zeros, fresh - read_to);
    return rc;
}

/* What Linux maps for a moment for all segments together it may not have memory for; and there is nothing
 * left there of what was before. */
static int64_t map_together(
    const struct process *process, int file, const struct elf *elf, const struct elf_place *place)
{
    const struct elf_segment *first = &elf->segments[0];
    struct window *window = process->window;
    int64_t rc = 0;
    if (place->together && first->protection & PROT_WRITE) {
        rc = window_mmap(
            window, 0, place->together, first->protection, MAP_PRIVATE, file, page_of(first->offset));
        if (rc >= 0)
            window_munmap(window, (uint64_t)rc, place->together);
    }
    if (rc >= 0 && place->together && place->fixed)
        rc = window_munmap(window, page_of(first->address), place->together);
    return rc;
}

/* The program's own addresses, with its heap behind, are right above the domain's system pages, from which
 * all else comes on down: of a small program all is near each other, so that the domain has little to make.
 */
static uint64_t choose(struct window *window, enum elf_role role, uint64_t bytes, uint64_t alignment)
{
    uint64_t at = (window_program() + alignment - 1) & -alignment;
    return role == ELF_PROGRAM && window_owns(at, bytes) ? at : window_find(window, bytes, alignment);
}

int elf_map(const struct process *process, int file, const struct elf *elf, const struct elf_place *place,
    enum elf_role role, uint64_t *bias, struct error *error)
{
    uint64_t shift = 0;
    if (!place->fixed) {
        const uint64_t off = place->low & (place->alignment - 1);
        uint64_t at = choose(process->window, role, place->bytes + off, place->alignment);
        if (!at)
            return error_set(error, ENOMEM, "the program is larger than what a domain can map");
        shift = at + off - place->low;
    }
    int rc = elf_check_entry(elf, shift, error);
    if (rc < 0)
        return rc;
    int64_t mapped = map_together(process, file, elf, place);
    for (unsigned i = 0; mapped >= 0 && i < elf->segment_count; i++)
        mapped = map_segment(process, file, &elf->segments[i], shift);
    if (mapped < 0)
        return error_set(error, EFAULT, "cannot map the program at the addresses that it is linked for");
    *bias = shift;
    return 0;
}
