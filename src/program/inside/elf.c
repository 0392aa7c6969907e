#include "program/inside/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, HEADERS_MAX = 65536 / sizeof(Elf64_Phdr) };

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

static int take_interpreter(int file, const Elf64_Phdr *header, struct elf *elf, struct error *error)
{
    if (header->p_filesz < 2 || header->p_filesz > sizeof elf->interpreter)
        return error_set(error, ENOEXEC, "the name of the program's interpreter has an impossible length");
    int rc = read_at(file, header->p_offset, elf->interpreter, header->p_filesz, error);
    if (rc == 0 && elf->interpreter[header->p_filesz - 1])
        rc = error_set(error, ENOEXEC, "the name of the program's interpreter has no end");
    elf->interpreted = true;
    return rc;
}

static int take_segment(const Elf64_Phdr *header, struct elf *elf, struct error *error)
{
    if (elf->segment_count == ELF_SEGMENTS_MAX)
        return error_set(error, ENOEXEC, "the program has more than %d segments", ELF_SEGMENTS_MAX);
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
    return 0;
}

/* A linker's own interpreter is none of Linux's business. */
static int take_headers(
    int file, enum elf_role role, const Elf64_Phdr *headers, struct elf *elf, struct error *error)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < elf->header_count; i++) {
        if (headers[i].p_type == PT_LOAD)
            rc = take_segment(&headers[i], elf, error);
        else if (headers[i].p_type == PT_INTERP && role == ELF_PROGRAM && !elf->interpreted)
            rc = take_interpreter(file, &headers[i], elf, error);
        else if (headers[i].p_type == PT_GNU_STACK)
            elf->executable_stack = headers[i].p_flags & PF_X;
    }
    return rc;
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

int elf_read(int file, enum elf_role role, struct elf *out, struct error *error)
{
    Elf64_Ehdr header;
    Elf64_Phdr headers[HEADERS_MAX];
    /* Where nothing is said of it the stack is not executable since Linux 5.8 (arch/x86/include/asm/elf.h) */
    struct elf elf = {.alignment = PAGE};
    int rc = read_header(file, role, &header, error);
    if (rc < 0)
        return rc;
    if (read_at(file, header.e_phoff, headers, header.e_phnum * sizeof *headers, error) < 0)
        return error_set(
            error, role == ELF_LINKER ? ELIBBAD : ENOEXEC, "the program's file ends before its headers do");
    elf.is_fixed = header.e_type == ET_EXEC;
    elf.relocatable = header.e_type == ET_DYN;
    elf.entry = header.e_entry;
    elf.header_count = header.e_phnum;
    if ((rc = take_headers(file, role, headers, &elf, error)) < 0)
        return rc;
    find_headers(header.e_phoff, &elf);
    *out = elf;
    return 0;
}
