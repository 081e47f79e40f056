//! Long-term keys that a person types, on their way into the file or the keychain.

use anyhow::{Result, bail};

use super::keychain::{self, Deposit};
use crate::cli::{self, MoveKeys, Profile, Setup};
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::plan::{self, Chosen, Naming, Origin, Prompting, Target};
use crate::profiles::{self, File, Paths};
use crate::report::Report;
use crate::setup::{self, Respondent};
use crate::short_term;
use crate::store::{Store, private_directory};
use crate::terminal::PATIENCE_TO_FETCH;

/// Asks for long-term keys and writes them, or moves those that stand in the way.
///
/// # Errors
/// What a user has to know.
pub(super) fn set_up(args: &Setup, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let paths = Paths::find(environment)?;
    let path = &paths.credentials;
    let naming = Naming::new(&args.suffixes, environment)?;
    let suggested = match &args.name {
        Some(name) if !name.is_empty() => name.clone(),
        _ => plan::profile_of_environment(environment).value,
    };
    let prompting = Prompting::new(&cli::Prompting::default(), environment, PATIENCE_TO_FETCH)?;
    let mut respondent = Respondent::find(&prompting)?;
    let target = naming.target(Chosen {
        value: respondent.profile(&suggested)?,
        origin: Origin::Flag("--profile"),
    })?;
    let text = profiles::read(path)?.unwrap_or_default();
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
        if args.keychain {
            keychain::move_keys(&into_keychain(args, &target), environment)?;
        }
    } else {
        let answers = respondent.keys()?;
        let deposit = if args.keychain {
            Some(Deposit::new(args.store, &answers.keys, environment)?)
        } else {
            None
        };
        let put = deposit
            .as_ref()
            .map(|deposit| deposit.make(&answers.keys, long_term, path, environment));
        let put = put.transpose()?;
        let command = deposit.as_ref().map(|deposit| &*deposit.command);
        let written = store.update(|file| setup::write(file, long_term, &answers, command));
        if let (Err(_), Some(deposit), Some(put)) = (&written, &deposit, put) {
            deposit.take_back(put, report);
        }
        written?;
        report.progress(format_args!("wrote [{long_term}] to {}", path.display()));
        if let Some(deposit) = deposit {
            report.progress(format_args!(
                "put its keys into {}",
                deposit.keychain().name()
            ));
            if let Some(caution) = deposit.keychain().caution() {
                report.warning(caution);
            }
        }
    }
    report.progress(format_args!(
        "next: mfa-creds --profile {}",
        target.profile.value
    ));
    Ok(())
}

/// What `keychain move` would be told for the profile.
fn into_keychain(args: &Setup, target: &Target) -> MoveKeys {
    MoveKeys {
        profile: Profile {
            name: Some(target.profile.value.clone()),
        },
        store: args.store,
        yes: true,
        suffixes: args.suffixes.clone(),
        verbosity: args.verbosity.clone(),
    }
}
