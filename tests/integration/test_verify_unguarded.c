/* Built once for each guard of the monitors that run guests in processes, without that guard (tests/unguard):
 * the case of `vcost verify` that is for it fails. */
#include "chosen_monitor.h"

#include "domain/probe.h"
#include "experiment/verify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 2 }; /* seconds */

/* A host that lets processes have that many mappings has no budget to exceed. */
static bool has_room_for_all(void)
{
    unsigned long most = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    bool told = file && fscanf(file, "%lu", &most) == 1;
    if (file)
        fclose(file);
    return told && most > 70000;
}

static void without_its_guard_the_case_fails(void **state)
{
    const struct safety safety = {.monitor = chosen, .patience = PATIENCE, .only = CASE};
    struct trials trials = {.monitor = chosen->name};
    struct monitor_facts facts;
    struct error error;
    (void)state;
    domain_probe(chosen, &facts);
    if (!facts.usable || (!strncmp(CASE, "more mappings", 13) && has_room_for_all())) {
        print_message("# skip: %s\n", facts.usable ? "processes may have more mappings here" : facts.reason);
        skip();
        return;
    }
    if (verify_safety(&safety, &trials, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(trials.count > 0);
    assert_int_equal(trials.list[0].verdict, TRIAL_FAILED);
    print_message("# %s\n", trials.list[0].reason);
    free(trials.list);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_its_guard_the_case_fails)};
    choose_monitor(argc, argv);
    return cmocka_run_group_tests_name(CASE, tests, NULL, NULL);
}
