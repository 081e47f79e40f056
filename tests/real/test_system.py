"""What the program finds out from the system it runs on, without a C library's help or with it: the addresses of a
name, the certificates to trust, the home of the user, and the time zone. Each test is in a network and an `/etc` of its own.

Needs Linux, and either root or the right to make user namespaces.
"""

import datetime
import functools
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

from support import MFA_CREDS, SECONDS, RealTest, StandIn, long_term
from test_network import NAMESPACE

INSIDE = "INSIDE_ITS_OWN_SYSTEM"
HOST = "sts.us-east-1.amazonaws.com"
A, AAAA, NO_SUCH_NAME, SERVER_FAILED = 1, 28, 3, 2
# Where each distribution has the certificates that it trusts.
PLACES = {
    "Debian": "/etc/ssl/certs/ca-certificates.crt",
    "Alpine": "/etc/ssl/cert.pem",
    "Fedora": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "RHEL 6": "/etc/pki/tls/certs/ca-bundle.crt",
    "openSUSE": "/etc/ssl/ca-bundle.pem",
    "NixOS": "/etc/ssl/certs/ca-bundle.crt",
}


def inside(test):
    """Runs a test in a network and with mounts of its own, by another unittest there."""

    @functools.wraps(test)
    def run(self):
        if os.environ.get(INSIDE):
            return test(self)
        done = subprocess.run(
            [*NAMESPACE, sys.executable, "-m", "unittest", self.id()],
            env=os.environ | {INSIDE: "1", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd=os.path.dirname(__file__),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * SECONDS,
        )
        return self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    return run


class Names(threading.Thread):
    """A name server on an address of its own."""

    def __init__(self, address, names):
        super().__init__(daemon=True)
        self.names = names  # each with the addresses, or with the code of an error, or with None: no answer at all
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.start()

    def run(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            labels, place = [], 12
            while length := query[place]:
                labels.append(query[place + 1 : place + 1 + length].decode())
                place += 1 + length
            (kind,) = struct.unpack_from("!H", query, place + 1)
            name = ".".join(labels)
            self.asked.append(name)
            found = self.names.get(name, NO_SUCH_NAME)
            if found is None:
                continue
            code, addresses = (found, []) if isinstance(found, int) else (0, found)
            family = {A: socket.AF_INET, AAAA: socket.AF_INET6}.get(kind)
            fitting = [one for one in addresses if (":" in one) == (family == socket.AF_INET6)]
            answers = b""
            for one in fitting:
                data = socket.inet_pton(family, one)
                answers += struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
            head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(fitting), 0, 0)
            self.socket.sendto(head + query[12 : place + 5] + answers, client)


def time_zone(minutes, name):
    """A file of a time zone (RFC 9636) that is always so many minutes ahead of UTC."""
    designation = name.encode() + b"\0"
    head = b"TZif2" + bytes(15) + struct.pack("!6I", 0, 0, 0, 0, 1, len(designation))
    block = struct.pack("!iBB", minutes * 60, 0, 0) + designation
    hours = f"{'-' if minutes > 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02}"
    return (head + block) * 2 + f"\n{name}{hours}\n".encode()


# Addresses where nobody listens, where nothing answers, and where the stand-in is.
CLOSED, SILENT, RIGHT = "127.0.0.2", "127.0.0.3", "127.0.0.9"


class System(RealTest):
    def setUp(self):
        super().setUp()
        if not os.environ.get(INSIDE):
            return
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for place in ("/etc", "/usr/share"):
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        self.put("/etc/nsswitch.conf", "passwd: files\nhosts: files dns\n")
        self.put("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self.put("/etc/resolv.conf", "nameserver 127.0.0.1\n")

    def put(self, path, content):
        """A file for everybody to read."""
        path = pathlib.Path(path)
        umask = os.umask(0o022)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.umask(umask)

    def sts(self, address="127.0.0.1", names=HOST):
        """The stand-in as STS, over TLS; its user has keys here."""
        authority = self.home / "ca.pem"
        listens = f"[{address}]:443" if ":" in address else f"{address}:443"
        stand_in = self.enterContext(StandIn(listens, "--tls", names, "--ca", str(authority)))
        self.credentials.write_bytes(long_term(stand_in.user))
        self.authority = authority.read_bytes()
        self.clean["AWS_CA_BUNDLE"] = str(authority)
        return stand_in

    def silent(self, address):
        """An address where nothing answers: a listener whose queue is full."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = self.enterContext(socket.socket(family))
        listener.bind((address, 443))
        listener.listen(0)
        for _ in range(2):
            waiting = self.enterContext(socket.socket(family))
            waiting.setblocking(False)
            waiting.connect_ex((address, 443))

    def refresh(self, code, *arguments, **options):
        begun = time.monotonic()
        messages = self.mfa_creds("-p", "p", "--force", "--token", code, *arguments, **options)
        self.took = time.monotonic() - begun
        return messages

    # --- the addresses of a name ---------------------------------------------------------------

    @inside
    def test_a_name_with_several_addresses(self):
        self.reached_by([CLOSED, RIGHT], [RIGHT, CLOSED])

    @inside
    def test_a_name_with_addresses_where_nothing_answers(self):
        self.reached_by([SILENT, RIGHT], [RIGHT, SILENT], [CLOSED, SILENT, RIGHT])

    def reached_by(self, *choices):
        """A device has three codes at a time, so there are no more choices in a test."""
        stand_in = self.sts(RIGHT)
        server = Names("127.0.0.1", {})
        self.silent(SILENT)
        for addresses in choices:
            with self.subTest(addresses=addresses):
                server.names[HOST] = addresses
                self.refresh(stand_in.code())
                # A try for each that is silent.
                self.assertLess(self.took, 15)

    @inside
    def test_ipv6_where_it_does_not_work(self):
        subprocess.run(["ip", "-6", "addr", "add", "2001:db8::1/128", "dev", "lo", "nodad"], check=True)
        stand_in = self.sts("127.0.0.9")
        server = Names("127.0.0.1", {})
        self.silent("2001:db8::1")
        # There is no route, nobody listens, and nothing answers.
        for address in ("2001:db8:1::1", "::1", "2001:db8::1"):
            with self.subTest(address=address):
                server.names[HOST] = [address, "127.0.0.9"]
                self.refresh(stand_in.code())
                self.assertLess(self.took, 3)

    @inside
    def test_ipv6_alone(self):
        stand_in = self.sts("::1")
        Names("127.0.0.1", {HOST: ["::1"]})
        self.refresh(stand_in.code())

    @inside
    def test_search_domains(self):
        stand_in = self.sts("127.0.0.9", f"{HOST},sts")
        server = Names("127.0.0.1", {HOST: ["127.0.0.9"], "sts.two.example": ["127.0.0.9"]})
        self.put("/etc/resolv.conf", "search one.example two.example\nnameserver 127.0.0.1\n")
        self.refresh(stand_in.code(), AWS_ENDPOINT_URL="https://sts")
        self.assertIn("sts.one.example", server.asked)
        # As in a pod of Kubernetes.
        self.put("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch one.example two.example\noptions ndots:5\n")
        self.refresh(stand_in.code())
        self.assertIn(f"{HOST}.two.example", server.asked)

    @inside
    def test_the_second_name_server_answers(self):
        stand_in = self.sts("127.0.0.9")
        first = Names("127.0.0.1", {HOST: SERVER_FAILED})
        Names("127.0.0.2", {HOST: ["127.0.0.9"]})
        self.put("/etc/resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\n")
        self.refresh(stand_in.code())
        # Neither C library waits longer for a server than the program does for a connection.
        first.names[HOST] = None
        self.refresh(stand_in.code())
        self.assertLess(self.took, 10)
        self.put("/etc/resolv.conf", "nameserver 127.0.0.3\nnameserver 127.0.0.2\n")
        self.refresh(stand_in.code())

    @inside
    def test_no_name_server_answers(self):
        stand_in = self.sts("127.0.0.9")
        server = Names("127.0.0.1", {HOST: None})
        code = stand_in.code()
        error = (
            f"error: AWS STS at {HOST} cannot be reached: its name could not be looked up in DNS\n"
            "hint: check the network, and its DNS servers\n"
        )
        for seconds in (30, 3, 1):
            self.assertIn(error, self.refresh(code, "--timeout", str(seconds), exit=1))
            self.assertLess(self.took, seconds + 1)
        server.names[HOST] = SERVER_FAILED
        self.assertIn(error, self.refresh(code, exit=1))
        # A port that is closed, and no server at all: then it is one on this machine.
        self.put("/etc/resolv.conf", "nameserver 127.0.0.2\n")
        self.assertIn(error, self.refresh(code, exit=1))
        self.put("/etc/resolv.conf", "")
        self.assertIn(error, self.refresh(code, exit=1))
        # The code was never sent.
        server.names[HOST] = ["127.0.0.9"]
        self.refresh(code)
        # A name that does not exist, or has no address.
        for found in (NO_SUCH_NAME, []):
            server.names[HOST] = found
            messages = self.refresh("123456", exit=1)
            self.assertIn(f"AWS STS at {HOST} cannot be reached: its name was not found in DNS\n", messages)

    # --- certificates --------------------------------------------------------------------------

    @inside
    def test_the_certificates_of_each_distribution(self):
        stand_in = self.sts()
        self.put("/etc/hosts", f"127.0.0.1 {HOST}\n")
        del self.clean["AWS_CA_BUNDLE"]

        def assert_trusted(**environment):
            # Without a code, of which there are only a few.
            listed = [MFA_CREDS, "device", "list", "-p", "p"]
            done = self.run_program(listed, AWS_ENDPOINT_URL_IAM=f"https://{HOST}", **environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(stand_in.user.device, done.stdout)

        messages = self.refresh(stand_in.code(), exit=1)
        self.assertIn("hint: no CA certificates are installed: install ca-certificates, or set AWS_CA_BUNDLE", messages)
        for distribution, place in PLACES.items():
            with self.subTest(distribution=distribution):
                self.put(place, self.authority)
                assert_trusted()
                os.remove(place)
        # As Nix sets it on another system.
        place = self.home / "bundle.crt"
        self.put(place, self.authority)
        assert_trusted(SSL_CERT_FILE=str(place))
        # As `c_rehash` makes it.
        self.put(self.home / "certificates/0123abcd.0", self.authority)
        assert_trusted(SSL_CERT_DIR=str(self.home / "certificates"))

    # --- the home ------------------------------------------------------------------------------

    @inside
    def test_the_home_without_home(self):
        stand_in = self.sts()
        self.put("/etc/hosts", f"127.0.0.1 {HOST}\n")
        self.put("/etc/passwd", f"somebody:x:1:1::/nowhere:/bin/sh\nroot:x:0:0::{self.home}:/bin/sh\n")
        for home in ({}, {"HOME": ""}):
            done = self.refresh_in(home, stand_in.code())
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_written()
        unknown = (
            "error: the home directory is unknown\n"
            "hint: set HOME, or both AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE\n"
        )
        code = stand_in.code()
        self.put("/etc/passwd", "somebody:x:1:1::/nowhere:/bin/sh\n")
        done = self.refresh_in({}, code)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", unknown))
        os.remove("/etc/passwd")
        done = self.refresh_in({}, code)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", unknown))
        # What it advises works.
        files = {"AWS_SHARED_CREDENTIALS_FILE": str(self.credentials), "AWS_CONFIG_FILE": str(self.config)}
        done = self.refresh_in(files, code)
        self.assertEqual(done.returncode, 0, done.stderr)

    def refresh_in(self, environment, code, command=(MFA_CREDS,)):
        return subprocess.run(
            [*command, "-p", "p", "--force", "--token", code],
            env=self.clean | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    # --- the time zone -------------------------------------------------------------------------

    @inside
    def test_the_time_zone(self):
        stand_in = self.sts()
        self.put("/etc/hosts", f"127.0.0.1 {HOST}\n")
        self.refresh(stand_in.code())
        end = dict(self.section())["expiration"]
        end = datetime.datetime.strptime(end, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.UTC)

        def assert_shown(minutes, **environment):
            shown = self.mfa_creds("-p", "p", **environment)
            offset = datetime.timezone(datetime.timedelta(minutes=minutes))
            local = end.astimezone(offset).isoformat(timespec="minutes")
            self.assertIn(f"[p] is still valid until {local[11:16]} {local[16:]}, ", shown)

        # Nothing says where this is, as in an empty container; not even where a name is given.
        for zone in ({}, {"TZ": ""}, {"TZ": "Area/City"}, {"TZ": ":Area/City"}, {"TZ": "/etc"}):
            with self.subTest("nothing", **zone):
                assert_shown(0, **zone)
        assert_shown(345, TZ="<+0545>-5:45")
        # What is no time zone.
        for content in (b"", b"TZif", b"UTC\n", time_zone(330, "IST")[:60]):
            with self.subTest("broken", content=content):
                self.put("/etc/localtime", content)
                assert_shown(0)
        # As most systems have it, and NixOS.
        for place in ("/usr/share/zoneinfo", "/etc/zoneinfo"):
            with self.subTest(place):
                os.remove("/etc/localtime")
                self.put(f"{place}/Area/City", time_zone(330, "IST"))
                self.put(f"{place}/Area/Other", time_zone(-210, "NST"))
                os.symlink(f"{place}/Area/City", "/etc/localtime")
                assert_shown(330)
                assert_shown(-210, TZ="Area/Other")
                assert_shown(-210, TZ=":Area/Other")
                assert_shown(0, TZ="UTC0")
                shutil.rmtree(place)
        # A container with the file of its host.
        os.remove("/etc/localtime")
        self.put("/etc/localtime", time_zone(330, "IST"))
        assert_shown(330)

    # --- all of it -----------------------------------------------------------------------------

    @inside
    def test_a_container_with_nothing_but_the_program(self):
        stand_in = self.sts("127.0.0.9")
        Names("127.0.0.1", {HOST: ["127.0.0.9"]})
        del self.clean["AWS_CA_BUNDLE"]
        root = self.home / "root"
        self.put(root / "etc/resolv.conf", "nameserver 127.0.0.1\n")
        self.put(root / PLACES["Debian"][1:], self.authority)
        self.credentials.parent.rename(root / ".aws")
        # A static program needs none.
        libraries = subprocess.run(["ldd", MFA_CREDS], capture_output=True, text=True).stdout
        for file in [MFA_CREDS, *re.findall(r"(/\S+) \(0x", libraries)]:
            there = root / "mfa-creds" if file == MFA_CREDS else root / file[1:]
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, there)
        program = ["/usr/sbin/chroot", str(root), "/mfa-creds"]
        done = self.refresh_in({"HOME": "/"}, stand_in.code(), program)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"\n\[p\] is valid until \d\d:\d\d \+00:00, 12 h\n\Z")
        for arguments, wanted in (
            (["-p", "p"], "[p] is still valid until "),
            (["status", "-p", "p"], "valid"),
            (["export", "-p", "p"], "export AWS_SESSION_TOKEN="),
            (["exec", "-p", "p", "--", "/mfa-creds", "--version"], "mfa-creds "),
            (["doctor", "-p", "p"], "AWS STS"),
            (["help", "network"], "HTTPS_PROXY"),
        ):
            with self.subTest(arguments):
                done = self.run_program([*program, *arguments], HOME="/")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(wanted, done.stdout + done.stderr)
        done = self.refresh_in({}, "123456", program)
        self.assertIn("error: the home directory is unknown\n", done.stderr)
