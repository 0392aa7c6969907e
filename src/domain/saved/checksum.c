#include "domain/saved/checksum.h"

#include <string.h>

static const uint64_t p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9,
                      p4 = 0x85EBCA77C2B2AE63, p5 = 0x27D4EB2F165667C5;

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static uint64_t lane_round(uint64_t lane, uint64_t word)
{
    return rotate(lane + word * p2, 31) * p1;
}

static uint64_t word_at(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

void checksum_begin(struct checksum *checksum)
{
    *checksum = (struct checksum){.lane = {p1 + p2, p2, 0, 0 - p1}};
}

void checksum_add(struct checksum *checksum, const void *data, size_t bytes)
{
    uint64_t a = checksum->lane[0], b = checksum->lane[1], c = checksum->lane[2], d = checksum->lane[3];
    for (const char *at = data, *end = at + bytes; at < end; at += CHECKSUM_BLOCK) {
        a = lane_round(a, word_at(at));
        b = lane_round(b, word_at(at + 8));
        c = lane_round(c, word_at(at + 16));
        d = lane_round(d, word_at(at + 24));
    }
    checksum->lane[0] = a;
    checksum->lane[1] = b;
    checksum->lane[2] = c;
    checksum->lane[3] = d;
    checksum->bytes += bytes;
}

static uint64_t join_lanes(const struct checksum *checksum)
{
    const uint64_t *lane = checksum->lane;
    uint64_t sum = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
    for (unsigned i = 0; i < 4; i++)
        sum = (sum ^ lane_round(0, lane[i])) * p1 + p4;
    return sum;
}

static uint64_t add_rest(uint64_t sum, const char *at, size_t bytes)
{
    for (; bytes >= 8; at += 8, bytes -= 8)
        sum = rotate(sum ^ lane_round(0, word_at(at)), 27) * p1 + p4;
    if (bytes >= 4) {
        uint32_t half;
        memcpy(&half, at, sizeof half);
        sum = rotate(sum ^ half * p1, 23) * p2 + p3;
        at += 4;
        bytes -= 4;
    }
    for (; bytes; at++, bytes--)
        sum = rotate(sum ^ (uint8_t)*at * p5, 11) * p1;
    return sum;
}

uint64_t checksum_end(const struct checksum *checksum, const void *data, size_t bytes)
{
    struct checksum all = *checksum;
    size_t blocks = bytes / CHECKSUM_BLOCK * CHECKSUM_BLOCK;
    checksum_add(&all, data, blocks);
    uint64_t sum = (all.bytes ? join_lanes(&all) : p5) + all.bytes + (bytes - blocks);
    sum = add_rest(sum, (const char *)data + blocks, bytes - blocks);
    sum = (sum ^ sum >> 33) * p2;
    sum = (sum ^ sum >> 29) * p3;
    return sum ^ sum >> 32;
}

uint64_t checksum_of(const void *data, size_t bytes)
{
    struct checksum checksum;
    checksum_begin(&checksum);
    return checksum_end(&checksum, data, bytes);
}
