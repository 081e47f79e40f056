"""What is asked at a console of Windows, and how the answers are read."""

from driving import PROGRAM, Driven

WINDOWS_PROGRAM = "Z:" + PROGRAM.replace("/", "\\")
VALID = "[work] is valid until"


class OnConsole(Driven):
    def test_a_code_is_asked_for_until_it_is_one(self):
        console = self.on_console(PROGRAM, "-p", "work")
        console.expect(self.prompt)
        console.type("12345\r")
        console.expect("error: a code is six digits\n")
        console.expect(self.prompt)
        # What is erased is not part of it.
        console.type("9\x7f" + self.code() + "\r")
        console.expect(VALID)
        self.assertEqual(console.end()[1], 0)
        self.assertIn("[work]\n", self.file.read_text())

    def test_a_wrong_code_is_asked_for_again(self):
        console = self.on_console(PROGRAM, "-p", "work")
        console.expect(self.prompt)
        console.type("000000\r")
        console.expect("error: AWS refused the code for device")
        console.expect(self.prompt)
        console.type(self.code() + "\r")
        console.expect(VALID)
        self.assertEqual(console.end()[1], 0)

    def test_the_console_is_asked_whatever_is_redirected(self):
        console = self.on_console("cmd", "/c", f"{WINDOWS_PROGRAM} -p work 2>log <NUL")
        shown = console.expect(self.prompt)
        self.assertNotIn("there are no credentials", shown)
        console.type(self.code() + "\r")
        self.assertEqual(console.end()[1], 0)
        self.assertIn(VALID, (self.home / "log").read_text())

    def test_the_console_is_asked_on_demand_where_everything_is_redirected(self):
        line = f"{WINDOWS_PROGRAM} -p work --prompt terminal >out 2>log <NUL"
        console = self.on_console("cmd", "/c", line)
        console.expect(self.prompt)
        console.type(self.code() + "\r")
        self.assertEqual(console.end()[1], 0)
        self.assertIn(VALID, (self.home / "log").read_text())

    def test_nobody_who_answers_is_an_error_on_a_line_of_its_own(self):
        console = self.on_console(PROGRAM, "-p", "work", "--prompt-timeout", "1")
        console.expect(self.prompt)
        rest, code = console.end()
        self.assertRegex(rest, r"^ *\n+error: nobody answered within 1 s\nhint: run the command again; --prompt-timeout 10m gives more time\n$")
        self.assertEqual(code, 3)

    def test_ctrl_c_ends_it_without_a_word(self):
        console = self.on_console(PROGRAM, "-p", "work")
        console.expect(self.prompt)
        console.type("\x03")
        # On Windows the exit code is 0xC000013A, the system's own for Ctrl-C. In Wine it is 0.
        rest, _ = console.end()
        self.assertNotIn("error", rest)
        self.assertEqual(self.file.read_text(), self.credentials)

    def test_an_item_of_a_list_is_picked_with_the_arrow_keys(self):
        other = self.credentials.replace("[work-", "[home-")
        self.file.write_text(other + self.credentials)
        console = self.on_console(PROGRAM)
        console.expect("Which profile?")
        console.expect("work")
        console.type("\x1b[B\r")
        console.expect("renewing [work]: there are no credentials yet")
        console.expect(self.prompt)
        console.type(self.code() + "\r")
        console.expect(VALID)

    def test_a_secret_is_not_shown_as_it_is_typed(self):
        self.file.unlink()
        console = self.on_console(PROGRAM, "setup", "--profile", "work")
        console.expect("Profile name")
        console.type("\r")
        console.expect("aws_access_key_id:")
        number = self.credentials.partition("AKIAFAKEUSER")[2][:8]
        console.type(f"AKIAFAKEUSER{number}\r")
        console.expect("aws_secret_access_key (not shown):")
        console.type(f"FakeSecretOfUser{number}/NotReal+FakeFax\x7fk\r")
        # The next question.
        shown = console.expect(":")
        self.assertNotIn("FakeSecret", shown)
        self.assertNotIn("*", shown)
        console.type("\x03")
        self.assertNotIn("FakeSecret", console.end()[0])

    def test_a_command_that_prints_the_code_may_ask_at_the_console(self):
        # cmd's own question, at its standard input, which is the console here, and shown on standard error.
        command = f'set /p code="touch it: " >&2 & echo {self.code()}'
        (self.home / "ask.cmd").write_text(f"@echo off\r\n{command}\r\n")
        console = self.on_console("cmd", "/c", f"{WINDOWS_PROGRAM} -p work --mfa-process ask.cmd 2>log <NUL")
        console.expect("touch it:")
        console.type("yes\r")
        self.assertEqual(console.end()[1], 0)
        self.assertIn(VALID, (self.home / "log").read_text())
