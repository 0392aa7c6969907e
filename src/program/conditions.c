#include "program/conditions.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char padding_name[] = "VCOST_PADDING";

static bool set_padding(size_t bytes)
{
    char *padding = malloc(bytes + 1);
    if (!padding)
        return false;
    memset(padding, 'x', bytes);
    padding[bytes] = '\0';
    bool set = setenv(padding_name, padding, 1) == 0; /* a copy */
    free(padding);
    return set;
}

/* What could not be set; NULL: all was. */
static const char *apply_environment(const struct conditions *conditions)
{
    if (conditions->padding && !set_padding(conditions->padding))
        return "its environment";
    for (size_t i = 0; i < conditions->variable_count; i++)
        if (setenv(conditions->variables[i].name, conditions->variables[i].value, 1))
            return "its environment";
    return NULL;
}

static const char *apply_memory(const struct conditions *conditions)
{
    enum { MPOL_BIND_MODE = 2, MPOL_INTERLEAVE_MODE = 3, NODES = 1024, BITS = 64 };
    uint64_t nodes[NODES / BITS] = {0};
    if (conditions->memory == MEMORY_USUAL)
        return NULL;
    bool bind = conditions->memory == MEMORY_OF_NODE;
    if (bind)
        nodes[conditions->node / BITS % (NODES / BITS)] |= UINT64_C(1) << conditions->node % BITS;
    else if (syscall(SYS_get_mempolicy, NULL, nodes, NODES, NULL, 4 /* MPOL_F_MEMS_ALLOWED */))
        return "the nodes that it may use";
    return syscall(SYS_set_mempolicy, bind ? MPOL_BIND_MODE : MPOL_INTERLEAVE_MODE, nodes, NODES)
               ? "its memory's nodes"
               : NULL;
}

const char *conditions_apply(const struct conditions *conditions)
{
    const char *failed = apply_environment(conditions);
    if (!failed)
        failed = apply_memory(conditions);
    if (!failed && CPU_COUNT(&conditions->cpus) &&
        sched_setaffinity(0, sizeof conditions->cpus, &conditions->cpus) < 0)
        failed = "the CPUs that it may use";
    if (!failed && conditions->without_large && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
        failed = "no large pages";
    if (!failed && conditions->fixed_addresses && personality(ADDR_NO_RANDOMIZE) < 0)
        failed = "fixed addresses";
    return failed;
}
