#include "cmocka_all.h"

#include "naive_guest.h"

#include "base/random.h"

#include <stdlib.h>

struct naive_memory ours, theirs;
uint64_t guest_seed, root;
uint64_t (*guest_table_of)(unsigned level);

uint64_t dice(uint64_t sides)
{
    return random_below(&guest_seed, sides);
}

void both_write(uint64_t address, uint64_t value)
{
    *naive_word(&ours, address) = value;
    *naive_word(&theirs, address) = value;
}

uint64_t any_frame(void)
{
    uint64_t number = dice(40);
    if (number == 39)
        return LOW_START + dice(LOW_BYTES / 4096) * 4096;
    return number < 32 ? FIRST_START + number * 4096 : SECOND_START + dice(SECOND_BYTES / 4096 - 1) * 4096;
}

uint64_t any_entry(unsigned level)
{
    static const uint64_t larges[] = {0, 0x200000, 0x400000, 0x600000};
    uint64_t entry = (dice(8) ? 1 : 0) | (dice(3) ? 2 : 0) | (dice(3) ? 4 : 0) | (dice(4) ? 0x20 : 0) |
                     (dice(3) ? 0x40 : 0) | dice(8) << 9 | (dice(8) ? 0 : UINT64_C(1) << 63);
    if (level == 2 && dice(6) == 0)
        entry |= 0x80 | larges[dice(4)] | (dice(20) ? 0 : 0x2000);
    else if (level > 1)
        entry |= dice(3) ? guest_table_of(level - 1) : any_frame();
    else
        entry |= dice(3) ? SECOND_START + dice(SECOND_BYTES / 4096 - 1) * 4096 : any_frame();
    switch (dice(60)) {
    case 0:
        return entry | UINT64_C(1) << (46 + dice(6));
    case 1:
        return entry | 0x80;
    case 2:
        return entry | UINT64_C(0x10000000); /* a device */
    case 3:
        return random_next(&guest_seed);
    default:
        return entry;
    }
}

unsigned any_index(unsigned level)
{
    static const unsigned hot[] = {0, 1, 511, 256};
    return level == 1 ? (unsigned)(dice(2) * (512 - HOT_ENTRIES) + dice(HOT_ENTRIES))
                      : hot[dice(level == 4 ? 4 : 3)];
}

/* Mostly one that the tables lead far with. */
uint64_t any_address(void)
{
    uint64_t address = 0, table = root;
    for (unsigned level = 4; level; level--) {
        unsigned index = any_index(level);
        const uint64_t *entries = table ? naive_word(&theirs, table) : NULL;
        for (int tries = 0; entries && tries < 6 && !(entries[index] & 1); tries++)
            index = any_index(level);
        table = entries && entries[index] & 1 ? entries[index] & 0x000ffffffffff000 : 0;
        address = address << 9 | index;
    }
    address <<= 12;
    return address >> 47 ? address | 0xffff000000000000 : address;
}

void guest_take_memory(void)
{
    const uint64_t starts[] = {FIRST_START, SECOND_START, LOW_START},
                   bytes[] = {FIRST_BYTES, SECOND_BYTES, LOW_BYTES};
    for (int i = 0; i < NAIVE_PIECES; i++) {
        ours.piece[i].start = theirs.piece[i].start = starts[i];
        ours.piece[i].bytes = theirs.piece[i].bytes = bytes[i];
        ours.piece[i].host = calloc(1, bytes[i]);
        theirs.piece[i].host = calloc(1, bytes[i]);
        assert_true(ours.piece[i].host && theirs.piece[i].host);
    }
}

void guest_free(void)
{
    for (int i = 0; i < NAIVE_PIECES; i++) {
        free(ours.piece[i].host);
        free(theirs.piece[i].host);
    }
    ours = theirs = (struct naive_memory){0};
}
