"""Devices that AWS knows, on each server: found where none is configured, listed, enrolled and resynchronised.

The servers take any codes, and say who has which device as AWS does: GetCallerIdentity knows the users' own keys on all
three, though moto and LocalStack verify no signatures. moto, and so LocalStack, has no ResyncMFADevice.
"""

import concurrent.futures
import json

from support import CODE, MFA_CREDS, RealTest, Recorder, Server, long_term, unique

LIST = "iam:ListMFADevices"


class OnAServer:
    """What is wanted of mfa-creds whichever server answers."""

    def setUp(self):
        super().setUp()
        self.name = unique("owner")
        self.recorder = self.enterContext(Recorder(self.server))
        self.endpoint = {"AWS_ENDPOINT_URL": self.recorder.url}

    def have(self, devices, may=LIST):
        """Makes a user with that many devices, and the file without any; returns their ARNs."""
        self.user = self.server.user(self.name, may=[may], device=False)
        self.credentials.write_bytes(long_term(self.user))
        return [self.server.device(self.name, f"{self.name}-{place}") for place in range(devices)]

    def called(self):
        """Wants every call to be with the long-term keys; returns the calls since the last time."""
        calls = [action for action, key in self.recorder.calls if key == self.user.key]
        self.assertEqual(len(calls), len(self.recorder.calls), self.recorder.calls)
        self.recorder.calls.clear()
        return calls

    def test_the_only_device_is_found(self):
        [device] = self.have(1)
        before = self.credentials.read_bytes()
        messages = self.mfa_creds("-p", "p", "-v", MFA_TOKEN=CODE, **self.endpoint)
        self.assertIn(f"\ndevice: {device} (the user's only device)\n", messages)
        self.assert_written(seconds=43200)
        self.assertTrue(self.credentials.read_bytes().startswith(before), "the long-term section")
        self.assertEqual(self.called(), ["GetCallerIdentity", "ListMFADevices", "GetSessionToken"])
        # The session knows its device.
        self.mfa_creds("-p", "p", "--force", MFA_TOKEN=CODE, **self.endpoint)
        self.assertEqual(self.called(), ["GetSessionToken"])

    def test_two_devices_and_nobody_to_ask(self):
        devices = self.have(2)
        before = self.credentials.read_bytes()
        messages = self.mfa_creds("-p", "p", exit=3, MFA_TOKEN=CODE, **self.endpoint)
        self.assertIn(f"{self.name} has 2 MFA devices", messages)
        error, hint = messages.split("hint: ")
        for device in devices:
            self.assertIn(device, hint)
        self.assertEqual(self.credentials.read_bytes(), before)
        self.assertEqual(self.called(), ["GetCallerIdentity", "ListMFADevices"])
        # As the hint says.
        self.mfa_creds("-p", "p", "--device", devices[1], MFA_TOKEN=CODE, **self.endpoint)
        self.assertEqual(self.called(), ["GetSessionToken"])

    def test_two_devices_and_somebody_to_ask(self):
        devices = self.have(2)
        before = self.credentials.read_text()
        with self.on_terminal("-p", "p", "-v", MFA_TOKEN=CODE, **self.endpoint) as terminal:
            terminal.wait_for("Which MFA device?")
            terminal.wait_for(devices[1])
            terminal.type("\x1b[B\r")
            terminal.wait_for("Write it to [p-long-term]")
            terminal.type("y\n")
            self.assertEqual(*with_screen(terminal.end(), 0))
        self.assert_written(seconds=43200)
        self.assertTrue(self.credentials.read_text().startswith(f"{before.rstrip()}\naws_mfa_device = {devices[1]}\n"))
        self.assertEqual(self.called(), ["GetCallerIdentity", "ListMFADevices", "GetSessionToken"])

    def test_no_device(self):
        self.have(0)
        before = self.credentials.read_bytes()
        messages = self.mfa_creds("-p", "p", exit=1, MFA_TOKEN=CODE, **self.endpoint)
        self.assertIn(f"{self.name} has no MFA device\nhint: run `mfa-creds device enroll -p p` ", messages)
        self.assertEqual(self.credentials.read_bytes(), before)
        self.assertEqual(self.called(), ["GetCallerIdentity", "ListMFADevices"])

    def test_list(self):
        devices = self.have(2)
        self.endpoint["MFA_DEVICE"] = devices[1]
        command = ["device", "list", "-p", "p"]
        lines = self.printed(*command).splitlines()
        self.assertEqual(lines[0].split(), ["DEVICE", "KIND", "SINCE", "USE"])
        listed = self.server.client("iam").list_mfa_devices(UserName=self.name)["MFADevices"]
        dates = {device["SerialNumber"]: device["EnableDate"] for device in listed}
        self.assertEqual(
            [line.split(maxsplit=3) for line in lines[1:]],
            [
                [devices[0], "app", f"{dates[devices[0]]:%Y-%m-%d}"],
                [devices[1], "app", f"{dates[devices[1]]:%Y-%m-%d}", "set for this profile"],
            ],
        )
        self.assertEqual(
            json.loads(self.printed(*command, "--json")),
            {
                "version": 1,
                "account": self.user.arn.split(":")[4],
                "user": self.name,
                "devices": [
                    {
                        "serial_number": device,
                        "kind": "app",
                        "usable": True,
                        "set": device == devices[1],
                        "enabled": f"{dates[device]:%Y-%m-%dT%H:%M:%SZ}",
                    }
                    for device in devices
                ],
            },
        )
        self.assertEqual(self.called(), ["GetCallerIdentity", "ListMFADevices"] * 2)

    def test_list_of_none(self):
        self.have(0)
        messages = self.mfa_creds("device", "list", "-p", "p", **self.endpoint)
        self.assertEqual(messages, f"{self.name} has no MFA device; `mfa-creds device enroll -p p` creates one\n")
        self.assertEqual(json.loads(self.printed("device", "list", "-p", "p", "--json"))["devices"], [])

    def printed(self, *arguments):
        done = self.run_program([MFA_CREDS, *arguments], **self.endpoint)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class Moto(OnAServer, RealTest):
    server = Server("MOTO")


class LocalStack(OnAServer, RealTest):
    server = Server("LOCALSTACK")


class MiniStack(OnAServer, RealTest):
    """The one that verifies signatures and evaluates policies."""

    server = Server("MINISTACK")

    def test_who_may_not_ask_is_told_the_usual_device(self):
        self.have(1, may="sts:AssumeRole")
        usual = f"{self.user.arn.rsplit(':', 1)[0]}:mfa/{self.name}"
        messages = self.mfa_creds("-p", "p", exit=1, MFA_TOKEN=CODE, **self.endpoint)
        self.assertIn("the MFA device of [p-long-term] is not set, and mfa-creds could not look it up: ", messages)
        self.assertIn(LIST, messages)
        self.assertIn(f"\nhint: it is often {usual}: ", messages)
        self.assertEqual(self.called(), ["GetCallerIdentity", "ListMFADevices"])


class Enrolment(RealTest):
    """The wait between two codes is a real one, so these wait together."""

    def test_enrolment_and_resynchronisation(self):
        moto, ministack = Server("MOTO"), Server("MINISTACK")
        waits = [(self.enroll, moto), (self.enroll, ministack), (self.resynchronise, ministack)]
        with concurrent.futures.ThreadPoolExecutor(len(waits)) as threads:
            futures = [
                threads.submit(wait, server, self.home / str(place)) for place, (wait, server) in enumerate(waits)
            ]
        for future in futures:
            future.result()

    def have(self, server, home, may, device):
        name = unique("owner")
        user = server.user(name, may=may, device=device)
        credentials = home / ".aws" / "credentials"
        credentials.parent.mkdir(mode=0o700, parents=True)
        credentials.write_bytes(long_term(user, device=False))
        return name, credentials, {"HOME": str(home), "AWS_ENDPOINT_URL": server.url}

    def enroll(self, server, home):
        may = [LIST, "iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]
        name, credentials, environment = self.have(server, home, may, device=False)
        before = credentials.read_text()
        with self.on_terminal("device", "enroll", "-p", "p", **environment) as terminal:
            terminal.wait_for("Scan this with an authenticator app")
            picture = terminal.wait_for("Current code: ")
            self.assertRegex(picture, r"\x1b\[38;5;231;48;5;231m(?:\u2580){30,}\x1b\[0m")
            self.assertNotIn("Secret", picture)
            self.two_codes(terminal)
            terminal.wait_for(f":mfa/{name} is enabled for {name}")
            terminal.wait_for("Write it to [p-long-term]?")
            terminal.type("y\n")
            terminal.wait_for("wrote aws_mfa_device to [p-long-term]")
            self.assertEqual(*with_screen(terminal.end(), 0))
        [device] = server.client("iam").list_mfa_devices(UserName=name)["MFADevices"]
        self.assertEqual(credentials.read_text(), f"{before.rstrip()}\naws_mfa_device = {device['SerialNumber']}\n\n")
        # These servers take a code twice, so the question whether STS knows the device has got a session.
        done = self.run_program([MFA_CREDS, "-p", "p", "--no-input"], **environment)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertIn("[p] shares the session of its key and device", done.stderr)

    def resynchronise(self, server, home):
        name, credentials, environment = self.have(server, home, [LIST, "iam:ResyncMFADevice"], device=True)
        before = credentials.read_bytes()
        with self.on_terminal("device", "resync", "-p", "p", **environment) as terminal:
            terminal.wait_for("Current code: ")
            self.two_codes(terminal)
            terminal.wait_for(f"resynchronized arn:aws:iam::000000000000:mfa/{name}")
            self.assertEqual(*with_screen(terminal.end(), 0))
        self.assertEqual(credentials.read_bytes(), before)

    def two_codes(self, terminal):
        terminal.type("12345\n")
        terminal.wait_for("error: a code is six digits")
        terminal.wait_for("Current code: ")
        terminal.type(f"{CODE}\n")
        terminal.wait_for("Next code: ")
        terminal.type(f"{CODE}\n")
        terminal.wait_for("error: this is the first code; wait for the next one")
        terminal.wait_for("Next code: ")
        terminal.type("654321\n")


def with_screen(end, wanted):
    """The arguments of assertEqual for an exit status, with what was on the screen."""
    status, screen = end
    return status, wanted, screen
