/* What distinguishes one simulation of a machine from another: as a text, and as a part of a runner's name.
 */
#include "runner/modelled.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *at;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    size_t room = MODELLED_CONDITIONS_BYTES - text->used;
    const char *between = text->used ? ", " : "";
    va_list arguments;
    va_start(arguments, format);
    text->used += (size_t)snprintf(text->at + text->used, room, "%s", between);
    text->used +=
        (size_t)vsnprintf(text->at + text->used, MODELLED_CONDITIONS_BYTES - text->used, format, arguments);
    va_end(arguments);
}

static void add_rates(struct text *text, const struct event_rates *rates)
{
    for (enum model_event event = 0; event < MODEL_EVENTS; event++)
        if (rates->of[event].rate > 0)
            add(text, "%s=%.9g%s", model_event_names[event], rates->of[event].rate,
                rates->of[event].per_second ? "/s" : "");
}

void modelled_conditions_text(
    const struct modelled_conditions *conditions, char out[static MODELLED_CONDITIONS_BYTES])
{
    static const char *const nodes[FRAME_NODES][2] = {[NODE_REMOTE] = {"remote memory", "remote memory"},
        [NODE_INTERLEAVED] = {"hidden nodes", "interleaved nodes"}};
    struct text text = {out, 0};
    out[0] = '\0';
    add_rates(&text, &conditions->rates);
    if (conditions->domains > 1)
        add(&text, "%u domains", conditions->domains);
    if (conditions->frames == FRAMES_IN_ORDER)
        add(&text, "frames in order");
    if (conditions->frames == FRAMES_FRAGMENTED)
        add(&text, "%.9g%% fragmented frames", 100 * conditions->fragmented);
    if (conditions->fresh)
        add(&text, "fresh frames");
    if (conditions->node != NODE_LOCAL)
        add(&text, "%s", nodes[conditions->node][conditions->told]);
    if (conditions->sync_write)
        add(&text, "each store to a table emulated");
    if (conditions->lap_end == LAP_GIVES_BACK)
        add(&text, "demand paging");
    if (conditions->lap_end == LAP_FORKS)
        add(&text, "copy-on-write");
    if (conditions->processes > 1)
        add(&text, "%u processes", conditions->processes);
    if (conditions->code)
        add(&text, "fetched as code");
}

void modelled_name(const struct modelled *modelled, char *name, size_t bytes)
{
    char text[MODELLED_CONDITIONS_BYTES], digest[SHA256_TEXT_BYTES];
    modelled_conditions_text(&modelled->conditions, text);
    sha256_text(text, strlen(text), digest);
    int used = snprintf(name, bytes, "model:%.*s:%s", MACHINE_NAME_MAX, modelled->machine->name,
        model_technique_names[modelled->technique]);
    if (text[0])
        snprintf(name + used, bytes - (size_t)used, ":%.8s", digest);
}
