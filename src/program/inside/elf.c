#include "program/inside/elf.h"

#include "program/inside/page.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEADERS_MAX = 65536 / sizeof(Elf64_Phdr) };
_Static_assert((int)HEADERS_MAX == (int)ELF_SEGMENTS_MAX, "each may be a segment");

static int read_at(int file, uint64_t offset, void *to, size_t bytes, struct error *error)
{
    ssize_t got = pread(file, to, bytes, (off_t)offset);
    if (got == (ssize_t)bytes)
        return 0;
    return error_set(error, got < 0 ? errno : EIO, "the program's file ends before its headers do");
}

/* What a program's file lacks of it are zeros (Linux, prepare_binprm()); a linker's must be there. */
static int read_header(int file, enum elf_role role, Elf64_Ehdr *header, struct error *error)
{
    const int bad = role == ELF_LINKER ? ELIBBAD : ENOEXEC;
    memset(header, 0, sizeof *header);
    int rc = read_at(file, 0, header, sizeof *header, error);
    if (rc < 0 && role == ELF_LINKER)
        return rc;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(error, bad, "this is neither an ELF program nor a script that begins with #!");
    if (role == ELF_PROGRAM && header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return error_set(error, bad, "this ELF file is no program");
    if (header->e_machine != EM_X86_64)
        return error_set(error, bad, "only 64-bit x86-64 programs run in a domain, and this is none");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || !header->e_phnum || header->e_phnum > HEADERS_MAX)
        return error_set(error, bad, "the program headers of this ELF file are of no known kind");
    return 0;
}

static int read_interpreter(int file, const Elf64_Phdr *header, char name[PATH_MAX], struct error *error)
{
    if (header->p_filesz < 2 || header->p_filesz > PATH_MAX)
        return error_set(error, ENOEXEC, "the name of the program's interpreter has an impossible length");
    int rc = read_at(file, header->p_offset, name, header->p_filesz, error);
    if (rc == 0 && name[header->p_filesz - 1])
        rc = error_set(error, ENOEXEC, "the name of the program's interpreter has no end");
    return rc;
}

/* The first one that is named; NULL. */
static const Elf64_Phdr *find_interpreter(const Elf64_Phdr *headers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (headers[i].p_type == PT_INTERP)
            return &headers[i];
    return NULL;
}

static void take_segment(const Elf64_Phdr *header, struct elf *elf)
{
    elf->segments[elf->segment_count++] = (struct elf_segment){
        .address = header->p_vaddr,
        .memory_bytes = header->p_memsz,
        .offset = header->p_offset,
        .file_bytes = header->p_filesz,
        .protection = (header->p_flags & PF_R ? PROT_READ : 0) | (header->p_flags & PF_W ? PROT_WRITE : 0) |
                      (header->p_flags & PF_X ? PROT_EXEC : 0),
    };
    uint64_t align = header->p_align;
    if (align > elf->alignment && !(align & (align - 1)))
        elf->alignment = align;
}

static void take_headers(const Elf64_Phdr *headers, struct elf *elf)
{
    for (unsigned i = 0; i < elf->header_count; i++) {
        if (headers[i].p_type == PT_LOAD)
            take_segment(&headers[i], elf);
        else if (headers[i].p_type == PT_GNU_STACK)
            elf->executable_stack = headers[i].p_flags & PF_X;
    }
}

/* The last segment that has them. */
static void find_headers(uint64_t offset, struct elf *elf)
{
    for (unsigned i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        if (offset >= segment->offset && offset < segment->offset + segment->file_bytes)
            elf->headers = segment->address + (offset - segment->offset);
    }
}

bool elf_is_of_32_bits(const char *path)
{
    Elf32_Ehdr header = {.e_machine = EM_NONE};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool is = file >= 0 && pread(file, &header, sizeof header, 0) == sizeof header &&
              memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_machine == EM_386;
    if (file >= 0)
        close(file);
    return is;
}

/* A linker's own interpreter is none of Linux's business. Where nothing is said of the stack it is not
 * executable since Linux 5.8 (arch/x86/include/asm/elf.h). */
int elf_read(int file, enum elf_role role, struct elf *elf, struct error *error)
{
    char interpreter[PATH_MAX] = "";
    Elf64_Ehdr header;
    Elf64_Phdr headers[HEADERS_MAX];
    int rc = read_header(file, role, &header, error);
    if (rc < 0)
        return rc;
    if (read_at(file, header.e_phoff, headers, header.e_phnum * sizeof *headers, error) < 0)
        return error_set(
            error, role == ELF_LINKER ? ELIBBAD : ENOEXEC, "the program's file ends before its headers do");
    const Elf64_Phdr *named = role == ELF_PROGRAM ? find_interpreter(headers, header.e_phnum) : NULL;
    if (named && (rc = read_interpreter(file, named, interpreter, error)) < 0)
        return rc;
    memset(elf, 0, offsetof(struct elf, segments));
    elf->is_fixed = header.e_type == ET_EXEC;
    elf->relocatable = header.e_type == ET_DYN;
    elf->entry = header.e_entry;
    elf->alignment = PAGE;
    elf->header_count = header.e_phnum;
    elf->interpreted = named;
    strcpy(elf->interpreter, interpreter);
    take_headers(headers, elf);
    find_headers(header.e_phoff, elf);
    return 0;
}
