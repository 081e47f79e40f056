"""Where codes come from in earnest: programs that make them, that show them, and windows that ask for them.

The stand-in of the project verifies the codes, and takes each once, as AWS does.
"""

import itertools
import os
import pathlib
import re
import select
import signal
import subprocess
import time

from support import MFA_CREDS, SECONDS, RealTest, Recorder, StandIn, Xvfb, long_term

HALF_MINUTE = 30
USED = "was already used, and AWS accepts each code only once; the next one comes in "


class CodesTest(RealTest):
    def setUp(self):
        super().setUp()
        self.stand_in = self.enterContext(StandIn())
        self.user = self.stand_in.user
        self.recorder = self.enterContext(Recorder(self.stand_in))
        self.endpoint = {"AWS_ENDPOINT_URL": self.recorder.url}

    def configure(self, process=None):
        line = f"mfa_process = {process}\n" if process else ""
        self.credentials.write_text(long_term(self.user).decode().rstrip() + f"\n{line}")

    def assert_sessions(self, count):
        self.assertEqual(self.recorder.calls, [("GetSessionToken", self.user.key)] * count)


def early_in_the_half_minute(seconds=8):
    """Lets what follows see one and the same code."""
    left = HALF_MINUTE - time.time() % HALF_MINUTE
    if left < seconds:
        time.sleep(left)


def oathtool(seed):
    command = ["/usr/bin/oathtool", "--totp", "-b", seed]
    return subprocess.run(command, env={}, capture_output=True, check=True, timeout=SECONDS, text=True).stdout.strip()


class Oathtool(CodesTest):
    def test_a_code_that_was_used_is_waited_out(self):
        seed = self.stand_in.seed
        self.configure(f"oathtool --totp -b {seed}")
        early_in_the_half_minute()
        self.mfa_creds("-p", "p", **self.endpoint)
        first = self.assert_written(seconds=43200)
        self.assert_sessions(1)
        begin = time.time()
        messages = self.mfa_creds("-p", "p", "--force", **self.endpoint)
        told = re.findall(rf"(?m)^the code from mfa_process of \[p-long-term\] .* {USED}\d+ s$", messages)
        self.assertEqual(len(told), 1, messages)
        self.assertNotIn(seed, messages)
        # It has waited until there was another one, and no longer.
        self.assertEqual(time.time() // HALF_MINUTE, begin // HALF_MINUTE + 1)
        self.assertLess(time.time() % HALF_MINUTE, 5)
        self.assertNotEqual(self.assert_written(seconds=43200), first)
        # The used one was not sent in vain.
        self.assert_sessions(2)


class PasswordStore(CodesTest):
    """pass, with a key that needs no passphrase."""

    def setUp(self):
        super().setUp()
        keys = self.home / "gnupg"
        keys.mkdir(mode=0o700)
        self.clean["GNUPGHOME"] = str(keys)
        # It ends the agent that gpg starts for this directory.
        self.addCleanup(self.run_program, ["gpgconf", "--kill", "gpg-agent"])
        generate = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "me@example.com"]
        self.succeed(*generate, "future-default", "default", "never")
        self.succeed("pass", "init", "me@example.com")
        uri = f"otpauth://totp/Amazon%20Web%20Services:alice@123456789012?secret={self.stand_in.seed}"
        self.succeed("pass", "otp", "insert", "aws", code=uri)
        self.configure("pass otp aws")

    def succeed(self, *command, code=None):
        done = self.run_program(command, code)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")

    def test_without_a_terminal(self):
        self.mfa_creds("-p", "p", **self.endpoint)
        self.assert_written(seconds=43200)
        self.assert_sessions(1)

    def test_on_a_terminal(self):
        with self.on_terminal("-p", "p", **self.endpoint) as terminal:
            status, screen = terminal.end()
        self.assertEqual(status, 0, screen)
        self.assertNotIn("Enter AWS MFA code", screen)
        self.assert_written(seconds=43200)
        self.assert_sessions(1)


class OfACommand(CodesTest):
    def test_a_command_may_use_the_terminal(self):
        """As one that asks for a touch does, also where the messages go elsewhere."""
        self.configure("printf 'Touch %s: ' \"$MFA_DEVICE\" >&2; read -r code; echo \"$code\"")
        with (self.home / "messages").open("wb") as messages:
            with self.on_terminal("-p", "p", stderr=messages, **self.endpoint) as terminal:
                terminal.wait_for(f"Touch {self.user.device}: ")
                terminal.type(f"{self.stand_in.code()}\n")
                status, screen = terminal.end()
        messages = (self.home / "messages").read_text()
        self.assertEqual(status, 0, messages)
        self.assertRegex(messages, r"(?m)^\[p\] is valid until ")
        self.assertNotIn("Touch", messages)
        self.assertNotIn("is valid", screen)
        self.assert_written(seconds=43200)
        self.assert_sessions(1)

    def test_without_a_terminal_a_command_can_ask_nothing(self):
        """The control of the test above: there is nothing to read, not even what is piped in."""
        self.configure("read -r code; echo \"$code\"")
        messages = self.mfa_creds("-p", "p", exit=1, code=self.stand_in.code(), **self.endpoint)
        self.assertIn("does not print six digits\n", messages)
        self.assert_sessions(0)


class Picture(CodesTest):
    def test_a_device_from_its_picture_to_its_session(self):
        self.configure()
        # A user who has a device needs a session to get a second one.
        self.mfa_creds("-p", "p", MFA_TOKEN=self.stand_in.code(), **self.endpoint)
        new = "arn:aws:iam::123456789012:mfa/qr"
        command = ["device", "enroll", "-p", "p", "--name", "qr", "--show-secret"]
        with self.on_terminal(*command, **self.endpoint) as terminal:
            terminal.wait_for("two consecutive codes:\r\n")
            picture = terminal.wait_for("Secret: ").removesuffix("Secret: ")
            seed = terminal.wait_for("\r\n").strip()
            self.assertRegex(seed, r"\A[A-Z2-7]{32,}\Z")
            wanted = f"otpauth://totp/Amazon%20Web%20Services:qr@123456789012?secret={seed}"
            for surround in 0, 255:
                self.assertEqual(self.decoded(picture, surround), wanted, f"on {surround}")
            terminal.wait_for("Current code: ")
            early_in_the_half_minute(4)
            first = oathtool(seed)
            terminal.type(f"{first}\n")
            terminal.wait_for("Next code: ")
            # There is no countdown where the first one may be that of the half minute before; and oathtool asks time(2), which
            # is up to a tick of the kernel behind the exact clock.
            while (second := oathtool(seed)) == first:
                time.sleep(0.2)
            terminal.type(f"{second}\n")
            terminal.wait_for(f"{new} is enabled for alice")
            terminal.wait_for(f"Write it to [p-long-term], replacing {self.user.device}?")
            terminal.type("y\n")
            status, screen = terminal.end()
        self.assertEqual(status, 0, screen)
        self.assertIn(f"\naws_mfa_device = {new}\n", self.credentials.read_text())
        self.assertNotIn(self.user.device, self.credentials.read_text())
        listed = self.run_program([MFA_CREDS, "device", "list", "-p", "p"], **self.endpoint).stdout
        self.assertRegex(listed, rf"(?m)^{self.user.device} +app +\S+$")
        self.assertRegex(listed, rf"(?m)^{new} +app +\S+ +set for this profile$")
        # The codes that have enabled it are used up, so this waits for the next one, and STS takes it at once.
        self.recorder.calls.clear()
        process = f"oathtool --totp -b {seed}"
        messages = self.mfa_creds("-p", "p", "--force", "--mfa-process", process, **self.endpoint)
        self.assertIn(USED, messages)
        self.assertNotIn(seed, messages)
        self.assert_written(seconds=43200)
        self.assert_sessions(1)

    def decoded(self, picture, surround):
        """What a scanner reads on a terminal whose background is black or white."""
        rows = []
        for line in picture.split("\r\n"):
            if not line:
                continue
            self.assertRegex(line, r"\A(?:\x1b\[38;5;(?:16|231);48;5;(?:16|231)m\u2580+)+\x1b\[0m\Z")
            runs = re.findall(r"\x1b\[38;5;(\d+);48;5;(\d+)m(\u2580+)", line)
            for half in 0, 1:  # the upper one is drawn, the lower one is the background
                rows.append(b"".join((b"\0" if run[half] == "16" else b"\xff") * len(run[2]) for run in runs))
        self.assertEqual({len(row) for row in rows}, {len(rows[0])}, "the widths of the lines")
        size, side, around = 6, len(rows[0]) * 6, bytes([surround]) * 60
        lines = (bytes(itertools.chain(*([dot] * size for dot in row))) for row in rows)
        image = b"".join((around + line + around) * size for line in lines)
        above = bytes([surround]) * (side + 120) * 60
        file = self.home / f"{surround}.pgm"
        file.write_bytes(b"P5 %d %d 255\n" % (side + 120, len(rows) * size + 120) + above + image + above)
        done = self.run_program(["zbarimg", "--quiet", "--raw", "--nodbus", file])
        self.assertEqual(done.returncode, 0, f"nothing was read on {surround}: {done.stderr}")
        return done.stdout.strip()


class Display(CodesTest):
    """A display with nobody else on it, and a PATH with nothing but a program that opens windows."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.display = cls.enterClassContext(Xvfb()).display

    def setUp(self):
        super().setUp()
        self.configure()
        self.programs = self.home / "bin"
        self.programs.mkdir()
        # No session bus, and no runtime directory: neither may be needed, nor come from whoever runs the checks.
        self.environment = self.endpoint | {"PATH": str(self.programs), "DISPLAY": self.display, "NO_AT_BRIDGE": "1"}

    def start(self, *arguments):
        """Starts the binary without a terminal."""
        run = subprocess.Popen(
            [MFA_CREDS, "-p", "p", *arguments],
            env={"HOME": str(self.home)} | self.clean | self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.addCleanup(self.end_all, run)
        return run

    @staticmethod
    def end_all(run):
        """Ends what it has started too: all of it is in a session of its own."""
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        run.stdout.close()
        run.stderr.close()

    def end(self, run, status):
        out, messages = run.communicate(timeout=20)
        self.assertEqual(run.returncode, status, messages)
        self.assertEqual(out, "")
        deadline = time.monotonic() + 5
        while self.windows():
            self.assertLess(time.monotonic(), deadline, "windows that were left")
            time.sleep(0.1)
        return messages

    def xdotool(self, *arguments):
        environment = {"DISPLAY": self.display}
        command = ["/usr/bin/xdotool", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, text=True)

    def windows(self, *which):
        return set(self.xdotool("search", "--onlyvisible", *which, "--name", "^mfa-creds$").stdout.split())

    def window(self, run, but=None):
        """Waits for the window of a program other than that one; returns both."""
        deadline = time.monotonic() + 20
        while True:
            for program in children(run.pid) - {but}:
                found = self.windows("--all", "--pid", program)
                self.assertLessEqual(len(found), 1)
                if found:
                    return found.pop(), program
            if run.poll() is not None:
                self.fail(f"it has ended without a window: {run.communicate()}")
            self.assertLess(time.monotonic(), deadline, "no window came")
            time.sleep(0.1)

    def press(self, window, *keys):
        # There is no window manager that would do it.
        self.assertEqual(self.xdotool("windowfocus", "--sync", window).returncode, 0)
        time.sleep(0.3)
        self.assertEqual(self.xdotool("key", "--delay", "30", *keys).returncode, 0)


def children(process):
    """The processes that a process has started, whichever of its threads did."""
    lists = pathlib.Path(f"/proc/{process}/task").glob("*/children")
    return {child for of_thread in lists for child in of_thread.read_text().split()}


class AProgram:
    """What is wanted of every program that asks in a window."""

    grace = 3

    def setUp(self):
        super().setUp()
        (self.programs / self.program).symlink_to(f"/usr/bin/{self.program}")

    def test_a_code_is_typed(self):
        run = self.start()
        window, _program = self.window(run)
        self.press(window, *self.stand_in.code(), "Return")
        self.end(run, 0)
        self.assert_written(seconds=43200)
        self.assert_sessions(1)

    def test_a_refused_code_is_asked_for_again(self):
        run = self.start()
        window, first = self.window(run)
        self.press(window, *f"{(int(self.stand_in.code()) + 1) % 1_000_000:06}", "Return")
        window, second = self.window(run, but=first)
        self.assert_sessions(1)
        self.says_why(second)
        self.press(window, *self.stand_in.code(), "Return")
        self.end(run, 0)
        self.assert_written(seconds=43200)
        self.assert_sessions(2)

    def says_why(self, program):
        words = pathlib.Path(f"/proc/{program}/cmdline").read_bytes().decode()
        self.assertIn(self.program, words)
        self.assertRegex(words, rf"AWS refused .*\nEnter AWS MFA code for device \[{self.user.device}\]")

    def test_escape_is_a_no(self):
        run = self.start()
        window, _program = self.window(run)
        self.press(window, "Escape")
        self.assertRegex(self.end(run, 3), r"(?m)^error: nothing was typed\nhint: .*\n\Z")
        self.assert_sessions(0)

    def test_nobody_answers(self):
        begin = time.monotonic()
        run = self.start("--prompt-timeout", "2")
        self.window(run)
        messages = self.end(run, 3)
        self.assertIn("nobody answered within 2 s\n", messages)
        self.assertGreater(time.monotonic() - begin, 1.9)
        self.assertLess(time.monotonic() - begin, 2 + self.grace)
        self.assert_sessions(0)


class Pinentry(AProgram, Display):
    program = "pinentry-gtk-2"

    def says_why(self, program):
        """What pinentry shows comes through a pipe."""


class Zenity(AProgram, Display):
    program = "zenity"


class KDialog(AProgram, Display):
    program = "kdialog"
    # It knows no timeout of its own, and is given as much longer as the others may need to end by theirs.
    grace = 7


class Windows(Display):
    def test_no_window_where_nobody_may_be_asked(self):
        for program in "pinentry", "pinentry-gtk-2", "zenity", "kdialog":
            path = self.programs / program
            path.write_text('#!/bin/sh\necho "$0" >>"$HOME/called"\nexit 127\n')
            path.chmod(0o700)
        called = self.home / "called"
        for arguments in ["--prompt", "none"], ["--no-input"], ["--prompt", "terminal"]:
            self.assertIn("an MFA code is needed, and ", self.end(self.start(*arguments), 3))
            self.assertFalse(called.exists(), f"a program was called with {arguments}")
        # The control: each of them is asked.
        self.assertIn("no program can ask for it in a window\n", self.end(self.start(), 3))
        names = [pathlib.Path(line).name for line in called.read_text().splitlines()]
        self.assertEqual(names, ["pinentry", "pinentry-gtk-2", "zenity", "kdialog"])

    def test_no_window_without_a_display(self):
        (self.programs / "zenity").symlink_to("/usr/bin/zenity")
        del self.environment["DISPLAY"]
        self.assertIn("there is no terminal to ask for it", self.end(self.start(), 3))
        self.assertIn("there is no display for a window", self.end(self.start("--prompt", "gui"), 3))
