/* Saved results read at once. */
#ifndef VCOST_TESTS_READ_RESULT_H
#define VCOST_TESTS_READ_RESULT_H

#include "result/read.h"

#include <errno.h>
#include <stdlib.h>

/* Untouched on failure. */
static inline int results_parse(const char *name, const char *bytes, size_t size, struct result **results,
    size_t *count, struct error *error)
{
    json_t *root = NULL;
    int status = saved_parse(name, bytes, size, &root, error);
    if (!status)
        status = results_take(name, root, results, count, error);
    json_decref(root);
    return status;
}

/* The one result that is wanted of `count`, which are released. */
static inline int result_alone(
    struct result *results, size_t count, struct result *result, struct error *error)
{
    if (count != 1) {
        results_free(results, count);
        return error_set(error, EINVAL, "%zu results where one is wanted", count);
    }
    *result = results[0];
    free(results);
    return 0;
}

static inline int result_parse(
    const char *name, const char *bytes, size_t size, struct result *result, struct error *error)
{
    struct result *results;
    size_t count;
    int status = results_parse(name, bytes, size, &results, &count, error);
    return status ? status : result_alone(results, count, result, error);
}

static inline int result_read(const char *path, struct result *result, struct error *error)
{
    struct result *results;
    size_t count;
    json_t *root = NULL;
    int status = saved_read(path, &root, error);
    if (!status)
        status = results_take(path, root, &results, &count, error);
    json_decref(root);
    return status ? status : result_alone(results, count, result, error);
}

#endif
