//! One short function per command. The only module that knows all stages.

mod details;
mod ending;
mod refresh;
mod texts;

use anyhow::{Result, bail};
use chrono::Utc;
use zeroize::Zeroizing;

use crate::cli::{Cli, Command, Preview, Setup};
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::group;
use crate::plan::{self, Chosen, Keys, Naming, Origin, Plan, Selection};
use crate::preview;
use crate::profiles::{self, File, Paths};
use crate::report::{self, Report};
use crate::session::{Maker, Session};
use crate::setup::{self, Respondent};
use crate::short_term;
use crate::store::{Store, private_directory};
use ending::Ending;
use refresh::{refresh, wanted};
use texts::Texts;

/// Does what the command line says.
///
/// # Errors
/// What a user has to know.
pub fn run(cli: &Cli, environment: &Environment) -> Result<()> {
    match &cli.command {
        Some(Command::Setup(setup)) => set_up(setup, environment),
        Some(Command::Plan(preview)) => show_plan(preview, environment),
        None if cli.refresh.setup => set_up(&Setup::of(&cli.refresh), environment),
        None => refresh(&cli.refresh, environment),
    }
}

/// Shows what a refresh would do, and touches nothing.
fn show_plan(preview: &Preview, environment: &Environment) -> Result<()> {
    let request = &preview.request;
    let paths = Paths::find(environment)?;
    let texts = Texts::read(&paths, request, environment)?;
    let files = texts.files(&paths, &request.profiles);
    let naming = Naming::new(&request.suffixes, environment)?;
    let min_ttl = plan::min_ttl(request, environment)?;
    let selection = plan::profiles(&request.profiles, environment, &naming, &files)?;
    let Selection { profiles, left_out } = selection;
    let mut parts = Vec::new();
    let mut ending = Ending::new(Report::quiet(), profiles.len() + left_out.len());
    for (profile, error) in left_out {
        ending.fail(vec![profile], error)?;
    }
    for profile in profiles {
        let name = profile.value.clone();
        let part = naming
            .target_beside_role(profile, &files.config)
            .and_then(|target| {
                let wanted = wanted(request, environment, &target, &files, &min_ttl);
                let freshness = group::look(&files.credentials, &target, &wanted)?;
                let plan = plan::plan(request, environment, &naming, &target, &files)?;
                let now = Utc::now();
                let session = session_at_hand(&plan, &files.credentials)
                    .filter(|session| group::serves(session, &plan, &wanted, now));
                let session = session.as_ref();
                let path = &paths.credentials;
                Ok(preview::render(
                    &target, &plan, &freshness, session, path, now,
                ))
            });
        match part {
            Ok(part) => parts.push(part),
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    report::data(&parts.join("\n"))?;
    ending.end_of(parts.len())
}

/// The session that the calls of a plan may use. Where a command prints the keys, it is not run to find out.
fn session_at_hand(plan: &Plan, credentials: &File<'_>) -> Option<Session> {
    let Keys::Stored(keys) = &plan.base.keys else {
        return None;
    };
    let maker = Maker {
        access_key_id: keys.access_key_id.clone(),
        device: plan.device.value.clone(),
    };
    group::session_at_hand(credentials.path, credentials, &maker)
}

/// Asks for long-term keys and writes them, or moves those that stand in the way.
fn set_up(args: &Setup, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let paths = Paths::find(environment)?;
    let path = &paths.credentials;
    let naming = Naming::new(&args.suffixes, environment)?;
    let suggested = match &args.profile {
        Some(name) if !name.is_empty() => name.clone(),
        _ => plan::profile_of_environment(environment).value,
    };
    let mut respondent = Respondent::find()?;
    let target = naming.target(Chosen {
        value: respondent.profile(&suggested)?,
        origin: Origin::Flag("--profile"),
    })?;
    let text: Zeroizing<String> = profiles::read(path)?.unwrap_or_default();
    let file = File {
        path,
        document: Document::parse(&text),
    };
    let (long_term, short_term) = (&target.long_term, &target.short_term);
    plan::check_sections(&file, &[long_term, short_term])?;
    if setup::has_keys(&file, long_term) {
        bail!(setup::occupied(path, long_term));
    }
    if let Some(directory) = path.parent() {
        private_directory(directory).map_err(|error| {
            Failure::new(format!(
                "{} cannot be made: {}",
                directory.display(),
                profiles::reason(&error)
            ))
        })?;
    }
    let store = Store::open(path)?;
    store.check(|_file| Ok(Vec::new()))?;
    if short_term::holds_long_term_keys(&file, short_term)
        && respondent.agrees_to_move(short_term, long_term)?
    {
        let device = if setup::has_device(&file, short_term) {
            None
        } else {
            respondent.device()?
        };
        store.update(|file| setup::move_keys(file, short_term, long_term, device.as_ref()))?;
        report.progress(format_args!(
            "moved the keys from [{short_term}] to [{long_term}]"
        ));
    } else {
        let answers = respondent.keys()?;
        store.update(|file| setup::write(file, long_term, &answers))?;
        report.progress(format_args!("wrote [{long_term}] to {}", path.display()));
    }
    report.progress(format_args!(
        "next: mfa-creds --profile {}",
        target.profile.value
    ));
    Ok(())
}
