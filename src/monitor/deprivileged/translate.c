#include "monitor/deprivileged/translate.h"

#include <errno.h>

enum { TRIES = 64 };

static void walk(const struct translation *translation, gva_t address, struct path *path)
{
    gpa_t table = GPA(translation->root.value & ENTRY_ADDRESS);
    *path = (struct path){0};
    if (!address_is_canonical(address.value))
        return;
    for (unsigned level = TABLE_LEVELS; level; level--) {
        const uint64_t *entries = translation->at(translation->context, table);
        if (!entries)
            return;
        uint64_t entry = entry_load(entries + entry_index(address.value, level));
        path->table[path->reads] = table;
        path->read[path->reads++] = entry;
        enum entry_kind kind = entry_kind(entry, level, translation->physical_bits);
        path->found = kind == ENTRY_LEAF;
        path->reserved = kind == ENTRY_RESERVED;
        if (kind != ENTRY_LINK)
            return;
        table = entry_to(entry);
    }
}

/* 0, or what the fault's error code says beside the access. */
static unsigned refuse(const struct path *path, unsigned access, bool *fault)
{
    uint64_t common = UINT64_MAX, any = 0;
    *fault = true;
    for (unsigned i = 0; i < path->reads; i++) {
        common &= path->read[i];
        any |= path->read[i];
    }
    if (path->reserved)
        return FAULT_PRESENT | FAULT_RESERVED;
    if (!path->found)
        return 0;
    *fault = (access & FAULT_WRITE && !(common & PAGE_BIT_WRITE)) ||
             (access & FAULT_USER && !(common & PAGE_BIT_USER)) ||
             (access & FAULT_FETCH && any & PAGE_BIT_NO_EXECUTE);
    return FAULT_PRESENT;
}

/* Sets bits in an entry that is still what was read. */
static bool set_bits(
    const struct translation *translation, gva_t address, struct path *path, unsigned i, uint64_t bits)
{
    uint64_t *entries = translation->at(translation->context, path->table[i]);
    uint64_t *entry = entries + entry_index(address.value, TABLE_LEVELS - i), old = path->read[i];
    if ((old & bits) == bits)
        return true;
    path->read[i] |= bits;
    write_log_note(translation->log, path->table[i]);
    return __atomic_compare_exchange_n(entry, &old, old | bits, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

int translate_access(
    const struct translation *translation, gva_t address, unsigned access, struct path *path, unsigned *code)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        bool fault, done = true;
        walk(translation, address, path);
        unsigned fault_code = refuse(path, access, &fault) | access;
        if (fault) {
            *code = fault_code;
            return 1;
        }
        for (unsigned i = 0; done && i < path->reads; i++)
            done = set_bits(translation, address, path, i,
                PAGE_BIT_ACCESSED | (i == path->reads - 1 && access & FAULT_WRITE ? PAGE_BIT_DIRTY : 0));
        if (done)
            return 0;
    }
    return -EAGAIN;
}
