#include "monitor/deprivileged/hypercalls.h"

#include "abi/domain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

void hypercalls_free(struct hypercalls *hypercalls)
{
    frames_free(&hypercalls->frames);
}

/* ---- one entry ---- */

/* Before a frame may become a table nobody may still be able to write to it. */
static void settle(struct hypercalls *hypercalls)
{
    effects_end(&hypercalls->effects);
    run_list_hand_over(&hypercalls->runs);
}

static int set(struct hypercalls *hypercalls, gpa_t where, uint64_t value, bool keep, struct error *error)
{
    struct entry_change change;
    bool upper = frames_level(&hypercalls->frames, where) > 1;
    if (upper)
        settle(hypercalls);
    int rc = frames_set(&hypercalls->frames, where, value, keep, &change, error);
    if (rc < 0)
        return rc;
    hypercalls->counts.updates++;
    write_log_note(hypercalls->log, where);
    effects_note(&hypercalls->effects, where, &change);
    if (upper)
        effects_end(&hypercalls->effects);
    return 0;
}

static int64_t update(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    uint64_t address = arguments[0], count = arguments[1];
    (void)outcome;
    if (!count || count > HYPERCALL_BATCH || address % sizeof(uint64_t))
        return error_set(error, EINVAL, "%" PRIu64 " updates at 0x%" PRIx64 " are no batch", count, address);
    const uint64_t *words =
        frames_span(&hypercalls->frames, GPA(address), count * sizeof(struct hypercall_update));
    if (!words)
        return error_set(
            error, EFAULT, "the guest's updates at 0x%" PRIx64 " are not in its memory", address);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t where = entry_load(&words[2 * i]), value = entry_load(&words[2 * i + 1]);
        int rc = where % 8 > HYPERCALL_KEEP
                     ? error_set(error, EINVAL, "there is no update of kind %" PRIu64, where % 8)
                     : set(hypercalls, GPA(where & ~UINT64_C(7)), value, where % 8 == HYPERCALL_KEEP, error);
        if (rc < 0)
            return i ? (int64_t)i : rc;
    }
    return (int64_t)count;
}

/* ---- by virtual address ---- */

/* The entry for an address at level `lowest`, or above where the tables end before. */
struct found {
    gpa_t where;
    unsigned level;
    uint64_t entry;
};

static struct found find(const struct hypercalls *hypercalls, uint64_t address, unsigned lowest)
{
    gpa_t table = hypercalls->root;
    for (unsigned level = TABLE_LEVELS;; level--) {
        unsigned index = entry_index(address, level);
        const uint64_t *entries = frames_host(&hypercalls->frames, table);
        struct found found = {
            GPA(table.value + index * sizeof *entries), level, entries ? entry_load(&entries[index]) : 0};
        if (level <= lowest || entry_kind(found.entry, level, hypercalls->frames.physical_bits) != ENTRY_LINK)
            return found;
        table = entry_to(found.entry);
    }
}

static int64_t map(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    uint64_t address = arguments[0], entry = arguments[1], how = arguments[2];
    unsigned level = (entry & PAGE_BIT_PRESENT && entry & PAGE_BIT_LARGE) ? 2 : 1;
    (void)outcome;
    if (!address_is_canonical(address) || address % entry_span(level) || how > HYPERCALL_KEEP)
        return error_set(error, EINVAL, "0x%" PRIx64 " is no address that an entry maps", address);
    struct found found = {.level = 0};
    if (hypercalls->root.value)
        found = find(hypercalls, address, level);
    if (found.level != level)
        return error_set(error, ENOENT, "the guest has no page table for 0x%" PRIx64, address);
    return set(hypercalls, found.where, entry, how == HYPERCALL_KEEP, error);
}

static bool is_range(uint64_t from, uint64_t bytes)
{
    return bytes && bytes <= HYPERCALL_RANGE_BYTES && (from | bytes) % 4096 == 0 &&
           address_is_canonical(from) && address_is_canonical(from + bytes - 1) && from + bytes - 1 > from;
}

/* Every present leaf of a range loses some bits and gets others. */
static int64_t change_range(struct hypercalls *hypercalls, uint64_t from, uint64_t bytes, uint64_t set_bits,
    uint64_t clear_bits, struct error *error)
{
    if (!is_range(from, bytes))
        return error_set(
            error, EINVAL, "%" PRIu64 " bytes at 0x%" PRIx64 " are no range of pages", bytes, from);
    if (!hypercalls->root.value)
        return error_set(error, ENOENT, "the guest has no address space in use");
    for (uint64_t done = 0, span; done < bytes; done += span) {
        uint64_t address = from + done;
        struct found found = find(hypercalls, address, 1);
        int rc = 0;
        span = entry_span(found.level) - (address & (entry_span(found.level) - 1));
        if (entry_kind(found.entry, found.level, hypercalls->frames.physical_bits) == ENTRY_LEAF)
            rc = span < entry_span(found.level) || span > bytes - done
                     ? error_set(
                           error, EINVAL, "only a part of the large page at 0x%" PRIx64 " is meant", address)
                     : set(hypercalls, found.where, (found.entry | set_bits) & ~clear_bits, false, error);
        if (rc < 0)
            return done ? (int64_t)(done / 4096) : rc;
    }
    return (int64_t)(bytes / 4096);
}

static int64_t unmap(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    (void)outcome;
    return change_range(hypercalls, arguments[0], arguments[1], 0, UINT64_MAX, error);
}

static int64_t protect(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    uint64_t set_bits = arguments[2], clear_bits = arguments[3];
    (void)outcome;
    if ((set_bits | clear_bits) & ~HYPERCALL_PROTECT_BITS || set_bits & clear_bits)
        return error_set(error, EINVAL, "0x%" PRIx64 " are no bits to protect by", set_bits | clear_bits);
    return change_range(hypercalls, arguments[0], arguments[1], set_bits, clear_bits, error);
}

/* ---- address spaces ---- */

static int64_t pin(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    (void)outcome;
    if (arguments[1] < 1 || arguments[1] > TABLE_LEVELS)
        return error_set(error, EINVAL, "there are no page tables of level %" PRIu64, arguments[1]);
    return frames_pin(&hypercalls->frames, GPA(arguments[0]), (unsigned)arguments[1], error);
}

/* What is no root any more has nothing mapped: it may come back as another. */
static void end_space(struct hypercalls *hypercalls, gpa_t root)
{
    const uint64_t half = UINT64_C(1) << 47;
    struct run low = {.kind = RUN_UNMAP, .root = root, .bytes = half}, high = low;
    high.from = GVA(-half);
    run_list_add(&hypercalls->runs, &low);
    run_list_add(&hypercalls->runs, &high);
}

static int64_t unpin(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    gpa_t table = GPA(arguments[0]);
    unsigned level = frames_level(&hypercalls->frames, table);
    (void)outcome;
    if (hypercalls->root.value && table.value == hypercalls->root.value)
        return error_set(error, EBUSY, "the guest unpins the address space that it is in");
    int rc = frames_unpin(&hypercalls->frames, table, error);
    if (rc == 0 && level == TABLE_LEVELS)
        end_space(hypercalls, table);
    return rc;
}

static int check_stack(uint64_t stack, struct error *error)
{
    return stack % 16 == 0 && address_is_canonical(stack)
               ? 0
               : error_set(error, EINVAL, "0x%" PRIx64 " is no stack for the guest's kernel", stack);
}

static int64_t switch_space(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    gpa_t root = entry_to(arguments[0]);
    int rc = check_stack(arguments[1], error);
    if (rc < 0)
        return rc;
    if (frames_level(&hypercalls->frames, root) != TABLE_LEVELS)
        return error_set(
            error, ENOENT, "the table at 0x%" PRIx64 " is no pinned root of an address space", root.value);
    hypercalls->root = root;
    outcome->kind = OUTCOME_SWITCH;
    outcome->stack = GVA(arguments[1]);
    return 0;
}

/* ---- the virtual CPU ---- */

static int64_t set_stack(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    int rc = check_stack(arguments[0], error);
    (void)hypercalls;
    if (rc < 0)
        return rc;
    if (!arguments[0])
        return error_set(error, EINVAL, "0 is no stack for the guest's kernel");
    outcome->kind = OUTCOME_STACK;
    outcome->stack = GVA(arguments[0]);
    return 0;
}

static int64_t set_entries(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    struct hypercall_entries entries;
    const uint64_t *words = frames_span(&hypercalls->frames, GPA(arguments[0]), sizeof entries);
    if (arguments[0] % sizeof *words)
        return error_set(error, EINVAL, "the guest's entries at 0x%" PRIx64 " are not aligned", arguments[0]);
    if (!words)
        return error_set(
            error, EFAULT, "the guest's entries at 0x%" PRIx64 " are not in its memory", arguments[0]);
    for (int i = 0; i < HYPERCALL_ENTRY_COUNT; i++) {
        entries.entry[i] = entry_load(&words[i]);
        if (!address_is_canonical(entries.entry[i]))
            return error_set(
                error, EINVAL, "the guest's entry %d at 0x%" PRIx64 " is no address", i, entries.entry[i]);
    }
    outcome->kind = OUTCOME_ENTRIES;
    outcome->entries = entries;
    return 0;
}

static int64_t console(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    uint64_t address = arguments[0], bytes = arguments[1];
    if (!bytes || bytes > HYPERCALL_CONSOLE_BYTES)
        return error_set(error, EINVAL, "the guest says %" PRIu64 " bytes at once", bytes);
    const volatile char *text = frames_span(&hypercalls->frames, GPA(address), bytes);
    if (!text)
        return error_set(error, EFAULT, "the guest's text at 0x%" PRIx64 " is not in its memory", address);
    for (uint64_t i = 0; i < bytes; i++) {
        char letter = text[i];
        outcome->text[i] = letter == '\n' || (letter >= ' ' && letter <= '~') ? letter : '?';
    }
    outcome->kind = OUTCOME_CONSOLE;
    outcome->bytes = bytes;
    return 0;
}

static int64_t ask(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    const uint64_t values[] = {[HYPERCALL_ASK_VERSION] = HYPERCALL_VERSION,
        [HYPERCALL_ASK_STUB] = hypercalls->stub,
        [HYPERCALL_ASK_BATCH] = HYPERCALL_BATCH};
    (void)outcome;
    if (arguments[0] >= sizeof values / sizeof *values)
        return error_set(error, EINVAL, "the guest asks for item %" PRIu64, arguments[0]);
    return (int64_t)values[arguments[0]];
}

static int64_t tick(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    uint64_t nanoseconds = arguments[0];
    (void)hypercalls;
    if (nanoseconds && (nanoseconds < HYPERCALL_TICK_MIN || nanoseconds > HYPERCALL_TICK_MAX))
        return error_set(error, EINVAL, "the guest wants a tick each %" PRIu64 " ns", nanoseconds);
    outcome->kind = OUTCOME_TICK;
    outcome->nanoseconds = nanoseconds;
    return 0;
}

static int64_t out(struct hypercalls *hypercalls, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    (void)hypercalls;
    if (arguments[0] > UINT16_MAX)
        return error_set(error, EINVAL, "there is no port %" PRIu64, arguments[0]);
    outcome->kind = OUTCOME_OUT;
    outcome->port = (uint16_t)arguments[0];
    outcome->value = (uint32_t)arguments[1];
    return 0;
}

int hypercall_frame_check(const struct hypercall_frame *frame)
{
    bool kernel = frame->cs == DOMAIN_KERNEL_CS && frame->ss == DOMAIN_KERNEL_SS;
    bool user = frame->cs == DOMAIN_USER_CS && frame->ss == DOMAIN_USER_SS;
    return (kernel || user) && address_is_canonical(frame->rip) && address_is_canonical(frame->rsp) ? 0
                                                                                                    : -EINVAL;
}

/* ---- requests ---- */

/* Those without a function only say what the virtual CPU does next. */
static const struct request {
    int64_t (*carry_out)(struct hypercalls *hypercalls, const uint64_t arguments[6],
        struct hypercall_outcome *outcome, struct error *error);
    int kind;
} requests[HYPERCALL_COUNT] = {
    [HYPERCALL_ASK - HYPERCALL_FIRST] = {ask, OUTCOME_ANSWER},
    [HYPERCALL_CONSOLE - HYPERCALL_FIRST] = {console, OUTCOME_ANSWER},
    [HYPERCALL_UPDATE - HYPERCALL_FIRST] = {update, OUTCOME_ANSWER},
    [HYPERCALL_MAP - HYPERCALL_FIRST] = {map, OUTCOME_ANSWER},
    [HYPERCALL_UNMAP - HYPERCALL_FIRST] = {unmap, OUTCOME_ANSWER},
    [HYPERCALL_PROTECT - HYPERCALL_FIRST] = {protect, OUTCOME_ANSWER},
    [HYPERCALL_PIN - HYPERCALL_FIRST] = {pin, OUTCOME_ANSWER},
    [HYPERCALL_UNPIN - HYPERCALL_FIRST] = {unpin, OUTCOME_ANSWER},
    [HYPERCALL_SWITCH - HYPERCALL_FIRST] = {switch_space, OUTCOME_ANSWER},
    [HYPERCALL_ENTRIES - HYPERCALL_FIRST] = {set_entries, OUTCOME_ANSWER},
    [HYPERCALL_STACK - HYPERCALL_FIRST] = {set_stack, OUTCOME_ANSWER},
    [HYPERCALL_RETURN - HYPERCALL_FIRST] = {NULL, OUTCOME_RETURN},
    [HYPERCALL_TICK - HYPERCALL_FIRST] = {tick, OUTCOME_ANSWER},
    [HYPERCALL_HALT - HYPERCALL_FIRST] = {NULL, OUTCOME_HALT},
    [HYPERCALL_YIELD - HYPERCALL_FIRST] = {NULL, OUTCOME_YIELD},
    [HYPERCALL_OUT - HYPERCALL_FIRST] = {out, OUTCOME_ANSWER},
};

static void prepare(struct hypercalls *hypercalls)
{
    hypercalls->effects.frames = &hypercalls->frames;
    hypercalls->effects.runs = &hypercalls->runs;
}

/* Everything that was decided is carried out. */
static int finish(struct hypercalls *hypercalls, struct error *error)
{
    effects_end(&hypercalls->effects);
    return run_list_flush(&hypercalls->runs, error);
}

int hypercalls_do(struct hypercalls *hypercalls, uint64_t number, const uint64_t arguments[6],
    struct hypercall_outcome *outcome, struct error *error)
{
    uint64_t index = number - HYPERCALL_FIRST;
    outcome->kind = OUTCOME_ANSWER;
    error->code = 0;
    if (index >= HYPERCALL_COUNT) {
        hypercalls->counts.unknown++;
        outcome->answer = error_set(error, ENOSYS, "there is no hypercall 0x%" PRIx64, number);
        return 0;
    }
    const struct request *request = &requests[index];
    prepare(hypercalls);
    hypercalls->counts.requests[index]++;
    outcome->kind = request->kind;
    outcome->answer = request->carry_out ? request->carry_out(hypercalls, arguments, outcome, error) : 0;
    hypercalls->counts.refused += error->code != 0;
    return finish(hypercalls, error);
}

int hypercalls_start(struct hypercalls *hypercalls, gpa_t root, struct error *error)
{
    gpa_t table = entry_to(root.value);
    int rc = frames_level(&hypercalls->frames, table) == TABLE_LEVELS
                 ? 0
                 : frames_pin(&hypercalls->frames, table, TABLE_LEVELS, error);
    if (rc == 0)
        hypercalls->root = table;
    return rc;
}

int hypercalls_change_begin(struct hypercalls *hypercalls, struct frame_pins *pins, struct error *error)
{
    prepare(hypercalls);
    int rc = frames_forget(&hypercalls->frames, pins, error);
    if (rc < 0)
        return rc;
    run_list_add(&hypercalls->runs, &(struct run){.kind = RUN_FORGET});
    return finish(hypercalls, error);
}

int hypercalls_change_end(struct hypercalls *hypercalls, struct frame_pins *pins, struct error *error)
{
    gpa_t root = hypercalls->root;
    frames_pin_again(&hypercalls->frames, pins, NULL);
    free(pins->list);
    *pins = (struct frame_pins){0};
    return root.value ? hypercalls_start(hypercalls, root, error) : 0;
}

/* ---- faults ---- */

static uint64_t *table_of(void *frames, gpa_t table)
{
    return frames_host(frames, table);
}

static struct translation translation_of(struct hypercalls *hypercalls)
{
    return (struct translation){
        hypercalls->root, hypercalls->frames.physical_bits, table_of, &hypercalls->frames, hypercalls->log};
}

/* Where the table that has the leaf of a path stands, and what its links allow. */
static struct table_place place_of(const struct path *path, gva_t address, gpa_t root)
{
    struct table_place place = place_start();
    for (unsigned i = path->reads - 1; i-- > 0;)
        place =
            place_above(place, path->read[i], entry_index(address.value, TABLE_LEVELS - i), TABLE_LEVELS - i);
    return place_at_root(place, root);
}

/* The leaf at an address, and of level 1 its neighbours. */
static void fill_around(struct hypercalls *hypercalls, gva_t address, const struct path *path)
{
    unsigned level = TABLE_LEVELS + 1 - path->reads, index = entry_index(address.value, level);
    unsigned count = level == 1 && hypercalls->fill ? hypercalls->fill : 1;
    struct table_place place = place_of(path, address, hypercalls->root);
    effects_fill(
        &hypercalls->effects, path->table[path->reads - 1], level, &place, index & -count, count, true);
}

static gpa_t address_to(const struct path *path, gva_t address)
{
    uint64_t inside = entry_span(TABLE_LEVELS + 1 - path->reads) - 1;
    return GPA((entry_to(path->read[path->reads - 1]).value & ~inside) | (address.value & inside));
}

int hypercalls_fault(struct hypercalls *hypercalls, gva_t address, unsigned access,
    struct fault_outcome *outcome, struct error *error)
{
    const struct translation translation = translation_of(hypercalls);
    struct path path;
    prepare(hypercalls);
    unsigned code;
    int faults = translate_access(&translation, address, access, &path, &code);
    if (faults < 0) {
        *outcome = (struct fault_outcome){.kind = FAULT_AGAIN};
        return 0;
    }
    if (faults) {
        hypercalls->counts.injected++;
        *outcome = (struct fault_outcome){.kind = FAULT_INJECT, .error_code = code};
        return 0;
    }
    hypercalls->counts.hidden++;
    gpa_t to = address_to(&path, address);
    if (!frames_host(&hypercalls->frames, to)) {
        *outcome = (struct fault_outcome){.kind = FAULT_DEVICE, .to = to};
        return 0;
    }
    if (access & FAULT_WRITE) /* first: a page that counts as not written is filled read-only */
        write_log_note(hypercalls->log, to);
    fill_around(hypercalls, address, &path);
    *outcome = (struct fault_outcome){.kind = FAULT_FILLED, .to = to};
    return finish(hypercalls, error);
}
