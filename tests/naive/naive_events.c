/* What happens beside accesses, when it is asked for and by rate (src/model/rates.h). */
#include "naive_inside.h"

void naive_switch(struct naive_model *model, unsigned space)
{
    naive_running(model)->space = space;
    model->account.switches++;
    naive_charge(model, &model->account.switching, model->machine->page_switch);
    naive_enter_monitor(model);
    if (!model->machine->process_tags && naive_defect != SWITCH_KEEPS_ALL)
        naive_forget_own(model);
}

void naive_exit(struct naive_model *model)
{
    if (model->setting.technique != NAIVE_NATIVE)
        naive_leave(model, 0);
}

void naive_tick(struct naive_model *model)
{
    model->account.ticks++;
    naive_exit(model);
    naive_charge(model, &model->account.fault, model->machine->fault);
    if (naive_defect != TICKS_EXIT_ONCE)
        naive_exit(model);
}

void naive_flush(struct naive_model *model)
{
    model->account.flushes++;
    naive_charge(model, &model->account.switching, model->machine->page_switch);
    naive_enter_monitor(model);
    if (naive_defect != FLUSH_KEEPS_ALL)
        naive_forget_own(model);
}

void naive_turn(struct naive_model *model, unsigned domain)
{
    model->account.turns++;
    if (model->setting.technique == NAIVE_NATIVE) {
        naive_charge(model, &model->account.switching, model->machine->page_switch);
        if (!model->machine->process_tags)
            naive_forget_all(model);
    }
    naive_exit(model);
    model->now = domain;
}

static void happen(struct naive_model *model, unsigned event)
{
    struct naive_domain *domain = naive_running(model);
    unsigned space = domain->space;
    uint64_t at = event == NAIVE_FAULTS || event == NAIVE_CHANGES
                      ? domain->from + naive_random(&model->random, domain->bytes) / 64 * 64
                      : 0;
    if (event == NAIVE_FAULTS)
        naive_fault(model, at);
    else if (event == NAIVE_CHANGES)
        naive_change_entry(model, at);
    else if (event == NAIVE_SWITCHES) {
        naive_switch(model, (space + 1) % 8);
        naive_switch(model, space);
    } else if (event == NAIVE_EXITS)
        naive_exit(model);
    else if (event == NAIVE_TICKS)
        naive_tick(model);
    else if (event == NAIVE_FLUSHES)
        naive_flush(model);
    else if (event == NAIVE_TURNS)
        naive_turn(model, (model->now + 1) % model->setting.domains);
    else
        naive_scan(model);
}

void naive_access(struct naive_model *model, uint64_t address, enum naive_access access)
{
    naive_touch_address(model, address, access);
    model->account.accesses++;
    for (unsigned event = 0; event < NAIVE_EVENTS; event++) {
        const struct naive_rate *rate = &model->setting.rates[event];
        double period = (rate->per_second ? 1e9 * model->machine->ghz : 1e6) / rate->rate;
        uint64_t clock = rate->per_second ? model->account.cycles : model->account.accesses;
        double phase = naive_defect == EVENTS_BEGIN_LATE ? 1 : 0.5;
        if (rate->rate > 0 && clock >= (uint64_t)(((double)model->happened[event] + phase) * period)) {
            model->happened[event]++;
            happen(model, event);
        }
    }
}
