"""The files of a release, made for this machine: the program, the archive, the package for Debian, the list of parts, and the
metadata that lead there."""

import json
import os
import pathlib
import re
import tarfile
import tempfile
import unittest
import zipfile

from support import ARCHIVE, BUILT, HOST, MANIFEST, MANIFESTS, PACKAGES, ROOT, VERSION, attempt, download, package, run, says_its_version

# Stripped and static. glibc alone is a megabyte of it here. A release has the smaller musl, and .github/package holds it to
# seven million bytes.
LARGEST_PROGRAM = 8_000_000 if "gnu" in HOST else 7_000_000

TOP = f"mfa-creds-{VERSION}-{HOST}"
COMMANDS = ["audit", "clear", "completions", "console", "device", "device-enroll", "device-list", "device-resync", "doctor", "exec",
            "export", "help", "keychain", "keychain-get", "keychain-move", "keychain-restore", "man", "plan", "policy", "rotate", "serve", "setup",
            "status"]
GUIDES = [guide.stem for guide in (ROOT / "src/guide").iterdir()]
PAGES = {"mfa-creds.1", *(f"mfa-creds-{command}.1" for command in COMMANDS), *(f"mfa-creds-{guide}.7" for guide in GUIDES)}
COMPLETIONS = {"mfa-creds.bash", "_mfa-creds", "mfa-creds.fish", "mfa-creds.ps1", "mfa-creds.elv"}


class Program(unittest.TestCase):
    def test_it_is_small(self):
        self.assertLess(BUILT.stat().st_size, LARGEST_PROGRAM)

    def test_it_needs_no_library(self):
        self.assertRegex(run("file", "--brief", BUILT), r"^ELF 64-bit .*\bstatic(ally|-pie) linked\b.*\bstripped$")
        self.assertIn("statically linked", run("ldd", BUILT))

    def test_it_says_its_version(self):
        says_its_version(self, BUILT)

    def test_it_does_not_say_where_it_was_built(self):
        program = BUILT.read_bytes()
        home = os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")
        for place in [ROOT, home, pathlib.Path.home() / ".rustup", BUILT.parent]:
            self.assertNotIn(f"{place}/".encode(), program)


class Archive(unittest.TestCase):
    def test_what_is_in_it(self):
        with tarfile.open(ARCHIVE) as archive:
            members = archive.getmembers()
        modes = {member.name: member.mode for member in members}
        files = {"README.md", "LICENSE", "mfa-creds"}
        files |= {f"man/{page}" for page in PAGES} | {f"completions/{file}" for file in COMPLETIONS}
        self.assertEqual(set(modes), {f"{TOP}/{file}" for file in files})
        self.assertEqual(modes.pop(f"{TOP}/mfa-creds"), 0o755)
        self.assertEqual(set(modes.values()), {0o644})
        age = int(run("git", "log", "-1", "--format=%ct"))
        self.assertEqual({(member.mtime, member.uid, member.gid, member.uname) for member in members}, {(age, 0, 0, "")})

    def test_it_runs_where_it_is_unpacked(self):
        with tempfile.TemporaryDirectory() as directory:
            run("tar", "xzf", ARCHIVE, "-C", directory)
            says_its_version(self, pathlib.Path(directory, TOP, "mfa-creds"))
            for page in PAGES:
                shown = run("man", "--local-file", pathlib.Path(directory, TOP, "man", page), MANWIDTH=80)
                self.assertIn("SYNOPSIS" if page.endswith(".1") else "DESCRIPTION", shown)

    def test_it_is_the_same_when_packed_again(self):
        before = ARCHIVE.read_bytes()
        package("archive", HOST)
        self.assertEqual(ARCHIVE.read_bytes(), before)

    def test_a_target_for_windows_is_a_zip_with_the_manual_as_text(self):
        with tempfile.TemporaryDirectory() as directory:
            target = "x86_64-pc-windows-msvc"
            release = pathlib.Path(directory, target, "release")
            release.mkdir(parents=True)
            (release / "mfa-creds.exe").write_bytes(b"MZ")
            # Stands for Wine, and for programs that end lines as Windows does.
            runner = pathlib.Path(directory, "runner")
            runner.write_text(f'#!/bin/sh\nshift\n"{BUILT}" "$@" | sed "s/\$/\\r/"\n')
            runner.chmod(0o755)
            environment = {"CARGO_TARGET_DIR": directory, "CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUNNER": runner, "COLUMNS": 200}
            package("pages", target, **environment)
            package("archive", target, **environment)
            with zipfile.ZipFile(pathlib.Path(directory, "packages", f"mfa-creds-{VERSION}-{target}.zip")) as packed:
                self.assertIsNone(packed.testzip())
                top = f"mfa-creds-{VERSION}-{target}"
                texts = {name.removeprefix(f"{top}/"): packed.read(name).decode() for name in packed.namelist()}
        manual = {f"manual/{page.rpartition('.')[0]}.txt" for page in PAGES}
        files = {"LICENSE", "README.md", "mfa-creds.exe", *manual, *(f"completions/{file}" for file in COMPLETIONS)}
        self.assertEqual(set(texts), files)
        for name in manual:
            self.assertNotRegex(texts[name], r"[\x00-\x09\x0b-\x1f]", name)
            guide = name.removeprefix("manual/mfa-creds-").removesuffix(".txt")
            self.assertRegex(texts[name], r"^[^\n]+\n===" if guide in GUIDES else r"(?m)^Usage: mfa-creds", name)
        self.assertEqual(texts["manual/mfa-creds-device-list.txt"], run(BUILT, "help", "device", "list", COLUMNS=80))
        self.assertIn("\nUsage: mfa-creds device list ", texts["manual/mfa-creds-device-list.txt"])
        self.assertEqual(texts["completions/mfa-creds.ps1"], run(BUILT, "completions", "powershell"))


class Debian(unittest.TestCase):
    PACKAGE = next(iter(PACKAGES.glob("*.deb")), None)
    FILES = {
        "/usr/bin/mfa-creds",
        *(f"/usr/share/man/man{page[-1]}/{page}.gz" for page in PAGES),
        "/usr/share/bash-completion/completions/mfa-creds",
        "/usr/share/zsh/vendor-completions/_mfa-creds",
        "/usr/share/fish/vendor_completions.d/mfa-creds.fish",
        "/usr/share/doc/mfa-creds/README.md",
        "/usr/share/doc/mfa-creds/copyright",
    }

    def test_what_it_says_of_itself(self):
        fields = run("dpkg-deb", "--field", self.PACKAGE)
        architecture = run("dpkg", "--print-architecture").strip()
        self.assertEqual(self.PACKAGE.name, f"mfa-creds_{VERSION}_{architecture}.deb")
        for field in ["Package: mfa-creds", f"Version: {VERSION.replace('-', '~')}", f"Architecture: {architecture}"]:
            self.assertIn(f"{field}\n", fields)
        # No library: the program is static.
        self.assertIn("Depends: ca-certificates\n", fields)

    def test_what_is_in_it(self):
        listed = [line.split(None, 5) for line in run("dpkg-deb", "--contents", self.PACKAGE, TAR_OPTIONS="--numeric-owner").splitlines()]
        files = {line[5].removeprefix("."): line[:2] for line in listed if not line[0].startswith("d")}
        self.assertEqual(set(files), self.FILES)
        self.assertEqual(files.pop("/usr/bin/mfa-creds"), ["-rwxr-xr-x", "0/0"])
        for name, (mode, owner) in files.items():
            self.assertEqual((mode, owner), ("-rw-r--r--", "0/0"), name)

    def test_it_is_installed_and_works_and_goes_again(self):
        # Into a system of its own, with no other package in it.
        with tempfile.TemporaryDirectory() as root:
            state = pathlib.Path(root, "var/lib/dpkg")
            (state / "info").mkdir(parents=True)
            (state / "updates").mkdir()
            (state / "status").touch()
            self.dpkg(root, "--force-depends", "--install", self.PACKAGE)
            for file in self.FILES:
                self.assertTrue(pathlib.Path(root + file).is_file(), file)
            says_its_version(self, f"{root}/usr/bin/mfa-creds")
            self.manual(f"{root}/usr/share/man")
            self.completions(root)
            self.dpkg(root, "--purge", "mfa-creds")
            left = [file for file in pathlib.Path(root, "usr").rglob("*") if file.is_file()]
            self.assertEqual(left, [])

    def dpkg(self, root, *arguments):
        fake = [] if os.geteuid() == 0 else ["fakeroot"]
        # A machine may be set up to leave manual pages out.
        run(*fake, "dpkg", f"--root={root}", f"--log={root}/log", "--path-include=*", "--force-not-root", *arguments)

    def manual(self, directory):
        for page, section in [("mfa-creds", 1), ("mfa-creds-exec", 1), ("mfa-creds-roles", 7)]:
            found = run("man", "-M", directory, "-w", page).strip()
            self.assertEqual(found, f"{directory}/man{section}/{page}.{section}.gz")
        shown = run("man", "-M", directory, "mfa-creds", MANWIDTH=80, MANPAGER="cat")
        self.assertIn(f"mfa-creds {VERSION}", shown)

    def completions(self, root):
        path = f"{root}/usr/bin:{os.environ['PATH']}"
        share = f"{root}/usr/share"
        script = f"source {share}/bash-completion/completions/mfa-creds; complete -p mfa-creds"
        self.assertIn("_clap_complete_mfa_creds", run("bash", "-c", script, PATH=path))
        script = (
            f"fpath=({share}/zsh/vendor-completions $fpath); autoload -Uz compinit; "
            f"compinit -u -d {root}/zcompdump; print $_comps[mfa-creds]"
        )
        self.assertEqual(run("zsh", "-fc", script, PATH=path), "_mfa-creds\n")
        script = f"source {share}/fish/vendor_completions.d/mfa-creds.fish; complete --do-complete 'mfa-creds exp'"
        self.assertTrue(run("fish", "--no-config", "-c", script, PATH=path, HOME=root).startswith("export\t"))


class Parts(unittest.TestCase):
    BOM = PACKAGES / f"mfa-creds-{VERSION}.cdx.json"

    def test_it_names_what_is_in_the_program_and_nothing_else(self):
        bom = json.loads(self.BOM.read_text())
        self.assertEqual((bom["bomFormat"], bom["metadata"]["component"]["version"]), ("CycloneDX", VERSION))
        named = {f"{part['name']} {part['version']}" for part in bom["components"]}
        tree = run("cargo", "tree", "--locked", "--package", "mfa-creds", "--target", "all", "--edges", "normal,build",
                   "--prefix", "none", "--format", "{p}")
        used = {" ".join(line.split()[:2]).replace(" v", " ") for line in tree.splitlines() if line}
        self.assertEqual(named, used - {f"mfa-creds {VERSION}"})

    def test_it_has_what_the_signed_statement_wants_of_it(self):
        bom = json.loads(self.BOM.read_text())
        self.assertRegex(bom["serialNumber"], r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertEqual(bom["specVersion"], "1.5")

    def test_each_part_has_its_hash_and_licence(self):
        for part in json.loads(self.BOM.read_text())["components"]:
            self.assertTrue(part["hashes"] and part["licenses"] and part["purl"], part["name"])

    def test_it_is_not_of_this_machine(self):
        text = self.BOM.read_text()
        for private in [str(ROOT), "file:", str(pathlib.Path.home())]:
            self.assertNotIn(private, text)
        self.assertEqual(run("git", "status", "--porcelain", "--", "*.json"), "")


class Whole(unittest.TestCase):
    """All that a release has. Only what is for this machine is real here; the rest is there by name."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.packages = pathlib.Path(self.directory.name, "packages")
        self.packages.mkdir()
        self.assets = package("assets").split()
        for asset in self.assets:
            if asset not in ("SHA256SUMS", MANIFESTS):
                (self.packages / asset).write_text(f"stands for {asset}\n")

    def tearDown(self):
        self.directory.cleanup()

    def package(self, command):
        return package(command, CARGO_TARGET_DIR=self.directory.name)

    def test_the_sums_are_those_of_the_files(self):
        self.package("manifests")
        self.package("checksums")
        run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=self.packages)
        self.assertEqual(sorted(os.listdir(self.packages)), sorted(self.assets))
        self.assertEqual((self.packages / "SHA256SUMS").read_text().count("\n"), len(self.assets) - 1)
        (self.packages / self.assets[1]).write_text("changed")
        self.assertNotEqual(attempt("sha256sum", "--check", "SHA256SUMS", cwd=self.packages).returncode, 0)

    def test_no_sums_of_a_part(self):
        self.package("manifests")
        for spoil in [lambda: (self.packages / self.assets[1]).unlink(), lambda: (self.packages / "other").touch()]:
            spoil()
            with self.assertRaisesRegex(AssertionError, "a release is"):
                self.package("checksums")
            (self.packages / self.assets[1]).touch()

    def test_binstall_finds_the_archive_and_the_program_in_it(self):
        metadata = MANIFEST["package"]["metadata"]["binstall"]
        found = set()
        for asset in self.assets:
            match = re.fullmatch(rf"mfa-creds-{re.escape(VERSION)}-(.*?)(\.tar\.gz|\.zip)", asset)
            if match and asset != MANIFESTS:
                target = match[1]
                of = {**metadata, **metadata.get("overrides", {}).get(target, {})}
                values = {
                    "repo": MANIFEST["package"]["repository"],
                    "name": "mfa-creds",
                    "bin": "mfa-creds",
                    "version": VERSION,
                    "target": target,
                    "binary-ext": ".exe" if "windows" in target else "",
                }
                fill = lambda template: re.sub(r"\{ ([\w-]+) \}", lambda name: values[name[1]], template)
                self.assertEqual(fill(of["pkg-url"]), download(asset))
                self.assertEqual(of["pkg-fmt"], {".tar.gz": "tgz", ".zip": "zip"}[match[2]])
                self.assertEqual(
                    fill(of["bin-dir"]), f"mfa-creds-{VERSION}-{target}/mfa-creds{values['binary-ext']}"
                )
                found.add(target)
        self.assertEqual(len(found), 5)
        self.assertIn(f"{TOP}/mfa-creds", tarfile.open(ARCHIVE).getnames())
