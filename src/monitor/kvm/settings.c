/* What can be said about this host's KVM without running a guest. */
#include "host/descriptor.h"
#include "monitor/kvm/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char device[] = "/dev/kvm";

/* EACCES: the file's owner, group and mode are against it, or, for root, a policy. */
static int no_permission(struct error *error)
{
    struct stat file;
    if (geteuid() == 0)
        return error_set(error, ENOTSUP,
            "no permission on %s, although this is root: a policy (SELinux, AppArmor) forbids it, or root's "
            "capabilities were taken away",
            device);
    if (stat(device, &file) == 0 && (file.st_mode & (S_IRGRP | S_IWGRP)) != (S_IRGRP | S_IWGRP))
        return error_set(error, ENOTSUP,
            "no permission on %s: its mode, %04o, lets nobody of its group use it: run as root, or let root "
            "change that (chgrp kvm, chmod 660)",
            device, (unsigned)file.st_mode & 07777);
    return error_set(error, ENOTSUP,
        "no permission on %s: join the group that owns it (usually: sudo usermod -aG kvm $USER, then log in "
        "again)",
        device);
}

static int open_error(int code, struct error *error)
{
    static const struct {
        int code;
        const char *sentence;
    } known[] = {
        {ENOENT,
            "there is no /dev/kvm here: load the module kvm_amd or kvm_intel, let the machine below offer "
            "virtualization to this one, or hand the device to this container"},
        {ENODEV, "no driver is behind /dev/kvm: load the module kvm_amd or kvm_intel, and see whether the "
                 "firmware has virtualization switched on"},
        {ENXIO, "no driver is behind /dev/kvm: load the module kvm_amd or kvm_intel"},
        {EPERM,
            "/dev/kvm is there, but the device rules of this container (or a sandbox) forbid it: start it "
            "with --device /dev/kvm, or with a device plugin that hands it in"},
        {EBUSY, "/dev/kvm is held by another hypervisor: stop its machines"},
    };
    if (code == EACCES)
        return no_permission(error);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (code == known[i].code)
            return error_set(error, ENOTSUP, "%s", known[i].sentence);
    return kvm_refused(error, 0, code, "cannot open %s", device);
}

/* A call that fails says nothing of versions. */
static int check_interface(int kvm, struct error *error)
{
    const int registers = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    int version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    if (version < 0)
        return kvm_refused(error, KVM_GET_API_VERSION, errno, "%s does not tell its version", device);
    if (version != KVM_API_VERSION)
        return error_set(error, ENOTSUP, "%s speaks version %d of KVM's interface, vcost version %d", device,
            version, KVM_API_VERSION);
    int synced = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    if (synced < 0)
        return kvm_refused(error, KVM_CHECK_EXTENSION, errno, "%s does not tell what it can do", device);
    if ((synced & registers) != registers)
        return error_set(error, ENOTSUP,
            "this KVM cannot exchange registers in shared memory (KVM_CAP_SYNC_REGS, "
            "Linux 4.17): use a newer kernel");
    return 0;
}

int kvm_open(int opened, int from, int *kvm, struct error *error)
{
    enum { BEHIND_STANDARD = 3 };
    int fd = opened ? descriptor_copy(opened, from > BEHIND_STANDARD ? from : BEHIND_STANDARD, true)
                    : open(device, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return open_error(errno, error);
    int rc = check_interface(fd, error);
    if (rc < 0)
        close(fd);
    else
        *kvm = fd;
    return rc;
}

/* Modules that can stand behind /dev/kvm, the one that needs no hardware first: where it is loaded it is in
 * use. A kernel with built-in drivers shows kvm_amd and kvm_intel both; then the CPU's vendor decides. */
static const struct {
    const char *module, *vendor;
} providers[] = {{"kvm_pvm", NULL}, {"kvm_amd", "AuthenticAMD"}, {"kvm_amd", "HygonGenuine"},
    {"kvm_intel", "GenuineIntel"}};

static bool cpu_vendor_is(const char *vendor)
{
    uint32_t eax = 0, words[3];
    __asm__("cpuid" : "+a"(eax), "=b"(words[0]), "=c"(words[2]), "=d"(words[1]) : "2"(0));
    return !memcmp(words, vendor, 12);
}

static struct fact find_provider(void)
{
    char path[64];
    if (access("/sys/module", R_OK) < 0)
        return fact_unknown("/sys is hidden");
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        snprintf(path, sizeof path, "/sys/module/%s", providers[i].module);
        if (access(path, F_OK) == 0 && (!providers[i].vendor || cpu_vendor_is(providers[i].vendor)))
            return fact_known("%s", providers[i].module);
    }
    return fact_unknown("none of kvm_amd, kvm_intel, kvm_pvm is in /sys/module");
}

void kvm_describe(struct monitor_facts *facts)
{
    struct error error;
    int kvm = -1;
    *facts = (struct monitor_facts){.name = "kvm", .technique = TECHNIQUE_UNKNOWN, .syscall_privilege = -1};
    if (kvm_open(0, 0, &kvm, &error) < 0) {
        snprintf(facts->reason, sizeof facts->reason, "%.255s", error.text);
        facts->provider = fact_unknown("KVM cannot be used");
        return;
    }
    close(kvm);
    facts->usable = true;
    facts->provider = find_provider();
    kvm_read_parameters(facts);
}
