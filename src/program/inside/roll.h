/* The threads of programs that run in this process' memory: its own, and those of processes that share it. */
#ifndef VCOST_PROGRAM_INSIDE_ROLL_H
#define VCOST_PROGRAM_INSIDE_ROLL_H

#include "program/inside/process.h"

void roll_enter(struct thread *thread);
void roll_leave(struct thread *thread);

/* In the child of a fork: this one alone. */
void roll_begin(struct thread *thread);

/* NULL: none has that number. It stays as long as whoever asks keeps it from ending. */
struct thread *roll_find(pid_t id);

/* Is that a thread of one of their processes that is none of the program's? */
bool roll_is_own(pid_t id);

#endif
