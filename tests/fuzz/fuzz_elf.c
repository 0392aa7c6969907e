/* Whatever the file: what is to be mapped lies in the lower half of the addresses, in whole pages. */
#include "program/inside/elf.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    struct elf elf;
    if (file < 0)
        file = memfd_create("elf", MFD_CLOEXEC);
    if (ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size ||
        elf_read(file, &elf, NULL) < 0)
        return 0;
    if (!elf.segment_count || elf.low % 4096 || elf.high % 4096 || elf.low >= elf.high ||
        elf.high > (UINT64_C(1) << 47) + 4096)
        abort();
    for (unsigned i = 0; i < elf.segment_count; i++) {
        const struct elf_segment *segment = &elf.segments[i];
        if (segment->file_bytes > segment->memory_bytes || segment->address < elf.low ||
            segment->address + segment->memory_bytes > elf.high)
            abort();
    }
    return 0;
}
