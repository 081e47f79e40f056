//! What `mfa-creds doctor` is run on, and the lines that it prints.

use crate::support::home::{Home, Run, set_mode};
use crate::support::sections::{FAR, long_term, short_term};

/// A home with these two files, where no mode is wrong.
pub fn home(credentials: &str, config: &str) -> Home {
    let home = Home::with(credentials);
    home.write("config", config);
    set_mode(&home.file(""), 0o700);
    home
}

/// The keys of the stand-in's user, and valid credentials.
pub fn healthy() -> String {
    format!("{}{}", long_term("work"), short_term("work", FAR))
}

/// Has this line, with this fix below it; and the exit code of the whole list is 1 where there is a problem in it.
#[track_caller]
pub fn says(run: Run<'_>, level: &str, subject: &str, message: &str, fix: Option<&str>) {
    let outcome = run.outcome();
    // It may have been tried more than once.
    let stderr = outcome.stderr.replace("waiting for AWS STS\n", "");
    assert_eq!(stderr, "", "{outcome:?}");
    let has_problems = outcome
        .stdout
        .lines()
        .any(|line| line.starts_with("problem"));
    assert_eq!(outcome.status, Some(i32::from(has_problems)), "{outcome:?}");
    let mut lines = outcome.stdout.lines().skip_while(|line| {
        let rest = line.strip_prefix(level).map(str::trim_start);
        let rest = rest.and_then(|rest| rest.strip_prefix(subject));
        rest.map(str::trim_start) != Some(message)
    });
    assert!(
        lines.next().is_some(),
        "no `{level} {subject} {message}` in\n{}",
        outcome.stdout
    );
    let below = lines
        .next()
        .and_then(|line| line.strip_prefix("         fix: "));
    assert_eq!(below, fix, "below `{message}`, in\n{}", outcome.stdout);
}
