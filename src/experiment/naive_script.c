#include "experiment/naive_script.h"

#include "base/random.h"

#define RW (GUEST_READ | GUEST_WRITE | GUEST_USER)
#define RO (GUEST_READ | GUEST_USER)
#define RX (GUEST_READ | GUEST_EXECUTE | GUEST_USER)

void naive_script_begin(
    struct naive_script *script, unsigned fault_around, unsigned stack_vector, bool checks_alignment)
{
    script->count = 0;
    script->checks_alignment = checks_alignment;
    script->naive = (struct naive_process){.fault_around = fault_around, .stack_vector = stack_vector};
}

void naive_script_add(struct naive_script *script, struct guest_step step)
{
    if (script->count == NAIVE_STEPS)
        return;
    script->step[script->count++] = step;
    naive_step(&script->naive, &step);
}

/* ---- at random ---- */

static const struct {
    uint32_t what;
    unsigned weight;
} kinds[] = {
    {STEP_READ, 20},
    {STEP_WRITE, 25},
    {STEP_RUN, 8},
    {STEP_RAISE, 4},
    {NAIVE_CALL(MAP), 10},
    {NAIVE_CALL(DEMAND), 6},
    {NAIVE_CALL(UNMAP), 4},
    {NAIVE_CALL(PROTECT), 12},
    {NAIVE_CALL(MOVE), 6},
    {NAIVE_CALL(DROP), 4},
    {NAIVE_CALL(BITS), 15},
    {NAIVE_CALL(LOAD), 5},
    {NAIVE_CALL(STORE), 5},
    {NAIVE_CALL(YIELD), 2},
};

static uint32_t any_kind(uint64_t *dice)
{
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        sum += kinds[i].weight;
    uint64_t at = random_below(dice, sum);
    size_t i = 0;
    while (at >= kinds[i].weight)
        at -= kinds[i++].weight;
    return kinds[i].what;
}

static uint64_t any_rights(uint64_t *dice)
{
    static const uint64_t some[] = {RW, RO, RX, RW | GUEST_EXECUTE, 0, GUEST_READ, GUEST_READ | GUEST_WRITE};
    return some[random_below(dice, sizeof some / sizeof some[0])];
}

/* Of a page that all share each process has a word of its own. */
static uint64_t any_word(const struct naive_script *script, unsigned process, unsigned page, uint64_t *dice)
{
    const struct naive_page *at = &script->naive.page[page];
    bool shared = at->there && at->object >= GUEST_OBJECTS - GUEST_OBJECTS_SHARED;
    return shared ? process : random_below(dice, NAIVE_WORDS);
}

/* Pages near each other, and now and then one past the end. */
static struct guest_step any_step(const struct naive_script *script, unsigned process, uint64_t *dice)
{
    struct guest_step step = {any_kind(dice), (uint32_t)random_below(dice, 12), 0, 0};
    switch (step.what) {
    case STEP_RAISE:
        step.a = (uint32_t)random_below(dice, RAISE_COUNT);
        break;
    case NAIVE_CALL(MAP):
        step.b = random_below(dice, GUEST_OBJECTS);
        step.c = any_rights(dice);
        break;
    case NAIVE_CALL(MOVE):
        step.b = random_below(dice, 12);
        break;
    case NAIVE_CALL(DEMAND):
    case NAIVE_CALL(PROTECT):
    case NAIVE_CALL(UNMAP):
    case NAIVE_CALL(DROP):
        step.a = random_below(dice, 20) ? step.a : GUEST_WINDOW_PAGES - 1;
        step.b = 1 + random_below(dice, 4);
        step.c = any_rights(dice);
        break;
    default:
        step.b = any_word(script, process, step.a, dice);
        step.c = random_below(dice, 1 << 20) << 8 | 0xc3; /* a RET, if it is run */
    }
    return step;
}

void naive_script_draw(struct naive_script *script, unsigned process, size_t steps, uint64_t *dice)
{
    while (script->count < steps && script->count < NAIVE_STEPS) {
        struct guest_step step = any_step(script, process, dice);
        bool known = step.what != STEP_RAISE || step.a != RAISE_ALIGNMENT || script->checks_alignment;
        if (known && !naive_is_open(&script->naive, &step))
            naive_script_add(script, step);
    }
}

/* ---- comparing ---- */

static bool is_same(const struct guest_event *a, const struct guest_event *b)
{
    return a->what == b->what && a->step == b->step && a->a == b->a && a->b == b->b;
}

uint64_t naive_script_differs(const struct naive_script *script, const struct guest_kernel *kernel,
    unsigned process, struct guest_event *events)
{
    const struct naive_process *naive = &script->naive;
    uint64_t count = guest_kernel_events(kernel, process, events, NAIVE_EVENTS), i = 0;
    while (i < count && i < naive->count && is_same(&events[i], &naive->event[i]))
        i++;
    return i == count && i == naive->count ? UINT64_MAX : i;
}
