#include "runner/agent.h"

#include "runner/wire.h"

#include <errno.h>
#include <stdio.h>

struct agent {
    const struct agent_config *config;
    struct wire wire;
    struct site *site; /* of the present placement, NULL if there is none */
    bool laid_out;
};

/* ---- requests: each makes its answer, or fails with what the other side is told ---- */

static int clear(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    (void)request, (void)answer, (void)error;
    site_close(agent->site);
    agent->site = NULL;
    agent->laid_out = false;
    return 0;
}

static int place(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    struct local_site_config config = agent->config->site;
    clear(agent, request, answer, error);
    config.memory.page_bytes = request->place.host_page_bytes;
    int rc = local_site_open(&config, &agent->site, error);
    if (rc == 0 && (rc = local_site_add(agent->site, &runner_native, NULL, 0, error)) == 0)
        rc = site_place(agent->site, request->place.bytes, error);
    if (rc < 0)
        clear(agent, request, answer, NULL);
    return rc;
}

static int lay_out(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    (void)answer;
    if (!agent->site)
        return error_set(error, EINVAL, "a list was to be laid out without memory");
    agent->laid_out = false;
    int rc = site_lay_out(agent->site, &request->lay_out.shape, request->lay_out.seed, error);
    agent->laid_out = rc == 0;
    return rc;
}

static int take_sample(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    if (!agent->laid_out)
        return error_set(error, EINVAL, "a list was to be walked that is not laid out");
    answer->type = MESSAGE_SAMPLED;
    return site_sample(agent->site, 0, &request->plan, &answer->sample, error);
}

static int prove(
    struct agent *agent, const struct message *request, struct message *answer, struct error *error)
{
    (void)request;
    if (!agent->site)
        return error_set(error, EINVAL, "pages were to be proved without memory");
    answer->type = MESSAGE_PROVED;
    return site_proof(agent->site, 0, &answer->proof, error);
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
    struct message message = {.type = MESSAGE_HELLO, .hello = {PROTOCOL_VERSION, true, agent->config->facts}};
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
    int rc = serve(&agent, error);
    site_close(agent.site);
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
