//! Checks who else can read or change the files and directories.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::path::{Path, PathBuf};

use super::checklist::Checklist;
use crate::files::profiles::{Files, key};
use crate::files::store;

const SUBJECT: &str = "permissions";

/// A file or a directory whose rights are checked.
struct CheckedFile<'p> {
    path: &'p Path,
    holds_secrets: bool,
    /// Whether it is expected to be a directory.
    is_directory: bool,
}

/// Checks the rights of the files, of their directories, and of the files of mfa-creds next to them. `logins` contain the sessions of
/// `aws login`.
pub fn check(list: &mut Checklist, files: &Files<'_>, logins: &[PathBuf]) {
    let Files {
        credentials,
        config,
    } = files;
    let mut sections = config.document.names();
    let config_has_secrets =
        sections.any(|name| config.get(name, key::AWS_SECRET_ACCESS_KEY).is_some());
    let sessions = store::session_files(credentials.path);
    let real = |path: &Path| store::resolve(path).unwrap_or_else(|_| path.to_path_buf());
    let directory = |path: &Path| real(path).parent().map(Path::to_path_buf);
    let mut directories: Vec<PathBuf> = directory(credentials.path).into_iter().collect();
    for path in [config.path]
        .into_iter()
        .chain(logins.iter().map(PathBuf::as_path))
    {
        directories.extend(directory(path).filter(|other| !directories.contains(other)));
    }
    let private = sessions.iter().filter_map(|path| path.parent());
    let file = |path, holds_secrets| CheckedFile {
        path,
        holds_secrets,
        is_directory: false,
    };
    let mut places = vec![
        file(credentials.path, true),
        file(config.path, config_has_secrets),
    ];
    places.extend(sessions.iter().chain(logins).map(|path| file(path, true)));
    let directories = directories.iter().map(PathBuf::as_path).chain(private);
    places.extend(directories.map(|path| CheckedFile {
        path,
        holds_secrets: false,
        is_directory: true,
    }));
    let before = list.len();
    let unknown = places.iter().filter(|place| !place.check(list)).count();
    if unknown == 0 && list.len() == before {
        list.ok(SUBJECT, "no other user can read secrets or change files");
    }
}
