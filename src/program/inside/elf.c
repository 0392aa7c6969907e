#include "program/inside/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, HEADERS_MAX = 512 };

#define ADDRESS_MAX ((UINT64_C(1) << 47) - PAGE) /* Linux's TASK_SIZE */

static int read_at(int file, uint64_t offset, void *to, size_t bytes, int code, struct error *error)
{
    if (offset > INT64_MAX - bytes || pread(file, to, bytes, (off_t)offset) != (ssize_t)bytes)
        return error_set(error, offset > INT64_MAX && code == EIO ? EINVAL : code,
            "the program's file ends before its headers do");
    return 0;
}

static int read_header(int file, Elf64_Ehdr *header, struct error *error)
{
    if (pread(file, header, sizeof *header, 0) != (ssize_t)sizeof *header ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(error, ENOEXEC, "this is neither an ELF program nor a script that begins with #!");
    if (header->e_machine != EM_X86_64)
        return error_set(error, ENOEXEC, "only 64-bit x86-64 programs run in a domain, and this is none");
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return error_set(error, ENOEXEC, "this ELF file is no program");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || !header->e_phnum || header->e_phnum > HEADERS_MAX)
        return error_set(error, ENOEXEC, "the program headers of this ELF file are of no known kind");
    return 0;
}

static int take_interpreter(int file, const Elf64_Phdr *header, struct elf *elf, struct error *error)
{
    if (header->p_filesz < 2 || header->p_filesz > sizeof elf->interpreter)
        return error_set(error, ENOEXEC, "the name of the program's interpreter has an impossible length");
    int rc = read_at(file, header->p_offset, elf->interpreter, header->p_filesz, EIO, error);
    if (rc == 0 && elf->interpreter[header->p_filesz - 1])
        rc = error_set(error, ENOEXEC, "the name of the program's interpreter has no end");
    return rc;
}

static int take_segment(const Elf64_Phdr *header, struct elf *elf, struct error *error)
{
    if (!header->p_memsz && !header->p_filesz && header->p_vaddr < ADDRESS_MAX)
        return 0;
    if (elf->segment_count == ELF_SEGMENTS_MAX)
        return error_set(error, ENOEXEC, "the program has more than %d segments", ELF_SEGMENTS_MAX);
    if (header->p_filesz > header->p_memsz || header->p_memsz > ADDRESS_MAX ||
        header->p_vaddr > ADDRESS_MAX - header->p_memsz || (header->p_vaddr - header->p_offset) % PAGE ||
        header->p_offset > INT64_MAX - header->p_memsz)
        return error_set(error, EFAULT, "the program's segment %u cannot be mapped", elf->segment_count);
    elf->segments[elf->segment_count++] = (struct elf_segment){
        .address = header->p_vaddr,
        .memory_bytes = header->p_memsz,
        .offset = header->p_offset,
        .file_bytes = header->p_filesz,
        .protection = (header->p_flags & PF_R ? PROT_READ : 0) | (header->p_flags & PF_W ? PROT_WRITE : 0) |
                      (header->p_flags & PF_X ? PROT_EXEC : 0),
    };
    uint64_t align = header->p_align;
    if (align > elf->alignment && !(align & (align - 1)) && align <= UINT64_C(1) << 30)
        elf->alignment = align;
    return 0;
}

static int take_headers(int file, const Elf64_Phdr *headers, struct elf *elf, struct error *error)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < elf->header_count; i++) {
        if (headers[i].p_type == PT_LOAD)
            rc = take_segment(&headers[i], elf, error);
        else if (headers[i].p_type == PT_INTERP && !elf->interpreter[0])
            rc = take_interpreter(file, &headers[i], elf, error);
        else if (headers[i].p_type == PT_GNU_STACK)
            elf->executable_stack = headers[i].p_flags & PF_X;
    }
    return rc;
}

/* Linkers sort segments; Linux does not look. */
static void find_bounds(struct elf *elf)
{
    elf->low = UINT64_MAX;
    for (unsigned i = 0; i < elf->segment_count; i++) {
        uint64_t from = elf->segments[i].address, to = from + elf->segments[i].memory_bytes;
        elf->low = from < elf->low ? from : elf->low;
        elf->high = to > elf->high ? to : elf->high;
    }
    elf->low &= -(uint64_t)PAGE;
    elf->high = (elf->high + PAGE - 1) & -(uint64_t)PAGE;
}

static void find_headers(uint64_t offset, struct elf *elf)
{
    for (unsigned i = 0; i < elf->segment_count && !elf->headers; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        if (offset >= segment->offset && offset - segment->offset < segment->file_bytes)
            elf->headers = segment->address + (offset - segment->offset);
    }
}

int elf_read(int file, struct elf *out, struct error *error)
{
    Elf64_Ehdr header;
    Elf64_Phdr headers[HEADERS_MAX];
    struct elf elf = {.alignment = PAGE, .executable_stack = true};
    int rc = read_header(file, &header, error);
    if (rc < 0 ||
        (rc = read_at(file, header.e_phoff, headers, header.e_phnum * sizeof *headers, ENOEXEC, error)) < 0)
        return rc;
    elf.relocatable = header.e_type == ET_DYN;
    elf.entry = header.e_entry;
    elf.header_count = header.e_phnum;
    if ((rc = take_headers(file, headers, &elf, error)) < 0)
        return rc;
    if (!elf.segment_count)
        return error_set(error, EFAULT, "the program has nothing that is to be mapped");
    find_bounds(&elf);
    find_headers(header.e_phoff, &elf);
    *out = elf;
    return 0;
}
