"""botocore and the Rust SDK read many made-up files; where the two agree, mfa-creds has to agree with them.

The readings of mfa-creds and of the Rust SDK come from one of the unit tests of the document model.
"""

import json
import os
import random
import subprocess

import botocore.configloader
import botocore.exceptions
from support import RealTest

FILES = 3000
KEYS = ["alpha", "beta", "gamma_2", "ALPHA", "Beta"]
VALUES = ["", "v", "v w", "v#x", "v # x", "a=b", "日本", '"q"', "c:\\new\\", "%h", "v ; x"]
HEADERS = [
    "[profile a]",
    "[profile b-c]",
    "[default]",
    "[profile  d]",
    "[ profile e ]",
    '[profile "f g"]',
    "[profile a] # x",
]
OTHERS = [
    "",
    "  ",
    "# note",
    "; note",
    " more",
    "\tn = 1",
    "   n=2",
    "nonsense",
    "= v",
    "alpha : v",
    "[profile a",
]


def made_up(chance):
    lines = ["[profile a]"]
    for _ in range(chance.randrange(12)):
        kind = chance.random()
        if kind < 0.5:
            equals = chance.choice(["=", " = ", "\t= "])
            lines.append(chance.choice(KEYS) + equals + chance.choice(VALUES))
        elif kind < 0.7:
            lines.append(chance.choice(HEADERS))
        else:
            lines.append(chance.choice(OTHERS))
    return chance.choice(["\n", "\r\n"]).join(lines) + chance.choice(["", "\n"])


def by_botocore(path):
    """Profiles with their values as text, or None where botocore refuses the file."""
    try:
        profiles = botocore.configloader.load_config(str(path))["profiles"]
    except (botocore.exceptions.ConfigParseError, ValueError):
        return None
    return {name: {key: as_text(value) for key, value in values.items()} for name, values in profiles.items()}


def as_text(value):
    """Nested settings are a dict for botocore, and lines for the SDKs."""
    if isinstance(value, dict):
        return "".join(f"\n{key} = {text}" for key, text in value.items())
    return value


def normal(profiles):
    """Nested settings may be written with other blanks around their equals sign."""
    if profiles is None:
        return None
    return {
        name: {
            key: "\n".join(" = ".join(part.strip() for part in line.split("=", 1)) for line in value.split("\n"))
            if value.startswith("\n")
            else value
            for key, value in values.items()
            if key in ("alpha", "beta", "gamma_2")
        }
        for name, values in profiles.items()
    }


class Agreement(RealTest):
    def test_where_both_agree_so_do_we(self):
        directory = self.home / "files"
        directory.mkdir()
        chance = random.Random(1)
        paths = [directory / f"{number}.config" for number in range(FILES)]
        for path in paths:
            path.write_text(made_up(chance), encoding="utf-8", newline="")
        command = [os.environ["READINGS"], "writes_readings_down_for_botocore"]
        done = subprocess.run(command, env={"MFA_CREDS_READINGS": str(directory)}, capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout)
        agreed = refused = 0
        for path in paths:
            readings = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            ours, sdk, botocores = (normal(each) for each in (readings["ours"], readings["sdk"], by_botocore(path)))
            if sdk == botocores:
                self.assertEqual(ours, sdk, path.read_text(encoding="utf-8"))
                agreed += 1
                refused += sdk is None
        # Enough of each kind to mean something.
        self.assertGreater(agreed - refused, FILES // 10)
        self.assertGreater(refused, FILES // 20)
