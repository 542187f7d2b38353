"""config/nexadb.toml tells the truth: it names every option of every plugin in the tree, with its
default and a comment, and the kernel accepts it and the examples.

Usage: config_test.py BUILD_DIR [unittest arguments].
"""

import glob
import json
import os
import re
import subprocess
import sys
import tomllib
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNEL = os.path.join(BUILD, "bin", "nexadb-kernel")
MAIN = os.path.join(SOURCE, "config", "nexadb.toml")
# A build of a few plugins cannot check a configuration of all.
PARTIAL = os.environ.get("NEXADB_ONLY", "") != ""
# Instances show these with a value of their own: two servers cannot share a port.
OWN_VALUE = {"listen"}


def main_text():
    with open(MAIN, encoding="utf-8") as file:
        return file.read()


def uncommented(text):
    """The file with its commented-out tables and options made live."""
    return re.sub(r"^# (?=\[[\w.]+\]|\w+ = )", "", text, flags=re.M)


def manifests():
    found = {}
    for path in glob.glob(os.path.join(SOURCE, "plugins", "*", "plugin.json")):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(os.path.dirname(path))] = json.load(file)
    return found


def defaults(schema):
    """The options of a table with their defaults, nested tables within."""
    out = {}
    for name, option in schema.get("properties", {}).items():
        nested = option.get("type") == "object" and "properties" in option
        out[name] = defaults(option) if nested else option.get("default")
    return out


class MainConfiguration(unittest.TestCase):
    def test_every_option_of_every_plugin_is_there_with_its_default(self):
        instances = tomllib.loads(uncommented(main_text()))["plugins"]
        for library, manifest in sorted(manifests().items()):
            expected = defaults(manifest.get("config_schema", {}))
            if not expected:
                continue
            shown = [i.get("config", {}) for i in instances.values() if i["library"] == library]
            with self.subTest(library=library):
                self.assertTrue(shown, f"no instance of {library}, live or commented out")
                fullest = max(shown, key=len)
                self.assertEqual(set(fullest), set(expected))
                for name, default in expected.items():
                    if name not in OWN_VALUE and default is not None:
                        self.assertEqual(fullest[name], default, f"{library}: {name}")

    def test_every_kernel_option_is_there_with_its_default(self):
        shown = tomllib.loads(main_text())["kernel"]
        example = os.path.join(SOURCE, "tests", "kernel", "defaults.toml")
        text = subprocess.run(
            [KERNEL, "--config", example, "--print-config",
             "--set", f"kernel.plugin_path=[{json.dumps(BUILD + '/tests/plugins')}]"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        actual = tomllib.loads(text)["kernel"]
        actual["plugin_path"] = ["../lib/nexadb/plugins"]
        self.assertEqual(shown, actual)

    def test_every_option_has_a_comment(self):
        lines = main_text().splitlines()
        for i, line in enumerate(lines):
            if not re.match(r"(# )?\w+ = ", line) or re.match(r"(# )?(library|use) = ", line):
                continue
            beside = "  # " in line
            above = lines[i - 1].startswith("# ") and not re.match(r"# \[?\w+[\].]? ?=", lines[i - 1])
            self.assertTrue(beside or above, f"line {i + 1} has no comment: {line}")

    def test_what_tools_replace_stands_on_one_line_each(self):
        text = main_text()
        self.assertEqual(len(re.findall(r'^plugin_path = \["[^\n]*"\]', text, re.M)), 1)
        self.assertEqual(len(re.findall(r'^data_dir = "[^\n"]*"', text, re.M)), 1)
        listens = re.findall(r"^(?:# )?listen = \[(.*)\]", text, re.M)
        self.assertEqual(
            listens, ['"127.0.0.1:6969", "[::1]:6969"', '"127.0.0.1:9999", "[::1]:9999"']
        )

    @unittest.skipIf(PARTIAL, "not all plugins are built")
    def test_the_kernel_accepts_it_and_the_examples(self):
        paths = [MAIN, *sorted(glob.glob(os.path.join(SOURCE, "config", "examples", "*.toml")))]
        self.assertGreater(len(paths), 1)
        for path in paths:
            with self.subTest(path=path):
                done = subprocess.run(
                    [KERNEL, "--config", path, "--check"], capture_output=True, text=True
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
