#include "runner/workload_kind.h"

#include "record/record.h"

static const struct record *of_structure(const void *structure)
{
    return ((const struct workload *)structure)->kind->record;
}

/* The last kind takes everything. */
static const struct record *of_object(const json_t *object)
{
    size_t kind = 0;
    while (workload_kinds[kind + 1] && !workload_kinds[kind]->takes(object))
        kind++;
    return workload_kinds[kind]->record;
}

static const struct record *variant(size_t index)
{
    return workload_kinds[index] ? workload_kinds[index]->record : NULL;
}

const struct field_hook workload_hook = {
    .of_structure = of_structure, .of_object = of_object, .variant = variant};

struct workload workload_named(const char *name)
{
    size_t kind = 0;
    while (!workload_kinds[kind]->named)
        kind++;
    return workload_kinds[kind]->named(name);
}
