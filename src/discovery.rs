//! Which MFA device is meant, where nobody has said so: AWS knows which the user has.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli::Prompt;
use crate::credentials::LongTermKeys;
use crate::device::{Device, Kind, SerialNumber};
use crate::document::Document;
use crate::error::{Exit, Failure};
use crate::group;
use crate::iam::{Iam, Owner, Problem};
use crate::network;
use crate::plan::{Access, Base, Chosen, Origin, Prompting, quoted};
use crate::profiles::{self, File};
use crate::report::Report;
use crate::setup;
use crate::store::{self, Lock, Store, Turn};
use crate::terminal::Terminal;

/// What is known before AWS is asked.
pub struct Search<'s> {
    /// The credentials file.
    pub path: &'s Path,
    pub base: &'s Base,
    pub access: &'s Access,
    pub keys: &'s LongTermKeys,
    /// The profile that has the keys, for hints.
    pub profile: &'s str,
    pub prompting: Prompting,
    pub lock_timeout: Duration,
    pub report: Report,
}

/// A device that was found.
pub struct Found {
    pub device: Chosen<SerialNumber>,
    /// The turn in which it was chosen, where a person had to.
    pub turn: Option<Lock>,
}

impl Search<'_> {
    /// The device of the session that is there, else the only one that the user has, else the one that the person picks.
    ///
    /// # Errors
    /// When the user has none, when AWS does not say, or exit code 3 when nobody is there to pick one.
    pub fn find(&self) -> Result<Found> {
        if let Some(device) = self.at_hand()? {
            return Ok(Found { device, turn: None });
        }
        let connections = [&self.access.sts, &self.access.iam];
        let network = network::prepare(connections)?.finish()?;
        let iam = Iam {
            network: &network,
            access: self.access,
            base: self.base,
            keys: self.keys,
            session: None,
        };
        let owner = match iam.owner() {
            Ok(owner) => owner,
            Err(problem) if problem.code().is_some() => bail!(problem),
            Err(problem) => bail!(self.not_told(None, &problem)),
        };
        let devices = match iam.devices(&owner) {
            Ok(devices) => devices,
            Err(problem) => bail!(self.not_told(Some(&owner), &problem)),
        };
        let usable: Vec<SerialNumber> = devices.iter().filter_map(Device::usable).collect();
        for device in devices.iter().filter(|device| device.usable().is_none()) {
            self.report.progress(format_args!(
                "passed over {}: {}, which STS cannot use",
                device.serial,
                what(device)
            ));
        }
        match &usable[..] {
            [] => bail!(self.none(&owner, &devices)),
            [only] => Ok(Found {
                device: Chosen {
                    value: only.clone(),
                    origin: Origin::OnlyOne,
                },
                turn: None,
            }),
            _ => self.pick(&owner, &usable),
        }
    }

    /// The device that can be known without AWS: of a session with these keys, or written into the file a moment ago.
    fn at_hand(&self) -> Result<Option<Chosen<SerialNumber>>> {
        let text = profiles::read(self.path)?.unwrap_or_default();
        let file = File {
            path: self.path,
            document: Document::parse(&text),
        };
        let found = group::session_of_key(self.path, &file, &self.keys.access_key_id);
        Ok(found.map(|(maker, _session)| Chosen {
            value: maker.device,
            origin: Origin::Session,
        }))
    }

    fn pick(&self, owner: &Owner, devices: &[SerialNumber]) -> Result<Found> {
        let Prompting { prompt, limit } = self.prompting;
        let may_ask = matches!(prompt, Prompt::Auto | Prompt::Terminal);
        let terminal = may_ask.then(|| Terminal::open(limit)).flatten();
        let Some(terminal) = terminal.filter(Terminal::has_room_for_a_list) else {
            let names: Vec<&str> = devices.iter().map(SerialNumber::as_str).collect();
            bail!(
                Failure::new(format!(
                    "{} has {} MFA devices, and nobody says which to use",
                    owner.called(),
                    devices.len()
                ))
                .hint(format!(
                    "write one as aws_mfa_device into {}, or use --device; there are: {}",
                    self.base.place(),
                    names.join(", ")
                ))
                .exit(Exit::HumanNeeded)
            );
        };
        let store = Store::open(self.path)?;
        let turn = store.take(
            Turn::Ask,
            &self.keys.access_key_id,
            self.lock_timeout,
            |holder| {
                Report::notice(format_args!(
                    "waiting for {}, which asks for the MFA device of the same keys",
                    store::process(holder)
                ));
            },
        )?;
        // Another process may have been told meanwhile.
        if let Some(device) = self.at_hand()? {
            return Ok(Found { device, turn: None });
        }
        let items: Vec<String> = devices.iter().map(ToString::to_string).collect();
        let Some(place) = terminal.pick("Which MFA device?", &items)? else {
            bail!(Failure::new("no MFA device was picked").exit(Exit::HumanNeeded));
        };
        let device = devices[place].clone();
        self.offer_to_save(&terminal, &store, &device)?;
        Ok(Found {
            device: Chosen {
                value: device,
                origin: Origin::Person,
            },
            turn: Some(turn),
        })
    }

    fn offer_to_save(
        &self,
        terminal: &Terminal,
        store: &Store,
        device: &SerialNumber,
    ) -> Result<()> {
        let section = &self.base.section;
        if self.base.path != self.path {
            return Ok(());
        }
        if terminal.confirm(&format!(
            "Write it to [{section}], so that it is not asked for again?"
        ))? {
            store.update(|file| setup::save_device(file, section, device))?;
        }
        Ok(())
    }

    /// Nobody says which devices there are. Most people's is called like the user.
    fn not_told(&self, owner: Option<&Owner>, problem: &Problem) -> Failure {
        let place = self.base.place();
        let hint = match owner.map(Owner::usual_device) {
            Some(usual) => format!(
                "often it is {usual}: write `aws_mfa_device = {usual}` into {place}, or use --device"
            ),
            None => format!(
                "write `aws_mfa_device = arn:aws:iam::123456789012:mfa/NAME` into {place}, or use --device"
            ),
        };
        Failure::new(format!(
            "the MFA device of [{}] is not known, and AWS was asked in vain: {}",
            self.base.section,
            problem.failure.message()
        ))
        .hint(format!("{hint}; the IAM console shows the ARN"))
    }

    fn none(&self, owner: &Owner, devices: &[Device]) -> Failure {
        let has_others = if devices.is_empty() {
            ""
        } else {
            " that STS can use"
        };
        let profile = quoted(self.profile);
        Failure::new(format!("{} has no MFA device{has_others}", owner.called())).hint(
            if devices.is_empty() {
                format!(
                    "`mfa-creds device enroll -p {profile}` makes one with an authenticator app"
                )
            } else {
                "add an authenticator app in the IAM console, where the FIDO key works".to_owned()
            },
        )
    }
}

/// What a device is, in a sentence.
fn what(device: &Device) -> &'static str {
    match device.kind {
        Kind::Fido => "a FIDO key",
        Kind::Virtual | Kind::Hardware | Kind::Unknown => "a device of an unknown kind",
    }
}
