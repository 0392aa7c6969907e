/* Reading a JSON document that comes from outside, by type.
 *
 * The first thing that is wrong is remembered as a sentence that names its place ("a.json is no vcost result:
 * cells[3].median is a text and should be a number or null"). After that nothing more is read or said, so
 * that a caller may check once, at the end. */
#ifndef VCOST_RECORD_READER_H
#define VCOST_RECORD_READER_H

#include "base/error.h"
#include "base/pool.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { READER_WHERE_BYTES = 160 };

/* The items that a unique list has, sorted by what names them. */
struct reader_id {
    const char *id;
    size_t index;
};

struct reader {
    const char *name;  /* of the file, for sentences */
    const char *what;  /* what it should be: "vcost result" */
    struct pool *pool; /* where texts go that are not kept in place */
    struct error *error;
    int status;                     /* 0, or the negative errno of the first failure */
    char where[READER_WHERE_BYTES]; /* the object that is read: "cells[3]"; "" at the top */
    /* Of record.h's list that references mean, once it is read. */
    struct reader_id *ids; /* owned; freed by record_read() */
    size_t id_count;
};

/* Types, to be added: TAKES(JSON_STRING) | TAKES(JSON_NULL). */
#define TAKES(type) (1u << (type))

/* Is the value of one of these types? Otherwise it is refused, as WHERE.KEY or, where it is missing, by name.
 */
bool reader_takes(struct reader *reader, const json_t *value, const char *key, unsigned types);

/* The member `key` of one of these types; NULL if it is missing or of another one. Borrowed. */
const json_t *reader_value(struct reader *reader, const json_t *object, const char *key, unsigned types);

/* A number of a size that something can have; NAN for null and after a failure. */
double reader_figure(struct reader *reader, const json_t *value, const char *key);

/* Goes into a member, or (index >= 0) an item of a list; reader_leave() with what it returned goes back. */
size_t reader_enter(struct reader *reader, const char *key, long index);
void reader_leave(struct reader *reader, size_t mark);

/* Says what is wrong, unless something was wrong before: "NAME is no WHAT: …". */
void reader_refuse(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same about a member: "NAME is no WHAT: WHERE.KEY …". */
void reader_refuse_key(struct reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Remembers a lack of memory. */
void reader_no_memory(struct reader *reader);

/* `count` zeroed things, to be freed; NULL for none, and after a failure. */
void *reader_room(struct reader *reader, size_t count, size_t size);

#endif
