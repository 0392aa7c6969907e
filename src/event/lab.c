/* What a guest's kernel handles by itself, and what it needs for that. */
#include "base/size.h"
#include "domain/memory.h"
#include "domain/x86_64/system.h"
#include "event/lab_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 4096, CR4_PCIDE = 1 << 17 };

/* In a value that is written to CR3: the TLB keeps the entries that carry its tag (SDM volume 3,
 * 4.10.4.1). */
#define CR3_KEEP (UINT64_C(1) << 63)

static const struct {
    unsigned vector;
    uint64_t handler;
} handlers[LAB_HANDLERS] = {
    [LAB_DIVIDE] = {0, DOMAIN_HANDLE_DIVIDE},
    [LAB_PAGE_FAULT] = {14, DOMAIN_HANDLE_PAGE},
    [LAB_INTERRUPT] = {LAB_INTERRUPT_VECTOR, DOMAIN_HANDLE_INTERRUPT},
    [LAB_SHOOTDOWN] = {LAB_INTERRUPT_VECTOR, DOMAIN_HANDLE_SHOOTDOWN},
};

static struct domain_data *data_of(const struct lab *lab)
{
    return system_page(lab->domain, DOMAIN_PAGE_DATA);
}

/* ---- opening ---- */

static int map_page(struct domain *domain, gva_t from, gpa_t to, unsigned rights, struct error *error)
{
    return domain_map(domain, from, to, PAGE_BYTES, PAGE_BYTES, rights, error);
}

/* The entries of the first 2 MiB stand in one table if the data begins at a multiple of that. */
static int map_window(struct lab *lab, struct error *error)
{
    gva_t data = gva_same_as(domain_data_region(lab->domain)->backing.host);
    struct page_walk walk;
    page_tables_walk(domain_tables(lab->domain), data, &walk);
    if (walk.leaf.bytes != PAGE_BYTES || data.value % (2 * MIB))
        return 0;
    data_of(lab)->window = data_of(lab)->flush = data.value;
    return map_page(lab->domain, LAB_WINDOW, walk.read[walk.reads - 1].where, PAGE_READ | PAGE_WRITE, error);
}

int lab_open(struct domain *domain, bool window, struct lab **out, struct error *error)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab)
        return error_set(error, ENOMEM, "no memory for a laboratory of events");
    lab->domain = domain;
    int rc = map_page(domain, LAB_VOID, GPA(DOMAIN_VOID_PHYSICAL), PAGE_READ | PAGE_WRITE | PAGE_USER, error);
    if (rc == 0 && window)
        rc = map_window(lab, error);
    if (rc < 0) {
        free(lab);
        return rc;
    }
    *out = lab;
    return 0;
}

void lab_close(struct lab *lab)
{
    if (lab)
        lab_stop_second(lab);
    free(lab);
}

bool lab_answers(void *unused, const struct vm_exit *exit)
{
    (void)unused;
    if (exit->kind == EXIT_MMIO)
        return exit->address.value - DOMAIN_VOID_PHYSICAL < PAGE_BYTES;
    return exit->kind == EXIT_IO && (exit->port == DOMAIN_PORT_NULL || exit->port == DOMAIN_PORT_EVENT);
}

/* ---- handling ---- */

void lab_handle(struct lab *lab, enum lab_handler handler)
{
    system_set_gate(
        system_page(lab->domain, 0), system_address(0), handlers[handler].vector, handlers[handler].handler);
}

void lab_handled(const struct lab *lab, uint64_t *page_faults, uint64_t *interrupts)
{
    *page_faults = data_of(lab)->faults;
    *interrupts = data_of(lab)->interrupts;
}

int lab_return_syscalls(struct lab *lab, const struct monitor_facts *facts, struct error *error)
{
    if (facts->syscall_privilege != 0)
        return error_set(error, ENOTSUP,
            "SYSCALL does not lead to the guest's kernel on this host (%s): it stays at CPL %d",
            facts->provider.known ? facts->provider.text : "KVM", facts->syscall_privilege);
    lab->mode.syscall_entry = DOMAIN_SYSCALL_RETURN;
    return domain_cpu_mode(domain_first_cpu(lab->domain), &lab->mode, error);
}

/* ---- two address spaces ---- */

/* Bit 17 of ECX in leaf 1 of CPUID is for the guest to see; whether the monitor takes the bit is found by
 * setting it. */
static int tag_translations(struct lab *lab, struct error *error)
{
    struct error refused;
    struct domain_mode mode = lab->mode;
    mode.cr4 |= CR4_PCIDE;
    if (domain_cpu_mode(domain_first_cpu(lab->domain), &mode, &refused) < 0)
        return error_set(error, ENOTSUP, "this host's KVM gives guests no PCID (%.120s)", refused.text);
    lab->mode = mode;
    return 0;
}

/* Another root of the same tables: what a switch costs is the switch. */
static int copy_root(const struct page_tables *tables, gpa_t *root, struct error *error)
{
    const struct table_memory *memory = &tables->memory;
    int rc = memory->take(memory->context, root, error);
    if (rc == 0)
        memcpy(memory->at(memory->context, *root), memory->at(memory->context, tables->root), PAGE_BYTES);
    return rc;
}

/* Tag 0 belongs to the first space and 1 to the second; CR3_KEEP stands in every value that is written,
 * because none that is read has it. */
int lab_switch_spaces(struct lab *lab, bool tags, struct error *error)
{
    const struct page_tables *tables = domain_tables(lab->domain);
    gpa_t second;
    int rc = tags ? tag_translations(lab, error) : 0;
    if (rc < 0 || (rc = copy_root(tables, &second, error)) < 0)
        return rc;
    data_of(lab)->spaces = (tables->root.value ^ second.value) | (tags ? CR3_KEEP | 1 : 0);
    system_set_gate(
        system_page(lab->domain, 0), system_address(0), handlers[LAB_DIVIDE].vector, DOMAIN_HANDLE_SWITCH);
    return 0;
}
