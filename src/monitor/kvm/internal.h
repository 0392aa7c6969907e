/* What the files of this folder share. */
#ifndef VCOST_MONITOR_KVM_INTERNAL_H
#define VCOST_MONITOR_KVM_INTERNAL_H

#include "monitor/kvm/stats.h"
#include "monitor/monitor.h"

#include <linux/kvm.h>
#include <stddef.h>

struct vcpu {
    int fd;
    struct kvm_run *run; /* shared with the kernel */
    size_t run_bytes;
    struct kvm_stats stats;
};

struct vm {
    int kvm, fd;
    size_t run_bytes;
    struct kvm_stats stats;
    struct vcpu *vcpus[VCPUS_MAX]; /* NULL before they are made */
};

/* vcpu.c */
int kvm_vcpu(struct vm *vm, unsigned id, struct vcpu **vcpu, struct error *error);
void kvm_vcpu_free(struct vcpu *vcpu);
int kvm_set_system(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error);
void kvm_get_system(const struct vcpu *vcpu, struct vcpu_system *system);
void kvm_set_registers(struct vcpu *vcpu, const struct vcpu_registers *registers);
void kvm_get_registers(const struct vcpu *vcpu, struct vcpu_registers *registers);

/* enter.c */
int kvm_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
void kvm_kick(struct vcpu *vcpu);

/* memory.c, irq.c */
int kvm_region(struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, struct error *error);
int kvm_log_dirty(
    struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, bool on, struct error *error);
int kvm_dirty(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error);
int kvm_irqchip(struct vm *vm, struct error *error);
int kvm_answer_port(struct vm *vm, uint16_t port, int eventfd, struct error *error);
int kvm_answer_address(struct vm *vm, gpa_t address, int eventfd, struct error *error);

/* settings.c: opens /dev/kvm and checks what is needed of it; the reason for a failure says what to do. */
int kvm_open(int *kvm, struct error *error);
void kvm_describe(struct monitor_facts *facts);

/* parameters.c: appends the parameters of KVM and of facts->provider, each module's sorted. What there is no
 * room for is told as a quirk. */
void kvm_read_parameters(struct monitor_facts *facts);

#endif
