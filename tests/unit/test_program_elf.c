/* ELF files: ordinary ones, and each way in which one is none. */
#include "cmocka_all.h"

#include "program/inside/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEGMENTS = 3, FILE_BYTES = 16384 };

struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segment[SEGMENTS];
    char interpreter[16];
    char rest[FILE_BYTES - 64 - SEGMENTS * 56 - 16];
};

static struct file ordinary(void)
{
    struct file file = {.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                            .e_type = ET_EXEC,
                            .e_machine = EM_X86_64,
                            .e_entry = 0x401000,
                            .e_phoff = offsetof(struct file, segment),
                            .e_phentsize = sizeof(Elf64_Phdr),
                            .e_phnum = SEGMENTS},
        .interpreter = "/lib/ld.so"};
    file.segment[0] = (Elf64_Phdr){.p_type = PT_LOAD,
        .p_flags = PF_R | PF_X,
        .p_vaddr = 0x400000,
        .p_filesz = 0x1800,
        .p_memsz = 0x1800,
        .p_align = 0x1000};
    file.segment[1] = (Elf64_Phdr){.p_type = PT_LOAD,
        .p_flags = PF_R | PF_W,
        .p_offset = 0x1800,
        .p_vaddr = 0x402800,
        .p_filesz = 0x100,
        .p_memsz = 0x5000,
        .p_align = 0x200000};
    file.segment[2] = (Elf64_Phdr){
        .p_type = PT_INTERP, .p_offset = offsetof(struct file, interpreter), .p_filesz = sizeof "/lib/ld.so"};
    return file;
}

static int read_bytes(const void *bytes, size_t count, struct elf *elf, struct error *error)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    int rc = elf_read(fd, elf, error);
    close(fd);
    return rc;
}

static void an_ordinary_one_is_read(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf elf;
    assert_int_equal(read_bytes(&file, sizeof file, &elf, NULL), 0);
    assert_false(elf.relocatable);
    assert_int_equal(elf.entry, 0x401000);
    assert_int_equal(elf.low, 0x400000);
    assert_int_equal(elf.high, 0x408000);
    assert_int_equal(elf.alignment, 0x200000);
    assert_int_equal(elf.headers, 0x400000 + offsetof(struct file, segment));
    assert_int_equal(elf.segment_count, 2);
    assert_int_equal(elf.segments[1].memory_bytes, 0x5000);
    assert_int_equal(elf.segments[1].protection, PROT_READ | PROT_WRITE);
    assert_string_equal(elf.interpreter, "/lib/ld.so");
    assert_true(elf.executable_stack); /* nothing says otherwise */
}

/* Those of this machine. */
static void this_program_is_read(void **state)
{
    (void)state;
    struct elf elf;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(elf_read(fd, &elf, NULL), 0);
    assert_true(elf.segment_count >= 2 && elf.headers && elf.header_count && elf.entry);
    assert_false(elf.executable_stack);
    close(fd);
}

struct wrong {
    const char *name;
    size_t offset, bytes;
    uint64_t value;
    int code;
};
#define AT(member) offsetof(struct file, member), sizeof((struct file *)0)->member
static const struct wrong wrongs[] = {
    {"no ELF", AT(header.e_ident[0]), 0, ENOEXEC},
    {"another machine", AT(header.e_machine), EM_AARCH64, ENOEXEC},
    {"an object", AT(header.e_type), ET_REL, ENOEXEC},
    {"headers of another size", AT(header.e_phentsize), 32, ENOEXEC},
    {"no headers", AT(header.e_phnum), 0, ENOEXEC},
    {"too many headers", AT(header.e_phnum), 65535, ENOEXEC},
    {"headers behind the end", AT(header.e_phoff), FILE_BYTES - 8, ENOEXEC},
    {"headers before the beginning", AT(header.e_phoff), UINT64_MAX - 8, ENOEXEC},
    {"more of the file than of memory", AT(segment[0].p_filesz), 0x2000, EFAULT},
    {"an address that wraps", AT(segment[1].p_vaddr), UINT64_MAX - 0x7ff, EFAULT},
    {"a size that wraps", AT(segment[1].p_memsz), UINT64_MAX, EFAULT},
    {"a kernel's address", AT(segment[1].p_vaddr), UINT64_C(0xffff800000000800), EFAULT},
    {"an offset that does not fit the page", AT(segment[1].p_offset), 0x1801, EFAULT},
    {"an offset that no file has", AT(segment[1].p_offset), UINT64_C(0x7ffffffffffff800), EFAULT},
    {"an interpreter without end", AT(segment[2].p_filesz), 4, ENOEXEC},
    {"an interpreter of one byte", AT(segment[2].p_filesz), 1, ENOEXEC},
    {"an interpreter that is too long", AT(segment[2].p_filesz), 1 << 20, ENOEXEC},
    {"an interpreter behind the end", AT(segment[2].p_offset), FILE_BYTES, EIO},
    {"an interpreter that no file has", AT(segment[2].p_offset), UINT64_MAX - 7, EINVAL},
};

static void what_is_wrong_is_refused_and_the_output_untouched(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct file file = ordinary();
        struct elf elf, before;
        struct error error = {.code = 0};
        memset(&elf, 0x5a, sizeof elf);
        before = elf;
        memcpy((char *)&file + wrongs[i].offset, &wrongs[i].value, wrongs[i].bytes);
        if (read_bytes(&file, sizeof file, &elf, &error) != -wrongs[i].code)
            fail_msg("%s: %d, %s", wrongs[i].name, error.code, error.text);
        assert_true(error.text[0]);
        assert_memory_equal(&elf, &before, sizeof elf);
    }
}

static void a_file_that_ends_too_soon_is_refused(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf elf;
    for (size_t bytes = 0; bytes < offsetof(struct file, interpreter); bytes += 7)
        assert_true(read_bytes(&file, bytes, &elf, NULL) < 0);
}

static void nothing_to_map_is_refused(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf elf;
    file.segment[0].p_type = file.segment[1].p_type = PT_NOTE;
    assert_int_equal(read_bytes(&file, sizeof file, &elf, NULL), -EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_one_is_read),
        cmocka_unit_test(this_program_is_read),
        cmocka_unit_test(what_is_wrong_is_refused_and_the_output_untouched),
        cmocka_unit_test(a_file_that_ends_too_soon_is_refused),
        cmocka_unit_test(nothing_to_map_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
