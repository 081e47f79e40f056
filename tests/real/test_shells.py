"""Real shells: each takes what is exported as it is, and completes what there is."""

import os
import pty
import select
import signal
import subprocess
import time

from support import MFA_CREDS, SECONDS, RealTest

# Means something to one shell or another. AWS grants no such secret, but a file may hold one.
NASTY = r"""a'b"c$(touch pwned)`touch pwned`$HOME;&|<>*?~!%PATH%\^ [x]{1,2} =b:=c 'd' \n ‘e’"""
SECTION = f"""[workhorse]
assumed_role = False
aws_access_key_id = ASIAFAKEFAKEFAKEFAKE
aws_secret_access_key = {NASTY}
aws_session_token = =FakeToken:=x
aws_security_token = =FakeToken:=x
expiration = 2099-01-01 00:00:00
"""
LONG_TERM = """[workhorse-long-term]
aws_access_key_id = AKIAFAKEFAKEFAKEFAKE
aws_secret_access_key = FakeSecret
aws_mfa_device = arn:aws:iam::123456789012:mfa/workhorse
"""
POSIX = 'set -eu; eval "$("$MFA_CREDS" export -p workhorse)"; exec env'
FISH = "$MFA_CREDS export -p workhorse --format fish | source; and exec env"

UNSET = 'set -eu; eval "$("$MFA_CREDS" export -p workhorse)"; eval "$("$MFA_CREDS" export --unset)"; exec env'
UNSET_FISH = (
    "$MFA_CREDS export -p workhorse --format fish | source; "
    "$MFA_CREDS export --unset --format fish | source; and exec env"
)


class Shells(RealTest):
    def setUp(self):
        super().setUp()
        self.credentials.write_text(LONG_TERM + SECTION)
        programs = self.home / "bin"
        programs.mkdir()
        (programs / "mfa-creds").symlink_to(MFA_CREDS)
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{programs}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "MFA_CREDS": MFA_CREDS,
        }

    def takes_it_as_it_is(self, *command):
        stale = {"AWS_PROFILE": "other", "AWS_SECURITY_TOKEN": "stale"}
        done = subprocess.run(
            command, env=self.environment | stale, cwd=self.home, capture_output=True, timeout=SECONDS, check=True
        )
        self.assertEqual(done.stderr, b"")
        variables = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if line.startswith("AWS_"))
        self.assertEqual(
            variables,
            {
                "AWS_ACCESS_KEY_ID": "ASIAFAKEFAKEFAKEFAKE",
                "AWS_SECRET_ACCESS_KEY": NASTY,
                "AWS_SESSION_TOKEN": "=FakeToken:=x",
                "AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00Z",
            },
        )
        self.assertFalse((self.home / "pwned").exists())

    def test_each_takes_it_back(self):
        for command in (
            ["bash", "--norc", "-c", UNSET],
            ["dash", "-c", UNSET],
            ["zsh", "-f", "-c", UNSET],
            ["fish", "--no-config", "-c", UNSET_FISH],
        ):
            with self.subTest(command[0]):
                done = subprocess.run(
                    command, env=self.environment, cwd=self.home, capture_output=True, timeout=SECONDS, check=True
                )
                self.assertEqual(done.stderr, b"")
                self.assertNotRegex(done.stdout, rb"(?m)^AWS_")

    def test_bash_takes_it_as_it_is(self):
        self.takes_it_as_it_is("bash", "--norc", "-c", POSIX)

    def test_dash_takes_it_as_it_is(self):
        self.takes_it_as_it_is("dash", "-c", POSIX)

    def test_zsh_takes_it_as_it_is(self):
        self.takes_it_as_it_is("zsh", "-f", "-c", POSIX)

    def test_fish_takes_it_as_it_is(self):
        self.takes_it_as_it_is("fish", "--no-config", "-c", FISH)

    def completes(self, shell, *setup, then="&&"):
        """Presses the key on a terminal, and runs what comes of it: only the whole name is a valid profile."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.home)
            os.execvpe(shell[0], shell, self.environment)
        try:
            for line in setup:
                os.write(terminal, f"{line}\n".encode())
            os.write(terminal, b"echo REA'DY'\n")
            self.wait_for(terminal, b"READY")
            os.write(terminal, b"mfa-creds status --check -p work\t")
            self.wait_for(terminal, b"horse")  # drawn letter by letter in some
            os.write(terminal, f" {then} echo COMP'LETED'\n".encode())
            self.wait_for(terminal, b"COMPLETED")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(terminal)

    def wait_for(self, terminal, text):
        seen, deadline = b"", time.monotonic() + SECONDS
        while text not in seen:
            ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
            self.assertTrue(ready, f"{text} did not come: {seen}")
            part = os.read(terminal, 4096)
            # elvish wants to know where the cursor is before it begins.
            if b"\x1b[6n" in part:
                os.write(terminal, b"\x1b[1;1R")
            seen += part

    def test_bash_completes_profiles(self):
        self.completes(["bash", "--norc", "--noprofile", "-i"], "source <(mfa-creds completions bash)")

    def test_zsh_completes_profiles(self):
        setup = ["autoload -U compinit; compinit -u -D", "source <(mfa-creds completions zsh)"]
        self.completes(["zsh", "-f", "-i"], *setup)

    def test_fish_completes_profiles(self):
        self.completes(["fish", "--no-config"], "mfa-creds completions fish | source")

    def test_elvish_completes_profiles(self):
        self.completes(["elvish", "-norc"], "eval (mfa-creds completions elvish | slurp)", then=";")

    def test_man_reads_the_pages(self):
        pages = [([], b"OPTIONS"), (["export"], b"OPTIONS"), (["roles"], b"source_profile"), (["reference"], b"Settings")]
        for arguments, holding in pages:
            page = subprocess.run([MFA_CREDS, "man", *arguments], env=self.environment, capture_output=True, check=True).stdout
            done = subprocess.run(
                ["man", "--warnings", "-l", "-"], input=page, env=self.environment, capture_output=True, check=True
            )
            self.assertEqual(done.stderr, b"")
            self.assertIn(holding, done.stdout)
