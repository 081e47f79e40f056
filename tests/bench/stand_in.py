"""The stand-in for STS, over http and over https, and who calls it with a code that was never used."""

import os
import pathlib
import select
import shutil
import subprocess

from files import User
from installing import Failure
from programs import ROLE

# A code is good once, and a device shows five that are good: every refresh has a user of its own.
USERS = 5000
# By these, a program that cannot be told an endpoint finds STS.
NAMES = ["sts.amazonaws.com", "sts.us-east-1.amazonaws.com"]
SECONDS = 60


class StandIn:
    """One of the two, as a process that ends with its input."""

    def __init__(self, network, program, port, bundle=None):
        self.command = [*network.enter, program, f"127.0.0.1:{port}", ROLE, "--users", str(USERS)]
        self.lines = 5
        if bundle:
            self.command += ["--tls", ",".join(NAMES), "--ca", bundle]
            self.lines = 6
        self.bundle = bundle
        self.used = 0

    def __enter__(self):
        self.process = subprocess.Popen(
            [str(part) for part in self.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={}
        )
        told = dict(self.line().split("=", 1) for _ in range(self.lines))
        self.url = told["AWS_ENDPOINT_URL_STS"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def line(self):
        if not select.select([self.process.stdout], [], [], SECONDS)[0]:
            raise Failure("the stand-in says nothing")
        line = self.process.stdout.readline().decode().strip()
        if not line:
            raise Failure("the stand-in has ended")
        return line

    def next_user(self):
        """A user who has not called yet."""
        self.used += 1
        return User(self.used)

    def code(self, user):
        """The code that this user's device shows."""
        self.process.stdin.write(f"{user.name}\n".encode())
        return self.line()

    def environment(self):
        """What sends a program here. boto3 and mfa-creds take AWS_CA_BUNDLE, other programs in Rust the file's other name."""
        trusted = {"AWS_CA_BUNDLE": str(self.bundle), "SSL_CERT_FILE": str(self.bundle)} if self.bundle else {}
        return {"AWS_ENDPOINT_URL_STS": self.url} | trusted


class Network:
    """A network of its own, where the names of AWS lead to this machine, and which nothing leaves. A process keeps it there.

    Where the system does not allow that, `enter` is empty, and what is started with it is in the usual network.
    """

    def __init__(self, directory):
        self.hosts = pathlib.Path(directory) / "hosts"
        self.root = os.geteuid() == 0

    def __enter__(self):
        self.enter = []
        self.process = None
        if shutil.which("unshare") and shutil.which("nsenter") and shutil.which("ip"):
            self.hosts.write_text(f"127.0.0.1 localhost {' '.join(NAMES)}\n")
            namespace = ["unshare", *([] if self.root else ["--user", "--map-root-user"]), "--net", "--mount"]
            script = 'ip link set lo up; mount --bind "$1" /etc/hosts; echo there; exec cat'
            self.process = subprocess.Popen(
                [*namespace, "sh", "-euc", script, "sh", self.hosts],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            if self.process.stdout.readline():
                user = [] if self.root else ["--user", "--preserve-credentials"]
                self.enter = ["nsenter", f"--target={self.process.pid}", *user, "--net", "--mount"]
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
