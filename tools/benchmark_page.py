"""docs/benchmarks/messages.md: each command writes a section of its own and leaves the others as they are."""

import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "benchmarks"
PAGE = FOLDER / "messages.md"
TITLE = "# Messages beside those of other runtimes\n"
# In the order of the page.
SECTIONS = ["speed", "compile"]


def write_section(name, text):
    """Puts `text` in the place of the section."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    page = PAGE.read_text() if PAGE.exists() else TITLE
    sections = {other: section(page, other) for other in SECTIONS}
    sections[name] = f"<!-- {name} -->\n{text.strip()}\n<!-- end of {name} -->\n"
    PAGE.write_text("\n".join([TITLE, *filter(None, sections.values())]))


def section(page, name):
    found = re.search(rf"<!-- {name} -->\n.*<!-- end of {name} -->\n", page, re.DOTALL)
    return found.group(0) if found else None


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def machine():
    """The processor, and how many of it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    threads = sum(line.startswith("processor") for line in lines)
    return f"{names[0] if names else platform.machine()}, {threads} threads, {platform.system()} {platform.release()}"


def rustc():
    return output("rustc", "--version", cwd=ROOT).strip()


def commit():
    """The commit that was measured, and whether anything but the page differs from it."""
    name = output("git", "rev-parse", "--short", "HEAD", cwd=ROOT).strip()
    changed = output("git", "status", "--porcelain", "--", ".", ":!docs", cwd=ROOT).strip()
    return f"{name} and changes not committed" if changed else name


def command(target):
    """How make brings about what this script was started for."""
    given = [argument for argument in sys.argv[1:] if argument != "--quick"]
    return f"make {target}" + (f' BENCH_ARGUMENTS="{shlex.join(given)}"' if given else "")


def load():
    """How many programs wanted a processor in the last minute."""
    return float(Path("/proc/loadavg").read_text().split()[0])
