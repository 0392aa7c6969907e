/* What the tests of host/memory and its kin share: memory that must be had, and a kernel that is made to
 * refuse. */
#ifndef VCOST_TEST_HOST_MEMORY_H
#define VCOST_TEST_HOST_MEMORY_H

#include "test_host_tree.h"

#include "base/size.h"
#include "host/memory.h"
#include "host/pagemap.h"
#include "host/text.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE ((size_t)4096)

#define SKIP(...)                                                                                            \
    do {                                                                                                     \
        print_message("# skip: " __VA_ARGS__);                                                               \
        print_message("\n");                                                                                 \
        skip();                                                                                              \
    } while (0)

static inline struct memory map_request(const struct memory_request *request)
{
    struct memory memory;
    struct error error = {0};
    if (memory_map_request(&memory, request, &error))
        fail_msg("memory_map_request: %s", error.text);
    return memory;
}

static inline struct memory map_from(enum memory_source source, size_t bytes, uint64_t page_bytes)
{
    struct memory_request request = {.bytes = bytes, .page_bytes = page_bytes, .source = source};
    return map_request(&request);
}

static inline void populate(struct memory *memory, bool write)
{
    struct error error = {0};
    if (memory_populate(memory, write, NULL, NULL, &error))
        fail_msg("memory_populate: %s", error.text);
}

static inline struct memory_pages obtained(const struct memory *memory, size_t offset, size_t bytes)
{
    struct memory_pages pages;
    struct error error = {0};
    if (memory_obtained(memory, offset, bytes, &pages, &error))
        fail_msg("memory_obtained: %s", error.text);
    assert_true(pages.proof.known);
    return pages;
}

static inline void is_as_asked(const struct memory *memory)
{
    struct error error = {0};
    if (memory_check_obtained(memory, 0, memory->bytes, &error))
        fail_msg("memory_check_obtained: %s", error.text);
}

/* Takes the large page at an offset to pieces: its first 4 KiB are given back and touched anew. */
static inline void break_page(const struct memory *memory, size_t offset)
{
    assert_int_equal(madvise((char *)memory->base + offset, PAGE, MADV_DONTNEED), 0);
    *((volatile char *)memory->base + offset) = 1;
}

/* The value of a line "Name: value" of the mapping that starts at an address, in smaps. */
struct smaps_value {
    char head[32], name[32], text[READ_TEXT_LINE];
    bool inside, seen;
};

static inline bool smaps_value_line(char *line, void *context)
{
    struct smaps_value *value = context;
    if (!strncmp(line, value->head, strlen(value->head)))
        value->inside = true;
    if (value->inside && text_value(line, value->name, ':', value->text, sizeof value->text))
        value->seen = true;
    return !value->seen;
}

static inline bool has_flag(const struct memory *memory, const char *flag)
{
    struct smaps_value flags = {.name = "VmFlags"};
    (void)snprintf(flags.head, sizeof flags.head, "%lx-", (unsigned long)memory->base);
    assert_int_equal(read_each_line("/proc/self/smaps", smaps_value_line, &flags), 0);
    assert_true(flags.seen);
    return strstr(flags.text, flag) != NULL;
}

/* Would this kernel give large pages at all? Then the tests must see them. */
static inline bool large_pages_are_to_be_had(void)
{
    struct fact thp = read_fact("/sys/kernel/mm/transparent_hugepage/enabled");
    return thp.known && !strstr(thp.text, "[never]");
}

/* Can the kernel tell the pages of a part (PAGEMAP_SCAN)? */
static inline bool pagemap_can_scan(void)
{
    struct pagemap pagemap;
    static char here[2 * 4096];
    return pagemap_look((uintptr_t)here & ~(PAGE - 1), PAGE, &pagemap) != -ENOTTY;
}

/* Runs steps that change this process for good in a child. They return 0 or the number of the one that
 * failed. */
static inline void in_child(int (*steps)(void))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(steps());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Lets a system call fail with `code` if its argument number `argument` is in [low, high]. For good: in a
 * child. */
static inline int forbid(unsigned number, unsigned argument, unsigned low, unsigned high, unsigned code)
{
    const unsigned at = (unsigned)offsetof(struct seccomp_data, args) + argument * (unsigned)sizeof(uint64_t);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* Is this a failure with this code and these words? To be asserted, or told by steps in a child. */
static inline bool is_refused(int rc, const struct error *error, int code, const char *words)
{
    if (rc == -code && error->code == code && strstr(error->text, words))
        return true;
    (void)fprintf(stderr, "# got %d, \"%s\"; wanted %d, \"%s\"\n", rc, rc ? error->text : "", -code, words);
    return false;
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

#endif
