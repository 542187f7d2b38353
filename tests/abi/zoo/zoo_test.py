"""Broken plugins are refused with their reason, and the kernel lives to say it.

Usage: zoo_test.py BUILD_DIR [unittest arguments]. What kernel_test.py covers (world-writable files,
symbolic links, cut-off files, other ABI, slots and cycles) is not repeated here.
"""
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
KERNEL = os.path.join(BUILD, "bin", "nexadb-kernel")
ZOO = os.path.join(BUILD, "tests", "zoo")
TIMEOUT_S = 60


class ZooTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nexadb-zoo-")
        self.addCleanup(shutil.rmtree, self.dir)

    def take(self, animal, name="animal"):
        path = os.path.join(self.dir, name + ".so")
        shutil.copy(os.path.join(ZOO, f"zoo-{animal}.so"), path)
        os.chmod(path, 0o755)
        return path

    def config(self, names=("animal",)):
        path = os.path.join(self.dir, "n.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'[kernel]\nplugin_path = ["{self.dir}"]\ndata_dir = "{self.dir}/data"\n')
            for name in names:
                file.write(f'[plugins.{name}]\nlibrary = "{name}"\n')
        return path

    def run_kernel(self, *arguments):
        return subprocess.run(
            [KERNEL, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, cwd=self.dir,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))

    def patch(self, path, old, new, count=-1):
        with open(path, "rb") as file:
            data = file.read()
        self.assertIn(old, data)
        self.assertEqual(len(old), len(new))
        with open(path, "wb") as file:
            file.write(data.replace(old, new, count))


class GoodOnes(ZooTest):
    def runs(self, names):
        process = subprocess.Popen([KERNEL, "--config", self.config(names)],
                                   stderr=subprocess.PIPE, text=True, cwd=self.dir)
        try:
            for line in process.stderr:
                if "is running" in line:
                    process.send_signal(signal.SIGTERM)
            return process.wait(TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()

    def test_the_good_one_runs(self):
        self.take("good")
        self.assertEqual(self.runs(["animal"]), 0)

    def test_two_libraries_may_have_one_id(self):
        self.take("good", "first")
        self.take("good", "second")
        self.assertEqual(self.runs(["first", "second"]), 0)


class WrongFiles(ZooTest):
    """Refused by --check and by a start alike, before any code runs: the animal would abort."""

    def refused(self, break_file, *expected):
        path = self.take("static_crash")
        break_file(path)
        for arguments in (("--config", self.config(), "--check"), ("--config", self.config()),
                          ("--inspect", path)):
            done = self.run_kernel(*arguments)
            self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
            for text in expected:
                self.assertIn(text, done.stderr)

    def patched(self, old, new):
        return lambda path: self.patch(path, old, new)

    def byte(self, offset, value):
        def change(path):
            with open(path, "r+b") as file:
                file.seek(offset)
                file.write(bytes([value]))
        return change

    def test_the_animal_would_abort(self):
        self.take("static_crash")
        self.assertEqual(self.run_kernel("--config", self.config(), "--check").returncode, 0)
        self.assertLess(self.run_kernel("--config", self.config()).returncode, 0)

    def test_manifest_that_is_no_json(self):
        self.refused(self.patched(b'"manifest": 1,', b'"manifest"; 1,'), "animal.so", "manifest")

    def test_manifest_of_another_form(self):
        self.refused(self.patched(b'"manifest": 1,', b'"manifest": 9,'), "manifest: must be at most 1")

    def test_manifest_with_an_unknown_member(self):
        self.refused(self.patched(b'"license"', b'"licence"'), 'did you mean "license"?')

    def test_manifest_that_is_not_utf8(self):
        self.refused(self.patched(b"One of", b"\xff\xfe\xfd of"), "animal.so")

    def test_manifest_that_names_a_member_twice(self):
        self.refused(self.patched(b'"version": "0.1.0"', b'"id": "some.thing"'), "id")

    def test_no_manifest(self):
        self.refused(self.patched(b".nexadb.plugin\0", b".nexadb.plugix\0"),
                     "not a NexaDB plugin", ".nexadb.plugin")

    def test_no_fingerprint(self):
        self.refused(self.patched(b".nexadb.abi\0", b".nexadb.abx\0"),
                     "not a NexaDB plugin", ".nexadb.abi")

    def test_another_sanitizer(self):
        ours = self.run_kernel("--version").stdout.split("san=")[1][:4]
        theirs = "asan" if ours == "none" else "none"
        self.refused(self.patched(f",san={ours}|".encode(), f",san={theirs}|".encode()),
                     f"san={theirs}", f"san={ours}")

    def test_another_platform(self):
        self.refused(self.patched(b"linux-x86_64,", b"linux-sparc9,"), "linux-sparc9")

    def test_a_fingerprint_that_is_garbage(self):
        self.refused(self.patched(b",itanium,ptr=8,", b"...............", ), "animal.so")

    def test_another_interface_minor(self):
        self.refused(self.patched(b'["test.zoo_service/0.1"]', b'["nexadb.database/0.9" ]'),
                     "built for nexadb.database/0.9, this kernel speaks nexadb.database/0.1")

    def test_an_interface_that_the_contract_does_not_have(self):
        self.refused(self.patched(b'["test.zoo_service/0.1"]', b'["nexadb.databass/0.1" ]'),
                     "nexadb.databass")

    def test_32_bits(self):
        self.refused(self.byte(4, 1), "not a 64-bit little-endian ELF file")

    def test_big_endian(self):
        self.refused(self.byte(5, 2), "not a 64-bit little-endian ELF file")

    def test_another_processor(self):
        self.refused(self.byte(18, 0xF3), "built for another processor")

    def test_an_executable(self):
        self.refused(self.byte(16, 2), "not a shared library")

    def test_sections_past_the_end(self):
        self.refused(self.byte(44, 0x7F), "malformed ELF file")

    def test_an_empty_file(self):
        self.refused(lambda path: os.truncate(path, 0), "is empty")

    def test_a_directory(self):
        def replace(path):
            os.remove(path)
            os.mkdir(path)
        self.refused(replace, "not a regular file")

    def test_a_pipe(self):
        def replace(path):
            os.remove(path)
            os.mkfifo(path)
        self.refused(replace, "not a regular file")

    def test_every_length_of_the_file(self):
        path = self.take("static_crash")
        size = os.path.getsize(path)
        # Headers, then a grid over the rest; the section table stands at the end.
        lengths = [1, 4, 16, 63, 64, 65, *range(128, size, max(1, size // 20)), size - 1]
        for length in sorted(lengths, reverse=True):
            os.truncate(path, length)
            done = self.run_kernel("--inspect", path)
            self.assertEqual(done.returncode, 2, f"cut to {length} bytes: {done.stderr}")


class WrongCode(ZooTest):
    """The file is in order; the code is not. Refused in the stage named, undone, status 1."""

    def failed(self, animal, stage, *expected):
        self.take(animal)
        self.assertEqual(self.run_kernel("--config", self.config(), "--check").returncode, 0)
        done = self.run_kernel("--config", self.config())
        self.assertEqual(done.returncode, 1, done.stderr)
        last = done.stderr.splitlines()[-1]
        self.assertIn(f'instance "animal" (test.zoo 0.1.0) failed in {stage}: ', last)
        for text in expected:
            self.assertIn(text, last)

    def test_no_entry_symbol(self):
        self.failed("no_entry", "Load", "nexadb_plugin_entry")

    def test_an_entry_that_returns_null(self):
        self.failed("null_entry", "Load", "returned no descriptor")

    def test_a_create_that_returns_null(self):
        self.failed("null_create", "Load", "made no plugin")

    def test_no_create(self):
        self.failed("no_function", "Load", "returned no descriptor")

    def test_a_descriptor_that_is_too_small(self):
        self.failed("small", "Load", "returned no descriptor")

    def test_a_descriptor_without_names(self):
        self.failed("null_names", "Load", "descriptor")

    def test_code_with_another_id_than_its_manifest(self):
        self.failed("other_id", "Load", '"test.impostor"', '"test.zoo"')

    def test_an_undefined_symbol(self):
        self.failed("undefined", "Load", "NobodyDefinesThis")

    def test_a_configure_that_throws(self):
        self.failed("throws", "Configure", "thrown in Configure")

    def test_a_service_that_the_manifest_does_not_name(self):
        self.failed("unpromised", "Configure", "test.unpromised/0.1")

    def test_a_service_provided_twice(self):
        self.failed("twice", "Configure", "test.zoo_service/0.1")

    def test_a_service_that_is_null(self):
        self.failed("null_service", "Configure")

    def test_a_start_that_fails(self):
        self.failed("start", "Start", "the animal stays in bed")


if __name__ == "__main__":
    unittest.main()
