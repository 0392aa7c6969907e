#include "experiment/verify_ground.h"

#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, HOPS = 100000, ROUNDS = 20000, NATIVE_SECONDS = GROUND_SECONDS, PAGE_FAULT = 14 };

/* The job in which answers and operands of instructions.S stand. */
enum { ANSWER, OPERANDS = 4 };
_Static_assert(offsetof(struct workload_job, cursor) == 32 &&
                   offsetof(struct workload_job, finished) == 168 &&
                   offsetof(struct workload_job, first) == INSTRUCTION_ROOM,
    "guest/workload/instructions.S has these offsets");

/* ---- opening ---- */

static bool answer(void *context, const struct vm_exit *exit)
{
    struct ground *ground = context;
    bool io = exit->kind == EXIT_IO;
    ground->io += io;
    ground->devices += exit->kind == EXIT_MMIO;
    ground->hypercalls += exit->kind == EXIT_HYPERCALL;
    ground->internal += exit->kind == EXIT_INTERNAL;
    ground->syscalls += io && exit->port == DOMAIN_PORT_SYSCALL;
    if (exit->kind == EXIT_HYPERCALL && ground->hostile)
        *exit->result = UINT64_MAX;
    if (!io)
        return ground->hostile && (exit->kind == EXIT_MMIO || exit->kind == EXIT_HYPERCALL);
    bool ends = exit->port == DOMAIN_PORT_DONE || exit->port == DOMAIN_PORT_FAULT ||
                exit->port == DOMAIN_PORT_SYSCALL;
    return exit->port == DOMAIN_PORT_NULL || (ground->hostile && !ends);
}

static int map_data(struct ground *ground, struct error *error)
{
    const struct chase_shape shape = {.working_set_bytes = 256 * KIB,
        .element_bytes = CHASE_LINE_BYTES,
        .order = CHASE_RANDOM,
        .chains = 1};
    const struct memory_request request = {.bytes = shape.working_set_bytes,
        .page_bytes = PAGE_BYTES,
        .shared = ground->monitor && ground->monitor->elsewhere};
    ground->list = chase_layout_make(&shape, 1974);
    int rc = memory_map_request(&ground->data, &request, error);
    if (rc < 0 || (rc = memory_populate(&ground->data, true, NULL, NULL, error)) < 0)
        return rc;
    chase_layout_write(&ground->list, ground->data.base, 0, ground->list.elements);
    return 0;
}

static int make_domain(struct ground *ground, size_t spare_tables, struct error *error)
{
    const struct domain_config config = {.monitor = ground->monitor,
        .image = &ground->image,
        .data = &ground->data,
        .data_page_bytes = PAGE_BYTES,
        .spare_tables = spare_tables,
        .stop = ground->stop,
        .answer = answer,
        .context = ground};
    int rc = ground->monitor->elsewhere ? image_share(&ground->image, error) : 0;
    return rc < 0 ? rc : domain_create(&config, &ground->domain, error);
}

struct native {
    struct ending ending;
};

int ground_open_with(struct ground *ground, const struct monitor_ops *monitor, const struct stop *stop,
    size_t spare_tables, struct error *error)
{
    *ground = (struct ground){.monitor = monitor, .stop = stop};
    void *shared =
        mmap(NULL, sizeof *ground->native, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = 0;
    if (shared == MAP_FAILED)
        rc = error_errno(error, errno, "cannot map a page for what instructions do");
    else
        ground->native = shared;
    if (rc == 0)
        rc = image_load(&ground->image, error);
    if (rc == 0)
        rc = map_data(ground, error);
    if (rc == 0 && monitor)
        rc = make_domain(ground, spare_tables, error);
    if (rc < 0)
        ground_close(ground);
    return rc;
}

int ground_open(
    struct ground *ground, const struct monitor_ops *monitor, const struct stop *stop, struct error *error)
{
    return ground_open_with(ground, monitor, stop, 0, error);
}

void ground_close(struct ground *ground)
{
    domain_destroy(ground->domain);
    memory_unmap(&ground->data);
    image_unload(&ground->image);
    if (ground->native)
        munmap(ground->native, sizeof *ground->native);
    *ground = (struct ground){.monitor = NULL};
}

/* ---- what came of it ---- */

/* SDM volume 3, table 6-1; and which of them have an error code. */
static const char *const vectors[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9",
    "#TS", "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};
enum { VECTORS = sizeof vectors / sizeof *vectors };

static bool has_code(unsigned vector)
{
    const uint32_t coded = 1u << 8 | 0x1fu << 10 | 1u << 17 | 1u << 21;
    return vector < 32 && coded >> vector & 1;
}

static struct ending trap(unsigned vector, uint64_t code, uint64_t address, uint64_t rip)
{
    return (struct ending){.kind = ENDING_TRAP,
        .vector = vector,
        .code = has_code(vector) ? code : 0,
        .address = vector == PAGE_FAULT ? address : 0,
        .rip = rip};
}

void ending_phrase(const struct ending *ending, char *text, size_t size)
{
    char name[8] = "";
    snprintf(name, sizeof name, "#%u", ending->vector & 0xff);
    const char *known = ending->vector < VECTORS ? vectors[ending->vector] : name;
    if (ending->kind == ENDING_FAILED)
        snprintf(text, size, "%s", ending->error.text);
    else if (ending->kind == ENDING_VALUE)
        snprintf(text, size, "0x%" PRIx64, ending->value);
    else if (ending->vector == PAGE_FAULT)
        snprintf(text, size, "%s(0x%" PRIx64 ") at 0x%" PRIx64, known, ending->code, ending->address);
    else if (has_code(ending->vector))
        snprintf(text, size, "%s(0x%" PRIx64 ")", known, ending->code);
    else
        snprintf(text, size, "%s", known);
}

bool ending_same(const struct ending *one, const struct ending *other)
{
    if (one->kind != other->kind || one->kind == ENDING_FAILED)
        return false;
    if (one->kind == ENDING_VALUE)
        return one->value == other->value;
    return one->vector == other->vector && one->code == other->code && one->address == other->address &&
           (!one->rip || !other->rip || one->rip == other->rip);
}

/* ---- executing ---- */

static int make_ready(
    struct ground *ground, const struct program *program, workload_function **entry, struct error *error)
{
    struct workload_job *job = ground->image.job;
    *job = (struct workload_job){.steps = program->number};
    job->cursor[OPERANDS] = program->rax;
    job->cursor[OPERANDS + 1] = program->rcx;
    job->cursor[OPERANDS + 2] = program->rdx;
    ground->io = ground->devices = ground->hypercalls = ground->syscalls = ground->internal = 0;
    return image_find(&ground->image, "instruction", entry, error);
}

static struct ending failed(const struct error *error)
{
    return (struct ending){.kind = ENDING_FAILED, .error = *error};
}

/* Of the process that executes natively: it ends with the first exception. */
static struct native *reports_to;

/* The alignment check may still be on, with which compilers do not reckon. */
static void take_signal(int number, siginfo_t *info, void *context)
{
    const ucontext_t *machine = context;
    const greg_t *registers = machine->uc_mcontext.gregs;
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp; pushfq; andq $~0x40000, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
            : "cc", "memory");
    (void)number;
    (void)info;
    reports_to->ending = trap((unsigned)registers[REG_TRAPNO], (uint64_t)registers[REG_ERR],
        (uint64_t)registers[REG_CR2], (uint64_t)registers[REG_RIP]);
    _exit(0);
}

static _Noreturn void execute_here(struct ground *ground, workload_function *entry)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    const struct sigaction action = {.sa_sigaction = take_signal, .sa_flags = SA_SIGINFO};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGALRM, SIG_DFL);
    alarm(NATIVE_SECONDS);
    reports_to = ground->native;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    entry(ground->image.job);
    const struct workload_job *job = ground->image.job;
    if (job->finished == WORKLOAD_MAGIC)
        ground->native->ending = (struct ending){.kind = ENDING_VALUE, .value = job->cursor[ANSWER]};
    _exit(0);
}

struct ending ground_native(struct ground *ground, const struct program *program)
{
    struct error error;
    workload_function *entry;
    int status;
    if (make_ready(ground, program, &entry, &error) < 0)
        return failed(&error);
    error_set(&error, EPROTO, "natively it ended without an answer");
    ground->native->ending = failed(&error);
    pid_t child = fork();
    if (child == 0)
        execute_here(ground, entry);
    if (child < 0) {
        error_errno(&error, errno, "cannot start a process to execute an instruction natively");
        return failed(&error);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return ground->native->ending;
}

/* Stops a virtual CPU that is still running after a time. */
struct watchdog {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended;
    double seconds;
    struct domain_cpu *cpu;
};

static void *watch(void *context)
{
    struct watchdog *dog = context;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + (uint64_t)(dog->seconds * 1e9);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&dog->lock);
    while (!dog->ended && pthread_cond_timedwait(&dog->changed, &dog->lock, &until) != ETIMEDOUT) {
    }
    if (!dog->ended)
        domain_cpu_stop(dog->cpu);
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

static int call_within(
    struct ground *ground, unsigned privilege, workload_function *entry, double seconds, struct error *error)
{
    struct watchdog dog = {.lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .seconds = seconds,
        .cpu = domain_first_cpu(ground->domain)};
    pthread_t thread;
    int code = pthread_create(&thread, NULL, watch, &dog);
    if (code)
        return error_errno(error, code, "cannot start a thread that watches a guest");
    int rc = (privilege ? domain_call : domain_call_kernel)(ground->domain, entry, error);
    pthread_mutex_lock(&dog.lock);
    dog.ended = true;
    pthread_cond_signal(&dog.changed);
    pthread_mutex_unlock(&dog.lock);
    pthread_join(thread, NULL);
    return rc;
}

struct ending ground_guest_within(
    struct ground *ground, unsigned privilege, const struct program *program, double seconds)
{
    struct error error;
    workload_function *entry;
    int rc = make_ready(ground, program, &entry, &error);
    if (rc == 0)
        rc = call_within(ground, privilege, entry, seconds, &error);
    if (rc == 0)
        return (struct ending){.kind = ENDING_VALUE, .value = ground->image.job->cursor[ANSWER]};
    if (rc != -EFAULT)
        return failed(&error);
    const struct domain_fault fault = domain_fault(ground->domain);
    return trap(fault.vector, fault.error_code, fault.address, fault.rip);
}

struct ending ground_guest(struct ground *ground, unsigned privilege, const struct program *program)
{
    return ground_guest_within(ground, privilege, program, GROUND_SECONDS);
}

/* ---- computing ---- */

uint64_t ground_expects(const struct ground *ground)
{
    return (uintptr_t)ground->data.base + chase_layout_offset(&ground->list, HOPS);
}

static int walk(struct ground *ground, uint64_t *last, struct error *error)
{
    struct workload_job *job = ground->image.job;
    workload_function *entry;
    char name[WORKLOAD_NAME_BYTES];
    chase_entry_name(&ground->list.shape, name);
    int rc = image_find(&ground->image, name, &entry, error);
    if (rc < 0)
        return rc;
    *job = (struct workload_job){.steps = HOPS, .batches = 1};
    job->cursor[0] = (uintptr_t)ground->data.base +
                     chase_layout_offset(&ground->list, chase_layout_start(&ground->list, 0));
    if (ground->domain)
        rc = call_within(ground, 3, entry, GROUND_SECONDS, error);
    else
        entry(job);
    *last = job->cursor[0];
    return rc;
}

int ground_compute(struct ground *ground, uint64_t bits[static 2], struct error *error)
{
    const struct program program = {.number = INSTRUCTION_ARITHMETIC, .rcx = ROUNDS};
    int rc = walk(ground, &bits[0], error);
    if (rc < 0)
        return rc;
    struct ending ending =
        ground->domain ? ground_guest(ground, 3, &program) : ground_native(ground, &program);
    bits[1] = ending.value;
    if (ending.kind == ENDING_VALUE)
        return 0;
    char text[160];
    ending_phrase(&ending, text, sizeof text);
    return error_set(error, EPROTO, "computing ended with %s", text);
}
