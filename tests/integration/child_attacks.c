#include "child_attacks.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const unsigned char nursery_image_start[], nursery_image_end[];

enum { FORGED_RIP = CODE + 64, KICKS_FEW = 200 };
int child_patience_ms = 2000;

/* ---- system calls ---- */

static void set_mmap(uint64_t flags, uint64_t descriptor, uint64_t offset)
{
    registers = (struct child_registers){.general = {.rip = CODE,
                                             .rsp = DATA + PAGE / 2,
                                             .rax = SYS_mmap,
                                             .rdi = NOWHERE,
                                             .rsi = PAGE,
                                             .rdx = PROT_READ | PROT_WRITE | PROT_EXEC,
                                             .r10 = flags,
                                             .r8 = descriptor,
                                             .r9 = offset,
                                             .r12 = CODE}};
}

static bool has_more_mapped(unsigned before)
{
    bool more = count_maps(child) > before;
    child_renew();
    return more;
}

bool attack_by_own_call(void)
{
    const unsigned before = count_maps(child);
    PUT("syscall\nud2");
    set_mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0);
    run();
    return has_more_mapped(before);
}

bool has_int80(void)
{
    enum { GETPID = 20 };
    int status = 1;
    pid_t process = fork();
    if (process == 0) {
        long number = GETPID;
        __asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
        _exit(number != getpid());
    }
    return process > 0 && waitpid(process, &status, 0) == process && status == 0;
}

/* By the numbers and registers of 32-bit code. */
bool attack_by_int80(void)
{
    enum { MMAP2 = 192 };
    const unsigned before = count_maps(child);
    PUT("int $0x80\nud2");
    registers = (struct child_registers){.general = {.rip = CODE,
                                             .rsp = DATA + PAGE / 2,
                                             .rax = MMAP2,
                                             .rbx = NOWHERE,
                                             .rcx = PAGE,
                                             .rdx = PROT_READ | PROT_WRITE,
                                             .rsi = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                                             .rdi = UINT32_MAX}};
    run();
    return has_more_mapped(before);
}

/* The other one spins, if there is one. */
bool attack_by_fork(void)
{
    PUT("syscall\ntestq %rax, %rax\n1: jz 1b\nud2");
    registers = (struct child_registers){.general = {.rip = CODE, .rsp = DATA + PAGE / 2, .rax = SYS_fork}};
    bool forked = run() == CHILD_EXCEPTION && (int64_t)registers.general.rax > 0;
    if (forked)
        kill((pid_t)registers.general.rax, SIGKILL);
    return forked;
}

bool attack_by_jump_into_stub(void)
{
    const unsigned before = count_maps(child);
    bool more = false;
    for (unsigned at = 0; (at = stub_syscall(at)) < PAGE; at++) {
        PUT("jmp *%r15");
        set_mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0);
        registers.general.r15 = CHILD_TOP + at;
        child_run_kicked(20);
        more |= has_more_mapped(before);
    }
    return more;
}

/* Every number that the helper has for memory. */
bool attack_by_descriptor(void)
{
    const unsigned before = count_maps(child);
    PUT("syscall\nud2");
    for (uint64_t number = 0; number < DESK_FD_MEMORY + DESK_FD_MEMORY_MAX && trap.kind != CHILD_DIED;
         number++) {
        set_mmap(MAP_SHARED | MAP_FIXED, number, 0);
        run();
    }
    return has_more_mapped(before);
}

unsigned stub_syscall(unsigned at)
{
    const unsigned char *stub = nursery_image_start + DESK_IMAGE_OFFSET;
    while (at < PAGE && !(stub[at] == 0x0f && stub[at + 1] == 0x05))
        at++;
    return at;
}

/* Negative once it has ended. */
static pid_t process_of(int pidfd)
{
    char path[64], line[64];
    int process = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    FILE *file = fopen(path, "r");
    while (file && !process && fgets(line, sizeof line, file))
        sscanf(line, "Pid: %d", &process);
    if (file)
        fclose(file);
    return process;
}

/* ---- memory ---- */

bool attack_by_leftovers(void)
{
    static const uint64_t places[] = {0x10000000 + PAGE, DESK_NURSERY_STACK, DESK_TOP + DESK_STUB_BYTES};
    bool read = false;
    PUT("movb (%rdi), %al\nud2");
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        registers.general = (struct vcpu_registers){.rip = CODE, .rdi = places[i]};
        read |= run() != CHILD_EXCEPTION || trap.vector != 14;
    }
    return read;
}

bool attack_by_orders(void)
{
    PUT("movq %rax, (%rdi)\nud2");
    registers.general = (struct vcpu_registers){.rip = CODE, .rdi = DESK_BASE + DESK_LIST};
    return run() != CHILD_EXCEPTION || trap.vector != 14;
}

bool attack_by_mailbox(void)
{
    const volatile uint64_t *counter = (volatile uint64_t *)(void *)(memory + PAGE);
    PUT("movl %eax, (%rdi)\n1: incq (%rsi)\njmp 1b");
    registers.general =
        (struct vcpu_registers){.rip = CODE, .rax = 77, .rdi = DESK_BASE + DESK_TURN, .rsi = DATA};
    run();
    if (trap.kind != CHILD_DIED)
        return false;
    usleep(20000); /* whoever was killed a moment ago does nothing more by then */
    const uint64_t then = *counter;
    for (int ms = 0; ms < child_patience_ms && *counter == then && process_of(child->guest) > 0; ms++)
        usleep(1000); /* until it comes to its turn, or is no more */
    return *counter != then;
}

/* ---- a forged return ---- */

void forge_frame(uint64_t blocked)
{
    struct signal_frame frame = child->template;
    const struct vcpu_registers there = {.rip = FORGED_RIP, .rsp = DATA + PAGE, .rflags = 0x202};
    frame_write_registers(&frame, &there);
    frame.mask = blocked;
    frame.fpu = 0;
    memcpy(memory + PAGE, &frame, sizeof frame);
    registers = (struct child_registers){.general = {.rip = CODE,
                                             .rax = SYS_rt_sigreturn,
                                             .rsp = DATA + sizeof frame.return_address,
                                             .r15 = CHILD_TOP + stub_syscall(0)}};
}

/* ---- kicks ---- */

static pthread_t kicker;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static unsigned kick_after;
static bool cancelled;

static void *kick_after_a_while(void *unused)
{
    struct timespec at;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += kick_after * 1000000L;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    pthread_mutex_lock(&lock);
    while (!cancelled && rc == 0)
        rc = pthread_cond_timedwait(&change, &lock, &at);
    if (!cancelled)
        child_kick(child);
    pthread_mutex_unlock(&lock);
    return unused;
}

void child_kick_in_ms(unsigned ms)
{
    kick_after = ms;
    cancelled = false;
    assert_int_equal(pthread_create(&kicker, NULL, kick_after_a_while, NULL), 0);
}

void child_kick_cancel(void)
{
    pthread_mutex_lock(&lock);
    cancelled = true;
    pthread_cond_signal(&change);
    pthread_mutex_unlock(&lock);
    pthread_join(kicker, NULL);
    atomic_store(&child->kicked, false);
}

enum child_trap_kind child_run_kicked(unsigned ms)
{
    const struct child_registers begun = registers;
    enum child_trap_kind kind;
    do {
        registers = begun;
        child_kick_in_ms(ms);
        kind = run();
        child_kick_cancel();
    } while (kind == CHILD_KICKED && registers.general.rip - CODE < PAGE);
    return kind;
}

/* ---- processes ---- */

void child_renew(void)
{
    child_close(child);
    OK(child_open(family, &child, &error));
    OK(child_map(child, CODE, memory_number, 0, PAGE, CHILD_READ | CHILD_EXECUTE, &error));
    OK(child_map(child, DATA, memory_number, PAGE, PAGE, CHILD_READ | CHILD_WRITE, &error));
    registers = (struct child_registers){.general = {.rip = CODE, .rsp = DATA + PAGE}};
    trap = (struct child_trap){.kind = CHILD_KICKED};
}

int count_descriptors(pid_t process)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", process);
    DIR *directory = opendir(path);
    if (!directory)
        return -1;
    for (const struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static bool has_gone(pid_t process)
{
    for (int ms = 0; ms < child_patience_ms; ms++) {
        if (kill(process, 0) < 0)
            return true;
        usleep(1000);
    }
    return false;
}

/* A monitor of its own, whose guest spins when it is killed. */
static void be_killed(int tell)
{
    child_guest_open(NULL);
    PUT("1: jmp 1b");
    const pid_t tasks[] = {process_of(child->guest), process_of(child->helper)};
    if (write(tell, tasks, sizeof tasks) == sizeof tasks)
        run();
    _exit(0);
}

bool attack_by_outliving(void)
{
    int pipes[2];
    pid_t tasks[2] = {0};
    assert_return_code(pipe(pipes), 0);
    pid_t monitor = fork();
    if (monitor == 0)
        be_killed(pipes[1]);
    assert_int_equal(read(pipes[0], tasks, sizeof tasks), sizeof tasks);
    usleep(20000);
    kill(monitor, SIGKILL);
    waitpid(monitor, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    bool outlived = !has_gone(tasks[0]) || !has_gone(tasks[1]);
    for (unsigned i = 0; outlived && i < 2; i++)
        kill(tasks[i], SIGKILL);
    return outlived;
}

static void *kill_after_a_while(void *unused)
{
    usleep(20000);
    pidfd_send_signal(child->guest, SIGKILL, NULL, 0);
    return unused;
}

/* A kick gets the monitor out of it. */
bool attack_by_dying(void)
{
    pthread_t thread;
    PUT("1: jmp 1b");
    registers.general = (struct vcpu_registers){.rip = CODE};
    family->kicks_max = KICKS_FEW;
    assert_int_equal(pthread_create(&thread, NULL, kill_after_a_while, NULL), 0);
    child_run_kicked((unsigned)child_patience_ms);
    pthread_join(thread, NULL);
    return strcmp(trap.detail, "it would not stop") == 0;
}

static void *end_after_a_while(void *ended)
{
    for (int ms = 0; ms < child_patience_ms && !atomic_load((atomic_bool *)ended); ms++)
        usleep(1000);
    if (!atomic_load((atomic_bool *)ended))
        pidfd_send_signal(child->guest, SIGKILL, NULL, 0);
    return NULL;
}

bool attack_by_deafness(void)
{
    atomic_bool ended = false;
    pthread_t thread;
    forge_return(~UINT64_C(0), "1: jmp 1b");
    assert_int_equal(pthread_create(&thread, NULL, end_after_a_while, &ended), 0);
    child_run_kicked(5);
    bool killed_by_monitor = strcmp(trap.detail, "it would not stop") == 0;
    atomic_store(&ended, true);
    pthread_join(thread, NULL);
    return !killed_by_monitor;
}
