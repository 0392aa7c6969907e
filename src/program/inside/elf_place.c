#include "program/inside/elf_place.h"

#include <errno.h>

static bool is_outside(uint64_t address, uint64_t bytes)
{
    return address >= ADDRESSES_END || bytes > ADDRESSES_END || address > ADDRESSES_END - bytes;
}

/* A program's addresses must be such as they stand there, wherever it goes; a linker's where they come to. */
static bool is_possible(const struct elf_segment *segment, bool linker, const struct elf_place *place)
{
    if (segment->file_bytes > segment->memory_bytes || segment->memory_bytes > ADDRESSES_END ||
        (segment->file_bytes && (segment->address - segment->offset) % PAGE))
        return false;
    return !(!linker && is_outside(segment->address, segment->memory_bytes)) &&
           !(!place->chosen && is_outside(segment->address + place->bias, segment->memory_bytes));
}

/* Linkers sort segments; Linux does not look. */
static uint64_t total_of(const struct elf *elf)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (unsigned i = 0; i < elf->segment_count; i++) {
        uint64_t from = page_of(elf->segments[i].address),
                 to = elf->segments[i].address + elf->segments[i].memory_bytes;
        low = from < low ? from : low;
        high = to > high ? to : high;
    }
    return high - low;
}

/* How much Linux can map at once: from the first segment on; from where programs begin that a linker is for
 * (ELF_ET_DYN_BASE); below what it keeps free for the stack (arch/x86/mm/mmap.c, mmap_base()). */
static uint64_t room_of(const struct elf *elf, bool linker)
{
    const uint64_t base = UINT64_C(0x555555554000), gap = UINT64_C(0x8000000);
    const uint64_t first = page_of(elf->segments[0].address);
    if (elf->is_fixed)
        return first < ADDRESSES_END ? ADDRESSES_END - first : 0;
    return ADDRESSES_END - (!linker && elf->interpreted ? base : gap);
}

/* By how far they are from the first one, on both sides. False: one is so far that none of both could be
 * where a process has addresses. They are possible by themselves. */
static bool find_span(const struct elf *elf, struct elf_place *place)
{
    const uint64_t first = page_of(elf->segments[0].address);
    const int64_t farthest = (int64_t)ADDRESSES_END;
    int64_t low = 0, high = 0;
    for (unsigned i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        const int64_t from = (int64_t)(page_of(segment->address) - first),
                      bytes = (int64_t)whole_pages(segment->address % PAGE + segment->memory_bytes);
        if (!segment->memory_bytes)
            continue;
        if (from <= -farthest || from > farthest - bytes)
            return false;
        low = from < low ? from : low;
        high = from + bytes > high ? from + bytes : high;
    }
    place->low = first + (uint64_t)low;
    place->bytes = (uint64_t)(high - low);
    return true;
}

/* The kernel is asked for a place with the first segment's part of the file: where it has none, or where it
 * asks for an alignment that no address has, it begins at 0. */
static void choose(const struct elf *elf, const struct elf_place *program, struct elf_place *place)
{
    const struct elf_segment *first = &elf->segments[0];
    const bool based = program && (program->chosen || program->bias), has_base = !program && elf->interpreted;
    const uint64_t alignment = program ? PAGE : elf->alignment;
    const bool has_alignment = alignment <= ADDRESSES_END;
    place->fixed = elf->is_fixed;
    place->alignment = has_alignment ? alignment : PAGE;
    place->chosen = !place->fixed && has_alignment && (first->file_bytes || has_base);
    if (!place->chosen && !place->fixed && (!program || based))
        place->bias = -page_of(first->address);
}

static int cannot(struct error *error, const char *what)
{
    return error_set(error, EFAULT, "%s", what);
}

int elf_check_entry(const struct elf *elf, uint64_t bias, struct error *error)
{
    return !elf->interpreted && elf->entry + bias >= ADDRESSES_END
               ? cannot(error, "the program begins where no program may be")
               : 0;
}

/* It has segments. */
static int lay_out(
    const struct elf *elf, const struct elf_place *program, struct elf_place *place, struct error *error)
{
    const bool at_once = elf->segments[0].file_bytes, all = elf->relocatable || program;
    const uint64_t total = total_of(elf), together = at_once ? whole_pages(total) : 0;
    choose(elf, program, place);
    if (all && (!total || (at_once && !together) || together > room_of(elf, program)))
        return cannot(error, "the program is larger than all that a process may have");
    place->together = all ? together : 0;
    for (unsigned i = 0; i < elf->segment_count; i++)
        if (!is_possible(&elf->segments[i], program, place))
            return cannot(error, "a segment of the program cannot be mapped");
    return find_span(elf, place) ? 0 : cannot(error, "segments of the program are too far apart");
}

int elf_place(
    const struct elf *elf, const struct elf_place *program, struct elf_place *out, struct error *error)
{
    struct elf_place place = {.fixed = true, .alignment = PAGE};
    if (program && ((!elf->is_fixed && !elf->relocatable) || !elf->segment_count))
        return cannot(error, "the program's interpreter is no program, or has nothing that is to be mapped");
    int rc = elf->segment_count ? lay_out(elf, program, &place, error) : 0;
    if (rc == 0 && !place.chosen)
        rc = elf_check_entry(elf, place.bias, error);
    if (rc == 0)
        *out = place;
    return rc;
}
