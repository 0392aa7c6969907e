/* The executable that runs a program in a domain, as it is called: by vcost, which starts it, and by itself,
 * where the program executes another. */
#ifndef VCOST_PROGRAM_INSIDE_INSIDE_H
#define VCOST_PROGRAM_INSIDE_INSIDE_H

#include "program/inside/process.h"

/* argv: its name; what it is handed (handed.h); the path to execute, or if that holds no slash, a name to be
 * looked for in PATH; the program's arguments, the first included. */
enum { INSIDE_NAME, INSIDE_HANDED, INSIDE_PATH, INSIDE_ARGUMENTS };

int inside_main(int argc, char **argv, char **environment);

/* execve(): this process becomes one of the program at `path`, which was looked at, in a new domain. `file`:
 * it is that, and the path only its name; -1. The program's words stand behind INSIDE_ARGUMENTS places, which
 * are filled in here. Returns a negative errno only where the kernel refuses to begin. */
int inside_execute(
    const struct thread *thread, const char *path, int file, char **words, char *const *environment);

#endif
