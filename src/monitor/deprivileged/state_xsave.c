/* The XSAVE area, and what Linux puts into it in signal frames (uapi asm/sigcontext.h). */
#include "monitor/deprivileged/state.h"

#include "host/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    XSAVE_FCW = 0,
    XSAVE_MXCSR = 24,
    XSAVE_MXCSR_MASK = 28,
    XSAVE_SOFTWARE = 464, /* struct _fpx_sw_bytes: */
    SOFTWARE_MAGIC = 0x46505853,
    SOFTWARE_COMPONENTS = 8,
    XSAVE_BV = 512, /* which components are not as after a reset */
    XSAVE_LEGACY_END = 576
};

static uint64_t word_at(const char *area, unsigned offset)
{
    uint64_t word;
    memcpy(&word, area + offset, sizeof word);
    return word;
}

static void set_word(char *area, unsigned offset, uint64_t word)
{
    memcpy(area + offset, &word, sizeof word);
}

/* The components beyond x87 and SSE that both areas have room for: where the CPU has each (SDM volume 1,
 * 13.4.3). */
static void copy_components(char *to, size_t to_bytes, const char *from, size_t from_bytes)
{
    const size_t room = to_bytes < from_bytes ? to_bytes : from_bytes;
    for (uint32_t i = 2; i < 8; i++) {
        struct host_cpuid where;
        if (STATE_COMPONENTS >> i & 1 && host_cpuid(0xd, i, &where) && where.ebx >= XSAVE_LEGACY_END &&
            (uint64_t)where.ebx + where.eax <= room)
            memcpy(to + where.ebx, from + where.ebx, where.eax);
    }
}

/* The area as KVM has it: at least of the size of struct kvm_xsave, without what is Linux's. */
int state_take_xsave(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    char *area = state_add(vcpu, state, STATE_XSAVE, sizeof(struct kvm_xsave), error), *raw;
    const uint16_t fcw = 0x37f;
    const uint32_t mxcsr = 0x1f80;
    if (!area)
        return -error->code;
    memcpy(area + XSAVE_FCW, &fcw, sizeof fcw);
    memcpy(area + XSAVE_MXCSR, &mxcsr, sizeof mxcsr);
    if (vcpu->arriving) {
        memcpy(area, vcpu->arriving,
            vcpu->arriving_bytes < sizeof(struct kvm_xsave) ? vcpu->arriving_bytes
                                                            : sizeof(struct kvm_xsave));
        return 0;
    }
    if (!vcpu->last)
        return 0;
    const size_t bytes = child_fpu_bytes(vcpu->last);
    if (!(raw = malloc(bytes)))
        return error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
    int rc = child_fpu_get(vcpu->last, raw, error);
    if (rc == 0) {
        memcpy(area, raw, XSAVE_SOFTWARE);
        set_word(area, XSAVE_BV, bytes > XSAVE_LEGACY_END ? word_at(raw, XSAVE_BV) & STATE_COMPONENTS : 3);
        copy_components(area, sizeof(struct kvm_xsave), raw, bytes);
    }
    free(raw);
    return rc;
}

/* Where a component of the XSAVE area stands is the CPU's own. */
static int check_xsave(const struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    size_t bytes;
    const struct kvm_cpuid_entry2 *list = state_find(vcpu, state, STATE_CPUID, 0, "CPUID", &bytes, error);
    if (!list)
        return -error->code;
    for (size_t i = 0; i < bytes / sizeof *list; i++) {
        const struct kvm_cpuid_entry2 *there = &list[i];
        struct host_cpuid here;
        if (there->function != 0xd || there->index < 2 || there->index > 7 ||
            !(STATE_COMPONENTS >> there->index & 1) || !there->eax)
            continue;
        (void)host_cpuid(0xd, there->index, &here);
        if (here.eax != there->eax || here.ebx != there->ebx)
            return error_set(error, ENOTSUP,
                "this host's CPU has vector registers at other places of its XSAVE area: restore the domain "
                "on a host like the one that it was saved on");
    }
    return 0;
}

int state_put_xsave(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    size_t bytes;
    int rc = check_xsave(vcpu, state, error);
    if (rc < 0)
        return rc;
    const char *area = state_find(vcpu, state, STATE_XSAVE, 0, "XSAVE area", &bytes, error);
    if (!area)
        return -error->code;
    if (bytes < sizeof(struct kvm_xsave))
        return error_set(error, EPROTO, "the XSAVE area of virtual CPU %u is too small", vcpu->id);
    if (word_at(area, XSAVE_BV) & STATE_COMPONENTS & ~state_xcr0_here())
        return error_set(error, ENOTSUP,
            "virtual CPU %u has vector registers in use that this host has not: restore it on a host like "
            "the one that it was saved on",
            vcpu->id);
    free(vcpu->arriving);
    if (!(vcpu->arriving = malloc(bytes)))
        return error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
    memcpy(vcpu->arriving, area, bytes);
    vcpu->arriving_bytes = bytes;
    return 0;
}

/* What is Linux's in the child's own area stays, and what does not travel. */
int state_arrive(struct vcpu *vcpu, struct child *child, struct error *error)
{
    const size_t bytes = child_fpu_bytes(child);
    const char *area = vcpu->arriving;
    char *own = malloc(bytes), mask[4];
    int rc = own ? child_fpu_get(child, own, error)
                 : error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
    if (rc == 0) {
        memcpy(mask, own + XSAVE_MXCSR_MASK, sizeof mask);
        memcpy(own, area, XSAVE_SOFTWARE);
        memcpy(own + XSAVE_MXCSR_MASK, mask, sizeof mask);
        if (bytes > XSAVE_LEGACY_END) {
            set_word(own, XSAVE_BV,
                (word_at(area, XSAVE_BV) & STATE_COMPONENTS) | (word_at(own, XSAVE_BV) & ~STATE_COMPONENTS));
            copy_components(own, bytes, area, vcpu->arriving_bytes);
        }
        rc = child_fpu_put(child, own, error);
    }
    free(own);
    if (rc == 0) {
        free(vcpu->arriving);
        vcpu->arriving = NULL;
    }
    return rc;
}
