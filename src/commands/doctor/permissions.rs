//! Checks who else can read or change the files.

use super::checklist::Checklist;
use crate::files::profiles::Files;

/// What others may do with a file.
#[cfg(unix)]
struct CheckedFile<'p> {
    path: &'p std::path::Path,
    holds_secrets: bool,
    /// As it should be.
    mode: &'static str,
}

/// Looks at the modes of the files, of their directories and of what is kept beside them.
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
            "nobody else can read secrets or change files",
        );
    }
}

#[cfg(unix)]
impl CheckedFile<'_> {
    /// What does not exist is right.
    fn check(&self, list: &mut Checklist) {
        use std::fs;
        use std::os::unix::fs::MetadataExt as _;

        use super::files::typed;
        use crate::files::store;

        let subject = "permissions";
        let Ok(metadata) = fs::metadata(self.path) else {
            return;
        };
        // The modes of devices and the like are their system's.
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
            // Closed to all but its owner, it would be closed to us.
            format!("sudo chmod go-w {}", typed(self.path))
        };
        if metadata.uid() != us.as_raw() && metadata.is_file() && self.holds_secrets {
            let owner = metadata.uid();
            let fix = if us.is_root() {
                format!("run it as the user {owner}, without sudo")
            } else {
                format!("sudo chown \"$(id -u)\" {}", typed(self.path))
            };
            list.warning(
                subject,
                format!("{path} belongs to another user ({owner})"),
                fix,
            );
        } else if mode & 0o002 != 0 && !is_shared {
            list.problem(subject, format!("everybody can change {path}"), fix);
        } else if mode & 0o020 != 0 && !is_shared {
            list.warning(subject, format!("its group can change {path}"), fix);
        } else if let Some(readers) = store::readers(self.path).filter(|_| self.holds_secrets) {
            list.warning(
                subject,
                format!("{path} can be read by {readers}, and holds secrets"),
                fix,
            );
        }
    }
}

/// The system has no simple answer.
#[cfg(not(unix))]
pub fn check(_list: &mut Checklist, _files: &Files<'_>) {}
