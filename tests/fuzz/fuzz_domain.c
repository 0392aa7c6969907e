/* What comes from outside of a domain: the front of a saved one, with whatever description, state and index
 * (its checksums are made to fit, or nothing behind them would be reached), and packets of the control
 * socket. */
#include "base/checksum.h"
#include "domain/saved/stored.h"
#include "domain/served/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FRONT = STORED_CHUNK_BYTES, HEADER_CHECKSUM = 4088 };

static void require(int condition)
{
    if (!condition)
        abort();
}

static void set_word(char *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

/* The three sections one behind the other; the last one, the index, has the length that the memory asks for.
 * With an odd number of bytes it says that the memory is compressed: the lengths of frames are behind it. */
static void write_sections(char *front, const uint8_t *data, size_t size)
{
    const uint64_t memory = PORTABLE_BYTES_MIN,
                   index = memory / STORED_CHUNK_BYTES * sizeof(struct stored_chunk);
    size_t plan = size > 2 ? (data[0] | (size_t)data[1] << 8) % (size - 1) : 0;
    const size_t bytes[] = {plan, size > 2 ? size - 2 - (plan < size - 2 ? plan : size - 2) : 0, index};
    uint64_t at = STORED_HEADER_BYTES;
    const uint8_t *from = data + (size > 2 ? 2 : size);
    for (unsigned i = 0; i < 3; i++) {
        if (i < 2)
            memcpy(front + at, from, bytes[i]);
        from += i < 2 ? bytes[i] : 0;
        set_word(front + 24 + 24 * i, at);
        set_word(front + 32 + 24 * i, bytes[i]);
        set_word(front + 40 + 24 * i, checksum_of(front + at, bytes[i]));
        at += (bytes[i] + 7) / 8 * 8;
    }
    memcpy(front, "VCOSTDOM\3\0\0\0\0\x10\0\0", 16);
    set_word(front + 16, FRONT + memory);
    if (size % 2) {
        const uint64_t frames = memory / STORED_CHUNK_BYTES * sizeof(uint32_t);
        uint64_t end = FRONT;
        memcpy(front + at, data, size < frames ? size : frames);
        for (uint64_t i = 0; i < frames; i += sizeof(uint32_t)) {
            uint32_t frame;
            memcpy(&frame, front + at + i, sizeof frame);
            end += frame;
        }
        set_word(front + 16, end);
        set_word(front + 152, 1);
        set_word(front + 160, at);
        set_word(front + 168, frames);
        set_word(front + 176, checksum_of(front + at, frames));
    }
    set_word(front + 96, FRONT);
    set_word(front + 104, memory);
    set_word(front + HEADER_CHECKSUM, checksum_of(front, HEADER_CHECKSUM));
}

static void try_front(const char *front)
{
    struct stored stored;
    struct error error = {0};
    if (stored_parse(front, FRONT, UINT64_MAX, &stored, &error) < 0) {
        require(error.code && error.text[0]);
        return;
    }
    require(!stored.compressed || stored.frame_at[0] == FRONT);
    require(portable_plan_check(&stored.plan, true, &error) == 0 &&
            stored.plan.memory_bytes == PORTABLE_BYTES_MIN);
    stored_free(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char front[FRONT];
    struct control_request request;
    struct control_answer answer;
    struct error error = {0};
    size_t bytes = 0;
    if (control_read_request((const char *)data, size, &request, &error) < 0)
        require(error.code && error.text[0]);
    else
        require(request.fd == -1 && memchr(request.verb, 0, sizeof request.verb));
    if (control_read_answer((const char *)data, size, &answer, &error) < 0)
        require(error.code && error.text[0]);
    if (size >= STORED_HEADER_BYTES && stored_front_bytes(data, size, &bytes, &error) < 0)
        require(error.code && error.text[0]);
    if (size < 60000) {
        memset(front, 0, STORED_HEADER_BYTES + 65536);
        write_sections(front, data, size);
        try_front(front);
    }
    return 0;
}
