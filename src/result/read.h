/* A result file (schema vcost.result/1) read back whole, of any experiment and any version; or a page (HTML)
 * that vcost has made of results, which holds them: `<!DOCTYPE html>`, somewhere RESULT_SCRIPT, their JSON (a
 * result or an array of results, with \u003c for each <; or packed), `</script>`. A byte order mark is passed
 * over.
 *
 * The file is hostile until it has been read here: its size is bounded, every field that is known has its
 * type, no figure is absurd, ids are there once, and what refers to a cell refers to one that there is. Texts
 * may still hold anything that UTF-8 can: who shows them cleans them for his format. Fields that are not
 * known are passed over; experiments, workloads and events that this vcost does not have are kept by their
 * names.
 *
 * What is written again (json.h) is what was read, byte for byte, but for fields that are not known. */
#ifndef VCOST_RESULT_READ_H
#define VCOST_RESULT_READ_H

#include "base/error.h"
#include "result/result.h"

#include <jansson.h>
#include <stddef.h>

enum { RESULT_BYTES_MAX = 32 << 20 };

/* Of "json", or "zlib": packed.h's text of the JSON. */
#define RESULT_SCRIPT(type) "<script type=\"application/" type "\" id=\"vcost-result\">"

/* Reads a file, or standard input where the path is "-". result_free() releases the result; it is untouched
 * on failure. */
int result_read(const char *path, struct result *result, struct error *error);

/* The same from memory; `name` is what sentences call it. */
int result_parse(
    const char *name, const char *bytes, size_t size, struct result *result, struct error *error);

/* The JSON that a file holds, or a page, or standard input where the path is "-", within the bounds above and
 * whatever it says; *root is the caller's (json_decref). */
int saved_read(const char *path, json_t **root, struct error *error);

/* The same for files of one result or more: *results is the caller's, results_free() releases it. */
int results_read(const char *path, struct result **results, size_t *count, struct error *error);
int results_parse(const char *name, const char *bytes, size_t size, struct result **results, size_t *count,
    struct error *error);
int results_take(
    const char *name, const json_t *root, struct result **results, size_t *count, struct error *error);
void results_free(struct result *results, size_t count);

#endif
