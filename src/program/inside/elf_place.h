/* Where Linux maps an ELF file, and what of it it cannot map (fs/binfmt_elf.c, Linux 6.10 and later). That it
 * notices when it is too late to refuse it: it ends the process by SIGSEGV. */
#ifndef VCOST_PROGRAM_INSIDE_ELF_PLACE_H
#define VCOST_PROGRAM_INSIDE_ELF_PLACE_H

#include "program/inside/elf.h"
#include "program/inside/page.h"

/* Sums and differences of addresses wrap, as Linux' do. */
struct elf_place {
    bool fixed; /* it must be at the addresses that it is linked for; else its pages, `bytes` from `low` on as
                   linked, may go anywhere */
    bool chosen;         /* Linux chooses where they go */
    uint64_t bias;       /* what Linux adds to its addresses where it does not choose */
    uint64_t low, bytes; /* whole pages; bytes: 0: nothing is mapped */
    uint64_t alignment;  /* of what is added */
    uint64_t together; /* so much is mapped at once for all of it, from its first segment on, and what is not
                          used of it taken back; 0: each segment is mapped by itself */
};

/* program: where that is which it is the linker of; NULL: it is the program. -EFAULT: Linux would end the
 * process. */
int elf_place(
    const struct elf *elf, const struct elf_place *program, struct elf_place *place, struct error *error);

/* May it begin there, once its bias is known? -EFAULT. */
int elf_check_entry(const struct elf *elf, uint64_t bias, struct error *error);

#endif
