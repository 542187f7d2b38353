#!/usr/bin/env python3
"""The manual pages and the completion against the programs: what --help says, they say, and no more."""
import gzip
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from kernel import BUILD, KERNEL, ROOT, Kernel

CLI = BUILD / "bin" / "nexadb"
WRITER = ROOT / "packaging" / "manual.py"


def output(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout


def spelled(page):
    """A page's source as its reader sees words."""
    return page.replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")


def commands():
    """Every command of nexadb that does something, as words, found by asking for help."""
    def below(*path):
        listed = re.findall(r"(?m)^  ([a-z]\w*) ", output(CLI, *path, "--help").partition("Subcommands:\n")[2]
                            .partition("\n\n")[0] + " ")
        for name in listed:
            children = list(below(*path, name))
            yield from children or [(*path, name)]
    return list(below())


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = {"nexadb.1": output(CLI, "manual"),
                     "nexadb-kernel.1": cls.written("kernel", KERNEL),
                     "nexadb.toml.5": cls.written("config", ROOT)}

    @staticmethod
    def written(kind, *arguments):
        return output(sys.executable, WRITER, kind, "/dev/stdout", *arguments)

    def test_the_pages_are_clean_for_man(self):
        for name, page in self.pages.items():
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"], input=page,
                                  capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)

    def test_every_flag_of_the_kernel_and_no_other_is_in_its_page(self):
        flags = set(re.findall(r"(?m)^  (--[\w-]+)", output(KERNEL, "--help")))
        self.assertGreater(len(flags), 8)
        page = spelled(self.pages["nexadb-kernel.1"])
        self.assertEqual(set(re.findall(r"(?m)^\.B (--[\w-]+)", page)), flags)

    def test_every_command_and_option_is_in_the_page_and_no_other(self):
        page = spelled(self.pages["nexadb.1"])
        sections = dict(re.findall(r'(?ms)^\.SS "([a-z ]+?)(?: [^"a-z][^"]*| \w+[^"]*)?"\n(.*?)(?=^\.S)', page))
        titles = re.findall(r'(?m)^\.SS "(.*)"$', page)
        found = commands()
        self.assertGreater(len(found), 15)
        self.assertEqual(len(titles), len(found))
        self.assertTrue(sections)
        for command in found:
            words = " ".join(command)
            title = [t for t in titles if t == words or t.startswith(words + " ")]
            self.assertEqual(len(title), 1, words)
            body = page.partition(f'.SS "{title[0]}"\n')[2].partition("\n.S")[0]
            options = set(re.findall(r"(?m)^  (--[\w-]+)", output(CLI, *command, "--help")))
            self.assertEqual(set(re.findall(r"(?m)^\.B (--[\w-]+)", body)), options, words)

    def test_every_option_of_every_plugin_is_in_the_page_with_its_default(self):
        page = spelled(self.pages["nexadb.toml.5"])
        self.assertIn("Default 10000.", page.partition(".B drain_ms")[2][:20])
        seen = 0
        for path in (ROOT / "plugins").glob("*/plugin.json"):
            manifest = json.loads(path.read_text(encoding="utf-8"))
            section = page.partition(f'.SH "{path.parent.name.upper()}"\n')[2].partition("\n.SH")[0]
            self.assertTrue(section, path.parent.name)
            for name, option in manifest.get("config_schema", {}).get("properties", {}).items():
                if "properties" in option:
                    continue
                seen += 1
                own = section.partition(f"\n.B {name}\n")[2].partition("\n.TP")[0]
                self.assertIn(option.get("description", name).lstrip(), own, (path.parent.name, name))
                if "default" in option:
                    self.assertIn("default " + json.dumps(option["default"]), own)
        self.assertGreater(seen, 30)

    def test_what_the_build_installs_is_what_the_programs_say(self):
        for name, page in self.pages.items():
            built = BUILD / "share" / "man" / f"man{name[-1]}" / f"{name}.gz"
            self.assertEqual(gzip.decompress(built.read_bytes()).decode(), page, name)
        for shell, place in (("bash", "bash-completion/completions/nexadb"),
                             ("zsh", "zsh/vendor-completions/_nexadb"),
                             ("fish", "fish/vendor_completions.d/nexadb.fish")):
            built = BUILD / "share" / place
            self.assertEqual(built.read_text(encoding="utf-8"), output(CLI, "completion", shell), shell)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)
        for name in ("users", "user_logs"):
            cls.kernel.http("POST", f"/collections/{name}", {"a": 1})
        (cls.kernel.directory / "two words.ndjson").touch()
        cls.environment = {**os.environ, "NEXADB_URL": f"http://127.0.0.1:{cls.kernel.port}",
                           "NEXADB_API_KEY": cls.kernel.root_key}

    def complete(self, *words):
        """What Tab offers for the last of `words`."""
        script = (f"source <({CLI} completion bash)\nCOMP_WORDS=(\"$@\")\nCOMP_CWORD=$(($# - 1))\n"
                  '_nexadb\nprintf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", str(CLI), *words], capture_output=True, text=True,
                              env=self.environment, cwd=self.kernel.directory, timeout=60, check=True)
        self.assertEqual(done.stderr, "")
        return sorted(done.stdout.split("\n")[:-1]) if done.stdout != "\n" else []

    def test_every_command_is_offered(self):
        offered = self.complete("")
        self.assertEqual(set(offered), {command[0] for command in commands()})
        self.assertEqual(self.complete("fi"), ["find"])
        self.assertEqual(self.complete("keys", ""), ["change", "create", "list", "revoke"])

    def test_options_are_those_of_the_command(self):
        self.assertEqual(self.complete("find", "users", "--"),
                         ["--fields", "--help", "--limit", "--skip", "--sort"])
        self.assertEqual(self.complete("keys", "create", "x", "--a"), ["--actions"])
        self.assertIn("--api-key-file", self.complete("--"))

    def test_what_follows_an_option_is_its_value(self):
        self.assertEqual(self.complete("import", "users", "--format", ""), ["auto", "csv", "json", "ndjson"])
        self.assertEqual(self.complete("find", "users", "--sort", ""), [])
        self.assertEqual(self.complete("--api-key-file", "ne"), ["nexadb.toml"])

    def test_collections_come_from_the_server_and_files_from_the_folder(self):
        self.assertEqual(self.complete("find", "us"), ["user_logs", "users"])
        self.assertEqual(self.complete("--url", self.environment["NEXADB_URL"], "drop", "users"), ["users"])
        self.assertEqual(self.complete("import", "users", "two"), ["two words.ndjson"])
        self.assertEqual(self.complete("find", "users", ""), [])


class ZshCompletion(Completion):
    def complete(self, *words):
        """compadd and _files are zsh's within a completion alone: here they print, as it would offer."""
        script = ('compdef() {}; compadd() { shift; for o in "$@"; [[ $o == "$typed"* ]] && print -r -- "$o" }\n'
                  '_files() { for o in *(N); [[ $o == "$typed"* ]] && print -r -- "$o" }\n'
                  f'source <({CLI} completion zsh)\nwords=("$@"); CURRENT=$#; typed=${{@[-1]}}; _nexadb; true')
        return self.offered(["zsh", "-fc", script, "zsh", str(CLI), *words])

    def offered(self, command):
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment,
                              cwd=self.kernel.directory, timeout=60, check=True)
        self.assertEqual(done.stderr, "")
        return sorted(done.stdout.splitlines())


class FishCompletion(ZshCompletion):
    def complete(self, *words):
        line = " ".join([f"{CLI.parent}/nexadb", *words])
        script = f"{CLI} completion fish | source; complete -C '{line}'"
        return [offer.split("\t")[0] for offer in self.offered(["fish", "--no-config", "-c", script])]


if __name__ == "__main__":
    unittest.main()
