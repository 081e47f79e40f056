"""The window that asks for the code on Windows, where there is no console or `--prompt gui` is wanted."""

import contextlib
import subprocess
import time

from driving import PATIENCE, PROGRAM, Driven

NO_WINDOW = (
    "error: an MFA code is needed, and no program can ask for it in a window\n"
    "hint: run the command once in a terminal\n"
)
NOTHING_TYPED = "error: nothing was typed\nhint: run the command again, and answer the prompt\n"


def xdotool(*arguments):
    return subprocess.run(["xdotool", *arguments], capture_output=True, text=True, check=False).stdout


def wait_for_window(at_least=0):
    """The ID of the window, once it is there, so high, and has been given the keyboard."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for window in xdotool("search", "--onlyvisible", "--name", "^mfa-creds$").split():
            # It may be closed in the meantime.
            with contextlib.suppress(KeyError):
                if height(window) >= at_least:
                    time.sleep(0.5)
                    return window
        time.sleep(0.1)
    raise AssertionError("there is no window")


def height(window):
    lines = xdotool("getwindowgeometry", "--shell", window).splitlines()
    return int(dict(line.split("=") for line in lines)["HEIGHT"])


def answer(text):
    xdotool("type", text)
    xdotool("key", "Return")


class Window(Driven):
    def ended(self, run):
        """The messages of a run but its first one, and its exit code."""
        _, messages = run.communicate(timeout=PATIENCE)
        begin = "renewing [work]: there are no credentials yet\n"
        self.assertTrue(messages.startswith(begin), messages)
        return messages.removeprefix(begin), run.returncode

    def test_a_code_is_typed_where_there_is_no_console(self):
        run = self.without_console("-p", "work")
        wait_for_window()
        answer(self.code())
        messages, code = self.ended(run)
        self.assertRegex(messages, r"^\[work\] is valid until .*\n$")
        self.assertEqual(code, 0)

    def test_a_window_is_opened_on_demand_where_there_is_a_console(self):
        console = self.on_console(PROGRAM, "-p", "work", "--prompt", "gui")
        wait_for_window()
        answer(self.code())
        console.expect("[work] is valid until")
        self.assertEqual(console.end()[1], 0)

    def test_what_was_wrong_is_in_the_next_window(self):
        run = self.without_console("-p", "work")
        usual = height(wait_for_window())
        answer("000000")
        # Its text cannot be read from here. It is two lines longer at least. Its ID may be the same.
        wait_for_window(at_least=usual + 20)
        answer(self.code())
        messages, code = self.ended(run)
        self.assertRegex(messages, r"^\[work\] is valid until .*\n$")
        self.assertEqual(code, 0)

    def test_a_window_that_is_closed_is_a_person_who_said_no(self):
        for key in ("Escape", "alt+F4"):
            with self.subTest(key):
                run = self.without_console("-p", "work")
                wait_for_window()
                xdotool("key", key)
                self.assertEqual(self.ended(run), (NOTHING_TYPED, 3))
        self.assertEqual(self.file.read_text(), self.credentials)

    def test_the_second_button_cancels(self):
        run = self.without_console("-p", "work")
        wait_for_window()
        xdotool("type", "123456")
        xdotool("key", "Tab", "Tab", "space")
        self.assertEqual(self.ended(run), (NOTHING_TYPED, 3))

    def test_a_window_that_nobody_answers_closes_by_itself(self):
        run = self.without_console("-p", "work", "--prompt-timeout", "2")
        messages, code = self.ended(run)
        self.assertEqual(
            messages,
            "error: nobody answered within 2 s\nhint: run the command again; --prompt-timeout 10m gives more time\n",
        )
        self.assertEqual(code, 3)
        self.assertEqual(xdotool("search", "--onlyvisible", "--name", "^mfa-creds$"), "")

    def test_no_window_is_opened_if_asking_is_forbidden_or_only_the_terminal_is_wanted(self):
        for prompt, why in [
            ("terminal", "there is no terminal to ask for it"),
            ("none", "--prompt none forbids asking"),
        ]:
            run = self.without_console("-p", "work", "--prompt", prompt)
            _, messages = run.communicate(timeout=PATIENCE)
            self.assertIn(f"error: an MFA code is needed, and {why}\n", messages)
            self.assertEqual(run.returncode, 3)

    def test_a_window_that_cannot_be_opened_is_an_error_like_others(self):
        no_display = {name: value for name, value in self.environment().items() if name != "DISPLAY"}
        run = self.without_console("-p", "work", "--prompt", "gui", environment=no_display)
        self.assertEqual(self.ended(run), (NO_WINDOW, 3))
