"""The servers that are measured, each started on a free port and ended by its process id."""
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import BUILD, Kernel  # noqa: E402

STATIC = '{"_id":"000000000001","name":"a","pad":"' + "x" * 258 + '"}'  # 300 bytes
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def family(pid):
    """A process and its children, as far as they still run."""
    return [pid] + [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and parent(p) == pid]


def threads(pid):
    """Of a process and its children."""
    return [int(thread.name) for member in family(pid) for thread in (Path("/proc") / str(member) / "task").iterdir()]


def cpu_seconds(pid):
    total = 0
    for member in family(pid):
        fields = (Path("/proc") / str(member) / "stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def parent(process):
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return -1


def resident_bytes(pid):
    return int((Path("/proc") / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Process:
    """A peer that runs in the foreground."""

    def __init__(self, command, port, cwd):
        self.port = port
        self.process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{command[0]} did not listen on port {port}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def nginx(scratch):
    port = free_port()
    www = scratch / "www"
    www.mkdir(exist_ok=True)
    (www / "doc.json").write_text(STATIC)
    temporary = "".join(f"{name}_temp_path {scratch}/nginx-{name};" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (scratch / "nginx.conf").write_text(f"""
worker_processes 2; daemon off; pid {scratch}/nginx.pid; error_log {scratch}/nginx.log; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000;
  default_type application/json; open_file_cache max=100 inactive=60s; open_file_cache_valid 60s; {temporary}
  server {{ listen 127.0.0.1:{port}; root {www}; location = /return {{ return 200 '{STATIC}'; }}
    location = /slow {{ proxy_pass http://127.0.0.1:{port}/return; }} }} }}
""")
    return Process([shutil.which("nginx") or "/usr/sbin/nginx", "-e", f"{scratch}/nginx.log", "-c",
                    str(scratch / "nginx.conf")], port, scratch)


def floor(scratch):
    port = free_port()
    return Process([str(BUILD / "bench" / "http-floor"), str(port)], port, scratch)


def redis(scratch):
    port = free_port()
    folder = scratch / "redis"
    folder.mkdir(exist_ok=True)
    return Process(["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "",
                    "--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning"], port, scratch)


def nexadb(scratch):
    """With durability `interval`: written before the answer, on disk within 100 ms."""
    folder = scratch / "nexadb"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return Kernel(folder, lambda text: text.replace('durability = "disk"', 'durability = "interval"'))
