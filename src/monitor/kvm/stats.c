#include "monitor/kvm/stats.h"

#include "host/descriptor.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct {
    const char *name, *kvm; /* ours (monitor.h) and KVM's */
} table[KVM_STATS] = {
    {"exits", "exits"},
    {"exits_io", "io_exits"},
    {"exits_mmio", "mmio_exits"},
    {"exits_halt", "halt_exits"},
    {"exits_interrupt", "irq_exits"},
    {"exits_signal", "signal_exits"},
    {"hypercalls", "hypercalls"},
    {"page_faults", "pf_taken"},
    {"page_faults_fixed", "pf_fixed"},
    {"tlb_flushes", "tlb_flush"},
    {"instructions_emulated", "insn_emulation"},
    {"pages_4k", "pages_4k"},
    {"pages_2m", "pages_2m"},
    {"pages_1g", "pages_1g"},
};

enum { DESCRIPTORS_MAX = 1024, NAME_BYTES_MAX = 256, BLOCK_BYTES_MAX = 8192 };

static void remember(struct kvm_stats *stats, const struct kvm_stats_header *header,
    const struct kvm_stats_desc *descriptor, const char *name)
{
    for (int i = 0; i < KVM_STATS; i++)
        if (!strncmp(name, table[i].kvm, header->name_size) && strlen(table[i].kvm) < header->name_size)
            stats->offset[i] = (off_t)header->data_offset + descriptor->offset;
}

static int read_descriptors(struct kvm_stats *stats, struct error *error)
{
    struct kvm_stats_header header;
    if (pread(stats->fd, &header, sizeof header, 0) != sizeof header || header.num_desc > DESCRIPTORS_MAX ||
        header.name_size > NAME_BYTES_MAX)
        return error_set(error, EPROTO, "KVM's statistics have a header that vcost does not understand");
    size_t each = sizeof(struct kvm_stats_desc) + header.name_size, all = each * header.num_desc;
    char *block = malloc(all);
    if (!block)
        return error_set(error, ENOMEM, "no memory for the names of KVM's statistics");
    ssize_t got = pread(stats->fd, block, all, header.desc_offset);
    for (size_t at = 0; got == (ssize_t)all && at < all; at += each) {
        struct kvm_stats_desc descriptor;
        memcpy(&descriptor, block + at, sizeof descriptor);
        remember(stats, &header, &descriptor, block + at + sizeof descriptor);
    }
    free(block);
    return got == (ssize_t)all ? 0 : error_set(error, EPROTO, "cannot read the names of KVM's statistics");
}

static bool take_places(struct kvm_stats *stats, const struct monitor_places *places)
{
    bool known = places && atomic_load_explicit(&places->known, memory_order_acquire);
    for (int i = 0; i < KVM_STATS; i++)
        stats->offset[i] = known ? (off_t)places->of[i] : -1;
    return known;
}

/* Two processes that keep them at once keep the same. */
static void keep_places(const struct kvm_stats *stats, struct monitor_places *places)
{
    for (int i = 0; i < KVM_STATS; i++)
        places->of[i] = stats->offset[i];
    atomic_store_explicit(&places->known, 1, memory_order_release);
}

int kvm_stats_open(
    struct kvm_stats *stats, int vm_or_vcpu, struct monitor_places *places, struct error *error)
{
    bool known = take_places(stats, places);
    stats->fd = ioctl(vm_or_vcpu, KVM_GET_STATS_FD, NULL);
    if (stats->fd < 0 || known)
        return 0;
    int rc = read_descriptors(stats, error);
    if (rc < 0)
        kvm_stats_close(stats);
    else if (places)
        keep_places(stats, places);
    return rc;
}

void kvm_stats_close(struct kvm_stats *stats)
{
    if (stats->fd >= 0)
        close(stats->fd);
    stats->fd = -1;
}

void kvm_stats_read(const struct kvm_stats *stats, struct counters *counters)
{
    char block[BLOCK_BYTES_MAX];
    off_t first = -1, end = 0;
    uint64_t value;
    for (int i = 0; i < KVM_STATS; i++)
        if (stats->offset[i] >= 0) {
            first = first < 0 || stats->offset[i] < first ? stats->offset[i] : first;
            end = stats->offset[i] + (off_t)sizeof value > end ? stats->offset[i] + (off_t)sizeof value : end;
        }
    if (stats->fd < 0 || first < 0 || end - first > BLOCK_BYTES_MAX ||
        pread(stats->fd, block, (size_t)(end - first), first) != end - first)
        return;
    for (int i = 0; i < KVM_STATS; i++)
        if (stats->offset[i] >= 0) {
            memcpy(&value, block + (stats->offset[i] - first), sizeof value);
            counters_set(counters, table[i].name, value);
        }
}

void kvm_stats_read_once(int vm_or_vcpu, struct monitor_places *places, struct counters *counters)
{
    struct kvm_stats stats;
    struct rlimit limit;
    struct error error;
    descriptor_limit_raise(&limit); /* a program may have left none */
    int rc = kvm_stats_open(&stats, vm_or_vcpu, places, &error);
    descriptor_limit_restore(&limit);
    if (rc == 0)
        kvm_stats_read(&stats, counters);
    kvm_stats_close(&stats);
}
