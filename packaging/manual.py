#!/usr/bin/env python3
"""Writes the pages of the package, each from the one place that knows: no page can drift.

    manual.py page OUT COMMAND...       what COMMAND prints, for instance nexadb(1)
    manual.py kernel OUT KERNEL         nexadb-kernel(1), from KERNEL --help
    manual.py config OUT SOURCE         nexadb.toml(5), from each plugin.json and config/nexadb.toml
    manual.py changelog OUT SOURCE      Debian's changelog, from CHANGELOG.md
OUT is compressed when it ends in .gz, without name and time, so that equal pages are equal files.
"""
import gzip
import json
import os
import re
import subprocess
import sys
import textwrap
from email.utils import formatdate
from pathlib import Path

MAINTAINER = "NexaDB authors <maintainers@users.noreply.github.com>"


def roff(text):
    """Text as roff prints it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def head(name, section, version, brief):
    return (f'.TH {name.upper()} {section} "" "NexaDB {version}" "NexaDB"\n'
            f".SH NAME\n{roff(name)} \\- {roff(brief)}\n")


def version_of(source):
    text = (source / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(nexadb VERSION (\S+)", text).group(1)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def kernel_page(kernel):
    version = output_of(kernel, "--version").split()[1]
    help_text = output_of(kernel, "--help")
    flags = re.split(r"(?m)^(?=  --)", help_text.split("Flags:\n", 1)[1].split("\n\n", 1)[0])
    page = head("nexadb-kernel", 1, version, "runs the NexaDB database")
    page += ".SH SYNOPSIS\n.B nexadb\\-kernel \\-\\-config\n.I FILE\n[flags]\n"
    page += ".SH DESCRIPTION\n" + roff(" ".join(help_text.split("\n\n")[1].split())) + "\n"
    page += ".SH FLAGS\n"
    for flag in filter(str.strip, flags):
        name, text = re.match(r"  (--\S+(?: \S+)?)\s+(.*)", flag, re.S).groups()
        page += f".TP\n.B {roff(name)}\n{roff(' '.join(text.split()))}\n"
    precedence, status = help_text.rstrip().rsplit("\n\n", 1)[1].split("Exit status:", 1)
    page += ".SH ENVIRONMENT\n" + roff(" ".join(precedence.split())) + "\n.PP\n"
    page += roff("NOTIFY_SOCKET: where a service manager wants to hear of READY=1, RELOADING=1 and "
                 "STOPPING=1 (sd_notify(3)).") + "\n"
    page += ".SH SIGNALS\n"
    for name, text in (("SIGTERM, SIGINT", "Finish the requests that run, flush, and end; a second one ends at once."),
                       ("SIGHUP", "Read the configuration and the libraries again, and replace what has changed and "
                                  "can be replaced while it runs.")):
        page += f".TP\n.B {name}\n{text}\n"
    page += '.SH "EXIT STATUS"\n'
    for row in re.split(r", (?=\d )", " ".join(status.split()).rstrip(".")):
        number, text = row.split(" ", 1)
        page += f".TP\n.B {number}\n{roff(text)}\n"
    return page + ".SH SEE ALSO\n.BR nexadb (1),\n.BR nexadb.toml (5),\n.BR systemctl (1)\n"


def options_of(schema, prefix=""):
    """(dotted name, schema) of every option of a table, nested ones too."""
    for name, option in schema.get("properties", {}).items():
        if option.get("type") == "object" and "properties" in option:
            yield from options_of(option, f"{prefix}{name}.")
        else:
            yield prefix + name, option


def shape(option):
    """Type, bounds and default of an option, in words."""
    words = " | ".join(json.dumps(c) for c in option["enum"]) if "enum" in option else \
        option.get("format") or option.get("type", "any")
    if "minimum" in option or "maximum" in option:
        words += f", {option.get('minimum', '')} to {option.get('maximum', '')}".rstrip()
    if "default" in option:
        words += ", default " + json.dumps(option["default"])
    return words


def config_page(source):
    text = (source / "config" / "nexadb.toml").read_text(encoding="utf-8")
    page = head("nexadb.toml", 5, version_of(source), "configuration of nexadb-kernel")
    page += ".SH DESCRIPTION\n"
    page += roff("A TOML file. The table [kernel] tells the kernel about itself; each table [plugins.NAME] is an "
                 "instance: a name of your choice, the library it comes from, and its options in "
                 "[plugins.NAME.config]. Sizes are text with a unit (\"64MiB\"), durations too (\"100ms\"). A flag "
                 "(--set plugins.NAME.config.OPTION=VALUE) goes before the environment (NEXADB_NAME_OPTION), which "
                 "goes before the file. nexadb-kernel --check tells every mistake, --print-config what is in "
                 "force.") + "\n"
    page += ".SH KERNEL\n"
    kernel = text.split("[kernel]\n", 1)[1].split("\n\n", 1)[0]
    for name, default, comment in re.findall(r"(?m)^(\w+) = (.*?)\s+# (.*)$", kernel):
        page += f".TP\n.B {name}\n{roff(f'Default {default}. {comment}')}\n"
    page += ".SH INSTANCES\n"
    for name, comment in (("library", "The plugin's library, looked up in plugin_path."),
                          ("enabled", "false leaves the instance out. Default true."),
                          ("use", "Which instance fills which slot, needed only where more than one fits: "
                                  "use = { router = \"http\" }.")):
        page += f".TP\n.B {name}\n{roff(comment)}\n"
    for path in sorted((source / "plugins").glob("*/plugin.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        page += f'.SH "{path.parent.name.upper()}"\n{roff(manifest["description"])}\n'
        for name, option in options_of(manifest.get("config_schema", {})):
            page += f".TP\n.B {roff(name)}\n({roff(shape(option))})\n.br\n{roff(option.get('description', ''))}\n"
    return page + (".SH FILES\n.TP\n.I /etc/nexadb/nexadb.toml\nThe file that the service reads.\n"
                   ".SH SEE ALSO\n.BR nexadb\\-kernel (1)\n")


def changelog(source):
    version, state, text = re.search(r"(?ms)^## (\S+), (\S+)$(.*?)(?=^## |\Z)",
                                     (source / "CHANGELOG.md").read_text(encoding="utf-8")).groups()
    dated = re.fullmatch(r"\d{4}-\d\d-\d\d", state)
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", (source / "CHANGELOG.md").stat().st_mtime))
    lines = [f"nexadb ({version}) {'stable' if dated else 'unstable'}; urgency=medium", ""]
    for item in re.split(r"(?m)^- ", text)[1:]:
        lines += textwrap.wrap(" ".join(item.split()), 78, initial_indent="  * ", subsequent_indent="    ")
    return "\n".join([*lines, "", f" -- {MAINTAINER}  {formatdate(moment)}", ""])


def main():
    kind, out, *rest = sys.argv[1:]
    text = {"page": lambda: output_of(*rest), "kernel": lambda: kernel_page(rest[0]),
            "config": lambda: config_page(Path(rest[0])), "changelog": lambda: changelog(Path(rest[0]))}[kind]()
    data = text.encode()
    if out.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_bytes(data)


if __name__ == "__main__":
    main()
