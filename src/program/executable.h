/* What kind of file a program is, as far as that decides what can be done to it from outside. */
#ifndef VCOST_PROGRAM_EXECUTABLE_H
#define VCOST_PROGRAM_EXECUTABLE_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

struct executable {
    char path[PATH_MAX]; /* found as shells do */
    bool script;         /* begins with #!: what follows is about its interpreter */
    bool dynamic;        /* names a dynamic linker, so LD_PRELOAD reaches it */
    bool foreign;    /* an ELF file that is none of 64-bit x86-64's, or not whole; bytes that are no text */
    bool binds_now;  /* built to have all its functions bound at the start (-z now) */
    bool privileged; /* set-user-id, set-group-id or with capabilities: nothing is preloaded into it */
};

/* Looks `word` up in PATH, as execvp() does, and reads the beginning of the file. -ENOENT or -EACCES with a
 * sentence. */
int executable_look(const char *word, struct executable *executable, struct error *error);

#endif
