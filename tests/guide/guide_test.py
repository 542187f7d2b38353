"""Runs the commands of docs/plugin-authors-guide.md as they stand there.

Usage: guide_test.py SOURCE_DIR BUILD_DIR. Three things differ from what a reader does: HOME is a
temporary folder, build/release is the build under test, and port 6969 is one that is free.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(sys.argv.pop(1)).resolve()
BUILD = Path(sys.argv.pop(1)).resolve()
GUIDE = SOURCE / "docs" / "plugin-authors-guide.md"
SANITIZE = os.environ.get("NEXADB_SANITIZE", "")
TIMEOUT_S = 800


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands():
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    script = "\n".join(blocks)
    script = script.replace("build/release", str(BUILD))
    return script.replace("127.0.0.1:6969", f"127.0.0.1:{free_port()}")


def documents(output):
    """Every JSON object in the text; answers follow one another without line ends."""
    found, at, decoder = [], output.find("{"), json.JSONDecoder()
    while at >= 0:
        try:
            document, end = decoder.raw_decode(output, at)
            found.append(document)
        except ValueError:
            end = at + 1
        at = output.find("{", end)
    return found


class Guide(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="nexadb-guide-")
        self.addCleanup(shutil.rmtree, self.home)

    def follow(self):
        environment = {**os.environ, "HOME": self.home}
        # The reader's build must not find this one.
        environment.pop("NEXADB", None)
        if SANITIZE:
            environment["CXXFLAGS"] = f"-fsanitize={SANITIZE}"
        process = subprocess.Popen(
            ["bash", "-e", "-u", "-o", "pipefail", "-x", "-c", commands()], cwd=SOURCE, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
            start_new_session=True)
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            self.fail("not done in time:\n" + output)
        finally:
            # A kernel that a failed command has left running.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.assertEqual(process.returncode, 0, output + self.logs())
        return output

    def logs(self):
        return "".join(f"\n{log}:\n{log.read_text(encoding='utf-8')}"
                       for log in Path(self.home).glob("*/kernel.log"))

    def test_the_guide_works_to_the_letter(self):
        output = self.follow()
        self.assertRegex(output, r"org\.acme\.storage 0\.1\.0: \d+ laws kept, 0 broken")
        answers = documents(output)
        inserted = next(a for a in answers if a.get("document_id") == "ada")
        self.assertEqual(inserted["status"], "success")
        self.assertTrue(any('"born": 1815' in json.dumps(a) and "_created_at" in json.dumps(a)
                            for a in answers), output)
        self.assertTrue(any("org.acme.storage" in json.dumps(a) for a in answers), output)
        self.assertIn({"hello": "world"}, answers)
        self.assertEqual([a["n"] for a in answers if "n" in a], [0, 1, 2])
        # Nothing of the engine's own was left out: the build knew the installation alone.
        cache = (Path(self.home) / "storage-mine" / "build" / "CMakeCache.txt").read_text("utf-8")
        self.assertNotIn(f"{SOURCE}/core", cache)


if __name__ == "__main__":
    unittest.main()
