/* Processes: made, ended, and which one runs. */
#include "guest/kernel/kernel.h"

#include "abi/domain.h"

enum { RFLAGS_START = 0x202 }; /* interrupts on, and the bit that is always set */

struct process *current;
static struct process processes[GUEST_KERNEL_PROCESSES];

static void map_pages(void *root, uint64_t address, uint64_t page, uint64_t pages, unsigned rights)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t *entry = space_entry(root, address + i * PAGE_BYTES, 1);
        uint64_t bits = leaf_bits(rights | GUEST_USER) | BIT_ACCESSED | BIT_DIRTY;
        operations->set(entry, physical_of(page_at(page + i)) | bits, address + i * PAGE_BYTES);
    }
    operations->commit();
}

static void map_stack(void *root)
{
    uint64_t *entry = space_entry(root, GUEST_STACK, 1);
    uint64_t bits = leaf_bits(GUEST_READ | GUEST_WRITE | GUEST_USER) | BIT_DEMAND | BIT_ACCESSED | BIT_DIRTY;
    operations->set(entry, physical_of(take_frame()) | bits, GUEST_STACK);
    operations->commit();
}

struct process *process_number(uint64_t number)
{
    bool exists = number < GUEST_KERNEL_PROCESSES && boot.process[number].script_pages;
    return exists ? &processes[number] : NULL;
}

void process_make(struct process *process)
{
    size_t number = (size_t)(process - processes);
    *process = (struct process){.state = PROCESS_READY};
    void *root = space_make();
    map_pages(root, GUEST_PROGRAM, boot.program, boot.program_pages, GUEST_READ | GUEST_EXECUTE);
    map_pages(root, GUEST_SCRIPT, boot.process[number].script, boot.process[number].script_pages, GUEST_READ);
    map_pages(
        root, GUEST_LOG, boot.process[number].log, boot.process[number].log_pages, GUEST_READ | GUEST_WRITE);
    map_stack(root);
    process->root = root;
    process->window = space_entry(root, GUEST_WINDOW, 1);
    process->large = space_entry(root, GUEST_LARGE, 2);
    process->log = page_at(boot.process[number].log);
    process->registers.rip = GUEST_PROGRAM;
    process->registers.rsp = GUEST_STACK + PAGE_BYTES;
    process->registers.cs = DOMAIN_USER_CS;
    process->registers.ss = DOMAIN_USER_SS;
    process->registers.rflags = RFLAGS_START;
}

static void go_to(struct process *process)
{
    current = process;
    entry_stack = (uintptr_t)(&process->registers + 1);
    operations->activate(process->root);
}

struct registers *process_first(void)
{
    for (unsigned i = 0; i < boot.processes && i < GUEST_KERNEL_PROCESSES; i++)
        process_make(&processes[i]);
    go_to(&processes[0]);
    return &current->registers;
}

/* NULL: none. The one that runs comes last. */
static struct process *next_in(enum process_state state)
{
    unsigned from = (unsigned)(current - processes);
    for (unsigned i = 1; i <= GUEST_KERNEL_PROCESSES; i++) {
        struct process *process = &processes[(from + i) % GUEST_KERNEL_PROCESSES];
        if (process->state == state)
            return process;
    }
    return NULL;
}

void process_next(void)
{
    struct process *next;
    while (!(next = next_in(PROCESS_READY))) {
        if (!next_in(PROCESS_WAITING))
            operations->out(GUEST_KERNEL_PORT_DONE, 0);
        operations->idle();
    }
    if (next != current) {
        status.switches++;
        go_to(next);
    }
}

void process_tick(void)
{
    status.ticks++;
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        if (processes[i].state == PROCESS_WAITING)
            processes[i].state = PROCESS_READY;
}

static void wake_joining(const struct process *ended)
{
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        if (processes[i].state == PROCESS_JOINING && processes[i].joins == ended)
            processes[i].state = PROCESS_READY;
}

/* Its tables are the active ones: those of the start, in which there is no process, take their place. */
void process_end(uint64_t answer)
{
    struct process *ended = current;
    log_event(EVENT_ENDED, answer, 0);
    ended->state = PROCESS_FREE;
    status.ended++;
    operations->activate(page_of(boot.root));
    space_end(ended->root);
    for (unsigned i = 0; i < GUEST_OBJECTS; i++)
        if (ended->objects[i])
            give_frame(ended->objects[i]);
    wake_joining(ended);
    process_next();
}

void log_event(uint32_t what, uint64_t a, uint64_t b)
{
    struct guest_log *log = current->log; /* which the process may write, too */
    if (boot.log_room)
        log->event[log->count++ % boot.log_room] =
            (struct guest_event){.what = what, .step = (uint32_t)log->step, .a = a, .b = b};
}
