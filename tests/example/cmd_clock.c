#include "clock_command.h"

#include "cli/outputs.h"
#include "cli/status.h"

static int write_json(const void *what, FILE *stream, struct error *error)
{
    return record_print(&clock_record, what, stream, error);
}

static void view(const void *what, struct document *document)
{
    view_clock(what, document);
}

int cmd_clock_run(const struct invocation *invocation)
{
    const struct clock_options *options = invocation->options;
    struct clock_cost cost;
    struct outputs outputs;
    struct error error;
    int rc = outputs_open(&outputs, &options->output, &error); /* before anything is measured */
    if (rc == 0) {
        clock_cost_measure((unsigned)options->rounds, &cost);
        rc = outputs_write(&outputs, &(struct found){&cost, write_json, view}, &error);
    }
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
