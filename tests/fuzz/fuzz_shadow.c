/* Shadow paging's synchronization with a guest that stores anything to its tables, guarded or not: nothing is
 * touched but its memory, every fault ends, and what is read-only in a child stays so. */
#include "monitor/deprivileged/shadow_sync.h"
#include "monitor/deprivileged/translate.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES = 16 };

#define START (UINT64_C(0x400000) - 8 * 4096)

static uint64_t memory[FRAMES][512] __attribute__((aligned(4096)));

struct operation {
    uint8_t kind, frame, to, access;
    uint16_t index;
    uint64_t word;
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static int carry_out(void *context, const struct run *runs, size_t count, struct error *error)
{
    (void)context;
    (void)error;
    for (size_t i = 0; i < count; i++)
        if (runs[i].kind != RUN_FORGET)
            require(runs[i].bytes && (runs[i].from.value | runs[i].bytes | runs[i].to.value) % 4096 == 0 &&
                    address_is_canonical(runs[i].from.value));
    return 0;
}

static uint64_t entry_of(const struct operation *operation)
{
    uint64_t frame = START + operation->to % (FRAMES + 1) * 4096;
    if (operation->word % 16 == 0)
        return operation->word;
    if (operation->word % 16 == 1)
        return (operation->word & 0x67) | (operation->word >> 40 & 3) << 21 | 0x81;
    return frame | (operation->word >> 8 & 0x67) | 1;
}

static void fault(struct shadow *shadow, const struct operation *operation)
{
    uint64_t address = address_canonical(operation->word & UINT64_C(0x80c06020f000)).value,
             value = entry_of(operation);
    struct fault_outcome outcome;
    struct error error;
    require(shadow_fault(shadow, GVA(address), operation->access & 22, &outcome, &error) == 0);
    if (outcome.kind == FAULT_STORE)
        require(shadow_store(shadow, GPA(outcome.to.value & -UINT64_C(8)), &value, 8, &error) == 0);
    else if (outcome.kind == FAULT_FILLED && operation->access & FAULT_WRITE)
        memory[(outcome.to.value - START) / 4096][operation->index % 512] = value;
    require(outcome.kind != FAULT_DEVICE || outcome.to.value - START >= sizeof memory);
}

static void operate(struct shadow *shadow, const struct operation *operation)
{
    uint64_t where = START + operation->frame % FRAMES * 4096, value = entry_of(operation);
    struct error error;
    int rc = 0;
    switch (operation->kind % 8) {
    case 0:
        rc = shadow_switch(shadow, GPA(where | operation->index), &error);
        break;
    case 1:
        rc = shadow_flush(shadow, GVA(address_canonical(operation->word).value), &error);
        break;
    case 2:
        shadow_end_space(shadow, GPA(where));
        break;
    case 3:
    case 4: /* may leave the frame, which is refused */
        shadow_store(shadow, GPA(where + operation->index % 4096), &value, operation->access % 9, &error);
        break;
    default:
        fault(shadow, operation);
    }
    require(rc == 0 && shadow->tables_used <= shadow->tables_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shadow shadow;
    struct operation operation;
    struct error error;
    memset(memory, 0, sizeof memory);
    shadow = (struct shadow){.sync = size % 2 ? SYNC_WRITE : SYNC_LAZY,
        .physical_bits = 46,
        .fill = size % 3 ? 512 : 1,
        .tables_max = size % 5 ? 64 : 8,
        .runs = {.carry_out = carry_out}};
    require(shadow_add(&shadow, GPA(START), memory, sizeof memory, &error) == 0);
    for (; size >= sizeof operation; size -= sizeof operation, data += sizeof operation) {
        memcpy(&operation, data, sizeof operation);
        operate(&shadow, &operation);
    }
    shadow_free(&shadow);
    return 0;
}
