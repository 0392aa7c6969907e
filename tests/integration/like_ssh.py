#!/usr/bin/python3
"""like_ssh.py COMMAND...: is to it what sshd is: what comes here ends for it when the process that was started ends, whoever else
has its stdin then; what is written to its stdout goes on."""
import os
import subprocess
import sys
import threading


def pump(source, to):
    while data := os.read(source, 1 << 16):
        try:
            os.write(to, data)
        except OSError:
            return


with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
    threading.Thread(target=pump, args=(0, process.stdin.fileno()), daemon=True).start()
    back = threading.Thread(target=pump, args=(process.stdout.fileno(), 1))
    back.start()
    process.wait()
    nothing = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nothing, process.stdin.fileno())
    back.join()
