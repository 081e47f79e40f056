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
use super::obtain::obtain;
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

/// What it does, for the help.
pub(super) const ABOUT: &str =
    "Say which users of an account lack MFA, and whose access keys are old or unused";
/// What the help ends with.
pub(super) const AFTER_HELP: &str = "\
Exit codes: 0 nobody lacks MFA, 1 somebody does, 2 failed or wrong usage; else those of `mfa-creds`.";

/// What `audit` can be told.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Audit {
    /// Read the report from a file, or `-` from standard input: what `aws iam get-credential-report` prints, or the CSV in it
    /// [default: AWS is asked for one]
    #[arg(long, value_name = "FILE", conflicts_with_all = flags_of_a_call())]
    pub report: Option<PathBuf>,
    /// An older access key is a finding
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, default_value = "90d", allow_negative_numbers = true)]
    pub max_key_age: u64,
    /// Leave out the users whose name or ARN is like this, with `*` and `?`, so that they do not count for the exit code; several
    /// times for several
    #[arg(long, value_name = "PATTERN")]
    pub ignore: Vec<String>,
    /// Everybody, as JSON
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Everybody, as CSV
    #[arg(long)]
    pub csv: bool,
    /// Wait so long until AWS has made the report: seconds, or `5m`
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, default_value = "2m", allow_negative_numbers = true)]
    pub wait: u64,
    #[command(flatten)]
    pub of: SingleProfile,
}

/// The flags that mean nothing where AWS is not called.
fn flags_of_a_call() -> Vec<Id> {
    let flags = Profile::augment_args(Command::new(""));
    let flags = CodeFlags::augment_args(Request::augment_args(flags));
    let flags = flags.get_arguments().map(|flag| flag.get_id().clone());
    flags.chain(["no_store", "wait"].map(Id::from)).collect()
}

/// The most that a report may have, in bytes: one of 5,000 users, which is AWS's usual limit, has about two million.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// How long to wait before AWS is asked again, at first and at most, in seconds.
const PAUSES: std::ops::RangeInclusive<u64> = 1..=8;

/// Nobody waits longer, and no clock counts for ever.
const MOST_WAIT: Duration = Duration::from_hours(24);

/// How a report comes about, for hints.
const GET_ONE: &str = "`aws iam generate-credential-report`, then `aws iam get-credential-report | mfa-creds audit --report -`";

/// Judges the users of an account. The exit code is 1 where one of them lacks MFA.
///
/// # Errors
/// What a user has to know: then there is no verdict.
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
        report.warning(format_args!("--ignore {pattern} meets nobody"));
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
        format!("; the report is {age} old, and AWS makes one in four hours")
    });
    report.progress(format_args!(
        "{summary}{ignored}{}",
        age.unwrap_or_default()
    ));
    Ok(ExitCode::from(u8::from(summary.users_without_mfa() > 0)))
}

/// A report in a file, or piped in.
fn given(path: &Path) -> Result<ParsedReport> {
    let is_piped = path == Path::new("-");
    let name = if is_piped {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let bytes = if is_piped {
        if io::stdin().is_terminal() {
            bail!(Failure::new("no report is piped in").hint(format!("make one: {GET_ONE}")));
        }
        bytes(io::stdin().lock())
    } else {
        report_file::read(path, MOST_BYTES)
    };
    let bytes = bytes.map_err(|error| {
        let why = error::reason(&error);
        Failure::new(format!("{name} cannot be read: {why}"))
            .hint(format!("make a report: {GET_ONE}"))
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        bail!(
            Failure::new(format!("{name} is too large for a credential report"))
                .hint(format!("make one: {GET_ONE}"))
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
            "is no credential report: neither the JSON of the AWS CLI, nor base64, nor the CSV in it".to_owned()
        }
        Unusable::Damaged => "is cut off or damaged: its base64 cannot be decoded".to_owned(),
        Unusable::NoColumn(column) => format!("is no credential report: it has no column {column}"),
        Unusable::Fields { line, are, should } => {
            format!("is damaged: line {line} has {are} fields in place of {should}")
        }
        Unusable::Value { line, column } => {
            format!("is damaged: line {line} says neither true nor false of {column}")
        }
    };
    Failure::new(format!("{name} {problem}")).hint(format!("make one: {GET_ONE}"))
}

/// The report of the account that a profile's credentials are for.
fn of_aws(args: &Audit, environment: &Environment, report: Report) -> Result<ParsedReport> {
    let mut user = None;
    let obtained = obtain(
        &args.of,
        environment,
        report,
        StandardInput::Ours,
        |inputs, sections| user = Some((inputs.user(sections), sections.flags.clone())),
    )?;
    let (user, flag) = user.context("no profile is meant")?;
    let user = user?;
    let credentials = &obtained.credentials;
    if !credentials.can_sign() {
        bail!(
            Failure::new("the credentials of the profile hold characters that AWS never uses")
                .hint(format!("`mfa-creds{flag} --force` gets new ones"))
        );
    }
    // The session signs; of the keys, only the id is told.
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

/// Has AWS make a report, and waits for it so many seconds.
fn made_report(iam: &Iam<'_>, seconds: u64, report: Report) -> Result<ParsedReport> {
    let deadline = Instant::now() + Duration::from_secs(seconds).min(MOST_WAIT);
    let say = || report.waiting_from_now("waiting until AWS has made the credential report");
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
                "AWS is still making the credential report after {seconds} s"
            ))
            .hint(
                "run this again in some minutes, or wait longer with --wait: AWS goes on with it"
            )
        );
    };
    let read = credential_report::read(&found.text);
    let read = read.map_err(|unusable| explain("the answer of AWS IAM", &unusable))?;
    Ok(ParsedReport {
        made: found.made,
        ..read
    })
}

/// Each twice as long as the one before, and the last one so long that it ends at the deadline.
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
