/* A standard input with nothing in it that tells whether it was read: an empty file in memory, of which
 * nobody can make more. The kernel notes the time of a read of such a file also at its end (mm/shmem.c,
 * shmem_file_read_iter(): file_accessed()); that time is put back before a run, and looked at after it. So it
 * costs nothing while the program runs, and children and copies of the descriptor are seen as well. */
#ifndef VCOST_PROGRAM_EMPTY_INPUT_H
#define VCOST_PROGRAM_EMPTY_INPUT_H

#include <stdbool.h>

struct empty_input {
    const char *path; /* to be opened by this process as long as it is open */
    int fd;           /* -1: `path` is /dev/null, which tells nothing */
    char own[32];
};

/* Tries whether reads are noted here. There is always something to read from. */
void empty_input_open(struct empty_input *input);
void empty_input_close(struct empty_input *input);

/* Forgets what was read before. */
void empty_input_forget(const struct empty_input *input);

/* Whether somebody read it since; false where that is not known. */
bool empty_input_was_read(const struct empty_input *input);

#endif
