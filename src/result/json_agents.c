#include "result/json_agents.h"

static json_t *json_agent(struct draft *draft, const struct result_agent *agent)
{
    json_t *object = json_object();
    const struct agent_facts *facts = &agent->facts;
    put_text(draft, object, "monitor", agent->monitor);
    put_text(draft, object, "command", agent->command);
    put_text(draft, object, "version", facts->version);
    put_fact(draft, object, "cpu_brand", &facts->brand);
    put_fact(draft, object, "kernel", &facts->kernel);
    put(draft, object, "is_guest", json_boolean(facts->is_guest));
    put_fact(draft, object, "guest_of", &facts->guest_of);
    put_count(draft, object, "cpu", facts->cpu);
    put_real(draft, object, "tsc_ghz", facts->ticks_per_ns, "not told");
    put_count(draft, object, "page_bytes", facts->page_bytes);
    return object;
}

json_t *json_agents(struct draft *draft, const struct result_agent *agents, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        put_item(draft, array, json_agent(draft, &agents[i]));
    return array;
}
