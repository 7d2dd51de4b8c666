"""`idle.py PORT CONNECTIONS http2|tcp`: opens connections that do nothing, prints how many, and holds them until its input ends.

HTTP/2 connections have sent and acknowledged SETTINGS. They are closed by RST, which leaves no port waiting.
"""

import socket
import struct
import sys
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
ACKNOWLEDGED = bytes([0, 0, 0, 4, 1, 0, 0, 0, 0])
# One that waits longer is not counted, and no more are opened after so many seconds.
LIMIT, OPENING = 5, 30


def main():
    port, count, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    held, ready, until = [], 0, time.monotonic() + OPENING
    for _ in range(count):
        if time.monotonic() > until:
            break
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            held.append(connection)
            if kind == "http2":
                connection.sendall(PREFACE)
        except OSError:
            break
    for connection in held:
        try:
            if kind == "http2":
                connection.settimeout(LIMIT if time.monotonic() < until else 0.001)
                if not connection.recv(4096):
                    continue
                connection.sendall(ACKNOWLEDGED)
            ready += 1
        except OSError:
            continue
    print(ready, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
