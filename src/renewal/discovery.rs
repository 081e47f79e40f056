//! Finds the MFA device if no setting names one, by asking AWS for the devices of the user.

use std::path::Path;
use std::time::Duration;

use std::borrow::Cow;

use anyhow::{Error, Result, bail};

use crate::aws::iam::{Caller, Iam, IamError};
use crate::aws::network;
use crate::core::credentials::LongTermKeys;
use crate::core::error::{self, Exit, Failure};
use crate::core::mfa_device::{Device, DeviceKind, SerialNumber};
use crate::files::document::{Change, Document};
use crate::files::profiles::{self, File, key};
use crate::files::store::{self, Edit, Lock, Store, Turn};
use crate::plan::{Access, KeySource, Origin, PromptSettings, Setting};
use crate::prompt::terminal::{DefaultAnswer, Terminal};
use crate::renewal::stored_sessions::session_of_key;
use crate::report::Report;

/// What is known before AWS is asked.
pub struct Search<'s> {
    /// The credentials file.
    pub path: &'s Path,
    pub key_source: &'s KeySource,
    pub access: &'s Access,
    pub keys: &'s LongTermKeys,
    /// The flag that names the profile with the keys, for hints.
    pub flag: &'s str,
    pub prompt_settings: &'s PromptSettings,
    pub lock_timeout: Duration,
    pub report: Report,
}

/// A device that was found.
pub struct FoundDevice {
    pub device: Setting<SerialNumber>,
    /// The turn in which a person chose it, if a person had to.
    pub turn: Option<Lock>,
}

impl Search<'_> {
    /// The device of the stored session; otherwise, the user's only device, or the one that the person picks.
    ///
    /// # Errors
    /// If the user has none, if AWS does not list them, or exit code 3 if nobody can be asked to pick one.
    pub fn find(&self) -> Result<FoundDevice> {
        if let Some(device) = self.at_hand()? {
            return Ok(FoundDevice { device, turn: None });
        }
        let connections = [&self.access.sts, &self.access.iam];
        let network = network::prepare(connections, self.report)?.finish()?;
        let iam = Iam {
            network: &network,
            access: self.access,
            key_source: self.key_source,
            keys: self.keys,
            session: None,
            flag: self.flag,
        };
        let caller = match iam.caller() {
            Ok(caller) => caller,
            Err(problem) if problem.code().is_some() || problem.is_without_response() => {
                bail!(problem)
            }
            Err(problem) => bail!(devices_not_told(self.key_source, None, &problem)),
        };
        let devices = match iam.devices(&caller) {
            Ok(devices) => devices,
            Err(problem) if problem.is_without_response() => {
                bail!(unreachable(self.key_source, &caller, &problem.into()))
            }
            Err(problem) => bail!(devices_not_told(self.key_source, Some(&caller), &problem)),
        };
        let usable: Vec<SerialNumber> = devices.iter().filter_map(Device::usable).collect();
        for device in devices.iter().filter(|device| device.usable().is_none()) {
            self.report.progress(format_args!(
                "ignoring {}: {}, which STS cannot use",
                device.serial,
                what(device)
            ));
        }
        match &usable[..] {
            [] => bail!(no_usable_device(&caller, &devices, self.flag)),
            [only] => Ok(FoundDevice {
                device: Setting {
                    value: only.clone(),
                    origin: Origin::OnlyOne,
                },
                turn: None,
            }),
            _ => self.pick(&caller, &usable),
        }
    }

    /// The device that is known without AWS: from a session with these keys, or saved in the file a moment ago.
    fn at_hand(&self) -> Result<Option<Setting<SerialNumber>>> {
        let text = profiles::read(self.path)?.unwrap_or_default();
        let file = File {
            path: self.path,
            document: Document::parse(&text),
        };
        if let Some(saved) = file.get(&self.key_source.id.section, key::AWS_MFA_DEVICE)
            && self.key_source.id.path == self.path
            && let Ok(value) = SerialNumber::parse(&saved)
        {
            return Ok(Some(Setting {
                value,
                origin: Origin::File {
                    key: key::AWS_MFA_DEVICE,
                    section: self.key_source.id.section.clone(),
                    path: self.path.to_path_buf(),
                },
            }));
        }
        let found = session_of_key(self.path, &file, &self.keys.access_key_id);
        Ok(found.map(|(session_key, _session)| Setting {
            value: session_key.device,
            origin: Origin::Session,
        }))
    }

    fn pick(&self, caller: &Caller, devices: &[SerialNumber]) -> Result<FoundDevice> {
        let terminal = terminal_to_pick(self.prompt_settings, caller, self.key_source, devices)?;
        let store = Store::open(self.path)?;
        let turn = store.take(
            Turn::Ask,
            &self.keys.access_key_id,
            self.lock_timeout,
            |holder| {
                let process = store::process(holder);
                Report::waiting_for_process(
                    holder,
                    format_args!(
                        "waiting for {process}, which is asking for the MFA device for the same keys"
                    ),
                )
            },
        )?;
        // Another process may have asked meanwhile.
        if let Some(device) = self.at_hand()? {
            return Ok(FoundDevice { device, turn: None });
        }
        let device = pick(&terminal, devices)?;
        let question = format!(
            "Write it to [{}], so that you are not asked again?",
            self.key_source.id.section
        );
        if self.key_source.id.path == self.path
            && terminal.confirm(&question, DefaultAnswer::Yes)?
            && let Err(error) =
                store.update(|file| save_device(file, &self.key_source.id.section, &device))
        {
            self.report.warning_for("the device was not saved", &error);
        }
        Ok(FoundDevice {
            device: Setting {
                value: device,
                origin: Origin::Person,
            },
            turn: Some(turn),
        })
    }
}

/// The error if IAM cannot be reached but STS can, as in a network with an endpoint only for STS.
fn unreachable(key_source: &KeySource, caller: &Caller, problem: &Error) -> Failure {
    let hint = error::hint(problem).unwrap_or_default();
    Failure::new(error::message(problem)).hint(format!(
        "{hint}; if only AWS IAM cannot be reached, {}",
        to_set(key_source, &caller.usual_device())
    ))
}

fn to_set(key_source: &KeySource, device: &str) -> String {
    let (place, key) = (&key_source.id, key_source.device_key);
    format!("add `{key} = {device}` to {place}, or use --device")
}

/// The error if no device is set and AWS does not list the devices. Most devices have the name of their user.
pub fn devices_not_told(
    key_source: &KeySource,
    caller: Option<&Caller>,
    problem: &IamError,
) -> Failure {
    let hint = match caller.map(Caller::usual_device) {
        Some(usual) => format!("it is often {usual}: {}", to_set(key_source, &usual)),
        None => to_set(key_source, "arn:aws:iam::123456789012:mfa/NAME"),
    };
    Failure::new(format!(
        "the MFA device of [{}] is not set, and mfa-creds could not look it up: {}",
        key_source.id.section,
        problem.failure.message()
    ))
    .hint(format!("{hint}; the IAM console shows the ARN"))
}

/// The error if the user has no device that STS can use; `flag` names the profile.
pub fn no_usable_device(caller: &Caller, devices: &[Device], flag: &str) -> Failure {
    let others: Vec<String> = devices
        .iter()
        .map(|device| format!("{} is {}", device.serial, what(device)))
        .collect();
    let name = caller.called();
    if others.is_empty() {
        let failure = Failure::new(format!("{name} has no MFA device"));
        return match caller.name {
            Some(_) => failure.hint(format!(
                "run `mfa-creds device enroll{flag}` to enroll an authenticator app"
            )),
            None => failure.hint("add one in the IAM console"),
        };
    }
    Failure::new(format!(
        "{name} has no MFA device that STS can use: {}",
        others.join(", ")
    ))
    .hint("sign in with `aws login`, which accepts it; or add an authenticator app in the IAM console")
}

/// The terminal to pick one of several devices at.
///
/// # Errors
/// Exit code 3 if there is none, with the devices.
pub fn terminal_to_pick(
    prompt_settings: &PromptSettings,
    caller: &Caller,
    key_source: &KeySource,
    devices: &[SerialNumber],
) -> Result<Terminal> {
    let terminal = Terminal::for_prompting(prompt_settings);
    terminal
        .filter(Terminal::has_room_for_a_list)
        .ok_or_else(|| {
            let names: Vec<&str> = devices.iter().map(SerialNumber::as_str).collect();
            Failure::new(format!(
                "{} has {} MFA devices, and none is selected",
                caller.called(),
                devices.len()
            ))
            .hint(format!(
                "set one as {} in {}, or use --device; the devices are: {}",
                key_source.device_key,
                key_source.id,
                names.join(", ")
            ))
            .exit(Exit::HumanNeeded)
            .into()
        })
}

/// Has the person pick one of several devices.
///
/// # Errors
/// Exit code 3 if none is picked.
pub fn pick(terminal: &Terminal, devices: &[SerialNumber]) -> Result<SerialNumber> {
    let items: Vec<String> = devices.iter().map(ToString::to_string).collect();
    match terminal.pick("Which MFA device?", &items)? {
        Some(place) => Ok(devices[place].clone()),
        None => bail!(
            Failure::new("no MFA device was picked")
                .hint("pick one with the arrow keys and Enter, or use --device")
                .exit(Exit::HumanNeeded)
        ),
    }
}

/// What a device is, in a sentence.
fn what(device: &Device) -> &'static str {
    match device.kind {
        DeviceKind::Fido => "a FIDO key",
        DeviceKind::Virtual | DeviceKind::Hardware | DeviceKind::Unknown => {
            "a device of an unknown kind"
        }
    }
}

/// Saves a device in an existing section.
pub fn save_device<'a>(
    file: &File<'_>,
    section: &str,
    device: &'a SerialNumber,
) -> Result<Vec<Edit<'a>>> {
    if !file.document.has(section) {
        bail!(
            Failure::new(format!(
                "[{section}] was removed from {}",
                file.path.display()
            ))
            .hint("another tool may be writing the file: check it, then run the command again")
        );
    }
    Ok(vec![Edit::new(section, vec![device_change(device)])])
}

/// The line that names a device.
pub fn device_change(device: &SerialNumber) -> Change<'_> {
    Change::Set(key::AWS_MFA_DEVICE, Cow::Borrowed(device.as_str()))
}
