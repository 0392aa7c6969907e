/* A saved file read back: a result (schema vcost.result/1) whole, of any experiment and any version, or a
 * comparison (vcost.compare/1); or a page (HTML) that vcost has made of them, which holds them:
 * `<!DOCTYPE html>`, somewhere RESULT_SCRIPT, their JSON (one or an array of results, with \u003c for each <;
 * or packed), `</script>`. A byte order mark is passed over.
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
#include "result/compare.h"
#include "result/result.h"

#include <jansson.h>
#include <stddef.h>

enum { RESULT_BYTES_MAX = 32 << 20 };

/* Of "json", or "zlib": packed.h's text of the JSON. */
#define RESULT_SCRIPT(type) "<script type=\"application/" type "\" id=\"vcost-result\">"

/* The JSON that a file holds, or a page, or standard input where the path is "-", or (saved_parse()) memory;
 * `name` is what sentences call it. *root is the caller's (json_decref). */
int saved_read(const char *path, json_t **root, struct error *error);
int saved_parse(const char *name, const char *bytes, size_t size, json_t **root, struct error *error);

/* The results that it is, one or more: *results is the caller's, results_free() releases it. Untouched on
 * failure, like all that follows. */
int results_take(
    const char *name, const json_t *root, struct result **results, size_t *count, struct error *error);
void results_free(struct result *results, size_t count);

/* Whether it is a comparison, of whatever version; and the comparison, which compare_free() releases. */
bool compare_is(const json_t *root);
int compare_take(const char *name, const json_t *root, struct compare *compare, struct error *error);

#endif
