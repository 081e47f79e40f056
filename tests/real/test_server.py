"""Real clients of `exec --server` and `serve`: they find the server, get new credentials from it before the old ones
end, and end with an error of their own where there are none."""

import concurrent.futures
import datetime
import json
import os
import re
import shlex
import socket
import subprocess
import time
import urllib.parse

import yaml

from support import CLIENTS, MFA_CREDS, SECONDS, RealTest, Recorder, StandIn, long_term, snippet
from test_system import INSIDE, inside

ROLE = "arn:aws:iam::123456789012:role/deploy"
ASSUMED = "arn:aws:sts::123456789012:assumed-role/deploy/"
ROLES_LAST, SESSIONS_LAST = "6", "12"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
FULL_URI, RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
# Where the containers of Docker's default network find the host.
BRIDGE = "172.17.0.1"
# Each calls AWS again and again, and prints a line for each key that it signs with, until it has had so many.
BOTO3 = """
import boto3, json, sys, time
session = boto3.Session()
client = session.client("sts")
keys = set()
while len(keys) < int(sys.argv[1]):
    arn = client.get_caller_identity()["Arn"]
    key = session.get_credentials().get_frozen_credentials().access_key
    if key not in keys:
        print(json.dumps({"arn": arn, "key": key}), flush=True)
    keys.add(key)
    time.sleep(0.5)
"""
# Each call is a process of its own, which tells its key only when it tells everything.
AWS_CLI = r"""
wanted=$1
shift
seen=0
last=
while [ "$seen" -lt "$wanted" ]; do
    arn=$("$@" --debug sts get-caller-identity --query Arn --output json 2>log) || {
        sed '1,/Exception caught/d' log >&2
        exit 1
    }
    key=$(sed -n 's|.*Credential=\([A-Z0-9]*\)/.*|\1|p' log | head -n 1)
    if [ "$key" != "$last" ]; then
        seen=$((seen + 1))
        last=$key
        echo "{\"arn\": $arn, \"key\": \"$key\"}"
    fi
done
"""


class ServerTest(RealTest):
    def start(self, *limits):
        """A stand-in whose credentials end soon, and a role there."""
        self.stand_in = self.enterContext(StandIn("127.0.0.1:0", ROLE, *limits))
        self.calls = self.enterContext(Recorder(self.stand_in))
        self.credentials.write_bytes(long_term(self.stand_in.user, "work-long-term"))
        self.config.write_text(f"[profile deploy]\nrole_arn = {ROLE}\nsource_profile = work\n")
        self.clean |= {"AWS_ENDPOINT_URL": self.calls.url, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}

    def add_keys(self, *names):
        """Static keys in other sections."""
        with self.credentials.open("ab") as file:
            for name in names:
                file.write(long_term(self.stand_in.user, name, device=False))

    def beside_server(self, command, profile="deploy"):
        """Runs a command by `exec --server`, and takes the time."""
        begun = time.monotonic()
        words = [MFA_CREDS, "exec", "--server", "-p", profile, "--", *command]
        done = self.run_program(words, MFA_TOKEN=self.stand_in.code())
        self.took = time.monotonic() - begun
        return done

    def keys(self, done, wanted, arn=ASSUMED):
        """Wants that a client has signed with so many keys; returns them."""
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")
        told = [json.loads(line) for line in done.stdout.splitlines()]
        for line in told:
            self.assertTrue(line["arn"].startswith(arn), line)
        keys = [line["key"] for line in told]
        self.assertEqual(len(set(keys)), wanted, keys)
        # It may have got the last one after its last call.
        signed = {key for action, key in self.calls.calls if action == "GetCallerIdentity"}
        self.assertLessEqual(set(keys[:-1]), signed)
        return keys


class AClient:
    """What is wanted of the server whichever client asks it."""

    # Whether it shows what a server said.
    tells_why = True

    def test_it_signs_with_three_keys_for_one_code(self):
        self.start("--roles-last", ROLES_LAST)
        self.keys(self.beside_server(self.client(4)), 4)
        self.assertEqual(sum(action == "GetSessionToken" for action, _ in self.calls.calls), 1)

    def test_the_server_wins_over_a_default_profile_with_keys(self):
        self.start("--roles-last", ROLES_LAST)
        self.add_keys("default")
        keys = self.keys(self.beside_server(self.client(2)), 2)
        self.assertNotIn(self.stand_in.user.key, keys)

    def test_another_profile_inside(self):
        self.start()
        # The command has a config file of its own where the default profile has keys.
        for names in (["other"], ["default"]):
            self.add_keys(*names)
            done = self.beside_server(["env", "AWS_PROFILE=other", *self.client(1)])
            self.assertEqual(self.keys(done, 1, self.stand_in.user.arn), [self.stand_in.user.key])

    def test_it_ends_without_the_token_or_with_a_wrong_one(self):
        self.start()
        for change in (["-u", TOKEN], [f"{TOKEN}=wrong"]):
            with self.subTest(change):
                done = self.beside_server(["env", *change, *self.client(1)])
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertIn("does not have the token for this path" if self.tells_why else "", done.stderr)
                self.assertLess(self.took, 15)

    def test_it_ends_where_the_session_has_ended_and_nobody_is_there(self):
        self.start("--sessions-last", SESSIONS_LAST)
        done = self.beside_server(self.client(2), profile="work")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)
        self.assertIn("warning: the credentials of work could not be renewed", done.stderr)
        self.assertIn("CredentialsNotAvailable" if self.tells_why else "", done.stderr)
        self.assertLess(self.took, int(SESSIONS_LAST) + 15)


class AwsCli(AClient, ServerTest):
    def client(self, keys):
        return ["sh", "-c", AWS_CLI, "sh", str(keys), CLIENTS / "python", CLIENTS / "aws"]


class Boto3(AClient, ServerTest):
    def client(self, keys):
        return [CLIENTS / "python", "-c", BOTO3, str(keys)]


class JavaScript(AClient, ServerTest):
    # Its default chain goes on to the next source of credentials.
    tells_why = False

    def client(self, keys):
        return [os.environ["NODE"], os.environ["NODE_CLIENT"], str(keys)]


class Rust(AClient, ServerTest):
    # It tells the status alone.
    tells_why = False

    def client(self, keys):
        return [os.environ["RUST_CLIENT"], str(keys)]


class Go(AClient, ServerTest):
    def client(self, keys):
        return [os.environ["GO_CLIENT"], str(keys)]


class Together(ServerTest):
    def test_ten_clients_get_the_second_session_for_one_code(self):
        self.start("--sessions-last", "20")
        clients = [shlex.join(map(str, client.client(None, 2))) for client in CLIENTS_OF_SERVERS] * 2
        script = "".join(f"mkdir {n}; (cd {n}; {client}) & " for n, client in enumerate(clients)) + "wait"
        self.clean["MFA_PROCESS"] = f"cd {shlex.quote(str(self.home))}; echo asked >>asked; cat code"
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            run = threads.submit(self.beside_server, ["sh", "-c", script], profile="work")
            while not (self.calls.granted or run.done()):
                time.sleep(0.1)
            (self.home / "code").write_text(self.stand_in.code())
            done = run.result()
        told = [json.loads(line)["key"] for line in done.stdout.splitlines()]
        self.assertEqual(len(told), 20, f"{done.stdout}{done.stderr}")
        self.assertEqual({told.count(key) for key in told}, {10})
        self.assertEqual(sum(action == "GetSessionToken" for action, _ in self.calls.calls), 2)
        self.assertEqual((self.home / "asked").read_text(), "asked\n")


class Scripts(ServerTest):
    def test_a_script_sees_when_the_credentials_expire(self):
        self.start("--roles-last", "600")
        script = snippet("server", "Scripts and prompts", "sh")
        done = self.beside_server(["sh", "-c", script])
        self.assertEqual(done.returncode, 0, done.stderr)
        left = datetime.datetime.fromisoformat(done.stdout.strip()) - datetime.datetime.now(datetime.UTC)
        self.assertAlmostEqual(left.total_seconds(), 600, delta=SECONDS)

    def test_a_dev_container_is_told_the_same_variables(self):
        settings = json.loads(snippet("server", "Dev containers", "json"))
        self.assertEqual(settings["runArgs"], ["--network=host"])
        told = settings["remoteEnv"]
        self.assertEqual(list(told), [FULL_URI, TOKEN, "AWS_REGION"])
        for name in (FULL_URI, TOKEN):
            self.assertEqual(told[name], f"${{localEnv:{name}}}")


class Containers(ServerTest):
    """How a container reaches a server, in a network of its own where the host has the addresses that Docker gives it.
    There are no containers here."""

    def setUp(self):
        super().setUp()
        if not os.environ.get(INSIDE):
            return
        hosts = self.home / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{BRIDGE} host.docker.internal\n")
        self.ip("link set lo up")
        subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)

    def ip(self, words):
        subprocess.run(["ip", *words.split()], check=True)

    def serve(self, listen):
        """Runs `serve` there; returns the port and the token."""
        code = {"MFA_TOKEN": self.stand_in.code()}
        words = [MFA_CREDS, "serve", "-p", "deploy", "--listen", listen, "--format", "json"]
        environment = {"HOME": str(self.home)} | self.clean | code
        server = self.run_beside(*words, env=environment, stdout=subprocess.PIPE)
        self.addCleanup(server.stdout.close)
        text = ""
        while not text.endswith("]\n"):
            line = server.stdout.readline().decode()
            self.assertTrue(line, "the server has ended")
            text += line
        (served,) = json.loads(text)
        return urllib.parse.urlsplit(served[FULL_URI]).port, served[TOKEN]

    def pass_on(self, listen, connect, port):
        """Runs socat until the end of the test, and waits until it listens."""
        self.run_beside("socat", listen, connect)
        deadline = time.monotonic() + SECONDS
        while True:
            with socket.socket() as client:
                if client.connect_ex(("169.254.170.2", port)) == 0:
                    return
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def run_beside(self, *command, **options):
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        return program

    def who_gets_credentials(self, variable, url, token, inside=(), sts=None):
        """The clients that accept an address."""
        found = {variable: url, TOKEN: token, "AWS_ENDPOINT_URL": sts or self.stand_in.url}
        answered = set()
        for client in CLIENTS_OF_SERVERS:
            done = self.run_program([*inside, *client.client(None, 1)], **found)
            if done.returncode == 0:
                self.assertIn(ASSUMED, done.stdout)
                answered.add(client)
        return answered

    @inside
    def test_which_hosts_the_sdks_accept(self):
        self.ip("addr add 169.254.170.2/32 dev lo")
        self.ip(f"addr add {BRIDGE}/32 dev lo")
        self.start()
        port, token = self.serve("0.0.0.0:0")
        everyone = set(CLIENTS_OF_SERVERS)
        for host, accepted in (
            ("127.0.0.1", everyone),
            ("localhost", everyone),
            # This version of the SDK for Go is older than the change that accepts it.
            ("169.254.170.2", everyone - {Go}),
            (BRIDGE, set()),
            ("host.docker.internal", set()),
        ):
            with self.subTest(host):
                url = f"http://{host}:{port}/deploy"
                self.assertEqual(self.who_gets_credentials(FULL_URI, url, token), accepted)

    @inside
    def test_a_network_whose_gateway_is_the_host(self):
        """As `docker network create` of the guide makes it, with one container."""
        create = snippet("server", "Containers", "sh", holding="network create")
        (prefix,), (gateway,) = re.findall(r"--subnet \S+/(\d+)", create), re.findall(r"--gateway (\S+)", create)
        self.assertIn(f"--listen {gateway}:", create)
        container = self.run_beside("unshare", "--net", "sleep", "infinity")
        within = ["nsenter", f"--net=/proc/{container.pid}/ns/net"]
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{container.pid}/ns/net") == ours:
            time.sleep(0.01)
        self.ip("link add mfa-creds type bridge")
        self.ip(f"addr add {gateway}/{prefix} dev mfa-creds")
        self.ip("link add outside type veth peer name eth0")
        self.ip(f"link set eth0 netns {container.pid}")
        self.ip("link set outside master mfa-creds up")
        self.ip("link set mfa-creds up")
        for words in (f"addr add 169.254.170.3/{prefix} dev eth0", "link set eth0 up", "link set lo up"):
            subprocess.run([*within, "ip", *words.split()], check=True)
        self.start()
        # For the one in the container: the stand-in is on loopback alone.
        behind = self.stand_in.url.removeprefix("http://")
        _, sts = behind.split(":")
        self.pass_on(f"tcp-listen:{sts},bind={gateway},fork,reuseaddr", f"tcp-connect:{behind}", int(sts))
        port, token = self.serve(f"{gateway}:0")
        url = f"http://{gateway}:{port}/deploy"
        found = self.who_gets_credentials(FULL_URI, url, token, within, sts=f"http://{gateway}:{sts}")
        self.assertEqual(found, set(CLIENTS_OF_SERVERS) - {Go})

    @inside
    def test_a_container_that_passes_requests_on(self):
        """Its command, and what the other one is told, as the guide has them."""
        services = yaml.safe_load(snippet("server", "Containers", "yaml"))["services"]
        self.ip("addr add 169.254.170.2/32 dev lo")
        self.ip(f"addr add {BRIDGE}/32 dev lo")
        self.start()
        port, token = self.serve(f"{BRIDGE}:0")
        command = services["credentials"]["command"].replace("9911", str(port)).split()
        self.pass_on(*command, 80)
        path = services["app"]["environment"][RELATIVE_URI].replace("work", "deploy")
        self.assertEqual(self.who_gets_credentials(RELATIVE_URI, path, token), set(CLIENTS_OF_SERVERS))


CLIENTS_OF_SERVERS = (AwsCli, Boto3, JavaScript, Rust, Go)
