/* What a record's objects look like, as a JSON Schema (draft 2020-12): made of the tables that read and write
 * them, so that it cannot say anything else. */
#ifndef VCOST_RECORD_SCHEMA_H
#define VCOST_RECORD_SCHEMA_H

#include "record/record.h"

#include <stdio.h>

/* Writes the schema of a root record, indented: `id` is its file's name, `about` says what the objects are.
 * -ENOMEM is the only error. */
int record_schema(
    const struct record *record, const char *id, const char *about, FILE *stream, struct error *error);

#endif
