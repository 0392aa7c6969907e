/* Putting values into JSON objects by the rule that the result file keeps everywhere: a value that could not
 * be had is null, and beside the field F stands "F_reason" with why.
 *
 * A lack of memory is remembered in the draft and checked once at the end. Text may be hostile: what is not
 * UTF-8 becomes U+FFFD. */
#ifndef VCOST_RECORD_JSON_DRAFT_H
#define VCOST_RECORD_JSON_DRAFT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct draft {
    bool failed;
    const struct record *record; /* of what is written as a whole, for references (record.h) */
    const void *root;
};

/* Takes value over, also on failure. */
void put(struct draft *draft, json_t *object, const char *key, json_t *value);

void put_text(struct draft *draft, json_t *object, const char *key, const char *text);
void put_null(struct draft *draft, json_t *object, const char *key, const char *reason);

/* An integer; null with a reason where it is past 2^53, which other JSON readers would silently round. */
void put_count(struct draft *draft, json_t *object, const char *key, uint64_t count);

/* A number, or a bare null: for fields whose object has one "reason" for all of them. */
void put_figure(struct draft *draft, json_t *object, const char *key, double value);

/* A JSON string of text from outside; NULL (and failed) without memory. */
json_t *draft_text(struct draft *draft, const char *text);

/* Appends to an array; takes value over. */
void put_item(struct draft *draft, json_t *array, json_t *value);

#endif
