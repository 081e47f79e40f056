//! Finds out from which commit this is built, for `--version`. If none can be found, `--version` shows the version alone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// cargo puts it into every crate that it packs in a repository.
const PACKED: &str = ".cargo_vcs_info.json";

/// As many digits as rustc and cargo show. git's own short form grows with the repository, and is another in a shallow clone.
const DIGITS: usize = 9;

/// Sets `MFA_CREDS_VERSION` for the program.
pub fn set_version() {
    let root = env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let full = match packed(&root).or_else(|| cloned(&root)) {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=MFA_CREDS_VERSION={full}");
}

/// The commit that a crate was packed from.
fn packed(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(PACKED)).ok()?;
    println!("cargo::rerun-if-changed={PACKED}");
    // What was packed with changes is not what that commit is.
    if text.contains("\"dirty\": true") {
        return None;
    }
    let (_, rest) = text.split_once("\"sha1\": \"")?;
    short(rest.split('"').next()?)
}

/// The commit that is checked out, and its date.
fn cloned(root: &Path) -> Option<String> {
    // A repository further up only contains a copy of this.
    if !root.join(".git").exists() {
        return None;
    }
    rerun_with_commits(root);
    let answer = git(
        root,
        &["log", "-1", "--no-show-signature", "--format=%H %cs"],
    )?;
    let (hash, date) = answer.split_once(' ')?;
    Some(format!("{} {date}", short(hash)?))
}

fn short(hash: &str) -> Option<String> {
    let is_hash = hash.chars().all(|c| c.is_ascii_hexdigit());
    hash.get(..DIGITS).filter(|_| is_hash).map(str::to_owned)
}

/// Names the files that say which commit is checked out. They are elsewhere in a worktree, so git is asked.
fn rerun_with_commits(root: &Path) {
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "packed-refs", "reftable"];
    for name in names.into_iter().chain(branch.as_deref()) {
        let Some(path) = git(root, &["rev-parse", "--git-path", name]) else {
            continue;
        };
        let mut path = Path::new(&path);
        // A branch that is in packed-refs gets its file with the next commit, which changes the directory.
        while name.starts_with("refs/") && !root.join(path).exists() {
            let Some(above) = path.parent() else { break };
            path = above;
        }
        // cargo would run this every time for a file that is not there.
        if root.join(path).exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(arguments);
    // Neither the repository of a hook that runs the build, nor one further up where this one is broken.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"] {
        command.env_remove(variable);
    }
    if let Some(above) = root.parent() {
        command.env("GIT_CEILING_DIRECTORIES", above);
    }
    let output = command.output().ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
