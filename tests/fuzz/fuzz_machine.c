/* machine_parse() on arbitrary bytes: what is refused gets a sentence with the file's name and leaves the
 * output alone; what is accepted is shown, written and read again as it was, and can be simulated: every
 * technique maps a few pages and accesses them, or says why not. */
#include "model/model.h"
#include "record/record.h"
#include "report/view_model.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 4, SIMULATED_MOST = 1 << 18 /* lines and entries together: the time that one input takes */ };

static void require(int condition)
{
    if (!condition)
        abort();
}

/* As JSON, to be freed. */
static char *write_machine(const struct machine *machine)
{
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    require(stream != NULL);
    require(!record_print(&machine_record, machine, stream, &error));
    fclose(stream);
    return text;
}

static void read_again(const char *text)
{
    struct pool pool = {.newest = NULL};
    struct error error = {0};
    struct machine again;
    require(!machine_parse(text, strlen(text), "again", &pool, &again, &error));
    char *second = write_machine(&again);
    require(!strcmp(text, second));
    free(second);
    pool_free(&pool);
}

static uint64_t size_of(const struct machine *machine)
{
    uint64_t all = 0;
    for (size_t i = 0; i < machine->cache_count; i++)
        all += machine->caches[i].bytes / MACHINE_LINE_BYTES;
    for (size_t i = 0; i < machine->tlb_count; i++)
        all += machine->tlbs[i].shape.entries;
    for (size_t i = 0; i < machine->walk_cache_count; i++)
        all += machine->walk_caches[i].shape.entries;
    for (size_t i = 0; i < machine->nested.walk_cache_count; i++)
        all += machine->nested.walk_caches[i].shape.entries;
    return all + machine->nested.tlb.shape.entries;
}

static void simulate(const struct machine *machine, enum model_technique technique)
{
    const struct model_config config = {.machine = machine,
        .technique = technique,
        .guest_page = 4096,
        .host_page = 4096,
        .bytes_max = PAGES * 4096};
    const gva_t from = GVA(UINT64_C(1) << 40);
    struct error error = {0};
    struct model *model = NULL;
    if (model_open(&config, &model, &error) < 0) {
        require(error.text[0] != 0);
        return;
    }
    require(!model_map(model, from, config.bytes_max, NULL, &error));
    for (unsigned i = 0; i < 2 * PAGES; i++)
        model_access(model, GVA(from.value + i % PAGES * 4096), ACCESS_READ);
    const struct account *account = model_account(model);
    uint64_t sum = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        sum += account->bucket[i];
    require(account->accesses == 2 * PAGES && sum == account->cycles);
    model_close(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool pool = {.newest = NULL};
    struct error error = {0};
    struct machine machine = {.name = "untouched"};
    if (machine_parse((const char *)data, size, "x.json", &pool, &machine, &error) < 0) {
        require(strstr(error.text, "x.json") != NULL && !strcmp(machine.name, "untouched"));
    } else {
        struct document document = {0};
        char *text = write_machine(&machine);
        read_again(text);
        view_machine(&machine, &document);
        require(document.count > 0);
        for (enum model_technique i = 0; size_of(&machine) <= SIMULATED_MOST && i < MODEL_TECHNIQUES; i++)
            simulate(&machine, i);
        document_free(&document);
        free(text);
    }
    pool_free(&pool);
    return 0;
}
