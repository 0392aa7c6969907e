#include "workload/image.h"

#include "host/effect.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

extern const char workload_image_start[], workload_image_end[];

enum { PAGE_BYTES = 4096, STACK_BYTES = 4 * PAGE_BYTES };

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

const struct workload_image_header *image_embedded(size_t *bytes)
{
    *bytes = (size_t)(workload_image_end - workload_image_start);
    return (const struct workload_image_header *)workload_image_start;
}

/* What hardens programs forbids it, and then no workload can run. */
static int not_executable(int code, struct error *error)
{
    if (code != EACCES && code != EPERM)
        return error_errno(error, code, "cannot make the workload's code executable");
    return error_set(error, ENOTSUP,
        "memory may not be made executable here, as the workload's code must be: allow it "
        "(MemoryDenyWriteExecute=no in a systemd unit, SELinux's execmem, no prctl(PR_SET_MDWE), no such "
        "filter of system calls)");
}

/* Readable and executable from now on, if the kernel means what it says. */
static int seal_code(const struct image *image, struct error *error)
{
    void *code = image->memory.base;
    if (mprotect(code, image->code_bytes, PROT_READ | PROT_EXEC) < 0)
        return not_executable(errno, error);
    if (effect_can_write(code))
        return error_set(error, ENOTSUP,
            "this kernel says that mprotect() made the workload's code executable, and it did nothing (an "
            "emulator or a sandbox?)");
    return 0;
}

int image_load(struct image *image, struct error *error)
{
    size_t bytes;
    const void *embedded = image_embedded(&bytes);
    struct image made = {.code_bytes = whole_pages(bytes), .stack_bytes = STACK_BYTES};
    int rc = memory_map(&made.memory, made.code_bytes + PAGE_BYTES + STACK_BYTES, PAGE_BYTES, error);
    if (rc < 0)
        return rc;
    char *base = made.memory.base;
    made.code = base;
    made.job = (struct workload_job *)(base + made.code_bytes);
    made.stack = base + made.code_bytes + PAGE_BYTES;
    memcpy(base, embedded, bytes);
    rc = memory_populate(&made.memory, true, NULL, NULL, error);
    if (rc == 0)
        rc = seal_code(&made, error);
    if (rc < 0) {
        memory_unmap(&made.memory);
        return rc;
    }
    *image = made;
    return 0;
}

int image_share(struct image *image, struct error *error)
{
    if (image->memory.shared)
        return 0;
    int rc = memory_share(&image->memory, error);
    return rc < 0 ? rc : seal_code(image, error);
}

void image_unload(struct image *image)
{
    memory_unmap(&image->memory);
    *image = (struct image){0};
}

int image_find(const struct image *image, const char *name, workload_function **entry, struct error *error)
{
    const struct workload_image_header *header = image->code;
    for (uint32_t i = 0; i < header->entry_count; i++) {
        if (!strcmp(header->entries[i].name, name)) {
            *entry = (workload_function *)(uintptr_t)((const char *)image->code + header->entries[i].offset);
            return 0;
        }
    }
    return error_set(error, EINVAL, "there is no built-in workload '%s'", name);
}
