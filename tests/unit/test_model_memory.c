/* How much real memory a simulated machine takes: at most 1 GiB for 64 GiB that are simulated, with 4 KiB
 * pages on both sides, frames at random.
 *
 *   test_model_memory [GIB]   simulated; 1 without, of which it may take a 64th and what caches and TLBs take
 */
#include "cmocka_all.h"

#include "base/size.h"
#include "model/model.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t simulated = GIB;
static const uint64_t enough = 64 * GIB, caches_and_tlbs = 16 * MIB;

/* What this process has of its own, whoever gave it: malloc's books do not know of mappings. */
static uint64_t resident(void)
{
    char line[128];
    unsigned long long kib = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) && sscanf(line, "RssAnon: %llu kB", &kib) != 1)
        continue;
    fclose(file);
    assert_true(kib > 0);
    return kib * KIB;
}

static uint64_t bytes_of(const struct machine *machine, enum model_technique technique)
{
    struct model_config config = {.machine = machine,
        .technique = technique,
        .guest_page = 4 * KIB,
        .host_page = 4 * KIB,
        .guest_frames = {.order = FRAMES_SCATTERED, .seed = 1},
        .host_frames = {.order = FRAMES_SCATTERED, .seed = 2},
        .bytes_max = simulated,
        .seed = 3};
    struct model *model;
    struct error error;
    uint64_t before = resident();
    int rc = model_open(&config, &model, &error);
    if (rc == 0)
        rc = model_map(model, GVA(UINT64_C(1) << 45), simulated, NULL, &error);
    if (rc < 0)
        fail_msg("%s", error.text);
    model_access(model, GVA((UINT64_C(1) << 45) + simulated - 8), ACCESS_READ);
    uint64_t bytes = resident() - before;
    model_close(model);
    return bytes;
}

static void a_64th_of_what_is_simulated_is_enough(void **unused)
{
    (void)unused;
    struct pool pool = {.newest = NULL};
    struct machine machine;
    struct error error;
    if (machine_find("zen3-milan", &pool, &machine, &error) < 0)
        fail_msg("%s", error.text);
    uint64_t least = simulated / 512, most = simulated / 64 + (simulated < enough ? caches_and_tlbs : 0);
    for (enum model_technique technique = 0; technique < MODEL_TECHNIQUES; technique++) {
        uint64_t bytes = bytes_of(&machine, technique);
        print_message("# %s: %" PRIu64 " MiB\n", model_technique_names[technique], bytes / MIB);
        assert_in_range(bytes, least, most); /* tables with an entry for each page there must be */
    }
    pool_free(&pool);
}

int main(int argc, char **argv)
{
    simulated = argc > 1 ? strtoull(argv[1], NULL, 10) * GIB : simulated;
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_64th_of_what_is_simulated_is_enough)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
