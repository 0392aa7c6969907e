/* Remedies applied: whether one can be tried here, the conditions that a program is run under, and the
 * command line that does the same without vcost. */
#ifndef VCOST_REMEDY_APPLY_H
#define VCOST_REMEDY_APPLY_H

#include "program/executable.h"
#include "program/looks.h"
#include "program/run.h"
#include "remedy/recipe.h"

/* What is known of the machine and the program. */
struct surroundings {
    const char *library; /* path of libvcost-pages.so; "" : why_no_library */
    const char *why_no_library;
    const char *report; /* path of the file that it counts in; "" for none */
    const struct executable *executable;
    cpu_set_t cpus;  /* that programs may use */
    unsigned idlest; /* of these */
    unsigned node;   /* of that one; its CPUs that programs may use are `near` */
    cpu_set_t near;
    uint64_t peak_bytes; /* of the program as it is */
};

/* Finds out about the NUMA node of `idlest`; without any it is node 0 with all CPUs. */
void surroundings_find_node(struct surroundings *here);

/* Why it cannot be tried here: -ENOTSUP with half a sentence. */
int recipe_check(const struct recipe *recipe, const struct surroundings *here, struct error *error);

/* Adds it to conditions that may have others; texts are the pool's. */
void recipe_apply(const struct recipe *recipe, const struct surroundings *here, struct pool *pool,
    struct conditions *conditions);

/* "GLIBC_TUNABLES=… taskset -c 3 ./prog a 'b c'". */
const char *recipe_command_line(const struct recipe *const *recipes, size_t count,
    const struct surroundings *here, const char *const *words, struct pool *pool);

#endif
