//! Checks every line for what AWS tools misread or refuse.

use std::collections::HashSet;

use super::checklist::Checklist;
use crate::files::document::{Harm, Irregularity, Note};
use crate::files::profiles::File;
use crate::plan;

/// As many lines as a person mends before looking again.
const MOST: usize = 10;

/// Looks at every line of a file.
pub fn check(list: &mut Checklist, subject: &'static str, file: &File<'_>) {
    let path = file.path.display();
    let notes: Vec<&Note> = plan::notes(file).collect();
    for note in notes.iter().take(MOST) {
        let what = note.what;
        let message = format!("{path}:{} {what}", note.line);
        let fix = format!("{}; {}", mended(what), what.consequence());
        if let Harm::FileRefused | Harm::FileRefusedByCli = what.harm() {
            list.problem(subject, message, fix);
        } else {
            list.warning(subject, message, fix);
        }
    }
    if let Some(more) = notes.len().checked_sub(MOST + 1) {
        list.warning(
            subject,
            format!("{path} has {} more lines like these", more + 1),
            "mend those above, and run it again",
        );
    }
    let mut seen = HashSet::new();
    let names = file.document.names().filter(|name| !name.is_empty());
    for name in names.filter(|name| seen.insert(*name)) {
        list.attempt(subject, plan::check_unique(file, name));
    }
}

fn mended(what: Irregularity) -> &'static str {
    match what {
        Irregularity::NoEqualsSign | Irregularity::NoKey => {
            "write it as `key = value`, or put `#` before it"
        }
        Irregularity::OutsideSection => "move it below a header like `[default]`",
        Irregularity::BadHeader => "write it as `[name]`",
        Irregularity::BadNested => "write it as `  key = value`",
        Irregularity::Colon => "write `=` in place of `:`",
        Irregularity::Indented => "begin it at the left margin",
        Irregularity::AfterHeader => "write what stands behind `]` on a line of its own",
        Irregularity::BlanksBeforeName | Irregularity::BlanksBehindName => "remove them",
        Irregularity::BracketBehindHeader => "move the comment to a line of its own",
        Irregularity::LoneCarriageReturn => "put a line break in its place, or take it out",
        Irregularity::OddBlank(_) => "write a space in its place",
        Irregularity::ByteOrderMark => "save the file as UTF-8 without a byte order mark",
    }
}
