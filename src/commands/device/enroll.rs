//! `mfa-creds device enroll`: asks what is needed, enrolls a device, and saves its ARN.

use anyhow::{Result, bail};

use super::enrollment::{self, Enrolled, Enrollment};
use super::{SignedInUser, prompt_settings, terminal};
use crate::aws::iam::{Caller, CodePair, KnownDevices};
use crate::cli::{OfUser, PromptTimeout};
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::core::mfa_device::{Device, SerialNumber};
use crate::files::profiles::File;
use crate::plan::Origin;
use crate::prompt::terminal::{DefaultAnswer, Terminal};
use crate::renewal::discovery::save_device;
use crate::report::Report;
use clap::Args;

/// The arguments of `device enroll`.
#[derive(Args)]
pub struct Enroll {
    #[command(flatten)]
    pub timeout: PromptTimeout,
    #[command(flatten)]
    pub of: OfUser,
    /// The name of the new device [default: the name of the user]
    #[arg(id = "device_name", long = "name", value_name = "NAME")]
    pub name: Option<String>,
    /// Also show the secret as text, for an app that cannot scan the QR code
    #[arg(long)]
    pub show_secret: bool,
}

pub(super) fn enroll(args: &Enroll, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let terminal = terminal(&prompt_settings(args.timeout, environment)?)?;
    let draws = can_draw(environment);
    if !draws && !args.show_secret {
        bail!(
            Failure::new("this terminal cannot show a QR code: TERM is unset or dumb")
                .hint("use --show-secret to show the secret as text")
        );
    }
    let signed_in = SignedInUser::new(&args.of, None, environment, report)?;
    let iam = signed_in.iam();
    let caller = iam.caller()?;
    let name = device_name(args, &caller)?;
    // If this is denied, the answers to the next calls tell enough.
    let devices = iam.devices(&caller).ok();
    check_new(
        &signed_in,
        &caller,
        devices.as_deref().unwrap_or_default(),
        name,
    )?;
    check_saving(&signed_in, &caller, name)?;
    let Enrolled { serial, codes } = Enrollment {
        iam: &iam,
        caller: &caller,
        terminal: &terminal,
        report,
        name,
        is_known_to_be_free: devices.is_some(),
        draws,
        shows_secret: args.show_secret,
    }
    .run()?;
    signed_in.note(&serial, &codes[1]);
    wait_for_session(&signed_in, &serial, &codes, report);
    save(&signed_in, &terminal, &serial, report)?;
    report.progress(format_args!("next: mfa-creds{}", signed_in.flag));
    Ok(())
}

/// Whether the terminal has cursor and colors, according to `TERM`. The consoles of Windows do not set it.
fn can_draw(environment: &Environment) -> bool {
    cfg!(windows) || environment.text("TERM").is_some_and(|term| term != "dumb")
}

/// The name of the new device.
fn device_name<'n>(args: &'n Enroll, caller: &'n Caller) -> Result<&'n str> {
    let Some(user) = &caller.name else {
        bail!(
            Failure::new("mfa-creds cannot create devices for the root user").hint(
                "create the device in the IAM console, and use an IAM user for everything else"
            )
        );
    };
    let given = args.name.as_ref().filter(|name| !name.is_empty());
    let name = given.unwrap_or(user);
    if !Form::DeviceName.fits(name) {
        bail!(
            Failure::new(format!("`{name}` is not a valid device name"))
                .hint("use letters, digits, and any of _+=,.@-")
        );
    }
    Ok(name)
}

/// Refuses what AWS would refuse, before anything is asked.
fn check_new(
    signed_in: &SignedInUser,
    caller: &Caller,
    devices: &[Device],
    name: &str,
) -> Result<()> {
    let serial = caller.device(name);
    if devices.iter().any(|device| device.serial == serial) {
        bail!(
            Failure::new(format!(
                "{serial} is already a device of {}",
                caller.called()
            ))
            .hint("use --name to give the new device another name")
        );
    }
    if devices.is_empty() || signed_in.session.is_some() {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "{} already has an MFA device, so AWS requires an MFA session to add a second one",
        caller.called()
    ));
    bail!(if devices.iter().any(|device| device.usable().is_some()) {
        failure.hint(format!(
            "run `mfa-creds{}` to get a session, then run the command again",
            signed_in.flag
        ))
    } else {
        failure.hint("add the authenticator app in the IAM console, where the FIDO key works")
    })
}

/// Makes sure that the device can be saved, before it is created.
fn check_saving(signed_in: &SignedInUser, caller: &Caller, name: &str) -> Result<()> {
    let key_source = &signed_in.user.key_source;
    if !signed_in.store.is_of(&key_source.id.path) {
        return Ok(());
    }
    let like_it = SerialNumber::parse(&caller.device(name)).map_err(|wrong| {
        Failure::new(format!("a device named `{name}` {}", wrong.problem)).hint(wrong.hint)
    })?;
    signed_in
        .store
        .check(|file| save_device(file, &key_source.id.section, &like_it))
}

/// Waits until STS recognizes the device, and stores the session that it returns then.
fn wait_for_session(
    signed_in: &SignedInUser,
    serial: &SerialNumber,
    codes: &CodePair,
    report: Report,
) {
    match enrollment::wait_for_sts(&signed_in.iam(), serial, &codes[1], report) {
        Ok(KnownDevices::Yes(session)) => {
            if let Some(session) = session {
                signed_in.keep(serial, session, report);
            }
        }
        Ok(KnownDevices::No) => {
            report.warning(
                "STS does not recognize the device yet; wait a minute before you use a code",
            );
        }
        Err(problem) => report.warning(format_args!(
            "could not check whether STS recognizes the device: {}",
            problem.failure.message()
        )),
    }
}

/// Offers to write the device to the section where mfa-creds looks for it.
fn save(
    signed_in: &SignedInUser,
    terminal: &Terminal,
    serial: &SerialNumber,
    report: Report,
) -> Result<()> {
    let key_source = &signed_in.user.key_source;
    let section = &key_source.id.section;
    let is_there =
        |origin: &Origin| matches!(origin, Origin::File { section: of, .. } if of == section);
    let set = signed_in.set().filter(|set| is_there(&set.origin));
    if set.is_some_and(|set| set.value == *serial) || !signed_in.store.is_of(&key_source.id.path) {
        return Ok(());
    }
    let instead = set.map_or_else(String::new, |set| format!(", replacing {}", set.value));
    let question = format!("Write it to [{section}]{instead}?");
    // The device stays enabled if nobody answers.
    if terminal
        .confirm(&question, DefaultAnswer::Yes)
        .unwrap_or(false)
    {
        signed_in
            .store
            .update(|file: &File<'_>| save_device(file, section, serial))?;
        report.progress(format_args!("wrote aws_mfa_device to [{section}]"));
    } else {
        report.progress(format_args!("not written: {serial}"));
    }
    Ok(())
}
