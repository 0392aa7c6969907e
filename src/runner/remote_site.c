#include "runner/remote_site.h"

#include "base/random.h"
#include "base/size.h"
#include "measure/clock.h"
#include "runner/command_process.h"
#include "runner/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double default_answer_seconds = 30;

/* How slow an emulated machine may be before it is taken to hang. */
static const double populate_bytes_per_second = 16.0 * 1024 * 1024, element_seconds = 20e-6,
                    hop_seconds = 10e-6, sample_seconds_most = 300;

static const double grace_seconds = 1; /* for an agent to end by itself */

struct remote_site {
    struct site site;
    struct remote_site_config config;
    struct command_process process;
    struct wire wire;
    struct agent_facts facts;
    double deadline, allowed; /* of the present answer: clock_seconds(), and how long that was */
    struct error trouble;     /* why the agent is not asked any more; code 0: it is */
    bool placed;
    char name[REMOTE_NAME_BYTES];
};

static struct remote_site *of(struct site *site)
{
    return (struct remote_site *)site;
}

/* ---- names ---- */

static uint32_t hash(const char *text)
{
    uint64_t mixed = 0;
    for (; *text; text++)
        mixed = random_mix(mixed ^ (uint8_t)*text) + 1;
    return (uint32_t)(mixed >> 32);
}

static char kept(char c)
{
    return c == '/' || c < ' ' || c > '~' ? '_' : c;
}

enum { SHOWN_MAX = 30, HASH_CHARS = 9 };

void remote_site_name(const char *command, char name[static REMOTE_NAME_BYTES])
{
    char shown[SHOWN_MAX + 1];
    size_t length = 0;
    for (; length < SHOWN_MAX && command[length]; length++)
        shown[length] = kept(command[length]);
    shown[length] = '\0';
    if (!strcmp(shown, command))
        snprintf(name, REMOTE_NAME_BYTES, "command:%s", shown);
    else
        snprintf(
            name, REMOTE_NAME_BYTES, "command:%.*s~%08" PRIx32, SHOWN_MAX - HASH_CHARS, shown, hash(command));
}

static void make_lane(struct remote_site *there)
{
    const struct agent_facts *facts = &there->facts;
    struct lane *lane = &there->site.lanes[there->site.lane_count++];
    *lane =
        (struct lane){.name = there->name, .technique = facts->is_guest ? TECHNIQUE_UNKNOWN : TECHNIQUE_NONE};
    snprintf(lane->label, sizeof lane->label, "%s", strchr(there->name, ':') + 1);
    size_t used = strlen(lane->label);
    if (facts->is_guest)
        snprintf(lane->label + used, sizeof lane->label - used, " (%.8s%sguest)",
            facts->guest_of.known ? facts->guest_of.text : "", facts->guest_of.known ? " " : "");
}

/* ---- one question, one answer ---- */

static int wait_for_answer(void *context, struct error *error)
{
    struct remote_site *there = context;
    return command_process_wait(&there->process, there->deadline, there->config.stop, error);
}

static void allow(struct remote_site *there, double work_seconds)
{
    double usual = there->config.answer_seconds;
    there->allowed = (usual > 0 ? usual : default_answer_seconds) + work_seconds;
    there->deadline = clock_seconds() + there->allowed;
}

/* The sentence about a connection that has failed with `code`. */
static int explain(struct remote_site *there, int code, struct error *error)
{
    char end[400];
    switch (code) {
    case EPIPE:
        command_process_tell_end(&there->process, end, sizeof end);
        return error_set(error, ECONNRESET, "%s %s", there->name, end);
    case ETIMEDOUT:
        return error_set(error, ETIMEDOUT,
            "%s has not answered within %.1f s: is vcost agent started there, and "
            "does the machine run?",
            there->name, there->allowed);
    default:
        return error_prefix(error, "%s", there->name);
    }
}

/* From now on the agent's answers belong to no question that is known. */
static int give_up(struct remote_site *there, struct error *error)
{
    int rc = explain(there, error->code, error);
    there->trouble = *error;
    return rc;
}

/* A failure over there is told as one; it is never the user's Ctrl-C here. */
static int take_failure(const struct remote_site *there, const struct error *failure, struct error *error)
{
    int code = failure->code == EINTR ? EIO : failure->code;
    return error_set(error, code, "%s: %s", there->name, failure->text);
}

/* What came must be of the type `wanted`, or a failure over there. */
static int expect(
    struct remote_site *there, const struct message *message, enum message_type wanted, struct error *error)
{
    if (message->type == MESSAGE_FAILED)
        return take_failure(there, &message->failure, error);
    if (message->type == wanted)
        return 0;
    error_set(error, EPROTO, "%s came where %s was due", message_name(message->type), message_name(wanted));
    return give_up(there, error);
}

/* Asks, and waits for an answer of the type `wanted`. */
static int ask(struct remote_site *there, struct message *message, enum message_type wanted,
    double work_seconds, struct error *error)
{
    struct error here;
    error = error ? error : &here;
    if (there->trouble.code) {
        *error = there->trouble;
        return -error->code;
    }
    allow(there, work_seconds);
    int rc = wire_send(&there->wire, message, error);
    if (rc == 0)
        rc = wire_receive(&there->wire, message, error);
    return rc < 0 ? give_up(there, error) : expect(there, message, wanted, error);
}

/* ---- the site ---- */

static int remote_place(struct site *site, uint64_t bytes, struct error *error)
{
    struct message message = {.type = MESSAGE_PLACE, .place = {bytes, site->host_page_bytes}};
    of(site)->placed = true;
    return ask(of(site), &message, MESSAGE_DONE, (double)bytes / populate_bytes_per_second, error);
}

static int remote_lay_out(
    struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    struct message message = {.type = MESSAGE_LAY_OUT, .lay_out = {*shape, seed}};
    double elements = (double)chase_layout_make(shape, 0).elements;
    return ask(of(site), &message, MESSAGE_DONE, elements * element_seconds, error);
}

static int remote_sample(struct site *site, size_t lane, const struct sample_plan *plan,
    struct sample *sample, struct error *error)
{
    struct message message = {.type = MESSAGE_SAMPLE, .plan = *plan};
    double steps =
        (double)plan->steps * (double)plan->batches + (double)plan->warm_steps * (double)plan->warm_limit;
    (void)lane;
    int rc = ask(of(site), &message, MESSAGE_SAMPLED,
        fmin(steps * CHASE_CHAINS_MAX * hop_seconds, sample_seconds_most), error);
    if (rc == 0)
        *sample = message.sample;
    return rc;
}

static int remote_proof(struct site *site, size_t lane, struct page_proof *proof, struct error *error)
{
    struct message message = {.type = MESSAGE_PROOF};
    (void)lane;
    int rc = ask(of(site), &message, MESSAGE_PROVED, 0, error);
    if (rc == 0)
        *proof = message.proof;
    return rc;
}

/* A failure is remembered, and told with the next request. */
static void remote_clear(struct site *site)
{
    struct message message = {.type = MESSAGE_CLEAR};
    struct remote_site *there = of(site);
    if (there->placed)
        ask(there, &message, MESSAGE_DONE, 0, NULL);
    there->placed = false;
}

static void remote_close(struct site *site)
{
    struct remote_site *there = of(site);
    const struct message bye = {.type = MESSAGE_BYE};
    if (!there->trouble.code)
        (void)wire_send(&there->wire, &bye, NULL);
    command_process_end(&there->process, there->trouble.code ? 0 : grace_seconds);
    free(there);
}

static const struct site_ops remote_ops = {
    .place = remote_place,
    .lay_out = remote_lay_out,
    .sample = remote_sample,
    .proof = remote_proof,
    .clear = remote_clear,
    .close = remote_close,
};

/* ---- the first word ---- */

static int check_hello(struct remote_site *there, const struct message *message, struct error *error)
{
    const char *version = there->config.version;
    if (message->type != MESSAGE_HELLO)
        return error_set(error, EPROTO, "%s came where HELLO was due", message_name(message->type));
    if (message->hello.protocol != PROTOCOL_VERSION)
        return error_set(error, EPROTO,
            "the agent is of vcost %s, which speaks version %" PRIu32
            " of the protocol; this is vcost %s, which speaks version %d: install the same vcost in both "
            "places",
            message->hello.facts.version, message->hello.protocol, version ? version : "?", PROTOCOL_VERSION);
    there->facts = message->hello.facts;
    return 0;
}

static int shake_hands(struct remote_site *there, struct error *error)
{
    struct message message;
    enum message_type wanted = MESSAGE_HELLO;
    allow(there, 0);
    int rc = wire_receive_first(&there->wire, &message, error);
    if (rc == 0 && (rc = check_hello(there, &message, error)) == 0 && !message.hello.able) {
        wanted = MESSAGE_FAILED; /* why not */
        rc = wire_receive(&there->wire, &message, error);
    }
    return rc < 0 ? give_up(there, error) : expect(there, &message, wanted, error);
}

int remote_site_open(const struct remote_site_config *config, struct site **site, struct error *error)
{
    struct remote_site *there = calloc(1, sizeof *there);
    struct error here;
    error = error ? error : &here;
    if (!there)
        return error_set(error, ENOMEM, "no memory for a site");
    there->site = (struct site){.ops = &remote_ops, .host_page_bytes = config->host_page_bytes};
    there->config = *config;
    remote_site_name(config->command, there->name);
    int rc = command_process_start(&there->process, config->command, config->pin, error);
    there->wire = (struct wire){there->process.out, there->process.in, wait_for_answer, there};
    if (rc < 0 || (rc = shake_hands(there, error)) < 0) {
        there->trouble = *error;
        remote_close(&there->site);
        return rc;
    }
    make_lane(there);
    *site = &there->site;
    return 0;
}

const struct agent_facts *remote_site_facts(const struct site *site)
{
    return site->ops == &remote_ops ? &((const struct remote_site *)site)->facts : NULL;
}

const char *remote_site_command(const struct site *site)
{
    return site->ops == &remote_ops ? ((const struct remote_site *)site)->config.command : NULL;
}
