/* Whatever the file: what Linux would map lies in the lower half of the addresses, in whole pages. */
#include "program/inside/elf_place.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(int file, enum elf_role role, const struct elf_place *program)
{
    struct elf elf;
    struct elf_place place;
    if (elf_read(file, role, &elf, NULL) < 0 || elf_place(&elf, program, &place, NULL) < 0)
        return;
    if (place.low % PAGE || place.bytes % PAGE || place.bytes > 2 * ADDRESSES_END || !place.alignment ||
        place.alignment & (place.alignment - 1))
        abort();
    for (unsigned i = 0; i < elf.segment_count; i++) {
        const struct elf_segment *segment = &elf.segments[i];
        uint64_t from = segment->address - place.low;
        if (segment->file_bytes > segment->memory_bytes)
            abort();
        if (segment->memory_bytes && (from > place.bytes || segment->memory_bytes > place.bytes - from))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct elf_place programs[] = {{.fixed = true}, {.chosen = true}};
    static int file = -1;
    if (file < 0)
        file = memfd_create("elf", MFD_CLOEXEC);
    if (ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
        return 0;
    look(file, ELF_PROGRAM, NULL);
    look(file, ELF_LINKER, &programs[0]);
    look(file, ELF_LINKER, &programs[1]);
    return 0;
}
