#include "runner/agent.h"

#include "runner/chase_kind.h"
#include "runner/runner.h"
#include "runner/wire.h"

#include <errno.h>

struct agent {
    const struct agent_config *config;
    struct wire wire;
    struct placement placement;
    struct runner *runner; /* on the present placement, NULL if there is none */
};

/* ---- requests: each makes its answer, or fails with what the other side is told ---- */

static int clear(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    (void)request, (void)answer, (void)error;
    runner_close(agent->runner);
    agent->runner = NULL;
    placement_clear(&agent->placement);
    return 0;
}

static int place(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    clear(agent, request, answer, error);
    agent->placement.config.memory.page_bytes = request->place.host_page_bytes;
    const struct runner_config config = runner_here(&runner_native, &agent->placement, NULL, 0);
    int rc = placement_map(&agent->placement, request->place.bytes, 0, error);
    if (rc == 0 && (rc = runner_open(&config, &agent->runner, error)) < 0)
        placement_clear(&agent->placement);
    return rc;
}

static int lay_out(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    const struct workload workload = chase_workload(&request->lay_out.shape);
    (void)answer;
    if (!agent->runner)
        return error_set(error, EINVAL, "a list was to be laid out without memory");
    return runner_prepare(agent->runner, &workload, request->lay_out.seed, error);
}

static int take_sample(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    if (!agent->runner || !agent->runner->workload.kind)
        return error_set(error, EINVAL, "a list was to be walked that is not laid out");
    answer->type = MESSAGE_SAMPLED;
    return runner_sample(agent->runner, &request->plan, &answer->sample, error);
}

static int prove(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    (void)request;
    if (!agent->runner)
        return error_set(error, EINVAL, "pages were to be proved without memory");
    answer->type = MESSAGE_PROVED;
    return runner_proof(agent->runner, &answer->proof, error);
}

static int (*const requests[MESSAGE_TYPES])(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error) = {
    [MESSAGE_PLACE] = place,
    [MESSAGE_LAY_OUT] = lay_out,
    [MESSAGE_SAMPLE] = take_sample,
    [MESSAGE_PROOF] = prove,
    [MESSAGE_CLEAR] = clear,
};

/* ---- the connection ---- */

static int answer_one(struct agent *agent, const struct message *request, struct error *error)
{
    struct message answer = {.type = MESSAGE_DONE};
    struct error why = {0};
    if (!requests[request->type])
        return error_set(error, EPROTO, "%s is no request to an agent", message_name(request->type));
    if (requests[request->type](agent, request, &answer, &why) < 0)
        answer = (struct message){.type = MESSAGE_FAILED, .failure = why};
    return wire_send(&agent->wire, &answer, error);
}

static int serve(struct agent *agent, struct error *error)
{
    struct message message = {.type = MESSAGE_HELLO, .hello = agent->config->facts};
    message.hello.protocol = PROTOCOL_VERSION;
    int rc = wire_send(&agent->wire, &message, error);
    while (rc == 0) {
        rc = wire_receive(&agent->wire, &message, error);
        if (rc == 0 && message.type == MESSAGE_BYE)
            return 0;
        if (rc == 0)
            rc = answer_one(agent, &message, error);
    }
    return rc == -EPIPE ? 0 : rc;
}

int agent_serve(const struct agent_config *config, struct error *error)
{
    struct agent agent = {.config = config, .wire = {.in = config->in, .out = config->out}};
    placement_open(&agent.placement, &config->placement);
    int rc = serve(&agent, error);
    clear(&agent, NULL, NULL, NULL);
    placement_close(&agent.placement);
    return rc;
}

void agent_decline(int out, const struct error *why)
{
    const struct wire wire = {.in = -1, .out = out};
    const struct message message = {.type = MESSAGE_FAILED, .failure = *why};
    (void)wire_send(&wire, &message, NULL);
}
