//! Access control lists, which `icacls.exe` reads and writes: no crate that is kept does it without `unsafe`.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ring::rand::{SecureRandom as _, SystemRandom};
use winsafe::{
    ConvertStringSidToSid, GetSystemDirectory, HPROCESS, LookupAccountSid, TokenInfo, co,
};

use super::sddl::rights_of_others;
use crate::core::file_id::real_path;
use crate::core::text::quoted_path;

/// Who always has rights: SYSTEM and administrators.
const ALWAYS: [&str; 2] = ["S-1-5-18", "S-1-5-32-544"];
/// The two letters of groups that anybody may be in.
const GROUPS: [(&str, &str); 7] = [
    ("WD", "S-1-1-0"),
    ("AU", "S-1-5-11"),
    ("IU", "S-1-5-4"),
    ("NU", "S-1-5-2"),
    ("BU", "S-1-5-32-545"),
    ("BG", "S-1-5-32-546"),
    ("AN", "S-1-5-7"),
];
/// No window appears for it.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// What gets rights. Those of a directory are also those of what is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    File,
    Directory,
}

/// Who else can use a file.
pub struct Others {
    /// Whether they can change it, or only read it.
    pub can_change: bool,
    /// For a message.
    pub names: String,
    /// A command that takes these rights away.
    pub fix: String,
}

/// Leaves a file or an empty directory that was just created to this user alone. In the user's profile, it is so. Returns whether its
/// access control list was changed.
pub fn leave_to_user(path: &Path, kind: Kind) -> bool {
    if is_in_profile(path) {
        return false;
    }
    let Some(user) = user() else { return false };
    let mut command = icacls(path);
    command.args(["/inheritance:r", "/grant:r"]);
    command.args(grants(&user, kind));
    // A file system without such lists, as on a USB stick, refuses. `doctor` tells who has rights.
    command.status().is_ok_and(|status| status.success())
}

/// Who else can change a file or a directory, or else, who can read it.
///
/// # Errors
/// If the access control list cannot be read.
pub fn others(path: &Path, kind: Kind) -> io::Result<Option<Others>> {
    let user = user().ok_or(ErrorKind::Unsupported)?;
    let sddl = sddl(path)?;
    let rights = rights_of_others(&sddl, &user);
    let (can_change, who) = if rights.writers.is_empty() {
        (false, rights.readers)
    } else {
        (true, rights.writers)
    };
    if who.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> = who.iter().map(|who| name(who)).collect();
    Ok(Some(Others {
        can_change,
        names: names.join(", "),
        fix: private(path, kind, &user, &who),
    }))
}

/// A command that makes a file readable and writable for this user, and gives nobody else a right, as the rights of the directory might.
pub fn make_readable(path: &Path) -> String {
    let path = quoted_path(path);
    format!(
        "icacls {path} /grant \"*{}:F\", or takeown /f {path} first if it belongs to another user",
        user().unwrap_or_default()
    )
}

/// A command that leaves a file to this user.
pub fn make_private(path: &Path) -> String {
    private(path, Kind::File, &user().unwrap_or_default(), &[])
}

fn private(path: &Path, kind: Kind, user: &str, others: &[&str]) -> String {
    let mut command = format!("icacls {} /inheritance:r /grant:r", quoted_path(path));
    for grant in grants(user, kind) {
        command += &[" \"", &grant, "\""].concat();
    }
    for other in others {
        command += &[" /remove:g \"*", identifier(other), "\""].concat();
    }
    command
}

fn grants(user: &str, kind: Kind) -> Vec<String> {
    let rights = match kind {
        Kind::File => "F",
        Kind::Directory => "(OI)(CI)F",
    };
    let all = [user].into_iter().chain(ALWAYS);
    all.map(|who| format!("*{who}:{rights}")).collect()
}

/// The access control list of a file in text. `icacls` shows names in the language of the system, except in a file.
fn sddl(path: &Path) -> io::Result<String> {
    let saved = new_file()?;
    let status = icacls(path).arg("/save").arg(&saved).status();
    let bytes = fs::read(&saved);
    let _ = fs::remove_file(&saved);
    if !status?.success() {
        return Err(ErrorKind::Unsupported.into());
    }
    let units = bytes?;
    let units = units
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text = String::from_utf16_lossy(&units.collect::<Vec<_>>());
    let line = text.lines().find(|line| line.starts_with("D:"));
    line.map(str::to_owned)
        .ok_or_else(|| ErrorKind::Unsupported.into())
}

/// A new file in the directory for temporary files, which other users may share: nobody can know its name before it exists.
fn new_file() -> io::Result<PathBuf> {
    let mut random = [0; 16];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_unspecified| ErrorKind::Unsupported)?;
    let path = env::temp_dir().join(format!(
        "mfa-creds-{:032x}.acl",
        u128::from_ne_bytes(random)
    ));
    File::create_new(&path)?;
    Ok(path)
}

fn icacls(path: &Path) -> Command {
    let directory =
        GetSystemDirectory().map_or_else(|_| PathBuf::from(r"C:\Windows\System32"), PathBuf::from);
    let mut command = Command::new(directory.join("icacls.exe"));
    command
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .creation_flags(CREATE_NO_WINDOW);
    command
}

/// Whether a path is in the user's profile, where no other user has rights.
pub fn is_in_profile(path: &Path) -> bool {
    let home = env::home_dir().and_then(|home| real_path(&home).ok());
    let place = path
        .parent()
        .and_then(|directory| real_path(directory).ok());
    matches!((home, place), (Some(home), Some(place)) if place.starts_with(&home))
}

/// The security identifier of this user.
fn user() -> Option<String> {
    let token = HPROCESS::GetCurrentProcess()
        .OpenProcessToken(co::TOKEN::QUERY)
        .ok()?;
    match token
        .GetTokenInformation(co::TOKEN_INFORMATION_CLASS::User)
        .ok()?
    {
        TokenInfo::User(user) => user.User.Sid().map(|sid| sid.to_string()),
        _ => None,
    }
}

/// Two letters as the identifier that they stand for.
fn identifier<'s>(who: &'s str) -> &'s str {
    let group = GROUPS.iter().find(|(letters, _)| *letters == who);
    group.map_or(who, |(_, identifier)| identifier)
}

/// The name of a user or a group, in the language of the system.
fn name(who: &str) -> String {
    let found = ConvertStringSidToSid(identifier(who)).and_then(|sid| LookupAccountSid(None, &sid));
    match found {
        Ok((name, domain, _)) if !domain.is_empty() => format!(r"{domain}\{name}"),
        Ok((name, ..)) => name,
        Err(_) => who.to_owned(),
    }
}
