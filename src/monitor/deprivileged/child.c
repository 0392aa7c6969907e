/* A child: made, changed, ended. */
#include "measure/clock.h"
#include "monitor/deprivileged/child_filter.h"
#include "monitor/deprivileged/child_internal.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    SLICE_MS = 50,        /* between two looks at the stop flag */
    ORDERS_SLICES = 1200, /* in which the helper carries out orders */
    DEATH_MS = 1000
};

static_assert(FILTER_MAX <= DESK_FILTER_MAX, "a filter has room in the desk");

/* ---- made ---- */

static void lay_filter(struct child *child, const struct filter *filter, size_t at, size_t program)
{
    const struct sock_fprog there = {
        .len = (unsigned short)filter->count, .filter = (struct sock_filter *)(uintptr_t)(DESK_BASE + at)};
    memcpy(child->desk + at, filter->code, filter->count * sizeof filter->code[0]);
    memcpy(child->desk + program, &there, sizeof there);
}

static void lay_desk(struct child *child)
{
    struct filter filter;
    filter_guest(&filter);
    lay_filter(child, &filter, DESK_GUEST_FILTER, DESK_GUEST_PROG);
    filter_helper(&filter);
    lay_filter(child, &filter, DESK_HELPER_FILTER, DESK_HELPER_PROG);
    *desk_word(child, DESK_TURN) = TURN_GUEST;
}

static int map_desk(struct child *child, struct error *error)
{
    int fd = memfd_create("vcost-desk", MFD_CLOEXEC);
    void *desk = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, DESK_BYTES) == 0)
        desk = mmap(NULL, DESK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (desk == MAP_FAILED) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return error_errno(error, code, "cannot make memory to share with a guest");
    }
    child->desk = desk;
    lay_desk(child);
    return fd;
}

/* Both tasks run where the caller may. */
static int place(pid_t guest, pid_t helper, struct error *error)
{
    cpu_set_t *set = CPU_ALLOC(CPU_SETSIZE * 8);
    size_t bytes = CPU_ALLOC_SIZE(CPU_SETSIZE * 8);
    int code = !set ? ENOMEM : 0;
    if (!code && (sched_getaffinity(0, bytes, set) < 0 || sched_setaffinity(guest, bytes, set) < 0 ||
                     sched_setaffinity(helper, bytes, set) < 0))
        code = errno;
    CPU_FREE(set);
    return code ? error_errno(error, code, "cannot choose the CPUs of a guest") : 0;
}

static int open_pidfd(pid_t pid, int *fd, struct error *error)
{
    *fd = pidfd_open(pid, 0);
    return *fd < 0 ? error_errno(error, errno, "a guest's process has ended at once") : 0;
}

static int ask_child(struct child *child, int desk, pid_t *helper, struct error *error)
{
    const struct nursery_request request = {NURSERY_CHILD, 0};
    struct nursery_answer answer = {0};
    int rc = nursery_ask(child->family, &request, (const int[2]){desk, child->reply}, &answer, error);
    if (rc < 0)
        return rc;
    if (answer.code < 0)
        return error_start(error, -answer.code, "a process for a guest");
    child->reply_number = answer.reply;
    *desk_word(child, DESK_REPLY) = (uint32_t)answer.reply;
    *helper = answer.helper;
    return 0;
}

/* The guest's number is believed: none of its code has run. If it still is in its first trap after its pidfd
 * was made, that is of no other process. */
static int adopt(struct child *child, pid_t helper, struct error *error)
{
    child->helper_number = helper;
    int rc = open_pidfd(helper, &child->helper, error);
    if (rc == -ESRCH)
        return child_failed_step(child, error);
    if (rc == 0)
        rc = child_begin(child, error);
    if (rc < 0)
        return rc;
    pid_t guest = (pid_t)*desk_word(child, DESK_GUEST_PID);
    rc = open_pidfd(guest, &child->guest, error);
    if (rc == 0 && *desk_word(child, DESK_TURN) != TURN_SIGNAL)
        rc = error_set(error, ESRCH, "a guest's process has ended at once");
    child->guest_number = guest;
    return rc < 0 ? rc : place(guest, helper, error);
}

static int make(struct child *child, struct error *error)
{
    pid_t helper = -1;
    child->reply = eventfd(0, EFD_CLOEXEC);
    if (child->reply < 0)
        return error_errno(error, errno, "cannot make an eventfd");
    int desk = map_desk(child, error);
    if (desk < 0)
        return desk;
    int rc = ask_child(child, desk, &helper, error);
    close(desk);
    return rc < 0 ? rc : adopt(child, helper, error);
}

static void enlist(struct child *child)
{
    child->next = child->family->open;
    child->link = &child->family->open;
    if (child->next)
        child->next->link = &child->next;
    child->family->open = child;
}

int child_open(struct children *children, struct child **child, struct error *error)
{
    struct child *new = calloc(1, sizeof *new);
    if (!new)
        return error_errno(error, ENOMEM, "cannot start a guest");
    new->family = children;
    new->mapped = mappings_new();
    new->reply = new->reply_number = new->guest = new->helper = -1;
    enlist(new);
    int rc = new->mapped ? make(new, error) : error_errno(error, ENOMEM, "cannot start a guest");
    if (rc < 0)
        child_close(new);
    else
        *child = new;
    return rc;
}

/* ---- ended ---- */

static void kill_task(int pidfd)
{
    if (pidfd >= 0)
        pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

static void end_task(int pidfd)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0)
        return;
    poll(&ended, 1, DEATH_MS); /* so that its memory is free soon */
    close(pidfd);
}

void child_kill(struct child *child, const char *why)
{
    kill_task(child->guest);
    child->turn = TURN_DEAD;
    snprintf(child->died, sizeof child->died, "%s", why);
}

void child_close(struct child *child)
{
    if (!child)
        return;
    if (child->family->last == child)
        child->family->last = NULL;
    *child->link = child->next;
    if (child->next)
        child->next->link = child->link;
    kill_task(child->guest);
    kill_task(child->helper);
    end_task(child->guest);
    end_task(child->helper);
    if (child->reply_number >= 0) {
        struct nursery_answer answer;
        nursery_ask(child->family, &(struct nursery_request){NURSERY_CLOSE, child->reply_number},
            (const int[2]){-1, -1}, &answer, NULL);
    }
    if (child->reply >= 0)
        close(child->reply);
    if (child->desk)
        munmap(child->desk, DESK_BYTES);
    mappings_free(child->mapped);
    free(child);
}

void child_counts(const struct child *child, struct child_counts *counts)
{
    *counts = child->counts;
    counts->mappings = mappings_count(child->mapped);
}

bool child_mapped(const struct child *child, unsigned memory, uint64_t from, struct child_piece *piece)
{
    struct mapping found;
    for (; mappings_find(child->mapped, from, CHILD_TOP, &found); from = found.start + found.bytes)
        if (found.memory == memory) {
            *piece = (struct child_piece){found.start, found.bytes, found.offset, found.rights};
            return true;
        }
    return false;
}

/* ---- changed ---- */

struct order {
    uint64_t number, arguments[6], unused;
};

static_assert(sizeof(struct order) == DESK_ORDER_BYTES, "as stub.S has it");

static bool is_possible(const struct children *children, const struct child_change *change)
{
    const uint64_t all = change->start | change->bytes | (change->kind == CHILD_MAP ? change->offset : 0);
    const bool has_memory = change->kind != CHILD_MAP ||
                            (change->memory < CHILDREN_MEMORY_MAX && children->memory >> change->memory & 1);
    return change->kind <= CHILD_PROTECT && change->rights <= (CHILD_READ | CHILD_WRITE | CHILD_EXECUTE) &&
           all % PAGE == 0 && change->bytes && change->start >= CHILD_BOTTOM && change->start < CHILD_TOP &&
           change->bytes <= CHILD_TOP - change->start && has_memory;
}

/* Linux enters at a read what it has of the 64 KiB around (fault-around), in 0.13 us a page; MAP_POPULATE
 * takes 0.21, as it looks for each page by itself. A page that it leaves out it enters when the guest touches
 * it. */
static bool is_touched(const struct child_change *change)
{
    return change->populate && change->rights & CHILD_READ && change->bytes >= 2 * ORDER_TOUCH_STEP;
}

static struct order map_order(const struct child_change *change)
{
    const uint64_t flags =
        MAP_SHARED | MAP_FIXED | (change->populate && !is_touched(change) ? MAP_POPULATE : 0);
    return (struct order){SYS_mmap,
        {change->start, change->bytes, change->rights, flags, DESK_FD_MEMORY + change->memory,
            change->offset},
        0};
}

static struct order touch_order(uint64_t start, uint64_t bytes)
{
    return (struct order){ORDER_TOUCH, {start, start + bytes}, 0};
}

static struct order unmap_order(uint64_t start, uint64_t bytes)
{
    return (struct order){SYS_munmap, {start, bytes}, 0};
}

static struct order protect_order(uint64_t start, uint64_t bytes, unsigned rights)
{
    return (struct order){SYS_mprotect, {start, bytes, rights}, 0};
}

/* The helper's answer is one more than an errno. */
static int await_helper(const struct child *child, struct error *error)
{
    struct pollfd either[] = {
        {.fd = child->reply, .events = POLLIN}, {.fd = child->helper, .events = POLLIN}};
    uint64_t said;
    for (int slice = 0; slice < ORDERS_SLICES; slice++) {
        if (poll(either, 2, SLICE_MS) > 0) {
            if (!(either[0].revents & POLLIN) || read(child->reply, &said, sizeof said) != sizeof said)
                return error_set(error, ESRCH, "a guest's process has ended");
            return said == 1 ? 0 : error_errno(error, (int)said - 1, "cannot change what a guest has mapped");
        }
        if (stop_asked(child->family->stop))
            return error_set(error, EINTR, "%s", stop_reason(child->family->stop));
    }
    return error_set(error, ETIMEDOUT, "a guest's process does not answer");
}

static int carry_out(struct child *child, struct error *error)
{
    *desk_word(child, DESK_COUNT) = child->ordered;
    child->counts.orders += child->ordered;
    child->ordered = 0;
    atomic_store(desk_word(child, DESK_SEQUENCE), ++child->sequence);
    const uint64_t began = transport_beside_begin(child->family);
    syscall(SYS_futex, child->desk + DESK_SEQUENCE, FUTEX_WAKE, 1, NULL, NULL, 0);
    int rc = await_helper(child, error);
    transport_beside_end(child->family, began);
    return rc;
}

static int give_order(struct child *child, struct order order, struct error *error)
{
    if (child->ordered == DESK_ORDERS_MAX) {
        int rc = carry_out(child, error);
        if (rc < 0)
            return rc;
    }
    memcpy(child->desk + DESK_LIST + child->ordered++ * sizeof order, &order, sizeof order);
    return 0;
}

/* At the budget an eighth goes, so that it is not met again at once. */
static int make_room(struct child *child, struct error *error)
{
    const size_t budget = child->family->mappings_max;
    uint64_t start, bytes;
    int rc = 0;
    if (mappings_count(child->mapped) + MAPPINGS_CHANGE <= budget)
        return 0;
    while (rc == 0 && mappings_count(child->mapped) > budget - budget / 8 &&
           mappings_drop(child->mapped, &start, &bytes)) {
        child->counts.drops++;
        rc = give_order(child, unmap_order(start, bytes), error);
    }
    return rc;
}

static int map_range(struct child *child, const struct child_change *change, struct error *error)
{
    const struct mapping mapping = {
        change->start, change->bytes, change->offset, change->memory, change->rights};
    int rc = mappings_map(child->mapped, &mapping, error);
    if (rc == 0)
        rc = give_order(child, map_order(change), error);
    return rc == 0 && is_touched(change) ? give_order(child, touch_order(change->start, change->bytes), error)
                                         : rc;
}

static int unmap_range(struct child *child, const struct child_change *change, struct error *error)
{
    const uint64_t end = change->start + change->bytes;
    struct mapping found;
    uint64_t torn = 0;
    for (uint64_t at = change->start; mappings_find(child->mapped, at, end, &found);
         at = found.start + found.bytes)
        torn += found.bytes / PAGE;
    if (!torn)
        return 0;
    child->counts.torn += torn;
    int rc = mappings_unmap(child->mapped, change->start, change->bytes, error);
    return rc < 0 ? rc : give_order(child, unmap_order(change->start, change->bytes), error);
}

/* The kernel refuses holes, so it is asked for what is between them. */
static int protect_range(struct child *child, const struct child_change *change, struct error *error)
{
    const uint64_t end = change->start + change->bytes;
    struct mapping found;
    int rc = 0;
    for (uint64_t at = change->start; rc == 0 && mappings_find(child->mapped, at, end, &found);
         at = found.start + found.bytes)
        if (found.rights != change->rights)
            rc = give_order(child, protect_order(found.start, found.bytes, change->rights), error);
    return rc < 0 ? rc : mappings_protect(child->mapped, change->start, change->bytes, change->rights, error);
}

static int change_range(struct child *child, const struct child_change *change, struct error *error)
{
    static int (*const does[])(struct child *, const struct child_change *, struct error *) = {
        [CHILD_MAP] = map_range, [CHILD_UNMAP] = unmap_range, [CHILD_PROTECT] = protect_range};
    int rc = make_room(child, error);
    return rc < 0 ? rc : does[change->kind](child, change, error);
}

int child_change(struct child *child, const struct child_change *list, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!is_possible(child->family, &list[i]))
            return error_set(error, EINVAL, "a guest cannot have %#llx bytes at %#llx mapped so",
                (unsigned long long)list[i].bytes, (unsigned long long)list[i].start);
    if (child->turn == TURN_DEAD)
        return error_set(error, ESRCH, "a guest's process has ended: %s", child->died);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = change_range(child, &list[i], error);
    if (rc == 0 && child->ordered)
        rc = carry_out(child, error);
    if (rc < 0)
        child_kill(child, "what it has mapped is not known any more");
    return rc;
}
