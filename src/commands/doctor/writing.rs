//! Checks whether the credentials file can be written, and whether a write was interrupted.

use std::path::Path;

use super::checklist::Checklist;
use super::files::typed;
use crate::core::error;
use crate::files::store::{self, Leftover, WriteMethod};

/// Looks for what is in the way of a write, without one.
pub fn check(list: &mut Checklist, path: &Path) {
    let subject = "writing";
    match list.attempt(subject, store::way_to_write(path)) {
        Some(WriteMethod::Renamed) => {
            list.ok(subject, "a new file can take the place of the old one");
        }
        Some(WriteMethod::InPlace(reason)) => list.ok(
            subject,
            format!("in place, with a backup beside it: {reason}"),
        ),
        None => {}
    }
    for (unfit, failure) in store::unfit_own_files(path) {
        let directory = typed(unfit.parent().unwrap_or(Path::new(".")));
        // Its name may be masked here.
        let fix = format!("`ls -la {directory}` shows it: remove it");
        list.problem(subject, error::message(&failure.into()), fix);
    }
    let leftovers = list.attempt(subject, store::leftovers(path));
    let torn_for_good = store::torn_for_good(path);
    let path = path.display();
    for leftover in leftovers.unwrap_or_default() {
        match leftover {
            Leftover::Torn => list.problem(
                subject,
                format!("a write of {path} was interrupted or is under way: it may be half written"),
                "`mfa-creds` ends it, with whatever profile",
            ),
            Leftover::TornForGood => list.problem(
                subject,
                &torn_for_good,
                "mend what is broken in it with an editor; the next `mfa-creds` that writes it takes it for whole",
            ),
            Leftover::Unfinished => list.warning(
                subject,
                format!("a write of {path} was interrupted or is under way, and left something behind"),
                "the next `mfa-creds` removes it",
            ),
            Leftover::Kept(kept) => list.warning(
                subject,
                format!(
                    "{path} was changed after an interrupted write; what it was before is kept in {}",
                    kept.display()
                ),
                format!("take from it what is missing, then: rm {}", typed(&kept)),
            ),
        }
    }
}
