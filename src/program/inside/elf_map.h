/* Mapping an ELF file for a program, as Linux does. */
#ifndef VCOST_PROGRAM_INSIDE_ELF_MAP_H
#define VCOST_PROGRAM_INSIDE_ELF_MAP_H

#include "program/inside/elf_place.h"
#include "program/inside/process.h"

/* Are there all the addresses that it must have? -ENOMEM: a domain has them not. */
int elf_map_look(const struct elf *elf, const struct elf_place *place, struct error *error);

/* *bias: what is added to the addresses that it is linked for. -EFAULT: Linux would end the process, too. */
int elf_map(const struct process *process, int file, const struct elf *elf, const struct elf_place *place,
    enum elf_role role, uint64_t *bias, struct error *error);

#endif
