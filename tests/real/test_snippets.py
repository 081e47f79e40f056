"""What the guides tell people to paste, taken out of them as it is and run by the real programs, and the picture of the README."""

import hashlib
import json
import os
import pathlib
import platform
import re
import shlex
import sys
import tarfile

import yaml

from support import CLIENTS, MFA_CREDS, ROOT, RealTest, Snippets, StandIn, Terminal, long_term, snippet

RELEASES = "https://github.com/mfa-creds/mfa-creds/releases/download"
ARN = "aws sts get-caller-identity --query Arn --output text"
PROMPT = "READY> "


class Shells(Snippets):
    """The function in front of `aws`."""

    def setUp(self):
        super().setUp()
        self.install()
        self.stand_in = self.enterContext(StandIn())
        self.names = ["work", "other one", "third"]
        self.credentials.write_bytes(b"".join(long_term(self.stand_in.user, f"{name}-long-term") for name in self.names))
        self.written = [f"{name}-long-term" for name in self.names]

    def shell(self, *shell, code=True, **environment):
        environment |= {"AWS_ENDPOINT_URL": self.stand_in.url}
        if code:
            environment |= {"MFA_TOKEN": self.stand_in.code()}
        return self.run_program(shell, **environment)

    def says_who_i_am(self, done, rest=""):
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{self.stand_in.user.arn}\n{rest}", ""))

    def works_in(self, *shell, function, group, load='eval "$(mfa-creds export -q -p work)"'):
        done = self.shell(*shell, f"{function}\n{ARN} --profile work", code=False)
        self.assertEqual((done.returncode, done.stdout), (3, ""), "no code, no aws")
        self.assertIn("an MFA code is needed", done.stderr)
        self.assertEqual(self.sections(), self.written)

        # Data on standard input is never taken for a code, and not lost.
        script = f"{function}\nprintf 'first\\nsecond\\n' | {group.format(f'{ARN}; cat')}"
        done = self.shell(*shell, script, code=False, AWS_PROFILE="work")
        self.assertEqual(done.stdout, "first\nsecond\n")
        self.assertIn("an MFA code is needed", done.stderr)
        self.says_who_i_am(self.shell(*shell, script, AWS_PROFILE="work"), "first\nsecond\n")
        self.written.append("work")
        self.assertEqual(self.sections(), self.written)
        # The session is there: nobody is asked any more.
        for name, flag in [("other one", "--profile 'other one'"), ("third", "--profile=third")]:
            self.says_who_i_am(self.shell(*shell, f"{function}\n{ARN} {flag}", code=False, AWS_PROFILE="work"))
            self.written.append(name)
            self.assertEqual(self.sections(), self.written)
        # There is no [default-long-term], and nobody needs it where the keys are in the environment.
        self.says_who_i_am(self.shell(*shell, f"{function}\n{load}\n{ARN}", code=False))

    def test_bash(self):
        self.works_in("bash", "--norc", "-c", function=self.posix(), group="{{ {}; }}")

    def test_zsh(self):
        self.works_in("zsh", "-f", "-c", function=self.posix(), group="{{ {}; }}")

    def test_fish(self):
        function = snippet("shells", "In front of every `aws` command", "fish")
        load = "mfa-creds export -q -p work --format fish | source"
        self.works_in("fish", "--no-config", "-c", function=function, group="begin; {}; end", load=load)

    def posix(self):
        return snippet("shells", "In front of every `aws` command", "sh")


class Direnv(Snippets):
    def setUp(self):
        super().setUp()
        self.install()
        self.stand_in = self.enterContext(StandIn())
        self.credentials.write_bytes(long_term(self.stand_in.user, "work-long-term"))
        # direnv sees a change by its second, and nobody types a code in the same.
        os.utime(self.credentials, (0, 0))
        self.project = self.home / "project"
        self.project.mkdir()

    def enter(self, snippet):
        """A shell that has gone to the project with this `.envrc`."""
        (self.project / ".envrc").write_text(snippet)
        allowed = self.run_program(["direnv", "allow", self.project])
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        environment = self.clean | {"HOME": str(self.home), "AWS_ENDPOINT_URL": self.stand_in.url, "PS1": PROMPT}
        terminal = self.enterContext(Terminal(["bash", "--norc", "--noprofile"], environment, self.home))
        for line in ['eval "$(direnv hook bash)"', "cd project"]:
            terminal.wait_for(PROMPT)
            terminal.type(f"{line}\r")
        return terminal

    def renew(self, terminal, command):
        terminal.wait_for(PROMPT)
        terminal.type(f"{command}\r")
        terminal.wait_for("seconds): ")
        terminal.type(f"{self.stand_in.code()}\r")
        terminal.wait_for("[work] is valid until ")

    def who_am_i(self, terminal):
        terminal.wait_for(PROMPT)
        terminal.type(f"{ARN}\r")
        terminal.wait_for(f"{self.stand_in.user.arn}\r\n")

    def test_the_profile(self):
        terminal = self.enter(snippet("recipes", "direnv", "sh", holding="AWS_PROFILE"))
        terminal.wait_for("no AWS credentials: type mfa-creds")
        self.renew(terminal, "mfa-creds")
        self.who_am_i(terminal)
        terminal.wait_for(PROMPT)
        terminal.type("cd ..; cd project\r")
        self.assertNotIn("no AWS credentials", terminal.wait_for(PROMPT))

    def test_the_keys(self):
        terminal = self.enter(snippet("recipes", "direnv", "sh", holding="export -q"))
        terminal.wait_for("an MFA code is needed, and --no-input forbids asking")
        self.renew(terminal, "mfa-creds -p work")
        terminal.wait_for("+AWS_SESSION_TOKEN")
        self.who_am_i(terminal)
        terminal.wait_for(PROMPT)
        terminal.type('echo "=${AWS_SESSION_TOKEN:+there}="; cd ..\r')
        terminal.wait_for("=there=")
        terminal.wait_for("direnv: unloading")
        terminal.wait_for(PROMPT)
        terminal.type('echo "=${AWS_SESSION_TOKEN:-gone}="\r')
        terminal.wait_for("=gone=")


class Releases(Snippets):
    """What installs a release, from a place of our own."""

    def release(self, version, machine):
        """Makes a release of the program; returns its archive."""
        name = f"mfa-creds-{version}-{machine}-unknown-linux-musl"
        place = self.home / "releases" / f"v{version}"
        place.mkdir(parents=True)
        archive = place / f"{name}.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
            packed.add(ROOT / "README.md", f"{name}/README.md")
            packed.add(MFA_CREDS, f"{name}/mfa-creds")
        sums = f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
        # Of a release, nobody takes everything.
        (place / "SHA256SUMS").write_text(f"{'0' * 64}  mfa-creds_{version}_amd64.deb\n{sums}")
        return archive

    def from_here(self, command):
        self.assertEqual(command.count(RELEASES), 1, command)
        return command.replace(RELEASES, (self.home / "releases").as_uri())

    def damage(self, archive):
        with archive.open("r+b") as file:
            file.truncate(archive.stat().st_size - 1)


class Actions(Releases):
    """The job for GitHub, step by step, with LocalStack."""

    def setUp(self):
        super().setUp()
        workflow = yaml.safe_load(snippet("recipes", "GitHub Actions with LocalStack", "yaml"))
        self.assertEqual(list(workflow["jobs"]), ["aws"])
        job = workflow["jobs"]["aws"]
        self.steps = job["steps"]
        self.environment = job["env"]
        self.assertEqual(self.environment["AWS_ENDPOINT_URL"], "http://localhost:4566")
        self.assertEqual(job["services"]["localstack"]["ports"], ["4566:4566"])
        image = job["services"]["localstack"]["image"]
        pinned = (ROOT / "tests/real/requirements-localstack.txt").read_text()
        self.assertIn(f"\nlocalstack-core=={image.removeprefix('localstack/localstack:')}\n", pinned, image)
        self.credentials.parent.rmdir()
        self.temporary = self.home / "temporary"
        self.temporary.mkdir()
        self.paths = self.home / "paths"
        self.paths.touch()

    def step(self, step):
        script = self.home / "step"
        command = self.from_here(step["run"]) if RELEASES in step["run"] else step["run"]
        script.write_text(command)
        added = self.paths.read_text().split()
        environment = self.environment | {"AWS_ENDPOINT_URL": os.environ["LOCALSTACK"]} | step.get("env", {})
        places = {"RUNNER_TEMP": str(self.temporary), "GITHUB_PATH": str(self.paths)}
        path = ":".join([*added, self.clean["PATH"]])
        return self.run_program(["bash", "-e", script], **environment | places | {"PATH": path})

    def test_the_steps(self):
        self.release(self.environment["VERSION"], "x86_64")
        said = ""
        for step in self.steps:
            done = self.step(step)
            self.assertEqual(done.returncode, 0, f"{step}: {done.stderr}")
            said += done.stdout + done.stderr
        self.assertIn("[ci] is valid until ", said)
        self.assertIn('"Arn": "arn:aws:', said)
        self.assertIn("[ci] is still valid until ", said)
        self.assertEqual(self.credentials.stat().st_mode & 0o777, 0o600)

    def test_a_damaged_archive_is_not_installed(self):
        self.damage(self.release(self.environment["VERSION"], "x86_64"))
        done = self.step(self.steps[0])
        self.assertEqual(done.returncode, 1)
        self.assertIn("computed checksum did NOT match", done.stderr)
        self.assertFalse((self.home / ".local").exists())


class Containers(Releases):
    """The dev container, as far as that goes without one."""

    def setUp(self):
        super().setUp()
        self.settings = json.loads(snippet("recipes", "Dev containers", "json"))
        self.command = self.settings["postCreateCommand"]
        self.version = re.search(r"/v([\d.]+)/", self.command)[1]

    def create(self):
        temporary = self.home / "temporary"
        temporary.mkdir()
        self.assertEqual(self.command.count("cd /tmp "), 1)
        command = self.from_here(self.command).replace("cd /tmp ", f"cd {shlex.quote(str(temporary))} ")
        return self.run_program(["sh", "-c", command])

    def test_the_command(self):
        self.release(self.version, platform.machine())
        done = self.create()
        self.assertEqual(done.returncode, 0, done.stderr)
        installed = self.home / ".local/bin/mfa-creds"
        self.assertEqual(installed.read_bytes(), pathlib.Path(MFA_CREDS).read_bytes())
        self.assertTrue(self.settings["remoteEnv"]["PATH"].endswith(":/home/vscode/.local/bin"))
        done = self.run_program([installed, "--version"])
        self.assertEqual((done.returncode, done.stdout[:10]), (0, "mfa-creds "))

    def test_a_damaged_archive_is_not_installed(self):
        self.damage(self.release(self.version, platform.machine()))
        self.assertNotEqual(self.create().returncode, 0)
        self.assertFalse((self.home / ".local").exists())

    def test_one_code_serves_inside_and_outside(self):
        mount = self.settings["mounts"][0].replace("${localEnv:HOME}", str(self.home))
        parts = dict(part.split("=") for part in mount.split(","))
        self.assertEqual(parts, {"type": "bind", "source": str(self.home / ".aws"), "target": "/home/vscode/.aws"})
        inside = self.home / "container"
        (inside / ".aws").mkdir(parents=True)
        with StandIn() as stand_in:
            self.credentials.write_bytes(long_term(stand_in.user))
            environment = self.clean | {"AWS_ENDPOINT_URL": stand_in.url, "HOME": str(inside)}
            namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
            script = 'mount --bind "$1" "$HOME/.aws"; shift; exec "$@" -p p -v'
            command = [*namespace, "sh", "-euc", script, "sh", self.credentials.parent, MFA_CREDS]
            done = self.run_program(command, code=stand_in.code(), **environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("in place", done.stderr)
            self.assert_written()
            self.assertIn("[p] is still valid", self.mfa_creds_without_network("-p", "p"))
            done = self.run_program(command, **environment)
            self.assertIn("[p] is still valid", done.stderr)


class Picture(RealTest):
    def test_it_shows_what_a_terminal_shows(self):
        named = {"MFA_CREDS": MFA_CREDS, "STAND_IN": os.environ["STAND_IN"], "CLIENTS": str(CLIENTS)}
        done = self.run_program([sys.executable, ROOT / ".github/terminal", "check"], **named)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
