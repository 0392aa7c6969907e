#include "agent/agent.h"

#include "runner/runner.h"
#include "runner/wire.h"

#include <errno.h>
#include <stdio.h>

struct agent {
    const struct agent_config *config;
    struct wire wire;
    struct placement placement;
    struct runner *runners[MESSAGE_RUNNERS_MAX]; /* on it; NULL: not open */
    size_t count;                                /* of those that are open; 0: nothing is mapped */
    struct pool texts;                           /* of the workloads that are prepared */
};

/* ---- requests: each makes its answer, or fails with what the other side is told ---- */

static int map_for(struct agent *agent, const struct message *request, struct error *error)
{
    struct placement *placement = &agent->placement;
    uint64_t *page_bytes = &placement->config.memory.page_bytes;
    bool same = placement->bytes == request->open.bytes && placement->alignment == request->open.alignment &&
                *page_bytes == request->open.host_page_bytes;
    if (agent->count && !same)
        return error_set(error, EINVAL, "runners were to be opened side by side on different memory");
    if (agent->count)
        return 0;
    *page_bytes = request->open.host_page_bytes;
    int rc = agent->config->look_again ? agent->config->look_again(agent->config->context, error) : 0;
    return rc < 0 ? rc : placement_map(placement, request->open.bytes, request->open.alignment, error);
}

static void unmap_if_last(struct agent *agent)
{
    if (agent->count)
        return;
    placement_clear(&agent->placement);
    pool_free(&agent->texts);
}

static int open_runner(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    const struct runner_config config = runner_here(&runner_native, &agent->placement, NULL, 0);
    struct runner **runner = &agent->runners[request->runner];
    (void)answer;
    if (*runner)
        return error_set(error, EINVAL, "a runner was to be opened that is open");
    int rc = map_for(agent, request, error);
    if (rc == 0 && (rc = runner_open(&config, runner, error)) == 0)
        agent->count++;
    unmap_if_last(agent);
    return rc;
}

static int close_runner(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    (void)answer, (void)error;
    runner_close(agent->runners[request->runner]);
    agent->runners[request->runner] = NULL;
    agent->count--;
    unmap_if_last(agent);
    return 0;
}

static int prepare(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    struct runner *runner = agent->runners[request->runner];
    const struct workload *workload = &request->prepare.workload;
    int rc = workload->kind->check(workload, error);
    if (rc == 0)
        rc = runner_prepare(runner, workload, request->prepare.seed, error);
    answer->type = MESSAGE_PREPARED;
    snprintf(answer->note, sizeof answer->note, "%s", runner->note);
    return rc;
}

static int take_sample(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    answer->type = MESSAGE_SAMPLED;
    return runner_sample(agent->runners[request->runner], &request->effort, &answer->sample, error);
}

static int prove(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    answer->type = MESSAGE_PROVED;
    if (!agent->placement.bytes)
        return error_set(error, EINVAL, "pages were to be proved where no memory is");
    return runner_proof(agent->runners[request->runner], &answer->proof, error);
}

static int (*const requests[MESSAGE_TYPES])(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error) = {
    [MESSAGE_OPEN] = open_runner,
    [MESSAGE_PREPARE] = prepare,
    [MESSAGE_SAMPLE] = take_sample,
    [MESSAGE_PROOF] = prove,
    [MESSAGE_CLOSE] = close_runner,
};

/* ---- the connection ---- */

static int answer_one(struct agent *agent, const struct message *request, struct error *error)
{
    struct message answer = {.type = MESSAGE_DONE};
    struct error why = {0};
    int rc = 0;
    if (!requests[request->type])
        return error_set(error, EPROTO, "%s is no request to an agent", message_name(request->type));
    if (request->type != MESSAGE_OPEN && !agent->runners[request->runner])
        rc = error_set(&why, EINVAL, "%s came for a runner that is not open", message_name(request->type));
    if (rc == 0)
        rc = requests[request->type](agent, request, &answer, &why);
    if (rc < 0)
        answer = (struct message){.type = MESSAGE_FAILED, .failure = why};
    return wire_send(&agent->wire, &answer, error);
}

static int serve(struct agent *agent, const struct agent_facts *facts, struct error *error)
{
    struct message message = {.type = MESSAGE_HELLO, .hello = {PROTOCOL_VERSION, true, *facts}};
    int rc = wire_send(&agent->wire, &message, error);
    while (rc == 0) {
        rc = wire_receive(&agent->wire, &message, error);
        if (rc == 0 && message.type == MESSAGE_BYE)
            return 0;
        if (rc == 0)
            rc = answer_one(agent, &message, error);
        else if (rc == -EPROTO)
            rc = error_prefix(
                error, "an agent listens to another vcost, which starts it with --on 'command:...'");
    }
    return rc == -EPIPE ? 0 : rc;
}

int agent_serve(const struct agent_config *config, struct error *error)
{
    struct agent agent = {.config = config};
    agent.wire = (struct wire){.in = config->in, .out = config->out, .texts = &agent.texts};
    placement_open(&agent.placement, &config->placement);
    int rc = serve(&agent, &config->facts, error);
    for (size_t i = 0; i < MESSAGE_RUNNERS_MAX; i++)
        runner_close(agent.runners[i]);
    placement_close(&agent.placement);
    pool_free(&agent.texts);
    return rc;
}

void agent_decline(int out, const char *version, const struct error *why)
{
    const struct wire wire = {.in = -1, .out = out};
    struct message hello = {.type = MESSAGE_HELLO, .hello = {.protocol = PROTOCOL_VERSION}};
    snprintf(hello.hello.facts.version, sizeof hello.hello.facts.version, "%s", version);
    if (wire_send(&wire, &hello, NULL) == 0)
        (void)wire_send(&wire, &(struct message){.type = MESSAGE_FAILED, .failure = *why}, NULL);
}
