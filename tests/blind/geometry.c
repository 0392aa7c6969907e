#include "geometry.h"

enum { MIB = 16384 }; /* in lines of 64 bytes */

/* Sizes are from memory of what each comment names, not checked line by line. The ns are nobody's figures but
 * round spans of what is usual at these CPUs' clock rates, from which each curve draws its own: what matters
 * here is that no two curves cost the same. walk_ns is the part of a walk that is not spent on fetching leaf
 * entries from the caches. */
const struct geometry geometries[] = {
    {
        /* Intel 64 and IA-32 Architectures Optimization Reference Manual, Skylake Server: L1 DTLB 64
         * entries 4-way for 4 KiB, 32 4-way for 2 MiB; STLB 1536 12-way shared; L2 1 MiB 16-way. */
        .name = "skylake-sp",
        .tlb = {{{64, 4}, {32, 4}, LARGE_OWN}, {{1536, 12}, {0}, LARGE_SHARED}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 1024,
        .l2_ways = 16,
        .l3_lines = 22 * MIB,
        .l1_ns = {1.1, 1.6},
        .l2_ns = {4, 5},
        .l3_ns = {17, 25},
        .memory_ns = {80, 110},
        .second_ns = {2, 3},
        .walk_ns = {4, 12},
        .told_small = {64, 1536},
        .told_large = {32, 1536},
    },
    {
        /* The same manual, Ice Lake Client: DTLB 64 4-way, 32 4-way; STLB 2048 16-way, of which large
         * pages get 1024 8-way. L1 48 KiB 12-way; L2 of the server 1.25 MiB 20-way. */
        .name = "ice-lake",
        .tlb = {{{64, 4}, {32, 4}, LARGE_OWN}, {{2048, 16}, {1024, 8}, LARGE_OWN}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 12,
        .l2_sets = 1024,
        .l2_ways = 20,
        .l3_lines = 36 * MIB,
        .l1_ns = {1.3, 1.6},
        .l2_ns = {3.8, 5},
        .l3_ns = {18, 25},
        .memory_ns = {80, 120},
        .second_ns = {2, 3},
        .walk_ns = {4, 12},
        .told_small = {64, 2048},
        .told_large = {32, 1024},
    },
    {
        /* AMD, Software Optimization Guide for family 17h models 30h and up: L1 DTLB 64 fully
         * associative, all page sizes; L2 DTLB 2048 (CPUID 8000_0006h: 8-way); L2 512 KiB 8-way. Coalescing
         * of 4 pages (16 KiB) as in Zen. */
        .name = "zen-2",
        .tlb = {{{64, 64}, {0}, LARGE_SHARED}, {{2048, 8}, {0}, LARGE_SHARED}},
        .coalesced = 4,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 1024,
        .l2_ways = 8,
        .l3_lines = 16 * MIB,
        .l1_ns = {1.1, 1.5},
        .l2_ns = {3.5, 4.5},
        .l3_ns = {10, 15},
        .memory_ns = {75, 110},
        .second_ns = {1.8, 2.8},
        .walk_ns = {4, 12},
        .told_small = {64, 2048},
        .told_large = {64, 2048},
    },
    {
        /* AMD, Software Optimization Guide for family 19h models 10h ("Zen 4"): L1 DTLB 72 fully associative,
         * L2 DTLB 3072; L2 1 MiB 8-way. Coalescing of 8 is nobody's figure: it is here so that there is one
         * with a great reach. */
        .name = "zen-4",
        .tlb = {{{72, 72}, {0}, LARGE_SHARED}, {{3072, 12}, {0}, LARGE_SHARED}},
        .coalesced = 8,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 2048,
        .l2_ways = 8,
        .l3_lines = 32 * MIB,
        .l1_ns = {1, 1.4},
        .l2_ns = {3.5, 4.2},
        .l3_ns = {10, 15},
        .memory_ns = {80, 120},
        .second_ns = {1.8, 2.5},
        .walk_ns = {3, 10},
        .told_small = {72, 3072},
        .told_large = {72, 3072},
    },
    {
        /* The same as zen-4 without coalescing: what is seen where the guest's frames are scattered. */
        .name = "zen-4-plain",
        .tlb = {{{72, 72}, {0}, LARGE_SHARED}, {{3072, 12}, {0}, LARGE_SHARED}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 2048,
        .l2_ways = 8,
        .l3_lines = 32 * MIB,
        .l1_ns = {1, 1.4},
        .l2_ns = {3.5, 4.2},
        .l3_ns = {10, 15},
        .memory_ns = {80, 120},
        .second_ns = {1.8, 2.5},
        .walk_ns = {3, 10},
        .told_small = {72, 3072},
        .told_large = {72, 3072},
    },
    {
        /* Intel's manual, Goldmont: uTLB 32 fully associative, taken to hold 4 KiB only (a large page is
         * there in pieces, as in Knights Landing's); second level 512 4-way for 4 KiB, 32 4-way for 2 MiB. L2
         * 1 MiB 16-way, no L3: a slow side cache is taken in its place, as in the SoCs. So its first level is
         * no witness. */
        .name = "goldmont",
        .tlb = {{{32, 32}, {0}, LARGE_FRACTURED}, {{512, 4}, {32, 4}, LARGE_OWN}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 6,
        .l2_sets = 1024,
        .l2_ways = 16,
        .l3_lines = 4 * MIB,
        .l1_ns = {1.3, 1.6},
        .l2_ns = {4.5, 5},
        .l3_ns = {20, 25},
        .memory_ns = {85, 120},
        .second_ns = {2, 3},
        .walk_ns = {6, 16},
        .told_small = {32, 512},
        .told_large = {0, 32},
    },
    {
        /* CPUID leaf 2 of Core 2 (descriptors 56h, 57h, B4h, 05h): DTLB0 16 and 16, both 4-way, DTLB1 256
         * 4-way for 4 KiB and 32 4-way for 2 MiB. L2 4 MiB 16-way, which leaves nothing for an L3 here. */
        .name = "core-2",
        .tlb = {{{16, 4}, {16, 4}, LARGE_OWN}, {{256, 4}, {32, 4}, LARGE_OWN}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 4096,
        .l2_ways = 16,
        .l3_lines = 8 * MIB,
        .l1_ns = {1, 1.5},
        .l2_ns = {4.5, 5},
        .l3_ns = {15, 25},
        .memory_ns = {70, 110},
        .second_ns = {1.5, 2},
        .walk_ns = {5, 14},
        .told_small = {16, 256},
        .told_large = {16, 32},
    },
    {
        /* Arm Neoverse N1 Technical Reference Manual: L1 data TLB 48 fully associative, all sizes; L2
         * 1280 5-way; L1 64 KiB 4-way, L2 1 MiB 8-way. */
        .name = "neoverse-n1",
        .tlb = {{{48, 48}, {0}, LARGE_SHARED}, {{1280, 5}, {0}, LARGE_SHARED}},
        .coalesced = 4,
        .l1_sets = 256,
        .l1_ways = 4,
        .l2_sets = 2048,
        .l2_ways = 8,
        .l3_lines = 32 * MIB,
        .l1_ns = {1.3, 1.6},
        .l2_ns = {3.8, 5},
        .l3_ns = {15, 25},
        .memory_ns = {90, 120},
        .second_ns = {1.5, 2.5},
        .walk_ns = {5, 14},
        .told_small = {48, 1280},
        .told_large = {48, 1280},
    },
    {
        /* Intel's manual, Sandy Bridge: DTLB 64 4-way for 4 KiB, 32 4-way for 2 MiB; STLB 512 4-way, 4 KiB
         * only; L2 256 KiB 8-way. */
        .name = "sandy-bridge",
        .tlb = {{{64, 4}, {32, 4}, LARGE_OWN}, {{512, 4}, {0}, LARGE_NOT_HELD}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 512,
        .l2_ways = 8,
        .l3_lines = 12 * MIB,
        .l1_ns = {1.1, 1.5},
        .l2_ns = {3.5, 4.2},
        .l3_ns = {10, 18},
        .memory_ns = {70, 100},
        .second_ns = {2, 2.8},
        .walk_ns = {4, 14},
        .told_small = {64, 512},
        .told_large = {32, 0},
    },
    {
        /* CPUID leaf 2 of Pentium M and Core Duo (B3h, 04h): DTLB 128 4-way for 4 KiB, for large pages 8: 16
         * MiB of reach only, so that the curve of large pages rises late even where all is well. */
        .name = "one-level-128",
        .tlb = {{{128, 4}, {8, 4}, LARGE_OWN}, {{0}, {0}, LARGE_NOT_HELD}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 8,
        .l2_sets = 2048,
        .l2_ways = 8,
        .l3_lines = 8 * MIB,
        .l1_ns = {1.2, 1.6},
        .l2_ns = {4, 5},
        .l3_ns = {15, 25},
        .memory_ns = {80, 120},
        .second_ns = {0, 0},
        .walk_ns = {6, 20},
        .told_small = {128, 0},
        .told_large = {8, 0},
    },
    {
        /* A single fully associative level for all sizes, as in small cores of every make. */
        .name = "one-level-64",
        .tlb = {{{64, 64}, {0}, LARGE_SHARED}, {{0}, {0}, LARGE_NOT_HELD}},
        .coalesced = 1,
        .l1_sets = 128,
        .l1_ways = 4,
        .l2_sets = 1024,
        .l2_ways = 8,
        .l3_lines = 8 * MIB,
        .l1_ns = {1.2, 1.6},
        .l2_ns = {4, 5},
        .l3_ns = {15, 25},
        .memory_ns = {80, 120},
        .second_ns = {0, 0},
        .walk_ns = {6, 25},
        .told_small = {64, 0},
        .told_large = {64, 0},
    },
    {
        /* Intel's manual (248966, "Golden Cove"): DTLB for loads 96 entries 6-way for 4 KiB, 32 4-way for 2
         * MiB; STLB 2048 16-way for both. L1 48 KiB 12-way; of Sapphire Rapids the L2 is 2 MiB 16-way. */
        .name = "sapphire-rapids",
        .tlb = {{{96, 6}, {32, 4}, LARGE_OWN}, {{2048, 16}, {0}, LARGE_SHARED}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 12,
        .l2_sets = 2048,
        .l2_ways = 16,
        .l3_lines = 105 * MIB,
        .l1_ns = {1.3, 2.1},
        .l2_ns = {4, 6.5},
        .l3_ns = {22, 36},
        .memory_ns = {95, 140},
        .second_ns = {2, 3},
        .walk_ns = {5, 14},
        .told_small = {96, 2048},
        .told_large = {32, 2048},
    },
    {
        /* AMD, Software Optimization Guide for the Zen 5 Microarchitecture (58455): L1 DTLB 96 fully
         * associative, all page sizes; L2 DTLB 4096, all but 1 GiB. L1 48 KiB 12-way, L2 1 MiB 16-way. Its
         * second level is out of reach of the shorter curves. */
        .name = "zen-5",
        .tlb = {{{96, 96}, {0}, LARGE_SHARED}, {{4096, 16}, {0}, LARGE_SHARED}},
        .coalesced = 4,
        .l1_sets = 64,
        .l1_ways = 12,
        .l2_sets = 1024,
        .l2_ways = 16,
        .l3_lines = 32 * MIB,
        .l1_ns = {0.8, 1.2},
        .l2_ns = {3, 4},
        .l3_ns = {9, 15},
        .memory_ns = {80, 120},
        .second_ns = {1.5, 2.5},
        .walk_ns = {3, 10},
        .told_small = {96, 4096},
        .told_large = {96, 4096},
    },
    {
        /* Intel's manual, Silvermont: uTLB 48 fully associative, 4 KiB pages only (a large one is there in
         * pieces); DTLB 128 4-way for 4 KiB, 16 4-way for 2 MiB. L1 24 KiB 6-way, L2 1 MiB 16-way, and a slow
         * side cache. The first level says nothing, and CPUID may not tell so. */
        .name = "silvermont",
        .tlb = {{{48, 48}, {0}, LARGE_FRACTURED}, {{128, 4}, {16, 4}, LARGE_OWN}},
        .coalesced = 1,
        .l1_sets = 64,
        .l1_ways = 6,
        .l2_sets = 1024,
        .l2_ways = 16,
        .l3_lines = 4 * MIB,
        .l1_ns = {1.3, 1.6},
        .l2_ns = {5, 6},
        .l3_ns = {20, 25},
        .memory_ns = {85, 120},
        .second_ns = {2, 3},
        .walk_ns = {6, 16},
        .told_small = {48, 128},
        .told_large = {0, 16},
    },
};

const size_t geometries_count = sizeof geometries / sizeof geometries[0];

bool geometry_has_one_level(const struct geometry *geometry)
{
    return geometry->tlb[1].small.ways == 0;
}
