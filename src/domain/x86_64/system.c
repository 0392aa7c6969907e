#include "domain/x86_64/system.h"

#include "abi/domain.h"

#include <string.h>

extern const char domain_kernel_start[], domain_kernel_end[];

enum {
    PAGE_BYTES = 4096,
    TSS_BYTES = 104,              /* SDM volume 3, figure 8-11 */
    TSS_RSP0 = 4,                 /* where the stack for CPL 0 stands in it */
    TSS_BITMAP_OFFSET = 102,      /* and the offset of the I/O permission bitmap */
    PORTS = 256,                  /* covered by the bitmap; ports above are denied by the segment limit */
    BITMAP_BYTES = PORTS / 8 + 1, /* the last byte must be all ones (SDM volume 1, 19.5.2) */
    VECTORS = 256,
};

/* 64-bit code and flat data descriptors, with accessed bits preset (SDM volume 3, 3.4.5). */
#define CODE_DESCRIPTOR(dpl) (UINT64_C(0x00af9b000000ffff) | (uint64_t)(dpl) << 45)
#define DATA_DESCRIPTOR(dpl) (UINT64_C(0x00cf93000000ffff) | (uint64_t)(dpl) << 45)
_Static_assert(TSS_BYTES + BITMAP_BYTES <= SYSTEM_TSS_BYTES, "a task state has room");
#define TSS_LIMIT (TSS_BYTES + BITMAP_BYTES - 1)

gva_t system_program_address(uint64_t offset)
{
    return GVA(DOMAIN_PROGRAM_BASE + offset);
}

gva_t system_address(uint64_t offset)
{
    return GVA(DOMAIN_SYSTEM_BASE + offset);
}

static char *page(char *base, unsigned number)
{
    return base + (size_t)number * PAGE_BYTES;
}

static gva_t page_address(gva_t at, unsigned number)
{
    return GVA(at.value + (uint64_t)number * PAGE_BYTES);
}

/* A TSS descriptor takes two entries (SDM volume 3, figure 8-4); type 9: available. */
static void build_gdt(uint64_t *gdt, uint64_t tss)
{
    gdt[DOMAIN_KERNEL_CS / 8] = CODE_DESCRIPTOR(0);
    gdt[DOMAIN_KERNEL_SS / 8] = DATA_DESCRIPTOR(0);
    gdt[DOMAIN_USER_SS / 8] = DATA_DESCRIPTOR(3);
    gdt[DOMAIN_USER_CS / 8] = CODE_DESCRIPTOR(3);
    gdt[DOMAIN_TSS / 8] =
        UINT64_C(0x0000890000000000) | TSS_LIMIT | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
    gdt[DOMAIN_TSS / 8 + 1] = tss >> 32;
}

/* 64-bit interrupt gates to the kernel's stubs (SDM volume 3, figure 6-8). Those that software may raise
 * itself (INT3, INTO) stay at DPL 0 as well: a workload has no business there. */
void system_set_gate(char *base, gva_t at, unsigned vector, uint64_t handler)
{
    uint64_t *idt = (uint64_t *)page(base, DOMAIN_PAGE_IDT);
    uint64_t to = page_address(at, DOMAIN_PAGE_KERNEL).value + handler;
    idt[2 * vector] =
        (to & 0xffff) | DOMAIN_KERNEL_CS << 16 | UINT64_C(0x8e00) << 32 | (to >> 16 & 0xffff) << 48;
    idt[2 * vector + 1] = to >> 32;
}

void system_open_gate(char *base, unsigned vector)
{
    uint64_t *idt = (uint64_t *)page(base, DOMAIN_PAGE_IDT);
    idt[2 * vector] |= UINT64_C(3) << 45; /* the descriptor's privilege level */
}

static void build_idt(char *base, gva_t at)
{
    for (unsigned vector = 0; vector < VECTORS; vector++)
        system_set_gate(base, at, vector, (uint64_t)vector * DOMAIN_VECTOR_BYTES);
}

/* A 32-bit OUT needs the bits of all four of its ports clear. */
static void allow_port(uint8_t *bitmap, unsigned port)
{
    for (unsigned i = port; i < port + 4; i++)
        bitmap[i / 8] &= (uint8_t) ~(1u << i % 8);
}

void system_build_tss(char *tss, uint64_t stack)
{
    uint16_t bitmap_offset = TSS_BYTES;
    uint8_t *bitmap = (uint8_t *)tss + TSS_BYTES;
    memcpy(tss + TSS_RSP0, &stack, sizeof stack);
    memcpy(tss + TSS_BITMAP_OFFSET, &bitmap_offset, sizeof bitmap_offset);
    memset(bitmap, 0xff, BITMAP_BYTES);
    allow_port(bitmap, DOMAIN_PORT_DONE);
    allow_port(bitmap, DOMAIN_PORT_SYSCALL);
    allow_port(bitmap, DOMAIN_PORT_NULL);
    allow_port(bitmap, DOMAIN_PORT_EVENT);
}

static const struct {
    unsigned page, pages;
    unsigned rights;
} mappings[] = {
    {DOMAIN_PAGE_GDT, 1, PAGE_READ | PAGE_WRITE}, /* the CPU writes: accessed and busy bits */
    {DOMAIN_PAGE_IDT, 1, PAGE_READ}, {DOMAIN_PAGE_TSS, 1, PAGE_READ | PAGE_WRITE},
    {DOMAIN_PAGE_STACK, 1, PAGE_READ | PAGE_WRITE},
    {DOMAIN_PAGE_KERNEL, DOMAIN_PAGE_USER - DOMAIN_PAGE_KERNEL, PAGE_READ | PAGE_EXECUTE},
    {DOMAIN_PAGE_USER, 1, PAGE_READ | PAGE_EXECUTE | PAGE_USER},
    {DOMAIN_PAGE_DATA, 2, PAGE_READ | PAGE_WRITE | PAGE_USER}, /* and DOMAIN_PAGE_SECOND */
    {DOMAIN_PAGE_SECOND_STACK, 2, PAGE_READ | PAGE_WRITE},     /* and DOMAIN_PAGE_SECOND_TSS */
};

int system_build(char *base, gpa_t start, gva_t at, struct page_tables *tables, struct error *error)
{
    build_gdt((uint64_t *)page(base, DOMAIN_PAGE_GDT), page_address(at, DOMAIN_PAGE_TSS).value);
    build_idt(base, at);
    system_build_tss(page(base, DOMAIN_PAGE_TSS), page_address(at, DOMAIN_PAGE_STACK + 1).value);
    system_build_tss(
        page(base, DOMAIN_PAGE_SECOND_TSS), page_address(at, DOMAIN_PAGE_SECOND_STACK + 1).value);
    memcpy(page(base, DOMAIN_PAGE_KERNEL), domain_kernel_start,
        (size_t)(domain_kernel_end - domain_kernel_start));
    for (size_t i = 0; i < sizeof mappings / sizeof mappings[0]; i++) {
        uint64_t offset = (uint64_t)mappings[i].page * PAGE_BYTES;
        int rc = page_tables_map(tables, GVA(at.value + offset), GPA(start.value + offset),
            (uint64_t)mappings[i].pages * PAGE_BYTES, PAGE_BYTES, mappings[i].rights, error);
        if (rc < 0)
            return rc;
    }
    return 0;
}

struct vcpu_system system_state(
    const struct page_tables *tables, gva_t at, unsigned privilege, const struct domain_mode *mode)
{
    const uint64_t syscall_entry = mode->syscall_entry ? mode->syscall_entry : DOMAIN_SYSCALL_ENTRY;
    return (struct vcpu_system){
        .page_tables = tables->root,
        .cr0 = 0x80050033, /* PG AM WP NE ET MP PE */
        .cr4 =
            mode->cr4 |
            0x6a0, /* OSXMMEXCPT OSFXSR PGE PAE; no SMEP: SYSCALL lands in a page of CPL 3 (abi/domain.h) */
        .xcr0 = mode->xcr0,
        .efer = 0xd01, /* NXE LMA LME SCE */
        .cs_selector = privilege ? DOMAIN_USER_CS : DOMAIN_KERNEL_CS,
        .ss_selector = privilege ? DOMAIN_USER_SS : DOMAIN_KERNEL_SS,
        .gdt = page_address(at, DOMAIN_PAGE_GDT),
        .gdt_limit = DOMAIN_TSS + 15,
        .idt = page_address(at, DOMAIN_PAGE_IDT),
        .idt_limit = VECTORS * 16 - 1,
        .tss = page_address(at, mode->tss_page ? mode->tss_page : DOMAIN_PAGE_TSS),
        .tss_limit = TSS_LIMIT,
        .tss_selector = DOMAIN_TSS,
        .star = (uint64_t)(DOMAIN_USER_SS - 8) << 48 | (uint64_t)DOMAIN_KERNEL_CS << 32,
        .syscall_entry = GVA(page_address(at, DOMAIN_PAGE_KERNEL).value + syscall_entry),
        .syscall_mask = 0x300, /* IF TF */
    };
}
