#include "program/inside/roll.h"

#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread *first;

void roll_enter(struct thread *thread)
{
    pthread_mutex_lock(&lock);
    thread->next = first;
    first = thread;
    pthread_mutex_unlock(&lock);
}

void roll_leave(struct thread *thread)
{
    pthread_mutex_lock(&lock);
    for (struct thread **at = &first; *at; at = &(*at)->next) {
        if (*at == thread) {
            *at = thread->next;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

void roll_begin(struct thread *thread)
{
    pthread_mutex_init(&lock, NULL);
    thread->next = NULL;
    first = thread;
}

/* Whoever was killed, or is ended with its process, could not leave. */
static bool has_ended(const struct thread *thread)
{
    return thread->process->gone || (thread->holder && *thread->holder == 0);
}

struct thread *roll_find(pid_t id)
{
    pthread_mutex_lock(&lock);
    struct thread *thread = first;
    while (thread && (thread->id != id || has_ended(thread)))
        thread = thread->next;
    pthread_mutex_unlock(&lock);
    return thread;
}

bool roll_is_own(pid_t id)
{
    bool own = false;
    pthread_mutex_lock(&lock);
    for (const struct thread *thread = first; thread && !own; thread = thread->next)
        own = thread->first && !has_ended(thread) && syscall(SYS_tgkill, thread->id, id, 0) == 0;
    pthread_mutex_unlock(&lock);
    return own;
}
