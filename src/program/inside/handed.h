/* What a program's process hands over to the one that it executes, in an argument: numbers with commas. */
#ifndef VCOST_PROGRAM_INSIDE_HANDED_H
#define VCOST_PROGRAM_INSIDE_HANDED_H

#include <stdbool.h>
#include <stdint.h>

enum handed {
    HANDED_TALLY, /* descriptors */
    HANDED_KVM,   /* -1: /dev/kvm is opened */
    HANDED_SELF,
    HANDED_FIRST, /* so many are what vcost itself says */
    HANDED_PROC = HANDED_FIRST,
    HANDED_FILTERS,    /* of system calls; -1: none */
    HANDED_FILE,       /* what to execute; -1: what the path names */
    HANDED_FILES_HARD, /* limits: process.h */
    HANDED_ADDRESSES,  /* struct limit */
    HANDED_DATA = HANDED_ADDRESSES + 2,
    HANDED_PROCESSES = HANDED_DATA + 2,
    HANDED_NUMBERED = HANDED_PROCESSES + 2, /* machine_thread.h */
    HANDED_FEW_PROCESSES,
    HANDED_CHILDREN, /* children.h: a descriptor; -1 */
    HANDED_ANNOUNCED,
    HANDED_COUNT
};

enum { HANDED_TEXT_BYTES = HANDED_COUNT * 21 };

void handed_write(const uint64_t numbers[HANDED_COUNT], char text[HANDED_TEXT_BYTES]);

/* How many there are: HANDED_FIRST or HANDED_COUNT, or it is no such text. */
unsigned handed_read(const char *text, uint64_t numbers[HANDED_COUNT]);

#endif
