"""The workflows of GitHub, which nothing here can run."""

import pathlib
import re
import tempfile
import unittest

from support import MANIFEST, MANIFESTS, ROOT, VENV, attempt, package

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

GOOD = f"""name: try
on: push
permissions:
  contents: read
concurrency:
  group: try
  cancel-in-progress: true
jobs:
  try:
    runs-on: ubuntu-24.04
    timeout-minutes: 1
    env:
      PLACE: here
    steps:
      - uses: somebody/action@{"0123456789" * 4} # v1.0.0
      - run: echo "$NAME"
        env:
          NAME: ${{{{ env.PLACE }}}}
"""


def lint(*files):
    return attempt(VENV / "jactionlint", "--shellcheck=shellcheck", "--no-online", *files)


class Workflows(unittest.TestCase):
    def test_the_linter_has_nothing_to_say(self):
        linted = lint()
        self.assertEqual((linted.returncode, linted.stdout, linted.stderr), (0, "", ""))

    def test_the_linter_sees_what_is_wrong(self):
        mistakes = {
            "undefined-property": ("env.PLACE", "envy.PLACE"),
            "shellcheck": ('"$NAME"', "$NAME"),
            "unpinned-uses": ("@" + "0123456789" * 4, "@v1"),
            "unknown-runner-label": ("ubuntu-24.04", "ubuntu-24.05"),
        }
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "try.yml")
            file.write_text(GOOD)
            self.assertEqual(lint(file).stdout, "")
            for rule, (good, bad) in mistakes.items():
                with self.subTest(rule):
                    file.write_text(GOOD.replace(good, bad))
                    self.assertIn(f"[{rule}]", lint(file).stdout)

    def test_each_action_is_pinned_and_says_its_version(self):
        used = 0
        for workflow in WORKFLOWS:
            for line in workflow.read_text().splitlines():
                if match := re.search(r"\buses:\s*(.*)", line):
                    used += 1
                    if match[1] != "./.github/workflows/ci.yml":
                        self.assertRegex(match[1], r"^[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", workflow.name)
        self.assertGreater(used, 10)

    def test_an_action_has_one_version(self):
        pins = {}
        for workflow in WORKFLOWS:
            for name, pin in re.findall(r"uses: ([\w/-]+)@(.*)", workflow.read_text()):
                pins.setdefault(name, set()).add(pin)
        self.assertEqual([name for name, of in pins.items() if len(of) != 1], [])

    def test_all_take_the_compiler_of_the_releases(self):
        taken = {match for workflow in WORKFLOWS for match in re.findall(r"RUSTUP_TOOLCHAIN: (.*)", workflow.read_text())}
        self.assertEqual(len(taken), 1, taken)
        self.assertEqual([workflow.name for workflow in WORKFLOWS if "\n  RUSTUP_TOOLCHAIN:" not in workflow.read_text()], [])

    def test_who_may_write(self):
        may = {}
        grants = 0
        for workflow in WORKFLOWS:
            text = workflow.read_text()
            self.assertIn("\npermissions:\n  contents: read\n\n", text, workflow.name)
            jobs = re.split(r"^  (\w+):$", text.split("\njobs:\n")[1], flags=re.MULTILINE)
            for name, job in zip(jobs[1::2], jobs[2::2]):
                if writes := re.findall(r"^      ([\w-]+): write\b", job, re.MULTILINE):
                    may[f"{workflow.stem}: {name}"] = sorted(writes)
            grants += len(re.findall(r"^ *[\w-]+: write(?: #.*)?$", text, re.MULTILINE))
        self.assertEqual(
            may,
            {
                "release: attest": ["attestations", "id-token"],
                "release: release": ["contents"],
                "release: crate": ["id-token"],
            },
        )
        self.assertEqual(grants, 4, "somewhere else than in a job")

    def test_what_is_built_is_what_is_released(self):
        assets = package("assets").split()
        version = MANIFEST["package"]["version"]
        for workflow in WORKFLOWS:
            built = set(re.findall(r"\{ target: ([\w-]+), os: [\w.-]+ \}", workflow.read_text()))
            archives = {asset for asset in assets if asset.endswith((".tar.gz", ".zip")) and asset != MANIFESTS}
            suffix = {target: "zip" if "windows" in target else "tar.gz" for target in built}
            named = {f"mfa-creds-{version}-{target}.{suffix[target]}" for target in built}
            self.assertEqual(named, archives, workflow.name)

    def test_a_tag_is_that_of_the_version(self):
        version = MANIFEST["package"]["version"]
        package("tag", f"v{version}")
        for other in [version, f"v{version}1", "v", "main"]:
            self.assertNotEqual(attempt(ROOT / ".github" / "package", "tag", other).returncode, 0, other)
