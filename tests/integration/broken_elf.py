"""ELF programs that are nearly right: a tiny one with every usual part, in which one to three fields of its headers are replaced."""
import random
import struct

PAGE = 4096
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
LOAD, INTERP, STACK = 1, 3, 0x6474E551
# mov al, [data]; add al, [end of the zeros]; exit(al); all else is int3, so that a wrong entry ends it.
CODE = bytes.fromhex("0fb63df90f0000" "023df20f0100" "b83c000000" "0f05")
VALUES = (0, 1, 2, 3, 4, 6, 7, 8, 0x38, 0x40, 0xFF, 0xFFF, PAGE, PAGE + 1, 0x10000, 0x200000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x40000000, 1 << 39,
    (1 << 47) - PAGE, 1 << 47, (1 << 63) - 1, 1 << 63, (1 << 64) - PAGE, (1 << 64) - 1)
HEADER_FIELDS = tuple(enumerate((None, 2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2)))[1:]
SEGMENT_FIELDS = tuple(enumerate((4, 4, 8, 8, 8, 8, 8, 8)))


def parts(kind, interpreter):
    """The header's and the segments' fields of a program; kind: 2: at fixed addresses, 3: anywhere."""
    base = 0x400000 if kind == 2 else 0
    segments = [
        [LOAD, 4, 0, base, base, PAGE, PAGE, PAGE],
        [LOAD, 5, PAGE, base + PAGE, base + PAGE, PAGE, PAGE, PAGE],
        [LOAD, 6, 2 * PAGE, base + 2 * PAGE, base + 2 * PAGE, 16, 16 * PAGE, PAGE],
        [STACK, 6, 0, 0, 0, 0, 0, 16]]
    if interpreter:
        segments.insert(0, [INTERP, 4, 0x800, base + 0x800, base + 0x800, len(interpreter) + 1, len(interpreter) + 1, 1])
    header = [b"\x7fELF\2\1\1" + bytes(9), kind, 62, 1, base + PAGE, 64, 0, 0, 64, 56, len(segments), 0, 0, 0]
    return header, segments


def built(header, segments, interpreter):
    file = bytearray(HEADER.pack(*header) + b"".join(SEGMENT.pack(*segment) for segment in segments))
    file += bytes(0x800 - len(file)) + interpreter + bytes(PAGE - 0x800 - len(interpreter))
    file += CODE + b"\xcc" * (PAGE - len(CODE)) + bytes((42,)) + bytes(15)
    return bytes(file)


def whole(kind, interpreter=b""):
    return built(*parts(kind, interpreter), interpreter)


def breaks(chance, header, segments):
    """Replaces one to three fields."""
    for _ in range(chance.randrange(1, 4)):
        if chance.randrange(4) == 0:
            field, size = chance.choice(HEADER_FIELDS)
            place = header
        else:
            field, size = chance.choice(SEGMENT_FIELDS)
            place = chance.choice(segments)
        value = chance.choice(VALUES) if chance.randrange(2) else place[field] + chance.choice((-PAGE, -16, -1, 1, 8, PAGE, 16 * PAGE))
        value &= (1 << 8 * size) - 1
        if place is not header and field in (3, 6) and value < 1 << 33 and header[1] == 2:
            value = value % (1 << 27) + (1 << 20)  # a domain has not all addresses below 4 GiB
        if field == 1 and place is not header and value & 7 == 1:
            value |= 4  # what may only be executed is read by some CPUs (protection keys) and not by others
        place[field] = value


def broken(seed, interpreter):
    """One that differs from a whole one in a few fields, or is shorter."""
    chance = random.Random(seed)
    named = interpreter if chance.randrange(3) == 0 else b""
    header, segments = parts(chance.choice((2, 3)), named)
    breaks(chance, header, segments)
    file = built(header, segments, named)
    return file if chance.randrange(8) else file[:chance.randrange(len(file))]


# What a program linked for it cannot have in a domain: the first 64 KiB, and the system pages in the guest and here (src/program/inside/window.c).
HAS = ((0x10000, 0x40000000), (0x50000000, 0x540003000000), (0x540007400000, 0x550000000000), (0x568000000000, 0x7E9003000000),
    (0x7E9007400000, 0x7EE000000000))


def lacks(file):
    """Is it linked for an address that a domain does not have?"""
    header = HEADER.unpack_from(file.ljust(HEADER.size, b"\0"))
    table = [SEGMENT.unpack_from(file, at) for at in range(header[5], header[5] + 56 * header[10], 56) if at + SEGMENT.size <= len(file)]
    pages = [(fields[3] // PAGE * PAGE, fields[3] + fields[6]) for fields in table if fields[0] == LOAD and fields[6]]
    return header[1] == 2 and any(not any(low <= start and end <= high for low, high in HAS) for start, end in pages)
