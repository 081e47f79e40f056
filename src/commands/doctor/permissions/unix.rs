//! Checks modes and owners.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::{CheckedFile, SUBJECT};
use crate::commands::doctor::checklist::Checklist;
use crate::core::text::quoted_path;
use crate::files::store;

impl CheckedFile<'_> {
    /// A file that does not exist is fine. Returns whether its mode could be found out, which is always so.
    pub(super) fn check(&self, list: &mut Checklist) -> bool {
        let Ok(metadata) = fs::metadata(self.path) else {
            return true;
        };
        // The system sets the modes of devices and the like.
        if !metadata.is_file() && !metadata.is_dir() {
            return true;
        }
        let (mode, path) = (metadata.mode(), self.path.display());
        // In such a directory, nobody can replace the files of others.
        let is_shared = metadata.is_dir() && mode & 0o1000 != 0;
        let us = rustix::process::geteuid();
        let fix = if us.is_root() || metadata.uid() == us.as_raw() {
            let mode = if self.is_directory { "700" } else { "600" };
            format!("chmod {} {}", mode, quoted_path(self.path))
        } else {
            // Mode 700 would lock us out, because another user owns it.
            format!("sudo chmod go-w {}", quoted_path(self.path))
        };
        if metadata.uid() != us.as_raw() && metadata.is_file() && self.holds_secrets {
            let owner = metadata.uid();
            let fix = if us.is_root() {
                format!("run mfa-creds as user {owner}, without sudo")
            } else {
                format!("sudo chown \"$(id -u)\" {}", quoted_path(self.path))
            };
            list.warning(
                SUBJECT,
                format!("{path} belongs to another user ({owner})"),
                fix,
            );
        } else if mode & 0o002 != 0 && !is_shared {
            list.problem(SUBJECT, format!("{path} can be changed by everybody"), fix);
        } else if mode & 0o020 != 0 && !is_shared {
            list.warning(SUBJECT, format!("{path} can be changed by its group"), fix);
        } else if let Some(readers) = store::readers(self.path).filter(|_| self.holds_secrets) {
            list.warning(
                SUBJECT,
                format!("{path} can be read by {readers}, and contains secrets"),
                fix,
            );
        }
        true
    }
}
