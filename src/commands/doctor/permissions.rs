//! Checks who else can read or change the files and directories.

use super::checklist::Checklist;
use crate::files::profiles::Files;

/// A file whose mode is checked.
#[cfg(unix)]
struct CheckedFile<'p> {
    path: &'p std::path::Path,
    holds_secrets: bool,
    /// The mode that it should have.
    mode: &'static str,
}

/// Checks the modes of the files, of their directories, and of the files of mfa-creds next to them.
#[cfg(unix)]
pub fn check(list: &mut Checklist, files: &Files<'_>) {
    use std::path::{Path, PathBuf};

    use crate::files::profiles::key;
    use crate::files::store;

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
    directories.extend(directory(config.path).filter(|other| !directories.contains(other)));
    let private = sessions.iter().filter_map(|path| path.parent());
    let file = |path, holds_secrets| CheckedFile {
        path,
        holds_secrets,
        mode: "600",
    };
    let mut places = vec![
        file(credentials.path, true),
        file(config.path, config_has_secrets),
    ];
    places.extend(sessions.iter().map(|path| file(path, true)));
    let directories = directories.iter().map(PathBuf::as_path).chain(private);
    places.extend(directories.map(|path| CheckedFile {
        path,
        holds_secrets: false,
        mode: "700",
    }));
    let before = list.len();
    for place in places {
        place.check(list);
    }
    if list.len() == before {
        list.ok(
            "permissions",
            "no other user can read secrets or change files",
        );
    }
}

#[cfg(unix)]
impl CheckedFile<'_> {
    /// A file that does not exist is fine.
    fn check(&self, list: &mut Checklist) {
        use std::fs;
        use std::os::unix::fs::MetadataExt as _;

        use super::files::typed;
        use crate::files::store;

        let subject = "permissions";
        let Ok(metadata) = fs::metadata(self.path) else {
            return;
        };
        // The system sets the modes of devices and the like.
        if !metadata.is_file() && !metadata.is_dir() {
            return;
        }
        let (mode, path) = (metadata.mode(), self.path.display());
        // In such a directory, nobody can replace the files of others.
        let is_shared = metadata.is_dir() && mode & 0o1000 != 0;
        let us = rustix::process::geteuid();
        let fix = if us.is_root() || metadata.uid() == us.as_raw() {
            format!("chmod {} {}", self.mode, typed(self.path))
        } else {
            // Mode 700 would lock us out, because another user owns it.
            format!("sudo chmod go-w {}", typed(self.path))
        };
        if metadata.uid() != us.as_raw() && metadata.is_file() && self.holds_secrets {
            let owner = metadata.uid();
            let fix = if us.is_root() {
                format!("run mfa-creds as user {owner}, without sudo")
            } else {
                format!("sudo chown \"$(id -u)\" {}", typed(self.path))
            };
            list.warning(
                subject,
                format!("{path} belongs to another user ({owner})"),
                fix,
            );
        } else if mode & 0o002 != 0 && !is_shared {
            list.problem(subject, format!("{path} can be changed by everybody"), fix);
        } else if mode & 0o020 != 0 && !is_shared {
            list.warning(subject, format!("{path} can be changed by its group"), fix);
        } else if let Some(readers) = store::readers(self.path).filter(|_| self.holds_secrets) {
            list.warning(
                subject,
                format!("{path} can be read by {readers}, and contains secrets"),
                fix,
            );
        }
    }
}

/// Without Unix modes, there is no simple answer.
#[cfg(not(unix))]
pub fn check(_list: &mut Checklist, _files: &Files<'_>) {}
