/* Hypercalls of a guest that asks for anything and writes anything where it may: whatever it does, every
 * table in use leads only to tables of the level below and maps no table writable, and every request ends
 * with an answer that abi/hypercall.h knows. */
#include "monitor/deprivileged/hypercalls.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES = 24, BATCH = FRAMES - 1, LARGE_WRITABLE = 0x83 };

/* So that a 2 MiB page begins in the midst of it. */
#define START (UINT64_C(0x400000) - 8 * 4096)

static uint64_t memory[FRAMES][512] __attribute__((aligned(4096)));

struct operation {
    uint8_t kind, frame, level, count;
    uint16_t index, other;
    uint64_t words[4];
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static unsigned type_of(const struct hypercalls *calls, uint64_t address)
{
    struct frame_use use;
    return frames_look(&calls->frames, GPA(address), &use) ? use.type : FRAME_FREE;
}

static void check_entry(const struct hypercalls *calls, uint64_t entry, unsigned level)
{
    const uint64_t to = entry & UINT64_C(0xffffffffff000);
    if (!(entry & 1))
        return;
    if (level > 1 && !(entry & 0x80))
        require(type_of(calls, to) == level - 1);
    else if (level == 1 && entry & 2)
        require(!frames_host(&calls->frames, GPA(to)) || type_of(calls, to) == FRAME_WRITABLE);
    else if ((entry & LARGE_WRITABLE) == LARGE_WRITABLE)
        for (uint64_t i = 0; i < 512; i++)
            require(type_of(calls, to + i * 4096) % FRAME_WRITABLE == 0);
}

static void check_tables(const struct hypercalls *calls)
{
    size_t tables = 0;
    for (unsigned i = 0; i < FRAMES; i++) {
        unsigned level = type_of(calls, START + i * 4096);
        if (level == FRAME_FREE || level == FRAME_WRITABLE)
            continue;
        tables++;
        for (int j = 0; j < 512; j++)
            if (memory[i][j])
                check_entry(calls, memory[i][j], level);
    }
    require(tables == calls->frames.tables);
}

/* The runs are well-formed; where they lead to is the naive MMU's business
 * (tests/unit/test_paravirt_random.c). */
static int carry_out(void *context, const struct run *runs, size_t count, struct error *error)
{
    (void)context;
    (void)error;
    for (size_t i = 0; i < count; i++)
        if (runs[i].kind != RUN_FORGET)
            require(runs[i].bytes && (runs[i].from.value | runs[i].bytes | runs[i].to.value) % 4096 == 0 &&
                    address_is_canonical(runs[i].from.value) &&
                    (runs[i].kind == RUN_UNMAP || runs[i].rights));
    return 0;
}

/* Mostly what might be meant; the bits above as they come. */
static uint64_t plausible(const struct operation *operation, unsigned level, unsigned salt)
{
    uint64_t word = operation->words[salt % 4] ^ salt * UINT64_C(0x1000000001);
    uint64_t frame = START + (operation->frame + salt * operation->other) % (FRAMES + 2) * 4096;
    uint64_t entry = frame | (word & 0x67) | (word & UINT64_C(1) << 63);
    if (word >> 20 & 1)
        entry |= 1;
    if (level == 2 && (word >> 21) % 8 == 0)
        entry = (word & 0x67) | (word >> 24 & 3) << 21 | 0x80;
    return (word >> 30) % 16 == 0 ? word : entry;
}

static void write_frame(struct hypercalls *calls, const struct operation *operation)
{
    unsigned frame = operation->frame % FRAMES;
    if (!frames_may_write(&calls->frames, GPA(START + frame * 4096)))
        return;
    for (unsigned i = 0; i < operation->count % 8u; i++)
        memory[frame][(operation->index + i * 37) % 512] = plausible(operation, operation->level % 4 + 1, i);
}

static void ask(struct hypercalls *calls, uint64_t number, const uint64_t arguments[6])
{
    static struct hypercall_outcome outcome;
    struct error error;
    require(hypercalls_do(calls, number, arguments, &outcome, &error) == 0);
    require(outcome.answer >= -40);
    require((outcome.answer < 0) <= (error.code > 0));
    require(outcome.kind != OUTCOME_SWITCH || type_of(calls, calls->root.value) == FRAME_TABLE_4);
}

static void update(struct hypercalls *calls, const struct operation *operation)
{
    unsigned count = operation->count % 16u + 1;
    if (!frames_may_write(&calls->frames, GPA(START + BATCH * 4096)))
        return;
    for (unsigned i = 0; i < count; i++) {
        memory[BATCH][2 * i] = (START + operation->frame % FRAMES * 4096 + (operation->index + i) % 512 * 8) |
                               (operation->words[0] >> i & 1);
        memory[BATCH][2 * i + 1] = plausible(operation, operation->level % 4 + 1, i);
    }
    ask(calls, HYPERCALL_UPDATE, (uint64_t[6]){START + BATCH * 4096, count});
}

static void change_outside(struct hypercalls *calls, const struct operation *operation)
{
    struct frame_pins pins;
    struct error error;
    require(hypercalls_change_begin(calls, &pins, &error) == 0);
    memory[operation->frame % FRAMES][operation->index % 512] =
        plausible(operation, operation->level % 4 + 1, 0);
    if (hypercalls_change_end(calls, &pins, &error) < 0)
        calls->root = GPA(0);
}

static void operate(struct hypercalls *calls, const struct operation *operation)
{
    const uint64_t frame = START + operation->frame % (FRAMES + 1) * 4096;
    const uint64_t address =
        address_canonical(operation->words[1] & UINT64_C(0x80806020f000) << operation->level % 2).value;
    const uint64_t *words = operation->words;
    struct fault_outcome outcome;
    struct error error;
    switch (operation->kind % 10) {
    case 0:
    case 1:
        write_frame(calls, operation);
        break;
    case 2:
    case 3:
        update(calls, operation);
        break;
    case 4:
        ask(calls, HYPERCALL_PIN, (uint64_t[6]){frame, operation->level % 5});
        break;
    case 5:
        ask(calls, operation->level % 2 ? HYPERCALL_UNPIN : HYPERCALL_SWITCH, (uint64_t[6]){frame});
        break;
    case 6:
        ask(calls, HYPERCALL_MAP,
            (uint64_t[6]){address & UINT64_C(-4096), plausible(operation, operation->level % 2 + 1, 2),
                operation->level >> 7});
        break;
    case 7:
        ask(calls, HYPERCALL(operation->level % (HYPERCALL_COUNT + 1)),
            (uint64_t[6]){words[0], words[1], words[2], words[3], words[0], words[1]});
        break;
    case 8:
        if (calls->root.value)
            require(hypercalls_fault(calls, GVA(address), operation->level & 22, &outcome, &error) == 0);
        break;
    default:
        change_outside(calls, operation);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hypercalls calls;
    struct operation operation;
    struct error error;
    memset(memory, 0, sizeof memory);
    calls = (struct hypercalls){.frames = {.physical_bits = 46, .tables_max = FRAMES - 2},
        .runs = {.carry_out = carry_out},
        .fill = size % 2 ? 16 : 1};
    require(frames_add(&calls.frames, GPA(START), memory, sizeof memory, &error) == 0);
    require(hypercalls_start(&calls, GPA(START), &error) == 0);
    for (; size >= sizeof operation; size -= sizeof operation, data += sizeof operation) {
        memcpy(&operation, data, sizeof operation);
        operate(&calls, &operation);
        check_tables(&calls);
    }
    hypercalls_free(&calls);
    return 0;
}
