/* What the files of this folder share. */
#ifndef VCOST_MONITOR_KVM_INTERNAL_H
#define VCOST_MONITOR_KVM_INTERNAL_H

#include "monitor/kvm/stats.h"
#include "monitor/monitor.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

struct vcpu {
    struct vm *vm;
    struct vcpu *next; /* of its VM */
    unsigned id;
    int fd;
    struct kvm_run *run; /* shared with the kernel */
    struct kvm_stats stats;
    _Atomic pid_t owner;  /* thread; 0: none */
    _Atomic pid_t inside; /* the owner, while it is in KVM_RUN or about to be; else 0 */
    atomic_bool kicked;   /* and no enter() has returned for it yet */
    bool unfinished;      /* an instruction of the last exit is still to write registers, */
    bool output;          /* or perhaps rip, if that has not changed by then */
};

struct vm {
    int kvm, fd;
    int first_descriptor; /* none of all these is below */
    size_t run_bytes;     /* of a vcpu's shared pages */
    unsigned vcpus_max;
    const struct stop *stop;
    struct kvm_stats stats;
    struct monitor_kept *kept;
    bool has_signal; /* kvm_signal_take() */
    bool irqchip, host_clock;
    bool log_parts;       /* REGION_LOG_PARTS, which is a property of the VM */
    pthread_mutex_t lock; /* for the two lists */
    struct guest_memory memory;
    struct vcpu *vcpus;
};

/* refusal.c: the sentence for an ioctl (0: another call) that failed with `code`: what was to be done, the
 * errno's text, cause and remedy. */
int kvm_refused(struct error *error, unsigned long request, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* vm.c: an ioctl that makes a descriptor, again while signals interrupt it; bounded (EAGAIN). -1 with
 * errno. */
int kvm_create_fd(int fd, unsigned long request, unsigned long argument, const struct stop *stop);
/* A descriptor that was made, moved to where the VM keeps them; -1 with errno, and it is closed. -1 stays. */
int kvm_keep_fd(const struct vm *vm, int fd);
/* Of a virtual CPU, or of the VM (NULL). Those of a program are asked for at its end, and opened no sooner
 * (true). But to open those of a virtual CPU waits until it is outside the guest: once there are several,
 * whose threads do not wait for each other, they are open. */
bool kvm_counts_late(const struct vm *vm);
int kvm_open_counters(struct vm *vm, struct vcpu *vcpu, struct error *error);

/* vcpu.c */
int kvm_vcpu(struct vm *vm, unsigned id, struct vcpu **vcpu, struct error *error);
void kvm_vcpu_free(struct vcpu *vcpu);
int kvm_reset(struct vcpu *vcpu, struct error *error);
int kvm_set_system(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error);
int kvm_get_system(struct vcpu *vcpu, struct vcpu_system *system, struct error *error);
int kvm_set_user(struct vcpu *vcpu, const struct vcpu_user *user, struct error *error);
int kvm_set_registers(struct vcpu *vcpu, const struct vcpu_registers *registers, struct error *error);
int kvm_get_registers(struct vcpu *vcpu, struct vcpu_registers *registers, struct error *error);

/* enter.c */
int kvm_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
int kvm_complete(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);

/* kick.c: the signal that makes KVM_RUN come back is this process's from the first take to the last give. */
int kvm_signal_take(struct error *error);
void kvm_signal_give(void);
int kvm_own(struct vcpu *vcpu, struct error *error);
void kvm_release(struct vcpu *vcpu);
void kvm_disown(struct vcpu *vcpu);
int kvm_run(struct vcpu *vcpu); /* by its owner: the ioctl itself */
void kvm_kick(struct vcpu *vcpu);

/* state.c */
size_t kvm_extended_bytes(const struct vm *vm);
int kvm_get_extended(struct vcpu *vcpu, void *area, struct error *error);
int kvm_set_extended(struct vcpu *vcpu, const void *area, struct error *error);
int kvm_save_cpu(struct vcpu *vcpu, struct machine_state *state, struct error *error);
int kvm_restore_cpu(struct vcpu *vcpu, const struct machine_state *state, const struct state_pause *pause,
    struct error *error);
int kvm_save_machine(struct vm *vm, struct machine_state *state, struct error *error);
int kvm_restore_machine(
    struct vm *vm, const struct machine_state *state, const struct state_pause *pause, struct error *error);

/* memory.c, irq.c */
int kvm_region(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing, unsigned flags,
    struct error *error);
int kvm_dirty(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error);
int kvm_dirty_clear(struct vm *vm, unsigned slot, uint64_t first, uint64_t pages, const uint64_t *bitmap,
    struct error *error);
int kvm_irqchip(struct vm *vm, struct error *error);
int kvm_answer_port(struct vm *vm, uint16_t port, int eventfd, struct error *error);
int kvm_answer_address(struct vm *vm, gpa_t address, int eventfd, struct error *error);

/* settings.c: opens /dev/kvm, or takes a copy of the descriptor `device` if that is not 0, from the number
 * `from` on, and checks what is needed of it; the reason for a failure says what to do. */
int kvm_open(int device, int from, int *kvm, struct error *error);
void kvm_describe(struct monitor_facts *facts);

/* parameters.c: appends the parameters of KVM and of facts->provider, each module's sorted. What there is no
 * room for is told as a quirk. */
void kvm_read_parameters(struct monitor_facts *facts);

#endif
