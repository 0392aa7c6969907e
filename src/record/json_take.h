/* Taking values out of a JSON document that comes from outside, by type.
 *
 * The first thing that is wrong is remembered as a sentence that names its place ("a.json is no vcost result:
 * cells[3].median is a text and should be a number or null"). After that everything taken is empty and
 * nothing more is said, so that a reader may check once, at the end. */
#ifndef VCOST_RECORD_JSON_TAKE_H
#define VCOST_RECORD_JSON_TAKE_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { TAKE_WHERE_BYTES = 64 };

struct take {
    const char *name; /* of the file, for sentences */
    const char *what; /* what it should be: "vcost result" */
    char
        where[TAKE_WHERE_BYTES]; /* the place of the objects that are taken from: "cells[3]"; "" at the top */
    int status;                  /* 0, or the negative errno of the first failure */
    struct error *error;
};

/* Types, to be added: TAKE(JSON_STRING) + TAKE(JSON_NULL). */
#define TAKE(type) (1u << (type))

/* The member `key` of one of these types; NULL if it is missing or of another one. Borrowed. */
json_t *take_value(struct take *take, const json_t *object, const char *key, unsigned types);

/* A text, to be freed; NULL after a failure, or where null is allowed and there. */
char *take_text(struct take *take, const json_t *object, const char *key);
char *take_text_or_null(struct take *take, const json_t *object, const char *key);

/* A number of a size that something can have; NAN for null. */
double take_figure(struct take *take, const json_t *object, const char *key);

/* A whole number that an unsigned holds. */
unsigned take_count(struct take *take, const json_t *object, const char *key);

bool take_flag(struct take *take, const json_t *object, const char *key);

/* A copy of `text`, to be freed; a lack of memory is a failure. */
char *take_copy(struct take *take, const char *text);

/* `count` zeroed elements, to be freed; NULL for none, and after a failure. */
void *take_room(struct take *take, size_t count, size_t size);

/* Remembers a lack of memory. */
void take_no_memory(struct take *take);

/* Says what is wrong, unless something was wrong before: "NAME is no WHAT: PLACE…". */
void take_refuse(struct take *take, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
