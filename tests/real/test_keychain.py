"""Long-term keys in a real keychain: GNOME Keyring, on a D-Bus session of its own without a desktop, and in the kernel's, where
earlier versions have left them."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import select
import subprocess
import tempfile

from support import BEFORE, MFA_CREDS, SECONDS, RealTest, StandIn, User, Xvfb, long_term

NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"])]
PASSWORD = "fakepassword"
WORK = User("arn:aws:iam::123456789012:user/other", "AKIAFAKEWORK00000000", "Fake" * 10, None)
LOCKED = (
    "the desktop keychain (Secret Service) is locked, or not set up yet, and there is no display to ask for its password\n"
    'hint: unlock it in the desktop, or type `stty -echo; read -r word; stty echo; printf %s "$word" | '
    "gnome-keyring-daemon --replace --unlock` and its password, then run the command again\n"
)
MOVED = "moved the keys of [p-long-term] to the Secret Service\nto undo: mfa-creds keychain restore -p p\n"
LEFT = "[p-long-term]\n# mine\naws_mfa_device = {device}\ncredential_process = {program} keychain get {key}\n\n[last]\nx = 1\n"


class Desktop:
    """A D-Bus session, and GNOME Keyring on it with a keychain that is unlocked. It ends with its input. Programs of the same user find
    it as they find that of a login, by XDG_RUNTIME_DIR, unless it is a private one, as under dbus-run-session."""

    def __init__(self, home, keyring=True, private=False, **environment):
        self.runtime = tempfile.TemporaryDirectory()
        runtime = self.runtime.name
        self.environment = {
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": runtime,
            "NO_AT_BRIDGE": "1",
        } | environment
        start = f"printf %s '{PASSWORD}' | gnome-keyring-daemon --unlock --components=secrets >/dev/null; " if keyring else ""
        self.command = ["dbus-run-session", "--", "sh", "-c", f"{start}echo $DBUS_SESSION_BUS_ADDRESS; exec cat"]
        self.address = {} if private else {"XDG_RUNTIME_DIR": runtime}
        config = pathlib.Path(runtime, "bus.conf")
        if not private:
            config.write_text(
                "<busconfig><include>/usr/share/dbus-1/session.conf</include>"
                f"<listen>unix:path={runtime}/bus</listen></busconfig>"
            )
            self.command[1:1] = [f"--config-file={config}"]
        if not keyring:
            # Without the services that the system has, which would be started by being asked for.
            config.write_text(
                "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>"
                '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>'
                '<allow own="*"/></policy></busconfig>'
            )

    def __enter__(self):
        self.program = subprocess.Popen(
            self.command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert select.select([self.program.stdout], [], [], SECONDS)[0], "there is no session"
        self.address["DBUS_SESSION_BUS_ADDRESS"] = self.program.stdout.readline().decode().strip()
        return self

    def __exit__(self, *_):
        # The keyring goes with its bus.
        self.program.stdin.close()
        self.program.wait(SECONDS)
        self.program.stdout.close()
        self.runtime.cleanup()

    def call(self, *arguments):
        subprocess.run(
            ["gdbus", arguments[0], "--session", *arguments[1:]],
            env=self.environment | self.address, check=True, capture_output=True, timeout=SECONDS,
        )  # fmt: skip

    def lock(self):
        service = ["--dest", "org.freedesktop.secrets", "--object-path", "/org/freedesktop/secrets"]
        login = "['/org/freedesktop/secrets/collection/login']"
        self.call("call", *service, "--method", "org.freedesktop.Secret.Service.Lock", login)

    def make_default(self, collection):
        service = ["--dest", "org.freedesktop.secrets", "--object-path", "/org/freedesktop/secrets"]
        path = f"/org/freedesktop/secrets/collection/{collection}"
        self.call("call", *service, "--method", "org.freedesktop.Secret.Service.SetAlias", "default", path)

    def unlock(self):
        subprocess.run(
            ["gnome-keyring-daemon", "--replace", "--unlock", "--components=secrets"],
            env=self.environment | self.address, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            input=PASSWORD.encode(), check=True, timeout=SECONDS,
        )  # fmt: skip


class KeychainTest(RealTest):
    def setUp(self):
        super().setUp()
        self.stand_in = self.enterContext(StandIn())
        self.user = self.stand_in.user
        self.endpoint = {"AWS_ENDPOINT_URL": self.stand_in.url}

    def write_keys(self):
        section = long_term(self.user).decode().rstrip().replace("]\n", "]\n# mine\n", 1)
        self.credentials.write_bytes(BEFORE + f"{section}\n\n[last]\nx = 1\n".encode())

    def left(self):
        """What a move leaves of the file."""
        left = LEFT.format(device=self.user.device, program=MFA_CREDS, key=self.user.key)
        return BEFORE + left.encode()

    def assert_clients_get_the_keys(self):
        """The AWS CLI and boto3 are the user with nothing else than the line in the section."""
        told = self.aws(self.stand_in.url, "sts", "get-caller-identity", "--profile", "p-long-term", **self.clean)
        self.assertEqual(told["Arn"], self.user.arn)
        arn = "session.client('sts').get_caller_identity()['Arn']"
        self.assertEqual(self.boto3(self.stand_in.url, "p-long-term", arn, **self.clean), self.user.arn)

    def assert_back(self, name):
        """The way of keys out of a keychain, where they serve as they are."""
        self.assert_clients_get_the_keys()
        self.mfa_creds("-p", "p", code=self.stand_in.code(), **self.endpoint)
        written = self.assert_written(seconds=43200)
        self.assertEqual(self.mfa_creds("keychain", "restore", "-p", "p"), f"moved the keys from {name} to [p-long-term]\n")
        self.assertEqual(
            [line for line in self.section("p-long-term") if len(line) == 2],
            [
                ("aws_mfa_device", self.user.device),
                ("aws_access_key_id", self.user.key),
                ("aws_secret_access_key", self.user.secret),
            ],
        )
        self.assertEqual(self.assert_written(), written)
        self.assertTrue(self.credentials.read_bytes().startswith(BEFORE + b"[p-long-term]\n# mine\n"))

    def get(self, key=None):
        return self.run_program([MFA_CREDS, "keychain", "get", key or self.user.key])


class SecretService(KeychainTest):
    def setUp(self):
        super().setUp()
        self.desktop = self.enterContext(Desktop(self.home))
        self.clean |= self.desktop.address

    def secret_tool(self, *arguments, secret=""):
        return self.run_program(["secret-tool", *arguments], secret or None)

    def test_there_and_back(self):
        self.write_keys()
        self.assertEqual(self.mfa_creds("keychain", "move", "-p", "p"), MOVED)
        self.assertEqual(self.credentials.read_bytes(), self.left())
        self.assert_back("the Secret Service")
        gone = self.get()
        self.assertEqual((gone.returncode, gone.stdout), (1, ""))
        self.assertIn(f"error: the Secret Service has no secret for access key {self.user.key}\n", gone.stderr)

    def test_whoever_shares_nothing_but_the_user_gets_the_keys(self):
        self.write_keys()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        _, command = self.section("p-long-term")[-1]
        done = subprocess.run(
            ["sh", "-c", command], env={"XDG_RUNTIME_DIR": self.clean["XDG_RUNTIME_DIR"]}, cwd="/", stdin=subprocess.DEVNULL,
            capture_output=True, start_new_session=True, timeout=SECONDS,
        )  # fmt: skip
        self.assertEqual(json.loads(done.stdout)["SecretAccessKey"], self.user.secret, done.stderr)

    def test_other_programs_read_the_entry(self):
        self.write_keys()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        printed = self.secret_tool("lookup", "service", "mfa-creds", "username", self.user.key).stdout
        wanted = {"Version": 1, "AccessKeyId": self.user.key, "SecretAccessKey": self.user.secret}
        self.assertEqual(json.loads(printed), wanted)
        self.assertEqual(json.loads(self.get().stdout), wanted)

    def test_a_valid_session_needs_no_keychain(self):
        self.write_keys()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        self.mfa_creds("-p", "p", code=self.stand_in.code(), **self.endpoint)
        self.desktop.lock()
        self.mfa_creds_without_network("-p", "p")

    def test_a_locked_keychain_loses_nothing(self):
        self.write_keys()
        before = self.credentials.read_bytes()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        self.desktop.lock()
        self.assertEqual(self.mfa_creds("keychain", "restore", "-p", "p", exit=3), f"error: {LOCKED}")
        process = f"credential_process of [p-long-term] in {self.credentials}"
        self.assertEqual(
            self.mfa_creds("-p", "p", code=self.stand_in.code(), exit=1, **self.endpoint),
            f"error: the command from {process} failed: {LOCKED}",
        )
        self.assertEqual(self.credentials.read_bytes(), self.left())
        # Nor can another profile's keys go there.
        self.credentials.write_bytes(before.replace(self.user.key.encode(), WORK.key.encode()))
        other = self.credentials.read_bytes()
        self.assertEqual(self.mfa_creds("keychain", "move", "-p", "p", exit=3), f"error: {LOCKED}")
        self.assertEqual(self.credentials.read_bytes(), other)
        self.credentials.write_bytes(self.left())
        self.desktop.unlock()
        self.mfa_creds("keychain", "restore", "-p", "p", "-q")
        self.assertIn(("aws_secret_access_key", self.user.secret), self.section("p-long-term"))

    def test_a_keychain_that_forgets_gets_no_keys(self):
        self.write_keys()
        before = self.credentials.read_bytes()
        self.desktop.make_default("session")
        messages = self.mfa_creds("keychain", "move", "-p", "p", exit=1)
        self.assertIn("is the session collection, which forgets everything at logout\nhint: make another keychain the default", messages)
        self.assertEqual(self.credentials.read_bytes(), before)
        self.desktop.make_default("login")
        self.assertEqual(self.mfa_creds("keychain", "move", "-p", "p"), MOVED)

    def test_an_entry_that_is_there_is_not_overwritten(self):
        self.write_keys()
        before = self.credentials.read_bytes()
        named = ["service", "mfa-creds", "username", self.user.key]
        same = json.dumps({"Version": 1, "AccessKeyId": self.user.key, "SecretAccessKey": self.user.secret})
        self.secret_tool("store", "--label", "mine", *named, secret=same.replace(self.user.secret, WORK.secret))
        messages = self.mfa_creds("keychain", "move", "-p", "p", exit=1)
        self.assertIn(f"error: the Secret Service contains a different secret for access key {self.user.key}\n", messages)
        self.assertEqual(self.credentials.read_bytes(), before)
        # Of an earlier try that was killed, it is as good as a new one.
        self.secret_tool("store", "--label", "mine", *named, secret=same)
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        self.assertEqual(self.credentials.read_bytes(), self.left())
        self.secret_tool("store", "--label", "mine", *named, secret="something else")
        broken = self.get()
        self.assertEqual((broken.returncode, broken.stdout), (1, ""))
        self.assertIn("is not what mfa-creds stored\n", broken.stderr)

    def test_setup_leaves_nothing_in_clear_text(self):
        self.credentials.write_bytes(BEFORE)
        answers = f"p\n{self.user.key}\n{self.user.secret}\n{self.user.device}"
        messages = self.mfa_creds("setup", "--keychain", code=answers)
        self.assertIn("stored its keys in the Secret Service\n", messages)
        self.assertNotIn(self.user.secret.encode(), self.credentials.read_bytes())
        self.assert_clients_get_the_keys()

    def test_setup_moves_keys_that_stand_in_the_way(self):
        self.credentials.write_bytes(long_term(self.user, section="p"))
        self.mfa_creds("setup", "--keychain", code="p")
        self.assertNotIn(self.user.secret.encode(), self.credentials.read_bytes())
        self.assert_clients_get_the_keys()

    def test_an_entry_of_two_sections_stays_for_the_other(self):
        self.write_keys()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        line = self.section("p-long-term")[-1]
        with self.credentials.open("a") as file:
            file.write(f"[q-long-term]\n{' = '.join(line)}\n")
        messages = self.mfa_creds("keychain", "restore", "-p", "p")
        self.assertIn("the keychain entry stays: another section gets its keys from it\n", messages)
        self.mfa_creds("keychain", "restore", "-p", "q", "-q")
        self.assertEqual(self.get().returncode, 1)

    def test_a_key_is_rotated_where_it_is(self):
        self.write_keys()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        self.mfa_creds("rotate", "-p", "p", "--yes", **self.endpoint)
        _, process = self.section("p-long-term")[-1]
        new = process.split()[-1]
        self.assertNotEqual(new, self.user.key)
        self.assertEqual(self.credentials.read_bytes(), self.left().replace(self.user.key.encode(), new.encode()))
        self.assertEqual(self.get().returncode, 1)
        self.user = dataclasses.replace(self.user, key=new)
        self.assert_clients_get_the_keys()

    def test_what_stays_in_clear_text_is_told(self):
        self.write_keys()
        with self.credentials.open("ab") as file:
            file.write(long_term(self.user, section="q-long-term"))
        messages = self.mfa_creds("keychain", "move", "-p", "p")
        self.assertIn("warning: [q-long-term] still has the same keys in clear text\n", messages)


class Login(KeychainTest):
    """Where a login manager has the D-Bus of each user, which programs find that have no variables. Each runs where /run is a
    place of its own: whoever runs the tests may have a desktop."""

    INSIDE = 'mount -t tmpfs tmpfs /run; mkdir -p "$1"; mount --bind "$2" "$1"; shift 2; exec "$@"'

    def setUp(self):
        super().setUp()
        self.desktop = self.enterContext(Desktop(self.home))

    def run_program(self, command, code=None, **environment):
        usual = f"/run/user/{os.getuid()}"
        runtime = self.desktop.address["XDG_RUNTIME_DIR"]
        inside = [*NAMESPACE, "sh", "-euc", self.INSIDE, "sh", usual, runtime]
        return super().run_program([*inside, *command], code, **environment)

    def test_a_job_of_cron_gets_the_keys(self):
        self.write_keys()
        # Nor does the move itself need more.
        self.assertEqual(self.mfa_creds("keychain", "move", "-p", "p"), MOVED)
        self.assert_back("the Secret Service")
        self.mfa_creds("keychain", "move", "-p", "p", XDG_RUNTIME_DIR=f"/run/user/{os.getuid()}")
        self.assert_clients_get_the_keys()


class Window(KeychainTest):
    """GNOME Keyring asks a person at a display."""

    def setUp(self):
        super().setUp()
        display = {"DISPLAY": self.enterContext(Xvfb()).display}
        self.desktop = self.enterContext(Desktop(self.home, **display))
        self.clean |= self.desktop.address | display
        self.write_keys()
        self.mfa_creds("keychain", "move", "-p", "p", "-q")
        self.desktop.lock()

    def answer(self, *keys):
        """Types into the window that comes when keys are needed, and returns how that ends."""
        with concurrent.futures.ThreadPoolExecutor() as others:
            run = others.submit(self.get)
            # Again, until it hears: what is typed before the window is ready is lost.
            while not run.done():
                window = self.run_program(["xdotool", "search", "--onlyvisible", "--class", "gcr-prompter"]).stdout.split()
                if window:
                    # There is no window manager that would do it.
                    self.run_program(["xdotool", "windowfocus", "--sync", window[0], "key", "--delay", "30", *keys])
                concurrent.futures.wait([run], 0.5)
            return run.result()

    def test_a_password_in_a_window_unlocks_it(self):
        done = self.answer("ctrl+a", *PASSWORD, "Return")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["SecretAccessKey"], self.user.secret)

    def test_a_person_may_refuse(self):
        done = self.answer("Escape")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertEqual(
            done.stderr,
            "error: the desktop keychain (Secret Service) is locked, or not set up yet, and nobody unlocked it\n"
            "hint: type its password in the window that asks for it, or unlock it, then run the command again\n",
        )


class WithoutKeychain(KeychainTest):
    def test_a_session_without_a_keychain_is_told(self):
        self.write_keys()
        before = self.credentials.read_bytes()
        with Desktop(self.home, keyring=False) as desktop:
            messages = self.mfa_creds("keychain", "move", "-p", "p", exit=1, **desktop.address)
        self.assertEqual(
            messages,
            "error: no program on this machine provides a keychain (Secret Service)\n"
            "hint: install and start GNOME Keyring, KWallet, or KeePassXC\n",
        )
        self.assertEqual(self.credentials.read_bytes(), before)


class Private(KeychainTest):
    """A keychain that only those reach who have the address of its D-Bus, as under dbus-run-session."""

    def setUp(self):
        super().setUp()
        self.desktop = self.enterContext(Desktop(self.home, private=True))
        self.clean |= self.desktop.address
        self.write_keys()
        self.before = self.credentials.read_bytes()

    def assert_nothing_is_left_there(self):
        self.assertEqual(self.credentials.read_bytes(), self.before)
        self.assertIn("has no secret for access key", self.get().stderr)

    def test_nobody_is_no_consent(self):
        asked = (
            "error: the Secret Service can be read only in this session, and there is no terminal to ask whether that is enough\n"
            "hint: "
        )
        self.assertEqual(
            self.mfa_creds("keychain", "move", "-p", "p", exit=3),
            f"{asked}run `mfa-creds keychain move -p p --yes` to agree\n",
        )
        self.assert_nothing_is_left_there()
        self.before = BEFORE
        self.credentials.write_bytes(BEFORE)
        answers = f"p\n{self.user.key}\n{self.user.secret}\n{self.user.device}"
        self.assertEqual(
            self.mfa_creds("setup", "--keychain", code=answers, exit=3),
            f"{asked}run the command in a desktop session, or leave out --keychain\n",
        )
        self.assert_nothing_is_left_there()

    def test_a_person_is_asked(self):
        for answer, says in [
            ("\x03", "Store the keys there anyway?"),
            ("\r", "the keys were not stored in the Secret Service"),
            ("y\r", "moved the keys of [p-long-term] to the Secret Service"),
        ]:
            with self.on_terminal("keychain", "move", "-p", "p") as terminal:
                terminal.wait_for("warning: the Secret Service can be read only in this session")
                terminal.wait_for("Store the keys there anyway? [y/N]")
                terminal.type(answer)
                status, screen = terminal.end()
            self.assertIn(says, screen)
            if status:
                self.assert_nothing_is_left_there()
        self.assertEqual(self.credentials.read_bytes(), self.left())

    def test_yes_says_so(self):
        self.assertEqual(self.mfa_creds("keychain", "move", "-p", "p", "--yes"), MOVED)
        self.assert_back("the Secret Service")


class Keyutils(KeychainTest):
    """Keys that an earlier version has left to the kernel, in a session keyring of the test's own."""

    LEAVING = 'keyctl padd user "keyring:$KEY@mfa-creds" @s >/dev/null <"$ENTRY" && exec "$@"'

    def setUp(self):
        super().setUp()
        self.is_there = True
        entry = self.home / "entry"
        entry.write_text(json.dumps({"Version": 1, "AccessKeyId": self.user.key, "SecretAccessKey": self.user.secret}))
        self.clean |= {"KEY": self.user.key, "ENTRY": str(entry)}
        self.write_keys()
        line = f"keychain get {self.user.key}"
        self.line = f"{line} --store keyutils".encode()
        self.credentials.write_bytes(self.left().replace(line.encode(), self.line))

    def run_program(self, command, code=None, **environment):
        leaving = ["sh", "-c", self.LEAVING, "sh"] if self.is_there else []
        done = super().run_program(["keyctl", "session", "-", *leaving, *command], code, **environment)
        lines = done.stderr.splitlines(True)
        done.stderr = "".join(line for line in lines if not line.startswith("Joined session keyring"))
        return done

    def test_they_serve_and_come_back(self):
        self.assert_back("the kernel's keyring")

    def test_where_they_are_not_nothing_is_changed(self):
        self.is_there = False
        before = self.credentials.read_bytes()
        self.assertEqual(
            self.mfa_creds("keychain", "restore", "-p", "p", exit=1),
            f"error: the kernel's keyring has no secret for access key {self.user.key}\n"
            "hint: it is in another login session, or the machine was restarted: remove credential_process from the section and write "
            "the keys with `mfa-creds setup`, or create new keys\n",
        )
        self.assertEqual(self.credentials.read_bytes(), before)

    def test_it_goes_from_there(self):
        then = f'"{MFA_CREDS}" keychain restore -p p && keyctl search @s user "keyring:$KEY@mfa-creds"'
        done = self.run_program(["sh", "-c", then])
        self.assertIn("moved the keys from the kernel's keyring to [p-long-term]\n", done.stderr)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
