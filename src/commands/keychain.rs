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
use crate::plan::{KeySource, Keys, PromptSettings};
use crate::prompt::terminal::{DEFAULT_FETCH_TIMEOUT, DefaultAnswer, Terminal};
use crate::report::{self, Report};
use clap::{Args, Subcommand};

/// What it does, for the help.
pub(super) const ABOUT: &str =
    "Keep long-term keys in the system's keychain, and not in clear text in the credentials file";

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
    /// Move the long-term keys of a profile from the credentials file into the keychain
    Move(MoveKeys),
    /// Move them back into the credentials file
    Restore(RestoreKeys),
    /// Print keys as AWS tools read them from a `credential_process`; it is what `move` writes into the section
    Get(GetKeys),
    /// Run a command as somebody would who shares nothing with this session but the user
    #[cfg(unix)]
    #[command(hide = true)]
    Elsewhere(Elsewhere),
}

/// What `keychain move` can be told.
#[derive(Args)]
pub struct MoveKeys {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub store: KeychainFlag,
    /// Do not ask before the keys are left to a keychain that only this session can read
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `keychain restore` can be told.
#[derive(Args)]
pub struct RestoreKeys {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `keychain get` can be told.
#[derive(Args)]
pub struct GetKeys {
    /// The access key id (AKIA…)
    pub access_key_id: String,
    #[command(flatten)]
    pub store: KeychainFlag,
}

/// What the way to find out whether others can read the keychain is told.
#[cfg(unix)]
#[derive(Args)]
pub struct Elsewhere {
    /// For the shell
    pub command: String,
}

/// Which keychain is meant. There is one on each system, so that nobody has to say; old command lines do.
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

/// Does what the command says.
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
        if !store.is_of(&key_source.id.path) {
            bail!(
                Failure::new(format!("{} is not in the credentials file", key_source.id))
                    .hint("move its keys to a section of the credentials file first")
            );
        }
        let section = &key_source.id.section;
        let turn = store.take(Turn::Keys, section, Duration::ZERO, |_| ())?;
        store.check(|file| {
            if file.get(section, key::ROTATION_BEGUN).is_none() {
                return Ok(Vec::new());
            }
            bail!(
                Failure::new(format!(
                    "a rotation of the access key of [{section}] is not finished"
                ))
                .hint(format!(
                    "`mfa-creds rotate{flag}` goes on with it; then run this again"
                ))
            )
        })?;
        Ok(Self {
            loaded,
            key_source,
            store,
            flag,
            _turn: turn,
        })
    }

    /// What is in the files.
    fn files(&self) -> Files<'_> {
        self.loaded.files(&Profiles::default())
    }
}

/// Moves the keys of a profile into the keychain.
///
/// # Errors
/// What a user has to know. The keys are then where they were.
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
        let way_out = format!("`mfa-creds keychain move{} --yes` says so", held.flag);
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
            "[{other}] has the same keys, still in clear text"
        ));
    }
    report.progress(format_args!(
        "back: mfa-creds keychain restore{}",
        held.flag
    ));
    Ok(())
}

/// The keys of a section that holds some; none where they are in the keychain already.
fn keys_to_move(held: &Held, report: Report) -> Result<Option<&LongTermKeys>> {
    let section = &held.key_source.id.section;
    let command = match &held.key_source.keys {
        Keys::Stored(keys) => return Ok(Some(keys)),
        Keys::Process(command) => command,
    };
    let Some(KeychainEntry { keychain, .. }) = KeychainEntry::parse(&command.value) else {
        bail!(
            Failure::new(format!(
                "a command prints the keys of [{section}]: {}",
                command.origin
            ))
            .hint("they are not in the file; there is nothing to move")
        );
    };
    if keychain.flaw().is_some() {
        bail!(
            Failure::new(format!(
                "the keys of [{section}] are in {}",
                keychain.name()
            ))
            .hint(format!(
                "`mfa-creds keychain restore{}` brings them back; then run this again",
                held.flag
            ))
        );
    }
    report.progress(format_args!(
        "the keys of [{section}] are in {} already",
        keychain.name()
    ));
    Ok(None)
}

/// The keys go from the section, and the command comes, where the keys are still these.
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
                "the keys are not in [{section}] of {} itself, or were changed meanwhile",
                file.path.display()
            ))
            .hint("run it again; keys that are inherited from [DEFAULT] have to be written into the section first")
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

/// Asks a person whether keys may be left to a keychain that answers in this session only.
///
/// # Errors
/// Exit code 3 where nobody can be asked; then `way_out` says what to type.
pub(super) fn consent(keychain: Keychain, environment: &Environment, way_out: &str) -> Result<()> {
    let name = keychain.name();
    let asked = cli::PromptFlags::default();
    let prompt_settings = PromptSettings::new(&asked, environment, DEFAULT_FETCH_TIMEOUT)?;
    let Some(terminal) = Terminal::for_prompting(&prompt_settings) else {
        bail!(
            Failure::new(format!(
                "{name} gives the keys to programs of this session only, and whether that is enough has to be asked at a terminal"
            ))
            .hint(way_out)
            .exit(Exit::HumanNeeded)
        );
    };
    terminal.say(&format!(
        "warning: {name} gives the keys to programs of this session only: what is started elsewhere (another terminal, an IDE, cron) does \
         not get them"
    ))?;
    if !terminal.confirm("Put the keys there all the same?", DefaultAnswer::No)? {
        bail!(
            Failure::new(format!("the keys were not put into {name}"))
                .hint("in a session of the desktop, other programs can read them, too")
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
        Keys::Stored(_) => {
            report.progress(format_args!(
                "the keys of [{section}] are in the file already"
            ));
            return Ok(());
        }
    };
    let Some(place) = KeychainEntry::parse(&command.value) else {
        bail!(
            Failure::new(format!(
                "the keys of [{section}] are not in a keychain of mfa-creds: {} prints them",
                command.origin
            ))
            .hint("write them with an editor")
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
            "another program has written [{section}] since: the entry stays"
        ));
    } else if is_needed_elsewhere(&place, section, &held.files()) {
        report.progress("the entry stays, as another section gets its keys from it");
    } else if let Err(error) = place.keychain.remove(&place.access_key_id) {
        let name = place.keychain.name();
        report.warning_for(format_args!("{name} keeps a copy"), &error);
    }
    Ok(())
}

/// Whether the section has the keys, in the file as it is by now.
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

/// The keys come to the section, and the command goes, where that is still there.
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
        bail!(
            Failure::new(format!(
                "[{section}] in {} was changed meanwhile",
                file.path.display()
            ))
            .hint("run it again")
        );
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
            // In whatever words: a command may be wrapped in another one.
            name != section && command.is_some_and(|command| command.contains(&entry.access_key_id))
        })
    };
    is_needed(&files.credentials) || is_needed(&files.config)
}

fn get(args: &GetKeys) -> Result<()> {
    let keys = args.store.keychain.get(&args.access_key_id)?;
    if io::stdout().is_terminal() {
        Report::notice("warning: these are secrets, and they are on the screen now");
    }
    let text = entry::text(&keys)?;
    let text = std::str::from_utf8(&text).context("the keys cannot be written as JSON")?;
    report::data(text)?;
    report::data("\n")
}

/// Becomes the command in a session of its own, which has no terminal.
#[cfg(unix)]
fn elsewhere(args: &Elsewhere) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    // Whoever leads a session already has none to leave.
    let _ = rustix::process::setsid();
    let error = Command::new("/bin/sh").args(["-c", &args.command]).exec();
    Err(error).context("/bin/sh cannot be run")
}
