"""The Windows program under Wine, as a person meets it: on a console, which is a pty here, or with a window on a display.

These are not tests of cargo: those run inside of Windows, where a test can neither hold the keyboard of a display nor be the
terminal that Wine draws a console on.
"""

import os
import pty
import re
import select
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

PROGRAM = os.environ["MFA_CREDS"]
WINE = os.environ["WINE"]
PATIENCE = 30
DEVICES = "arn:aws:iam::123456789012:mfa/"
# What moves the cursor, hides it or colors.
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class StandIn:
    """The server that stands in for AWS. Each test is a user of its own, so that no code is used twice."""

    def __init__(self):
        self.users = 0
        self.server = subprocess.Popen(
            [os.environ["STAND_IN"], "--users", "40"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.settings = {}
        for line in self.server.stdout:
            name, _, value = line.strip().partition("=")
            self.settings[name] = value
            if name == "AWS_MFA_SERIAL":
                break

    def code(self, device):
        self.server.stdin.write(f"{device}\n")
        self.server.stdin.flush()
        return self.server.stdout.readline().strip()

    def end(self):
        self.server.stdin.close()
        self.server.stdout.close()
        self.server.wait()


class Driven(unittest.TestCase):
    """A test with a throwaway home, where `[work]` has the keys of a user that nobody else is."""

    stand_in = None

    @classmethod
    def setUpClass(cls):
        if Driven.stand_in is None:
            Driven.stand_in = StandIn()
            unittest.addModuleCleanup(cls.forget_stand_in)

    @classmethod
    def forget_stand_in(cls):
        Driven.stand_in.end()
        Driven.stand_in = None

    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = Path(home.name)
        self.stand_in.users += 1
        number = f"{self.stand_in.users:08}"
        self.device = f"{DEVICES}user-{self.stand_in.users}"
        self.prompt = f"Enter AWS MFA code for device [{self.device}] (renewing for 43200 seconds):"
        self.credentials = (
            "[work-long-term]\n"
            f"aws_access_key_id = AKIAFAKEUSER{number}\n"
            f"aws_secret_access_key = FakeSecretOfUser{number}/NotReal+FakeFak\n"
            f"aws_mfa_device = {self.device}\n"
        )
        self.file = self.home / "credentials"
        self.file.write_text(self.credentials)

    def code(self):
        return self.stand_in.code(self.device)

    def environment(self):
        """Without any setting of whoever runs the tests. Wine sets the home directory of Windows by itself."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "WINEPREFIX", "DISPLAY") if name in os.environ}
        return kept | {
            "WINEDEBUG": "-all",
            "TERM": "xterm",
            "NO_COLOR": "1",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.file),
            "AWS_CONFIG_FILE": str(self.home / "config"),
            "AWS_ENDPOINT_URL_STS": self.stand_in.settings["AWS_ENDPOINT_URL_STS"],
            "AWS_ENDPOINT_URL_IAM": self.stand_in.settings["AWS_ENDPOINT_URL_IAM"],
        }

    def without_console(self, *arguments, environment=None):
        """A run with redirected streams, as of a program with windows."""
        return subprocess.Popen(
            [WINE, PROGRAM, *arguments],
            cwd=self.home,
            env=environment or self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def on_console(self, *command):
        console = Console(command, self.home, self.environment())
        self.addCleanup(console.close)
        return console


class Console:
    """A console of Windows, drawn on a pty."""

    def __init__(self, command, directory, environment):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(directory)
            # Before Wine reads it. Lines are not wrapped.
            termios.tcsetwinsize(0, (30, 200))
            os.execve(WINE, [WINE, *command], environment)
        self.shown = ""

    def read(self):
        """More of what is shown, after a while; None at the end."""
        if not select.select([self.terminal], [], [], 0.1)[0]:
            return ""
        try:
            return os.read(self.terminal, 4096).decode(errors="replace") or None
        except OSError:
            return None

    def expect(self, text):
        """Waits until a text is shown, and returns all that is shown up to there, as plain text."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            plain = SEQUENCE.sub("", self.shown).replace("\r", "")
            if text in plain:
                before, found, self.shown = plain.partition(text)
                return before + found
            more = self.read()
            if more is None:
                break
            self.shown += more
        raise AssertionError(f"{text!r} is not in {self.shown!r}")

    def type(self, text):
        """Types it as soon as Wine reads keys: before that, the terminal itself would show it."""
        end = time.monotonic() + PATIENCE
        while termios.tcgetattr(self.terminal)[3] & termios.ECHO and time.monotonic() < end:
            time.sleep(0.02)
        os.write(self.terminal, text.encode())

    def end(self):
        """The rest of what is shown, and the exit code."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            more = self.read()
            if more is None:
                break
            self.shown += more
        rest = SEQUENCE.sub("", self.shown).replace("\r", "")
        _, status = os.waitpid(self.process, 0)
        self.process = None
        return rest, os.waitstatus_to_exitcode(status)

    def close(self):
        os.close(self.terminal)
        if self.process is not None:
            os.kill(self.process, 9)
            os.waitpid(self.process, 0)
