//! Checks whether the credentials file can be written, and whether a write of it was interrupted.

use std::path::Path;

use super::checklist::Checklist;
use crate::commands::status;
use crate::core::error;
use crate::core::shell_words;
use crate::files::store::{self, Leftover, WriteMethod};

/// Looks for what would prevent a write, without writing.
pub fn check(list: &mut Checklist, path: &Path) {
    let subject = "writes";
    match list.attempt(subject, store::way_to_write(path)) {
        Some(WriteMethod::Renamed) => {
            list.ok(subject, "the file can be replaced");
        }
        Some(WriteMethod::InPlace(reason)) => {
            list.ok(subject, format!("in place, with a backup: {reason}"));
        }
        None => {}
    }
    for (unfit, failure) in store::unfit_own_files(path) {
        let list_directory = shell_words::list(unfit.parent().unwrap_or(Path::new(".")));
        // Its name may be masked here.
        let fix = format!("find it with {list_directory}, and remove it");
        list.problem(subject, error::message(&failure.into()), fix);
    }
    let leftovers = list.attempt(subject, store::leftovers(path));
    let shown = path.display();
    for leftover in leftovers.unwrap_or_default() {
        match leftover {
            Leftover::Torn => list.problem(
                subject,
                status::may_be_torn(path),
                "run `mfa-creds` with any profile to finish it",
            ),
            Leftover::TornForGood => list.problem(
                subject,
                store::torn_for_good(path),
                "repair the file in an editor; the next `mfa-creds` that writes it assumes that it is complete",
            ),
            Leftover::Unfinished => list.warning(
                subject,
                format!("a write of {shown} was interrupted or is under way, and left temporary files"),
                "run `mfa-creds`: its next write removes them",
            ),
            Leftover::Kept(kept) => list.warning(
                subject,
                format!(
                    "{shown} was changed after an interrupted write; its old content is in {}",
                    kept.display()
                ),
                format!("copy what is missing from it, then: {}", shell_words::remove_file(&kept)),
            ),
        }
    }
}
