/* An x86-64 ELF file as execve() reads it: what is to be mapped where. The file is hostile; nothing is mapped
 * here. Layout: System V ABI, chapter 4 (Object Files) and 5 (Program Loading); what Linux refuses:
 * fs/binfmt_elf.c. */
#ifndef VCOST_PROGRAM_INSIDE_ELF_H
#define VCOST_PROGRAM_INSIDE_ELF_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { ELF_SEGMENTS_MAX = 64 };

struct elf_segment {
    uint64_t address, memory_bytes; /* as linked, before any relocation; not rounded */
    uint64_t offset, file_bytes;    /* in the file; file_bytes <= memory_bytes */
    int protection;                 /* PROT_* */
};

struct elf {
    bool relocatable; /* ET_DYN: it may be put anywhere */
    uint64_t entry;
    uint64_t low, high; /* the pages that its segments span */
    uint64_t alignment; /* that they ask for: a power of two, at least 4096 */
    uint64_t headers;   /* where its program headers are in memory; 0: in no segment */
    unsigned header_count;
    bool executable_stack;
    struct elf_segment
        segments[ELF_SEGMENTS_MAX]; /* in the file's order; what comes later lies over what came before */
    unsigned segment_count;
    char interpreter[PATH_MAX]; /* "": none */
};

/* -ENOEXEC: not one that x86-64 Linux runs in 64-bit mode; -EIO, -EINVAL: the file does not hold the name of
 * its interpreter; -EFAULT: segments that cannot be mapped, which Linux notices when it is too late to refuse
 * it: it ends the process by SIGSEGV. */
int elf_read(int file, struct elf *elf, struct error *error);

#endif
