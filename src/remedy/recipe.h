/* A remedy as data: what may make a program faster without changing it, how it is applied, and what shows
 * that it took effect. Read from a JSON file (vcost.remedy/1) of share/remedies/ or of the user;
 * doc/remedies.md says what each member means and how to add one. */
#ifndef VCOST_REMEDY_RECIPE_H
#define VCOST_REMEDY_RECIPE_H

#include "base/error.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>

enum { RECIPE_NAME_MAX = 30, RECIPE_LIST_MAX = 8, RECIPES_MAX = 48 };

/* What shows that it was obtained: more of something than without it. */
enum recipe_proof {
    PROOF_NONE,         /* nothing can: its time alone tells */
    PROOF_LARGE_PAGES,  /* AnonHugePages */
    PROOF_TEXT,         /* text that the preloaded library moved; without it FilePmdMapped */
    PROOF_HUGETLB,      /* memory from the pools of huge pages */
    PROOF_LOCKED,       /* Locked */
    PROOF_POPULATED,    /* bytes that the preloaded library faulted in ahead */
    PROOF_FEWER_FAULTS, /* a tenth fewer of wait4()'s page faults */
    PROOF_LIBRARY,      /* the library that is preloaded is mapped */
    PROOF_NO_LARGE,     /* AnonHugePages are gone */
    PROOF_ONE_CPU,      /* the kernel lets it run on one */
    PROOF_NEAR,         /* fewer CPUs, or less memory on other nodes */
    PROOF_SPREAD,       /* a smaller part of its memory is on the node that has most */
    PROOF_FEWER_THREADS,
    PROOF_FEWER_ARENAS, /* heaps of malloc besides the first */
    PROOF_FIXED,        /* its stack is where it is without randomization */
    RECIPE_PROOFS
};
extern const char *const recipe_proof_names[RECIPE_PROOFS];

/* What it takes to be tried. */
enum recipe_need {
    NEED_DYNAMIC,  /* a program with a dynamic linker that is not set-user-id */
    NEED_TUNABLES, /* one that GLIBC_TUNABLES reaches: not set-user-id, and a static one if glibc is in it */
    NEED_GLIBC_2_35,   /* the same, and of a dynamic one this machine's: glibc.malloc.hugetlb */
    NEED_GLIBC_2_44,   /* the same of a dynamic one: glibc.elf.thp */
    NEED_LARGE_PAGES,  /* transparent huge pages are not "never" */
    NEED_ON_REQUEST,   /* they are "madvise" */
    NEED_HUGETLB_POOL, /* huge pages are set aside and free */
    NEED_CPUS,         /* two CPUs that it may use */
    NEED_NODES,        /* two NUMA nodes */
    NEED_LOCKABLE,     /* as much memory may be locked as the program uses */
    NEED_LAZY_BINDING, /* a dynamic program that is not built to bind all at the start */
    RECIPE_NEEDS
};
extern const char *const recipe_need_names[RECIPE_NEEDS];

enum recipe_cpus { CPUS_ALL, CPUS_ONE, RECIPE_CPUS }; /* ONE: the idlest */
enum recipe_memory { MEMORY_AS_IT_IS, MEMORY_SPREAD, MEMORY_NEAR, RECIPE_MEMORIES };
enum recipe_switch { SWITCH_NONE, SWITCH_NO_LARGE_PAGES, SWITCH_FIXED_ADDRESSES, RECIPE_SWITCHES };
extern const char *const recipe_cpus_names[RECIPE_CPUS];
extern const char *const recipe_memory_names[RECIPE_MEMORIES];
extern const char *const recipe_switch_names[RECIPE_SWITCHES];

struct recipe_variable {
    const char *name, *value; /* {heap}: the program's peak memory in bytes; {fewer}: one
                                   fewer than the CPUs that it may use */
};

struct recipe {
    const char *name;    /* [a-z0-9-] */
    const char *title;   /* a few words */
    const char *article; /* what the article says, in our words */
    const char *costs;   /* what it may cost, half a sentence */
    const char *kind;    /* of those of a kind only one is in a combination */
    bool diagnostic;     /* it explains and is not advised */
    struct recipe_variable variables[RECIPE_LIST_MAX];
    size_t variable_count;
    const char
        *preload; /* "pages": vcost's own library; otherwise the name of one that is installed; "": none */
    const char *package; /* what installs it: "libjemalloc2 (Debian)"; "" */
    const char *pages;   /* words for vcost's own, with {heap}; "" */
    enum recipe_cpus cpus;
    enum recipe_memory memory;
    enum recipe_switch kernel;
    enum recipe_proof proof;
    enum recipe_need needs[RECIPE_LIST_MAX];
    size_t need_count;
    const char *operator; /* who else must do what: it is not applied; "": nobody */
    const char *stand_in; /* the remedy that is tried in its place; "" */
    const char *cause;    /* what vcost inspect calls the same, where it measures it without a program; "" */
};

struct record;
extern const struct record recipe_record; /* vcost.remedy/1 */

/* Reads one from the text of a file; texts are kept in the pool. -EINVAL with the place of what is wrong. */
int recipe_parse(const char *text, size_t bytes, const char *file, struct pool *pool, struct recipe *recipe,
    struct error *error);
int recipe_read(const char *path, struct pool *pool, struct recipe *recipe, struct error *error);

/* The texts of share/remedies/, in the order in which they are tried where time is short; name NULL past the
 * end. */
struct recipe_preset {
    const char *name, *file, *summary, *text;
    size_t bytes;
};
struct recipe_preset recipe_preset(size_t index);

#endif
