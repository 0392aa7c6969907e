/* vcost verify: from the options to the plan, and what the exit status says of the result. */
#include "cli/measure.h"
#include "cli/status.h"
#include "cli/verify_options.h"
#include "experiment/verify.h"
#include "report/views.h"

#include <errno.h>

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
{
    const struct verify_plan plan = {.budget = measure_budget(session)};
    return verify_plan_run(&plan, &session->setting, progress, result, error);
}

static int judge(struct session *session, struct error *error)
{
    const struct result *result = &session->result;
    const struct verified *none = NULL;
    bool any = false;
    for (size_t i = 0; i < result->verified_count; i++) {
        session->passed |= verified_failed(&result->verified[i]);
        any |= result->verified[i].here;
        if (!result->verified[i].here && !none)
            none = &result->verified[i];
    }
    return any || !none ? 0
                        : error_set(error, ENOTSUP, "no monitor can be used here: %s: %s", none->monitor,
                              none->reason);
}

static void view(const struct session *session, struct document *document)
{
    view_verify(&session->result, document);
}

int cmd_verify_run(const struct invocation *invocation)
{
    return measure_run(invocation,
        &(struct measured){.every_monitor = true, .measure = measure, .follow = judge, .view = view}, NULL);
}
