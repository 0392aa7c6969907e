"""asyncio with sockets of its own, ctypes, mmap, a signal."""
import asyncio, ctypes, mmap, os, signal, zlib

async def echo(reader, writer):
    while data := await reader.readline():
        writer.write(data.upper())
        await writer.drain()
    writer.close()

async def client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = []
    for k in range(450):
        writer.write(f"line {k} of {number}\n".encode())
        said.append(await reader.readline())
    writer.close()
    return zlib.crc32(b"".join(said))

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(client(port, k) for k in range(8))))
    server.close()

asyncio.run(main())
print(ctypes.CDLL(None).strlen(b"twelve bytes"))
area = mmap.mmap(-1, 1 << 22)
area[::4096] = b"x" * (1 << 10)
child = os.fork()
if child == 0:
    area[0:5] = b"child"
    os._exit(7)
print(os.waitpid(child, 0)[1] >> 8, area[0:5])
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
while len(seen) < 20:
    sum(range(1000))
signal.setitimer(signal.ITIMER_REAL, 0)
print("alarms")
