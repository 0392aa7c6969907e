/* Whether this host can run guests in children: by doing it. */
#include "monitor/deprivileged/child.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, CODE = 0x10000000, CODE_BYTES = 7, NUMBER = 600, HWCAP2_HAS_FSGSBASE = 2 };

/* mov $NUMBER, %eax; syscall */
static const unsigned char code[CODE_BYTES] = {0xb8, NUMBER & 0xff, NUMBER >> 8, 0, 0, 0x0f, 0x05};

static int make_code(struct error *error)
{
    int fd = memfd_create("vcost-probe", MFD_CLOEXEC);
    if (fd < 0)
        return error_set(error, ENOTSUP,
            "this host does not let programs make shared memory (memfd_create): %s", strerror(errno));
    if (ftruncate(fd, PAGE) == 0 && pwrite(fd, code, sizeof code, 0) == sizeof code)
        return fd;
    int code_of_error = errno;
    close(fd);
    return error_errno(error, code_of_error, "cannot write a page of shared memory");
}

static int run_code(struct child *child, struct error *error)
{
    struct child_registers registers = {.general = {.rip = CODE}};
    struct child_trap trap;
    int rc = child_run(child, &registers, &trap, error);
    if (rc < 0 ||
        (trap.kind == CHILD_SYSCALL && trap.number == NUMBER && registers.general.rip == CODE + CODE_BYTES))
        return rc;
    if (trap.kind == CHILD_KICKED)
        return error_set(error, EINTR, "stopped");
    return error_set(error, ENOTSUP, "a process that runs a guest does not trap as it does on Linux (%s)",
        trap.kind == CHILD_DIED ? trap.detail : "another trap came");
}

/* A guest's page is all of it unless its tables say otherwise. */
static int map_for_all(struct child *child, unsigned memory, struct error *error)
{
    int rc = child_map(child, CODE + PAGE, memory, 0, PAGE, CHILD_READ | CHILD_WRITE | CHILD_EXECUTE, error);
    if (rc == -EACCES || rc == -EPERM)
        return error_set(error, ENOTSUP,
            "this host does not let programs have memory that is written and executed (PR_SET_MDWE, SELinux: "
            "%s)",
            strerror(-rc));
    return rc;
}

static int try_child(struct children *children, int descriptor, struct error *error)
{
    struct child *child = NULL;
    int memory = children_memory(children, descriptor, error);
    int rc = memory < 0 ? memory : child_open(children, &child, error);
    if (rc == 0)
        rc = child_map(child, CODE, (unsigned)memory, 0, PAGE, CHILD_READ | CHILD_EXECUTE, error);
    if (rc == 0)
        rc = run_code(child, error);
    if (rc == 0)
        rc = map_for_all(child, (unsigned)memory, error);
    child_close(child);
    return rc;
}

int child_possible(struct error *error)
{
    struct children *children;
    if (!(getauxval(AT_HWCAP2) & HWCAP2_HAS_FSGSBASE))
        return error_set(error, ENOTSUP,
            "this host does not let programs set FS and GS by themselves (CPUs since 2013 and Linux 5.9 do, "
            "unless booted with "
            "nofsgsbase)");
    int descriptor = make_code(error);
    if (descriptor < 0)
        return descriptor;
    int rc = children_open(NULL, &children, error);
    if (rc == 0) {
        rc = try_child(children, descriptor, error);
        children_close(children);
    }
    close(descriptor);
    return rc;
}
