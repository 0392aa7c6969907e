/* From a path to a program that can begin: what execve() looks at before it gives up the caller, and what it
 * does then. */
#ifndef VCOST_PROGRAM_INSIDE_LOAD_H
#define VCOST_PROGRAM_INSIDE_LOAD_H

#include "program/inside/elf_place.h"
#include "program/inside/process.h"

enum { LOAD_SCRIPTS_MAX = 5, LOAD_SCRIPT_BYTES = 256 };

/* What a path leads to. */
struct loadable {
    char path[PATH_MAX];   /* of the ELF file: the program, or the interpreter of a script */
    bool plain;            /* that is what /proc says of it, too: no link is on the way */
    int file, interpreter; /* ELF files; interpreter: -1: none */
    struct elf program, linker;
    struct elf_place place, linker_place;
    /* Of a script: what stands in front of its path, outermost interpreter first, and then its path. */
    char words[2 * LOAD_SCRIPTS_MAX][PATH_MAX];
    unsigned word_count; /* these replace the first argument */
};

/* What is to be executed: its name, and for those that are named by a descriptor (execveat) the open file,
 * which is closed then; -1. `written`: is it looked whether somebody has it open for writing (-ETXTBSY)? That
 * takes time, and only the kernel knows it (Linux 6.14). */
struct load_what {
    const char *path;
    int file;
    bool written;
};

/* Opens what is behind a path: -ENOENT, -EACCES, -ENOEXEC, -ELIBBAD, -EPERM (set-user-id) …, with a sentence;
 * -EFAULT: Linux would end who executes it by SIGSEGV; -ENOMEM: it wants addresses that a domain does not
 * have. Allocated; load_free() closes its files. */
int load_look(const struct load_what *what, struct loadable **loadable, struct error *error);
void load_free(struct loadable *loadable);

/* Maps it, with a stack that holds arguments and environment, and says where its first thread begins.
 * -EFAULT: as above. */
int load_program(struct process *process, const struct loadable *loadable, char *const *arguments,
    char *const *environment, struct domain_user *user, struct error *error);

#endif
