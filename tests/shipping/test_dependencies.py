"""What the program is made of."""

import re
import unittest

from support import MANIFEST, ROOT, resolved

CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
# Each with a dash and the reason, in the list under this heading.
HEADING = "## What it depends on, and why"


def direct():
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    tables = [MANIFEST, *MANIFEST.get("target", {}).values()]
    return {name for table in tables for kind in kinds for name in table.get(kind, {})}


def number(version):
    parts = (version.split(".") + ["0", "0"])[:3]
    return tuple(int(part) for part in parts)


class Dependencies(unittest.TestCase):
    def test_each_has_its_reason_and_no_other_has_one(self):
        section = CONTRIBUTING.split(f"\n{HEADING}\n")[1].split("\n## ")[0]
        given = re.findall(r"^- `([\w-]+)`: .{10,}$", section, re.MULTILINE)
        self.assertEqual(sorted(given), sorted(direct()))

    def test_each_duplicate_is_explained(self):
        skipped = re.findall(r'crate = "([\w-]+)@([\d.]+)", reason = "(.+)"', (ROOT / ".github/deny.toml").read_text())
        self.assertGreater(len(skipped), 0)
        section = CONTRIBUTING.split("\n## Two versions of a crate\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| `([\w-]+)` ([\d.]+) \|", section, re.MULTILINE)
        self.assertEqual(rows, [(name, version) for name, version, _ in skipped])

    def test_none_needs_a_newer_compiler_than_we_promise(self):
        ours = number(MANIFEST["package"]["rust-version"])
        packages = resolved()
        newer = {
            package["name"]: package["rust_version"]
            for package in packages
            if package["rust_version"] and number(package["rust_version"]) > ours
        }
        self.assertEqual(newer, {})
        self.assertGreater(sum(package["rust_version"] is not None for package in packages), 100)
