"""What package managers read about a release: a formula for Homebrew, manifests for Scoop and winget, a PKGBUILD for Arch Linux,
an expression for Nix. `.github/package manifests` packs them, and CONTRIBUTING.md says where each one goes."""

import base64
import dataclasses
import json

MACS = {"arm": "aarch64-apple-darwin", "intel": "x86_64-apple-darwin"}
LINUXES = {"arm": "aarch64-unknown-linux-musl", "intel": "x86_64-unknown-linux-musl"}
WINDOWS = "x86_64-pc-windows-msvc"

PUBLISHER = "mfa-creds"
# winget-pkgs takes a new version of the schema only when enough machines can read it.
WINGET_SCHEMA = "1.12.0"


@dataclasses.dataclass(frozen=True)
class Release:
    name: str
    version: str
    description: str
    license: str
    repository: str
    keywords: list
    maintainer: str
    completions: dict
    # The SHA-256 of each archive, by target, once they are there.
    sums: dict = dataclasses.field(default_factory=dict)

    def archive(self, target):
        return f"{self.directory(target)}.{'zip' if 'windows' in target else 'tar.gz'}"

    def directory(self, target):
        """What an archive unpacks to."""
        return f"{self.name}-{self.version}-{target}"

    def url(self, target):
        return f"{self.repository}/releases/download/v{self.version}/{self.archive(target)}"


def all_of(release):
    """The files, by where they are in the archive of manifests."""
    return {
        f"homebrew/{release.name}.rb": formula(release),
        f"scoop/{release.name}.json": scoop(release),
        **{f"winget/{name}": text for name, text in winget(release).items()},
        "aur/PKGBUILD": pkgbuild(release),
        "aur/.SRCINFO": srcinfo(release),
        "nix/package.nix": nix(release),
    }


def formula(release):
    choices = ""
    for system, targets in {"macos": MACS, "linux": LINUXES}.items():
        choices += f"\n  on_{system} do\n"
        for processor, target in targets.items():
            choices += (
                f"    on_{processor} do\n"
                f'      url "{release.url(target)}"\n'
                f'      sha256 "{release.sums[target]}"\n'
                "    end\n"
            )
        choices += "  end\n"
    return f'''class MfaCreds < Formula
  desc "{release.description}"
  homepage "{release.repository}"
  version "{release.version}"
  license "{release.license}"
{choices}
  def install
    bin.install "{release.name}"
    man1.install Dir["man/*.1"]
    man7.install Dir["man/*.7"]
    bash_completion.install "completions/{release.completions["bash"]}" => "{release.name}"
    zsh_completion.install "completions/{release.completions["zsh"]}"
    fish_completion.install "completions/{release.completions["fish"]}"
  end

  test do
    assert_match "{release.name} #{{version}}", shell_output("#{{bin}}/{release.name} --version")
  end
end
'''


def scoop(release):
    # Scoop itself fills in the next version.
    following = dataclasses.replace(release, version="$version")
    manifest = {
        "version": release.version,
        "description": release.description,
        "homepage": release.repository,
        "license": release.license,
        "architecture": {
            "64bit": {
                "url": release.url(WINDOWS),
                "hash": release.sums[WINDOWS],
                "extract_dir": release.directory(WINDOWS),
            }
        },
        "bin": f"{release.name}.exe",
        "checkver": "github",
        "autoupdate": {
            "architecture": {
                "64bit": {"url": following.url(WINDOWS), "extract_dir": following.directory(WINDOWS)}
            },
            "hash": {"url": "$baseurl/SHA256SUMS"},
        },
    }
    return json.dumps(manifest, indent=4, ensure_ascii=False) + "\n"


def winget(release):
    identifier = f"{PUBLISHER}.{release.name}"
    installer = {
        "InstallerType": "zip",
        "NestedInstallerType": "portable",
        "NestedInstallerFiles": [
            {
                "RelativeFilePath": f"{release.directory(WINDOWS)}\\{release.name}.exe",
                "PortableCommandAlias": release.name,
            }
        ],
        "Commands": [release.name],
        "Installers": [
            {
                "Architecture": "x64",
                "InstallerUrl": release.url(WINDOWS),
                "InstallerSha256": release.sums[WINDOWS].upper(),
            }
        ],
    }
    locale = {
        "PackageLocale": "en-US",
        "Publisher": f"The {release.name} maintainers",
        "PublisherUrl": release.repository,
        "PublisherSupportUrl": f"{release.repository}/issues",
        "PackageName": release.name,
        "PackageUrl": release.repository,
        "License": release.license,
        "LicenseUrl": f"{release.repository}/blob/v{release.version}/LICENSE",
        "ShortDescription": release.description,
        "Moniker": release.name,
        "Tags": release.keywords,
        "ReleaseNotesUrl": f"{release.repository}/releases/tag/v{release.version}",
    }
    files = {
        f"{identifier}.yaml": ("version", {"DefaultLocale": "en-US"}),
        f"{identifier}.installer.yaml": ("installer", installer),
        f"{identifier}.locale.en-US.yaml": ("defaultLocale", locale),
    }
    manifests = {}
    for name, (kind, fields) in files.items():
        schema = f"https://aka.ms/winget-manifest.{kind}.{WINGET_SCHEMA}.schema.json"
        whole = {
            "PackageIdentifier": identifier,
            "PackageVersion": release.version,
            **fields,
            "ManifestType": kind,
            "ManifestVersion": WINGET_SCHEMA,
        }
        manifests[name] = f"# yaml-language-server: $schema={schema}\n\n{yaml(whole)}"
    return manifests


def yaml(fields, indent=""):
    """Mappings and lists as YAML. A scalar is in the form of JSON, which YAML has, too, so that none is read as a number."""
    lines = ""
    for key, value in fields.items():
        if not isinstance(value, list):
            lines += f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}\n"
            continue
        lines += f"{indent}{key}:\n"
        for item in value:
            if isinstance(item, dict):
                lines += f"{indent}- {yaml(item, f'{indent}  ').lstrip()}"
            else:
                lines += f"{indent}- {json.dumps(item, ensure_ascii=False)}\n"
    return lines


# The names that Arch Linux has for the processors are those that the targets begin with.
ARCHES = {target.split("-")[0]: target for target in sorted(LINUXES.values(), reverse=True)}


def arch_version(release):
    """A dash separates Arch Linux's own number from the version. Without it, a pre-release is still older than the release."""
    return release.version.replace("-", "")


def pkgbuild(release):
    completions = release.completions
    sources = ""
    for arch, target in ARCHES.items():
        sources += f"source_{arch}=({bash_string(release.url(target))})\n"
        sources += f"sha256sums_{arch}=({bash_string(release.sums[target])})\n"
    directory = release.directory("$CARCH-unknown-linux-musl")
    return f'''# Maintainer: {release.maintainer}

pkgname={release.name}-bin
pkgver={arch_version(release)}
pkgrel=1
pkgdesc={bash_string(release.description)}
arch=({" ".join(bash_string(arch) for arch in ARCHES)})
url={bash_string(release.repository)}
license=({bash_string(release.license)})
depends=('ca-certificates')
provides=("{release.name}=$pkgver")
conflicts=({bash_string(release.name)})
# It is stripped, and stays what the release attests.
options=('!strip')
{sources}
package() {{
    cd "{directory}"
    install -Dm755 {release.name} -t "$pkgdir/usr/bin"
    install -Dm644 man/*.1 -t "$pkgdir/usr/share/man/man1"
    install -Dm644 man/*.7 -t "$pkgdir/usr/share/man/man7"
    install -Dm644 completions/{completions["bash"]} "$pkgdir/usr/share/bash-completion/completions/{release.name}"
    install -Dm644 completions/{completions["zsh"]} -t "$pkgdir/usr/share/zsh/site-functions"
    install -Dm644 completions/{completions["fish"]} -t "$pkgdir/usr/share/fish/vendor_completions.d"
    install -Dm644 LICENSE -t "$pkgdir/usr/share/licenses/$pkgname"
    install -Dm644 README.md -t "$pkgdir/usr/share/doc/$pkgname"
}}
'''


def bash_string(text):
    return "'" + text.replace("'", "'\\''") + "'"


def srcinfo(release):
    """What `makepkg --printsrcinfo` prints for the PKGBUILD. The AUR reads only this."""
    fields = [
        ("pkgdesc", release.description),
        ("pkgver", arch_version(release)),
        ("pkgrel", "1"),
        ("url", release.repository),
        *(("arch", arch) for arch in ARCHES),
        ("license", release.license),
        ("depends", "ca-certificates"),
        ("provides", f"{release.name}={arch_version(release)}"),
        ("conflicts", release.name),
        ("options", "!strip"),
    ]
    for arch, target in ARCHES.items():
        fields += [(f"source_{arch}", release.url(target)), (f"sha256sums_{arch}", release.sums[target])]
    lines = "".join(f"\t{name} = {value}\n" for name, value in fields)
    return f"pkgbase = {release.name}-bin\n{lines}\npkgname = {release.name}-bin\n"


def nix(release):
    archives = ""
    for system, targets in {"linux": LINUXES, "darwin": MACS}.items():
        for target in targets.values():
            integrity = base64.b64encode(bytes.fromhex(release.sums[target])).decode()
            archives += (
                f"    {target.split('-')[0]}-{system} = {{\n"
                f"      url = {nix_string(release.url(target))};\n"
                f'      hash = "sha256-{integrity}";\n'
                "    };\n"
            )
    completions = release.completions
    return f'''{{
  lib,
  stdenvNoCC,
  fetchurl,
  installShellFiles,
}}:

let
  inherit (stdenvNoCC.hostPlatform) system;
  archives = {{
{archives}  }};
in
stdenvNoCC.mkDerivation {{
  pname = "{release.name}";
  version = "{release.version}";

  src = fetchurl (archives.${{system}} or (throw "{release.name} is not built for ${{system}}"));

  nativeBuildInputs = [ installShellFiles ];

  dontConfigure = true;
  dontBuild = true;
  # It is stripped. On macOS, its signature would no longer be valid.
  dontStrip = true;

  installPhase = \'\'
    runHook preInstall
    install -Dm755 {release.name} -t $out/bin
    installManPage man/*.[17]
    installShellCompletion --cmd {release.name} \\
      --bash completions/{completions["bash"]} \\
      --zsh completions/{completions["zsh"]} \\
      --fish completions/{completions["fish"]}
    runHook postInstall
  \'\';

  meta = {{
    description = {nix_string(release.description)};
    homepage = {nix_string(release.repository)};
    changelog = {nix_string(f"{release.repository}/releases/tag/v{release.version}")};
    license = lib.getLicenseFromSpdxId "{release.license}";
    mainProgram = "{release.name}";
    platforms = lib.attrNames archives;
    sourceProvenance = [ lib.sourceTypes.binaryNativeCode ];
  }};
}}
'''


def nix_string(text):
    return json.dumps(text, ensure_ascii=False).replace("${", "\\${")
