/* Filters of system calls: random ones, against the kernel, which is asked in a child that installs them. */
#include "cmocka_all.h"

#include "program/inside/filter.h"

#include "base/random.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILTERS = 250, BODY = 24, CALLS = 6, ASKED = SYS_getppid, ERRORS = 4095 };

/* Every instruction that Linux takes in such a filter but returns (Documentation/networking/filter.rst), as
 * its manuals write them: BPF_ADD and BPF_K are 0 both. NOLINTBEGIN(misc-redundant-expression) */
static const uint16_t codes[] = {BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_LEN,
    BPF_LDX | BPF_W | BPF_LEN, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM,
    BPF_ST, BPF_STX, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_ALU | BPF_ADD | BPF_K,
    BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_SUB | BPF_X,
    BPF_ALU | BPF_MUL | BPF_K, BPF_ALU | BPF_MUL | BPF_X, BPF_ALU | BPF_DIV | BPF_K,
    BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_X, BPF_ALU | BPF_OR | BPF_K,
    BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_XOR | BPF_K, BPF_ALU | BPF_XOR | BPF_X, BPF_ALU | BPF_LSH | BPF_K,
    BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_RSH | BPF_K, BPF_ALU | BPF_RSH | BPF_X, BPF_ALU | BPF_NEG,
    BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JEQ | BPF_X, BPF_JMP | BPF_JGT | BPF_K,
    BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JGE | BPF_X,
    BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JSET | BPF_X};
/* NOLINTEND(misc-redundant-expression) */

struct program {
    struct sock_filter list[128];
    unsigned count;
};

static void add(struct program *program, uint16_t code, uint32_t k)
{
    program->list[program->count++] = (struct sock_filter){.code = code, .k = k};
}

static uint32_t random_number(uint64_t *random)
{
    static const uint32_t edges[] = {0, 1, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff};
    uint64_t at = random_below(random, 16);
    return at < sizeof edges / sizeof edges[0] ? edges[at]
                                               : (uint32_t)random_below(random, UINT64_C(1) << 32);
}

/* Where an instruction was executed differs from call to call. */
static uint32_t random_data(uint64_t *random)
{
    static const uint32_t words = sizeof(struct seccomp_data) / sizeof(uint32_t);
    uint32_t word = (uint32_t)random_below(random, words);
    return (word == 2 || word == 3 ? 0 : word) * (uint32_t)sizeof(uint32_t);
}

/* As Linux takes it; `behind`: how many instructions follow. */
static void add_random(struct program *program, uint64_t *random, unsigned behind)
{
    struct sock_filter one = {.code = codes[random_below(random, sizeof codes / sizeof codes[0])],
        .k = random_number(random),
        .jt = (uint8_t)random_below(random, behind),
        .jf = (uint8_t)random_below(random, behind)};
    unsigned class = BPF_CLASS(one.code), operation = BPF_OP(one.code);
    if (class <= BPF_LDX && BPF_MODE(one.code) == BPF_ABS)
        one.k = random_data(random);
    else if (class == BPF_ST || class == BPF_STX || (class <= BPF_LDX && BPF_MODE(one.code) == BPF_MEM))
        one.k %= BPF_MEMWORDS;
    else if (one.code == (BPF_JMP | BPF_JA))
        one.k %= behind;
    else if (class == BPF_ALU && (operation == BPF_LSH || operation == BPF_RSH))
        one.k %= 32;
    else if (class == BPF_ALU && operation == BPF_DIV)
        one.k |= 1;
    program->list[program->count++] = one;
}

/* One thing of one instruction is something else, mostly what Linux does not take. */
static void break_one(struct program *program, uint64_t *random)
{
    struct sock_filter *one = &program->list[4 + random_below(random, program->count - 4)];
    switch (random_below(random, 4)) {
    case 0:
        one->code = (uint16_t)random_below(random, 256);
        break;
    case 1:
        one->k = (uint32_t)random_below(random, 80);
        break;
    case 2:
        one->jt = one->jf = (uint8_t)random_below(random, BODY + 12);
        break;
    default:
        one->k = random_number(random);
    }
    if (one->code == (BPF_LD | BPF_W | BPF_ABS) && one->k / 8 == 1)
        one->k = 0;
}

/* For the call that is asked about: whatever is in A at the end, folded into an error's number. */
static void make_random(struct program *program, uint64_t *random)
{
    bool stores_all = random_below(random, 4), broken = random_below(random, 4) == 0;
    *program = (struct program){.count = 0};
    add(program, BPF_LD | BPF_W | BPF_ABS, 0);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, ASKED);
    program->list[1].jt = 1;
    add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    add(program, BPF_LD | BPF_IMM, 0);
    for (uint32_t word = 0; stores_all && word < BPF_MEMWORDS; word++)
        add(program, BPF_ST, word);
    for (unsigned i = 0; i < BODY; i++)
        add_random(program, random, BODY - i);
    for (uint32_t shift = 12; shift <= 24; shift += 12) {
        add(program, BPF_MISC | BPF_TAX, 0);
        add(program, BPF_ALU | BPF_RSH | BPF_K, shift);
        add(program, BPF_ALU | BPF_XOR | BPF_X, 0);
    }
    add(program, BPF_ALU | BPF_AND | BPF_K, ERRORS);
    add(program, BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
    add(program, BPF_RET | BPF_A, 0);
    if (broken)
        break_one(program, random);
}

/* ---- the kernel ---- */

struct answers {
    int installed[3];   /* 0 or an errno */
    int results[CALLS]; /* errno of each call */
    unsigned count;     /* of results: then it has ended, by a signal: */
    int killed;
};

static int install(const struct program *program)
{
    const struct sock_fprog filter = {(unsigned short)program->count, (struct sock_filter *)program->list};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 ? errno : 0;
}

static void ask_in_child(
    const struct program *programs, unsigned count, const uint64_t arguments[CALLS][6], struct answers *to)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (unsigned i = 0; i < count; i++)
        to->installed[i] = install(&programs[i]);
    for (unsigned i = 0; i < CALLS && !to->installed[count - 1]; i++) {
        const uint64_t *with = arguments[i];
        long rc = syscall(ASKED, with[0], with[1], with[2], with[3], with[4], with[5]);
        to->results[i] = rc < 0 ? errno : 0;
        to->count = i + 1;
    }
    _exit(0);
}

/* `shared`: memory that is the child's, too. */
static void ask_kernel(const struct program *programs, unsigned count, const uint64_t arguments[CALLS][6],
    struct answers *shared)
{
    int status;
    *shared = (struct answers){.count = 0};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        ask_in_child(programs, count, arguments, shared);
    assert_int_equal(waitpid(child, &status, 0), child);
    shared->killed = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static struct answers *share(void)
{
    struct answers *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return shared;
}

static struct seccomp_data data_of(const uint64_t arguments[6])
{
    struct seccomp_data data = {.nr = ASKED, .arch = AUDIT_ARCH_X86_64};
    memcpy(data.args, arguments, sizeof data.args);
    return data;
}

/* ---- tests ---- */

struct seen {
    unsigned refused, returned, killed;
};

/* What a broken one returns may be anything: then only errors and ends are compared. */
static void compare(const struct program *program, const uint64_t arguments[CALLS][6],
    const struct answers *kernel, struct seen *seen)
{
    bool valid = filter_is_valid(program->list, program->count);
    assert_int_equal(kernel->installed[0], valid ? 0 : EINVAL);
    seen->refused += !valid;
    for (unsigned i = 0; valid && i < CALLS; i++) {
        const struct seccomp_data data = data_of(arguments[i]);
        uint32_t told = filter_run(program->list, &data), action = told & SECCOMP_RET_ACTION_FULL,
                 value = told & SECCOMP_RET_DATA;
        if (action == SECCOMP_RET_ERRNO && value <= ERRORS) {
            assert_true(i < kernel->count);
            assert_int_equal(kernel->results[i], value);
            seen->returned++;
        } else if (action == SECCOMP_RET_KILL_THREAD) {
            assert_int_equal(kernel->count, i);
            assert_int_equal(kernel->killed, SIGSYS);
            seen->killed++;
            return;
        } else {
            return;
        }
    }
}

static void random_filters_are_taken_and_return_as_in_the_kernel(void **state)
{
    (void)state;
    struct answers *kernel = share();
    struct seen seen = {0, 0, 0};
    uint64_t random = 1;
    for (int i = 0; i < FILTERS; i++) {
        struct program program;
        uint64_t arguments[CALLS][6];
        make_random(&program, &random);
        for (int call = 0; call < CALLS; call++)
            for (int at = 0; at < 6; at++)
                arguments[call][at] = (uint64_t)random_number(&random) << 32 | random_number(&random);
        ask_kernel(&program, 1, (const uint64_t(*)[6])arguments, kernel);
        compare(&program, (const uint64_t(*)[6])arguments, kernel, &seen);
    }
    print_message("%u refused, %u errors, %u killed\n", seen.refused, seen.returned, seen.killed);
    assert_true(seen.refused > FILTERS / 10 && seen.returned > FILTERS && seen.killed > 0);
    munmap(kernel, sizeof *kernel);
}

/* The strictest of several; of equal ones, the one installed last. */
static void several_filters_return_what_they_do_in_the_kernel(void **state)
{
    (void)state;
    static const uint32_t told[][3] = {{SECCOMP_RET_ERRNO | 1, SECCOMP_RET_ERRNO | 2, SECCOMP_RET_ALLOW},
        {SECCOMP_RET_ERRNO | 2, SECCOMP_RET_ERRNO | 1, SECCOMP_RET_ERRNO | 3},
        {SECCOMP_RET_LOG, SECCOMP_RET_ERRNO | 7, SECCOMP_RET_LOG},
        {SECCOMP_RET_TRACE, SECCOMP_RET_ERRNO | 7, SECCOMP_RET_ALLOW}};
    const uint64_t arguments[CALLS][6] = {{0}};
    struct answers *kernel = share();
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        struct program programs[3] = {{.count = 0}};
        const struct filter *newest = NULL;
        for (int at = 0; at < 3; at++) {
            add(&programs[at], BPF_LD | BPF_W | BPF_ABS, 0);
            add(&programs[at], BPF_JMP | BPF_JEQ | BPF_K, ASKED);
            programs[at].list[1].jt = 1;
            add(&programs[at], BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
            add(&programs[at], BPF_RET | BPF_K, told[i][at]);
            newest = filter_add(programs[at].list, programs[at].count, newest);
            assert_non_null(newest);
        }
        const struct seccomp_data data = data_of(arguments[0]);
        uint32_t together = filter_ask(newest, &data);
        ask_kernel(programs, 3, arguments, kernel);
        assert_int_equal(together & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
        assert_int_equal(kernel->results[0], together & SECCOMP_RET_DATA);
        while (newest) {
            const struct filter *before = newest->before;
            free((void *)newest);
            newest = before;
        }
    }
    munmap(kernel, sizeof *kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_filters_are_taken_and_return_as_in_the_kernel),
        cmocka_unit_test(several_filters_return_what_they_do_in_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
