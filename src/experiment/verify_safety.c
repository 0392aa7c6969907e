/* Safety: guests that do the worst to their monitor, each in a domain of its own, while a second domain
 * beside has to compute the same bits as before. A case is a line of the table below. */
#include "experiment/verify_internal.h"

#include "abi/hypercall.h"
#include "base/size.h"
#include "domain/memory.h"
#include "monitor/deprivileged/child.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* More than a process may have mappings, where vm.max_map_count is as it comes. */
enum { PAGE_BYTES = 4096, CANARY = 0x5c, SCATTERED = 70000 };

/* ---- the stage ---- */

/* Where the guest has what it should not reach, or should not be able to change. */
enum place {
    PLACE_NONE,
    PLACE_DEVICE,    /* two pages without memory behind them */
    PLACE_READ_ONLY, /* a page of a region that it may only read, which its own tables let it write */
    PLACE_HOLE,      /* memory that the host no longer has */
    PLACE_TABLE,     /* the entry of its own page tables for PLACE_VICTIM */
    PLACE_VICTIM,    /* a page of its own */
    PLACE_CANARY,    /* this process' memory, which it has not */
    PLACE_HOST_CODE, /* likewise */
    PLACE_SCATTERED, /* SCATTERED pages, of which no two neighbours are so in memory; of one case alone */
    PLACE_KINDS
};
#define AT(place) GVA(0x50000000 + (place)*UINT64_C(0x100000))

struct stage {
    struct ground ground;           /* where the hostile guest runs */
    struct backing read_only, hole; /* owned */
    bool table_refused;
    struct ground *beside;
    uint64_t bits[2]; /* that it computed at first */
    uint8_t *canary;  /* a page */
    uint64_t places[PLACE_KINDS];
};

static int map_page(struct stage *stage, enum place place, gpa_t to, uint64_t bytes, struct error *error)
{
    stage->places[place] = AT(place).value;
    return domain_map(
        stage->ground.domain, AT(place), to, bytes, PAGE_BYTES, PAGE_READ | PAGE_WRITE | PAGE_USER, error);
}

/* A page of memory with a descriptor, filled with what is looked for later, at a place of the guest's. */
static int add_memory(
    struct stage *stage, enum place place, struct backing *backing, unsigned flags, struct error *error)
{
    backing->bytes = PAGE_BYTES;
    backing->shared = true;
    backing->descriptor = memfd_create("vcost", MFD_CLOEXEC);
    if (backing->descriptor < 0 || ftruncate(backing->descriptor, PAGE_BYTES) < 0)
        return error_errno(error, errno, "cannot make memory for a guest");
    void *host = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, backing->descriptor, 0);
    if (host == MAP_FAILED)
        return error_errno(error, errno, "cannot map memory for a guest");
    backing->host = memset(host, CANARY, PAGE_BYTES);
    struct guest_region region = {.flags = flags, .backing = *backing};
    int rc = domain_add_region(stage->ground.domain, &region, error);
    return rc < 0 ? rc : map_page(stage, place, region.start, PAGE_BYTES, error);
}

static void free_memory(struct backing *backing)
{
    if (backing->host)
        munmap(backing->host, PAGE_BYTES);
    if (backing->descriptor >= 0)
        close(backing->descriptor);
    *backing = (struct backing){.descriptor = -1};
}

/* A monitor that validates tables refuses to let the guest write them. */
static int map_table(struct stage *stage, struct error *error)
{
    struct page_walk walk;
    struct error refused;
    const gva_t victim = gva_same_as(stage->ground.data.base);
    page_tables_walk(domain_tables(stage->ground.domain), victim, &walk);
    gpa_t table = walk.read[walk.reads - 1].where;
    int rc = map_page(stage, PLACE_TABLE, GPA(table.value & ~UINT64_C(0xfff)), PAGE_BYTES, &refused);
    stage->table_refused = rc < 0;
    stage->places[PLACE_TABLE] += (victim.value >> 12 & 511) * 8;
    (void)error;
    return 0;
}

static int scatter(struct stage *stage, struct error *error)
{
    const gpa_t data = domain_data_region(stage->ground.domain)->start;
    int rc = 0;
    stage->places[PLACE_SCATTERED] = AT(PLACE_SCATTERED).value;
    for (uint64_t i = 0; rc == 0 && i < SCATTERED; i++)
        rc = domain_map(stage->ground.domain, GVA(AT(PLACE_SCATTERED).value + i * PAGE_BYTES),
            GPA(data.value + i % 2 * 2 * PAGE_BYTES), PAGE_BYTES, PAGE_BYTES, PAGE_READ | PAGE_USER, error);
    return rc;
}

static int set_stage(struct stage *stage, struct error *error)
{
    struct stage *s = stage;
    int rc;
    s->places[PLACE_VICTIM] = (uintptr_t)s->ground.data.base;
    s->places[PLACE_CANARY] = (uintptr_t)s->canary;
    s->places[PLACE_HOST_CODE] = (uintptr_t)set_stage;
    if ((rc = map_page(s, PLACE_DEVICE, GPA(DOMAIN_VOID_PHYSICAL), 2 * PAGE_BYTES, error)) < 0 ||
        (rc = add_memory(s, PLACE_READ_ONLY, &s->read_only, REGION_READ_ONLY, error)) < 0 ||
        (rc = add_memory(s, PLACE_HOLE, &s->hole, 0, error)) < 0)
        return rc;
    if (ftruncate(s->hole.descriptor, 0) < 0)
        return error_errno(error, errno, "cannot take memory away from a guest");
    return map_table(stage, error);
}

static void close_stage(struct stage *stage)
{
    ground_close(&stage->ground);
    free_memory(&stage->read_only);
    free_memory(&stage->hole);
}

/* ---- the table ---- */

/* How it may end. */
enum { DONE = 1, TRAP = 2, STOPPED = 4, TOLD = 8 /* the call failed, and the monitor told why */ };

struct safety_case {
    const char *title;
    int at[2]; /* privileges; twice the same: one */
    enum instruction number;
    unsigned ends;
    enum place place; /* added to RCX */
    uint64_t rax, rcx, rdx;
    double seconds; /* after which it is told to stop; 0: GROUND_SECONDS */
    /* Tried with each of these in its turn: added to RAX, or to RCX. */
    const uint64_t *rax_list, *rcx_list;
    size_t list_count;
    unsigned rax_up_to; /* or all RAX below this */
    const char *(*wrong)(
        const struct stage *stage, const struct ending *ending); /* what else is; NULL: nothing */
};

static const char *reached_the_host(const struct stage *stage, const struct ending *ending)
{
    bool guest = stage->ground.syscalls == 1 || (ending->kind == ENDING_TRAP && ending->vector == 6);
    return guest ? NULL : "it did not come to the guest's own kernel";
}

static const char *read_only_changed(const struct stage *stage, const struct ending *ending)
{
    const uint8_t *bytes = stage->read_only.host;
    (void)ending;
    if (bytes[0] != CANARY)
        return "it has changed memory that it may only read";
    return stage->ground.devices == 1 ? NULL : "the write was not told";
}

static const char *devices_untold(const struct stage *stage, const struct ending *ending)
{
    (void)ending;
    return stage->ground.devices >= 2 * 16 * 10 ? NULL : "not every access was told";
}

static const char *not_absent(const struct stage *stage, const struct ending *ending)
{
    (void)stage;
    return ending->vector == 14 ? NULL : "it is no page fault";
}

#define WILD (UINT64_C(1) << 62)
static const uint64_t system_calls[] = {UINT64_MAX, 0x40000000, 0x40000001, 0x4000003b, 0x40000208,
    0xffffffff, 0x100000000, WILD, 0x7fffffff},
                      stub[] = {CHILD_TOP, CHILD_TOP + 1, CHILD_TOP + 0x10, CHILD_TOP + 0x40,
                          CHILD_TOP + 0x80, CHILD_TOP + 0xc0, CHILD_CALL, CHILD_TOP + 0x200,
                          CHILD_TOP + 0x1000, CHILD_TOP + 0x2000, CHILD_TOP + 0x4000, CHILD_TOP + 0x10000,
                          CHILD_TOP + 0x1ff000, 0xffffffffff600000, 0xffffffffff600400, 0xffff800000000000,
                          0x7ffffffff000},
                      roots[] = {0, 0x1000, 0xfff, UINT64_C(1) << 40, UINT64_C(0xffffffffff000), 0xd0000000,
                          0x7000},
                      entries[] = {0, 7, 0x67, UINT64_C(0xffffffffff067), 0xd0000067,
                          UINT64_C(1) << 40 | 0x67, 0xe7, UINT64_MAX, 0x8000000000000067, 0x0, 0xb067,
                          0xc067},
                      registers[] = {0x1b, 0x174, 0x176, 0x1d9, 0x277, 0x40000000, 0x40000001, 0x40000002,
                          0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x4b564d05, 0x4b564d06,
                          0x80b, 0x830, 0x838, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100,
                          0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0xffffffff},
                      stacks[] = {WILD, 0, 0x1000, DOMAIN_SYSTEM_BASE + 0x2008, UINT64_MAX};
#define EACH(list) (list), .list_count = sizeof(list) / sizeof *(list)

/* clang-format off */
static const struct safety_case cases[] = {
    {.title = "every port, all widths", {0, 0}, INSTRUCTION_PORTS, DONE, .rcx = 65535, .rdx = 61},
    {.title = "string I/O", {0, 0}, INSTRUCTION_STRING_PORTS, DONE | TOLD},
    {.title = "devices, all widths at every alignment", {3, 0}, INSTRUCTION_DEVICE, DONE, PLACE_DEVICE,
        .wrong = devices_untold},
    {.title = "devices, wide and atomic accesses", {3, 3}, INSTRUCTION_DEVICE_WIDE, DONE | TRAP | TOLD,
        PLACE_DEVICE},
    {.title = "VMCALL, wild numbers and arguments", {3, 0}, INSTRUCTION_VMCALLS, DONE | TRAP | TOLD,
        .rcx = 2000},
    {.title = "VMMCALL, wild numbers and arguments", {3, 0}, INSTRUCTION_VMMCALLS, DONE | TRAP | TOLD,
        .rcx = 2000},
    {.title = "SYSCALL, every number", {3, 3}, INSTRUCTION_SYSCALL, TOLD | TRAP, .rax_up_to = 480,
        .wrong = reached_the_host},
    {.title = "SYSCALL, wild numbers", {3, 3}, INSTRUCTION_SYSCALL, TOLD | TRAP,
        .rax_list = EACH(system_calls), .wrong = reached_the_host},
    {.title = "INT 0x80, every number", {3, 3}, INSTRUCTION_INT80, TRAP, .rax_up_to = 460},
    {.title = "SYSENTER", {3, 3}, INSTRUCTION_SYSENTER, TRAP, .rax_list = EACH(system_calls)},
    {.title = "requests of a paravirtual kernel, wild arguments", {0, 0}, INSTRUCTION_SYSCALL,
        DONE | TOLD | TRAP, .rax = HYPERCALL_FIRST - 2, .rax_up_to = HYPERCALL_COUNT + 4},
    {.title = "jump into the monitor's code", {3, 3}, INSTRUCTION_FETCH, TRAP | TOLD, .rcx_list = EACH(stub)},
    {.title = "write over the monitor's code", {3, 0}, INSTRUCTION_WRITE, TRAP | TOLD,
        .rcx_list = EACH(stub)},
    {.title = "read of the host's memory", {3, 0}, INSTRUCTION_READ, TRAP, PLACE_CANARY, .wrong = not_absent},
    {.title = "write to the host's memory", {3, 0}, INSTRUCTION_WRITE, TRAP, PLACE_CANARY,
        .wrong = not_absent},
    {.title = "jump to the host's code", {3, 0}, INSTRUCTION_FETCH, TRAP, PLACE_HOST_CODE,
        .wrong = not_absent},
    {.title = "write to read-only memory", {3, 3}, INSTRUCTION_WRITE, DONE, PLACE_READ_ONLY,
        .wrong = read_only_changed},
    {.title = "memory that the host has not", {3, 3}, INSTRUCTION_WRITE, TOLD, PLACE_HOLE},
    {.title = "endless loop", {3, 0}, INSTRUCTION_SPIN, STOPPED, .seconds = 0.05},
    {.title = "endless exits", {3, 0}, INSTRUCTION_STORM, STOPPED, .seconds = 0.05},
    {.title = "halt without interrupts", {0, 0}, INSTRUCTION_HLT, TOLD},
    {.title = "more mappings than a process may have", {3, 3}, INSTRUCTION_READ_ALL, DONE, PLACE_SCATTERED,
        .rdx = SCATTERED, .seconds = 20},
    {.title = "triple fault", {0, 0}, INSTRUCTION_TRIPLE, TOLD},
    {.title = "kernel stack anywhere", {0, 0}, INSTRUCTION_STACK, TOLD | TRAP, .rcx_list = EACH(stacks)},
    {.title = "page tables anywhere", {0, 0}, INSTRUCTION_WRITE_CR3, TOLD | TRAP | DONE,
        .rcx_list = EACH(roots)},
    {.title = "entries of page tables", {0, 0}, INSTRUCTION_ENTRY, TOLD | TRAP | DONE, PLACE_TABLE,
        .rax_list = EACH(entries)},
    {.title = "WRMSR anywhere", {0, 0}, INSTRUCTION_WRMSR, TOLD | TRAP | DONE, .rax = WILD | 0xfff0000001,
        .rdx = 0x80000000, .rcx_list = EACH(registers)},
    {.title = "the same exception again and again", {3, 3}, INSTRUCTION_UD2, TRAP, .rax_up_to = 200},
};
/* clang-format on */

/* ---- trying them ---- */

static unsigned end_of(const struct ending *ending)
{
    if (ending->kind != ENDING_FAILED)
        return ending->kind == ENDING_TRAP ? TRAP : DONE;
    return ending->error.code == ECANCELED ? STOPPED : ending->error.code == EPROTO ? TOLD : 0;
}

/* What holds after whatever a guest did: NULL, or what does not. */
static const char *survived(struct stage *stage, struct error *error)
{
    uint64_t bits[2];
    for (size_t i = 0; i < PAGE_BYTES; i++)
        if (stage->canary[i] != CANARY)
            return "the host's memory has changed";
    if (ground_compute(stage->beside, bits, error) < 0)
        return error->text;
    return bits[0] == stage->bits[0] && bits[1] == stage->bits[1]
               ? NULL
               : "the second guest computes something else";
}

static void try_one(struct stage *stage, const struct safety_case *from, unsigned privilege, uint64_t rax,
    uint64_t rcx, struct trial *trial)
{
    const struct program program = {from->number, from->rax + rax,
        from->rcx + rcx + stage->places[from->place],
        from->place == PLACE_TABLE ? stage->places[PLACE_VICTIM] : from->rdx};
    struct ending ending = ground_guest_within(
        &stage->ground, privilege, &program, from->seconds > 0 ? from->seconds : GROUND_SECONDS);
    const char *wrong = from->wrong ? from->wrong(stage, &ending) : NULL;
    ending_phrase(&ending, trial->guest, sizeof trial->guest);
    if (!(end_of(&ending) & from->ends))
        trial_fails(trial, "with RAX 0x%" PRIx64 ", RCX 0x%" PRIx64 " it ended so: %.120s", program.rax,
            program.rcx, trial->guest);
    else if (wrong)
        trial_fails(trial, "with RAX 0x%" PRIx64 ", RCX 0x%" PRIx64 ": %s (%.100s)", program.rax, program.rcx,
            wrong, trial->guest);
}

static void try_each(
    struct stage *stage, const struct safety_case *from, unsigned privilege, struct trial *trial)
{
    size_t count = from->list_count ? from->list_count : from->rax_up_to ? from->rax_up_to : 1;
    for (size_t i = 0; trial->verdict == TRIAL_HELD && i < count; i++)
        try_one(stage, from, privilege,
            from->rax_list    ? from->rax_list[i]
            : from->rax_up_to ? i
                              : 0,
            from->rcx_list ? from->rcx_list[i] : 0, trial);
}

static int open_stage(struct stage *stage, const struct safety_case *from, const struct monitor_ops *monitor,
    const struct stop *stop, struct error *error)
{
    const bool scattered = from->place == PLACE_SCATTERED;
    int rc = ground_open_with(&stage->ground, monitor, stop, scattered ? SCATTERED / 512 + 16 : 16, error);
    if (rc < 0)
        return rc;
    stage->ground.hostile = true;
    if ((rc = set_stage(stage, error)) < 0 || (scattered && (rc = scatter(stage, error)) < 0))
        close_stage(stage);
    return rc;
}

static int try(struct stage *stage, const struct safety_case *from, unsigned privilege,
    const struct monitor_ops *monitor, const struct stop *stop, struct trial *trial)
{
    struct error error;
    int rc = open_stage(stage, from, monitor, stop, &error);
    if (rc < 0) {
        trial_fails(trial, "%.230s", error.text);
        return rc;
    }
    if (from->place == PLACE_TABLE && stage->table_refused) {
        trial->verdict = TRIAL_UNTRIED;
        snprintf(trial->reason, sizeof trial->reason, "this monitor lets no guest write its page tables");
    } else {
        try_each(stage, from, privilege, trial);
    }
    const char *wrong = survived(stage, &error);
    if (wrong)
        trial_fails(trial, "%.230s", wrong);
    close_stage(stage);
    return 0;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static int try_all(struct stage *stage, const struct monitor_ops *monitor, const struct stop *stop,
    struct trials *trials, struct error *error)
{
    unsigned before = count_descriptors();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k < (cases[i].at[0] == cases[i].at[1] ? 1 : 2); k++) {
            struct trial *trial = trials_add(trials, TRIAL_SAFETY, cases[i].at[k], cases[i].title);
            if (!trial)
                return error_set(error, ENOMEM, "no memory for what was tried");
            try(stage, &cases[i], (unsigned)cases[i].at[k], monitor, stop, trial);
            if (stop_asked(stop)) {
                trials->count--;
                return error_set(error, EINTR, "%s", stop_reason(stop));
            }
        }
    struct trial *trial = trials_add(trials, TRIAL_SAFETY, -1, "nothing is left behind");
    if (trial && count_descriptors() != before)
        trial_fails(trial, "%u descriptors were open before, %u are now", before, count_descriptors());
    return trial ? 0 : error_set(error, ENOMEM, "no memory for what was tried");
}

int verify_safety(
    const struct monitor_ops *monitor, const struct stop *stop, struct trials *trials, struct error *error)
{
    struct ground beside;
    struct stage stage = {.beside = &beside, .read_only.descriptor = -1, .hole.descriptor = -1};
    int rc = ground_open(&beside, monitor, stop, error);
    if (rc < 0)
        return rc;
    stage.canary = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stage.canary == MAP_FAILED)
        rc = error_errno(error, errno, "cannot map a page that no guest may reach");
    else
        memset(stage.canary, CANARY, PAGE_BYTES);
    if (rc == 0)
        rc = ground_compute(&beside, stage.bits, error);
    if (rc == 0)
        rc = try_all(&stage, monitor, stop, trials, error);
    if (stage.canary != MAP_FAILED)
        munmap(stage.canary, PAGE_BYTES);
    ground_close(&beside);
    return rc;
}
