/* What tests of children share: a family with one child, which has a page of code and a page of data.
 * Functions named setup and so on are cmocka's. */
#ifndef VCOST_TESTS_CHILD_GUEST_H
#define VCOST_TESTS_CHILD_GUEST_H

#include "cmocka_all.h"

#include "monitor/deprivileged/child_internal.h"

#include <string.h>

enum { PAGE = 4096, PAGES = 1024 };
enum { CODE = 0x10000000, DATA = 0x20000000, NOWHERE = 0x30000000 };

extern struct children *family;
extern struct child *child;
extern struct child_registers registers; /* at CODE, with a stack at the end of DATA */
extern struct child_trap trap;
extern struct error error;
extern unsigned char *memory; /* PAGES pages; number 0 is mapped at CODE, number 1 at DATA */
extern unsigned memory_number;

#define OK(call)                                                                                             \
    do {                                                                                                     \
        int rc_ = (call);                                                                                    \
        if (rc_ < 0)                                                                                         \
            fail_msg("%s: %s", #call, error.text);                                                           \
    } while (0)

/* Whether this host can have children; once a program. Without guards a child does not trap as it should:
 * then all that counts is that it comes up. */
int child_guest_find_out(void **state);
int child_guest_find_out_unguarded(void **state);
/* Of a test; nothing is done where the host cannot. */
int child_guest_open(void **state);
int child_guest_close(void **state);
/* Skips the test where the host cannot. */
void need_children(void);

/* Runs the child with `registers`. */
enum child_trap_kind run(void);

/* Mappings of a child below CHILD_TOP, as the kernel has them. */
unsigned count_maps(const struct child *of);

/* Puts code in assembler at CODE. */
#define PUT(text)                                                                                            \
    do {                                                                                                     \
        extern const char CODE_NAME(start)[], CODE_NAME(end)[];                                              \
        __asm__ volatile(".pushsection .text.guest,\"ax\"\n.balign 64\n" CODE_LABEL(                         \
            start) ":\n" text "\n" CODE_LABEL(end) ":\n.popsection");                                        \
        memcpy(memory, CODE_NAME(start), (size_t)(CODE_NAME(end) - CODE_NAME(start)));                       \
    } while (0)
#define JOIN_(a, b, c) a##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define STRING_(a) #a
#define STRING(a) STRING_(a)
#define CODE_NAME(which) JOIN(code_, __LINE__, which)
#define CODE_LABEL(which) STRING(CODE_NAME(which))

#endif
