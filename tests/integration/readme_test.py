#!/usr/bin/env python3
"""README.md's commands, word for word but for the port, against a fresh server."""
import os
import re
import subprocess
import sys
import unittest

from kernel import ROOT, Kernel

# What the output of each tested block must contain, in the order of the blocks.
EXPECTED = [
    ['"document_id"', '"name": *"Ada"', '"count": *1'],
    ["'Cy'", "'Ada'", "'mean': 36.0", "north 0.994"],
    ["hello"],
    ["unknown_operator", r"Did you mean '\$gte'"],
]


def tested_blocks():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"<!-- tested.*?-->\n```(\w+)\n(.*?)```", text, re.DOTALL)


class Readme(unittest.TestCase):
    def test_every_command_does_what_it_says(self):
        blocks = tested_blocks()
        self.assertEqual(len(blocks), len(EXPECTED))
        with Kernel() as kernel:
            (kernel.directory / "nexadb_data").symlink_to(kernel.directory / "data")
            environment = dict(os.environ, KEY=kernel.root_key, PYTHONPATH=str(ROOT / "sdk" / "python"))
            for key in ("NEXADB_API_KEY", "NEXADB_API_KEY_FILE"):
                environment.pop(key, None)
            for (language, text), expected in zip(blocks, EXPECTED):
                text = text.replace("127.0.0.1:6969", f"127.0.0.1:{kernel.port}")
                text = text.replace("NexaDB()", f"NexaDB(port={kernel.port})")
                command = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
                run = subprocess.run(command, cwd=kernel.directory, env=environment, text=True,
                                     capture_output=True, timeout=60, check=False)
                self.assertEqual(run.returncode, 0, text + run.stdout + run.stderr)
                for pattern in expected:
                    self.assertRegex(run.stdout, pattern)

    def test_every_file_it_names_exists(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        for name in re.findall(r"`((?:docs|config|core|scripts|plugins)/[\w./-]*|CONTRIBUTING\.md)`", text):
            if "*" not in name:
                self.assertTrue((ROOT / name).exists(), name)


if __name__ == "__main__":
    unittest.main()
