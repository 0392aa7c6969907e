/* Events by rate (rates.h). */
#include "model/internal.h"

#include "base/random.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the next event of a kind is due. */
static uint64_t next_of(const struct model *model, enum model_event event)
{
    const struct event_rate *rate = &model->config.rates.of[event];
    if (rate->rate == 0)
        return UINT64_MAX;
    double period = (rate->per_second ? model->machine->ghz * 1e9 : 1e6) / rate->rate;
    double next = ((double)model->stream.due[event].done + 0.5) * period;
    return next < 0x1p63 ? (uint64_t)next : UINT64_MAX;
}

static void find_first(struct model_stream *stream, const struct event_rates *rates)
{
    stream->next_access = stream->next_cycle = UINT64_MAX;
    for (enum model_event event = 0; event < MODEL_EVENTS; event++) {
        uint64_t *first = rates->of[event].per_second ? &stream->next_cycle : &stream->next_access;
        *first = smaller(*first, stream->due[event].next);
    }
}

void model_stream_begin(struct model *model)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++) {
        model->stream.due[event].done = 0;
        model->stream.due[event].next = next_of(model, event);
    }
    find_first(&model->stream, &model->config.rates);
}

static void switch_and_back(struct model *model)
{
    unsigned space = model->now->space;
    model_switch(model, (space + 1) % MODEL_PROCESSES_MAX);
    model_switch(model, space);
}

static void happen(struct model *model, enum model_event event)
{
    struct model_domain *domain = model->now;
    gva_t address = GVA(0);
    if (event == EVENT_FAULT || event == EVENT_CHANGE)
        address.value =
            domain->from +
            (random_below(&model->stream.random, domain->pages * model->config.guest_page) & ~UINT64_C(63));
    switch (event) {
    case EVENT_FAULT:
        model_fault(model, address);
        break;
    case EVENT_CHANGE:
        model_change_entry(model, address);
        break;
    case EVENT_SWITCH:
        switch_and_back(model);
        break;
    case EVENT_EXIT:
        model_exit(model);
        break;
    case EVENT_TICK:
        model_tick(model);
        break;
    case EVENT_FLUSH:
        model_flush(model);
        break;
    case EVENT_TURN:
        model_turn(model, (domain->number + 1) % model->config.domains);
        break;
    case EVENT_SCAN:
        model_scan(model);
        break;
    case MODEL_EVENTS:
        break;
    }
}

void model_stream_go(struct model *model)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++) {
        struct due *due = &model->stream.due[event];
        bool per_second = model->config.rates.of[event].per_second;
        if (due->next > (per_second ? model->account.cycles : model->account.accesses))
            continue;
        due->done++;
        due->next = next_of(model, event);
        happen(model, event);
    }
    find_first(&model->stream, &model->config.rates);
}
