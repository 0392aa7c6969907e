/* The mechanism, on each of this machine's monitors, named by the argument: a guest of a few instructions,
 * entered by monitor.h alone. Also run in tests/nested. */
#include "chosen_monitor.h"
#include "repeated.h"

#include "base/size.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Guest physical, and virtual: the first GiB is mapped to itself for all privilege levels. */
enum {
    TABLES = 0x1000, /* three levels */
    TSS = 0x4000,
    CODE = 0x10000,
    DATA = 0x20000,
    STACK = 0x30000,
    MEMORY = 2 << 20,
    HOLE = 4 << 20, /* no memory is there at first */
    PORT = 0x80,
    PATIENCE = 300 /* seconds, after which a test has hung */
};

struct machine {
    struct vm *vm;
    struct vcpu *vcpu;
    char *memory;
};

static struct monitor_facts facts;
static struct machine here;

static int find_facts(void **state)
{
    (void)state;
    chosen->describe(&facts);
    if (!facts.usable)
        fprintf(stderr, "# %s cannot be used: %s\n", chosen->name, facts.reason);
    return 0;
}

static void need_monitor(void)
{
    if (facts.usable)
        return;
    print_message("# skip: %s\n", facts.reason);
    skip();
}

static void must(int rc, const struct error *error)
{
    if (rc < 0)
        fail_msg("%s", error->text);
}

static void build_memory(char *memory)
{
    uint64_t *tables = (uint64_t *)(memory + TABLES);
    uint16_t bitmap = 104;
    tables[0] = (TABLES + 0x1000) | 7;
    tables[512] = (TABLES + 0x2000) | 7;
    for (uint64_t i = 0; i < 512; i++)
        tables[1024 + i] = i << 21 | 0xe7; /* large, dirty, accessed, for all */
    memcpy(memory + TSS + 102, &bitmap, sizeof bitmap);
    memset(memory + TSS + 104 + 32, 0xff, 1);
}

static struct vcpu_system system_at(unsigned privilege)
{
    return (struct vcpu_system){
        .page_tables = GPA(TABLES),
        .cr0 = 0x80050033,
        .cr4 = 0x6a0,
        .efer = 0xd01,
        .cs_selector = privilege ? 0x63 : 0x40,
        .ss_selector = privilege ? 0x5b : 0x48,
        .tss = GVA(TSS),
        .tss_limit = 104 + 32,
        .tss_selector = 0x70,
    };
}

/* What is mapped for the machine, to be found again by its address. */
static struct backing backings[8];

static void *map(size_t bytes)
{
    for (size_t i = 0; i < sizeof backings / sizeof backings[0]; i++) {
        if (!backings[i].bytes) {
            backings[i] = map_backing(bytes);
            return backings[i].host;
        }
    }
    fail_msg("too much is mapped");
    return NULL;
}

static void unmap(const void *host)
{
    for (size_t i = 0; i < sizeof backings / sizeof backings[0]; i++) {
        if (backings[i].bytes && backings[i].host == host) {
            unmap_backing(&backings[i]);
            backings[i].bytes = 0;
        }
    }
}

static int set_region(
    unsigned slot, uint64_t start, void *host, uint64_t bytes, unsigned flags, struct error *error)
{
    struct backing backing = backing_private(host, bytes);
    for (size_t i = 0; i < sizeof backings / sizeof backings[0]; i++)
        if (backings[i].bytes && backings[i].host == host)
            backing = backings[i];
    backing.bytes = bytes;
    return chosen->region(here.vm, slot, GPA(start), &backing, flags, error);
}

static struct vcpu *make_vcpu(unsigned id)
{
    struct vcpu_system system = system_at(3);
    struct vcpu *vcpu = NULL;
    struct error error;
    must(chosen->vcpu(here.vm, id, &vcpu, &error), &error);
    must(chosen->set_system(vcpu, &system, &error), &error);
    return vcpu;
}

static int open_machine(void **state)
{
    struct error error;
    (void)state;
    if (!facts.usable)
        return 0;
    alarm(PATIENCE);
    must(chosen->create(&(struct vm_config){.irqchip = false}, &here.vm, &error), &error);
    here.memory = map(MEMORY);
    build_memory(here.memory);
    must(set_region(0, 0, here.memory, MEMORY, 0, &error), &error);
    here.vcpu = make_vcpu(0);
    return 0;
}

static int close_machine(void **state)
{
    (void)state;
    if (!facts.usable)
        return 0;
    chosen->destroy(here.vm);
    unmap(here.memory);
    alarm(0);
    return 0;
}

/* ---- running code ---- */

static struct vcpu_registers start(const char *code, size_t bytes)
{
    memcpy(here.memory + CODE, code, bytes);
    return (struct vcpu_registers){.rip = CODE, .rsp = STACK, .rflags = 0x3202, .rdx = PORT};
}
#define START(code) start(code, sizeof(code) - 1)
#define SPIN "\xeb\xfe"
#define OUT_EAX "\xef"
#define IN_EAX "\xed"

static void set(struct vcpu *vcpu, struct vcpu_registers registers)
{
    struct error error;
    must(chosen->set_registers(vcpu, &registers, &error), &error);
}

static struct vcpu_registers get(struct vcpu *vcpu)
{
    struct vcpu_registers registers = {.rip = 0};
    struct error error;
    must(chosen->get_registers(vcpu, &registers, &error), &error);
    return registers;
}

/* Whatever signal comes from elsewhere is no matter. */
static struct vm_exit enter(struct vcpu *vcpu)
{
    struct vm_exit exit;
    struct error error;
    do
        must(chosen->enter(vcpu, &exit, &error), &error);
    while (exit.kind == EXIT_INTERRUPTED);
    return exit;
}

static struct vm_exit run(struct vcpu_registers registers)
{
    set(here.vcpu, registers);
    return enter(here.vcpu);
}

static struct vm_exit complete(void)
{
    struct vm_exit exit;
    struct error error;
    must(chosen->complete(here.vcpu, &exit, &error), &error);
    return exit;
}

static void set_privilege(unsigned privilege)
{
    struct vcpu_system system = system_at(privilege);
    struct error error;
    must(chosen->set_system(here.vcpu, &system, &error), &error);
}

/* ---- exits carry their data ---- */

static void output_is_delivered_with_what_was_written(void **state)
{
    (void)state;
    need_monitor();
    for (unsigned privilege = 0; privilege <= 3; privilege += 3) {
        struct vcpu_registers registers = START(OUT_EAX SPIN);
        set_privilege(privilege);
        registers.rax = 0xcafe1234;
        struct vm_exit exit = run(registers);
        assert_int_equal(exit.kind, EXIT_IO);
        assert_int_equal(exit.port, PORT);
        assert_int_equal(exit.size, 4);
        assert_int_equal(exit.count, 1);
        assert_true(exit.write);
        assert_int_equal(*(uint32_t *)exit.data, 0xcafe1234);
        assert_int_equal(complete().kind, EXIT_INTERRUPTED);
        assert_int_equal(get(here.vcpu).rip, CODE + 1);
    }
}

static void what_input_reads_is_there_once_it_is_completed(void **state)
{
    (void)state;
    need_monitor();
    for (unsigned privilege = 0; privilege <= 3; privilege += 3) {
        set_privilege(privilege);
        struct vm_exit exit = run(START(IN_EAX SPIN));
        assert_int_equal(exit.kind, EXIT_IO);
        assert_false(exit.write);
        assert_int_equal(exit.size, 4);
        assert_int_equal(*(uint32_t *)exit.data, 0);
        *(uint32_t *)exit.data = 0x87654321;
        assert_int_equal(complete().kind, EXIT_INTERRUPTED);
        struct vcpu_registers after = get(here.vcpu);
        assert_int_equal(after.rax, 0x87654321);
        assert_int_equal(after.rip, CODE + 1);
        assert_int_equal(complete().kind, EXIT_INTERRUPTED); /* there is nothing more */
        assert_int_equal(get(here.vcpu).rip, CODE + 1);
    }
}

/* In as many exits as the monitor likes, but every byte once and in order. */
static void strings_of_output_arrive_whole(void **state)
{
    static const char text[] = "eleven bytes";
    char got[sizeof text] = "";
    size_t length = 0;
    struct vcpu_registers registers = START("\xf3\x6e" /* rep outsb */ "\xf4");
    (void)state;
    need_monitor();
    set_privilege(0);
    memcpy(here.memory + DATA, text, sizeof text);
    registers.rsi = DATA;
    registers.rcx = sizeof text;
    struct vm_exit exit;
    for (exit = run(registers); exit.kind == EXIT_IO; exit = enter(here.vcpu)) {
        assert_int_equal(exit.size, 1);
        assert_in_range(exit.count, 1, sizeof text - length);
        memcpy(got + length, exit.data, exit.count);
        length += exit.count;
    }
    assert_int_equal(exit.kind, EXIT_HALT);
    assert_int_equal(length, sizeof text);
    assert_string_equal(got, text);
}

static void strings_of_input_arrive_whole(void **state)
{
    struct vcpu_registers registers = START("\xf3\x6d" /* rep insl */ "\xf4");
    uint32_t next = 0;
    (void)state;
    need_monitor();
    set_privilege(0);
    registers.rdi = DATA;
    registers.rcx = 7;
    struct vm_exit exit;
    for (exit = run(registers); exit.kind == EXIT_IO; exit = enter(here.vcpu)) {
        assert_int_equal(exit.size, 4);
        for (uint32_t i = 0; i < exit.count; i++)
            ((uint32_t *)exit.data)[i] = ++next;
    }
    assert_int_equal(exit.kind, EXIT_HALT);
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(((uint32_t *)(here.memory + DATA))[i], i + 1);
}

static void an_access_without_memory_carries_its_data(void **state)
{
    struct vcpu_registers registers =
        START("\x48\x89\x18" /* mov %rbx, (%rax) */ "\x48\x8b\x08" /* mov (%rax), %rcx */);
    (void)state;
    need_monitor();
    registers.rax = HOLE + 8;
    registers.rbx = 0x1122334455667788;
    struct vm_exit exit = run(registers);
    assert_int_equal(exit.kind, EXIT_MMIO);
    assert_int_equal(exit.address.value, HOLE + 8);
    assert_int_equal(exit.size, 8);
    assert_true(exit.write);
    assert_int_equal(*(uint64_t *)exit.data, 0x1122334455667788);
    exit = enter(here.vcpu);
    assert_int_equal(exit.kind, EXIT_MMIO);
    assert_false(exit.write);
    assert_int_equal(*(uint64_t *)exit.data, 0);
    *(uint64_t *)exit.data = 0x99aabbccddeeff00;
    assert_int_equal(complete().kind, EXIT_INTERRUPTED);
    assert_int_equal(get(here.vcpu).rcx, 0x99aabbccddeeff00);
    assert_int_equal(get(here.vcpu).rip, CODE + 6);
}

/* One instruction, two pages: completing the first half delivers the second. */
static void an_access_to_two_pages_is_completed_part_by_part(void **state)
{
    struct vcpu_registers registers = START("\x48\x8b\x08" /* mov (%rax), %rcx */);
    (void)state;
    need_monitor();
    registers.rax = HOLE + 4096 - 3;
    struct vm_exit exit = run(registers);
    uint32_t bytes = 0;
    for (int parts = 0; exit.kind == EXIT_MMIO && parts < 8; parts++, exit = complete()) {
        assert_int_equal(exit.address.value, HOLE + 4096 - 3 + bytes);
        for (uint32_t i = 0; i < exit.size; i++)
            ((uint8_t *)exit.data)[i] = (uint8_t)++bytes;
    }
    assert_int_equal(exit.kind, EXIT_INTERRUPTED);
    assert_int_equal(bytes, 8);
    assert_int_equal(get(here.vcpu).rcx, 0x0807060504030201);
    assert_int_equal(get(here.vcpu).rip, CODE + 3);
}

/* Neither what the old one would have read, nor where it would have gone on. */
static void new_registers_are_not_changed_by_an_access_before_them(void **state)
{
    static const char *const accesses[] = {
        "\x48\x8b\x08", "\x48\x89\x08", IN_EAX "\x90\x90", OUT_EAX "\x90\x90"};
    (void)state;
    need_monitor();
    for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; i++) {
        for (unsigned at = 0; at <= 64; at += 64) {
            struct vcpu_registers registers = start(accesses[i], 3);
            registers.rax = HOLE + 4096 - 3;
            struct vm_exit exit = run(registers);
            assert_true(exit.kind == EXIT_MMIO || exit.kind == EXIT_IO);
            memcpy(here.memory + CODE + at, OUT_EAX, 1);
            registers.rip = CODE + at;
            registers.rax = registers.rcx = 4711;
            exit = run(registers);
            assert_int_equal(exit.kind, EXIT_IO);
            assert_true(exit.write);
            assert_int_equal(get(here.vcpu).rax, 4711);
            assert_int_equal(get(here.vcpu).rcx, 4711);
        }
    }
}

static void memory_that_the_host_lacks_is_a_fault_with_its_instruction(void **state)
{
    struct vcpu_registers registers = START("\x90\x48\x8b\x08" /* nop; mov (%rax), %rcx */);
    struct error error;
    (void)state;
    need_monitor();
    char *page = map(4096);
    must(set_region(1, HOLE, page, 4096, 0, &error), &error);
    unmap(page);
    registers.rax = HOLE;
    struct vm_exit exit = run(registers);
    assert_int_equal(exit.kind, EXIT_FAULT);
    assert_int_equal(exit.rip, CODE + 1);
    if (exit.address_known)
        assert_int_equal(exit.address.value, HOLE);
}

static void a_halt_and_a_triple_fault_are_told(void **state)
{
    (void)state;
    need_monitor();
    set_privilege(0);
    assert_int_equal(run(START("\xf4")).kind, EXIT_HALT);
    assert_int_equal(run(START("\x0f\x0b")).kind, EXIT_SHUTDOWN);
}

static void the_base_of_fs_and_of_gs_is_set(void **state)
{
    struct vcpu_system system = system_at(3), after;
    struct error error;
    (void)state;
    need_monitor();
    memcpy(here.memory + DATA, "fsfsfsf\0gsgsgsg", 16);
    system.fs_base = DATA;
    system.gs_base = DATA + 8;
    must(chosen->set_system(here.vcpu, &system, &error), &error);
    set(here.vcpu, START("\x64\x48\x8b\x04\x25\0\0\0\0" /* mov %fs:0, %rax */
                         "\x65\x48\x8b\x1c\x25\0\0\0\0" /* mov %gs:0, %rbx */ OUT_EAX));
    assert_int_equal(enter(here.vcpu).kind, EXIT_IO);
    struct vcpu_registers registers = get(here.vcpu);
    assert_memory_equal(&registers.rax, "fsfsfsf", 8);
    assert_memory_equal(&registers.rbx, "gsgsgsg", 8);
    must(chosen->get_system(here.vcpu, &after, &error), &error);
    assert_int_equal(after.fs_base, DATA);
    assert_int_equal(after.gs_base, DATA + 8);
}

/* ---- memory ---- */

static uint64_t guest_reads(uint64_t address, enum vm_exit_kind *kind)
{
    struct vcpu_registers registers = START("\x48\x8b\x08" /* mov (%rax), %rcx */ OUT_EAX);
    registers.rax = address;
    *kind = run(registers).kind;
    return get(here.vcpu).rcx;
}

static void *spin(void *vcpu);
struct spinner {
    struct vcpu *vcpu;
    atomic_ulong kicked, ended;
    atomic_bool stop;
    int rc;
};

static void memory_comes_and_goes_while_a_guest_runs(void **state)
{
    enum { BYTES = 256 << 20, TIMES = 20 };
    enum vm_exit_kind kind;
    pthread_t thread;
    struct error error;
    (void)state;
    need_monitor();
    struct spinner spinner = {.vcpu = make_vcpu(1)};
    set(spinner.vcpu, START("\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90" SPIN));
    struct vcpu_registers registers = get(spinner.vcpu);
    registers.rip += 16;
    set(spinner.vcpu, registers);
    chosen->release(spinner.vcpu);
    assert_int_equal(pthread_create(&thread, NULL, spin, &spinner), 0);
    char *memory = map(BYTES);
    for (uint64_t i = 1; i <= repeated(TIMES); i++) {
        must(set_region(7, HOLE, memory, BYTES, 0, &error), &error);
        memcpy(memory + BYTES - 8, &i, sizeof i);
        assert_int_equal(guest_reads(HOLE + BYTES - 8, &kind), i);
        assert_int_equal(kind, EXIT_IO);
        must(chosen->region(here.vm, 7, GPA(HOLE), NULL, 0, &error), &error);
        guest_reads(HOLE + BYTES - 8, &kind);
        assert_int_equal(kind, EXIT_MMIO);
    }
    spinner.stop = true;
    chosen->kick(spinner.vcpu);
    pthread_join(thread, NULL);
    assert_int_equal(spinner.rc, 0);
    unmap(memory);
}

static void a_guest_reads_a_read_only_region_and_does_not_write_it(void **state)
{
    enum vm_exit_kind kind;
    uint64_t *page = map(4096);
    struct error error;
    (void)state;
    need_monitor();
    *page = 77;
    must(set_region(1, HOLE, page, 4096, REGION_READ_ONLY, &error), &error);
    assert_int_equal(guest_reads(HOLE, &kind), 77);
    assert_int_equal(kind, EXIT_IO);
    struct vcpu_registers registers = START("\x48\x89\x18" /* mov %rbx, (%rax) */ OUT_EAX);
    registers.rax = HOLE;
    registers.rbx = 99;
    struct vm_exit exit = run(registers);
    assert_int_equal(exit.kind, EXIT_MMIO);
    assert_true(exit.write);
    assert_int_equal(*(uint64_t *)exit.data, 99);
    assert_int_equal(*page, 77);
    unmap(page);
}

static void what_a_guest_writes_is_logged_from_when_it_is_asked(void **state)
{
    struct vcpu_registers registers = START("\x48\x89\x18" /* mov %rbx, (%rax) */ OUT_EAX);
    char *memory = map((size_t)64 * 4096);
    struct error error;
    uint64_t bitmap = ~UINT64_C(0);
    (void)state;
    need_monitor();
    if (chosen->elsewhere) {
        assert_int_equal(set_region(1, HOLE, memory, 64 * 4096, REGION_LOG_DIRTY, &error), -ENOTSUP);
        unmap(memory);
        return;
    }
    must(set_region(1, HOLE, memory, 64 * 4096, 0, &error), &error);
    assert_int_equal(set_region(1, HOLE, memory, 64 * 4096, REGION_READ_ONLY, &error), -EBUSY);
    must(set_region(1, HOLE, memory, 64 * 4096, REGION_LOG_DIRTY, &error), &error);
    must(chosen->dirty(here.vm, 1, &bitmap, &error), &error);
    for (unsigned page = 3; page < 64; page += 20) {
        registers.rax = HOLE + page * 4096;
        assert_int_equal(run(registers).kind, EXIT_IO);
    }
    must(chosen->dirty(here.vm, 1, &bitmap, &error), &error);
    assert_int_equal(bitmap, UINT64_C(1) << 3 | UINT64_C(1) << 23 | UINT64_C(1) << 43 | UINT64_C(1) << 63);
    must(chosen->dirty(here.vm, 1, &bitmap, &error), &error);
    assert_int_equal(bitmap, 0);
    unmap(memory);
}

static void memory_that_cannot_be_is_refused_with_a_sentence(void **state)
{
    char *page = map(8192);
    struct error error;
    (void)state;
    need_monitor();
    assert_int_equal(set_region(1, MEMORY - 4096, page, 8192, 0, &error), -EEXIST);
    assert_non_null(strstr(error.text, "slot 0"));
    assert_int_equal(set_region(UINT32_MAX, HOLE, page, 4096, 0, &error), -EINVAL);
    assert_int_equal(chosen->region(here.vm, 5, GPA(HOLE), NULL, 0, &error), -ENOENT);
    must(set_region(1, HOLE, page, 8192, 0, &error), &error); /* and nothing was spoilt */
    unmap(page);
}

/* ---- kicks ---- */

/* Until a kick that came after stop was set, however late this thread begins. */
static void *spin(void *argument)
{
    struct spinner *spinner = argument;
    struct error error;
    struct vm_exit exit;
    bool last = false;
    while (spinner->rc == 0 && !last) {
        spinner->rc = chosen->enter(spinner->vcpu, &exit, &error);
        if (spinner->rc == 0 && exit.kind == EXIT_KICKED) {
            last = spinner->stop; /* before whoever waits for the kick goes on */
            spinner->kicked++;
        } else if (spinner->rc == 0 && exit.kind != EXIT_INTERRUPTED)
            spinner->rc = -EPROTO;
    }
    chosen->release(spinner->vcpu);
    spinner->ended = true;
    return NULL;
}

static void start_spinning(struct spinner *spinner, pthread_t *thread)
{
    *spinner = (struct spinner){.vcpu = here.vcpu};
    set(here.vcpu, START(SPIN));
    chosen->release(here.vcpu);
    assert_int_equal(pthread_create(thread, NULL, spin, spinner), 0);
}

/* Of a guest that never leaves by itself. Every kick that was waited for is one exit: none is lost, none
 * comes twice. */
static void thousands_of_kicks_from_another_thread_are_an_exit_each(void **state)
{
    enum { KICKS = 5000, SECONDS = 5 };
    struct spinner spinner;
    pthread_t thread;
    (void)state;
    need_monitor();
    start_spinning(&spinner, &thread);
    unsigned long kicks = 0;
    time_t end = time(NULL) + SECONDS;
    for (unsigned long i = 1; i <= repeated(KICKS) && !spinner.ended && time(NULL) < end; i++) {
        kicks = i;
        for (unsigned pause = i % 7 * 50; pause; pause--) /* before, at, and after the entry */
            __builtin_ia32_pause();
        chosen->kick(here.vcpu);
        while (spinner.kicked < i && !spinner.ended)
            sched_yield();
        assert_int_equal(spinner.kicked, i);
    }
    spinner.stop = true;
    chosen->kick(here.vcpu);
    pthread_join(thread, NULL);
    assert_int_equal(spinner.rc, 0);
    assert_int_equal(spinner.kicked, kicks + 1);
}

static void *kick_often(void *vcpu)
{
    for (int i = 0; i < 20000; i++)
        chosen->kick(vcpu);
    return NULL;
}

static void kicks_that_are_not_waited_for_merge_and_the_last_is_not_lost(void **state)
{
    struct spinner spinner;
    pthread_t thread, kickers[2];
    (void)state;
    need_monitor();
    start_spinning(&spinner, &thread);
    for (int i = 0; i < 2; i++)
        pthread_create(&kickers[i], NULL, kick_often, here.vcpu);
    for (int i = 0; i < 2; i++)
        pthread_join(kickers[i], NULL);
    spinner.stop = true;
    chosen->kick(here.vcpu);
    pthread_join(thread, NULL);
    assert_int_equal(spinner.rc, 0);
    assert_in_range(spinner.kicked, 1, 40001);
}

static void a_kick_before_the_entry_holds_for_it_and_two_are_one(void **state)
{
    (void)state;
    need_monitor();
    chosen->kick(here.vcpu);
    chosen->kick(here.vcpu);
    assert_int_equal(run(START(OUT_EAX SPIN)).kind, EXIT_KICKED);
    assert_int_equal(get(here.vcpu).rip, CODE);
    assert_int_equal(enter(here.vcpu).kind, EXIT_IO);
    chosen->kick(here.vcpu); /* in between: the I/O is done, and nothing after it */
    assert_int_equal(complete().kind, EXIT_INTERRUPTED);
    assert_int_equal(enter(here.vcpu).kind, EXIT_KICKED);
    assert_int_equal(get(here.vcpu).rip, CODE + 1);
}

static void kick_here(int number)
{
    (void)number;
    chosen->kick(here.vcpu);
}

static void *signal_soon(void *thread)
{
    usleep(20000);
    pthread_kill(*(pthread_t *)thread, SIGVTALRM);
    return NULL;
}

static void a_kick_from_a_signal_handler_stops_the_guest(void **state)
{
    struct sigaction action = {.sa_handler = kick_here, .sa_flags = SA_RESTART}, before;
    pthread_t thread, self = pthread_self();
    (void)state;
    need_monitor();
    sigaction(SIGVTALRM, &action, &before);
    pthread_create(&thread, NULL, signal_soon, &self);
    assert_int_equal(run(START(SPIN)).kind, EXIT_KICKED);
    pthread_join(thread, NULL);
    sigaction(SIGVTALRM, &before, NULL);
}

static struct sigaction handler_of(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    return action;
}

static void count_own(int number)
{
    (void)number;
}

/* The signal is one that nobody has a handler for, and is given back; not the program's own. */
static void the_signal_is_nobody_elses_and_given_back(void **state)
{
    (void)state;
    need_monitor();
    assert_ptr_not_equal(handler_of(SIGRTMAX).sa_handler, SIG_DFL);
    must(close_machine(state), NULL);
    assert_ptr_equal(handler_of(SIGRTMAX).sa_handler, SIG_DFL);
    signal(SIGRTMAX, count_own);
    must(open_machine(state), NULL);
    assert_ptr_equal(handler_of(SIGRTMAX).sa_handler, count_own);
    chosen->kick(here.vcpu);
    assert_int_equal(run(START(SPIN)).kind, EXIT_KICKED);
    signal(SIGRTMAX, SIG_DFL);
}

/* One that is still pending in a thread when the machine ends, or only just came. */
static void kicks_around_the_end_of_a_machine_do_no_harm(void **state)
{
    (void)state;
    need_monitor();
    sigset_t late;
    sigemptyset(&late);
    sigaddset(&late, SIGRTMAX);
    pthread_sigmask(SIG_BLOCK, &late, NULL);
    if (!chosen->elsewhere)
        raise(SIGRTMAX); /* as a kick does */
    close_machine(state);
    pthread_sigmask(SIG_UNBLOCK, &late, NULL);
    open_machine(state);
    for (unsigned i = 0; i < repeated(20); i++) {
        struct spinner spinner;
        pthread_t thread;
        start_spinning(&spinner, &thread);
        spinner.stop = true;
        chosen->kick(here.vcpu);
        chosen->kick(here.vcpu);
        pthread_join(thread, NULL);
        chosen->kick(here.vcpu);
        close_machine(state);
        open_machine(state);
    }
}

/* ---- several virtual CPUs ---- */

static void *use_others(void *error)
{
    struct vcpu_registers registers = {.rip = CODE};
    struct vcpu_system system;
    struct vm_exit exit;
    bool refused = chosen->set_registers(here.vcpu, &registers, error) == -EPERM &&
                   chosen->get_registers(here.vcpu, &registers, error) == -EPERM &&
                   chosen->get_system(here.vcpu, &system, error) == -EPERM &&
                   chosen->set_system(here.vcpu, &system, error) == -EPERM &&
                   chosen->complete(here.vcpu, &exit, error) == -EPERM &&
                   chosen->enter(here.vcpu, &exit, error) == -EPERM;
    chosen->release(here.vcpu); /* it is not this thread's to give */
    return refused && chosen->enter(here.vcpu, &exit, error) == -EPERM ? error : NULL;
}

static void a_virtual_cpu_is_its_owners_alone(void **state)
{
    struct error error = {.code = 0};
    pthread_t thread;
    void *refused;
    (void)state;
    need_monitor();
    assert_int_equal(run(START(OUT_EAX SPIN)).kind, EXIT_IO);
    pthread_create(&thread, NULL, use_others, &error);
    pthread_join(thread, &refused);
    assert_non_null(refused);
    assert_non_null(strstr(error.text, "virtual CPU 0 belongs to"));
    assert_int_equal(complete().kind, EXIT_INTERRUPTED);
    assert_int_equal(get(here.vcpu).rip, CODE + 1);
}

static void virtual_cpus_are_made_while_others_run_up_to_the_limit(void **state)
{
    enum { SPINNERS = 8 };
    struct spinner spinners[SPINNERS];
    pthread_t threads[SPINNERS];
    struct vcpu *vcpu;
    struct error error;
    (void)state;
    need_monitor();
    memcpy(here.memory + CODE, SPIN, 2);
    for (unsigned i = 0; i < SPINNERS; i++) {
        spinners[i] = (struct spinner){.vcpu = make_vcpu(i + 1)};
        set(spinners[i].vcpu, (struct vcpu_registers){.rip = CODE, .rflags = 0x202});
        chosen->release(spinners[i].vcpu);
        assert_int_equal(pthread_create(&threads[i], NULL, spin, &spinners[i]), 0);
    }
    make_vcpu(chosen->vcpus_max(here.vm) - 1);
    assert_int_equal(chosen->vcpu(here.vm, chosen->vcpus_max(here.vm), &vcpu, &error), -EINVAL);
    assert_int_equal(chosen->vcpu(here.vm, 1, &vcpu, &error), -EEXIST);
    for (unsigned i = 0; i < SPINNERS; i++) {
        spinners[i].stop = true;
        chosen->kick(spinners[i].vcpu);
    }
    for (unsigned i = 0; i < SPINNERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(spinners[i].rc, 0);
    }
}

static void requests_are_for_guests_with_one_virtual_cpu(void **state)
{
    struct vcpu_registers registers = START("\x0f\x05" /* syscall */ OUT_EAX SPIN);
    (void)state;
    need_monitor();
    if (strcmp(chosen->name, "paravirt") != 0)
        return;
    make_vcpu(1);
    set_privilege(0);
    registers.rax = 0x20764300; /* HYPERCALL_ASK */
    const struct vm_exit exit = run(registers);
    assert_int_equal(exit.kind, EXIT_FAILED);
    assert_non_null(strstr(exit.detail, "one virtual CPU only"));
}

static void stores_are_emulated_for_guests_with_one_virtual_cpu(void **state)
{
    struct vm *vm;
    struct vcpu *vcpu;
    struct error error;
    (void)state;
    need_monitor();
    if (strcmp(chosen->name, "shadow") != 0)
        return;
    must(chosen->create(&(struct vm_config){.sync_write = true}, &vm, &error), &error);
    must(chosen->vcpu(vm, 0, &vcpu, &error), &error);
    assert_int_equal(chosen->vcpu(vm, 1, &vcpu, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "--sync lazy"));
    chosen->destroy(vm);
}

/* Code, registers, what the FPU holds, a kick that was meant for the one before. */
static void a_reset_virtual_cpu_has_nothing_of_its_last_user(void **state)
{
    struct vcpu_registers registers = START("\x66\x48\x0f\x6e\xc0" /* movq %rax, %xmm0 */ IN_EAX SPIN);
    struct vcpu_registers read = {.rip = CODE + 64, .rsp = STACK, .rflags = 0x3202, .rdx = PORT};
    struct error error;
    (void)state;
    need_monitor();
    memcpy(here.memory + CODE + 64, "\x66\x48\x0f\x7e\xc0" /* movq %xmm0, %rax */ OUT_EAX, 6);
    registers.rax = 0x5ec7e7;
    assert_int_equal(run(registers).kind, EXIT_IO);
    chosen->kick(here.vcpu);
    must(chosen->reset(here.vcpu, &error), &error);
    assert_int_equal(get(here.vcpu).rax, 0);
    assert_int_equal(run(read).kind, EXIT_IO);
    assert_int_equal(get(here.vcpu).rax, 0);
}

static void each_virtual_cpu_has_its_own_counters(void **state)
{
    struct counters first = {.count = 0}, second = {.count = 0}, of_vm = {.count = 0};
    uint64_t few, many, pages;
    (void)state;
    need_monitor();
    struct vcpu *other = make_vcpu(1);
    for (int i = 0; i < 100; i++)
        run(START(OUT_EAX SPIN));
    chosen->counters(here.vm, here.vcpu, &first);
    chosen->counters(here.vm, other, &second);
    chosen->counters(here.vm, NULL, &of_vm);
    if (first.count == 0) {
        print_message("# skip: this kernel's KVM has no binary statistics\n");
        skip();
    }
    assert_true(counters_get(&first, "exits", &many) && counters_get(&second, "exits", &few));
    assert_true(many >= 100);
    assert_int_equal(few, 0);
    assert_true(counters_get(&of_vm, "pages_4k", &pages));
    assert_false(counters_get(&first, "pages_4k", &pages) || counters_get(&of_vm, "exits", &few));
}

#define IN_MACHINE(test) cmocka_unit_test_setup_teardown(test, open_machine, close_machine)

int main(int argc, char **argv)
{
    choose_monitor(argc, argv);
    const struct CMUnitTest tests[] = {
        IN_MACHINE(output_is_delivered_with_what_was_written),
        IN_MACHINE(what_input_reads_is_there_once_it_is_completed),
        IN_MACHINE(strings_of_output_arrive_whole),
        IN_MACHINE(strings_of_input_arrive_whole),
        IN_MACHINE(an_access_without_memory_carries_its_data),
        IN_MACHINE(an_access_to_two_pages_is_completed_part_by_part),
        IN_MACHINE(new_registers_are_not_changed_by_an_access_before_them),
        IN_MACHINE(a_halt_and_a_triple_fault_are_told),
        IN_MACHINE(the_base_of_fs_and_of_gs_is_set),
        IN_MACHINE(memory_comes_and_goes_while_a_guest_runs),
        IN_MACHINE(a_guest_reads_a_read_only_region_and_does_not_write_it),
        IN_MACHINE(what_a_guest_writes_is_logged_from_when_it_is_asked),
        IN_MACHINE(memory_that_cannot_be_is_refused_with_a_sentence),
        IN_MACHINE(thousands_of_kicks_from_another_thread_are_an_exit_each),
        IN_MACHINE(kicks_that_are_not_waited_for_merge_and_the_last_is_not_lost),
        IN_MACHINE(a_kick_before_the_entry_holds_for_it_and_two_are_one),
        IN_MACHINE(a_kick_from_a_signal_handler_stops_the_guest),
        IN_MACHINE(kicks_around_the_end_of_a_machine_do_no_harm),
        IN_MACHINE(a_virtual_cpu_is_its_owners_alone),
        IN_MACHINE(virtual_cpus_are_made_while_others_run_up_to_the_limit),
        IN_MACHINE(requests_are_for_guests_with_one_virtual_cpu),
        IN_MACHINE(stores_are_emulated_for_guests_with_one_virtual_cpu),
        IN_MACHINE(a_reset_virtual_cpu_has_nothing_of_its_last_user),
        IN_MACHINE(each_virtual_cpu_has_its_own_counters),
        /* Not of a guest elsewhere: it has the descriptor, whatever is mapped here, and takes no signal. */
        IN_MACHINE(memory_that_the_host_lacks_is_a_fault_with_its_instruction),
        IN_MACHINE(the_signal_is_nobody_elses_and_given_back),
    };
    size_t count = sizeof tests / sizeof tests[0] - (chosen->elsewhere ? 2 : 0);
    return _cmocka_run_group_tests("monitor", tests, count, find_facts, NULL);
}
