#include "monitor/deprivileged/machine.h"

#include "monitor/deprivileged/entry.h"

#include <string.h>

enum { PAGE_BYTES = 4096 };

void *guest_physical(
    const struct guest_memory *memory, gpa_t address, uint64_t bytes, const struct guest_region **region)
{
    for (size_t i = 0; i < memory->count; i++) {
        const struct guest_region *there = &memory->list[i];
        uint64_t offset = address.value - there->start.value;
        if (offset < there->backing.bytes && bytes <= there->backing.bytes - offset) {
            if (region)
                *region = there;
            return (char *)there->backing.host + offset;
        }
    }
    return NULL;
}

static uint64_t *table_here(void *memory, gpa_t table)
{
    return guest_physical(memory, table, PAGE_TABLE_BYTES, NULL);
}

struct page_tables machine_tables(const struct machine *machine)
{
    return (struct page_tables){
        .memory = {.at = table_here, .context = (void *)machine->memory},
        .levels = machine->system.cr4 & CR4_FIVE_LEVELS ? 5 : 4,
        .root = GPA(machine->system.page_tables.value & ENTRY_ADDRESS),
    };
}

bool machine_is_canonical(const struct machine *machine, uint64_t address)
{
    unsigned above = machine->system.cr4 & CR4_FIVE_LEVELS ? 7 : 16;
    return (uint64_t)((int64_t)(address << above) >> above) == address;
}

/* SDM volume 3, 4.6.1. */
static bool is_allowed(const struct machine *machine, unsigned rights, struct guest_access access)
{
    bool write_protects = access.user || machine->system.cr0 & CR0_WRITE_PROTECT;
    return (!access.user || rights & PAGE_USER) && (!access.fetch || rights & PAGE_EXECUTE) &&
           (!access.write || rights & PAGE_WRITE || !write_protects);
}

/* Accessed in every entry that was used, dirty in the leaf (SDM volume 3, 4.8). */
static void set_bits(const struct machine *machine, const struct page_walk *walk, bool write)
{
    for (unsigned i = 0; i < walk->reads; i++) {
        uint64_t bits = PAGE_BIT_ACCESSED | (write && i == walk->reads - 1 ? PAGE_BIT_DIRTY : 0);
        uint64_t *entry = guest_physical(machine->memory, walk->read[i].where, sizeof *entry, NULL);
        if (!entry || (walk->read[i].entry & bits) == bits)
            continue;
        __atomic_fetch_or(entry, bits, __ATOMIC_RELAXED);
        write_log_note(machine->log, walk->read[i].where);
    }
}

bool machine_translate(const struct machine *machine, gva_t address, struct guest_access access,
    struct translated *translation, struct guest_fault *fault)
{
    const struct page_tables tables = machine_tables(machine);
    struct page_walk *walk = &translation->walk;
    if (!machine_is_canonical(machine, address.value)) {
        *fault = (struct guest_fault){.vector = VECTOR_PROTECTION};
        return false;
    }
    page_tables_walk(&tables, address, walk);
    if (!walk->leaf.bytes || !is_allowed(machine, walk->leaf.rights, access)) {
        *fault = (struct guest_fault){.vector = VECTOR_PAGE_FAULT, .address = address.value};
        fault->code = (walk->leaf.bytes ? FAULT_PRESENT : 0) | (access.write ? FAULT_WRITE : 0) |
                      (access.user ? FAULT_USER : 0) | (access.fetch ? FAULT_FETCH : 0);
        return false;
    }
    set_bits(machine, walk, access.write);
    translation->physical = GPA(walk->leaf.to.value + (address.value - walk->leaf.from.value));
    return true;
}

bool machine_may_touch(const struct machine *machine, gva_t address, size_t bytes, struct guest_access access,
    struct guest_fault *fault)
{
    const gva_t second = GVA((address.value + bytes - 1) & -(uint64_t)PAGE_BYTES);
    struct translated ignored;
    return machine_translate(machine, address, access, &ignored, fault) &&
           (second.value <= address.value || machine_translate(machine, second, access, &ignored, fault));
}

/* ---- copying ---- */

/* Where one address is here, and physically; it may be used to the end of its page. */
static void *host_at(const struct machine *machine, gva_t address, struct guest_access access,
    gpa_t *physical, struct guest_fault *fault)
{
    struct translated translation;
    const struct guest_region *region = NULL;
    if (!machine_translate(machine, address, access, &translation, fault))
        return NULL;
    *physical = translation.physical;
    void *host = guest_physical(machine->memory, translation.physical, 1, &region);
    if (host && !(access.write && region->flags & REGION_READ_ONLY))
        return host;
    *fault = (struct guest_fault){.vector = VECTOR_PAGE_FAULT, .address = address.value};
    return NULL;
}

bool machine_read(const struct machine *machine, gva_t from, void *to, size_t bytes,
    struct guest_access access, struct guest_fault *fault)
{
    for (size_t part, done = 0; done < bytes; done += part) {
        gva_t at = GVA(from.value + done);
        gpa_t physical;
        const void *host = host_at(machine, at, access, &physical, fault);
        if (!host)
            return false;
        part = to_page_end(at.value, bytes - done);
        memcpy((char *)to + done, host, part);
    }
    return true;
}

/* All of it can be written before any of it is. */
bool machine_write(const struct machine *machine, gva_t to, const void *from, size_t bytes,
    struct guest_access access, struct guest_fault *fault)
{
    access.write = true;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t part, done = 0; done < bytes; done += part) {
            gva_t at = GVA(to.value + done);
            gpa_t physical;
            void *host = host_at(machine, at, access, &physical, fault);
            if (!host)
                return false;
            part = to_page_end(at.value, bytes - done);
            const char *value = (const char *)from + done;
            if (pass && !(machine->store && machine->store(machine->store_context, physical, value, part)))
                memcpy(host, value, part);
            if (pass)
                write_log_note(machine->log, physical);
        }
    }
    return true;
}

size_t machine_code(const struct machine *machine, uint8_t *code, size_t room)
{
    const struct guest_access access = {.fetch = true, .user = machine_privilege(machine) == 3};
    const gva_t rip = GVA(machine->registers.rip);
    struct guest_fault fault;
    size_t first = to_page_end(rip.value, room);
    if (!machine_read(machine, rip, code, first, access, &fault))
        return 0;
    bool rest = first < room &&
                machine_read(machine, GVA(rip.value + first), code + first, room - first, access, &fault);
    return rest ? room : first;
}
