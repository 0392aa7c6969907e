/* What a program finds on its stack when it begins: arguments, environment, auxiliary vector (System V ABI,
 * AMD64 supplement, 3.4.1; Linux: fs/binfmt_elf.c, create_elf_tables()). */
#ifndef VCOST_PROGRAM_INSIDE_STACK_H
#define VCOST_PROGRAM_INSIDE_STACK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct stack_aux {
    uint64_t type, value; /* AT_* of <elf.h> */
};

enum { STACK_RANDOM_BYTES = 16 };

struct stack_content {
    char *const *arguments, *const *environment; /* NULL at the end */
    const char *path;                            /* AT_EXECFN */
    const char *platform;                        /* AT_PLATFORM */
    unsigned char random[STACK_RANDOM_BYTES];    /* AT_RANDOM */
    const struct stack_aux *aux;                 /* but for those named here and AT_NULL */
    size_t aux_count;
};

struct stack_built {
    uint64_t pointer; /* where the stack pointer is to begin */
    /* The strings of the arguments, from the first's beginning, then those of the environment, up to `end`.
     */
    uint64_t arguments, environment, end;
};

/* Writes it to the end of [bottom, bottom + bytes), memory that the program has at the same addresses.
 * -E2BIG: more than a quarter of that memory. */
int stack_build(const struct stack_content *content, void *bottom, size_t bytes, struct stack_built *built,
    struct error *error);

#endif
