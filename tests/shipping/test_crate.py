"""What goes to crates.io, and what a build from it says of itself."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import ROOT, TARGET_DIRECTORY, VERSION, attempt, run

HASH = "0123456789abcdef0123456789abcdef01234567"
VERSION_OF = "cargo::rustc-env=MFA_CREDS_VERSION="
WATCHED = "cargo::rerun-if-changed="


class Crate(unittest.TestCase):
    def test_only_the_sources_are_in_it(self):
        listed = run("cargo", "package", "--list", "--locked", "--package", "mfa-creds", *dirty()).split()
        sources = run("git", "ls-files", "src").split()
        beside = ["Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "LICENSE", "README.md"]
        if not dirty():
            beside.append(".cargo_vcs_info.json")
        self.assertEqual(sorted(listed), sorted([*beside, *sources]))

    def test_the_guides_name_no_other_version(self):
        guides = "".join(guide.read_text() for guide in [ROOT / "README.md", *(ROOT / "src/guide").iterdir()])
        named = re.findall(r"(?:mfa-creds[-_]|/v|VERSION: )(\d[\w.-]*?\d)(?=[-_/\s])", guides)
        self.assertGreater(len(named), 2)
        self.assertEqual(set(named), {VERSION})

    def test_crates_io_would_take_it_and_it_builds_alone(self):
        run("cargo", "publish", "--dry-run", "--locked", "--package", "mfa-creds", *dirty())
        crate = TARGET_DIRECTORY / "package" / f"mfa-creds-{VERSION}"
        self.assertNotIn('path = "tests', (crate / "Cargo.toml").read_text())
        told = json.loads((crate / ".cargo_vcs_info.json").read_text())
        self.assertEqual(told["git"]["sha1"], run("git", "rev-parse", "HEAD").strip())


def dirty():
    """Whoever works on it may try it before a commit. What CI has is committed."""
    if os.environ.get("CI") or not run("git", "status", "--porcelain").strip():
        return []
    return ["--allow-dirty"]


class Version(unittest.TestCase):
    """The part of the build script that finds the version, in the places where a build may happen."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.program = pathlib.Path(cls.directory.name, "build")
        main = pathlib.Path(cls.directory.name, "main.rs")
        module = json.dumps(str(ROOT / "src" / "build" / "commit.rs"))
        main.write_text(f"#[path = {module}] mod commit; fn main() {{ commit::set_version(); }}")
        run("rustc", "--edition", "2024", "-o", cls.program, main)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def setUp(self):
        self.place = pathlib.Path(self.directory.name, self.id())
        self.place.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.directory.name,
            "CARGO_PKG_VERSION": "1.2.3",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        for role in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{role}_NAME"] = "Nobody"
            self.environment[f"GIT_{role}_EMAIL"] = "nobody@example.org"
        self.environment["GIT_AUTHOR_DATE"] = "2001-01-01T00:00:00Z"
        self.environment["GIT_COMMITTER_DATE"] = "2002-02-02T23:00:00Z"

    def git(self, *arguments, at=None):
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=at or self.place, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def commit(self, *, at=None):
        self.git("commit", "--quiet", "--allow-empty", "--message", "x", at=at)
        return self.git("rev-parse", "HEAD", at=at)

    def repository(self, *flags):
        self.git("init", "--quiet", "--initial-branch=main", *flags)
        return self.commit()

    def build(self, place=None, **environment):
        """What the script says: the version, and the files whose change makes it run again."""
        place = place or self.place
        done = subprocess.run(
            [self.program],
            cwd=place,
            env={**self.environment, "CARGO_MANIFEST_DIR": str(place), **environment},
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        versions = [line.removeprefix(VERSION_OF) for line in lines if line.startswith(VERSION_OF)]
        watched = [line.removeprefix(WATCHED) for line in lines if line.startswith(WATCHED)]
        self.assertEqual(len(versions) + len(watched), len(lines), lines)
        self.assertEqual(len(versions), 1)
        for file in watched:
            # cargo runs it each time for one that is not there.
            self.assertTrue((place / file).exists(), file)
        return versions[0], watched

    def test_without_a_repository(self):
        self.assertEqual(self.build(), ("1.2.3", []))

    def test_in_a_clone(self):
        commit = self.repository()
        version, watched = self.build()
        self.assertEqual(version, f"1.2.3 ({commit[:9]} 2002-02-02)")
        self.assertEqual(watched, [".git/HEAD", ".git/refs/heads/main"])

    def test_before_the_first_commit(self):
        self.git("init", "--quiet")
        self.assertEqual(self.build()[0], "1.2.3")

    def test_in_a_shallow_clone(self):
        self.repository()
        commit = self.commit()
        other = self.place / "shallow"
        self.git("clone", "--quiet", "--depth=1", self.place.as_uri(), other)
        self.assertEqual(self.build(other)[0], f"1.2.3 ({commit[:9]} 2002-02-02)")

    def test_in_a_worktree(self):
        self.repository()
        tree = self.place / "tree"
        self.git("worktree", "add", "--quiet", tree)
        commit = self.commit(at=tree)
        version, watched = self.build(tree)
        self.assertEqual(version, f"1.2.3 ({commit[:9]} 2002-02-02)")
        git = self.place.resolve() / ".git"
        self.assertEqual(watched, [f"{git}/worktrees/tree/HEAD", f"{git}/refs/heads/tree"])

    def test_each_commit_is_noticed(self):
        kinds = ["loose", "packed", "detached"]
        # git 2.45 and newer.
        if attempt("git", "init", "--quiet", "--ref-format=reftable", self.place).returncode == 0:
            kinds.append("reftable")
        for kind in kinds:
            with self.subTest(kind):
                self.place = pathlib.Path(self.directory.name, kind)
                self.place.mkdir()
                self.repository(*(["--ref-format=reftable"] if kind == "reftable" else []))
                if kind == "packed":
                    self.git("pack-refs", "--all")
                if kind == "detached":
                    self.git("checkout", "--quiet", "--detach")
                version, watched = self.build()
                before = self.ages(watched)
                commit = self.commit()
                self.assertNotEqual(self.ages(watched), before)
                self.assertEqual(self.build()[0], f"1.2.3 ({commit[:9]} 2002-02-02)")

    def ages(self, watched):
        """As cargo looks: a directory with all that is in it."""
        ages = {}
        for name in watched:
            for file in [self.place / name, *(self.place / name).rglob("*")]:
                ages[file] = file.stat().st_mtime_ns
        return ages

    def test_another_repository_around_it_is_not_meant(self):
        self.repository()
        inner = self.place / "vendor"
        inner.mkdir()
        self.assertEqual(self.build(inner), ("1.2.3", []))
        (inner / ".git").mkdir()
        self.assertEqual(self.build(inner), ("1.2.3", []))

    def test_nor_that_of_a_hook(self):
        self.repository()
        inner = self.place / "inner"
        inner.mkdir()
        self.git("init", "--quiet", at=inner)
        self.environment["GIT_COMMITTER_DATE"] = "2003-03-03T00:00:00Z"
        commit = self.commit(at=inner)
        version, _ = self.build(inner, GIT_DIR=str(self.place / ".git"))
        self.assertEqual(version, f"1.2.3 ({commit[:9]} 2003-03-03)")

    def test_without_git(self):
        self.repository()
        self.assertEqual(self.build(PATH="/nonexistent"), ("1.2.3", []))

    def test_in_an_unpacked_crate(self):
        self.repository()
        inner = self.place / "vendor"
        inner.mkdir()
        told = {"git": {"sha1": HASH}, "path_in_vcs": ""}
        (inner / ".cargo_vcs_info.json").write_text(json.dumps(told, indent=2))
        self.assertEqual(self.build(inner), ("1.2.3 (012345678)", [".cargo_vcs_info.json"]))
        told["git"]["dirty"] = True
        (inner / ".cargo_vcs_info.json").write_text(json.dumps(told, indent=2))
        self.assertEqual(self.build(inner), ("1.2.3", [".cargo_vcs_info.json"]))
        (inner / ".cargo_vcs_info.json").write_text("nonsense")
        self.assertEqual(self.build(inner)[0], "1.2.3")

    def test_a_second_build_has_nothing_to_do(self):
        build = ("cargo", "build", "--locked", "--package", "mfa-creds")
        run(*build)
        again = attempt(*build, "--verbose")
        self.assertEqual(again.returncode, 0)
        self.assertRegex(again.stderr, r"Fresh mfa-creds ")
        self.assertNotIn("Running", again.stderr)
