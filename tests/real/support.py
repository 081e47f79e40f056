"""What the checks share: a home of their own, the programs, and the three servers."""

import base64
import dataclasses
import datetime
import fcntl
import functools
import hashlib
import http.client
import http.server
import itertools
import json
import os
import pathlib
import pty
import re
import select
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
import urllib.parse

import boto3

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MFA_CREDS = os.environ["MFA_CREDS"]
CLIENTS = pathlib.Path(sys.prefix, "bin")
CODE = "123456"
COUNTER = itertools.count(1)
SECONDS = 60  # the longest that one program may take

# The credentials files of the checks are private as real ones are; mfa-creds warns of others.
os.umask(0o077)

# What surrounds the section that is written: each line is of a kind that some tool is known to lose.
BEFORE = (
    b"# kept: comments, order, odd spacing, capitals\n"
    b"[other]\n"
    b"aws_access_key_id=AKIAFAKEOTHER0000000\n"
    b"AWS_Secret_Access_Key   =   fake/secret/of/other\n"
    b"; and a second kind of comment\n"
    b"\n\n"
)
AFTER = b"[last]\nregion : eu-west-1\n# the end\n"


@dataclasses.dataclass(frozen=True)
class User:
    """A user with long-term keys, as a server made it."""

    arn: str
    key: str
    secret: str
    device: str | None


class Server:
    """One of the servers, and what an administrator does there."""

    def __init__(self, variable):
        self.url = os.environ[variable]

    @functools.cache
    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def user(self, name, may, device=True):
        """Makes a user who may do what is said (a list of IAM actions), with a device of the same name or without."""
        iam = self.client("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        device = self.device(name, name) if device else None
        statement = {"Effect": "Allow", "Action": may, "Resource": "*"}
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy(statement))
        return User(arn, key["AccessKeyId"], key["SecretAccessKey"], device)

    def device(self, user, name):
        """Makes a device that is enabled for a user, and returns its ARN. The servers take any codes."""
        iam = self.client("iam")
        serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=user, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )
        return serial

    def role(self, name, principal, may=()):
        """Makes a role that the user or role with this ARN may assume, and returns its ARN."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}
        created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        if may:
            statement = {"Effect": "Allow", "Action": may, "Resource": "*"}
            iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy(statement))
        return created["Role"]["Arn"]


class Recorder(http.server.ThreadingHTTPServer):
    """Stands before a server, hands on every call as it is, and knows what was called with which access key ID."""

    request_queue_size = 64

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), Recording)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.behind = urllib.parse.urlsplit(server.url).netloc
        self.calls = []
        self.parameters = []  # of each call
        self.granted = []  # the access key ids of the sessions
        self.seconds_to_grant = 0

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Recording(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parameters = dict(urllib.parse.parse_qsl(body.decode()))
        action = parameters["Action"]
        key = re.search(r"Credential=([^/]+)/", self.headers["Authorization"])[1]
        self.server.calls.append((action, key))
        self.server.parameters.append(parameters)
        # The signature covers the headers, the Host too.
        behind = http.client.HTTPConnection(self.server.behind, timeout=SECONDS)
        behind.request("POST", self.path, body, dict(self.headers))
        answer = behind.getresponse()
        content = answer.read()
        behind.close()
        if action == "GetSessionToken":
            self.server.granted += re.findall(r"<AccessKeyId>([^<]+)<", content.decode())
            time.sleep(self.server.seconds_to_grant)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class StandIn:
    """The stand-in as a program of its own, with what it says of alice."""

    def __init__(self, *arguments):
        self.command = [os.environ["STAND_IN"], *(arguments or ["127.0.0.1:0"])]

    def __enter__(self):
        self.program = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={}
        )
        told = dict(self.line().split("=", 1) for _ in range(6 if "--tls" in self.command else 5))
        self.url = told["AWS_ENDPOINT_URL_STS"]
        device = told["AWS_MFA_SERIAL"]
        key, secret = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
        self.user = User(device.replace(":mfa/", ":user/"), key, secret, device)
        self.seed = base64.b32encode(hashlib.sha256(f"fake seed of {device}".encode()).digest()[:20]).decode()
        return self

    def __exit__(self, *_):
        # The end of its input ends it.
        self.program.stdin.close()
        try:
            self.program.wait(10)
        finally:
            self.program.kill()
            self.program.wait()
            self.program.stdout.close()

    def line(self):
        assert select.select([self.program.stdout], [], [], SECONDS)[0], "the stand-in says nothing"
        return self.program.stdout.readline().decode().strip()

    def code(self):
        """A fresh code of alice's device."""
        self.program.stdin.write(b"\n")
        return self.line()

    def login(self, *who):
        """Signs somebody in as `aws login` does: the session, the name of the cache file, and what is in it."""
        self.program.stdin.write(f"login {' '.join(who)}\n".encode())
        return json.loads(self.line())


class Xvfb:
    """A display with nobody on it."""

    def __enter__(self):
        reading, writing = os.pipe()
        self.server = subprocess.Popen(
            # Without -noreset it begins anew whenever its last client goes, and drops who comes meanwhile.
            ["/usr/bin/Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with open(reading) as pipe:
            assert select.select([pipe], [], [], SECONDS)[0], "Xvfb does not start"
            self.display = f":{pipe.readline().strip()}"
        return self

    def __exit__(self, *_):
        self.server.terminate()
        try:
            self.server.wait(10)
        finally:
            self.server.kill()
            self.server.wait()


class Terminal:
    """A program on a terminal of its own, and the person before it. On leaving, the program has ended."""

    def __init__(self, command, environment, home, stderr=None):
        self.ours, theirs = pty.openpty()
        # So large that a QR code has room.
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
        try:
            self.program = subprocess.Popen(
                # It makes its standard input the terminal of a new session, and becomes the program.
                ["/usr/bin/setsid", "--ctty", *command],
                env=environment | {"TERM": "xterm-256color"},
                cwd=home,
                stdin=theirs,
                stdout=theirs,
                stderr=stderr or theirs,
            )
        finally:
            os.close(theirs)
        self.screen = b""
        self.looked_at = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        os.close(self.ours)

    def wait_for(self, text):
        """Waits until the program has shown a text after the last one; returns what it showed up to there."""
        deadline = time.monotonic() + SECONDS
        while (place := self.screen.find(text.encode(), self.looked_at)) < 0:
            assert self.read(deadline), f"{text!r} did not come: {self.screen.decode()!r}"
        before, self.looked_at = self.looked_at, place + len(text.encode())
        return self.screen[before : self.looked_at].decode()

    def type(self, text):
        os.write(self.ours, text.encode())

    def end(self):
        """Waits until the program has ended; returns its exit status and everything that it showed."""
        deadline = time.monotonic() + SECONDS
        while self.read(deadline):
            pass
        return self.program.wait(max(1, deadline - time.monotonic())), self.screen.decode()

    def read(self, deadline):
        ready, _, _ = select.select([self.ours], [], [], max(0, deadline - time.monotonic()))
        try:
            part = os.read(self.ours, 65536) if ready else b""
        except OSError:  # nobody has the other end any more
            part = b""
        self.screen += part
        return part


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def unique(name):
    """The servers live as long as the run, so names must not meet."""
    return f"{name}{next(COUNTER)}"


def snippet(guide, heading, language, holding=""):
    """The one code block below a heading of a guide, or above all of them, that holds a text."""
    text = (ROOT / "src" / "guide" / f"{guide}.md").read_text()
    section = (text.split(f"\n## {heading}\n")[1] if heading else text).split("\n## ")[0]
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    fitting = [block for block in blocks if holding in block]
    assert len(fitting) == 1, f"{len(fitting)} blocks of {language} below {heading!r} of {guide} hold {holding!r}"
    return fitting[0]


def long_term(user, section="p-long-term", device=True):
    lines = [f"[{section}]", f"aws_access_key_id = {user.key}", f"aws_secret_access_key = {user.secret}"]
    if device and user.device:
        lines.append(f"aws_mfa_device = {user.device}")
    return "\n".join([*lines, "", ""]).encode()


class RealTest(unittest.TestCase):
    """A temporary home for each test; every program runs in it with a cleared environment."""

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.credentials = self.home / ".aws" / "credentials"
        self.credentials.parent.mkdir(mode=0o700)
        self.config = self.credentials.with_name("config")
        self.sessions = self.credentials.parent / ".mfa-creds" / "credentials.sessions"
        # A server that nobody may call: its queue says afterwards whether anyone tried.
        self.nobody = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.nobody.setblocking(False)
        self.nobody_url = f"http://127.0.0.1:{self.nobody.getsockname()[1]}"

        self.clean = {
            "PATH": "/usr/bin:/bin",
            "USER": "tester",
            "LC_ALL": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run_program(self, command, code=None, **environment):
        source = {"input": f"{code}\n".encode()} if code else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(
            [str(part) for part in command],
            env={"HOME": str(self.home)} | self.clean | environment,
            cwd=self.home,
            capture_output=True,
            timeout=SECONDS,
            start_new_session=True,  # without the terminal that the checks may be run from
            **source,
        )
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def mfa_creds(self, *arguments, exit=0, code=None, program=MFA_CREDS, **environment):
        """Runs the binary. Nothing may be on stdout, no secret anywhere: that holds for every run."""
        secrets = self.secrets()
        done = self.run_program([program, *arguments], code, **environment)
        self.assertEqual(done.returncode, exit, f"exit status of {arguments}: {done.stderr}")
        self.assertEqual(done.stdout, "", f"stdout of {arguments}")
        for secret in secrets | self.secrets():
            self.assertNotIn(secret, done.stderr, f"a secret in the messages of {arguments}")
        return done.stderr

    def on_terminal(self, *arguments, stderr=None, **environment):
        """Runs the binary on a terminal."""
        environment = {"HOME": str(self.home), "NO_COLOR": "1"} | self.clean | environment
        return Terminal([MFA_CREDS, *arguments], environment, self.home, stderr)

    def mfa_creds_without_network(self, *arguments, **environment):
        """Runs the binary where its endpoint counts the calls, and wants none, and the file as it was."""
        before = self.credentials.read_bytes()
        messages = self.mfa_creds(*arguments, AWS_ENDPOINT_URL=self.nobody_url, **environment)
        self.assertRaises(BlockingIOError, self.nobody.accept)
        self.assertEqual(self.credentials.read_bytes(), before)
        return messages

    def aws(self, url, *arguments, exit=0, **environment):
        """Runs the AWS CLI, and returns its JSON, or its messages where it is to fail."""
        environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url} | environment
        done = self.run_program([CLIENTS / "python", CLIENTS / "aws", "--output", "json", *arguments], **environment)
        self.assertEqual(done.returncode, exit, f"aws {arguments}: {done.stdout}{done.stderr}")
        return done.stderr if exit else json.loads(done.stdout)

    def boto3(self, url, profile, call, **environment):
        """Lets boto3, in a process of its own, do `call` on a session of the profile."""
        program = f"import boto3; session = boto3.Session(profile_name={profile!r}); print({call})"
        environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url} | environment
        done = self.run_program([CLIENTS / "python", "-c", program], **environment)
        self.assertEqual(done.returncode, 0, f"boto3 {call}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def secrets(self):
        """Every secret that the files hold now, whoever wrote it."""
        files = self.credentials, self.sessions
        text = "\n".join(file.read_text() for file in files if file.exists())
        pattern = r"(?im)^\s*aws_(?:secret_access_key|session_token|security_token)\s*[=:]\s*(\S+)"
        return set(re.findall(pattern, text))

    def section(self, name="p"):
        """The lines of a section, as (key, value) in their order; wants `key = value` of each."""
        text = self.credentials.read_text()
        self.assertEqual(text.count(f"[{name}]\n"), 1, f"sections [{name}]")
        body = text.split(f"[{name}]\n")[1].split("\n[")[0].split("\n\n")[0]
        return [tuple(line.split(" = ", 1)) for line in body.splitlines()]

    def assert_written(self, name="p", role=None, seconds=None):
        """Wants exactly aws-mfa's keys in aws-mfa's order; returns the values."""
        pairs = self.section(name)
        role_keys = ["assumed_role_arn"] if role else []
        self.assertEqual(
            [pair[0] for pair in pairs],
            ["assumed_role", *role_keys, "aws_access_key_id", "aws_secret_access_key", "aws_session_token",
             "aws_security_token", "expiration"],
        )  # fmt: skip
        values = dict(pairs)
        self.assertEqual(values["assumed_role"], str(bool(role)))
        self.assertEqual(values.get("assumed_role_arn"), role)
        self.assertEqual(values["aws_session_token"], values["aws_security_token"])
        self.assertRegex(values["expiration"], r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z")
        left = seconds_left(values["expiration"])
        self.assertGreater(left, 0)
        if seconds:
            self.assertAlmostEqual(left, seconds, delta=SECONDS)
        return values

    def expire(self, name="p"):
        """Moves the section's expiration to the past, and nothing else."""
        old = dict(self.section(name))["expiration"]
        text = self.credentials.read_text()
        self.assertEqual(text.count(old), 1)
        self.credentials.write_text(text.replace(old, "2020-01-01 00:00:00"))


class Snippets(RealTest):
    """A home with programs of its own, for what the guides tell people to paste."""

    def setUp(self):
        super().setUp()
        self.bin = self.home / "bin"
        self.bin.mkdir()
        # The name of the interpreter in the program may be too long for the system.
        self.program("aws", f"exec {shlex.quote(f'{CLIENTS}/python')} {shlex.quote(f'{CLIENTS}/aws')} \"$@\"")
        self.clean |= {"PATH": f"{self.bin}:{self.clean['PATH']}", "AWS_DEFAULT_REGION": "us-east-1"}

    def program(self, name, script):
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o700)

    def install(self):
        (self.bin / "mfa-creds").symlink_to(MFA_CREDS)

    def sections(self):
        return re.findall(r"^\[(.*)\]$", self.credentials.read_text(), re.MULTILINE)


def seconds_left(expiration):
    end = datetime.datetime.strptime(expiration, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.UTC)
    return (end - datetime.datetime.now(datetime.UTC)).total_seconds()
