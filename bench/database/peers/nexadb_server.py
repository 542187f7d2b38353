#!/usr/bin/env python3
"""Runs database-nexadb-server against a server of its own, configured as the embedded driver's engine is.

    nexadb_server.py DOCUMENTS SECONDS ROUND os|disk      NEXADB_BUILD_DIR as everywhere
"""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "integration"))

from kernel import BUILD, Kernel  # noqa: E402


def main():
    documents, seconds, number, durability = sys.argv[1:]

    def configure(text):
        text = re.sub(r"(?m)^memory_budget *=.*$", 'memory_budget = "2GiB"', text, count=1)
        return re.sub(r"(?m)^durability *=.*$", f'durability = "{durability}"', text, count=1)

    with Kernel(edit=configure) as kernel:
        return subprocess.run(
            [BUILD / "bench" / "database-nexadb-server", f"http://127.0.0.1:{kernel.port}", kernel.root_key,
             str(kernel.process.pid), str(kernel.directory / "data"), documents, seconds, number, durability],
            check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
