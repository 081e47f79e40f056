//! Checks access control lists.

use super::{CheckedFile, SUBJECT};
use crate::commands::doctor::checklist::Checklist;
use crate::core::access::{self, Kind};

impl CheckedFile<'_> {
    /// A file that does not exist is fine. Returns whether its list could be read.
    pub(super) fn check(&self, list: &mut Checklist) -> bool {
        if !self.path.is_file() && !self.path.is_dir() {
            return true;
        }
        let kind = if self.is_directory {
            Kind::Directory
        } else {
            Kind::File
        };
        let Ok(others) = access::others(self.path, kind) else {
            return false;
        };
        let (path, others) = match others {
            Some(others) => (self.path.display(), others),
            None => return true,
        };
        if others.can_change {
            list.problem(
                SUBJECT,
                format!("{path} can be changed by {}", others.names),
                others.fix,
            );
        } else if self.holds_secrets {
            list.warning(
                SUBJECT,
                format!(
                    "{path} can be read by {}, and contains secrets",
                    others.names
                ),
                others.fix,
            );
        }
        true
    }
}
