#include "child_guest.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char impossible[512];
struct children *family;
struct child *child;
struct child_registers registers;
struct child_trap trap;
struct error error;
unsigned char *memory;
unsigned memory_number;

static int note(int rc)
{
    if (rc < 0) {
        snprintf(impossible, sizeof impossible, "%s", error.text);
        fprintf(stderr, "# %s\n", impossible);
    }
    return 0;
}

int child_guest_find_out(void **state)
{
    (void)state;
    return note(child_possible(&error));
}

int child_guest_find_out_unguarded(void **state)
{
    struct children *some = NULL;
    struct child *one;
    (void)state;
    int rc = children_open(NULL, &some, &error);
    if (rc == 0)
        rc = child_open(some, &one, &error);
    children_close(some);
    return note(rc);
}

int child_guest_open(void **state)
{
    (void)state;
    if (impossible[0])
        return 0;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_return_code(ftruncate(fd, (off_t)PAGES * PAGE), 0);
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    OK(children_open(NULL, &family, &error));
    int number = children_memory(family, fd, &error);
    OK(number);
    memory_number = (unsigned)number;
    close(fd);
    OK(child_open(family, &child, &error));
    OK(child_map(child, CODE, memory_number, 0, PAGE, CHILD_READ | CHILD_EXECUTE, &error));
    OK(child_map(child, DATA, memory_number, PAGE, PAGE, CHILD_READ | CHILD_WRITE, &error));
    registers = (struct child_registers){.general = {.rip = CODE, .rsp = DATA + PAGE}};
    return 0;
}

int child_guest_close(void **state)
{
    (void)state;
    if (impossible[0])
        return 0;
    children_close(family);
    munmap(memory, PAGES * PAGE);
    return 0;
}

void need_children(void)
{
    if (!impossible[0])
        return;
    print_message("# skip: %s\n", impossible);
    skip();
}

enum child_trap_kind run(void)
{
    OK(child_run(child, &registers, &trap, &error));
    return trap.kind;
}

unsigned count_maps(const struct child *of)
{
    char path[64], line[256];
    unsigned long long start;
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", of->guest_number);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        count += sscanf(line, "%llx-", &start) == 1 && start < CHILD_TOP;
    fclose(file);
    return count;
}
