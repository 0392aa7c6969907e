/* Safety: guests that do the worst to their monitor, each in a process of its own, where a second domain has
 * to compute the same bits all the time. A case is a line of the table below. */
#include "experiment/verify_internal.h"
#include "experiment/verify_stage.h"

#include "abi/hypercall.h"
#include "monitor/deprivileged/child.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* ---- the table ---- */

enum { GUEST_SECONDS = 20 }; /* which only an emulated machine needs */

/* How it may end. */
enum { DONE = 1, TRAP = 2, STOPPED = 4, TOLD = 8 /* the call failed, and the monitor told why */ };

struct safety_case {
    const char *title;
    int at[2]; /* privileges; twice the same: one */
    enum instruction number;
    unsigned ends;
    enum place place; /* added to RCX */
    uint64_t rax, rcx, rdx;
    double seconds; /* after which it is told to stop; 0: GUEST_SECONDS */
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
    const char *wrong = stage_read_only_wrong(stage);
    (void)ending;
    return wrong || stage->ground.devices == 1 ? wrong : "the write was not told";
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

/* A process each for the kernel and user code of some address spaces, not of all; two tasks a process. */
static const char *too_many_processes(const struct stage *stage, const struct ending *ending)
{
    (void)stage;
    (void)ending;
    return stage_processes() < STAGE_ROOTS ? NULL
                                           : "it has made the monitor start a process for each address space";
}

#define SYSTEM(page) (DOMAIN_SYSTEM_BASE + UINT64_C(4096) * (page))
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
                      own_ports[] = {DOMAIN_PORT_FAULT, DOMAIN_PORT_DONE, DOMAIN_PORT_SYSCALL,
                          DOMAIN_PORT_NULL, DOMAIN_PORT_EVENT},
                      user_stubs[] = {SYSTEM(DOMAIN_PAGE_USER), SYSTEM(DOMAIN_PAGE_USER) + 1,
                          SYSTEM(DOMAIN_PAGE_USER) + 0x10, SYSTEM(DOMAIN_PAGE_USER) + 0x20,
                          SYSTEM(DOMAIN_PAGE_USER) + 0x22, SYSTEM(DOMAIN_PAGE_USER) + 0xfff},
                      kernel_pages[] = {SYSTEM(DOMAIN_PAGE_GDT), SYSTEM(DOMAIN_PAGE_IDT),
                          SYSTEM(DOMAIN_PAGE_TSS), SYSTEM(DOMAIN_PAGE_STACK), SYSTEM(DOMAIN_PAGE_KERNEL)},
                      links[] = {0, 7, 0xb067, 0xc067, 0xd067, 0xe067, 0xf067, 0xb0e7, 0xd0000067,
                          UINT64_C(1) << 40 | 0x67, UINT64_C(0xffffffffff067), 0x8000000000000067,
                          UINT64_MAX},
                      stacks[] = {WILD, 0, 0x1000, DOMAIN_SYSTEM_BASE + 0x2008, UINT64_MAX};
#define EACH(list) (list), .list_count = sizeof(list) / sizeof *(list)

/* clang-format off */
static const struct safety_case cases[] = {
    {.title = "every port, all widths", {3, 0}, INSTRUCTION_PORTS, DONE | TRAP, .rcx = 65535, .rdx = 61},
    {.title = "string I/O", {0, 0}, INSTRUCTION_STRING_PORTS, DONE | TOLD},
    {.title = "ports of the domain's own, used at will", {3, 0}, INSTRUCTION_OUT, DONE | TRAP | TOLD,
        .rcx_list = EACH(own_ports)},
    {.title = "forged reports of exceptions", {3, 0}, INSTRUCTION_FORGED_FAULT, TRAP | TOLD,
        .rcx_list = EACH(stacks)},
    {.title = "jump into the kernel's stubs for user code", {3, 0}, INSTRUCTION_FETCH, DONE | TRAP | TOLD,
        .rcx_list = EACH(user_stubs)},
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
    {.title = "read of the guest's kernel by user code", {3, 3}, INSTRUCTION_READ, TRAP,
        .rcx_list = EACH(kernel_pages), .wrong = not_absent},
    {.title = "write to the guest's kernel by user code", {3, 3}, INSTRUCTION_WRITE, TRAP,
        .rcx_list = EACH(kernel_pages), .wrong = not_absent},
    {.title = "read of the host's memory", {3, 0}, INSTRUCTION_READ, TRAP, PLACE_CANARY, .wrong = not_absent},
    {.title = "write to the host's memory", {3, 0}, INSTRUCTION_WRITE, TRAP, PLACE_CANARY,
        .wrong = not_absent},
    {.title = "jump to the host's code", {3, 0}, INSTRUCTION_FETCH, TRAP, PLACE_HOST_CODE,
        .wrong = not_absent},
    {.title = "write to read-only memory", {3, 3}, INSTRUCTION_WRITE, DONE, PLACE_READ_ONLY, .rax_up_to = 2,
        .wrong = read_only_changed},
    {.title = "memory that the host has not", {3, 3}, INSTRUCTION_WRITE, TOLD, PLACE_HOLE},
    {.title = "endless loop", {3, 0}, INSTRUCTION_SPIN, STOPPED, .seconds = 0.05},
    {.title = "endless exits", {3, 0}, INSTRUCTION_STORM, STOPPED, .seconds = 0.05},
    {.title = "endless traps", {3, 0}, INSTRUCTION_TRAPS, STOPPED | TRAP, .seconds = 0.05},
    {.title = "halt without interrupts", {0, 0}, INSTRUCTION_HLT, TOLD},
    {.title = "more mappings than a process may have", {3, 3}, INSTRUCTION_READ_ALL, DONE, PLACE_SCATTERED,
        .rdx = STAGE_SCATTERED},
    {.title = "triple fault", {0, 0}, INSTRUCTION_TRIPLE, TOLD},
    {.title = "kernel stack anywhere", {0, 0}, INSTRUCTION_STACK, TOLD | TRAP, .rcx_list = EACH(stacks)},
    {.title = "page tables anywhere", {0, 0}, INSTRUCTION_WRITE_CR3, TOLD | TRAP | DONE | STOPPED,
        .rcx_list = EACH(roots), .seconds = 0.2}, /* nested paging looks for tables for ever where no memory is */
    {.title = "entries of page tables", {0, 0}, INSTRUCTION_ENTRY, TOLD | TRAP | DONE, PLACE_TABLE,
        .rax_list = EACH(entries)},
    {.title = "links of page tables: cycles, wild ones", {0, 0}, INSTRUCTION_ENTRY, TOLD | TRAP | DONE, PLACE_LINK,
        .rax_list = EACH(links)},
    {.title = "more address spaces than it has processes", {0, 0}, INSTRUCTION_SPACES, DONE, PLACE_ROOTS,
        .rdx = STAGE_ROOTS, .wrong = too_many_processes},
    {.title = "WRMSR anywhere", {0, 0}, INSTRUCTION_WRMSR, TOLD | TRAP | DONE, .rax = WILD | 0xfff0000001,
        .rdx = 0x80000000, .rcx_list = EACH(registers)},
    {.title = "the same exception again and again", {3, 3}, INSTRUCTION_UD2, TRAP, .rax_up_to = 200},
};
/* clang-format on */

/* ---- trying one, in its process ---- */

struct attempt {
    const struct safety *safety;
    const struct safety_case *from;
    unsigned privilege;
};

static unsigned end_of(const struct ending *ending)
{
    if (ending->kind != ENDING_FAILED)
        return ending->kind == ENDING_TRAP ? TRAP : DONE;
    return ending->error.code == ECANCELED ? STOPPED : ending->error.code == EPROTO ? TOLD : 0;
}

static bool writes_tables(const struct safety_case *from)
{
    return from->place == PLACE_TABLE || from->place == PLACE_LINK;
}

static double guest_seconds(const struct safety_case *from)
{
    return from->seconds > 0 ? from->seconds : GUEST_SECONDS;
}

static void try_one(struct stage *stage, const struct safety_case *from, unsigned privilege, uint64_t rax,
    uint64_t rcx, struct trial *trial)
{
    const struct program program = {from->number, from->rax + rax,
        from->rcx + rcx + stage->places[from->place],
        writes_tables(from) ? stage->places[PLACE_VICTIM] : from->rdx};
    struct ending ending = ground_guest_within(&stage->ground, privilege, &program, guest_seconds(from));
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

static void try_on_stage(const struct attempt *attempt, struct trial *trial)
{
    const struct safety_case *from = attempt->from;
    struct stage stage;
    struct error error;
    if (stage_open(&stage, attempt->safety->monitor, from->place, &error) < 0) {
        trial_fails(trial, "%.230s", error.text);
        return;
    }
    if (writes_tables(from) && stage.tables_refused) {
        trial->verdict = TRIAL_UNTRIED;
        snprintf(trial->reason, sizeof trial->reason, "this monitor lets no guest write its page tables");
    } else {
        try_each(&stage, from, attempt->privilege, trial);
    }
    const char *wrong = stage_canary_wrong(&stage);
    if (wrong)
        trial_fails(trial, "%s", wrong);
    stage_close(&stage);
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

static void try(void *context, struct trial *trial)
{
    const struct attempt *attempt = context;
    const unsigned before = count_descriptors();
    struct beside beside;
    struct error error;
    if (beside_begin(&beside, attempt->safety->monitor, &error) < 0) {
        trial_fails(trial, "%.230s", error.text);
        return;
    }
    if (!beside.wrong[0])
        try_on_stage(attempt, trial);
    beside_end(&beside);
    if (trial->verdict == TRIAL_FAILED)
        return;
    if (beside.wrong[0])
        trial_fails(trial, "%s", beside.wrong);
    else if (count_descriptors() != before)
        trial_fails(trial, "%u descriptors were open before, %u are afterwards", before, count_descriptors());
    else if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        trial_fails(trial, "a process of a guest's is left");
}

/* ---- all of them ---- */

static int try_case(const struct safety *safety, const struct safety_case *from, int privilege,
    struct trials *trials, struct error *error)
{
    struct attempt attempt = {safety, from, (unsigned)privilege};
    const struct apart apart = {
        .run = try,
        .context = &attempt,
        .stop = safety->stop,
        .seconds = guest_seconds(from) + safety->patience,
    };
    struct trial *trial = trials_add(trials, TRIAL_SAFETY, privilege, from->title);
    if (trial)
        trial_apart(&apart, trial);
    return trials_end(trials, safety->stop, error);
}

int verify_safety(const struct safety *safety, struct trials *trials, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct safety_case *from = &cases[i];
        const int privileges = from->at[0] == from->at[1] ? 1 : 2;
        if (!safety->only || !strcmp(safety->only, from->title))
            for (int k = 0; rc == 0 && k < privileges; k++)
                rc = try_case(safety, from, from->at[k], trials, error);
    }
    return rc;
}
