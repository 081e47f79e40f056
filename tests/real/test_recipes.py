"""What the guide of recipes tells people to paste, run by the real programs: kubectl, Compose, starship and an MCP server."""

import base64
import concurrent.futures
import datetime
import http.server
import json
import os
import pathlib
import re
import select
import shutil
import ssl
import subprocess
import threading
import time
import urllib.parse

import yaml

from support import CODE, SECONDS, Recorder, Server, Snippets, Terminal, Xvfb, long_term, snippet, unique

RECIPES = pathlib.Path(os.environ["RECIPES"])
NAMES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"]
SERVER_NAMES = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_REGION"]
NOBODY = "an MFA code is needed, and there is no terminal"


class Recipe(Snippets):
    """A user whose `[profile work]` has the `credential_process` of the guide."""

    server = Server("MOTO")

    def setUp(self):
        super().setUp()
        self.install()
        self.user = self.server.user(unique("cook"), may=["*"])
        self.credentials.write_bytes(long_term(self.user, "work-long-term"))
        self.config.write_text(snippet("recipes", None, "ini"))
        # The profile of the guide has a region.
        del self.clean["AWS_DEFAULT_REGION"]
        self.clean |= {"AWS_ENDPOINT_URL": self.server.url}

    def get_session(self):
        """What the guide says to type in a terminal beforehand."""
        self.mfa_creds("exec", "-p", "work", "--", "true", MFA_TOKEN=CODE)
        self.assertEqual(self.sections(), ["work-long-term"])

    def open_display(self):
        """A display for windows, which the programs see from now on."""
        self.clean |= {"DISPLAY": self.enterContext(Xvfb()).display, "NO_AT_BRIDGE": "1"}

    def type_in_window(self, code):
        def xdotool(*arguments):
            done = self.run_program(["/usr/bin/xdotool", *arguments])
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        window = xdotool("search", "--sync", "--onlyvisible", "--name", "^mfa-creds$").split()[0]
        # There is no window manager that would do it.
        xdotool("windowfocus", "--sync", window)
        time.sleep(0.3)
        xdotool("key", "--delay", "30", *code, "Return")

    def in_bash(self, script, **environment):
        return self.run_program(["bash", "--norc", "-c", script], **environment)


class Cluster(http.server.ThreadingHTTPServer):
    """A Kubernetes cluster with one node, which knows with which tokens it was called."""

    kinds = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "/api/v1": {
            "kind": "APIResourceList",
            "groupVersion": "v1",
            "resources": [{"name": "nodes", "singularName": "", "namespaced": False, "kind": "Node", "verbs": ["list"]}],
        },
        "/api/v1/nodes": {
            "kind": "NodeList",
            "apiVersion": "v1",
            "metadata": {},
            "items": [{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "the-node"}}],
        },
    }

    def __init__(self, certificate, key):
        super().__init__(("127.0.0.1", 0), Answering)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_port}"
        self.tokens = set()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind = self.server.kinds.get(self.path.split("?")[0])
        self.server.tokens.add(self.headers["Authorization"])
        content = json.dumps(kind or {}).encode()
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Kubectl(Recipe):
    def on_terminal_of(self, command):
        environment = {"HOME": str(self.home)} | self.clean
        return Terminal(["bash", "--norc", "-c", command], environment, self.home)

    def test_it_asks_in_the_middle_of_kubectl(self):
        update, get = snippet("recipes", "kubectl with EKS", "sh", holding="--profile work").splitlines()
        name = re.search("--name (.*?) ", update)[1]
        role = f"arn:aws:iam::123456789012:role/{name}"
        eks = self.server.client("eks")
        cluster = eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": [], "securityGroupIds": []})
        self.clean["AWS_DEFAULT_REGION"] = "us-east-1"  # where the cluster is
        with self.on_terminal_of(update) as terminal:
            terminal.wait_for("seconds): ")
            terminal.type(f"{CODE}\r")
            status, screen = terminal.end()
        self.assertEqual(status, 0, screen)

        certificate, key = self.home / "cluster.pem", self.home / "cluster.key"
        files = ["-out", certificate, "-keyout", key, "-nodes"]
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", *files, "-subj", "/CN=k8s", "-addext", "subjectAltName=IP:127.0.0.1"]
        self.assertEqual(self.run_program(made).returncode, 0)
        with Cluster(certificate, key) as kubernetes:
            place = ["kubectl", "config", "set-cluster", cluster["cluster"]["arn"]]
            there = [*place, f"--server={kubernetes.url}", f"--certificate-authority={certificate}", "--embed-certs"]
            self.assertEqual(self.run_program(there).returncode, 0)
            self.mfa_creds("clear", "-p", "work")
            with self.on_terminal_of(get) as terminal:
                terminal.wait_for("seconds): ")
                terminal.type("654321\r")  # each code is accepted only once
                terminal.wait_for("the-node")
                self.assertEqual(terminal.end()[0], 0)
            self.assertIn("the-node", self.in_bash(get).stdout)
            # The same by the server, once the kubeconfig names no profile.
            for line in snippet("recipes", "kubectl with EKS", "sh", holding="--server").splitlines():
                done = self.in_bash(line)
                self.assertEqual(done.returncode, 0, done.stderr)
                if "update-kubeconfig" in line:
                    self.assertNotIn("AWS_PROFILE", (self.home / ".kube" / "config").read_text())
                    self.assertEqual(self.run_program(there).returncode, 0)
            self.assertIn("the-node", done.stdout)
            for token in kubernetes.tokens:
                self.assert_is_of_the_session(token)

    def assert_is_of_the_session(self, token):
        """Wants of a token that it is a signed question to STS, who the one with the session is."""
        coded = token.removeprefix("Bearer k8s-aws-v1.")
        address = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        self.assertEqual(asked["Action"], "GetCallerIdentity")
        session = re.search("aws_access_key_id = (.*)", self.sessions.read_text())[1]
        self.assertEqual(asked["X-Amz-Credential"].split("/")[0], session)
        self.assertIn("X-Amz-Security-Token", asked)


class Compose(Recipe):
    def test_the_names_get_their_values(self):
        service = self.service("AWS_ACCESS_KEY_ID", "exec -p")
        wanted = self.in_bash(f"mfa-creds exec -p work -- printenv {' '.join(NAMES)}").stdout.splitlines()
        self.assertEqual(service["environment"], dict(zip(NAMES, wanted, strict=True)))
        run = snippet("recipes", "Docker and Compose", "sh", holding="docker run")
        self.assertEqual(re.findall("-e ([A-Z_]+)", run), NAMES)

    def test_the_names_get_the_server(self):
        service = self.service("network_mode", "exec --server -p")
        self.assertEqual(service["network_mode"], "host")
        told = service["environment"]
        self.assertEqual(sorted(told), sorted(SERVER_NAMES))
        self.assertRegex(told["AWS_CONTAINER_CREDENTIALS_FULL_URI"], r"\Ahttp://127\.0\.0\.1:\d+/\Z")
        self.assertRegex(told["AWS_CONTAINER_AUTHORIZATION_TOKEN"], r"\A[0-9a-f]{64}\Z")
        run = snippet("server", "Containers", "sh", holding="--network host")
        self.assertEqual(re.findall("-e ([A-Z_]+)", run), SERVER_NAMES)

    def service(self, file, command):
        (self.home / "compose.yaml").write_text(snippet("recipes", "Docker and Compose", "yaml", holding=file))
        up = snippet("recipes", "Docker and Compose", "sh", holding=f"{command} work -- docker compose")
        self.assertEqual(up.count("docker compose up"), 1)
        # There are no containers here: it prints what it would start.
        done = self.in_bash(up.replace("docker compose up", "docker-compose --file compose.yaml config"), MFA_TOKEN=CODE)
        self.assertEqual(done.returncode, 0, done.stderr)
        (service,) = yaml.safe_load(done.stdout)["services"].values()
        return service

    def test_a_container_that_passes_requests_on(self):
        (self.home / "compose.yaml").write_text(snippet("server", "Containers", "yaml"))
        up = snippet("server", "Containers", "sh", holding="docker compose")
        serve = snippet("server", "Containers", "sh", holding="172.17.0.1")
        listen = re.search("--listen (\\S+)", serve)[1]
        # The address is that of another machine here.
        serve = serve.replace(listen, "127.0.0.1:0").replace("mfa-creds", "exec mfa-creds").strip()
        begun = f"{serve} & until [ \"$(wc -l <server.env)\" = 2 ]; do sleep 0.1; done; kill $!; wait"
        self.get_session()
        (self.home / "server.env").touch(0o600)
        self.in_bash(begun)
        done = self.in_bash(up.replace("docker compose", "docker-compose").replace(" up", " config"))
        self.assertEqual(done.returncode, 0, done.stderr)
        services = yaml.safe_load(done.stdout)["services"]
        told = dict(line.split("=", 1) for line in (self.home / "server.env").read_text().splitlines())
        token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
        self.assertEqual(services["app"]["environment"][token], told[token])
        self.assertTrue(services["credentials"]["command"].endswith(f":{listen.split(':')[1]}"))


class Starship(Recipe):
    """Its module for AWS, and those of the guide."""

    def setUp(self):
        super().setUp()
        shutil.copy(RECIPES / "bin" / "starship", self.bin)
        (self.bin / "starship").chmod(0o700)  # pip does not do that
        (self.home / ".config").mkdir()

    def shown(self, script, **environment):
        done = self.in_bash(script, TERM="xterm", **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.sub(r"\x1b\[[\d;]*m", "", done.stdout).strip()

    def test_the_time_left(self):
        load = snippet("recipes", "starship", "sh")
        module = "starship module aws"
        self.get_session()
        left = r"\[1[12]h\d+m\d+s\]"
        self.assertRegex(self.shown(f"{load}{module}"), rf"\(eu-west-1\) {left}\Z")
        self.assertRegex(self.shown(f"mfa-creds exec -p work -- {module}"), rf"\(eu-west-1\) {left}\Z")
        self.assertRegex(self.shown(f"{load}export AWS_VAULT=work; {module}"), rf" work \(eu-west-1\) {left}\Z")
        self.config.unlink()
        self.assertEqual(self.shown(f"{load}{module}"), "", "without a region")

    def test_the_modules(self):
        (self.home / ".config" / "starship.toml").write_text(snippet("recipes", "starship", "toml"))
        self.config.unlink()
        self.assertIn("aws work expired ", self.shown("starship prompt", AWS_PROFILE="work"))
        self.mfa_creds("-p", "work", code=CODE)
        prompt = self.shown("starship prompt", AWS_PROFILE="work")
        self.assertIn("aws work ", prompt)
        self.assertNotIn("expired", prompt)

    def test_the_date_in_the_file_is_not_understood(self):
        self.config.unlink()
        self.mfa_creds("-p", "work", code=CODE)
        self.assertRegex(self.shown("starship module aws", AWS_PROFILE="work"), r" work\Z")

    def test_the_date_in_the_other_style_is_understood(self):
        self.mfa_creds("-p", "work", code=CODE, MFA_CREDS_EXPIRATION_STYLE="rfc3339")
        left = r"\[1[12]h\d+m\d+s\]"
        self.assertRegex(self.shown("starship module aws", AWS_PROFILE="work"), rf" work \(eu-west-1\) {left}\Z")


class ClaudeCode(Recipe):
    """What Claude Code reads; it is not started here."""

    def test_it_is_what_aws_documents_for_a_credential_process(self):
        command = json.loads(snippet("recipes", "Claude Code with Amazon Bedrock", "json"))["awsCredentialExport"]
        done = self.in_bash(command)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("an MFA code is needed", done.stderr)
        self.get_session()
        keys = json.loads(self.in_bash(command).stdout)
        self.assertEqual(list(keys), ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId"])
        self.assertEqual(keys["Version"], 1)
        left = datetime.datetime.fromisoformat(keys["Expiration"]) - datetime.datetime.now(datetime.UTC)
        self.assertAlmostEqual(left.total_seconds(), 12 * 3600, delta=SECONDS)

        older = snippet("recipes", "Claude Code with Amazon Bedrock", "sh")
        self.assertTrue(older.startswith(f"{command} | jq "), older)
        self.assertEqual(json.loads(self.in_bash(older).stdout), {"Credentials": keys})

    def test_it_leaves_the_terminal_alone_and_asks_in_a_window(self):
        command = json.loads(snippet("recipes", "Claude Code with Amazon Bedrock", "json"))["awsCredentialExport"]
        self.open_display()
        environment = {"HOME": str(self.home)} | self.clean
        with Terminal(["bash", "--norc", "-c", f"{command} >printed 2>hidden"], environment, self.home) as terminal:
            self.type_in_window(CODE)
            self.assertEqual(terminal.end(), (0, ""))
        self.assertEqual(json.loads((self.home / "printed").read_text())["Version"], 1)


class McpServer:
    """An MCP server, and the agent at the other end of its standard input and output."""

    def __init__(self, command, environment, home, log):
        self.program = subprocess.Popen(
            command,
            env=environment,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        self.last = 0
        self.said = b""

    def __enter__(self):
        client = {"name": "tester", "version": "1"}
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self.send(method="notifications/initialized")
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

    def send(self, **message):
        self.program.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
        self.program.stdin.flush()

    def ask(self, method, **parameters):
        """Sends a request, and returns the result."""
        self.last += 1
        self.send(id=self.last, method=method, params=parameters)
        deadline = time.monotonic() + SECONDS
        while True:
            while b"\n" in self.said:
                line, self.said = self.said.split(b"\n", 1)
                message = json.loads(line)
                if message.get("id") == self.last:
                    return message["result"]
            assert select.select([self.program.stdout], [], [], max(0, deadline - time.monotonic()))[0], method
            part = os.read(self.program.stdout.fileno(), 65536)
            assert part, f"the server has ended, with {self.program.wait()}"
            self.said += part

    def call(self, tool, **arguments):
        """Calls a tool; returns whether it failed, and what it said."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        return result["isError"], "".join(part["text"] for part in result["content"])


class Mcp(Recipe):
    def setUp(self):
        super().setUp()
        self.recorder = self.enterContext(Recorder(self.server))
        self.log = self.enterContext((self.home / "log").open("w+"))
        self.read('"command": "uvx"')

    def read(self, holding):
        """Takes the command of the guide, which `uvx` would install first."""
        settings = json.loads(snippet("recipes", "MCP servers", "json", holding))
        (described,) = settings["mcpServers"].values()
        words = [described["command"], *described["args"]]
        place = words.index("uvx")
        name, version = words[place + 1].split("@")
        self.assertEqual(version, "latest")
        self.command = [*words[:place], RECIPES / "bin" / "python", RECIPES / "bin" / name, *words[place + 2 :]]
        self.clean |= described["env"] | {"AWS_ENDPOINT_URL": self.recorder.url}

    def start(self):
        environment = {"HOME": str(self.home)} | self.clean
        return self.enterContext(McpServer(self.command, environment, self.home, self.log))

    def call(self, server):
        return server.call("list_user_policies", user_name=self.user.arn.split("/")[1])

    def assert_answers(self, server):
        failed, text = self.call(server)
        self.assertFalse(failed, text)
        self.assertEqual(json.loads(text)["policy_names"], ["may"])
        *_, (action, key) = self.recorder.calls
        self.assertEqual((action, self.recorder.granted), ("ListUserPolicies", [key]))

    def test_a_window_asks(self):
        self.open_display()
        server = self.start()
        with concurrent.futures.ThreadPoolExecutor(1) as agent:
            call = agent.submit(self.assert_answers, server)
            self.type_in_window(CODE)
            call.result(SECONDS)

    def test_a_command_prints_the_code(self):
        text = self.credentials.read_text().strip()
        self.credentials.write_text(f"{text}\nmfa_process = echo {CODE}\n")
        server = self.start()
        self.assert_answers(server)
        self.assert_answers(server)

    def test_it_fails_where_nobody_can_be_asked_until_there_is_a_session(self):
        server = self.start()
        failed, text = self.call(server)
        self.assertTrue(failed, text)
        self.assertIn(NOBODY, (self.home / "log").read_text())
        self.get_session()
        self.assert_answers(server)

    def test_mfa_creds_starts_it_beside_a_server_of_its_own(self):
        del self.clean["AWS_PROFILE"]
        self.read('"command": "mfa-creds"')
        agent = snippet("recipes", "Coding agents that may only read", "ini")
        with self.config.open("a") as file:
            file.write(f"\n{agent}")
        role = re.search("role_arn = (.*)", agent)[1]
        self.server.role(role.split("/")[1], self.user.arn)
        self.open_display()
        with concurrent.futures.ThreadPoolExecutor(1) as client:
            start = client.submit(self.start)
            self.type_in_window(CODE)
            server = start.result(SECONDS)
        failed, text = self.call(server)
        self.assertFalse(failed, text)
        self.assertEqual(json.loads(text)["policy_names"], ["may"])
        (session,) = self.recorder.granted
        self.assertEqual(self.recorder.calls[1], ("AssumeRole", session))
        limit = self.recorder.parameters[1]["PolicyArns.member.1.arn"]
        self.assertEqual(limit, "arn:aws:iam::aws:policy/ReadOnlyAccess")
        *_, (action, key) = self.recorder.calls
        self.assertEqual(action, "ListUserPolicies")
        self.assertNotIn(key, [session, self.user.key])
