#include "record/json_draft.h"

#include "base/clean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t exact_most = UINT64_C(1) << 53;

void put(struct draft *draft, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        draft->failed = true;
}

void put_item(struct draft *draft, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value))
        draft->failed = true;
}

json_t *draft_text(struct draft *draft, const char *text)
{
    size_t size = 3 * strlen(text) + 1;
    char *clean = malloc(size);
    json_t *value = NULL;
    if (clean) {
        text_clean(text, TEXT_UTF8 | TEXT_KEEP_CONTROLS, clean, size);
        value = json_string(clean);
    }
    free(clean);
    if (!value)
        draft->failed = true;
    return value;
}

void put_text(struct draft *draft, json_t *object, const char *key, const char *text)
{
    put(draft, object, key, draft_text(draft, text));
}

void put_null(struct draft *draft, json_t *object, const char *key, const char *reason)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s_reason", key);
    put(draft, object, key, json_null());
    put_text(draft, object, beside, reason[0] ? reason : "not told");
}

void put_count(struct draft *draft, json_t *object, const char *key, uint64_t count)
{
    char reason[64];
    if (count <= exact_most) {
        put(draft, object, key, json_integer((json_int_t)count));
        return;
    }
    snprintf(reason, sizeof reason, "%llu is past 2^53", (unsigned long long)count);
    put_null(draft, object, key, reason);
}

void put_figure(struct draft *draft, json_t *object, const char *key, double value)
{
    put(draft, object, key, isfinite(value) ? json_real(value) : json_null());
}
