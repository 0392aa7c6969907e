/* vcost agent: what this machine is, then requests until the other side has had enough. */
#include "agent/agent.h"
#include "cli/agent_options.h"
#include "cli/status.h"
#include "cli/version.h"
#include "experiment/setting.h"
#include "host/host.h"
#include "host/kept_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* A terminal as people use it would change bytes and confuse whoever sits there. */
static int refuse_people(struct error *error)
{
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) < 0 || !(terminal.c_lflag & ICANON))
        return 0;
    return error_set(error, EINVAL,
        "vcost agent is not for people: another vcost starts it with --on 'command:...'; on a console, put "
        "'stty raw -echo;' before it");
}

/* Moves the connection away from stdout, where anything else could write into it. */
static int take_stdout(int *out, struct error *error)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return error_errno(error, errno, "cannot take over standard output");
    *out = fd;
    return 0;
}

static int look(const struct setting *setting, struct agent_facts *facts, struct error *error)
{
    struct host host = {0};
    int rc = host_look_from(&host, (int)setting->pin.cpu, error);
    if (rc < 0)
        return rc;
    *facts = (struct agent_facts){
        .brand = host.cpu.brand,
        .kernel = host.kernel,
        .is_guest = host.is_guest,
        .guest_of = host.guest_of,
        .ticks_per_ns = setting->clock.ticks_per_ns,
        .cpu = setting->pin.cpu,
        .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
    };
    snprintf(facts->version, sizeof facts->version, "%s", VCOST_VERSION);
    host_free(&host);
    return 0;
}

/* What was measured before on what is another machine now cannot be marked from here: for ever an error. */
struct watched {
    struct setting *setting;
    struct error changed; /* code 0: it is the same machine */
};

static int look_again(void *context, struct error *error)
{
    struct watched *watched = context;
    struct result seen = {.change_count = 0};
    bool another_machine = false;
    int rc = watched->changed.code
                 ? 0
                 : lookout_look(&watched->setting->lookout, 0, &seen, &another_machine, error);
    for (size_t i = 0; another_machine && i < seen.change_count && !watched->changed.code; i++)
        if (seen.changes[i].another_machine)
            error_set(&watched->changed, EIO,
                "it became another machine while it was measured (%s was %.60s, is %.60s): measure again",
                seen.changes[i].title, seen.changes[i].was, seen.changes[i].is);
    result_free(&seen);
    if (!watched->changed.code)
        return rc;
    *error = watched->changed;
    return -error->code;
}

static int serve(struct setting *setting, int out, struct error *error)
{
    struct watched watched = {.setting = setting};
    struct kept_memory kept = {.count = 0};
    struct agent_config config = {
        .in = STDIN_FILENO,
        .out = out,
        .placement = {.cpu = setting->pin.cpu,
            .other_cpu = pin_other(&setting->pin),
            .image = &setting->image,
            .clock = &setting->clock,
            .kept = &kept},
        .look_again = look_again,
        .context = &watched,
    };
    int rc = look(setting, &config.facts, error);
    if (rc < 0)
        agent_decline(out, VCOST_VERSION, error);
    else
        rc = agent_serve(&config, error);
    kept_memory_release(&kept);
    return rc;
}

static int prepare_and_serve(const struct agent_options *options, int out, struct error *error)
{
    const struct stop never = {0};
    struct setting setting = {0};
    int rc = setting_open(&setting, options->cpu, &never, error);
    if (rc < 0)
        agent_decline(out, VCOST_VERSION, error);
    else
        rc = serve(&setting, out, error);
    setting_close(&setting);
    return rc;
}

/* Signals end it as any program: whoever started it knows how to tell that. */
int cmd_agent_run(const struct invocation *invocation)
{
    struct error error = {0};
    int out = -1;
    int rc = refuse_people(&error);
    if (rc == 0)
        rc = take_stdout(&out, &error);
    if (rc == 0)
        rc = prepare_and_serve(invocation->options, out, &error);
    if (out >= 0)
        close(out);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
