/* Who may use a virtual CPU, and how it is stopped while it runs.
 *
 * KVM looks at immediate_exit when KVM_RUN begins; a KVM_RUN that has begun comes back for a signal. A kick
 * sets the one and sends the other if the owner may be inside, so that whenever it comes one of the two
 * works; that both do costs an EXIT_INTERRUPTED more. The signal is a real-time one that nobody in this
 * process has a handler for, the last such: the C library's own are the first ones, and programs count from
 * there. Its handler does nothing, and restarts what else it interrupts. */
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static atomic_int kick_signal;
static _Thread_local pid_t self; /* 0 before it is known */

static void come_back(int number)
{
    (void)number;
}

static void forget_self(void)
{
    self = 0;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_self);
}

static int find_signal(struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct sigaction action = {.sa_handler = come_back, .sa_flags = SA_RESTART};
    pthread_once(&once, watch_forks);
    for (int number = SIGRTMAX; number >= SIGRTMIN; number--) {
        struct sigaction before;
        if (sigaction(number, NULL, &before) == 0 &&
            (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) && /* the latter: inherited */
            sigaction(number, &action, NULL) == 0) {
            kick_signal = number;
            return 0;
        }
    }
    return error_set(error, EBUSY, "all real-time signals of this process are taken: KVM needs one");
}

int kvm_signal_take(struct error *error)
{
    pthread_mutex_lock(&lock);
    int rc = users ? 0 : find_signal(error);
    users += rc == 0;
    pthread_mutex_unlock(&lock);
    return rc;
}

/* A late one may still be pending in some thread: to ignore the signal throws it away (POSIX, 2.4.3), and
 * only then its default, the end of the process, comes back. */
void kvm_signal_give(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0) {
        signal(kick_signal, SIG_IGN);
        signal(kick_signal, SIG_DFL);
    }
    pthread_mutex_unlock(&lock);
}

int kvm_own(struct vcpu *vcpu, struct error *error)
{
    pid_t owner = 0;
    sigset_t signals;
    if (!self)
        self = gettid();
    if (atomic_load_explicit(&vcpu->owner, memory_order_relaxed) == self)
        return 0;
    if (!atomic_compare_exchange_strong(&vcpu->owner, &owner, self))
        return error_set(error, EPERM, "virtual CPU %u belongs to thread %d, and %d may not use it", vcpu->id,
            (int)owner, (int)self);
    sigemptyset(&signals);
    sigaddset(&signals, kick_signal);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    return 0;
}

void kvm_release(struct vcpu *vcpu)
{
    pid_t owner = self;
    atomic_compare_exchange_strong(&vcpu->owner, &owner, 0);
}

void kvm_disown(struct vcpu *vcpu)
{
    vcpu->owner = 0;
}

int kvm_run(struct vcpu *vcpu)
{
    vcpu->inside = self;
    int rc = ioctl(vcpu->fd, KVM_RUN, 0);
    vcpu->inside = 0;
    return rc;
}

void kvm_kick(struct vcpu *vcpu)
{
    int before = errno;
    if (atomic_exchange(&vcpu->kicked, true))
        return; /* real-time signals queue */
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    pid_t inside = vcpu->inside;
    if (inside && inside != self) /* a signal handler of its own thread: the signal is there */
        syscall(SYS_tgkill, getpid(), inside, kick_signal);
    errno = before;
}
