/* host/tlb: raw register values of known processors are decoded as their manuals say. */
#include "base/size.h"
#include "host/tlb.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

struct expected {
    unsigned level;
    const char *type;
    uint64_t page_bytes;
    unsigned entries, ways;
};

static void check(const struct tlb_list *list, const struct expected *expected, size_t count)
{
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list->tlbs[i].level, expected[i].level);
        assert_string_equal(list->tlbs[i].type, expected[i].type);
        assert_true(list->tlbs[i].page_bytes == expected[i].page_bytes);
        assert_int_equal(list->tlbs[i].entries, expected[i].entries);
        assert_int_equal(list->tlbs[i].ways, expected[i].ways);
    }
}

#define CHECK(list, expected) check(list, expected, sizeof(expected) / sizeof *(expected))

/* An EPYC of family 19h, model 11h, as a guest sees it; the same figures as etallen's cpuid prints of them.
 */
static void amd_zen4(void **state)
{
    (void)state;
    static const struct host_cpuid leaf5 = {0xff48ff40, 0xff48ff40, 0x20080140, 0x20080140};
    static const struct host_cpuid leaf6 = {0x5c002200, 0x6c004200, 0x04006140, 0x0a009140};
    static const struct host_cpuid leaf19 = {0, 0, 0, 0};
    static const struct expected expected[] = {
        {1, "data", 4 * KIB, 72, 0},
        {1, "instruction", 4 * KIB, 64, 0},
        {1, "data", 2 * MIB, 72, 0},
        {1, "instruction", 2 * MIB, 64, 0},
        {2, "data", 4 * KIB, 3072, 8},
        {2, "instruction", 4 * KIB, 512, 4},
        {2, "data", 2 * MIB, 3072, 6},
        {2, "instruction", 2 * MIB, 512, 2},
    };
    struct tlb_list list;
    tlb_decode_amd(&leaf5, &leaf6, &leaf19, &list);
    CHECK(&list, expected);
}

/* Every field by itself: 1 GiB pages, a unified level 2, reserved and disabled associativities. */
static void amd_fields(void **state)
{
    (void)state;
    static const struct host_cpuid leaf5 = {.eax = 0x00200110, .ebx = 0x02000304};
    static const struct host_cpuid leaf6 = {.eax = 0x00008400, .ebx = 0x94000100};
    static const struct host_cpuid leaf19 = {.eax = 0xf040f010, .ebx = 0x60400000};
    static const struct expected expected[] = {
        {1, "instruction", 4 * KIB, 4, 3},  /* the data half has 2 ways but no entries */
        {1, "instruction", 2 * MIB, 16, 1}, /* the data half has the reserved associativity 0 */
        {1, "data", GIB, 64, 0},
        {1, "instruction", GIB, 16, 0},
        {2, "unified", 2 * MIB, 1024,
            16}, /* no upper half; of the 4 KiB word both halves are reserved or off */
        {2, "data", GIB, 64, 8},
    };
    struct tlb_list list;
    tlb_decode_amd(&leaf5, &leaf6, &leaf19, &list);
    CHECK(&list, expected);
}

/* The 12th generation's i7-12700K (performance core), leaf 18h as published with the raw-cpuid library's
 * tests. */
static void intel_alder_lake(void **state)
{
    (void)state;
    static const struct host_cpuid subleaves[] = {
        {8, 0, 0, 0},
        {0, 0x00080001, 0x20, 0x4022},
        {0, 0x00080006, 0x04, 0x4022},
        {0, 0x0010000f, 0x01, 0x4125},
        {0, 0x00040001, 0x10, 0x4024},
        {0, 0x00040006, 0x08, 0x4024},
        {0, 0x00080008, 0x01, 0x4124},
        {0, 0x00080007, 0x80, 0x4043},
        {0, 0x00080009, 0x80, 0x4043},
    };
    static const struct expected expected[] = {
        {1, "instruction", 4 * KIB, 256, 8},
        {1, "instruction", 2 * MIB, 32, 8},
        {1, "data store", 4 * KIB, 16, 0},
        {1, "data store", 2 * MIB, 16, 0},
        {1, "data store", GIB, 16, 0},
        {1, "data load", 4 * KIB, 64, 4},
        {1, "data load", 2 * MIB, 32, 4},
        {1, "data load", GIB, 8, 0},
        {2, "unified", 4 * KIB, 1024, 8},
        {2, "unified", 2 * MIB, 1024, 8},
        {2, "unified", 4 * KIB, 1024, 8},
        {2, "unified", GIB, 1024, 8},
    };
    struct tlb_list list;
    tlb_decode_intel_leaf18(subleaves, sizeof subleaves / sizeof *subleaves, &list);
    CHECK(&list, expected);
}

static void intel_garbage_in_leaf18_is_left_out(void **state)
{
    (void)state;
    static const struct host_cpuid subleaves[] = {
        {~0u, ~0u, ~0u, ~0u},                /* no such type */
        {0, 0xffff000f, 0xffffffff, 0x4021}, /* more entries than any TLB */
        {0, 0x00000001, 0x20, 0x4021},       /* no ways */
        {0, 0x00040000, 0x10, 0x4021},       /* no page size */
    };
    struct tlb_list list;
    tlb_decode_intel_leaf18(subleaves, sizeof subleaves / sizeof *subleaves, &list);
    assert_int_equal(list.count, 0);
}

static void more_tlbs_than_there_is_room_for_do_not_overflow(void **state)
{
    (void)state;
    struct host_cpuid subleaves[32];
    for (size_t i = 0; i < 32; i++)
        subleaves[i] = (struct host_cpuid){0, 0x0004000f, 0x10, 0x4021};
    struct tlb_list list;
    tlb_decode_intel_leaf18(subleaves, 32, &list);
    assert_int_equal(list.count, HOST_TLBS_MAX);
}

/* Skylake's descriptors (03 63 76 b5 c3 beside those of caches), each as in the table of the SDM. */
static void intel_skylake(void **state)
{
    (void)state;
    static const struct host_cpuid leaf = {0x76036301, 0x00f0b5ff, 0x00000000, 0x00c30000};
    static const struct expected expected[] = {
        {1, "data", 2 * MIB, 32, 4},
        {1, "data", GIB, 4, 4},
        {1, "data", 4 * KIB, 64, 4},
        {1, "instruction", 2 * MIB, 8, 0},
        {1, "instruction", 4 * KIB, 64, 8},
        {2, "unified", 4 * KIB, 1536, 6},
        {2, "unified", 2 * MIB, 1536, 6},
        {2, "unified", GIB, 16, 4},
    };
    struct tlb_list list;
    tlb_decode_intel_leaf2(&leaf, &list);
    CHECK(&list, expected);
}

/* Core 2 (the article's machine): two levels of data TLB. */
static void intel_core2(void **state)
{
    (void)state;
    static const struct host_cpuid leaf = {0x05b0b101, 0x005657f0, 0x00000000, 0x2cb43049};
    static const struct expected expected[] = {
        {1, "instruction", 2 * MIB, 8, 4},
        {1, "instruction", 4 * KIB, 128, 4},
        {2, "data", 4 * MIB, 32, 4},
        {1, "data", 4 * KIB, 16, 4},
        {1, "data", 4 * MIB, 16, 4},
        {2, "data", 4 * KIB, 256, 4},
    };
    struct tlb_list list;
    tlb_decode_intel_leaf2(&leaf, &list);
    CHECK(&list, expected);
}

/* Bit 31: the register holds no descriptors. The count in AL is none either: 01h would be a TLB. */
static void intel_invalid_registers_are_skipped(void **state)
{
    (void)state;
    static const struct host_cpuid leaf = {0x80c30301, 0xb50303c3, 0x00000000, 0x00000001};
    static const struct expected expected[] = {{1, "instruction", 4 * KIB, 32, 4}};
    struct tlb_list list;
    tlb_decode_intel_leaf2(&leaf, &list);
    CHECK(&list, expected);
}

static void an_unknown_vendor_is_unknown_and_not_empty(void **state)
{
    (void)state;
    struct host host = {.cpu = {.vendor = "RiseRiseRise"}};
    host_look_tlbs(&host);
    assert_int_equal(host.tlb_count, 0);
    assert_false(host.tlb_source.known);
    assert_non_null(strstr(host.tlb_source.text, "RiseRiseRise"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amd_zen4),
        cmocka_unit_test(amd_fields),
        cmocka_unit_test(intel_alder_lake),
        cmocka_unit_test(intel_garbage_in_leaf18_is_left_out),
        cmocka_unit_test(more_tlbs_than_there_is_room_for_do_not_overflow),
        cmocka_unit_test(intel_skylake),
        cmocka_unit_test(intel_core2),
        cmocka_unit_test(intel_invalid_registers_are_skipped),
        cmocka_unit_test(an_unknown_vendor_is_unknown_and_not_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
