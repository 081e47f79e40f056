//! `mfa-creds keychain`: moves long-term keys into the system's keychain, back into the file, or prints them.

#[cfg(target_os = "linux")]
mod bus;
mod deposit;
pub(super) mod entry;

use std::borrow::Cow;
use std::io::{self, IsTerminal as _};
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

pub(super) use self::deposit::Deposit;
use self::entry::{Keychain, KeychainEntry};
use super::loaded_files::LoadedFiles;
use super::signed_in_user::ProfileUser;
use crate::cli::{self, Profile, Profiles, Suffixes, Verbosity};
use crate::core::credentials::LongTermKeys;
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::files::document::{Change, Document};
use crate::files::profiles::{self, File, Files, key};
use crate::files::store::{Edit, Lock, Store, Turn};
use crate::plan::{KeySource, KeySourceId, Keys, PromptSettings};
use crate::prompt::credential_process;
use crate::prompt::terminal::{DEFAULT_FETCH_TIMEOUT, DefaultAnswer, Terminal};
use crate::report::{self, Report};
use clap::{Args, Subcommand};

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Store long-term keys in the system keychain";

/// What can be done with the system's keychain.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct InKeychain {
    #[command(subcommand)]
    pub command: KeychainCommand,
}

/// What can be done with the system's keychain.
#[derive(Subcommand)]
pub enum KeychainCommand {
    /// Move the long-term keys of a profile from the credentials file to the keychain
    Move(MoveKeys),
    /// Move the keys back to the credentials file
    Restore(RestoreKeys),
    /// Print keys as `credential_process` output, for AWS tools
    Get(GetKeys),
    /// Run a command as a program of this user outside this session would
    #[cfg(unix)]
    #[command(hide = true)]
    Elsewhere(Elsewhere),
}

/// The arguments of `keychain move`.
#[derive(Args)]
pub struct MoveKeys {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub store: KeychainFlag,
    /// Do not ask before storing the keys in a keychain that only this session can read
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// The arguments of `keychain restore`.
#[derive(Args)]
pub struct RestoreKeys {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// The arguments of `keychain get`.
#[derive(Args)]
pub struct GetKeys {
    /// The access key ID (AKIA…)
    pub access_key_id: String,
    #[command(flatten)]
    pub store: KeychainFlag,
}

/// The arguments of `keychain elsewhere`, which tests whether programs outside this session can read the keychain.
#[cfg(unix)]
#[derive(Args)]
pub struct Elsewhere {
    /// For the shell
    pub command: String,
}

/// The keychain. Each system has only one, so the flag is needed only for command lines of earlier versions.
#[derive(Args, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeychainFlag {
    #[arg(
        id = "store",
        long,
        value_name = "STORE",
        value_enum,
        default_value_t,
        hide = true
    )]
    pub keychain: Keychain,
}

/// Runs the command.
pub(super) fn keychain(command: &KeychainCommand, environment: &Environment) -> Result<()> {
    #[cfg(target_os = "linux")]
    if !matches!(command, KeychainCommand::Elsewhere(_)) {
        bus::find(environment)?;
    }
    match command {
        KeychainCommand::Move(args) => move_keys(args, environment),
        KeychainCommand::Restore(args) => restore(args, environment),
        KeychainCommand::Get(args) => get(args),
        #[cfg(unix)]
        KeychainCommand::Elsewhere(args) => elsewhere(args),
    }
}

/// The error for keys outside of the credentials file, which is the only one that is edited.
pub(super) fn outside_credentials_file(id: &KeySourceId) -> Failure {
    Failure::new(format!("{id} is not in the credentials file"))
        .hint("move its keys to a section of the credentials file first")
}

/// The error while a section contains more than one access key; `rotate` is the command that continues.
pub(super) fn unfinished_rotation(section: &str, rotate: &str) -> Failure {
    Failure::new(format!(
        "the access key rotation for [{section}] is not finished"
    ))
    .hint(format!(
        "run `{rotate}` to finish it, then run the command again"
    ))
}

/// The error for keys in a keychain that must not be used; `of_profile` is the flag that names the profile.
pub(super) fn in_flawed_keychain(
    keychain: Keychain,
    flaw: &str,
    section: &str,
    of_profile: &str,
) -> Failure {
    Failure::new(format!(
        "the keys of [{section}] are in {}, which {flaw}",
        keychain.name()
    ))
    .hint(format!(
        "run `mfa-creds keychain restore{of_profile}` to move them back to the file, then run the command again"
    ))
}

/// The error if another program has changed a section since it was read.
pub(super) fn changed_meanwhile(path: &Path, section: &str) -> Failure {
    Failure::new(format!(
        "[{section}] in {} was changed in the meantime",
        path.display()
    ))
    .hint("run the command again")
}

/// The long-term section of a profile, and its keys.
struct Held {
    loaded: LoadedFiles,
    key_source: KeySource,
    store: Store,
    flag: String,
    _turn: Lock,
}

impl Held {
    fn find(profile: &Profile, suffixes: &Suffixes, environment: &Environment) -> Result<Self> {
        let request = cli::Request {
            suffixes: suffixes.clone(),
            ..cli::Request::default()
        };
        let ProfileUser {
            loaded, user, flag, ..
        } = ProfileUser::find(&request, profile, environment)?;
        let key_source = user.key_source;
        let store = Store::open(&loaded.paths.credentials)?;
        if let Keys::Login(_) = key_source.keys {
            bail!(credential_process::no_long_term_keys(&key_source));
        }
        if !store.is_of(&key_source.id.path) {
            bail!(outside_credentials_file(&key_source.id));
        }
        let section = &key_source.id.section;
        let turn = store.take(Turn::Keys, section, Duration::ZERO, |_| ())?;
        store.check(|file| {
            if file.get(section, key::ROTATION_BEGUN).is_none() {
                return Ok(Vec::new());
            }
            bail!(unfinished_rotation(
                section,
                &format!("mfa-creds rotate{flag}")
            ))
        })?;
        Ok(Self {
            loaded,
            key_source,
            store,
            flag,
            _turn: turn,
        })
    }

    /// The files.
    fn files(&self) -> Files<'_> {
        self.loaded.files(&Profiles::default())
    }
}

/// Moves the keys of a profile into the keychain.
///
/// # Errors
/// A message for the user. The keys are then where they were.
pub(super) fn move_keys(args: &MoveKeys, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    args.store.keychain.check_takes_keys()?;
    let held = Held::find(&args.profile, &args.suffixes, environment)?;
    let section = &held.key_source.id.section;
    let Some(keys) = keys_to_move(&held, report)? else {
        return Ok(());
    };
    let deposit = Deposit::new(keys, environment)?;
    let command = &*deposit.command;
    held.store
        .check(|file| leave_command(file, section, keys, command))?;
    let put = deposit.make(keys, section, &held.key_source.id.path, environment, || {
        if args.yes {
            return Ok(());
        }
        let way_out = format!("run `mfa-creds keychain move{} --yes` to agree", held.flag);
        consent(deposit.keychain(), environment, &way_out)
    })?;
    let written = held
        .store
        .update(|file| leave_command(file, section, keys, command));
    if let Err(error) = written {
        deposit.take_back(put, report);
        return Err(error);
    }
    report.progress(format_args!(
        "moved the keys of [{section}] to {}",
        deposit.keychain().name()
    ));
    for other in others_with(&held.files(), section, &keys.access_key_id) {
        report.warning(format_args!(
            "[{other}] still has the same keys in clear text"
        ));
    }
    report.progress(format_args!(
        "to undo: mfa-creds keychain restore{}",
        held.flag
    ));
    Ok(())
}

/// The keys of a section; none if they are already in the keychain.
fn keys_to_move(held: &Held, report: Report) -> Result<Option<&LongTermKeys>> {
    let section = &held.key_source.id.section;
    let command = match &held.key_source.keys {
        Keys::Stored(keys) => return Ok(Some(keys)),
        Keys::Process(command) => command,
        Keys::Login(_) => bail!(credential_process::no_long_term_keys(&held.key_source)),
    };
    let Some(KeychainEntry { keychain, .. }) = KeychainEntry::parse(&command.value) else {
        bail!(
            Failure::new(format!(
                "a command prints the keys of [{section}]: {}",
                command.origin
            ))
            .hint("the keys are not in the file: there is nothing to move")
        );
    };
    if let Some(flaw) = keychain.flaw() {
        bail!(in_flawed_keychain(keychain, flaw, section, &held.flag));
    }
    report.progress(format_args!(
        "the keys of [{section}] are already in {}",
        keychain.name()
    ));
    Ok(None)
}

/// Replaces the keys with the command, if the section still has these keys.
fn leave_command<'c>(
    file: &File<'_>,
    section: &str,
    keys: &LongTermKeys,
    command: &'c str,
) -> Result<Vec<Edit<'c>>> {
    let is = |key, value: &str| file.get(section, key).as_deref() == Some(value);
    if !is(key::AWS_ACCESS_KEY_ID, &keys.access_key_id)
        || !is(key::AWS_SECRET_ACCESS_KEY, keys.secret_access_key.expose())
    {
        bail!(
            Failure::new(format!(
                "the keys are not in [{section}] of {} itself, or were changed in the meantime",
                file.path.display()
            ))
            .hint("run the command again; keys inherited from [DEFAULT] must be written to the section first")
        );
    }
    Ok(vec![Edit::new(
        section,
        vec![
            Change::Set(key::CREDENTIAL_PROCESS, Cow::Borrowed(command)),
            Change::Remove(key::AWS_ACCESS_KEY_ID),
            Change::Remove(key::AWS_SECRET_ACCESS_KEY),
        ],
    )])
}

/// Which other sections have this access key.
fn others_with(files: &Files<'_>, section: &str, access_key_id: &str) -> Vec<String> {
    let has = |file: &File<'_>, name: &str| {
        file.get(name, key::AWS_ACCESS_KEY_ID).as_deref() == Some(access_key_id)
    };
    let credentials = files.credentials.document.names();
    let credentials = credentials.filter(|name| *name != section && has(&files.credentials, name));
    let config = files.config.document.names();
    let config = config.filter(|name| has(&files.config, name));
    credentials.chain(config).map(str::to_owned).collect()
}

/// Asks whether to use a keychain that can be read only in this session.
///
/// # Errors
/// Exit code 3 if nobody can be asked; `way_out` is then the hint.
pub(super) fn consent(keychain: Keychain, environment: &Environment, way_out: &str) -> Result<()> {
    let name = keychain.name();
    let asked = cli::PromptFlags::default();
    let prompt_settings = PromptSettings::new(&asked, environment, DEFAULT_FETCH_TIMEOUT)?;
    let Some(terminal) = Terminal::for_prompting(&prompt_settings) else {
        bail!(
            Failure::new(format!(
                "{name} can be read only in this session, and there is no terminal to ask whether that is enough"
            ))
            .hint(way_out)
            .exit(Exit::HumanNeeded)
        );
    };
    terminal.say(&format!(
        "warning: {name} can be read only in this session: programs started elsewhere (another terminal, an IDE, cron) \
         cannot get the keys"
    ))?;
    if !terminal.confirm("Store the keys there anyway?", DefaultAnswer::No)? {
        bail!(
            Failure::new(format!("the keys were not stored in {name}")).hint(
                "run the command in a desktop session, where other programs can read them too"
            )
        );
    }
    Ok(())
}

fn restore(args: &RestoreKeys, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let held = Held::find(&args.profile, &args.suffixes, environment)?;
    let section = &held.key_source.id.section;
    let command = match &held.key_source.keys {
        Keys::Process(command) => command,
        Keys::Login(_) => bail!(credential_process::no_long_term_keys(&held.key_source)),
        Keys::Stored(_) => {
            report.progress(format_args!(
                "the keys of [{section}] are already in the file"
            ));
            return Ok(());
        }
    };
    let Some(place) = KeychainEntry::parse(&command.value) else {
        bail!(
            Failure::new(format!(
                "the keys of [{section}] are not in the keychain: {} prints them",
                command.origin
            ))
            .hint("write them to the file in an editor")
        );
    };
    let keys = place.keychain.get(&place.access_key_id)?;
    let bring_back = |file: &File<'_>| bring_back(file, section, &keys, &command.value);
    held.store.check(bring_back)?;
    held.store.update(bring_back)?;
    report.progress(format_args!(
        "moved the keys from {} to [{section}]",
        place.keychain.name()
    ));
    if !has_keys_now(held.loaded.paths.credentials.as_path(), section, &keys)? {
        report.warning(format_args!(
            "another program has since changed [{section}]: the keychain entry stays"
        ));
    } else if is_needed_elsewhere(&place, section, &held.files()) {
        report.progress("the keychain entry stays: another section gets its keys from it");
    } else if let Err(error) = place.keychain.remove(&place.access_key_id) {
        let name = place.keychain.name();
        report.warning_for(format_args!("{name} still has a copy of the keys"), &error);
    }
    Ok(())
}

/// Whether the section has the keys in the file as it is now.
fn has_keys_now(path: &Path, section: &str, keys: &LongTermKeys) -> Result<bool> {
    let text = profiles::read(path)?.unwrap_or_default();
    let file = File {
        path,
        document: Document::parse(&text),
    };
    let has = |key, value: &str| file.get(section, key).as_deref() == Some(value);
    Ok(has(key::AWS_ACCESS_KEY_ID, &keys.access_key_id)
        && has(key::AWS_SECRET_ACCESS_KEY, keys.secret_access_key.expose()))
}

/// Replaces the command with the keys, if the section still has the command.
fn bring_back<'k>(
    file: &File<'_>,
    section: &str,
    keys: &'k LongTermKeys,
    command: &str,
) -> Result<Vec<Edit<'k>>> {
    let has_keys = [key::AWS_ACCESS_KEY_ID, key::AWS_SECRET_ACCESS_KEY]
        .into_iter()
        .any(|key| file.get(section, key).is_some());
    if has_keys || file.get(section, key::CREDENTIAL_PROCESS).as_deref() != Some(command) {
        bail!(changed_meanwhile(file.path, section));
    }
    Ok(vec![Edit::new(
        section,
        vec![
            Change::Set(key::AWS_ACCESS_KEY_ID, Cow::Borrowed(&*keys.access_key_id)),
            Change::Set(
                key::AWS_SECRET_ACCESS_KEY,
                Cow::Borrowed(keys.secret_access_key.expose()),
            ),
            Change::Remove(key::CREDENTIAL_PROCESS),
        ],
    )])
}

/// Whether another section gets its keys from an entry.
fn is_needed_elsewhere(entry: &KeychainEntry, section: &str, files: &Files<'_>) -> bool {
    let is_needed = |file: &File<'_>| {
        file.document.names().any(|name| {
            let command = file.get(name, key::CREDENTIAL_PROCESS);
            // Anywhere in it: a command may be wrapped in another one.
            name != section && command.is_some_and(|command| command.contains(&entry.access_key_id))
        })
    };
    is_needed(&files.credentials) || is_needed(&files.config)
}

fn get(args: &GetKeys) -> Result<()> {
    let keys = args.store.keychain.get(&args.access_key_id)?;
    if io::stdout().is_terminal() {
        Report::notice("warning: these secrets are now visible on the screen");
    }
    let text = entry::text(&keys)?;
    let text = std::str::from_utf8(&text).context("the keys cannot be written as JSON")?;
    report::data(text)?;
    report::data("\n")
}

/// Runs the command in a session of its own, without a terminal.
#[cfg(unix)]
fn elsewhere(args: &Elsewhere) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    // A session leader cannot and need not do this.
    let _ = rustix::process::setsid();
    let error = Command::new("/bin/sh").args(["-c", &args.command]).exec();
    Err(error).context("/bin/sh cannot be run")
}
