#include "runner/workload_kind.h"

#include <string.h>

const struct workload_kind *workload_kind_find(const char *name)
{
    for (size_t i = 0; workload_kinds[i]; i++)
        if (!strcmp(workload_kinds[i]->name, name))
            return workload_kinds[i];
    return NULL;
}
