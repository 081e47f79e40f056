"""What package managers read about a release: it leads to the archives, and installs what is in them. The archives are those of
this machine's program under the names of a release; where a program is not run, its name stands for it."""

import base64
import json
import os
import pathlib
import platform
import re
import shutil
import sys
import tarfile
import tempfile
import unittest
import zipfile

from support import BUILT, MANIFEST, MANIFESTS, ROOT, VERSION, attempt, download, package, run, says_its_version

sys.path.insert(0, str(ROOT / ".github"))
import registries

REPOSITORY = MANIFEST["package"]["repository"]
DESCRIPTION = MANIFEST["package"]["description"]
ZIP = f"mfa-creds-{VERSION}-x86_64-pc-windows-msvc.zip"
# Nobody, where this is root: makepkg refuses to run as root.
NOBODY = 65534


class Release:
    """A release with all its files, and its manifests unpacked."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.packages = self.directory / "packages"
        for asset in package("assets").split():
            if archive := re.fullmatch(rf"mfa-creds-{re.escape(VERSION)}-([\w]+-.*?)(?:\.tar\.gz|\.zip)", asset):
                self.archive(archive[1])
        for asset in package("assets").split():
            if asset.endswith((".deb", ".cdx.json")):
                (self.packages / asset).write_text(f"stands for {asset}\n")
        self.package("manifests")
        self.package("checksums")
        sums = (line.split() for line in (self.packages / "SHA256SUMS").read_text().splitlines())
        self.sums = {name: digest for digest, name in sums}
        with tarfile.open(self.packages / MANIFESTS) as packed:
            self.members = packed.getmembers()
            packed.extractall(self.directory, filter="data")
        self.manifests = self.directory / MANIFESTS.removesuffix(".tar.gz")

    def archive(self, target):
        release = self.directory / target / "release"
        release.mkdir(parents=True)
        for kind in ("man", "manual", "completions"):
            (release / kind).symlink_to(BUILT.with_name(kind))
        program = release / ("mfa-creds.exe" if "windows" in target else "mfa-creds")
        if target.startswith(platform.machine()) and "linux" in target:
            shutil.copy(BUILT, program)
        else:
            program.write_text(f"stands for the program of {target}\n")
        self.package("archive", target)

    def package(self, *arguments):
        package(*arguments, CARGO_TARGET_DIR=self.directory)

    def text(self, name):
        return (self.manifests / name).read_text()

    def sums_of(self, ending):
        """The archives with that ending, as addresses, with their sums."""
        return {download(name): digest for name, digest in self.sums.items() if name.endswith(ending)}

    def files(self, target):
        """What is in an archive."""
        name = f"mfa-creds-{VERSION}-{target}"
        if "windows" in target:
            with zipfile.ZipFile(self.packages / f"{name}.zip") as packed:
                names = packed.namelist()
        else:
            with tarfile.open(self.packages / f"{name}.tar.gz") as packed:
                names = packed.getnames()
        return {file.removeprefix(f"{name}/") for file in names}


def setUpModule():
    global RELEASE
    RELEASE = Release()
    unittest.addModuleCleanup(shutil.rmtree, RELEASE.directory)


LINUX = "-unknown-linux-musl.tar.gz"
UNIX = (LINUX, "-apple-darwin.tar.gz")


class Manifests(unittest.TestCase):
    def test_what_there_is(self):
        top = MANIFESTS.removesuffix(".tar.gz")
        winget = [f"winget/mfa-creds.mfa-creds{kind}.yaml" for kind in ("", ".installer", ".locale.en-US")]
        files = ["aur/.SRCINFO", "aur/PKGBUILD", "homebrew/mfa-creds.rb", "nix/package.nix", "scoop/mfa-creds.json", *winget]
        self.assertEqual([member.name for member in RELEASE.members], sorted(f"{top}/{file}" for file in files))
        self.assertEqual({(member.mode, member.uid, member.uname) for member in RELEASE.members}, {(0o644, 0, "")})

    def test_each_archive_is_in_one_and_nothing_else_is(self):
        texts = [file.read_text() for file in RELEASE.manifests.rglob("*") if file.is_file()]
        addresses = {address for text in texts for address in re.findall(r"https://[^\s\"']+/releases/download/[^\s\"']+", text)}
        # Scoop has one more, for versions to come.
        addresses = {address for address in addresses if "$version" not in address}
        self.assertEqual(addresses, set(RELEASE.sums_of((*UNIX, ".zip"))))

    def test_they_are_the_same_when_made_again(self):
        made = RELEASE.packages / MANIFESTS
        before = made.read_bytes()
        RELEASE.package("manifests")
        self.assertEqual(made.read_bytes(), before)

    def test_none_without_all_archives(self):
        with tempfile.TemporaryDirectory() as directory:
            made = attempt(ROOT / ".github/package", "manifests", CARGO_TARGET_DIR=directory)
            self.assertNotEqual(made.returncode, 0)


class Homebrew(unittest.TestCase):
    def test_the_formula_is_ruby_and_leads_to_the_archives(self):
        formula = RELEASE.manifests / "homebrew/mfa-creds.rb"
        self.assertEqual(run("ruby", "-c", formula), "Syntax OK\n")
        found = re.findall(r'url "([^"]+)"\n +sha256 "(\w+)"', formula.read_text())
        self.assertEqual(dict(found), RELEASE.sums_of(UNIX))

    def test_the_formula_chooses_the_archive_and_installs_what_is_in_it(self):
        formula = RELEASE.manifests / "homebrew/mfa-creds.rb"
        for system, word in {"macos": "apple-darwin", "linux": "unknown-linux-musl"}.items():
            for processor, name in {"arm": "aarch64", "intel": "x86_64"}.items():
                told = json.loads(run("ruby", ROOT / "tests/shipping/formula.rb", formula, system, processor))
                self.assertEqual(told["url"], [download(f"mfa-creds-{VERSION}-{name}-{word}.tar.gz")])
                self.assertEqual((told["version"], told["license"]), ([VERSION], ["MIT"]))
                installed = [file for file in told["installed"] if "*" not in file]
                self.assertEqual(set(installed) - RELEASE.files(f"{name}-{word}"), set())
                self.assertIn("mfa-creds", installed)
                self.assertIn("man/*.1", told["installed"])
                self.assertIn("man/*.7", told["installed"])


class Scoop(unittest.TestCase):
    def setUp(self):
        self.manifest = json.loads(RELEASE.text("scoop/mfa-creds.json"))

    def test_it_leads_to_the_archive_and_the_program_in_it(self):
        architecture = self.manifest["architecture"]
        self.assertEqual(set(architecture), {"64bit"})
        found = architecture["64bit"]
        self.assertEqual({found["url"]: found["hash"]}, RELEASE.sums_of(".zip"))
        self.assertEqual(f"{found['extract_dir']}.zip", ZIP)
        self.assertIn(self.manifest["bin"], RELEASE.files("x86_64-pc-windows-msvc"))

    def test_what_it_says_of_itself(self):
        known = {"version", "description", "homepage", "license", "architecture", "bin", "checkver", "autoupdate"}
        self.assertEqual(set(self.manifest), known)
        self.assertRegex(self.manifest["version"], r"^[\w.\-+]+$")
        said = [self.manifest[field] for field in ("version", "description", "homepage", "license")]
        self.assertEqual(said, [VERSION, DESCRIPTION, REPOSITORY, "MIT"])
        # Scoop asks the repository that is the homepage.
        self.assertEqual(self.manifest["checkver"], "github")
        self.assertTrue(self.manifest["homepage"].startswith("https://github.com/"))

    def test_it_finds_the_next_version(self):
        update = self.manifest["autoupdate"]
        following = update["architecture"]["64bit"]
        now = self.manifest["architecture"]["64bit"]
        for field in ("url", "extract_dir"):
            self.assertEqual(following[field].replace("$version", VERSION), now[field])
            self.assertNotIn(VERSION, following[field])
        # It looks for the name of the archive in the sums beside it.
        sums = update["hash"]["url"].replace("$baseurl", now["url"].rpartition("/")[0])
        self.assertEqual(sums, download("SHA256SUMS"))


class Winget(unittest.TestCase):
    # What the schemas of winget require, of what is used here.
    COMMON = {
        "PackageIdentifier": r"[^.\s\\/:*?\"<>|]{1,32}(\.[^.\s\\/:*?\"<>|]{1,32}){1,7}",
        "PackageVersion": r"[^\\/:*?\"<>|]{1,128}",
        "ManifestVersion": r"1\.12\.0",
    }
    LINE = r".{3,256}"
    ADDRESS = r"https://\S{1,2000}"
    FIELDS = {
        "version": {"DefaultLocale": "en-US"},
        "installer": {
            "InstallerType": "zip",
            "NestedInstallerType": "portable",
            "NestedInstallerFiles": {"RelativeFilePath": r".{1,512}", "PortableCommandAlias": r".{1,40}"},
            "Commands": r"\S{1,40}",
            "Installers": {"Architecture": "x64", "InstallerUrl": ADDRESS, "InstallerSha256": r"[A-F0-9]{64}"},
        },
        "defaultLocale": {
            "PackageLocale": "en-US",
            "Publisher": LINE,
            "PublisherUrl": ADDRESS,
            "PublisherSupportUrl": ADDRESS,
            "PackageName": LINE,
            "PackageUrl": ADDRESS,
            "License": LINE,
            "LicenseUrl": ADDRESS,
            "ShortDescription": LINE,
            "Moniker": r"\S{1,40}",
            "Tags": r"\S{1,40}",
            "ReleaseNotesUrl": ADDRESS,
        },
    }

    def setUp(self):
        self.manifests = {}
        for file in (RELEASE.manifests / "winget").iterdir():
            read = run("ruby", "-ryaml", "-rjson", "-e", "print JSON.generate(YAML.safe_load(File.read(ARGV[0])))", file)
            manifest = json.loads(read)
            self.manifests[manifest["ManifestType"]] = manifest
            self.assertIn(f".{manifest['ManifestType']}.1.12.0.schema.json\n\n", file.read_text())
            self.assertTrue(file.name.startswith(f"{manifest['PackageIdentifier']}."), file.name)

    def test_the_fields_are_those_of_the_schema(self):
        for kind, fields in self.FIELDS.items():
            self.holds(self.manifests[kind], {**self.COMMON, **fields, "ManifestType": kind})
        self.assertLessEqual(len(self.manifests["defaultLocale"]["Tags"]), 16)

    def holds(self, manifest, fields):
        self.assertEqual(set(manifest), set(fields))
        for name, form in fields.items():
            values = manifest[name] if isinstance(manifest[name], list) else [manifest[name]]
            for value in values:
                if isinstance(form, dict):
                    self.holds(value, form)
                else:
                    self.assertRegex(value, f"^(?:{form})$", name)

    def test_it_leads_to_the_archive_and_the_program_in_it(self):
        [installer] = self.manifests["installer"]["Installers"]
        self.assertEqual({installer["InstallerUrl"]: installer["InstallerSha256"].lower()}, RELEASE.sums_of(".zip"))
        [nested] = self.manifests["installer"]["NestedInstallerFiles"]
        top, program = nested["RelativeFilePath"].split("\\")
        self.assertEqual(f"{top}.zip", ZIP)
        self.assertIn(program, RELEASE.files("x86_64-pc-windows-msvc"))
        self.assertEqual(nested["PortableCommandAlias"], "mfa-creds")

    def test_the_three_are_of_one_version(self):
        for manifest in self.manifests.values():
            self.assertEqual((manifest["PackageIdentifier"], manifest["PackageVersion"]), ("mfa-creds.mfa-creds", VERSION))
        locale = self.manifests["defaultLocale"]
        self.assertEqual((locale["ShortDescription"], locale["License"]), (DESCRIPTION, "MIT"))


class Arch(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        for file in (RELEASE.manifests / "aur").iterdir():
            shutil.copy(file, self.directory)

    def makepkg(self, *arguments):
        if os.geteuid() == 0:
            os.chown(self.directory, NOBODY, NOBODY)
            for file in self.directory.iterdir():
                os.chown(file, NOBODY, NOBODY)
            arguments = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "makepkg", *arguments]
            program = "setpriv"
        else:
            program = "makepkg"
        return run(program, *arguments, cwd=self.directory, HOME=self.directory, PKGEXT=".pkg.tar")

    def test_the_shell_and_its_linter_have_nothing_to_say(self):
        run("bash", "-n", self.directory / "PKGBUILD")
        # makepkg reads the variables, sets others, and stops at the first command that fails.
        run("shellcheck", "--shell=bash", "--exclude=SC2034,SC2154,SC2164", self.directory / "PKGBUILD")

    def test_what_the_repository_reads_is_what_makepkg_prints(self):
        self.assertEqual(self.makepkg("--printsrcinfo"), (self.directory / ".SRCINFO").read_text())

    def test_it_leads_to_the_archives(self):
        fields = {}
        for line in RELEASE.text("aur/.SRCINFO").splitlines():
            name, _, value = line.strip().partition(" = ")
            fields.setdefault(name, []).append(value)
        self.assertEqual(fields["arch"], ["x86_64", "aarch64"])
        found = {}
        for arch in fields["arch"]:
            [source], [digest] = fields[f"source_{arch}"], fields[f"sha256sums_{arch}"]
            self.assertTrue(source.endswith(f"-{arch}{LINUX}"), source)
            found[source] = digest
        self.assertEqual(found, RELEASE.sums_of(LINUX))

    def test_it_is_built_and_installed_and_works_and_goes_again(self):
        arch = platform.machine()
        shutil.copy(RELEASE.packages / f"mfa-creds-{VERSION}-{arch}{LINUX}", self.directory)
        self.makepkg("--nodeps")
        # Into a system of its own, with no other package in it.
        root = self.directory / "root"
        (root / "var/lib/pacman").mkdir(parents=True)
        self.pacman(root, "--upgrade", self.directory / f"mfa-creds-bin-{registries.arch_version(release())}-1-{arch}.pkg.tar")
        says_its_version(self, root / "usr/bin/mfa-creds")
        self.assertEqual((root / "usr/bin/mfa-creds").read_bytes(), BUILT.read_bytes())
        installed = {str(file.relative_to(root)) for file in root.joinpath("usr").rglob("*") if file.is_file()}
        there = RELEASE.files(f"{arch}-unknown-linux-musl")
        pages = {f"usr/share/man/man{page[-1]}/{page[4:]}.gz" for page in there if page.startswith("man/")}
        self.assertGreater(len(pages), 20)
        others = {
            "usr/bin/mfa-creds",
            "usr/share/bash-completion/completions/mfa-creds",
            "usr/share/zsh/site-functions/_mfa-creds",
            "usr/share/fish/vendor_completions.d/mfa-creds.fish",
            "usr/share/licenses/mfa-creds-bin/LICENSE",
            "usr/share/doc/mfa-creds-bin/README.md",
        }
        self.assertEqual(installed, pages | others)
        self.pacman(root, "--remove", "mfa-creds-bin")
        self.assertFalse((root / "usr").exists())

    def pacman(self, root, *arguments):
        # It wants to be root even where it changes nothing of the system's.
        run("fakeroot", "pacman", "--root", root, "--noconfirm", "--nodeps", "--nodeps", *arguments)

    def test_a_pre_release_is_older_than_the_release(self):
        early = release("0.2.0-rc.1")
        version = registries.arch_version(early)
        for older, newer in [(version, "0.2.0"), ("0.1.9", version), (version, registries.arch_version(release("0.2.0-rc.2")))]:
            self.assertEqual(run("vercmp", older, newer), "-1\n")
        (self.directory / "PKGBUILD").write_text(registries.pkgbuild(early))
        self.assertEqual(self.makepkg("--printsrcinfo"), registries.srcinfo(early))
        self.assertIn("/v0.2.0-rc.1/mfa-creds-0.2.0-rc.1-", registries.srcinfo(early))


def release(version=VERSION):
    """A release that is not there, with a description that needs quoting."""
    sums = {target: "0" * 64 for target in [*registries.MACS.values(), *registries.LINUXES.values(), registries.WINDOWS]}
    names = {"bash": "mfa-creds.bash", "zsh": "_mfa-creds", "fish": "mfa-creds.fish"}
    return registries.Release(
        "mfa-creds", version, 'it\'s "$HOME" and ${x}', "MIT", REPOSITORY, ["aws"], "Somebody <nobody@example.com>", names, sums
    )


class Nix(unittest.TestCase):
    # Of what nixpkgs has, what the expression uses. What a function gets is what it gives.
    NIXPKGS = """{
        lib = { inherit (builtins) attrNames; getLicenseFromSpdxId = name: name; sourceTypes.binaryNativeCode = "binary"; };
        stdenvNoCC = { hostPlatform = { inherit system; }; mkDerivation = given: given; };
        fetchurl = given: given;
        installShellFiles = "installShellFiles";
    }"""
    SYSTEMS = {
        "x86_64-linux": "x86_64-unknown-linux-musl",
        "aarch64-linux": "aarch64-unknown-linux-musl",
        "x86_64-darwin": "x86_64-apple-darwin",
        "aarch64-darwin": "aarch64-apple-darwin",
    }
    # What the hooks of nixpkgs do with what they get, as its installShellFiles describes it.
    HOOKS = """
        set -eu
        runHook() { :; }
        installManPage() {
            local page
            for page; do install -Dm644 "$page" -t "$out/share/man/man${page##*.}"; done
        }
        installShellCompletion() {
            [[ $1 == --cmd ]]
            install -Dm644 "$4" "$out/share/bash-completion/completions/$2.bash"
            install -Dm644 "$6" "$out/share/zsh/site-functions/_$2"
            install -Dm644 "$8" "$out/share/fish/vendor_completions.d/$2.fish"
            [[ "$3 $5 $7" == '--bash --zsh --fish' && $# == 8 ]]
        }
    """

    def evaluate(self, system, file=None):
        file = file or RELEASE.manifests / "nix/package.nix"
        call = f'let system = "{system}"; in import {file} {self.NIXPKGS}'
        # Without a store, nothing of the system is touched.
        return attempt("nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "--expr", call)

    def evaluated(self, system, file=None):
        done = self.evaluate(system, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_it_leads_to_the_archives(self):
        found = {}
        for system, target in self.SYSTEMS.items():
            source = self.evaluated(system)["src"]
            self.assertTrue(source["url"].endswith(f"-{target}.tar.gz"), source)
            found[source["url"]] = base64.b64decode(source["hash"].removeprefix("sha256-")).hex()
        self.assertEqual(found, RELEASE.sums_of(UNIX))

    def test_another_system_gets_a_message(self):
        done = self.evaluate("riscv64-linux")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("mfa-creds is not built for riscv64-linux", done.stderr)

    def test_what_it_says_of_itself(self):
        package = self.evaluated("x86_64-linux")
        meta = package["meta"]
        self.assertEqual((package["pname"], package["version"]), ("mfa-creds", VERSION))
        self.assertEqual((meta["description"], meta["homepage"], meta["license"]), (DESCRIPTION, REPOSITORY, "MIT"))
        self.assertEqual((meta["mainProgram"], set(meta["platforms"])), ("mfa-creds", set(self.SYSTEMS)))

    def test_it_installs_what_is_in_the_archive(self):
        target = f"{platform.machine()}-unknown-linux-musl"
        phase = self.evaluated(f"{platform.machine()}-linux")["installPhase"]
        with tempfile.TemporaryDirectory() as directory:
            run("tar", "xzf", RELEASE.packages / f"mfa-creds-{VERSION}-{target}.tar.gz", "-C", directory)
            out = pathlib.Path(directory, "out")
            run("bash", "-c", self.HOOKS + phase, cwd=pathlib.Path(directory, f"mfa-creds-{VERSION}-{target}"), out=out)
            says_its_version(self, out / "bin/mfa-creds")
            installed = {str(file.relative_to(out / "share")) for file in (out / "share").rglob("*") if file.is_file()}
        pages = {f"man/man{page[-1]}/{page[4:]}" for page in RELEASE.files(target) if page.startswith("man/")}
        completions = {
            "bash-completion/completions/mfa-creds.bash",
            "zsh/site-functions/_mfa-creds",
            "fish/vendor_completions.d/mfa-creds.fish",
        }
        self.assertEqual(installed, pages | completions)

    def test_a_text_stays_what_it_is(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "package.nix")
            file.write_text(registries.nix(release()))
            self.assertEqual(self.evaluated("x86_64-linux", file)["meta"]["description"], release().description)
