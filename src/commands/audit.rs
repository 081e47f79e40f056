//! `mfa-creds audit`: finds users without MFA in the credential report of an account.

mod credential_report;
mod csv;
mod pattern;
mod verdict;
mod render;
mod report_file;

use std::io::{self, IsTerminal as _, Read};
use std::iter;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chrono::TimeDelta;

use self::credential_report::{ParsedReport, Unusable};
use self::pattern::Pattern;
use self::render::{Totals, csv, json, table};
use super::obtain::{Purpose, obtain};
use crate::aws::iam::Iam;
use crate::aws::network;
use crate::cli::{CodeFlags, Profile, Request, SingleProfile};
use crate::core::clock;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::environment::Environment;
use crate::core::error::{self, Failure};
use crate::core::seconds;
use crate::core::wait;
use crate::renewal::codes::StandardInput;
use crate::report::{self, Report};
use clap::{Args, Command, Id};
use std::path::PathBuf;

/// The command in one line, for the help.
pub(super) const ABOUT: &str = "Report users without MFA, and old or unused access keys";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
Exit codes: 0 no user lacks MFA, 1 a user does, 2 failed; otherwise as for `mfa-creds`.";

/// The arguments of `audit`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Audit {
    /// Read the report from a file, or `-` for standard input [default: request one from AWS]
    ///
    /// The file contains the output of `aws iam get-credential-report`, or the CSV in it.
    #[arg(long, value_name = "FILE", conflicts_with_all = flags_of_a_call())]
    pub report: Option<PathBuf>,
    /// The maximum age of access keys
    ///
    /// A key that is older, or unused for longer, is a finding. A number is seconds; other units are like `90d` or `12h`.
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, default_value = "90d", allow_negative_numbers = true)]
    pub max_key_age: u64,
    /// Ignore users whose name or ARN matches
    ///
    /// `*` and `?` mean the same as in IAM policies. Repeat it for several patterns.
    #[arg(long, value_name = "PATTERN")]
    pub ignore: Vec<String>,
    /// Print JSON, with all users
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV, with all users
    #[arg(long)]
    pub csv: bool,
    /// How long to wait for AWS to create the report
    ///
    /// A number is seconds; other units are like `90s` or `5m`.
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, default_value = "2m", allow_negative_numbers = true)]
    pub wait: u64,
    #[command(flatten)]
    pub of: SingleProfile,
}

/// The flags that only apply if AWS is called.
fn flags_of_a_call() -> Vec<Id> {
    let flags = Profile::augment_args(Command::new(""));
    let flags = CodeFlags::augment_args(Request::augment_args(flags));
    let flags = flags.get_arguments().map(|flag| flag.get_id().clone());
    flags.chain(["no_store", "wait"].map(Id::from)).collect()
}

/// The maximum size of a report in bytes: with 5,000 users, AWS's usual limit, a report has about two million.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The first and the longest pause before AWS is asked again, in seconds.
const PAUSES: std::ops::RangeInclusive<u64> = 1..=8;

/// The longest wait: a deadline must not overflow the clock.
const MOST_WAIT: Duration = Duration::from_hours(24);

/// The hint for everything that is not a report.
const CREATE_ONE: &str = "create a report with `aws iam generate-credential-report`, then run `aws iam get-credential-report | mfa-creds audit --report -`";

/// Judges the users of an account. The exit code is 1 if one of them lacks MFA.
///
/// # Errors
/// If there is no report, and therefore no verdict.
pub(super) fn audit(args: &Audit, environment: &Environment) -> Result<ExitCode> {
    let report = Report::new(&args.of.verbosity);
    let source = match &args.report {
        Some(path) => given(path)?,
        None => of_aws(args, environment, report)?,
    };
    let now = clock::now();
    let ignore: Vec<Pattern> = args.ignore.iter().map(|text| Pattern::new(text)).collect();
    let max_key_age = i64::try_from(args.max_key_age)
        .ok()
        .and_then(TimeDelta::try_seconds);
    let max_key_age = max_key_age.unwrap_or(TimeDelta::MAX);
    let audit = verdict::judge(source.users, &ignore, max_key_age, now);
    for pattern in &audit.idle {
        report.warning(format_args!("--ignore {pattern} matches no user"));
    }
    let summary = Totals {
        verdicts: &audit.verdicts,
        ignored: audit.ignored,
        made: source.made,
    };
    report::data(&if args.json {
        json(&summary)?
    } else if args.csv {
        csv(&audit.verdicts)
    } else {
        table(&audit.verdicts)
    })?;
    let ignored = match audit.ignored {
        0 => String::new(),
        number => format!("; {number} ignored"),
    };
    let age = source.made.map(|made| {
        let age = clock::span((now - made).max(TimeDelta::zero()));
        format!("; the report is {age} old, and AWS creates one at most every four hours")
    });
    report.progress(format_args!(
        "{summary}{ignored}{}",
        age.unwrap_or_default()
    ));
    Ok(ExitCode::from(u8::from(summary.users_without_mfa() > 0)))
}

/// The report in a file, or from standard input.
fn given(path: &Path) -> Result<ParsedReport> {
    let is_piped = path == Path::new("-");
    let name = if is_piped {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let bytes = if is_piped {
        if io::stdin().is_terminal() {
            bail!(
                Failure::new("standard input is a terminal, not a credential report")
                    .hint(CREATE_ONE)
            );
        }
        bytes(io::stdin().lock())
    } else {
        report_file::read(path, MOST_BYTES)
    };
    let bytes = bytes.map_err(|error| {
        let why = error::reason(&error);
        Failure::new(format!("{name} cannot be read: {why}")).hint(CREATE_ONE)
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        bail!(
            Failure::new(format!("{name} is too large for a credential report")).hint(CREATE_ONE)
        );
    }
    let text = String::from_utf8(bytes).ok();
    let read = text.map_or(Err(Unusable::Foreign), |text| {
        credential_report::read(&text)
    });
    read.map_err(|unusable| explain(&name, &unusable).into())
}

fn bytes(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn explain(name: &str, unusable: &Unusable) -> Failure {
    let problem = match unusable {
        Unusable::Foreign => {
            "is not a credential report: it is neither the AWS CLI's JSON, nor base64, nor CSV"
                .to_owned()
        }
        Unusable::Damaged => "is truncated or damaged: its base64 cannot be decoded".to_owned(),
        Unusable::NoColumn(column) => {
            format!("is not a credential report: the column {column} is missing")
        }
        Unusable::Fields { line, are, should } => {
            format!("is damaged: line {line} has {are} fields instead of {should}")
        }
        Unusable::Value { line, column } => {
            format!("is damaged: {column} in line {line} is neither true nor false")
        }
    };
    Failure::new(format!("{name} {problem}")).hint(CREATE_ONE)
}

/// The report of the account of a profile's credentials.
fn of_aws(args: &Audit, environment: &Environment, report: Report) -> Result<ParsedReport> {
    let mut user = None;
    let obtained = obtain(
        &args.of,
        environment,
        report,
        Purpose::once(StandardInput::Ours),
        |inputs, sections| {
            user = Some((inputs.user(sections), sections.flags.clone()));
            Ok(())
        },
    )?;
    let (user, flag) = user.context("no profile was selected")?;
    let user = user?;
    let credentials = &obtained.credentials;
    if !credentials.can_sign() {
        bail!(
            Failure::new("the credentials of the profile contain unprintable characters, which AWS never uses")
                .hint(format!("run `mfa-creds{flag} --force` to get new ones"))
        );
    }
    // The session signs; of the keys, messages only need the ID.
    let keys = LongTermKeys {
        access_key_id: credentials.access_key_id.clone(),
        secret_access_key: Secret::new(""),
    };
    let iam = Iam {
        network: &network::prepare([&user.access.iam], report)?.finish()?,
        access: &user.access,
        key_source: &user.key_source,
        keys: &keys,
        session: Some(credentials),
        flag: &flag,
    };
    made_report(&iam, args.wait, report)
}

/// Has AWS create a report, and waits for it up to this many seconds.
fn made_report(iam: &Iam<'_>, seconds: u64, report: Report) -> Result<ParsedReport> {
    let deadline = Instant::now() + Duration::from_secs(seconds).min(MOST_WAIT);
    let say = || report.waiting_from_now("waiting for AWS to create the credential report");
    let found = wait::poll(pauses_until(deadline), say, || {
        if iam.generate_credential_report()? {
            iam.credential_report()
        } else {
            Ok(None)
        }
    })?;
    let Some(found) = found else {
        bail!(
            Failure::new(format!(
                "AWS is still creating the credential report after {seconds} s"
            ))
            .hint(
                "run the command again in a few minutes, or set a longer --wait; AWS continues in the meantime"
            )
        );
    };
    let read = credential_report::read(&found.text);
    let read = read.map_err(|unusable| explain("the response from AWS IAM", &unusable))?;
    Ok(ParsedReport {
        made: found.made,
        ..read
    })
}

/// Each pause is twice as long as the one before, and the last one ends at the deadline.
fn pauses_until(deadline: Instant) -> impl Iterator<Item = Duration> {
    iter::successors(Some(*PAUSES.start()), |pause| {
        Some((pause * 2).min(*PAUSES.end()))
    })
    .map(move |pause| {
        let left = deadline.saturating_duration_since(Instant::now());
        Duration::from_secs(pause).min(left)
    })
    .take_while(|pause| !pause.is_zero())
}
