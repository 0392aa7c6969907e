"""Threads, processes, a pipe, and a dictionary."""
import hashlib, multiprocessing, subprocess, threading

def primes(n):
    sieve = bytearray([1]) * n
    for i in range(2, int(n ** 0.5) + 1):
        if sieve[i]:
            sieve[i * i::i] = bytes(len(range(i * i, n, i)))
    return sum(sieve[2:])

found = {}
threads = [threading.Thread(target=lambda k=k: found.update({k: primes(200000 + k)})) for k in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(found.items()))
with multiprocessing.Pool(2) as pool:
    print(pool.map(primes, [100000 + k for k in range(6)]))
for k in range(5):
    print(subprocess.run(["sh", "-c", f"echo {k} | sha256sum"], capture_output=True, text=True).stdout, end="")
table = {}
for i in range(500000):
    table[i * 7919 % 1000003] = str(i)
print(len(table), hashlib.sha1("".join(table[k] for k in sorted(table)[:5000]).encode()).hexdigest())
