#include "host/smaps.h"

#include "base/size.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    uint64_t start, end; /* the range */
    bool inside;         /* the fields that come now belong to a mapping that touches it */
    struct smaps sums;
};

/* A mapping starts with the line "<hex start>-<hex end> rw-p …". */
static bool mapping_line(const char *line, uint64_t *start, uint64_t *end)
{
    char *at;
    if (!strspn(line, "0123456789abcdef"))
        return false;
    *start = strtoull(line, &at, 16);
    if (*at != '-')
        return false;
    const char *second = at + 1;
    *end = strtoull(second, &at, 16);
    return at != second && *at == ' ' && *end > *start;
}

static void enter_mapping(struct walk *walk, uint64_t start, uint64_t end)
{
    uint64_t low = start > walk->start ? start : walk->start, high = end < walk->end ? end : walk->end;
    walk->inside = low < high;
    if (!walk->inside)
        return;
    walk->sums.mapped_bytes += end - start;
    walk->sums.overlap_bytes += high - low;
}

static void sum(uint64_t *field, uint64_t value)
{
    *field += value;
}

static void largest(uint64_t *field, uint64_t value)
{
    if (value > *field)
        *field = value;
}

/* A field is "Name:   <number> kB". */
static void take_field(struct smaps *sums, const char *line)
{
    static const struct {
        const char *name;
        size_t offset;
        void (*take)(uint64_t *field, uint64_t value);
    } fields[] = {
        {"Rss", offsetof(struct smaps, resident_bytes), sum},
        {"AnonHugePages", offsetof(struct smaps, huge_bytes), sum},
        {"ShmemPmdMapped", offsetof(struct smaps, huge_bytes), sum},
        {"FilePmdMapped", offsetof(struct smaps, text_bytes), sum},
        {"Locked", offsetof(struct smaps, locked_bytes), sum},
        {"Private_Hugetlb", offsetof(struct smaps, hugetlb_bytes), sum},
        {"Shared_Hugetlb", offsetof(struct smaps, hugetlb_bytes), sum},
        {"KernelPageSize", offsetof(struct smaps, kernel_page_bytes), largest},
        {"MMUPageSize", offsetof(struct smaps, mmu_page_bytes), largest},
    };
    uint64_t kib;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (text_value_number(line, fields[i].name, ':', &kib) && kib <= UINT64_MAX / KIB / 2)
            fields[i].take((uint64_t *)(void *)((char *)sums + fields[i].offset), kib * KIB);
}

static bool take_line(char *line, void *context)
{
    struct walk *walk = context;
    uint64_t start, end;
    if (!mapping_line(line, &start, &end)) {
        if (walk->inside)
            take_field(&walk->sums, line);
        return true;
    }
    enter_mapping(walk, start, end);
    return start < walk->end; /* they come in the order of their addresses */
}

static int look(const char *path, const struct walk *from, struct smaps *smaps)
{
    struct walk walk = *from;
    int rc = read_each_line(path, take_line, &walk);
    if (rc)
        return rc;
    if (!walk.sums.overlap_bytes)
        return -ENODATA;
    *smaps = walk.sums;
    return 0;
}

int smaps_look(uint64_t start, uint64_t bytes, struct smaps *smaps)
{
    return look("/proc/self/smaps", &(struct walk){.start = start, .end = start + bytes}, smaps);
}

/* Of one mapping after the other. */
struct own {
    bool of_file;
    uint64_t private_kib, anonymous_kib, sum_kib;
};

static void end_mapping(struct own *own)
{
    own->sum_kib +=
        own->of_file && own->anonymous_kib < own->private_kib ? own->anonymous_kib : own->private_kib;
    own->private_kib = own->anonymous_kib = 0;
}

static bool take_own(char *line, void *context)
{
    struct own *own = context;
    uint64_t start, end, kib, inode;
    if (mapping_line(line, &start, &end)) {
        end_mapping(own);
        own->of_file = sscanf(line, "%*s %*s %*s %*s %" SCNu64, &inode) == 1 && inode;
    } else if (text_value_number(line, "Private_Clean", ':', &kib) ||
               text_value_number(line, "Private_Dirty", ':', &kib)) {
        own->private_kib += kib;
    } else if (text_value_number(line, "Anonymous", ':', &kib)) {
        own->anonymous_kib = kib;
    }
    return true;
}

int smaps_own_bytes(pid_t process, uint64_t *bytes)
{
    char path[48];
    struct own own = {.of_file = false};
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)process);
    int rc = read_each_line(path, take_own, &own);
    end_mapping(&own);
    *bytes = own.sum_kib * KIB;
    return rc;
}

int smaps_of(pid_t process, struct smaps *smaps)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)process);
    return look(path, &(struct walk){.start = 0, .end = UINT64_MAX}, smaps);
}
