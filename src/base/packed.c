#include "base/packed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_base64(FILE *stream, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i < 3 ? size - i : 3;
        unsigned three = 0;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (k < left ? bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            fputc(k <= left ? digits[three >> (18 - 6 * k) & 63] : '=', stream);
    }
}

int packed_write(FILE *stream, const char *bytes, size_t size, struct error *error)
{
    uLongf length = compressBound(size);
    unsigned char *packed = malloc(length);
    if (!packed || compress2(packed, &length, (const Bytef *)bytes, size, Z_BEST_COMPRESSION) != Z_OK) {
        free(packed);
        return error_set(error, ENOMEM, "not enough memory to pack %zu bytes", size);
    }
    write_base64(stream, packed, length);
    free(packed);
    return 0;
}

/* Into bytes, for which there is room: as many as 3/4 of the length. False if it is not base64. */
static bool read_base64(const char *text, size_t length, unsigned char *bytes, size_t *size)
{
    while (length && text[length - 1] == '=')
        length--;
    unsigned bits = 0, count = 0;
    *size = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << 6 | (unsigned)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[(*size)++] = (unsigned char)(bits >> count);
        }
    }
    return true;
}

/* To what has room for most bytes and one. 0 or a positive errno. */
static int inflate_to(const unsigned char *packed, size_t length, size_t most, char *bytes, size_t *size)
{
    z_stream stream = {.next_in = (Bytef *)packed,
        .avail_in = (uInt)length,
        .next_out = (Bytef *)bytes,
        .avail_out = (uInt)(most + 1)};
    if (inflateInit(&stream) != Z_OK)
        return ENOMEM;
    int status = inflate(&stream, Z_FINISH);
    *size = stream.total_out;
    inflateEnd(&stream);
    return *size > most ? EFBIG : status == Z_STREAM_END ? 0 : status == Z_MEM_ERROR ? ENOMEM : EINVAL;
}

int packed_read(const char *text, size_t length, size_t most, char **bytes, size_t *size, struct error *error)
{
    size_t packed_size, found = 0;
    unsigned char *packed = malloc(length / 4 * 3 + 3);
    char *unpacked = length < UINT32_MAX && most < UINT32_MAX ? malloc(most + 1) : NULL;
    int code = !packed || !unpacked ? ENOMEM
               : !read_base64(text, length, packed, &packed_size)
                   ? EINVAL
                   : inflate_to(packed, packed_size, most, unpacked, &found);
    free(packed);
    if (code) {
        free(unpacked);
        return error_set(error, code, "%s",
            code == EINVAL  ? "what is packed in it is damaged"
            : code == EFBIG ? "what is packed in it is too large"
                            : "not enough memory to unpack it");
    }
    unpacked[found] = 0;
    char *fitting = realloc(unpacked, found + 1);
    *bytes = fitting ? fitting : unpacked;
    *size = found;
    return 0;
}
