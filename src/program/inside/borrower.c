#include "program/inside/borrower.h"

#include "program/inside/children.h"
#include "program/inside/roll.h"
#include "program/inside/seat.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* It has a virtual CPU of its own, and of its process what Linux gives to each: what signals do, above
 * all. */
struct borrower {
    struct process process;
    struct thread thread;
    creation_asked asked;
};

enum { BORROWER_BYTES = 256 << 10 }; /* the structure, and the stack of the host's that it runs on */

static int go_on_as_borrower(void *context)
{
    struct borrower *borrower = context;
    const creation_asked *asked = &borrower->asked;
    borrower->thread.id = getpid();
    creation_tell(&borrower->process, asked, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, getpid());
    if (asked->flags & CLONE_CLEAR_SIGHAND)
        signals_clear(&borrower->process);
    if (getpid() == 1)
        signals_take_defaults(&borrower->process);
    signals_begin(&borrower->thread);
    thread_run(&borrower->thread);
}

/* Its virtual CPU is in its parent's table of descriptors, and so in its own; those that it makes itself are
 * for its parent only where they have the same. */
static unsigned files_of(const struct process *parent, uint64_t flags)
{
    static atomic_uint tables;
    return flags & CLONE_FILES ? parent->files : ++tables;
}

static int open_borrower(const struct thread *parent, const creation_asked *asked,
    const struct domain_user *user, struct borrower *borrower)
{
    struct process *process = parent->process;
    struct error error;
    pthread_mutex_lock(&process->actions_lock);
    borrower->process = *process;
    pthread_mutex_unlock(&process->actions_lock);
    pthread_mutex_init(&borrower->process.actions_lock, NULL);
    borrower->process.threads = 1;
    borrower->process.borrowed = true;
    children_number(&borrower->process, asked->flags);
    borrower->process.words = NULL;
    borrower->asked = *asked;
    borrower->thread = (struct thread){.process = &borrower->process,
        .user = *user,
        .first = true,
        .mask = parent->mask,
        .filters = parent->filters,
        .strict = parent->strict,
        .clear_on_exit = creation_cleared(asked),
        .stack = parent->stack,
        .stack_bytes = parent->stack_bytes,
        .stack_flags = parent->stack_flags};
    if (thread_open(&borrower->thread, &error) < 0)
        return -EAGAIN;
    void *extended = thread_copy_extended(parent);
    bool has = extended && domain_set_extended(borrower->thread.cpu, extended, &error) == 0;
    free(extended);
    borrower->process.files = files_of(process, asked->flags);
    return has ? 0 : -EAGAIN;
}

static void close_borrower(struct borrower *borrower)
{
    roll_leave(&borrower->thread);
    if (borrower->thread.cpu)
        domain_cpu_give(borrower->thread.cpu);
    if (borrower->process.words)
        munmap(borrower->process.words, borrower->process.words_bytes);
}

static int64_t count_borrower(const struct thread *parent, int64_t result)
{
    if (result > 0) {
        tally_add(&parent->process->tally->forks, 1);
        tally_add(&parent->process->tally->lent, 1);
    }
    return result;
}

/* ---- vfork ---- */

/* Both processes have the same thread of the host's C library, of which the one runs while the other waits.
 */
static int64_t lend(struct thread *thread, const creation_asked *asked, const struct domain_user *user)
{
    int begun = children_begin(thread->process);
    if (begun < 0)
        return begun;
    char *room = mmap(NULL, BORROWER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return -EAGAIN;
    struct borrower *borrower = (struct borrower *)room;
    int64_t result = open_borrower(thread, asked, user, borrower);
    if (result == 0) {
        signals_block();
        const struct beginning begins = {
            .stack = room + BORROWER_BYTES, .begin = go_on_as_borrower, .context = borrower};
        result = creation_make(asked, &begins);
        signals_begin(thread);
    }
    close_borrower(borrower);
    munmap(room, BORROWER_BYTES);
    return count_borrower(thread, result);
}

/* ---- sharing memory without waiting ---- */

/* The child has ended, or executed something. */
static void release_borrower(void *context)
{
    struct borrower *borrower = context;
    if (borrower->thread.cpu)
        domain_cpu_disown(borrower->thread.cpu);
    close_borrower(borrower);
    free(borrower);
}

/* Once the child has begun it may end, and then another thread may release it: *borrower is gone. */
static int64_t start_on(
    struct seat *seat, const struct thread *thread, const creation_asked *asked, struct borrower *borrower)
{
    borrower->thread.holder = &seat->holder;
    domain_cpu_release(borrower->thread.cpu);
    int64_t result = seat_start(seat, asked, go_on_as_borrower, borrower);
    if (result > 0)
        creation_tell(thread->process, asked, CLONE_PARENT_SETTID, (pid_t)result);
    return result;
}

static int64_t share(struct thread *thread, const creation_asked *asked, const struct domain_user *user)
{
    int64_t result = children_begin(thread->process);
    if (result < 0)
        return result;
    result = -EAGAIN;
    signals_block();
    struct seat *seat = seat_take(release_borrower);
    struct borrower *borrower = seat ? calloc(1, sizeof *borrower) : NULL;
    if (borrower && (result = open_borrower(thread, asked, user, borrower)) == 0)
        result = start_on(seat, thread, asked, borrower);
    if (result < 0 && borrower)
        release_borrower(borrower);
    if (result < 0 && seat)
        seat_give(seat);
    signals_let(thread);
    return count_borrower(thread, result);
}

int64_t borrower_start(struct thread *parent, const creation_asked *asked, const struct domain_user *user)
{
    return (asked->flags & CLONE_VFORK ? lend : share)(parent, asked, user);
}
