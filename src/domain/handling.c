/* What a domain's kernel handles by itself: exceptions that do not leave the guest, and what they need. */
#include "abi/domain.h"
#include "base/size.h"
#include "domain/internal.h"
#include "domain/lab.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* In a value that is written to CR3: the TLB keeps the entries that carry its tag (SDM volume 3,
 * 4.10.4.1). */
#define CR3_KEEP (UINT64_C(1) << 63)

static const struct {
    unsigned vector;
    uint64_t handler;
} handlers[DOMAIN_HANDLERS] = {
    [DOMAIN_DIVIDE] = {0, DOMAIN_HANDLE_DIVIDE},
    [DOMAIN_PAGE_FAULT] = {14, DOMAIN_HANDLE_PAGE},
    [DOMAIN_INTERRUPT] = {DOMAIN_INTERRUPT_VECTOR, DOMAIN_HANDLE_INTERRUPT},
    [DOMAIN_SHOOTDOWN] = {DOMAIN_INTERRUPT_VECTOR, DOMAIN_HANDLE_SHOOTDOWN},
};

static struct domain_data *data_of(const struct domain *domain)
{
    return system_page(domain, DOMAIN_PAGE_DATA);
}

static int map_page(struct domain *domain, unsigned page, gpa_t to, uint64_t rights, struct error *error)
{
    gva_t from = system_address((uint64_t)page * PAGE_BYTES);
    return page_tables_map(&domain->tables, from, to, PAGE_BYTES, PAGE_BYTES, rights, error);
}

/* The entries of the first 2 MiB stand in one table if the data begins at a multiple of that. */
static int map_window(struct domain *domain, struct error *error)
{
    const struct memory *data = domain->config.data;
    uint64_t bytes = 0;
    uint64_t *leaf = page_tables_leaf(&domain->tables, gva_same_as(data->base), &bytes);
    if (!leaf || bytes != PAGE_BYTES || (uintptr_t)data->base % (2 * MIB))
        return 0;
    data_of(domain)->window = data_of(domain)->flush = (uintptr_t)data->base;
    gpa_t table = GPA((uint64_t)((char *)leaf - (char *)domain->system.base));
    return map_page(domain, DOMAIN_PAGE_WINDOW, table, PAGE_WRITE | PAGE_NO_EXECUTE, error);
}

int handling_map(struct domain *domain, struct error *error)
{
    int rc = map_page(
        domain, DOMAIN_PAGE_VOID, GPA(DOMAIN_VOID_PHYSICAL), PAGE_USER | PAGE_WRITE | PAGE_NO_EXECUTE, error);
    return rc == 0 && domain->config.data ? map_window(domain, error) : rc;
}

/* What the guest reads there is zero. */
bool handling_answers(void *unused, const struct vm_exit *exit)
{
    (void)unused;
    if (exit->kind == EXIT_MMIO)
        return exit->address.value - DOMAIN_VOID_PHYSICAL < PAGE_BYTES;
    return exit->kind == EXIT_IO && (exit->port == DOMAIN_PORT_NULL || exit->port == DOMAIN_PORT_EVENT);
}

int domain_handle(struct domain *domain, enum domain_handler handler, struct error *error)
{
    if (!domain->config.handling)
        return error_set(error, EINVAL, "this domain's kernel handles nothing by itself");
    system_set_gate(domain->system.base, handlers[handler].vector, handlers[handler].handler);
    return 0;
}

int domain_return_syscalls(struct domain *domain, const struct monitor_facts *facts, struct error *error)
{
    if (facts->syscall_privilege != 0)
        return error_set(error, ENOTSUP,
            "SYSCALL does not lead to the guest's kernel on this host (%s): it stays at CPL %d",
            facts->provider.known ? facts->provider.text : "KVM", facts->syscall_privilege);
    struct domain_cpu *cpu = domain_first_cpu(domain);
    struct domain_mode mode = cpu->mode;
    mode.syscall_entry = DOMAIN_SYSCALL_RETURN;
    return domain_cpu_mode(cpu, &mode, error);
}

void domain_handled(const struct domain *domain, uint64_t *page_faults, uint64_t *interrupts)
{
    *page_faults = data_of(domain)->faults;
    *interrupts = data_of(domain)->interrupts;
}

gva_t domain_interrupt_counter(void)
{
    return system_address((uint64_t)DOMAIN_PAGE_DATA * PAGE_BYTES + offsetof(struct domain_data, interrupts));
}

/* Bit 17 of ECX in leaf 1 of CPUID is for the guest to see; whether the monitor takes the bit is found by
 * setting it. */
static int tag_translations(struct domain *domain, struct error *error)
{
    struct error refused;
    struct domain_cpu *cpu = domain_first_cpu(domain);
    struct domain_mode mode = cpu->mode;
    mode.cr4 |= CR4_PCIDE;
    if (domain_cpu_mode(cpu, &mode, &refused) < 0)
        return error_set(error, ENOTSUP, "this host's KVM gives guests no PCID (%.120s)", refused.text);
    return 0;
}

/* Another root of the same tables: what a switch costs is the switch. */
static int copy_root(struct page_tables *tables, uint64_t *root, struct error *error)
{
    if (tables->next + PAGE_BYTES > tables->end)
        return error_set(error, ENOMEM, "no room for a second address space of the guest");
    *root = tables->next;
    tables->next += PAGE_BYTES;
    memcpy(tables->base + *root, tables->base + tables->root.value, PAGE_BYTES);
    return 0;
}

/* Tag 0 belongs to the first space and 1 to the second; CR3_KEEP stands in every value that is written,
 * because none that is read has it. */
int domain_switch_spaces(struct domain *domain, bool tags, struct error *error)
{
    uint64_t second;
    int rc = domain_handle(domain, DOMAIN_DIVIDE, error);
    if (rc == 0 && tags)
        rc = tag_translations(domain, error);
    if (rc < 0 || (rc = copy_root(&domain->tables, &second, error)) < 0)
        return rc;
    data_of(domain)->spaces = (domain->tables.root.value ^ second) | (tags ? CR3_KEEP | 1 : 0);
    system_set_gate(domain->system.base, handlers[DOMAIN_DIVIDE].vector, DOMAIN_HANDLE_SWITCH);
    return 0;
}

gva_t domain_window(void)
{
    return system_address((uint64_t)DOMAIN_PAGE_WINDOW * PAGE_BYTES);
}

gva_t domain_void(void)
{
    return system_address((uint64_t)DOMAIN_PAGE_VOID * PAGE_BYTES);
}

int domain_answer_port(struct domain *domain, int eventfd, struct error *error)
{
    return domain->ops->answer_port(domain->vm, DOMAIN_PORT_EVENT, eventfd, error);
}

int domain_answer_void(struct domain *domain, int eventfd, struct error *error)
{
    return domain->ops->answer_address(domain->vm, GPA(DOMAIN_VOID_PHYSICAL), eventfd, error);
}
