#include "program/inside/filter.h"

#include <stdlib.h>
#include <string.h>

/* ---- checking ---- */

/* Every instruction that a filter may have, and what of it must be looked at. */
enum { PLAIN, LOADS_DATA, DIVIDES, SHIFTS, USES_MEMORY, JUMPS, JUMPS_FAR };
static const struct {
    uint16_t code;
    int what;
} allowed[] = {
    {BPF_LD | BPF_W | BPF_ABS, LOADS_DATA},
    {BPF_LD | BPF_W | BPF_LEN, PLAIN},
    {BPF_LDX | BPF_W | BPF_LEN, PLAIN},
    {BPF_IMM, PLAIN}, /* with BPF_LD, which is 0 */
    {BPF_LDX | BPF_IMM, PLAIN},
    {BPF_LD | BPF_MEM, USES_MEMORY},
    {BPF_LDX | BPF_MEM, USES_MEMORY},
    {BPF_ST, USES_MEMORY},
    {BPF_STX, USES_MEMORY},
    {BPF_MISC | BPF_TAX, PLAIN},
    {BPF_MISC | BPF_TXA, PLAIN},
    {BPF_RET | BPF_K, PLAIN},
    {BPF_RET | BPF_A, PLAIN},
    {BPF_ALU | BPF_ADD, PLAIN}, /* with BPF_K, which is 0 */
    {BPF_ALU | BPF_ADD | BPF_X, PLAIN},
    {BPF_ALU | BPF_SUB | BPF_K, PLAIN},
    {BPF_ALU | BPF_SUB | BPF_X, PLAIN},
    {BPF_ALU | BPF_MUL | BPF_K, PLAIN},
    {BPF_ALU | BPF_MUL | BPF_X, PLAIN},
    {BPF_ALU | BPF_DIV | BPF_K, DIVIDES},
    {BPF_ALU | BPF_DIV | BPF_X, PLAIN},
    {BPF_ALU | BPF_AND | BPF_K, PLAIN},
    {BPF_ALU | BPF_AND | BPF_X, PLAIN},
    {BPF_ALU | BPF_OR | BPF_K, PLAIN},
    {BPF_ALU | BPF_OR | BPF_X, PLAIN},
    {BPF_ALU | BPF_XOR | BPF_K, PLAIN},
    {BPF_ALU | BPF_XOR | BPF_X, PLAIN},
    {BPF_ALU | BPF_LSH | BPF_K, SHIFTS},
    {BPF_ALU | BPF_LSH | BPF_X, PLAIN},
    {BPF_ALU | BPF_RSH | BPF_K, SHIFTS},
    {BPF_ALU | BPF_RSH | BPF_X, PLAIN},
    {BPF_ALU | BPF_NEG, PLAIN},
    {BPF_JMP | BPF_JA, JUMPS_FAR},
    {BPF_JMP | BPF_JEQ | BPF_K, JUMPS},
    {BPF_JMP | BPF_JEQ | BPF_X, JUMPS},
    {BPF_JMP | BPF_JGT | BPF_K, JUMPS},
    {BPF_JMP | BPF_JGT | BPF_X, JUMPS},
    {BPF_JMP | BPF_JGE | BPF_K, JUMPS},
    {BPF_JMP | BPF_JGE | BPF_X, JUMPS},
    {BPF_JMP | BPF_JSET | BPF_K, JUMPS},
    {BPF_JMP | BPF_JSET | BPF_X, JUMPS},
};

/* `behind`: how many instructions follow. */
static bool is_valid_one(const struct sock_filter *one, unsigned behind)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (allowed[i].code != one->code)
            continue;
        switch (allowed[i].what) {
        case LOADS_DATA:
            return one->k < sizeof(struct seccomp_data) && one->k % sizeof(uint32_t) == 0;
        case DIVIDES:
            return one->k != 0;
        case SHIFTS:
            return one->k < 32;
        case USES_MEMORY:
            return one->k < BPF_MEMWORDS;
        case JUMPS:
            return one->jt < behind && one->jf < behind;
        case JUMPS_FAR:
            return one->k < behind;
        default:
            return true;
        }
    }
    return false;
}

/* A word of memory may be loaded only where all ways to there have stored it. Jumps go forward, so one pass
 * tells; whatever is not a jump leads to what is behind it, a return, too, as Linux has it
 * (net/core/filter.c, check_load_and_stores()). */
static bool loads_only_what_is_stored(const struct sock_filter *program, unsigned length)
{
    uint16_t stored = 0, on_ways_to[BPF_MAXINSNS]; /* a bit for each word */
    memset(on_ways_to, 0xff, length * sizeof on_ways_to[0]);
    for (unsigned i = 0; i < length; i++) {
        const struct sock_filter *one = &program[i];
        const uint16_t class = BPF_CLASS(one->code), word = (uint16_t)(1U << one->k % BPF_MEMWORDS);
        stored &= on_ways_to[i];
        if (class == BPF_ST || class == BPF_STX)
            stored |= word;
        if (class <= BPF_LDX && BPF_MODE(one->code) == BPF_MEM && !(stored & word))
            return false;
        if (class != BPF_JMP)
            continue;
        bool always = BPF_OP(one->code) == BPF_JA;
        on_ways_to[i + 1 + (always ? one->k : one->jt)] &= stored;
        on_ways_to[i + 1 + (always ? one->k : one->jf)] &= stored;
        stored = UINT16_MAX;
    }
    return true;
}

bool filter_is_valid(const struct sock_filter *program, unsigned length)
{
    if (!length || length > BPF_MAXINSNS || BPF_CLASS(program[length - 1].code) != BPF_RET)
        return false;
    for (unsigned i = 0; i < length; i++)
        if (!is_valid_one(&program[i], length - 1 - i))
            return false;
    return loads_only_what_is_stored(program, length);
}

/* ---- running ---- */

static uint32_t calculate(uint16_t code, uint32_t a, uint32_t by)
{
    switch (BPF_OP(code)) {
    case BPF_ADD:
        return a + by;
    case BPF_SUB:
        return a - by;
    case BPF_MUL:
        return a * by;
    case BPF_DIV:
        return a / by;
    case BPF_AND:
        return a & by;
    case BPF_OR:
        return a | by;
    case BPF_XOR:
        return a ^ by;
    case BPF_LSH:
        return a << (by & 31);
    case BPF_RSH:
        return a >> (by & 31);
    default:
        return -a;
    }
}

static bool compare(uint16_t code, uint32_t a, uint32_t with)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return a == with;
    case BPF_JGT:
        return a > with;
    case BPF_JGE:
        return a >= with;
    default:
        return a & with;
    }
}

/* Every way through it ends: jumps go forward, and the last instruction returns. */
uint32_t filter_run(const struct sock_filter *program, const struct seccomp_data *data)
{
    uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
    for (const struct sock_filter *at = program;; at++) {
        uint32_t other = BPF_SRC(at->code) == BPF_X ? x : at->k;
        uint32_t *loaded = BPF_CLASS(at->code) == BPF_LDX ? &x : &a;
        switch (BPF_CLASS(at->code)) {
        case BPF_LD:
        case BPF_LDX:
            if (BPF_MODE(at->code) == BPF_ABS)
                memcpy(loaded, (const char *)data + at->k, sizeof *loaded);
            else
                *loaded = BPF_MODE(at->code) == BPF_LEN   ? sizeof *data
                          : BPF_MODE(at->code) == BPF_MEM ? memory[at->k]
                                                          : at->k;
            break;
        case BPF_ST:
            memory[at->k] = a;
            break;
        case BPF_STX:
            memory[at->k] = x;
            break;
        case BPF_ALU:
            if (BPF_OP(at->code) == BPF_DIV && !other)
                return 0; /* as in Linux: the strictest */
            a = calculate(at->code, a, other);
            break;
        case BPF_JMP:
            at += BPF_OP(at->code) == BPF_JA ? at->k : compare(at->code, a, other) ? at->jt : at->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(at->code) == BPF_A ? a : at->k;
        default:
            *(BPF_MISCOP(at->code) == BPF_TAX ? &x : &a) = BPF_MISCOP(at->code) == BPF_TAX ? a : x;
        }
    }
}

uint32_t filter_ask(const struct filter *newest, const struct seccomp_data *data)
{
    uint32_t strictest = SECCOMP_RET_ALLOW;
    for (const struct filter *filter = newest; filter; filter = filter->before) {
        uint32_t told = filter_run(filter->program, data);
        if ((int32_t)(told & SECCOMP_RET_ACTION_FULL) < (int32_t)(strictest & SECCOMP_RET_ACTION_FULL))
            strictest = told;
    }
    return strictest;
}

const struct filter *filter_add(
    const struct sock_filter *program, unsigned length, const struct filter *before)
{
    struct filter *filter = malloc(sizeof *filter + length * sizeof *program);
    if (!filter)
        return NULL;
    filter->before = before;
    filter->length = length;
    memcpy(filter->program, program, length * sizeof *program);
    return filter;
}
