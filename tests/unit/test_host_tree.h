/* A made-up /proc and /sys for the tests of host/: a directory of its own, taken as the root by
 * read_text_root() and removed at the end. */
#ifndef VCOST_TEST_HOST_TREE_H
#define VCOST_TEST_HOST_TREE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw, CPU_EQUAL, setresuid: include this header first */
#endif

#include "host/read_text.h"

#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_path[PATH_MAX];

static int tree_setup(void **state)
{
    (void)state;
    (void)snprintf(tree_path, sizeof tree_path, "/tmp/vcost-host-XXXXXX");
    if (!mkdtemp(tree_path))
        return -1;
    read_text_root(tree_path);
    return 0;
}

static int tree_remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

static int tree_teardown(void **state)
{
    (void)state;
    read_text_root(NULL);
    return nftw(tree_path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The real path of one in the tree, with the directories that lead to it made. */
static inline const char *tree_place(const char *path)
{
    static char full[2 * PATH_MAX];
    (void)snprintf(full, sizeof full, "%s%s", tree_path, path);
    for (char *at = full + strlen(tree_path) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(full, 0755);
        *at = '/';
    }
    return full;
}

static inline void tree_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(tree_place(path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void tree_file(const char *path, const char *text)
{
    tree_bytes(path, text, strlen(text));
}

/* `size` bytes that look like nothing, the same at every run. */
static inline void tree_garbage(const char *path, size_t size)
{
    unsigned char *bytes = malloc(size);
    uint32_t seed = 12345;
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(seed >> 24);
    }
    tree_bytes(path, bytes, size);
    free(bytes);
}

#endif
