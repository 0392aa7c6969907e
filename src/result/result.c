#include "result/result.h"

#include <stdlib.h>

void result_free(struct result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < result->cell_count; i++)
        free(result->cells[i].samples);
    free(result->cells);
    free(result->comparisons);
    free(result->reaches);
    free(result->agents);
    findings_free(&result->findings);
    for (size_t i = 0; i < result->round_count; i++)
        findings_free(&result->rounds[i].findings);
    free(result->rounds);
    host_free(&result->host);
    *result = (struct result){0};
}
