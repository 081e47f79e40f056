//! `mfa-creds setup`: stores long-term keys that a person types, or moves the keys that are in the way, in the file or the keychain.

mod key_check;
pub(super) mod wizard;

use std::path::Path;

use anyhow::{Result, bail};

use self::key_check::Verdict;
use self::wizard::{Answers, KeyMove, OldKeys, Respondent};
use super::keychain::KeychainFlag;
use super::keychain::{self, Deposit, MoveKeys};
use super::refresh::Refresh;
use crate::cli::{self, Profile, profile_name};
use crate::cli::{Suffixes, Verbosity};
use crate::core::credentials::LongTermKeys;
use crate::core::environment::Environment;
use crate::core::error::{self, Failure};
use crate::core::text;
use crate::files::document::Document;
use crate::files::profiles::{self, File, Paths, key};
use crate::files::section_format;
use crate::files::store::{self, Store, private_directory};
use crate::plan::{self, Origin, ProfileSections, PromptSettings, SectionNames, Setting};
use crate::prompt::terminal::DEFAULT_FETCH_TIMEOUT;
use crate::report::Report;
use clap::Args;

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Store your long-term keys in the credentials file";

/// The arguments of `setup`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Setup {
    /// The profile to set up [env: `AWS_PROFILE`] [default: default]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", value_parser = profile_name)]
    pub name: Option<String>,
    /// Store the keys in the system keychain instead of the file
    #[arg(long)]
    pub keychain: bool,
    #[command(flatten)]
    pub store: KeychainFlag,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

impl Setup {
    /// The same for `--setup`, which aws-mfa uses instead of a command.
    pub fn of(refresh: &Refresh) -> Self {
        Self {
            name: refresh.profiles.names.last().cloned(),
            keychain: false,
            store: KeychainFlag::default(),
            suffixes: refresh.request.suffixes.clone(),
            verbosity: refresh.verbosity.clone(),
        }
    }
}

/// Asks for long-term keys and writes them, or moves the keys that are in the way.
pub(super) fn set_up(args: &Setup, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    args.store.keychain.check_takes_keys()?;
    let paths = Paths::find(environment)?;
    let path = &paths.credentials;
    // What cannot be a credentials file is refused before anything is asked.
    profiles::read(path)?;
    store::regular(path)?;
    if args.keychain {
        args.store.keychain.check_is_there()?;
    }
    let names = SectionNames::new(&args.suffixes, environment)?;
    let suggested = match &args.name {
        Some(name) => name.clone(),
        None => plan::profile_of_environment(environment).value,
    };
    let prompt_settings = PromptSettings::new(
        &cli::PromptFlags::default(),
        environment,
        DEFAULT_FETCH_TIMEOUT,
    )?;
    let mut respondent = Respondent::find(&prompt_settings)?;
    let sections = names.sections_by_name(Setting {
        value: respondent.profile(&suggested)?,
        origin: Origin::Flag("--profile"),
    })?;
    let text = profiles::read(path)?.unwrap_or_default();
    let file = File {
        path,
        document: Document::parse(&text),
    };
    plan::check_sections(&file, &[&sections.long_term, &sections.short_term])?;
    let moving = keys_in_the_way(&sections, &file)?;
    let store = writable_store(path)?;
    if let Some(moving) = &moving {
        respondent.check_brings_no_keys(moving.from)?;
    }
    let replaced = match &moving {
        Some(_) => None,
        None => replaceable(&sections, &file)?,
    };
    if let Some(old) = &replaced {
        let own = (&*sections.long_term, old);
        respondent.agrees_to_replace_own(own, path, &sections.setup_command)?;
    }
    if let Some(moving) = moving
        && agrees(&respondent, &sections, &moving, &file)?
    {
        move_out_of_the_way(&mut respondent, &moving, &file, &store, report)?;
        if args.keychain {
            let moved = keychain::move_keys(&into_keychain(args, &sections), environment);
            if moved.is_err() {
                report.progress(format_args!(
                    "the keys stay there; run `{}` to move them to the keychain later",
                    sections.command("keychain move")
                ));
            }
            moved?;
        }
    } else {
        let long_term = &*sections.long_term;
        let keys = checked_keys(&mut respondent, args, &sections, environment, report)?;
        let device = if replaced.is_some() && wizard::has_device(&file, long_term) {
            None
        } else {
            respondent.device()?
        };
        let answers = Answers {
            keys,
            device,
            replaced,
        };
        write_new_keys(args, environment, &store, (path, long_term), &answers)?;
    }
    report.progress(format_args!(
        "next: mfa-creds {}{}",
        text::flag("--profile", &sections.profile.value),
        names.suffix_flags()
    ));
    Ok(())
}

/// The long-term keys in the section for the session, which have to move to a section of their own.
fn keys_in_the_way<'s>(
    sections: &'s ProfileSections,
    file: &File<'_>,
) -> Result<Option<KeyMove<'s>>> {
    let (long_term, short_term) = (&sections.long_term, &sections.short_term);
    let stray = wizard::stored_keys(file, short_term)
        .filter(|_keys| section_format::holds_long_term_keys(file, short_term));
    let replaced = wizard::stored_keys(file, long_term);
    let has = |key| file.get(long_term, key).is_some();
    if has(key::NEW_ACCESS_KEY_ID) && !has(key::AWS_ACCESS_KEY_ID) {
        bail!(
            Failure::new(format!(
                "a rotation left keys in [{long_term}] in {}",
                file.path.display()
            ))
            .hint(format!(
                "rename {} to aws_access_key_id, and {} to aws_secret_access_key",
                key::NEW_ACCESS_KEY_ID,
                key::NEW_SECRET_ACCESS_KEY
            ))
        );
    }
    if stray.is_some() && section_format::has_keys(file, long_term) && replaced.is_none() {
        bail!(wizard::occupied(file.path, long_term).hint(wizard::IN_AN_EDITOR));
    }
    if stray.is_some()
        && let Some(spoiled) = plan::spoiled_values(file, short_term).into_iter().next()
    {
        bail!(
            Failure::new(spoiled.problem)
                .hint(format!("{}, then run the command again", spoiled.fix))
        );
    }
    Ok(stray.map(|keys| KeyMove {
        from: short_term,
        to: long_term,
        keys,
        replaced,
    }))
}

/// The keys in the long-term section, which new ones may replace.
fn replaceable(sections: &ProfileSections, file: &File<'_>) -> Result<Option<OldKeys>> {
    let long_term = &sections.long_term;
    if !section_format::has_keys(file, long_term) {
        return Ok(None);
    }
    let Some(old) = OldKeys::of(file, long_term) else {
        bail!(wizard::occupied(file.path, long_term).hint(wizard::IN_AN_EDITOR));
    };
    if wizard::is_being_rotated(file, long_term) {
        let rotate = sections.command("rotate");
        bail!(keychain::unfinished_rotation(long_term, &rotate));
    }
    Ok(Some(old))
}

/// Asks for keys, and offers to check them with AWS. Keys that AWS rejects are asked for again.
fn checked_keys(
    respondent: &mut Respondent,
    args: &Setup,
    sections: &ProfileSections,
    environment: &Environment,
    report: Report,
) -> Result<LongTermKeys> {
    let mut keys = respondent.keys()?;
    if !respondent.agrees_to_check()? {
        return Ok(keys);
    }
    loop {
        match key_check::check_keys(&keys, sections, &args.suffixes, environment, report) {
            Ok(Verdict::Accepted(caller)) => {
                report.progress(format_args!(
                    "these are the keys of {} in account {}",
                    caller.called(),
                    caller.account
                ));
                return Ok(keys);
            }
            Ok(Verdict::Rejected(fault)) => {
                respondent.say(&format!("error: {fault}"))?;
                keys = respondent.keys()?;
            }
            Err(error) => {
                report.warning_for("the keys were not checked", &error);
                return Ok(keys);
            }
        }
    }
}

/// Makes sure that the file can be written; creates its directory if there is none.
fn writable_store(path: &Path) -> Result<Store> {
    if let Some(directory) = path.parent() {
        private_directory(directory).map_err(|error| {
            Failure::new(format!(
                "{} cannot be created: {}",
                directory.display(),
                error::reason(&error)
            ))
        })?;
    }
    let store = Store::open(path)?;
    store.check(|_file| Ok(Vec::new()))?;
    Ok(store)
}

/// Moves keys to a section of their own, and asks for a device if none is set in either section.
fn move_out_of_the_way(
    respondent: &mut Respondent,
    moving: &KeyMove<'_>,
    file: &File<'_>,
    store: &Store,
    report: Report,
) -> Result<()> {
    let KeyMove {
        from,
        to,
        keys,
        replaced,
    } = moving;
    let device = if wizard::has_device(file, from) || wizard::has_device(file, to) {
        None
    } else {
        respondent.device()?
    };
    store.update(|file| moving.edits(file, device.as_ref()))?;
    report.progress(if replaced.as_ref() == Some(keys) {
        format!("removed the keys from [{from}]: [{to}] has the same keys")
    } else {
        format!("moved the keys from [{from}] to [{to}]")
    });
    Ok(())
}

/// Writes the typed keys to their section, or stores them in the keychain.
fn write_new_keys(
    args: &Setup,
    environment: &Environment,
    store: &Store,
    (path, long_term): (&Path, &str),
    answers: &Answers,
) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let deposit = if args.keychain {
        Some(Deposit::new(&answers.keys, environment)?)
    } else {
        None
    };
    let put = deposit.as_ref().map(|deposit| {
        deposit.make(&answers.keys, long_term, path, environment, || {
            let way_out = "run the command in a desktop session, or leave out --keychain";
            keychain::consent(deposit.keychain(), environment, way_out)
        })
    });
    let put = put.transpose()?;
    let command = deposit.as_ref().map(|deposit| &*deposit.command);
    let written = store.update(|file| wizard::write(file, long_term, answers, command));
    if let (Err(_), Some(deposit), Some(put)) = (&written, &deposit, put) {
        deposit.take_back(put, report);
    }
    written?;
    report.progress(format_args!("wrote [{long_term}] to {}", path.display()));
    if let Some(deposit) = deposit {
        report.progress(format_args!(
            "stored its keys in {}",
            deposit.keychain().name()
        ));
    }
    Ok(())
}

/// Asks whether to move the keys that are in the way.
fn agrees(
    respondent: &Respondent,
    sections: &ProfileSections,
    moving: &KeyMove<'_>,
    file: &File<'_>,
) -> Result<bool> {
    let KeyMove {
        from,
        to,
        keys,
        replaced,
    } = moving;
    let Some(replaced) = replaced else {
        return respondent.agrees_to_move(from, to);
    };
    if file.get(to, key::CREDENTIAL_PROCESS).is_some() {
        bail!(wizard::occupied(file.path, to).hint(wizard::IN_AN_EDITOR));
    }
    if file.get(to, key::ROTATION_BEGUN).is_some() {
        let rotate = sections.command("rotate");
        bail!(keychain::unfinished_rotation(to, &rotate));
    }
    if keys != replaced {
        respondent.agrees_to_replace((from, keys), (to, replaced))?;
    }
    Ok(true)
}

/// The arguments of `keychain move` for the profile.
fn into_keychain(args: &Setup, sections: &ProfileSections) -> MoveKeys {
    MoveKeys {
        profile: Profile {
            name: Some(sections.profile.value.clone()),
        },
        store: args.store,
        yes: false,
        suffixes: args.suffixes.clone(),
        verbosity: args.verbosity.clone(),
    }
}
