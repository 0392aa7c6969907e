/* Tables of fields: what a C structure looks like as a JSON object, told once. From a table the object is
 * written, read back from a file that may be hostile, and described by a JSON Schema.
 *
 * What could not be had is null, never 0. Beside a null "NAME" stands "NAME_reason", unless FIELD_PLAIN says
 * that the object has one reason for all. A whole number that a double would round (past 2^53) is null too,
 * with the number in its reason. Texts that are not UTF-8 have U+FFFD for what is wrong in them.
 *
 * Reading passes over fields that are not in the table, as versions may add some (but for records that are
 * closed), and leaves out what a list of fixed size has no room for. Fields that are missing in the file are
 * as if null, unless FIELD_NEEDED. */
#ifndef VCOST_RECORD_RECORD_H
#define VCOST_RECORD_RECORD_H

#include "base/error.h"
#include "base/pool.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { RECORD_DIGITS = 10 }; /* significant ones of a real number in a file */

/* Beyond this no time, size or share is anything but a mistake, or the end of an interval that tells nothing:
 * it is written as null, and not read. It fits 63 bits. */
static const double record_most = 9e18;

/* What a field is in C, and in JSON. */
enum field_kind {
    FIELD_CONSTANT,   /* nothing: always the text `text` */
    FIELD_NULL,       /* nothing: always null, for the reason `missing` */
    FIELD_TEXT,       /* char[size]; text. Read text is cut to fit, at a whole character */
    FIELD_STRING,     /* const char *, kept in the reader's pool; text. NULL is `text`, or else "" (and with
                         FIELD_PLAIN null) */
    FIELD_REASON,     /* char[size], or nothing at all (size 0): why(structure), or null. What is read is kept
                         unless why() says the same without it */
    FIELD_REAL,       /* double, NAN: not known; number */
    FIELD_COUNT,      /* whole number of `size` bytes; `other` stands for null */
    FIELD_FLAG,       /* bool; true or false */
    FIELD_ENUM,       /* enum; one of names[]. `other` stands for null */
    FIELD_FACT,       /* struct fact; text, or null with the fact's reason */
    FIELD_FACT_COUNT, /* struct fact that holds digits; whole number */
    FIELD_REFERENCE,  /* size_t: index into the root's list of `of`; text that names the item by its first
                         field */
    FIELD_RECORD,     /* the structure at `offset`, described by `of`; object */
    FIELD_FIELDS,     /* the same, but its fields stand in this object itself */
    FIELD_VARIANT,    /* the same, by the record that `hook` chooses for the structure at `offset` */
    FIELD_LIST,  /* items and their number (count_offset); array. `of` describes an item, which is its first
                    field's value itself where that has no name; without `of` items are char[size] or, if size
                    is 0, const char * */
    FIELD_KEYED, /* a list as an object: the first field of `of` is the name; if there are just two, the
                    other one is the value itself */
    FIELD_HOOK,  /* by functions */
    FIELD_KINDS
};

enum field_flags {
    FIELD_NEEDED = 1, /* a file without it is refused */
    FIELD_SOMETIMES =
        2, /* written only if there is something (a text, an item, yes); no reader may count on it */
    FIELD_LATER = 4,     /* always written, but not in the files of early versions */
    FIELD_PLAIN = 8,     /* null stands alone, without a reason beside it */
    FIELD_WHOLE = 16,    /* a text that must not be empty and is refused, not cut, if it does not fit */
    FIELD_ZERO = 32,     /* of a real number: 0 means that it is not known */
    FIELD_KNOWN = 64,    /* of a number: count_offset is of a bool, set by reading: it is not null */
    FIELD_MAYBE = 128,   /* of a record: count_offset is of a bool; false: null */
    FIELD_OPEN = 256,    /* of an enum: a name that is not known (a newer file's) is `other` */
    FIELD_UNIQUE = 512,  /* of a list: each item's first field is there once, and references mean it, until
                            another list is unique */
    FIELD_DIGITS = 2048, /* of a real number: written by draft_number() */
    FIELD_POOLED = 1024, /* of a list: what is read stands in the reader's pool, and is not to be freed */
};

struct draft;
struct reader;
struct field;
struct record;

struct field_hook {
    /* HOOK: puts the member, or several, into object. */
    void (*write)(struct draft *draft, json_t *object, const void *structure);
    /* HOOK: takes them out of object (NULL: it is null) into a structure that is zeroed but for the fields
     * before this one. */
    void (*read)(struct reader *reader, const json_t *object, void *structure);
    /* VARIANT: the record of a structure, of an object. */
    const struct record *(*of_structure)(const void *structure);
    const struct record *(*of_object)(const json_t *object);
    /* What the schema says, JSON with ' for ": members as in "properties" (NULL: nothing), and whether each
     * has its reason beside it; of a VARIANT record number `index` of those to choose from, each by the
     * constant that it begins with, the last one for everything else; NULL past the end. */
    const char *schema;
    bool reasons;
    const struct record *(*variant)(size_t index);
};

struct field {
    const char *name;
    enum field_kind kind;
    unsigned flags;
    size_t offset, size;
    size_t count_offset; /* of a size_t */
    size_t most;         /* list: how many items there is room for in place; 0: a pointer, to be freed */
    size_t limit;        /* list: a file with more is refused; 0: as many as there are */
    const struct record *of;
    const void *names; /* of an enum: the first of `name_count` const char *, `name_stride` bytes from one to
                          the next; NULL for one that has none */
    size_t name_count, name_stride;
    unsigned other;
    const char *text;
    const char *missing;                  /* empty (NAN, "", `other`, no item) is null, for this reason */
    const char *(*why)(const void *base); /* null if it returns a reason; base: of the record's structure */
    bool (*when)(const void *base);       /* written only if true */
    const struct field_hook *hook;
    const char *about; /* for the schema, a sentence */
    const char *check; /* for the schema, JSON with ' for ": more about the value ("'minimum': 1") */
};

struct record {
    const char *name;
    size_t bytes; /* of the structure */
    const struct field *fields;
    size_t field_count;
    /* After reading: what the fields must be to each other. May be NULL. */
    void (*check)(struct reader *reader, void *base);
    const char *about, *rules; /* for the schema; rules: more items of its "allOf" */
    bool closed;               /* an object with a member that is in no field is refused */
};

/* For tables: FIELD_AT(struct host, cpu.vendor), FIELD_ITEMS(struct host, caches, cache_count) of an array in
 * place, FIELD_POINTER(struct result, cells, cell_count), FIELD_NAMES(quality_names) or, of
 * structures that begin with a name, FIELD_NAMES(chase_orders). FIELDS({…}, …) are a record's fields where it
 * is defined, RECORD_FIELDS(table) those of a table. */
#define FIELD_SIZE(type, member) sizeof(((type *)0)->member)
#define FIELD_AT(type, member) .offset = offsetof(type, member), .size = FIELD_SIZE(type, member)
#define FIELD_ITEMS(type, member, count)                                                                     \
    .offset = offsetof(type, member), .size = FIELD_SIZE(type, member[0]),                                   \
    .most = FIELD_SIZE(type, member) / FIELD_SIZE(type, member[0]), .count_offset = offsetof(type, count)
#define FIELD_POINTER(type, member, count)                                                                   \
    .offset = offsetof(type, member), .count_offset = offsetof(type, count)
#define FIELD_NAMES(array)                                                                                   \
    .names = (array), .name_count = sizeof(array) / sizeof *(array), .name_stride = sizeof *(array)
#define FIELDS(...)                                                                                          \
    .fields = (const struct field[]){__VA_ARGS__},                                                           \
    .field_count = sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field)
#define RECORD_FIELDS(table) .fields = (table), .field_count = sizeof(table) / sizeof *(table)

/* Writes the structure as an object, which the caller owns (json_decref). Items whose reference leads nowhere
 * are left out. -ENOMEM is the only error. */
int record_write(const struct record *record, const void *structure, json_t **json, struct error *error);

/* The same as text, indented, with ten digits (more than any clock here tells, and 3.97 stays 3.97). Errors
 * of the stream are left to its owner. */
int record_print(const struct record *record, const void *structure, FILE *stream, struct error *error);

/* ---- reading ---- */

enum { READER_WHERE_BYTES = 160 };

/* The items that a unique list has, sorted by what names them. */
struct reader_id {
    const char *id;
    size_t index;
};

/* A document that comes from outside while it is read. The first thing that is wrong is remembered as a
 * sentence that names its place ("a.json is no vcost result: cells[3].median is a text and should be a number
 * or null"). After that nothing more is read or said, so that a caller may check once, at the end. */
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

/* Reads `structure`, zeroed before. Texts are kept in reader->pool, lists that are pointers are allocated
 * each for itself. Also after a failure (reader->status, returned) the structure has to be freed. */
int record_read(const struct record *record, const json_t *json, void *structure, struct reader *reader);

/* Writes the JSON Schema (draft 2020-12) of a root record's objects, so that it cannot say anything else than
 * the tables, indented. The root's first field is the constant that names it, "vcost.result/1": its file is
 * vcost.result-1.schema.json. -ENOMEM is the only error. */
int record_schema(const struct record *record, FILE *stream, struct error *error);

/* ---- writing what no table describes: hooks, other objects ---- */

/* What is being written. A lack of memory is remembered, to be looked at once, at the end. */
struct draft {
    bool failed;
    const struct record *record; /* of what is written as a whole, for references */
    const void *root;
};

/* Puts a member into an object, an item behind an array's last. Both take value over, also on failure. */
void put(struct draft *draft, json_t *object, const char *key, json_t *value);
void put_item(struct draft *draft, json_t *array, json_t *value);

/* A JSON string of text from outside: what is not UTF-8 becomes U+FFFD. NULL (and failed) without memory. */
json_t *draft_text(struct draft *draft, const char *text);
void put_text(struct draft *draft, json_t *object, const char *key, const char *text);

/* A real has ten digits in the file; one that is whole in these is written as a whole number, so that reading
 * and writing it again changes nothing. Other whole numbers have all their digits. Null for what is none. */
json_t *draft_number(double number);

/* The structure as an object. */
json_t *record_object(struct draft *draft, const struct record *record, const void *structure);

/* ---- reading it ---- */

/* What record_read() does, of the member `key` of what is read; value NULL: it is null. */
void record_take(const struct record *record, struct reader *reader, const json_t *value, const char *key,
    void *structure);

/* The index in the unique list that was read last of the item with that id; -1: it has none. */
long reader_id(const struct reader *reader, const char *id);

/* Types, to be added: TAKES(JSON_STRING) | TAKES(JSON_NULL). */
#define TAKES(type) (1u << (type))

/* Is the value of one of these types? Otherwise it is refused, as WHERE.KEY or, where it is missing, by name.
 */
bool reader_takes(struct reader *reader, const json_t *value, const char *key, unsigned types);

/* Says what is wrong, unless something was wrong before: "NAME is no WHAT: …". */
void reader_refuse(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same about a member: "NAME is no WHAT: WHERE.KEY …". */
void reader_refuse_key(struct reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Refuses the object that is read if its figure lies outside of its interval, by more than digits that are
 * not in the file can make; NAN does not. */
void reader_interval(struct reader *reader, const char *what, double low, double figure, double high);

/* `count` zeroed things, to be freed; NULL for none, and after a failure. */
void *reader_room(struct reader *reader, size_t count, size_t size);

/* A text of at most size-1 bytes, cut at a whole character. */
void record_cut(const char *text, char *out, size_t size);

#endif
