//! Checks every line for what AWS tools misread or reject.

use std::collections::HashSet;

use super::checklist::Checklist;
use crate::files::document::{Harm, Irregularity, Note};
use crate::files::profiles::File;
use crate::plan;

/// How many lines are shown: a person fixes these before running the command again.
const MOST: usize = 10;

/// Checks every line of a file.
pub fn check(list: &mut Checklist, subject: &'static str, file: &File<'_>) {
    let path = file.path.display();
    let notes: Vec<&Note> = plan::notes(file).collect();
    for note in notes.iter().take(MOST) {
        let what = note.what;
        let message = format!("{path}:{} {what}", note.line);
        let fix = format!("{}; {}", fix(what), what.consequence());
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
            "fix those above, then run the command again",
        );
    }
    let mut seen = HashSet::new();
    let names = file.document.names().filter(|name| !name.is_empty());
    for name in names.filter(|name| seen.insert(*name)) {
        list.attempt(subject, plan::check_unique(file, name));
    }
}

fn fix(what: Irregularity) -> &'static str {
    match what {
        Irregularity::NoEqualsSign | Irregularity::NoKey => {
            "write it as `key = value`, or put `#` before it"
        }
        Irregularity::OutsideSection => "move it below a header like `[default]`",
        Irregularity::BadHeader => "write it as `[name]`",
        Irregularity::BadNested => "write it as `  key = value`",
        Irregularity::Colon => "replace `:` with `=`",
        Irregularity::Indented => "move it to the left margin",
        Irregularity::AfterHeader => "move what follows `]` to a line of its own",
        Irregularity::BlanksBeforeName | Irregularity::BlanksBehindName => {
            "remove the whitespace characters"
        }
        Irregularity::BracketBehindHeader => "move the comment to a line of its own",
        Irregularity::LoneCarriageReturn => "replace it with a line break, or remove it",
        Irregularity::OddBlank(_) => "replace it with a space",
        Irregularity::ByteOrderMark => "save the file as UTF-8 without a byte order mark",
    }
}
