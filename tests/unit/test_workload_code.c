/* The embedded machine code itself, disassembled: the measured loop is what the documentation says. */
#include "cmocka_all.h"

#include "workload/image.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

enum { INSTRUCTIONS_MAX = 4096 };

struct instruction {
    uint64_t address; /* offset in the image */
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static const uint8_t *code;
static size_t code_bytes;

static int load(void **state)
{
    (void)state;
    code = (const uint8_t *)image_embedded(&code_bytes);
    return 0;
}

static uint32_t entry_offset(const char *name)
{
    const struct workload_image_header *header = (const struct workload_image_header *)code;
    for (uint32_t i = 0; i < header->entry_count; i++)
        if (!strcmp(header->entries[i].name, name))
            return header->entries[i].offset;
    fail_msg("no entry %s", name);
    return 0;
}

static struct instruction decode(uint64_t address)
{
    ZydisDecoder decoder;
    struct instruction instruction = {.address = address};
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(
        &decoder, code + address, code_bytes - address, &instruction.decoded, instruction.operands)));
    return instruction;
}

static uint64_t target_of(const struct instruction *instruction)
{
    ZyanU64 target;
    assert_true(ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(
        &instruction->decoded, &instruction->operands[0], instruction->address, &target)));
    return target;
}

/* The function that an entry calls between two readings of the time-stamp counter: the target of its calls,
 * which must all be the same. */
static uint64_t timed_function(uint32_t entry)
{
    uint64_t target = 0;
    for (uint64_t at = entry; at < code_bytes;) {
        struct instruction instruction = decode(at);
        if (instruction.decoded.mnemonic == ZYDIS_MNEMONIC_CALL) {
            if (target)
                assert_int_equal(target, target_of(&instruction));
            target = target_of(&instruction);
        }
        if (instruction.decoded.mnemonic == ZYDIS_MNEMONIC_RET)
            break;
        at += instruction.decoded.length;
    }
    assert_true(target > 0);
    return target;
}

static bool is_backward_branch(const struct instruction *instruction)
{
    return instruction->decoded.meta.category == ZYDIS_CATEGORY_COND_BR &&
           target_of(instruction) < instruction->address;
}

/* The first loop of a function: from its backward branch's target to the branch. */
static size_t loop_body(uint64_t function, struct instruction *body)
{
    size_t count = 0;
    for (uint64_t at = function; at < code_bytes && count < INSTRUCTIONS_MAX;
         at += body[count++].decoded.length) {
        body[count] = decode(at);
        if (is_backward_branch(&body[count])) {
            uint64_t start = target_of(&body[count++]);
            size_t skipped = 0;
            while (body[skipped].address != start)
                skipped++;
            memmove(body, body + skipped, (count - skipped) * sizeof *body);
            return count - skipped;
        }
    }
    fail_msg("no loop at 0x%lx", function);
    return 0;
}

static bool reads_memory(const struct instruction *instruction)
{
    for (size_t i = 0; i < instruction->decoded.operand_count_visible; i++)
        if (instruction->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            instruction->operands[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
            return true;
    return false;
}

/* MOV register, [register] without displacement or index. */
static bool is_plain_load(const struct instruction *instruction)
{
    const ZydisDecodedOperand *to = &instruction->operands[0], *from = &instruction->operands[1];
    return instruction->decoded.mnemonic == ZYDIS_MNEMONIC_MOV && to->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           from->type == ZYDIS_OPERAND_TYPE_MEMORY && from->mem.index == ZYDIS_REGISTER_NONE &&
           !from->mem.disp.has_displacement && from->size == 64;
}

static void name_of(char *name, size_t bytes, const char *kind, unsigned chains)
{
    snprintf(name, bytes, "chase-%s-%u", kind, chains);
}

static size_t measured_loop(const char *kind, unsigned chains, struct instruction *body)
{
    char name[WORKLOAD_NAME_BYTES];
    name_of(name, sizeof name, kind, chains);
    return loop_body(timed_function(entry_offset(name)), body);
}

/* Each load's address is the result of the load before it: the register that was loaded is the one that
 * addresses next. */
static void one_hop_is_one_dependent_load(void **state)
{
    struct instruction body[INSTRUCTIONS_MAX];
    size_t count = measured_loop("read", 1, body), loads = 0, others = 0;
    ZydisRegister pointer = ZYDIS_REGISTER_NONE, first = ZYDIS_REGISTER_NONE;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (!reads_memory(&body[i])) {
            others++;
            continue;
        }
        assert_true(is_plain_load(&body[i]));
        if (loads++ == 0)
            first = body[i].operands[1].mem.base;
        else
            assert_int_equal(body[i].operands[1].mem.base, pointer);
        pointer = body[i].operands[0].reg.value;
    }
    assert_int_equal(pointer, first); /* and so it is around the loop */
    assert_int_equal(loads, WORKLOAD_HOPS_UNROLLED);
    assert_true(others <= 3); /* count down, compare, branch */
}

/* With N chains the loop holds N times as many loads, of N registers that each depend on themselves alone. */
static void chains_are_independent(void **state)
{
    struct instruction body[INSTRUCTIONS_MAX];
    (void)state;
    for (unsigned chains = 2; chains <= WORKLOAD_CHAINS_MAX; chains++) {
        size_t count = measured_loop("read", chains, body), loads = 0, registers = 0;
        bool used[ZYDIS_REGISTER_MAX_VALUE + 1] = {false};
        for (size_t i = 0; i < count; i++) {
            if (!reads_memory(&body[i]))
                continue;
            assert_true(is_plain_load(&body[i]));
            assert_int_equal(body[i].operands[0].reg.value, body[i].operands[1].mem.base);
            registers += !used[body[i].operands[0].reg.value];
            used[body[i].operands[0].reg.value] = true;
            loads++;
        }
        assert_int_equal(loads, chains * WORKLOAD_HOPS_UNROLLED);
        assert_int_equal(registers, chains);
    }
}

/* A writing hop is the load and one read-modify-write of the word beside it. */
static void writing_hops_increment_the_second_word(void **state)
{
    struct instruction body[INSTRUCTIONS_MAX];
    size_t count = measured_loop("write", 1, body), loads = 0, increments = 0;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        const ZydisDecodedOperand *to = &body[i].operands[0];
        if (!reads_memory(&body[i]))
            continue;
        if (is_plain_load(&body[i])) {
            loads++;
            continue;
        }
        assert_int_equal(body[i].decoded.mnemonic, ZYDIS_MNEMONIC_ADD);
        assert_int_equal(to->type, ZYDIS_OPERAND_TYPE_MEMORY);
        assert_int_equal(to->mem.disp.value, 8);
        increments++;
    }
    assert_int_equal(loads, WORKLOAD_HOPS_UNROLLED);
    assert_int_equal(increments, WORKLOAD_HOPS_UNROLLED);
}

static bool is_privileged_or_faulting(ZydisMnemonic mnemonic)
{
    static const ZydisMnemonic ones[] = {ZYDIS_MNEMONIC_UD2, ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_OUT,
        ZYDIS_MNEMONIC_IN, ZYDIS_MNEMONIC_INT, ZYDIS_MNEMONIC_INT3, ZYDIS_MNEMONIC_HLT, ZYDIS_MNEMONIC_CPUID,
        ZYDIS_MNEMONIC_RDMSR, ZYDIS_MNEMONIC_WRMSR, ZYDIS_MNEMONIC_INVLPG, ZYDIS_MNEMONIC_VMCALL,
        ZYDIS_MNEMONIC_VMMCALL, ZYDIS_MNEMONIC_DIV, ZYDIS_MNEMONIC_IRETQ, ZYDIS_MNEMONIC_SYSRET};
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
        if (ones[i] == mnemonic)
            return true;
    return false;
}

/* How many such instructions a function has, up to its return, with those that it calls. */
static size_t count_faulting(uint64_t function)
{
    size_t count = 0;
    for (uint64_t at = function; at < code_bytes;) {
        struct instruction instruction = decode(at);
        if (instruction.decoded.mnemonic == ZYDIS_MNEMONIC_RET)
            break;
        if (instruction.decoded.mnemonic == ZYDIS_MNEMONIC_CALL)
            count += count_faulting(target_of(&instruction));
        count += is_privileged_or_faulting(instruction.decoded.mnemonic);
        at += instruction.decoded.length;
    }
    return count;
}

/* What is chased could not leave a domain or need a kernel. Only what is made to (a trap, an event) does. */
static void only_trap_and_events_have_privileged_or_faulting_instructions(void **state)
{
    const struct workload_image_header *header = (const struct workload_image_header *)code;
    (void)state;
    for (uint32_t i = 0; i < header->entry_count; i++) {
        const struct workload_entry *entry = &header->entries[i];
        if (!strcmp(entry->name, "trap"))
            assert_true(count_faulting(entry->offset) > 0);
        else if (strncmp(entry->name, "event-", 6) != 0)
            assert_int_equal(count_faulting(entry->offset), 0);
    }
    assert_true(count_faulting(entry_offset("event-cpuid")) > 0); /* the count can see some */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_hop_is_one_dependent_load),
        cmocka_unit_test(chains_are_independent),
        cmocka_unit_test(writing_hops_increment_the_second_word),
        cmocka_unit_test(only_trap_and_events_have_privileged_or_faulting_instructions),
    };
    return cmocka_run_group_tests_name("workload code", tests, load, NULL);
}
