#include "runner/remote.h"

#include "base/random.h"
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

/* How slow an emulated machine may be before it is taken to hang: mapping a byte and making it part of a
 * list, an operation, all operations of a sample. */
static const double map_byte_seconds = 60e-9, prepare_byte_seconds = 1e-6, operation_seconds = 10e-6,
                    sample_seconds_most = 300;

static const double grace_seconds = 1; /* for an agent to end by itself */

struct remote {
    struct remote_config config;
    struct command_process process;
    struct wire wire;
    struct agent_facts facts;
    const struct stop *stop;         /* of whoever waits for the present answer */
    double deadline, allowed;        /* of the present answer: clock_seconds(), and how long that was */
    struct error trouble;            /* why the agent is not asked any more; code 0: it is */
    struct pool texts;               /* that no answer has */
    bool taken[MESSAGE_RUNNERS_MAX]; /* by a runner that is open */
    char name[REMOTE_NAME_BYTES];
};

struct remote_runner {
    struct runner runner;
    uint32_t number; /* by which the agent knows it */
};

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

void remote_name(const char *command, char name[static REMOTE_NAME_BYTES])
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

enum { LABEL_MAX = 24 };

/* How a person calls it: "ssh guest" of "ssh guest /usr/bin/vcost agent --cpu 1", cut to a length; "agent"
 * where nothing is said of where. Returns how long it is. */
static int shorten(const char *command, char label[static LABEL_MAX + sizeof "…"])
{
    size_t length = 0, kept_to = strlen(command);
    for (size_t at = 0, word; kept_to == strlen(command) && command[at]; at += word) {
        at += strspn(command + at, " ");
        word = strcspn(command + at, " ");
        const char *last = memrchr(command + at, '/', word);
        size_t folder = last ? (size_t)(last + 1 - (command + at)) : 0;
        if (word - folder == strlen("vcost") && !strncmp(command + at + folder, "vcost", word - folder))
            kept_to = at;
    }
    while (kept_to && command[kept_to - 1] == ' ')
        kept_to--;
    for (; length < LABEL_MAX && length < kept_to; length++)
        label[length] = command[length] < ' ' || command[length] > '~' ? '_' : command[length];
    return kept_to ? (int)length + sprintf(label + length, "%s", length < kept_to ? "…" : "")
                   : sprintf(label, "agent");
}

/* ---- one question, one answer ---- */

static int wait_for_answer(void *context, struct error *error)
{
    struct remote *there = context;
    return command_process_wait(&there->process, there->deadline, there->stop, error);
}

static void allow(struct remote *there, double work_seconds)
{
    double usual = there->config.answer_seconds;
    there->allowed = (usual > 0 ? usual : default_answer_seconds) + work_seconds;
    there->deadline = clock_seconds() + there->allowed;
}

/* The sentence about a connection that has failed with `code`. */
static int explain(struct remote *there, int code, struct error *error)
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
static int give_up(struct remote *there, struct error *error)
{
    int rc = explain(there, error->code, error);
    there->trouble = *error;
    return rc;
}

/* A failure over there is told as one; it is never the user's Ctrl-C here, nor one of the connection. */
static int take_failure(const struct remote *there, const struct error *failure, struct error *error)
{
    bool ours = failure->code == EINTR || failure->code == ECONNRESET || failure->code == ETIMEDOUT ||
                failure->code == EPROTO;
    int code = ours ? EIO : failure->code;
    return error_set(error, code, "%s: %s", there->name, failure->text);
}

/* What came must be of the type `wanted`, or a failure over there. */
static int expect(
    struct remote *there, const struct message *message, enum message_type wanted, struct error *error)
{
    if (message->type == MESSAGE_FAILED)
        return take_failure(there, &message->failure, error);
    if (message->type == wanted)
        return 0;
    error_set(error, EPROTO, "%s came where %s was due", message_name(message->type), message_name(wanted));
    return give_up(there, error);
}

/* Asks, and waits for an answer of the type `wanted`. */
static int ask(struct remote *there, struct message *message, enum message_type wanted, double work_seconds,
    struct error *error)
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

/* ---- the runner ---- */

/* `message` becomes the answer. */
static int ask_runner(struct runner *runner, struct message *message, enum message_type wanted,
    double work_seconds, struct error *error)
{
    struct remote *there = runner->config.remote;
    message->runner = ((const struct remote_runner *)runner)->number;
    there->stop = runner->config.placement->config.stop;
    int rc = ask(there, message, wanted, work_seconds, error);
    there->stop = there->config.stop;
    return rc;
}

static void close_runner(struct runner *runner)
{
    struct remote *there = runner->config.remote;
    uint32_t number = ((const struct remote_runner *)runner)->number;
    struct message message = {.type = MESSAGE_CLOSE, .runner = number};
    /* Also where the time is over: it takes none. A failure is told with the next request. */
    ask(there, &message, MESSAGE_DONE, 0, NULL);
    there->taken[number] = false;
    free(runner);
}

static int open_runner(const struct runner_config *config, struct runner **out, struct error *error)
{
    const struct placement *placement = config->placement;
    struct remote *there = config->remote;
    struct message message = {.type = MESSAGE_OPEN,
        .open = {placement->bytes, placement->alignment, placement->config.memory.page_bytes}};
    struct remote_runner *made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ENOMEM, "no memory for a runner");
    while (made->number < MESSAGE_RUNNERS_MAX && there->taken[made->number])
        made->number++;
    made->runner.config = *config;
    int rc = made->number == MESSAGE_RUNNERS_MAX
                 ? error_set(error, EINVAL, "more than %d runners on one machine", MESSAGE_RUNNERS_MAX)
                 : ask_runner(&made->runner, &message, MESSAGE_DONE,
                       (double)placement->bytes * map_byte_seconds, error);
    if (rc < 0) {
        free(made);
        return rc;
    }
    there->taken[made->number] = true;
    *out = &made->runner;
    return 0;
}

static int prepare(struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    struct message message = {.type = MESSAGE_PREPARE, .prepare = {*workload, seed}};
    double bytes = workload->kind->bytes ? (double)workload->kind->bytes(workload) : 0;
    int rc = ask_runner(runner, &message, MESSAGE_PREPARED, bytes * prepare_byte_seconds, error);
    if (rc < 0)
        return rc;
    runner->workload = *workload;
    memcpy(runner->note, message.note, sizeof runner->note);
    return 0;
}

static int take_sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error)
{
    struct message message = {.type = MESSAGE_SAMPLE, .effort = *effort};
    double operations = (double)effort->steps * (double)effort->batches +
                        (double)effort->warm_steps * (double)effort->warm_limit;
    int rc = ask_runner(runner, &message, MESSAGE_SAMPLED,
        fmin(operations * CHASE_CHAINS_MAX * operation_seconds, sample_seconds_most), error);
    if (rc == 0)
        *sample = message.sample;
    return rc;
}

static int prove(struct runner *runner, struct page_proof *proof, struct error *error)
{
    struct message message = {.type = MESSAGE_PROOF};
    int rc = ask_runner(runner, &message, MESSAGE_PROVED, 0, error);
    if (rc == 0)
        *proof = message.proof;
    return rc;
}

static const struct runner_ops remote_ops = {
    .name = "command",
    .open = open_runner,
    .prepare = prepare,
    .sample = take_sample,
    .proof = prove,
    .close = close_runner,
};

struct runner_config remote_runner(struct remote *remote, struct placement *placement)
{
    const struct agent_facts *facts = &remote->facts;
    struct runner_config config = {
        .ops = &remote_ops,
        .placement = placement,
        .technique = facts->is_guest ? TECHNIQUE_UNKNOWN : TECHNIQUE_NONE,
        .remote = remote,
    };
    snprintf(config.name, sizeof config.name, "%s", remote->name);
    int used = shorten(remote->config.command, config.label);
    if (facts->is_guest)
        snprintf(config.label + used, sizeof config.label - (size_t)used, " (%.8s%sguest)",
            facts->guest_of.known ? facts->guest_of.text : "", facts->guest_of.known ? " " : "");
    return config;
}

void remote_close(struct remote *there)
{
    const struct message bye = {.type = MESSAGE_BYE};
    if (!there)
        return;
    if (!there->trouble.code)
        (void)wire_send(&there->wire, &bye, NULL);
    command_process_end(&there->process, there->trouble.code ? 0 : grace_seconds);
    pool_free(&there->texts);
    free(there);
}

/* ---- the first word ---- */

static int check_hello(struct remote *there, const struct message *message, struct error *error)
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

static int shake_hands(struct remote *there, struct error *error)
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

int remote_open(const struct remote_config *config, struct remote **remote, struct error *error)
{
    struct remote *there = calloc(1, sizeof *there);
    struct error here;
    error = error ? error : &here;
    if (!there)
        return error_set(error, ENOMEM, "no memory for a connection");
    there->config = *config;
    there->stop = config->stop;
    remote_name(config->command, there->name);
    int rc = command_process_start(&there->process, config->command, config->pin, error);
    there->wire = (struct wire){there->process.out, there->process.in, wait_for_answer, there, &there->texts};
    if (rc < 0 || (rc = shake_hands(there, error)) < 0) {
        there->trouble = *error;
        remote_close(there);
        return rc;
    }
    *remote = there;
    return 0;
}

bool remote_is_gone(const struct remote *remote)
{
    return remote->trouble.code != 0;
}

const struct agent_facts *remote_facts(const struct remote *remote)
{
    return &remote->facts;
}

const char *remote_command(const struct remote *remote)
{
    return remote->config.command;
}
