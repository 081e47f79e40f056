"""The guide for administrators: each command is run as it stands there, and says what stands there."""

import pathlib
import re

from support import CLIENTS, CODE, MFA_CREDS, RealTest, Server
from test_keychain import Desktop

GUIDE = pathlib.Path(__file__).parents[2] / "src/guide/administrators.md"


def blocks(heading):
    """The commands under a heading, each with the lines that follow it."""
    text = GUIDE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command, said in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE):
            yield command, said


def plain(text):
    """Without what is another each time."""
    text = re.sub(r"AKIA(?:…|[A-Z0-9]{16})", "AKIA…", text)
    text = re.sub(r"\d{12}", "123456789012", text)
    text = re.sub(r"the report is .* old", "the report is 20 s old", text)
    text = re.sub(r"\): \d{6}$|(?<=code): \d{6}$", ": CODE", text, flags=re.MULTILINE)
    text = re.sub(r"until .*", "until …", text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def as_pattern(said):
    """What matches a whole screen like that. A line with nothing but three dots stands for whatever does not fit a guide."""
    parts = map(re.escape, re.split(r"^…\n", said, flags=re.MULTILINE))
    return r"\A" + r"(?:.*\n)*?".join(parts) + r"\Z"


class Chapter(RealTest):
    server = Server("ACCOUNT")

    def setUp(self):
        super().setUp()
        programs = self.home / "bin"
        programs.mkdir()
        (programs / "mfa-creds").symlink_to(MFA_CREDS)
        aws = programs / "aws"
        aws.write_text(f'#!/bin/sh\nexec "{CLIENTS}/python" "{CLIENTS}/aws" "$@"\n')
        aws.chmod(0o700)
        self.clean |= {
            "PATH": f"{programs}:/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self.server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "TZ": "CET",
        }
        self.iam = self.server.client("iam")

    def person(self, name, *, key=True, password=True, device=False):
        self.iam.create_user(UserName=name)
        if password:
            self.iam.create_login_profile(UserName=name, Password="Fake-password-1")
        if device:
            self.server.device(name, name)
        if key:
            return self.iam.create_access_key(UserName=name)["AccessKey"]

    def assert_says(self, command, said, status=0, **environment):
        # In the order in which it is said.
        done = self.run_program(["bash", "-c", f"exec 2>&1\n{command}"], **environment)
        self.assertEqual(done.returncode, status, f"{command}: {done.stdout}")
        self.assertEqual(plain(done.stdout), plain(said), command)

    def test_every_command(self):
        admin = self.person("admin", device=True)
        bob = self.person("bob")
        self.person("carol", key=False)
        self.person("ci", password=False)
        self.credentials.write_text(
            f"[admin-long-term]\naws_access_key_id = {admin['AccessKeyId']}\n"
            f"aws_secret_access_key = {admin['SecretAccessKey']}\n"
        )
        self.mfa_creds("-p", "admin", "-q", code=CODE)
        commands = list(blocks("For an administrator"))
        self.assertEqual(len(commands), 6)
        for command, said in commands[:-1]:
            is_audit = " audit " in command
            self.assert_says(command, said, status=1 if is_audit else 0, AWS_PROFILE="admin")
        self.assertEqual(self.iam.list_group_policies(GroupName="people")["PolicyNames"], ["require-mfa", "self-service"])
        self.assertEqual([user["UserName"] for user in self.iam.get_group(GroupName="people")["Users"]], ["bob"])
        self.act_out_the_user(bob)
        # Some days later.
        self.assert_says(*commands[-1])
        for command, said in blocks("The policies"):
            self.assert_says(command, said)

    def act_out_the_user(self, bob):
        self.clean |= self.enterContext(Desktop(self.home)).address
        answers = {
            "setup": [
                ("Profile name to", "\r"),
                ("aws_access_key_id", f"{bob['AccessKeyId']}\r"),
                ("aws_secret_access_key", f"{bob['SecretAccessKey']}\r"),
                ("Check the keys with AWS?", "y\r"),
                ("MFA device (optional)", "\r"),
            ],
            "device enroll": [
                ("Current code", "492039\r"),
                ("Next code", "287922\r"),
                ("Write it to [work-long-term]?", "y\r"),
            ],
            "-p work": [("MFA code for", "060115\r")],
            "rotate": [],
        }
        for command, said in blocks("For a user"):
            [(_, typed)] = [item for item in answers.items() if command.startswith(f"mfa-creds {item[0]}")]
            if command == "mfa-creds -p work":
                # AWS takes the code of the enrolment once only; moto gives a session for it, too.
                self.sessions.unlink()
            with self.on_terminal(*command.split()[1:]) as terminal:
                for question, answer in typed:
                    terminal.wait_for(question)
                    terminal.type(answer)
                status, screen = terminal.end()
            self.assertEqual(status, 0, screen)
            screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.replace(str(self.home), "~"))
            # What is left of a line that was drawn again.
            screen = "".join(line.rstrip("\r").split("\r")[-1] + "\n" for line in screen.split("\n")[:-1])
            self.assertRegex(plain(screen), as_pattern(plain(said)), command)
