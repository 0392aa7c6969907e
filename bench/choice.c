/* The transport that is chosen by latencies (monitor/deprivileged/transport_switch.h) against both fixed
 * ones: quiet, under load, and under load that comes and goes (bench/README.md).
 *
 * The same guest by each of them in turns so short that all three meet the same; what the choice has learnt
 * is kept for its next turn. What counts are all the hand-overs of a mode over all the time that they took,
 * stalls included: medians would leave those out. */
#include "child_guest.h"
#include "measure/pin.h"
#include "row.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MODES = 3, BLOCKS = 20, BETWEEN_LOOKS = 50 };
static const double target = 1.1;

static const struct load {
    const char *what;
    bool theirs, ours;  /* on the guest's CPU, on the monitor's */
    unsigned period_us; /* busy and idle for so long by turns; 0: busy */
    unsigned rounds;    /* of a block */
} loads[] = {
    {"the choice of transport, quiet", false, false, 0, 10},
    {"the same, load on the guest's CPU", true, false, 0, 10},
    {"the same, load on both CPUs", true, true, 0, 10},
    {"the same, load that comes and goes every 10 ms", true, false, 10000, 10},
    {"the same, every second", true, false, 1000000, 22},
};

enum { TURN_US = 60000 }; /* three periods of the shortest load */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static _Noreturn void be_load(const struct load *load, int cpu)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_bind((unsigned)cpu);
    for (;;) {
        double start = now();
        while (!load->period_us || now() - start < 1e-6 * load->period_us)
            ;
        usleep(load->period_us);
    }
}

/* What a mode has done in a block. */
struct share {
    double seconds, count;
};

static int take_turn(struct guest *guest, enum child_transport transport, struct spare_cpu *spare,
    struct share *share, struct error *error)
{
    double start = now(), end = start;
    int rc = children_transport(guest->family, transport, spare, error);
    for (; rc == 0 && end - start < 1e-6 * TURN_US; end = now()) {
        uint64_t ignored;
        rc = guest_run(guest, BETWEEN_LOOKS, &ignored, error);
        share->count += BETWEEN_LOOKS;
    }
    share->seconds += end - start;
    return rc;
}

static int run_blocks(struct guest *guest, const struct load *load, struct spare_cpu *spare,
    struct share shares[BLOCKS][MODES], struct error *error)
{
    int rc = 0;
    for (unsigned block = 0; rc == 0 && block < BLOCKS; block++)
        for (unsigned round = 0; rc == 0 && round < load->rounds; round++)
            for (unsigned turn = 0; rc == 0 && turn < MODES; turn++) {
                unsigned mode = (block + round + turn) % MODES;
                rc = take_turn(guest, (enum child_transport)mode, spare, &shares[block][mode], error);
            }
    return rc;
}

static double ns_of(const struct share *share)
{
    return share->seconds * 1e9 / share->count;
}

static void judge(const struct load *load, struct share shares[BLOCKS][MODES])
{
    struct share all[MODES] = {{0, 0}};
    double ratios[BLOCKS];
    char repetitions[64];
    for (unsigned i = 0; i < BLOCKS * MODES; i++) {
        all[i % MODES].seconds += shares[i / MODES][i % MODES].seconds;
        all[i % MODES].count += shares[i / MODES][i % MODES].count;
    }
    unsigned better = ns_of(&all[CHILD_SPIN]) < ns_of(&all[CHILD_SLEEP]) ? CHILD_SPIN : CHILD_SLEEP;
    for (unsigned i = 0; i < BLOCKS; i++)
        ratios[i] = ns_of(&shares[i][CHILD_EITHER]) / ns_of(&shares[i][better]);
    snprintf(repetitions, sizeof repetitions, "%d blocks x %u rounds; sleep %.2f, spin %.2f us", BLOCKS,
        load->rounds, ns_of(&all[CHILD_SLEEP]) / 1e3, ns_of(&all[CHILD_SPIN]) / 1e3);
    row_tell(load->what, target, statistics_estimate(ratios, BLOCKS), repetitions);
}

static pid_t start_load(const struct load *load, bool wanted, int cpu)
{
    pid_t process = wanted ? fork() : -1;
    if (process == 0)
        be_load(load, cpu);
    return process;
}

static void end_load(pid_t process)
{
    if (process <= 0)
        return;
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

static int measure(const struct load *load, int own, int spare, struct error *error)
{
    struct guest guest = {0};
    struct spare_cpu cpu = {.number = (unsigned)spare};
    static struct share shares[BLOCKS][MODES];
    int rc = guest_open(&guest, false, error);
    memset(shares, 0, sizeof shares);
    pid_t theirs = rc == 0 ? start_load(load, load->theirs, spare) : -1;
    pid_t ours = rc == 0 ? start_load(load, load->ours, own) : -1;
    if (rc == 0)
        rc = run_blocks(&guest, load, &cpu, shares, error);
    end_load(theirs);
    end_load(ours);
    children_close(guest.family);
    if (rc == 0)
        judge(load, shares);
    return rc;
}

static int failed(const char *what, const struct error *error)
{
    fprintf(stderr, "bench/choice: %s: %s\n", what, error->text);
    return 1;
}

/* choice [PART]: only what has that in its name. */
int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    struct error error;
    struct pin pin;
    int status = 0;
    if (pin_thread(&pin, -1, &error) < 0 || child_possible(&error) < 0)
        return failed("children", &error);
    const int spare = pin_other(&pin);
    for (size_t i = 0; spare >= 0 && i < sizeof loads / sizeof *loads; i++)
        if (strstr(loads[i].what, part) && measure(&loads[i], (int)pin.cpu, spare, &error) < 0)
            status = failed(loads[i].what, &error);
    return status;
}
