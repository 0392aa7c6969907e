#include "result/json_reaches.h"

#include "result/words.h"

static void put_measured(struct draft *draft, json_t *object, const struct result_reach *reach)
{
    static const char no_entries[] = "only a TLB's reach is counted in entries";
    put_count(draft, object, "from_bytes", reach->from_bytes);
    put_count(draft, object, "to_bytes", reach->to_bytes);
    put_count_if(draft, object, "from_entries", reach->from_entries, no_entries);
    put_count_if(draft, object, "to_entries", reach->to_entries, no_entries);
    put_real(draft, object, "below_ns", reach->below_ns, "not measured");
    put_real(draft, object, "above_ns", reach->above_ns, "not measured");
    put_real(draft, object, "sureness", reach->sureness, "no noise was seen to hold it against");
}

static void put_told(struct draft *draft, json_t *object, const struct result_reach *reach)
{
    static const char none[] = "it is attributed to nothing that CPUID tells";
    if (reach->name[0])
        put_text(draft, object, "name", reach->name);
    else
        put_null(draft, object, "name", none);
    put_count_if(draft, object, "told_bytes", reach->told_bytes, none);
    put_count_if(
        draft, object, "told_entries", reach->told_entries, reach->name[0] ? "only a TLB has entries" : none);
}

static json_t *json_reach(struct draft *draft, const struct result *result, const struct result_reach *reach)
{
    json_t *object = json_object();
    put_text(draft, object, "below", result->cells[reach->last].id);
    put_text(draft, object, "above", result->cells[reach->first].id);
    put_text(draft, object, "kind", reach_kind_name(reach->kind));
    put_measured(draft, object, reach);
    put_told(draft, object, reach);
    return object;
}

json_t *json_reaches(struct draft *draft, const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->reach_count; i++) {
        const struct result_reach *reach = &result->reaches[i];
        if (reach->last < result->cell_count && reach->first < result->cell_count)
            put_item(draft, array, json_reach(draft, result, reach));
    }
    return array;
}
