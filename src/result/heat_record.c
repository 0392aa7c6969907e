/* What a program touched, as JSON. */
#include "record/record.h"
#include "result/json.h"

#define STEP(member) FIELD_AT(struct heat_step, member)
static const struct record step_record = {"heat-step", sizeof(struct heat_step),
    FIELDS({"from_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, STEP(from_ns),
               .about = "Since the first process began."},
        {"to_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, STEP(to_ns)},
        {"data_pages", FIELD_COUNT, FIELD_NEEDED, STEP(pages[HEAT_OF_DATA]), .about = "Of 4 KiB, touched."},
        {"data_regions", FIELD_COUNT, FIELD_NEEDED, STEP(regions[HEAT_OF_DATA]),
            .about = "Of 2 MiB, that hold them."},
        {"instruction_pages", FIELD_COUNT, FIELD_NEEDED, STEP(pages[HEAT_OF_INSTRUCTIONS])},
        {"instruction_regions", FIELD_COUNT, FIELD_NEEDED, STEP(regions[HEAT_OF_INSTRUCTIONS])})};

static const struct record touched_record = {
    "heat-touched", sizeof(uint32_t), FIELDS({NULL, FIELD_COUNT, .size = sizeof(uint32_t)})};

#define REGION(member) FIELD_AT(struct heat_region, member)
static const struct record region_record = {"heat-region", sizeof(struct heat_region),
    FIELDS({"address", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, REGION(address)},
        {"side", FIELD_ENUM, FIELD_NEEDED, REGION(side), FIELD_NAMES(heat_side_names)},
        {"pages", FIELD_COUNT, FIELD_NEEDED, REGION(pages), .about = "Ever touched, of 512."},
        {"touched", FIELD_LIST, FIELD_NEEDED | FIELD_POOLED,
            FIELD_POINTER(struct heat_region, touched, columns), .of = &touched_record,
            .about = "Pages of it, in each column of the picture."})};

#define COUNTS(member) FIELD_AT(struct heat_counts, member)
static const struct record counts_record = {"heat-counts", sizeof(struct heat_counts),
    FIELDS({"median", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, COUNTS(median),
               .about = "Touched in an interval: the median of them."},
        {"most", FIELD_COUNT, FIELD_NEEDED, COUNTS(most)},
        {"ever", FIELD_COUNT, FIELD_NEEDED, COUNTS(ever)})};

#define REACH(member) FIELD_AT(struct heat_reach, member)
static const struct record reach_record = {"tlb-reach", sizeof(struct heat_reach),
    FIELDS({"side", FIELD_ENUM, FIELD_NEEDED, REACH(side), FIELD_NAMES(heat_side_names)},
        {"page_bytes", FIELD_COUNT, FIELD_NEEDED, REACH(page_bytes)},
        {"median", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, REACH(median),
            .about = "Entries of the TLB that what is touched in an interval takes."},
        {"most", FIELD_COUNT, FIELD_NEEDED, REACH(most)},
        {"level1_entries", FIELD_COUNT, FIELD_NEEDED | FIELD_PLAIN, REACH(level1),
            .missing = "CPUID does not tell", .about = "That this CPU has for pages of this size."},
        {"level2_entries", FIELD_COUNT, FIELD_NEEDED | FIELD_PLAIN, REACH(level2),
            .missing = "CPUID does not tell"},
        {"reason", FIELD_STRING, FIELD_PLAIN, REACH(reason), .about = "Why one of them is null."})};

#define PROCESS(member) FIELD_AT(struct heat_process, member)
static const struct record process_record = {"heat-process", sizeof(struct heat_process),
    FIELDS({"name", FIELD_STRING, FIELD_NEEDED, PROCESS(name)},
        {"data_pages", FIELD_RECORD, PROCESS(pages[HEAT_OF_DATA]), .of = &counts_record},
        {"data_regions", FIELD_RECORD, PROCESS(regions[HEAT_OF_DATA]), .of = &counts_record},
        {"instruction_pages", FIELD_RECORD, PROCESS(pages[HEAT_OF_INSTRUCTIONS]), .of = &counts_record},
        {"instruction_regions", FIELD_RECORD, PROCESS(regions[HEAT_OF_INSTRUCTIONS]), .of = &counts_record},
        {"reach", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct heat_process, reach, reach_count),
            .of = &reach_record, .about = "What this CPU's TLBs hold of it."},
        {"steps", FIELD_LIST, FIELD_NEEDED | FIELD_POOLED,
            FIELD_POINTER(struct heat_process, steps, step_count), .of = &step_record,
            .about = "Reading by reading."},
        {"regions", FIELD_LIST, FIELD_NEEDED | FIELD_POOLED,
            FIELD_POINTER(struct heat_process, touched, touched_count), .of = &region_record})};

#define HEAT(member) FIELD_AT(struct ran_heat, member)
const struct record heat_record = {"heat", sizeof(struct ran_heat),
    FIELDS({"interval_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, HEAT(interval_ns),
               .about = "Between two readings of the accessed bits, as asked for."},
        {"ran_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, HEAT(ran_ns),
            .about = "How long this run took, which is none of the timed ones."},
        {"column_ns", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, HEAT(column_ns),
            .about = "What a column of the picture stands for."},
        {"columns", FIELD_COUNT, FIELD_NEEDED, HEAT(columns)},
        {"reason", FIELD_STRING, FIELD_PLAIN, HEAT(reason),
            .about = "Why there is nothing, or why it ends before the program did."},
        {"processes", FIELD_LIST, FIELD_NEEDED | FIELD_POOLED,
            FIELD_POINTER(struct ran_heat, processes, process_count), .of = &process_record,
            .about = "Who touched the most pages first."}),
    .about =
        "What the program touched over time, in a run of its own, by the accessed bits of its page tables."};
