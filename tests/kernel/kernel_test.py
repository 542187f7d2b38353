"""nexadb-kernel seen from outside: what it prints, what it refuses, how it comes up and goes down.

Usage: kernel_test.py BUILD_DIR [unittest arguments]. The plugins are the probes beside this file.
"""

import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
KERNEL = os.path.join(BUILD, "bin", "nexadb-kernel")
PLUGINS = os.path.join(BUILD, "tests", "plugins")
SANITIZED = os.environ.get("NEXADB_SANITIZE", "") != ""
# Longer than any of these takes, even under a sanitizer on a busy machine.
TIMEOUT_S = 60

ONE = '[plugins.one]\nlibrary = "probe-source"\n'
SINK = '[plugins.sink]\nlibrary = "probe-sink"\n'


class KernelTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nexadb-kernel-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.plugins = os.path.join(self.dir, "plugins")
        os.mkdir(self.plugins, 0o755)
        for name in os.listdir(PLUGINS):
            if name.startswith("probe-"):
                shutil.copy(os.path.join(PLUGINS, name), self.plugins)
                os.chmod(os.path.join(self.plugins, name), 0o755)

    def config(self, text, kernel=""):
        path = os.path.join(self.dir, "n.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f'[kernel]\nplugin_path = ["{self.plugins}"]\n'
                f'data_dir = "{self.dir}/data"\n{kernel}{text}'
            )
        return path

    def run_kernel(self, *arguments, env=None):
        return subprocess.run(
            [KERNEL, *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            env={**os.environ, **(env or {})},
            cwd=self.dir,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        )

    def mistakes(self, text, *arguments, kernel=""):
        """The lines of --check, without the temporary folder's name and the summary."""
        done = self.run_kernel("--config", self.config(text, kernel), "--check", *arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        lines = done.stderr.replace(self.dir + "/", "").splitlines()
        self.assertRegex(lines[-1], r"^nexadb-kernel: \d+ mistakes? in n.toml; nothing was started$")
        return lines[:-1]

    def start(self, text, *arguments):
        process = subprocess.Popen(
            [KERNEL, "--config", self.config(text), *arguments],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.dir,
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def read_until(self, process, text):
        seen = []
        for line in process.stderr:
            seen.append(line)
            if text in line:
                return "".join(seen)
        self.fail(f"ended before {text!r}: {''.join(seen)}")


class CommandLine(KernelTest):
    def test_version_and_help_need_no_configuration(self):
        version = self.run_kernel("--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^nexadb-kernel \d+\.\d+\.\d+\nfingerprint linux-")
        help_text = self.run_kernel("--help")
        self.assertEqual(help_text.returncode, 0)
        for flag in ("--config", "--check", "--print-wiring", "--inspect", "--set", "--dev"):
            self.assertIn(flag, help_text.stdout)

    def test_without_a_configuration_it_says_how(self):
        done = self.run_kernel()
        self.assertEqual(done.returncode, 2)
        self.assertIn("nexadb-kernel --config nexadb.toml", done.stderr)

    def test_unknown_flags_and_missing_files_are_usage_errors(self):
        self.assertEqual(self.run_kernel("--confg", "x").returncode, 2)
        self.assertEqual(self.run_kernel("stray").returncode, 2)
        missing = self.run_kernel("--config", "/nowhere.toml")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("/nowhere.toml", missing.stderr)

    def test_inspect_shows_the_manifest_without_running_the_plugin(self):
        done = self.run_kernel("--inspect", os.path.join(self.plugins, "probe-source.so"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("test.probe-source 0.1.0\n"))
        self.assertIn("provides     test.source/0.1\n", done.stdout)
        self.assertIn('option       budget (size) = "1MiB"\n', done.stdout)
        other = self.run_kernel("--inspect", KERNEL)
        self.assertEqual(other.returncode, 2)
        self.assertIn("not a NexaDB plugin", other.stderr)

    def test_print_wiring(self):
        done = self.run_kernel("--config", self.config(SINK + ONE), "--print-wiring")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("    source     -> one              (test.source/0.1, one)\n", done.stdout)
        self.assertIn("    extra      -> (nothing)        (test.extra/0.1, optional)\n", done.stdout)
        self.assertTrue(done.stdout.endswith("start order: one sink\n"))

    def test_print_config_is_toml_with_origins_and_without_secrets(self):
        import tomllib

        text = ONE + '[plugins.one.config]\npassword = "hunter2"\nmode = "lively"\n' + SINK
        done = self.run_kernel("--config", self.config(text), "--print-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("hunter2", done.stdout)
        shown = tomllib.loads(done.stdout)
        self.assertEqual(shown["plugins"]["one"]["config"]["mode"], "lively")
        self.assertEqual(shown["plugins"]["one"]["config"]["threads"], 2)
        self.assertEqual(shown["kernel"]["drain_ms"], 10000)
        self.assertRegex(done.stdout, r'mode = "lively" +# .*n.toml:8:8\n')
        self.assertRegex(done.stdout, r"threads = 2 +# default\n")


class Precedence(KernelTest):
    def threads(self, text, *arguments, env=None):
        path = self.config(ONE + text)
        done = self.run_kernel("--config", path, "--print-config", *arguments, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.search(r"^threads = (\d).*# (.*)$", done.stdout, re.M).groups()

    def test_flag_over_environment_over_file_over_default(self):
        file = "[plugins.one.config]\nthreads = 3\n"
        env = {"NEXADB_ONE_THREADS": "4"}
        flag = ("--set", "plugins.one.config.threads=5")
        self.assertEqual(self.threads(""), ("2", "default"))
        self.assertEqual(self.threads(file)[0], "3")
        self.assertEqual(self.threads(file, env=env), ("4", "environment NEXADB_ONE_THREADS"))
        self.assertEqual(self.threads(file, *flag, env=env)[0], "5")

    def test_data_dir_by_flag_and_environment(self):
        path = self.config(ONE)
        env = {"NEXADB_KERNEL_DATA_DIR": "/from/env"}
        done = self.run_kernel("--config", path, "--print-config", env=env)
        self.assertIn('data_dir = "/from/env"', done.stdout)
        done = self.run_kernel(
            "--config", path, "--print-config", "--data-dir", "/from/flag", env=env
        )
        self.assertIn('data_dir = "/from/flag"', done.stdout)

    def test_an_unknown_environment_variable_is_warned_of(self):
        env = {
            "NEXADB_ONE_THREDS": "4",
            "NEXADB_KERNEL_NO_SUCH_THING_AT_ALL": "1",
            "NEXADB_OTHER_THREADS": "not an instance's",
        }
        done = self.run_kernel("--config", self.config(ONE), "--check", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            sorted(done.stderr.splitlines()),
            [
                "warning: environment NEXADB_KERNEL_NO_SUCH_THING_AT_ALL: kernel has no such option, "
                "it is ignored",
                "warning: environment NEXADB_ONE_THREDS: one has no such option, it is ignored "
                '(did you mean "NEXADB_ONE_THREADS"?)',
            ],
        )

    def test_a_wrong_environment_variable_is_named(self):
        done = self.run_kernel(
            "--config", self.config(ONE), "--check", env={"NEXADB_ONE_THREADS": "many"}
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn(
            "environment NEXADB_ONE_THREADS: plugins.one.config.threads: expected an integer",
            done.stderr,
        )


class Mistakes(KernelTest):
    def test_typos_get_positions_and_suggestions_all_at_once(self):
        text = (
            "drain_mss = 1\n[pluginz]\n"
            + '[plugins.one]\nlibrary = "probe-source"\nconfg = {}\n'
            + '[plugins.one.config]\nbudgett = "1MiB"\nmode = "livly"\nthreads = 99\n'
        )
        self.assertEqual(
            self.mistakes(text),
            [
                'n.toml:5:2: pluginz: unknown key (did you mean "plugins"?)',
                'n.toml:4:1: kernel.drain_mss: unknown key (did you mean "drain_ms"?)',
                'n.toml:8:1: plugins.one.confg: unknown key (did you mean "config"?)',
                'n.toml:10:1: plugins.one.config.budgett: unknown key (did you mean "budget"?)',
                'n.toml:11:8: plugins.one.config.mode: expected "calm" or "lively", got "livly"'
                ' (did you mean "lively"?)',
                "n.toml:12:11: plugins.one.config.threads: must be at most 8",
            ],
        )

    def test_toml_syntax_errors_name_the_position(self):
        lines = self.mistakes("[plugins.one\n")
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^n.toml:\d+:\d+: ")

    def test_unknown_library_names_the_nearest(self):
        lines = self.mistakes('[plugins.one]\nlibrary = "probe-sorce"\n')
        self.assertEqual(
            lines,
            [
                "n.toml:5:11: plugins.one.library: no probe-sorce.so on plugin_path (plugins)"
                ' (did you mean "probe-source"?)'
            ],
        )

    def test_unknown_slot_and_unknown_instance(self):
        lines = self.mistakes(ONE + SINK + 'use = { sorce = "one", source = "two" }\n')
        self.assertEqual(
            lines,
            [
                'n.toml:8:17: plugins.sink.use.sorce: unknown slot (did you mean "source"?); '
                "test.probe-sink has these: source, extra, all",
                'n.toml:8:33: plugins.sink.use.source: no instance "two"',
            ],
        )

    def test_missing_and_ambiguous_slots(self):
        self.assertEqual(
            self.mistakes(SINK),
            [
                'n.toml:4:10: plugins.sink: slot "source" needs an instance that provides '
                "test.source/0.1; add one"
            ],
        )
        self.assertEqual(
            self.mistakes(ONE + '[plugins.two]\nlibrary = "probe-source"\n' + SINK),
            [
                'n.toml:8:10: plugins.sink.use: slot "source" fits 2 instances; write '
                'use = { source = "one" } or { source = "two" }'
            ],
        )

    def test_a_cycle_is_named(self):
        text = (
            '[plugins.a]\nlibrary = "probe-link"\nuse = { next = "b" }\n'
            '[plugins.b]\nlibrary = "probe-link"\nuse = { next = "a" }\n'
        )
        self.assertEqual(
            self.mistakes(text),
            [
                "n.toml:4:10: plugins.a: these need one another: a -> b -> a; "
                "break the cycle with `use`"
            ],
        )

    def test_disabled_instances_are_not_there(self):
        lines = self.mistakes(ONE + "enabled = false\n" + SINK)
        self.assertIn('slot "source" needs an instance', lines[0])

    def test_a_correct_configuration_passes(self):
        done = self.run_kernel("--config", self.config(ONE + SINK), "--check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("no mistakes; 2 instances", done.stdout)


class UntrustedFiles(KernelTest):
    def library(self):
        return os.path.join(self.plugins, "probe-source.so")

    def refused(self):
        lines = self.mistakes(ONE)
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith("n.toml:5:11: plugins.one.library: "), lines[0])
        return lines[0]

    def patch(self, old, new):
        with open(self.library(), "rb") as file:
            data = file.read()
        self.assertIn(old, data)
        self.assertEqual(len(old), len(new))
        with open(self.library(), "wb") as file:
            file.write(data.replace(old, new))

    def test_world_writable_file(self):
        os.chmod(self.library(), 0o757)
        self.assertIn("anybody may write to it; run: chmod o-w", self.refused())

    def test_world_writable_directory(self):
        os.chmod(self.plugins, 0o777)
        self.assertIn("its directory is world-writable", self.refused())
        os.chmod(self.plugins, 0o777 | stat.S_ISVTX)
        done = self.run_kernel("--config", self.config(ONE), "--check")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_symbolic_link(self):
        os.rename(self.library(), os.path.join(self.plugins, "real.so"))
        os.symlink("real.so", self.library())
        self.assertIn("is a symbolic link", self.refused())

    def test_not_a_library(self):
        with open(self.library(), "wb") as file:
            file.write(b"#!/bin/sh\n")
        self.assertIn("not an ELF file", self.refused())

    def test_cut_off_library(self):
        with open(self.library(), "r+b") as file:
            file.truncate(os.path.getsize(self.library()) // 2)
        self.assertIn("malformed ELF file", self.refused())

    def test_other_abi_names_both_sides(self):
        fingerprint = self.run_kernel("--version").stdout.split("fingerprint ")[1].strip()
        ours = re.search(r"abi=\d+\.\d+", fingerprint).group()
        theirs = ours[:-1] + "9"
        self.patch(b"," + ours.encode() + b",", b"," + theirs.encode() + b",")
        line = self.refused()
        self.assertIn(f"plugin ABI is {theirs}, this kernel's is {ours}", line)
        self.assertIn("plugin built with", line)

    def test_other_interface_version_names_both_sides(self):
        # Same length: the manifest's own text is changed into one of the contract's interfaces.
        self.patch(b'"description": "Provides test.source"', b'"description": "x"' + b" " * 19)
        self.patch(b'["test.source/0.1"],\n  "requires": []', b'["nexadb.database/7.1"],"requires":[]')
        self.assertIn(
            "built for nexadb.database/7.1, this kernel speaks nexadb.database/0.1", self.refused()
        )


class Life(KernelTest):
    def test_term_drains_frontends_first_and_exits_0(self):
        process = self.start(SINK + ONE)
        up = self.read_until(process, "is running: one, sink")
        self.assertLess(up.index("[one] probe: start"), up.index("[sink] probe: start"))
        self.assertIn("[sink] probe: source is one", up)
        process.send_signal(signal.SIGTERM)
        down = process.stderr.read()
        self.assertEqual(process.wait(TIMEOUT_S), 0)
        steps = re.findall(r"\[(one|sink)\] probe: (\w+)", down)
        self.assertEqual(
            steps,
            [(who, what) for what in ("drain", "stop", "release") for who in ("sink", "one")],
        )

    def test_a_second_signal_ends_at_once(self):
        process = self.start(ONE, "--set", "plugins.one.config.fail_in=drain")
        self.read_until(process, "is running")
        process.send_signal(signal.SIGINT)
        self.read_until(process, "probe: drain")
        process.send_signal(signal.SIGTERM)
        self.assertIn("second signal", process.stderr.read())
        self.assertEqual(process.wait(TIMEOUT_S), 1)

    def test_a_drain_that_never_returns_does_not_hold_the_kernel(self):
        process = self.start(
            SINK + ONE, "--set", "plugins.sink.config.fail_in=drain", "--set", "kernel.drain_ms=50"
        )
        self.read_until(process, "is running")
        process.send_signal(signal.SIGTERM)
        down = process.stderr.read()
        self.assertEqual(process.wait(TIMEOUT_S), 1)
        self.assertIn('instance "sink" (test.probe-sink) has not come back from Drain', down)
        # What it uses is drained and stopped as ever, and nothing is pulled from under its feet.
        self.assertEqual(
            re.findall(r"\[(one|sink)\] probe: (\w+)", down),
            [("sink", "drain"), ("one", "drain"), ("sink", "stop"), ("one", "stop")],
        )

    def test_a_signal_while_starting_leaves_nothing_running(self):
        done = self.run_kernel(
            "--config", self.config(ONE + SINK), "--set", "plugins.one.config.fail_in=signal"
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        steps = re.findall(r"\[(one|sink)\] probe: (\w+)", done.stderr)
        self.assertEqual(steps[-2:], [("sink", "release"), ("one", "release")])
        started = [who for who, what in steps if what == "start"]
        self.assertEqual([who for who, what in steps if what == "stop"], started[::-1])

    def failed(self, stage, *arguments):
        done = self.run_kernel("--config", self.config(ONE + SINK), *arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(
            done.stderr.splitlines()[-1],
            rf'^nexadb-kernel: instance "\w+" \(test.probe-\w+ 0.1.0\) failed in {stage}: ',
        )
        return done.stderr, re.findall(r"\[(one|sink)\] probe: (\w+)", done.stderr)

    def test_a_failed_start_is_undone_in_reverse(self):
        text, steps = self.failed("Start", "--set", "plugins.sink.config.fail_in=start")
        self.assertIn("an exception that is not a std::exception", text)
        self.assertEqual(
            steps,
            [("one", "configure"), ("sink", "configure"), ("one", "start"), ("sink", "start")]
            + [("one", "drain"), ("sink", "stop"), ("one", "stop")]
            + [("sink", "release"), ("one", "release")],
        )

    def test_a_failed_configure_starts_nothing(self):
        text, steps = self.failed("Configure", "--set", "plugins.sink.config.fail_in=configure")
        self.assertIn("asked to fail", text)
        self.assertNotIn("start", [what for _, what in steps])
        self.assertEqual(steps[-2:], [("sink", "release"), ("one", "release")])

    def test_what_a_manifest_promises_must_be_provided(self):
        text, _ = self.failed("Configure", "--set", "plugins.one.config.fail_in=provide")
        self.assertIn("promises test.source/0.1, which it did not provide", text)

    def test_two_kernels_do_not_share_a_data_directory(self):
        process = self.start(ONE)
        self.read_until(process, "is running")
        second = self.run_kernel("--config", self.config(ONE))
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"is in use by another kernel (pid {process.pid})", second.stderr)
        process.send_signal(signal.SIGKILL)
        process.wait(TIMEOUT_S)
        # The system has dropped the dead one's lock.
        third = self.start(ONE)
        self.read_until(third, "is running")

    @unittest.skipIf(SANITIZED, "the sanitizer reports crashes itself")
    def test_a_crash_names_the_plugin(self):
        done = self.run_kernel(
            "--config", self.config(ONE + SINK), "--set", "plugins.sink.config.fail_in=crash"
        )
        self.assertEqual(done.returncode, -signal.SIGSEGV)
        self.assertRegex(
            done.stderr,
            r"innermost plugin on the stack: sink \(test.probe-sink 0.1.0, linux-\S+",
        )

    def test_log_format_json(self):
        import json

        process = self.start(ONE, "--set", "kernel.log_format=json")
        for line in process.stderr:
            record = json.loads(line)
            if "is running" in record["message"]:
                break
        self.assertEqual((record["instance"], record["level"]), ("kernel", "info"))


if __name__ == "__main__":
    unittest.main()
