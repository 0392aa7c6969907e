#include "child_guest.h"

#include "measure/clock.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, CODE = 0x10000000 };

/* 1: syscall; jmp 1b */
static const unsigned char trap_code[] = {0x0f, 0x05, 0xeb, 0xfc};
/* movabsq $CHILD_CALL, %r11; leaq 1f(%rip), %rcx; 1: jmp *%r11 */
static const unsigned char call_code[] = {0x49, 0xbb, 0x00, 0x01, 0xe0, 0xff, 0xff, 0x7f, 0x00, 0x00, 0x48,
    0x8d, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x41, 0xff, 0xe3};

static int fill_memory(const unsigned char *code, size_t bytes, struct error *error)
{
    int fd = memfd_create("bench", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, PAGE) == 0 && pwrite(fd, code, bytes, 0) == (ssize_t)bytes)
        return fd;
    return error_errno(error, errno, "cannot make memory");
}

int guest_open(struct guest *guest, bool trap, struct error *error)
{
    int fd = trap ? fill_memory(trap_code, sizeof trap_code, error)
                  : fill_memory(call_code, sizeof call_code, error);
    int rc = fd < 0 ? fd : children_open(NULL, &guest->family, error);
    int memory = rc < 0 ? rc : children_memory(guest->family, fd, error);
    if (memory >= 0 && (rc = child_open(guest->family, &guest->child, error)) == 0)
        rc = child_map(guest->child, CODE, (unsigned)memory, 0, PAGE, CHILD_READ | CHILD_EXECUTE, error);
    if (fd >= 0)
        close(fd);
    guest->registers = (struct child_registers){.general = {.rip = CODE}};
    return memory < 0 ? memory : rc;
}

int guest_run(struct guest *guest, uint64_t count, uint64_t *ticks, struct error *error)
{
    uint64_t start = clock_ticks();
    for (; count; count--) {
        struct child_trap trap;
        int rc = child_run(guest->child, &guest->registers, &trap, error);
        if (rc < 0 || (trap.kind != CHILD_SYSCALL && trap.kind != CHILD_CALLED))
            return rc < 0 ? rc : error_set(error, EIO, "the guest did not trap");
    }
    *ticks = clock_ticks() - start;
    return 0;
}
