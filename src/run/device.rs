//! The MFA devices of the user who has the keys of a profile.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::ground::Ground;
use crate::cli::{self, DeviceCommand, DeviceOf, Enroll, ListDevices, Profiles, Resync};
use crate::credentials::{Credentials, LongTermKeys};
use crate::device::{Device, SerialNumber};
use crate::enrolment::{self, Enrolled, Enrolment};
use crate::environment::Environment;
use crate::error::{Exit, Failure};
use crate::group;
use crate::iam::{Iam, Owner};
use crate::key_process;
use crate::mfa_code::{self, MfaCode};
use crate::network::{self, Network};
use crate::plan::{self, Chosen, Prompting, User, quoted};
use crate::profiles::File;
use crate::report::{self, Report};
use crate::session::Maker;
use crate::setup;
use crate::store::{Store, Use};
use crate::terminal::{self, Terminal};

/// Does what the command says.
///
/// # Errors
/// What a user has to know.
pub(super) fn device(command: &DeviceCommand, environment: &Environment) -> Result<()> {
    match command {
        DeviceCommand::List(args) => list(args, environment),
        DeviceCommand::Enroll(args) => enroll(args, environment),
        DeviceCommand::Resync(args) => resync(args, environment),
    }
}

/// The user, and the way to AWS.
struct Ready {
    user: User,
    keys: LongTermKeys,
    /// Signs in place of the keys, where there is one: AWS wants it for changes by a user who has a device.
    session: Option<Credentials>,
    network: Network,
    store: Store,
    /// The flag that names the profile, where it is not the default one.
    flag: String,
}

impl Ready {
    fn new(of: &DeviceOf, environment: &Environment) -> Result<Self> {
        let request = cli::Request {
            suffixes: of.suffixes.clone(),
            region: of.region.clone(),
            device: of.device.clone(),
            ..cli::Request::default()
        };
        let profiles = Profiles {
            names: of.profile.name.iter().cloned().collect(),
            all: false,
        };
        let ground = Ground::recover(&request.suffixes, &profiles, environment)?;
        let files = ground.files(&profiles);
        let naming = &ground.naming;
        let mut selected = plan::profiles(&profiles, environment, naming, &files)?.profiles;
        let profile = selected.pop().context("no profile is meant")?;
        let flag = if profile.value == "default" {
            String::new()
        } else {
            format!(" -p {}", quoted(&profile.value))
        };
        let target = naming.target_beside_role(profile, &files)?;
        let user = plan::user(&request, environment, naming, &target, &files)?;
        let keys = key_process::keys(&user.base, environment)?;
        let path = &ground.paths.credentials;
        let session = group::session_of_key(path, &files.credentials, &keys.access_key_id)
            .map(|(_maker, session)| session.credentials);
        let connections = [&user.access.sts, &user.access.iam];
        Ok(Self {
            network: network::prepare(connections)?.finish()?,
            user,
            keys,
            session,
            store: Store::open(path)?,
            flag,
        })
    }

    fn iam(&self) -> Iam<'_> {
        Iam {
            network: &self.network,
            access: &self.user.access,
            base: &self.user.base,
            keys: &self.keys,
            session: self.session.as_ref(),
        }
    }

    /// The device that is set, where it is one.
    fn set(&self) -> Option<&Chosen<SerialNumber>> {
        self.user.device.as_ref()?.as_ref().ok()
    }

    /// Notes a code that STS has got.
    fn note(&self, serial: &SerialNumber, code: &MfaCode) {
        let maker = Maker {
            access_key_id: self.keys.access_key_id.clone(),
            device: serial.clone(),
        };
        let used = self.store.used_codes(&maker.section(), &self.keys);
        let now = Utc::now();
        // Without the record the next process learns it from AWS.
        let _ = used.note(code, Use::Accepted, mfa_code::step(now), now);
    }
}

fn list(args: &ListDevices, environment: &Environment) -> Result<()> {
    let ready = Ready::new(&args.of, environment)?;
    let iam = ready.iam();
    let owner = iam.owner()?;
    let devices = iam.devices(&owner)?;
    let set = ready.set().map(|set| set.value.as_str());
    if args.json {
        return report::data(&json(&owner, &devices, set)?);
    }
    if devices.is_empty() {
        Report::new(&args.of.verbosity).progress(format_args!(
            "{} has no MFA device; `mfa-creds device enroll{}` makes one",
            owner.called(),
            ready.flag
        ));
        return Ok(());
    }
    report::data(&table(&devices, set))
}

fn table(devices: &[Device], set: Option<&str>) -> String {
    let width = |text: &dyn Fn(&Device) -> String| {
        devices
            .iter()
            .map(|device| text(device).len())
            .max()
            .unwrap_or_default()
    };
    let serial = width(&|device| device.serial.clone()).max("DEVICE".len());
    let kind = width(&|device| device.kind.to_string()).max("KIND".len());
    let mut text = format!(
        "{:serial$}  {:kind$}  {:10}  USE\n",
        "DEVICE", "KIND", "SINCE"
    );
    for device in devices {
        let since = device
            .since
            .map_or_else(String::new, |since| since.format("%Y-%m-%d").to_string());
        let used = if device.usable().is_none() {
            "not for STS"
        } else if set == Some(device.serial.as_str()) {
            "set for this profile"
        } else {
            ""
        };
        let line = format!(
            "{:serial$}  {:kind$}  {since:10}  {used}",
            device.serial,
            device.kind.to_string()
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// What scripts get. Keys may be added.
#[derive(Serialize)]
struct Listed<'l> {
    version: u8,
    account: &'l str,
    /// None for the root user.
    user: Option<&'l str>,
    devices: Vec<ListedDevice<'l>>,
}

#[derive(Serialize)]
struct ListedDevice<'l> {
    serial_number: &'l str,
    kind: String,
    /// Whether STS can use it.
    usable: bool,
    /// Whether the profile names it.
    set: bool,
    enabled: Option<String>,
}

fn json(owner: &Owner, devices: &[Device], set: Option<&str>) -> Result<String> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let devices = devices.iter().map(|device| ListedDevice {
        serial_number: &device.serial,
        kind: device.kind.to_string(),
        usable: device.usable().is_some(),
        set: set == Some(device.serial.as_str()),
        enabled: device.since.map(time),
    });
    let listed = Listed {
        version: 1,
        account: &owner.account,
        user: owner.name.as_deref(),
        devices: devices.collect(),
    };
    Ok(serde_json::to_string_pretty(&listed)? + "\n")
}

fn enroll(args: &Enroll, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let terminal = terminal(&args.of, environment, "an enrolment")?;
    let ready = Ready::new(&args.of, environment)?;
    let iam = ready.iam();
    let owner = iam.owner()?;
    let Some(user) = &owner.name else {
        bail!(
            Failure::new("the root user's devices cannot be made from here")
                .hint("make it in the IAM console, and use an IAM user for the rest")
        );
    };
    let name = args.name.as_ref().unwrap_or(user);
    // Where IAM does not say, its answers to what follows do.
    let devices = iam.devices(&owner).unwrap_or_default();
    check_new(&ready, &owner, &devices, name)?;
    let Enrolled { serial, codes } = Enrolment {
        iam: &iam,
        owner: &owner,
        terminal: &terminal,
        report,
        name,
        shows_secret: args.show_secret,
    }
    .run()?;
    report.progress(format_args!("{serial} is enabled for {user}"));
    let is_known = enrolment::wait_for_sts(&iam, &serial, &codes[1], report);
    ready.note(&serial, &codes[1]);
    if !is_known {
        report.warning("STS does not know the device yet; wait a minute before the first code");
    }
    save(&ready, &terminal, &serial, report)?;
    report.progress(format_args!("next: mfa-creds{}", ready.flag));
    Ok(())
}

/// What would fail in the end is said in the beginning.
fn check_new(ready: &Ready, owner: &Owner, devices: &[Device], name: &str) -> Result<()> {
    let serial = owner.device(name);
    if devices.iter().any(|device| device.serial == serial) {
        bail!(
            Failure::new(format!(
                "{serial} is a device of {} already",
                owner.called()
            ))
            .hint("--name calls the new one differently")
        );
    }
    if devices.is_empty() || ready.session.is_some() {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "{} has an MFA device already, so AWS wants an MFA session for a second one",
        owner.called()
    ));
    bail!(if devices.iter().any(|device| device.usable().is_some()) {
        failure.hint(format!(
            "`mfa-creds{}` makes a session; then run this again",
            ready.flag
        ))
    } else {
        failure.hint("add the authenticator app in the IAM console, where the FIDO key works")
    })
}

/// Offers to write the device where it is looked for.
fn save(ready: &Ready, terminal: &Terminal, serial: &SerialNumber, report: Report) -> Result<()> {
    let base = &ready.user.base;
    let set = ready.set().map(|set| &set.value);
    if set == Some(serial) || !ready.store.is_of(&base.path) {
        return Ok(());
    }
    let section = &base.section;
    let instead = set.map_or_else(String::new, |set| format!(" in place of {set}"));
    if terminal.confirm(&format!("Write it to [{section}]{instead}?"))? {
        ready
            .store
            .update(|file: &File<'_>| setup::save_device(file, section, serial))?;
        report.progress(format_args!("wrote aws_mfa_device of [{section}]"));
    }
    Ok(())
}

fn resync(args: &Resync, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let terminal = terminal(&args.of, environment, "a resynchronisation")?;
    let mut ready = Ready::new(&args.of, environment)?;
    let device = ready.user.device.take().transpose()?;
    let iam = ready.iam();
    let owner = iam.owner()?;
    let serial = match device {
        Some(device) => device.value,
        None => pick(&iam, &owner, &terminal)?,
    };
    let codes = enrolment::two_codes(&terminal)?;
    match iam.resync(&owner, &serial, &codes) {
        Ok(()) => {}
        Err(problem) if problem.code() == Some("InvalidAuthenticationCode") => bail!(
            Failure::new(format!("AWS refused the two codes of {serial}"))
                .hint("they have to be two in a row of this device; run it again")
                .exit(Exit::Refused)
        ),
        Err(problem) => bail!(problem),
    }
    report.progress(format_args!("AWS knows again which codes {serial} shows"));
    Ok(())
}

fn pick(iam: &Iam<'_>, owner: &Owner, terminal: &Terminal) -> Result<SerialNumber> {
    let devices = iam.devices(owner)?;
    let mut usable: Vec<SerialNumber> = devices.iter().filter_map(Device::usable).collect();
    if usable.len() > 1 && terminal.has_room_for_a_list() {
        let items: Vec<String> = usable.iter().map(ToString::to_string).collect();
        let Some(place) = terminal.pick("Which MFA device?", &items)? else {
            bail!(Failure::new("no MFA device was picked").exit(Exit::HumanNeeded));
        };
        return Ok(usable.swap_remove(place));
    }
    match usable.pop() {
        Some(only) if usable.is_empty() => Ok(only),
        Some(_) => bail!(Failure::new("nobody says which device to use").hint("use --device")),
        None => bail!(Failure::new(format!(
            "{} has no MFA device with codes",
            owner.called()
        ))),
    }
}

/// Codes of a device that is not in use can come from a person only.
fn terminal(of: &DeviceOf, environment: &Environment, what: &str) -> Result<Terminal> {
    let usual = terminal::PATIENCE_TO_FETCH;
    let prompting = Prompting::new(&of.prompting, environment, usual)?;
    let may_ask = matches!(prompting.prompt, cli::Prompt::Auto | cli::Prompt::Terminal);
    match may_ask.then(|| Terminal::open(prompting.limit)).flatten() {
        Some(terminal) => Ok(terminal),
        None => bail!(
            Failure::new(format!("{what} needs a terminal, to ask for two codes"))
                .hint("run it in a terminal, without --no-input")
                .exit(Exit::HumanNeeded)
        ),
    }
}
