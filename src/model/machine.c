#include "model/machine.h"

#include "record/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "vcost.machine/1";
static const char ending[] = ".json";
enum { FILE_BYTES_MAX = 1 << 20 };

int machine_parse(const char *text, size_t bytes, const char *file, struct pool *pool,
    struct machine *machine, struct error *error)
{
    struct machine made = {.name = NULL};
    struct reader reader = {.name = file, .what = "vcost machine", .pool = pool, .error = error};
    json_error_t wrong;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &wrong);
    const char *named = json_string_value(json_object_get(json, "schema"));
    if (!json)
        reader_refuse(&reader, "line %d: %.120s", wrong.line, wrong.text);
    else if (!json_is_object(json))
        reader_refuse(&reader, "it is no JSON object");
    else if (!named || strcmp(named, schema) != 0)
        reader_refuse(&reader, "its schema is not \"%s\"", schema);
    else
        record_read(&machine_record, json, &made, &reader);
    json_decref(json);
    if (reader.status < 0)
        return reader.status;
    made.file = pool_text(pool, file);
    sha256_text(text, bytes, made.sha256);
    if (pool->failed)
        return error_set(error, ENOMEM, "no memory for the machine of %.300s", file);
    *machine = made;
    return 0;
}

static int read_file(const char *path, struct pool *pool, struct machine *machine, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(FILE_BYTES_MAX + 1) : NULL;
    if (!file)
        return error_errno(error, errno, "%.300s", path);
    size_t bytes = text ? fread(text, 1, FILE_BYTES_MAX + 1, file) : 0;
    int rc = 0;
    if (!text)
        rc = error_set(error, ENOMEM, "no memory to read %.300s", path);
    else if (ferror(file))
        rc = error_errno(error, errno, "%.300s", path);
    else if (bytes > FILE_BYTES_MAX)
        rc = error_set(error, EFBIG, "%.300s is no vcost machine: it is too large", path);
    else
        rc = machine_parse(text, bytes, path, pool, machine, error);
    fclose(file);
    free(text);
    return rc;
}

static int no_such_machine(const char *name, struct error *error)
{
    char names[384] = "";
    for (size_t i = 0, used = 0; machine_preset(i).name; i++) {
        int more = snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", machine_preset(i).name);
        used += used + (size_t)more < sizeof names ? (size_t)more : 0;
    }
    return error_set(error, ENXIO, "there is no machine \"%.60s\": a file that ends in %s, or one of %s",
        name, ending, names);
}

int machine_find(const char *name, struct pool *pool, struct machine *machine, struct error *error)
{
    size_t length = strlen(name), end = sizeof ending - 1;
    if (length > end && !strcmp(name + length - end, ending))
        return read_file(name, pool, machine, error);
    for (size_t i = 0; machine_preset(i).name; i++) {
        struct machine_preset preset = machine_preset(i);
        if (!strcmp(preset.name, name))
            return machine_parse(preset.text, preset.bytes, preset.file, pool, machine, error);
    }
    return no_such_machine(name, error);
}
