"""`exec` in a console of Windows: Ctrl-C is for the command. Wine's console is in a pseudoterminal. Ctrl-Break is treated in the same
way, but Wine 8 does not deliver it to any program."""

import os
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = os.environ["MFA_CREDS"]
WINE = os.environ["WINE"]

# Prints which event of the console came, cleans up for longer than anybody who does not wait for it, and ends with a code of 32 bits.
PATIENT = r"""
#include <stdio.h>
#include <windows.h>

static volatile LONG event = -1;

static BOOL WINAPI note(DWORD which)
{
    InterlockedExchange(&event, (LONG)which);
    return TRUE;
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    SetConsoleCtrlHandler(note, TRUE);
    puts("ready.");
    for (int tries = 0; event < 0 && tries < 200; tries++)
        Sleep(100);
    printf("event:%ld.\n", event);
    Sleep(1500);
    puts("clean.");
    ExitProcess(0xC0000042);
}
"""
# Runs its arguments, ignores the events that it gets itself, and prints the exit code.
CODE = r"""
#include <stdio.h>
#include <string.h>
#include <windows.h>

static BOOL WINAPI ignore(DWORD which)
{
    return which < 2;
}

int main(void)
{
    STARTUPINFOA start = {sizeof start};
    PROCESS_INFORMATION process;
    char *words = GetCommandLineA();
    DWORD code;
    for (int quoted = 0; *words && (quoted || *words != ' '); words++)
        quoted ^= *words == '"';
    words += strspn(words, " ");
    SetConsoleCtrlHandler(ignore, TRUE);
    if (!CreateProcessA(NULL, words, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process))
        return 99;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    printf("code:%08lx.\n", code);
    return 0;
}
"""
CREDENTIALS = """\
[work]
aws_access_key_id = ASIAFAKEFAKEFAKEFAKE
aws_secret_access_key = secret
aws_session_token = token
expiration = 2099-01-01 00:00:00
[work-long-term]
aws_access_key_id = AKIAFAKEFAKEFAKEFAKE
aws_secret_access_key = secret
aws_mfa_device = arn:aws:iam::123456789012:mfa/alice
"""


def compiled(directory, name, text):
    source = directory / f"{name}.c"
    source.write_text(text)
    program = directory / f"{name}.exe"
    subprocess.run(["x86_64-w64-mingw32-gcc", "-o", program, source], check=True)
    return program


class Console:
    """A program in a console."""

    def __init__(self, words, environment):
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
        )
        os.close(theirs)
        self.terminal, self.drawn = ours, ""

    @property
    def shown(self):
        # Wine draws each character by itself.
        return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", self.drawn)

    def wait_for(self, text, seconds=60):
        until = time.monotonic() + seconds
        while text not in self.shown:
            readable, _, _ = select.select([self.terminal], [], [], max(0, until - time.monotonic()))
            try:
                read = os.read(self.terminal, 4096) if readable else b""
            except OSError:
                read = b""
            if not read:
                raise AssertionError(f"{text!r} is not in {self.shown!r}")
            self.drawn += read.decode(errors="replace")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.terminal)


class Exec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = Path(directory.name)
        (cls.directory / "credentials").write_text(CREDENTIALS)
        cls.patient = compiled(cls.directory, "patient", PATIENT)
        cls.code = compiled(cls.directory, "code", CODE)

    def console(self, *command):
        environment = {
            **os.environ,
            "TERM": "xterm",
            "AWS_SHARED_CREDENTIALS_FILE": f"Z:{self.directory}/credentials",
            "AWS_CONFIG_FILE": f"Z:{self.directory}/config",
        }
        words = [WINE, self.code, PROGRAM, "exec", "-p", "work", "--", *command]
        console = Console([str(word) for word in words], environment)
        self.addCleanup(console.close)
        return console

    def test_control_c_is_for_the_command_which_is_waited_for(self):
        console = self.console(self.patient)
        console.wait_for("ready.")
        console.type("\x03")
        for text in ["event:0.", "clean.", "code:c0000042."]:
            console.wait_for(text)

    def test_a_command_that_control_c_ends_ends_exec(self):
        console = self.console("ping", "-n", "60", "127.0.0.1")
        console.wait_for("127.0.0.1")
        console.type("\x03")
        # Wine 8 gives 0 as the code of a process that Ctrl-C has ended; Windows gives c000013a.
        console.wait_for("code:", seconds=30)


if __name__ == "__main__":
    unittest.main()
