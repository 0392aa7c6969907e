/* ELF files: ordinary ones, and each way in which one is none. */
#include "cmocka_all.h"

#include "program/inside/elf_place.h"

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
    int rc = elf_read(fd, ELF_PROGRAM, elf, error);
    close(fd);
    return rc;
}

static void an_ordinary_one_is_read(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf elf;
    assert_int_equal(read_bytes(&file, sizeof file, &elf, NULL), 0);
    assert_true(elf.is_fixed && !elf.relocatable && elf.interpreted);
    assert_int_equal(elf.entry, 0x401000);
    assert_int_equal(elf.alignment, 0x200000);
    assert_int_equal(elf.headers, 0x400000 + offsetof(struct file, segment));
    assert_int_equal(elf.segment_count, 2);
    assert_int_equal(elf.segments[1].memory_bytes, 0x5000);
    assert_int_equal(elf.segments[1].protection, PROT_READ | PROT_WRITE);
    assert_string_equal(elf.interpreter, "/lib/ld.so");
    assert_false(elf.executable_stack); /* nothing says otherwise */
}

/* Those of this machine. */
static void this_program_is_read(void **state)
{
    (void)state;
    struct elf elf;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(elf_read(fd, ELF_PROGRAM, &elf, NULL), 0);
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

/* ---- where it goes ---- */

static int place_it(
    const struct file *file, enum elf_role role, const struct elf_place *program, struct elf_place *place)
{
    struct elf elf;
    struct error error;
    int fd = memfd_create("elf", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, file, sizeof *file) == (ssize_t)sizeof *file);
    assert_int_equal(elf_read(fd, role, &elf, &error), 0);
    close(fd);
    return elf_place(&elf, program, place, &error);
}

static void a_place_has_all_segments(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf_place place, linker;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), 0);
    assert_true(place.fixed && !place.chosen && !place.bias);
    assert_int_equal(place.low, 0x400000);
    assert_int_equal(place.bytes, 0x8000);
    assert_int_equal(place.together, 0);
    file.header.e_type = ET_DYN;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), 0);
    assert_true(!place.fixed && place.chosen);
    assert_int_equal(place.alignment, 0x200000);
    assert_int_equal(place.together, 0x8000);
    file.segment[0].p_vaddr = -UINT64_C(0x3000); /* of a linker they may wrap */
    file.segment[0].p_memsz = 0x6000;
    file.segment[1].p_vaddr = -UINT64_C(0x800);
    assert_int_equal(place_it(&file, ELF_LINKER, &place, &linker), 0);
    assert_int_equal(linker.low, -UINT64_C(0x3000));
    assert_int_equal(linker.bytes, 0x8000);
    assert_int_equal(linker.alignment, 0x1000);
}

/* What has nothing of its file first, or wants more than any address is aligned to. */
static void some_begin_at_0(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf_place place;
    file.header.e_type = ET_DYN;
    file.segment[0].p_align = UINT64_C(1) << 47;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), 0);
    assert_true(!place.fixed && !place.chosen);
    assert_int_equal(place.bias, -UINT64_C(0x400000));
    file = ordinary();
    file.header.e_type = ET_DYN;
    file.segment[0].p_filesz = 0;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), 0);
    assert_true(place.chosen); /* with a linker it has a base */
    file.segment[2].p_type = PT_NULL;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), 0);
    assert_true(!place.chosen && place.bias == -UINT64_C(0x400000));
}

static const struct wrong impossible[] = {
    {"more of the file than of memory", AT(segment[0].p_filesz), 0x2000, EFAULT},
    {"an address that wraps", AT(segment[1].p_vaddr), UINT64_MAX - 0x7ff, EFAULT},
    {"a size that wraps", AT(segment[1].p_memsz), UINT64_MAX, EFAULT},
    {"a kernel's address", AT(segment[1].p_vaddr), UINT64_C(0xffff800000000800), EFAULT},
    {"an offset that does not fit the page", AT(segment[1].p_offset), 0x1801, EFAULT},
    {"an offset that fits no page and nothing of the file", AT(segment[1].p_filesz), 0, 0},
    {"an offset that the kernel looks at", AT(segment[1].p_offset), UINT64_C(0x7ffffffffffff800), 0},
    {"a beginning that it has not", AT(header.e_entry), UINT64_MAX, 0},
};

static void what_cannot_be_mapped_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        struct file file = ordinary();
        struct elf_place place;
        memcpy((char *)&file + impossible[i].offset, &impossible[i].value, impossible[i].bytes);
        if (place_it(&file, ELF_PROGRAM, NULL, &place) != -impossible[i].code)
            fail_msg("%s", impossible[i].name);
    }
    struct file file = ordinary();
    struct elf_place place;
    file.header.e_entry = UINT64_C(1) << 47;
    assert_int_equal(place_it(&file, ELF_LINKER, &place, &place), -EFAULT);
    file.segment[2].p_type = PT_NULL;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), -EFAULT);
}

/* One whose end wraps hides from the sum how far it is from the first one. */
static void a_linker_in_two_halves_is_none(void **state)
{
    (void)state;
    struct file file = ordinary();
    const struct elf_place program = {.chosen = true};
    struct elf_place place;
    file.header.e_type = ET_DYN;
    file.segment[0].p_vaddr = UINT64_C(1) << 63;
    file.segment[1].p_vaddr = -UINT64_C(0x800);
    assert_int_equal(place_it(&file, ELF_LINKER, &program, &place), -EFAULT);
}

static void nothing_to_map_is_none_of_a_linker(void **state)
{
    (void)state;
    struct file file = ordinary();
    struct elf_place place;
    file.segment[0].p_type = file.segment[1].p_type = PT_NOTE;
    assert_int_equal(place_it(&file, ELF_PROGRAM, NULL, &place), 0);
    assert_int_equal(place.bytes, 0);
    assert_int_equal(place_it(&file, ELF_LINKER, &place, &place), -EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_one_is_read),
        cmocka_unit_test(this_program_is_read),
        cmocka_unit_test(what_is_wrong_is_refused_and_the_output_untouched),
        cmocka_unit_test(a_file_that_ends_too_soon_is_refused),
        cmocka_unit_test(a_place_has_all_segments),
        cmocka_unit_test(some_begin_at_0),
        cmocka_unit_test(what_cannot_be_mapped_is_told),
        cmocka_unit_test(a_linker_in_two_halves_is_none),
        cmocka_unit_test(nothing_to_map_is_none_of_a_linker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
