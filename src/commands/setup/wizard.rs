//! Asks for long-term keys, and decides what is written for them and for keys that are moved.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::commands::keychain::changed_meanwhile;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::error::{Exit, Failure};
use crate::core::form::{Form, SECRET_LENGTH};
use crate::core::mfa_device::{SerialNumber, WrongDevice};
use crate::core::text::masked;
use crate::files::document::Change;
use crate::files::profiles::{File, key};
use crate::files::section_format;
use crate::files::store::Edit;
use crate::plan::{NAME_RULE, PromptSettings, is_name_part};
use crate::prompt::stdin;
use crate::prompt::terminal::{DefaultAnswer, Terminal};
use crate::renewal::discovery::device_change;

/// What the person answered.
pub struct Answers {
    pub keys: LongTermKeys,
    /// Optional: it can be added later.
    pub device: Option<SerialNumber>,
    /// The keys that these replace.
    pub replaced: Option<OldKeys>,
}

/// Who answers: the person, or the lines of standard input, as in aws-mfa.
pub enum Respondent {
    Person(Terminal),
    Lines(Vec<Zeroizing<String>>),
}

impl Respondent {
    /// Standard input where something is piped in, else the terminal.
    ///
    /// # Errors
    /// Exit code 3 when there is neither.
    pub fn find(prompt_settings: &PromptSettings) -> Result<Self> {
        let lines = stdin::lines(4, "the answers")?;
        if !lines.is_empty() {
            return Ok(Self::Lines(lines));
        }
        match Terminal::for_prompting(prompt_settings) {
            Some(terminal) => Ok(Self::Person(terminal)),
            None => bail!(
                Failure::new("setup needs a terminal to ask for the keys")
                    .hint("run the command in a terminal, or pipe in four lines: profile, access key ID, secret access key, device")
                    .exit(Exit::HumanNeeded)
            ),
        }
    }

    /// Asks for the profile.
    pub fn profile(&mut self, default: &str) -> Result<String> {
        match self {
            Self::Person(terminal) => terminal.ask_or("Profile name to", default, |name| {
                // Happens only where the default cannot be shown and is therefore not offered.
                if name.is_empty() {
                    return Err("type a profile name".to_owned());
                }
                is_name_part(name).then_some(()).ok_or(NAME_RULE.to_owned())
            }),
            Self::Lines(lines) => {
                let line = next(lines);
                Ok(match line.trim() {
                    "" => default.to_owned(),
                    name => name.to_owned(),
                })
            }
        }
    }

    /// Asks whether to move long-term keys. Piped answers agree: nobody is there to ask.
    pub fn agrees_to_move(&self, from: &str, to: &str) -> Result<bool> {
        match self {
            Self::Person(terminal) => terminal.confirm(
                &format!("[{from}] contains long-term keys. Move them to [{to}]?"),
                DefaultAnswer::Yes,
            ),
            Self::Lines(_) => Ok(true),
        }
    }

    /// Asks whether new keys may replace those of the section for them.
    pub fn agrees_to_replace_own(
        &self,
        (section, old): (&str, &OldKeys),
        path: &Path,
        setup_command: &str,
    ) -> Result<()> {
        let Self::Person(terminal) = self else {
            bail!(occupied(path, section).hint(format!(
                "run `{setup_command}` in a terminal to replace them, or choose another profile"
            )));
        };
        let what = match &old.access_key_id {
            Some(id) => format!("access key {}", masked(id)),
            None => "a secret access key".to_owned(),
        };
        let question = format!("[{section}] already contains {what}. Replace it?");
        if !terminal.confirm(&question, DefaultAnswer::No)? {
            bail!(
                Failure::new(format!(
                    "{what} of [{section}] in {} was not replaced",
                    path.display()
                ))
                .hint("choose another profile for the new keys")
            );
        }
        Ok(())
    }

    /// Asks whether long-term keys may replace others, of which there may be no other copy.
    pub fn agrees_to_replace(
        &self,
        (from, new): (&str, &LongTermKeys),
        (to, old): (&str, &LongTermKeys),
    ) -> Result<()> {
        let (new_id, old_id) = (masked(&new.access_key_id), masked(&old.access_key_id));
        let both = if new.access_key_id == old.access_key_id {
            format!("[{from}] and [{to}] contain the access key {new_id} with different secrets")
        } else {
            format!("[{from}] contains the access key {new_id}, and [{to}] contains {old_id}")
        };
        match self {
            Self::Person(terminal) => {
                let question = format!("{both}. Replace the keys in [{to}]? They will be lost");
                if terminal.confirm(&question, DefaultAnswer::No)? {
                    return Ok(());
                }
                bail!(
                    Failure::new(format!("{both}; nothing was changed")).hint(format!(
                        "remove the keys that you do not need from [{from}] or [{to}] in an editor"
                    ))
                )
            }
            Self::Lines(_) => bail!(Failure::new(both).hint(
                "run the command in a terminal without piping in answers: it asks which keys to use"
            )),
        }
    }

    /// Refuses piped keys where the keys of a section are to be moved.
    pub fn check_brings_no_keys(&self, from: &str) -> Result<()> {
        match self {
            Self::Lines(lines) if lines.len() > 1 => bail!(
                Failure::new(format!(
                    "[{from}] contains long-term keys to be moved, but other keys are piped in"
                ))
                .hint(format!(
                    "pipe in only the profile and the device, or remove the keys from [{from}] in an editor"
                ))
            ),
            Self::Lines(_) | Self::Person(_) => Ok(()),
        }
    }

    /// Asks whether to check the keys with AWS. Piped answers are written without a call.
    pub fn agrees_to_check(&self) -> Result<bool> {
        match self {
            Self::Person(terminal) => {
                terminal.confirm("Check the keys with AWS?", DefaultAnswer::Yes)
            }
            Self::Lines(_) => Ok(false),
        }
    }

    /// Shows a line to the person.
    pub fn say(&self, line: &str) -> Result<()> {
        match self {
            Self::Person(terminal) => terminal.say(line),
            Self::Lines(_) => Ok(()),
        }
    }

    /// Asks for the device only.
    pub fn device(&mut self) -> Result<Option<SerialNumber>> {
        match self {
            Self::Person(terminal) => {
                let text = terminal.ask_or("MFA device (optional)", "", |text| {
                    device(text)
                        .map(|_device| ())
                        .map_err(|wrong| format!("this {}; {}", wrong.problem, wrong.hint))
                })?;
                Ok(device(&text).unwrap_or_default())
            }
            Self::Lines(lines) => {
                let text = next(lines);
                device(&text).map_err(|wrong| {
                    Failure::new(format!("the device {} {}", text.trim(), wrong.problem))
                        .hint(wrong.hint)
                        .into()
                })
            }
        }
    }

    /// Asks for keys.
    pub fn keys(&mut self) -> Result<LongTermKeys> {
        let (access_key_id, secret_access_key) = match self {
            Self::Person(terminal) => (
                terminal.ask_or("aws_access_key_id", "", check_access_key_id)?,
                terminal.ask_hidden("aws_secret_access_key (not shown)", check_secret)?,
            ),
            Self::Lines(lines) => {
                let (id, secret) = (next(lines), next(lines));
                let complain = |problem: String| Failure::new(problem);
                check_access_key_id(&id).map_err(complain)?;
                check_secret(&secret).map_err(complain)?;
                (id.to_string(), secret)
            }
        };
        Ok(LongTermKeys {
            access_key_id: access_key_id.trim().to_owned(),
            secret_access_key: Secret::new(secret_access_key.trim()),
        })
    }
}

fn next(lines: &mut Vec<Zeroizing<String>>) -> Zeroizing<String> {
    if lines.is_empty() {
        Zeroizing::default()
    } else {
        lines.remove(0)
    }
}

/// A device, or none where nothing was typed.
fn device(text: &str) -> Result<Option<SerialNumber>, WrongDevice> {
    match text.trim() {
        "" => Ok(None),
        text => SerialNumber::parse(text).map(Some),
    }
}

fn check_access_key_id(text: &str) -> Result<(), String> {
    let text = text.trim();
    if text.starts_with("ASIA") {
        return Err("this is a temporary key (ASIA…); long-term keys start with AKIA".to_owned());
    }
    if !Form::TypedAccessKeyId.fits(text) {
        return Err(
            "an access key ID has at least 16 capital letters and digits, like AKIA…".to_owned(),
        );
    }
    Ok(())
}

fn check_secret(text: &str) -> Result<(), String> {
    let text = text.trim();
    if text.chars().count() != SECRET_LENGTH {
        return Err(format!(
            "a secret access key has {SECRET_LENGTH} characters; this one has {}",
            text.chars().count()
        ));
    }
    if !Form::TypedSecretAccessKey.fits(text) {
        return Err(
            "a secret access key contains only letters, digits, `/`, `+`, and `=`".to_owned(),
        );
    }
    Ok(())
}

/// Keys in a section that new ones replace, as they were when the person agreed.
#[derive(Eq, PartialEq)]
pub struct OldKeys {
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
}

impl OldKeys {
    /// The keys in a section; none if there are none, or if a command prints them.
    pub fn of(file: &File<'_>, section: &str) -> Option<Self> {
        if file.get(section, key::CREDENTIAL_PROCESS).is_some() {
            return None;
        }
        let old = Self {
            access_key_id: file.get(section, key::AWS_ACCESS_KEY_ID),
            secret_access_key: file
                .get(section, key::AWS_SECRET_ACCESS_KEY)
                .map(Secret::new),
        };
        (old.access_key_id.is_some() || old.secret_access_key.is_some()).then_some(old)
    }
}

/// Whether a section contains what an unfinished rotation needs.
pub fn is_being_rotated(file: &File<'_>, section: &str) -> bool {
    [
        key::ROTATION_BEGUN,
        key::NEW_ACCESS_KEY_ID,
        key::OLD_ACCESS_KEY_ID,
    ]
    .into_iter()
    .any(|key| file.get(section, key).is_some())
}

/// Writes new keys, or the command that prints them, to a section, in place of the old keys.
pub fn write<'a>(
    file: &File<'_>,
    section: &str,
    answers: &'a Answers,
    command: Option<&'a str>,
) -> Result<Vec<Edit<'a>>> {
    let found = OldKeys::of(file, section);
    if found != answers.replaced
        || found.is_none() && section_format::has_keys(file, section)
        || is_being_rotated(file, section)
    {
        bail!(changed_meanwhile(file.path, section));
    }
    let mut changes = match command {
        Some(command) => vec![
            Change::Set(key::CREDENTIAL_PROCESS, Cow::Borrowed(command)),
            Change::Remove(key::AWS_ACCESS_KEY_ID),
            Change::Remove(key::AWS_SECRET_ACCESS_KEY),
        ],
        None => vec![
            Change::Set(
                key::AWS_ACCESS_KEY_ID,
                Cow::Borrowed(&answers.keys.access_key_id),
            ),
            Change::Set(
                key::AWS_SECRET_ACCESS_KEY,
                Cow::Borrowed(answers.keys.secret_access_key.expose()),
            ),
        ],
    };
    changes.extend(answers.device.as_ref().map(device_change));
    Ok(vec![Edit::new(section, changes)])
}

/// Long-term keys on their way from the section of a session to one of their own.
pub struct KeyMove<'m> {
    pub from: &'m str,
    pub to: &'m str,
    /// The keys, as they were when the person agreed.
    pub keys: LongTermKeys,
    /// Those that they replace, likewise.
    pub replaced: Option<LongTermKeys>,
}

impl KeyMove<'_> {
    /// Moves the keys and their device, and removes what is left of an earlier session.
    pub fn edits<'a>(
        &self,
        file: &File<'_>,
        device: Option<&'a SerialNumber>,
    ) -> Result<Vec<Edit<'a>>> {
        let Self {
            from,
            to,
            keys,
            replaced,
        } = self;
        if stored_keys(file, to) != *replaced
            || replaced.is_none() && section_format::has_keys(file, to)
        {
            bail!(changed_meanwhile(file.path, to));
        }
        if stored_keys(file, from).as_ref() != Some(keys) {
            bail!(changed_meanwhile(file.path, from));
        }
        let pair = [key::AWS_ACCESS_KEY_ID, key::AWS_SECRET_ACCESS_KEY];
        // A device that the target has already wins; the other one stays where it is.
        let devices: &[_] = if has_device(file, to) {
            &[]
        } else {
            &[key::AWS_MFA_DEVICE, key::MFA_SERIAL]
        };
        let is_left = |key: &&&'static str| !pair.contains(key);
        let mut set: Vec<Change<'a>> = vec![
            Change::Set(
                key::AWS_ACCESS_KEY_ID,
                Cow::Owned(keys.access_key_id.clone()),
            ),
            Change::Set(
                key::AWS_SECRET_ACCESS_KEY,
                Cow::Owned(keys.secret_access_key.expose().to_owned()),
            ),
        ];
        set.extend(
            devices
                .iter()
                .filter_map(|key| Some(Change::Set(key, Cow::Owned(file.get(from, key)?)))),
        );
        set.extend(device.map(device_change));
        // A session in the target was made with other keys.
        let left = section_format::KEYS.iter().filter(is_left);
        set.extend(left.map(|key| Change::Remove(key)));
        let gone = section_format::KEYS.iter().chain(devices);
        let removed = gone.map(|key| Change::Remove(key)).collect();
        Ok(vec![Edit::new(*to, set), Edit::new(*from, removed)])
    }
}

/// The keys of a section.
pub fn stored_keys(file: &File<'_>, section: &str) -> Option<LongTermKeys> {
    Some(LongTermKeys {
        access_key_id: file.get(section, key::AWS_ACCESS_KEY_ID)?,
        secret_access_key: Secret::new(section_format::secret_access_key(file, section)?),
    })
}

/// Whether a section names a device.
pub fn has_device(file: &File<'_>, section: &str) -> bool {
    file.get(section, key::AWS_MFA_DEVICE).is_some() || file.get(section, key::MFA_SERIAL).is_some()
}

/// The error where keys would be overwritten.
pub fn occupied(path: &Path, section: &str) -> Failure {
    Failure::new(format!(
        "[{section}] in {} already contains keys",
        path.display()
    ))
}

/// The hint if `setup` cannot replace them.
pub const IN_AN_EDITOR: &str = "choose another profile, or change the keys in an editor";
