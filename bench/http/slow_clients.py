#!/usr/bin/env python3
"""Clients that send a body byte by byte and never the last, as a program of its own.

    slow_clients.py PORT PATH CLIENTS

Prints `ready` once all have sent their head, and after the end of its standard input how many bytes
a second they sent. It must not be what others wait for: it is as nice as can be, so that whoever
else wants its core has it at once, and sends a few bytes at a time, evenly spread, instead of one
for each client in a row. In the scheduler's idle class it would send nothing while others spin.
"""
import os
import resource
import select
import socket
import sys
import time

BYTES_A_SECOND = 5  # of each client
AT_ONCE = 5


def main():
    port, path, clients = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            "Content-Length: 100000\r\n\r\n").encode()
    held = []
    for _ in range(clients):
        held.append(socket.create_connection(("127.0.0.1", port)))
        held[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        held[-1].sendall(head)
    os.nice(19)
    print("ready", flush=True)
    pause = AT_ONCE / (clients * BYTES_A_SECOND)
    began = due = time.monotonic()
    sent = 0
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        # One that fell behind goes on from now: a burst to catch up is what must not be.
        due = max(due, time.monotonic() - pause) + pause
        for _ in range(AT_ONCE):
            held[sent % clients].send(b"x")  # fails when the server has cut it off, which ends the run
            sent += 1
    print(sent / (time.monotonic() - began))


if __name__ == "__main__":
    main()
