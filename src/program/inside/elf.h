/* An x86-64 ELF file as execve() reads it: what is to be mapped. The file is hostile; nothing is mapped here,
 * and its addresses are as they stand there (elf_place.h looks at them). Layout: System V ABI, chapter 4
 * (Object Files) and 5 (Program Loading); what Linux refuses: fs/binfmt_elf.c. */
#ifndef VCOST_PROGRAM_INSIDE_ELF_H
#define VCOST_PROGRAM_INSIDE_ELF_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { ELF_SEGMENTS_MAX = 1170 }; /* Linux reads so many headers: 64 KiB of them */

struct elf_segment {
    uint64_t address, memory_bytes; /* as linked, before any relocation; not rounded */
    uint64_t offset, file_bytes;    /* in the file */
    int protection;                 /* PROT_* */
};

struct elf {
    bool is_fixed, relocatable; /* ET_EXEC, ET_DYN: it may be put anywhere; of a linker perhaps neither */
    uint64_t entry;
    uint64_t alignment; /* that its segments ask for: a power of two, at least 4096 */
    uint64_t headers;   /* where its program headers are in memory; 0: in no segment */
    unsigned header_count;
    bool executable_stack;
    bool interpreted; /* by the linker that is named here, perhaps by "" */
    char interpreter[PATH_MAX];
    unsigned segment_count; /* only so many are there: */
    struct elf_segment
        segments[ELF_SEGMENTS_MAX]; /* in the file's order; what comes later lies over what came before */
};

enum elf_role { ELF_PROGRAM, ELF_LINKER /* the interpreter of one */ };

/* What Linux says while it can still refuse it: -ENOEXEC, of a linker -ELIBBAD: not one that x86-64 Linux
 * runs in 64-bit mode; what reading the name of its interpreter, or a linker's header, fails with; -EIO: the
 * file does not hold it. */
int elf_read(int file, enum elf_role role, struct elf *elf, struct error *error);

/* Is a file, by its header, a program of 32 bits, which Linux runs where it is made so? */
bool elf_is_of_32_bits(const char *path);

#endif
