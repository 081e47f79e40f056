//! `mfa-creds rotate`: replaces an access key, one step at a time. Each step looks at what the file says and which keys IAM has. IAM is
//! asked for the keys only once, because for some seconds after a change it may still return the state before it.

mod denied_to_keys;
mod notes;
mod key_section;
mod rotation_step;
mod strangers;

use std::time::Duration;

use anyhow::{Error, Result, bail};

use self::denied_to_keys::{DeniedToKeys, marked, session, terminal};
use self::key_section::KeySection;
use self::rotation_step::RotationStep;
use super::signed_in_user::SignedInUser;
use crate::aws::iam::{self, Caller, Iam, KnownKey};
use crate::aws::network::RequestError;
use crate::cli::OfUser;
use crate::core::credentials::LongTermKeys;
use crate::core::environment::Environment;
use crate::core::error::{self, Exit, Failure};
use crate::core::text::masked;
use crate::core::{aws_errors, clock, wait};
use crate::files::store::Turn;
use crate::prompt::terminal::{DefaultAnswer, Terminal};
use crate::renewal::stored_sessions::session_of_key;
use crate::report::Report;
use clap::Args;

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Replace your access key with a new one";

/// The arguments of `rotate`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Rotate {
    #[command(flatten)]
    pub of: OfUser,
    /// Delete the old key without asking
    #[arg(long)]
    pub yes: bool,
}

/// Pauses before AWS is asked again whether it knows a key, in seconds. It takes about ten.
const PAUSES: [u64; 10] = [1, 1, 2, 3, 4, 5, 6, 8, 10, 15];
/// More steps than there are.
const MOST_STEPS: usize = 12;

/// Replaces the access key of a profile.
///
/// # Errors
/// A message for the user. The next run continues where this one stopped.
pub(super) fn rotate(args: &Rotate, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let signed_in = SignedInUser::new(&args.of, None, environment, report)?;
    let rotated = rotate_signed_in(&signed_in, args, environment, report);
    let denied = match rotated.map_err(Error::downcast) {
        Ok(()) => return Ok(()),
        Err(Ok(DeniedToKeys(denied))) => denied,
        Err(Err(error)) => return Err(error),
    };
    let terminal = terminal(environment)?;
    if terminal.is_some() {
        report.progress(format_args!(
            "{}; trying again with an MFA session",
            denied.message()
        ));
    }
    if let Err(error) = session(&args.of, environment, report) {
        let is_about_code = match error::exit(&error) {
            Exit::Refused => true,
            Exit::HumanNeeded => terminal.is_some(),
            _ => false,
        };
        // If no code could be asked for, the denial says more.
        return Err(if is_about_code { error } else { denied.into() });
    }
    let signed_in = SignedInUser::new(&args.of, None, environment, report)?;
    rotate_signed_in(&signed_in, args, environment, report)
}

fn rotate_signed_in(
    signed_in: &SignedInUser,
    args: &Rotate,
    environment: &Environment,
    report: Report,
) -> Result<()> {
    let section = &signed_in.user.key_source.id.section;
    let _turn = signed_in
        .store
        .take(Turn::Keys, section, Duration::ZERO, |_| ())?;
    let mut kept = KeySection::of(signed_in, environment)?;
    kept.check()?;
    if let Some(copy) = kept.copy()? {
        put_back(&kept, &copy, report)?;
        kept = KeySection::of(signed_in, environment)?;
    }
    let (caller, keys) = caller_with_working_keys(signed_in, &mut kept, report)?;
    if caller.name.is_none() {
        bail!(
            Failure::new("these are access keys of the root user, who should have none")
                .hint("delete them in the IAM console, and create an IAM user")
        );
    }
    let mut rotation = Rotation {
        known: Iam {
            keys: &keys,
            ..signed_in.iam()
        }
        .access_keys(&caller)
        .map_err(|problem| marked(problem, signed_in))?,
        keys,
        made: None,
        signed_in,
        kept,
        caller,
        report,
        deletes: args.yes,
        environment,
    };
    for _ in 0..MOST_STEPS {
        match rotation.step() {
            Ok(Next::More) => {}
            Ok(Next::End) => return Ok(()),
            Err(error) => {
                rotation.rescue();
                return Err(error);
            }
        }
    }
    bail!(
        Failure::new("the access keys keep changing")
            .hint("another program may be rotating them; run the command again later")
    )
}

/// The owner of the keys. If AWS no longer accepts the current key and a new one is stored next to it, the new one replaces it: another
/// program has written the old one back.
fn caller_with_working_keys(
    signed_in: &SignedInUser,
    kept: &mut KeySection<'_>,
    report: Report,
) -> Result<(Caller, LongTermKeys)> {
    let caller = |keys: &LongTermKeys| {
        // Whose keys they are, and not whose session.
        Iam {
            keys,
            session: None,
            ..signed_in.iam()
        }
        .caller()
    };
    let error = match caller(&signed_in.keys) {
        Ok(found) => return Ok((found, signed_in.keys.clone())),
        Err(error) => error,
    };
    let progress = kept.progress()?;
    let (Some(aws_errors::INVALID_CLIENT_TOKEN_ID), Some(new)) = (error.code(), progress.new)
    else {
        bail!(error);
    };
    let new = kept.new_keys(&new)?;
    let Ok(found) = caller(&new) else {
        bail!(error);
    };
    kept.swap(&new)?;
    report.progress(format_args!(
        "AWS no longer accepts access key {}: [{}] now has {} instead",
        progress.current, signed_in.user.key_source.id.section, new.access_key_id
    ));
    Ok((found, new))
}

/// Restores a new key in a section from which another program has removed it.
fn put_back(kept: &KeySection<'_>, keys: &LongTermKeys, report: Report) -> Result<()> {
    if kept.rescue(keys)? {
        report.warning(format_args!(
            "access key {} was missing from {}, and is stored there again, in the lines that start with `mfa_creds_new_`",
            keys.access_key_id,
            kept.name()
        ));
    }
    Ok(())
}

/// Whether there is more to do.
enum Next {
    More,
    End,
}

struct Rotation<'r> {
    signed_in: &'r SignedInUser,
    /// These sign the requests if there is no session.
    keys: LongTermKeys,
    /// The new keys, once they are created or found.
    made: Option<LongTermKeys>,
    kept: KeySection<'r>,
    caller: Caller,
    /// The user's access keys.
    known: Vec<KnownKey>,
    report: Report,
    /// Whether the old key is deleted without asking.
    deletes: bool,
    environment: &'r Environment,
}

impl Rotation<'_> {
    fn step(&mut self) -> Result<Next> {
        let progress = self.kept.progress()?;
        let step = rotation_step::next(&progress, &self.known, clock::now());
        self.report
            .trace(format_args!("rotation: {step:?}, as {progress:?}"));
        match step {
            RotationStep::Create => self.create()?,
            RotationStep::Discard(id) => self.discard(&id)?,
            RotationStep::Doubt(id) => self.settle(&id)?,
            RotationStep::ForgetNew => self
                .kept
                .forget_new(progress.new.as_deref().unwrap_or_default(), self.report)?,
            RotationStep::Prove(id) => self.prove(&id, &progress.current)?,
            RotationStep::Deactivate(old) => self.deactivate(&old, &progress.current)?,
            RotationStep::Delete(old) => return self.delete(&old, &progress.current),
            RotationStep::TidyUp => {
                self.kept.tidy_up(progress.old.as_deref(), self.report)?;
                self.report.progress(format_args!(
                    "{} has access key {}, the only access key of {}",
                    self.section(),
                    progress.current,
                    self.caller.called()
                ));
                return Ok(Next::End);
            }
            RotationStep::Occupied(_) => bail!(self.occupied(&progress.current)),
            RotationStep::Unknown => bail!(
                Failure::new(format!(
                    "access key {} of {} does not belong to {}",
                    progress.current,
                    self.signed_in.user.key_source.id,
                    self.caller.called()
                ))
                .hint("look up the user's access keys in the IAM console")
            ),
        }
        Ok(Next::More)
    }

    fn create(&mut self) -> Result<()> {
        let now = clock::now();
        self.kept.begin(now)?;
        let new = match self.iam().create_access_key(&self.caller) {
            Ok(new) => new,
            Err(problem) => {
                // If AWS may have created one nevertheless, the next run has to know.
                if !problem
                    .request_error
                    .as_ref()
                    .is_none_or(RequestError::may_have_worked)
                {
                    self.kept.tidy_up(None, self.report)?;
                }
                bail!(marked(problem, self.signed_in));
            }
        };
        if self.known.iter().any(|known| known.id == new.access_key_id) {
            bail!(
                Failure::new(format!(
                    "AWS IAM created no new access key: it returned {}, which already exists",
                    masked(&new.access_key_id)
                ))
                .hint("check the endpoint with -v: AWS itself does not do that")
            );
        }
        if let Err(error) = self.kept.keep_new(&new) {
            // It is certainly ours, and its secret is lost.
            let id = &new.access_key_id;
            match self.iam().delete_access_key(&self.caller, id) {
                Ok(()) => self.kept.tidy_up(None, self.report)?,
                Err(_) => self.report.warning(format_args!(
                    "access key {id} was created, but could be neither stored nor deleted: `{}` deletes it",
                    self.command_to_delete(id)
                )),
            }
            return Err(error);
        }
        self.keep_copy(&new);
        self.report.progress(format_args!(
            "created access key {} for {}",
            new.access_key_id,
            self.caller.called()
        ));
        self.known.push(KnownKey {
            id: new.access_key_id.clone(),
            is_active: true,
            created: now,
        });
        self.made = Some(new);
        Ok(())
    }

    /// From here on, the key survives whatever happens to the file and to this process.
    fn keep_copy(&self, new: &LongTermKeys) {
        if let Err(error) = self.kept.keep_copy(new) {
            let id = &new.access_key_id;
            let what = format!("access key {id} has no backup copy while it replaces the old one");
            self.report.warning_for(what, &error);
        }
    }

    /// Deletes our new key, which somebody deactivated before it was used.
    fn discard(&mut self, id: &str) -> Result<()> {
        self.delete_from_iam(id)?;
        self.kept.forget_new(id, self.report)?;
        self.report.progress(format_args!(
            "deleted access key {id}, which an earlier run created and nobody uses"
        ));
        Ok(())
    }

    /// Restores the new keys if another program has removed them: they may be the only ones that work.
    fn rescue(&self) {
        let Some(made) = &self.made else {
            return;
        };
        let Err(error) = put_back(&self.kept, made, self.report) else {
            return;
        };
        let why = error::message(&error);
        let lost = format!(
            "access key {} is not in {}, and cannot be stored there: {why}",
            made.access_key_id,
            self.section()
        );
        self.report.warning(match self.kept.copy() {
            Ok(Some(copy)) if copy.access_key_id == made.access_key_id => {
                format!(
                    "{lost}; the next `mfa-creds rotate{}` has its secret, and restores it",
                    self.signed_in.flag
                )
            }
            _ => lost,
        });
    }

    fn prove(&mut self, id: &str, current: &str) -> Result<()> {
        let new = self.kept.new_keys(id)?;
        self.made = Some(new.clone());
        self.keep_copy(&new);
        self.wait_until_known(&new)?;
        self.hand_on_session(current, id);
        self.kept.swap(&new)?;
        self.keys = new;
        self.report.progress(format_args!(
            "{} now has it: STS accepts it",
            self.section()
        ));
        Ok(())
    }

    /// Stores the session of the old key for the new one: sessions belong to the user.
    fn hand_on_session(&self, old: &str, new: &str) {
        let found = self
            .kept
            .with_file(|file| Ok(session_of_key(file.path, file, old)));
        let Ok(Some((mut session_key, session))) = found else {
            return;
        };
        new.clone_into(&mut session_key.access_key_id);
        self.signed_in.keep_as(&session_key, &session, self.report);
    }

    fn deactivate(&mut self, old: &str, current: &str) -> Result<()> {
        let keys = self.kept.current_keys(current)?;
        self.wait_until_known(&keys)?;
        self.check_unused(old, current, "deactivated")?;
        let iam = self.iam();
        self.patiently(current, || iam.deactivate_access_key(&self.caller, old))?;
        for key in self.known.iter_mut().filter(|key| key.id == old) {
            key.is_active = false;
        }
        self.report
            .progress(format_args!("access key {old} is inactive"));
        Ok(())
    }

    /// Makes sure that the section has the new key, and no section has the old one.
    fn check_unused(&self, old: &str, current: &str, then: &str) -> Result<()> {
        self.kept.progress()?;
        let others = self.kept.others_with(old)?;
        if let Some(other) = others.first() {
            bail!(
                Failure::new(format!("{other} still has the old access key {old}")).hint(format!(
                    "replace it with {current} or remove the keys, then run the command again: the old key is then {then}"
                ))
            );
        }
        Ok(())
    }

    fn delete(&mut self, old: &str, current: &str) -> Result<Next> {
        if !self.deletes && !self.agrees_to_delete(old)? {
            // The answer may have taken a while.
            self.kept.progress()?;
            self.report.progress(format_args!(
                "not deleted: {old} is inactive; `mfa-creds rotate{} --yes` deletes it",
                self.signed_in.flag
            ));
            return Ok(Next::End);
        }
        self.check_unused(old, current, "deleted")?;
        self.delete_from_iam(old)?;
        self.report
            .progress(format_args!("deleted access key {old}"));
        Ok(Next::More)
    }

    fn delete_from_iam(&mut self, id: &str) -> Result<()> {
        self.iam()
            .delete_access_key(&self.caller, id)
            .map_err(|problem| marked(problem, self.signed_in))?;
        self.known.retain(|key| key.id != id);
        Ok(())
    }

    /// If nobody can be asked, the key stays.
    fn agrees_to_delete(&self, old: &str) -> Result<bool> {
        let Some(terminal) = self.terminal()? else {
            return Ok(false);
        };
        let question = format!("Delete access key {old}, which is now inactive?");
        terminal.confirm(&question, DefaultAnswer::No)
    }

    fn terminal(&self) -> Result<Option<Terminal>> {
        terminal(self.environment)
    }

    /// Waits until STS accepts keys, and makes sure that they are the user's.
    fn wait_until_known(&self, keys: &LongTermKeys) -> Result<()> {
        let iam = Iam {
            keys,
            session: None,
            ..self.iam()
        };
        let id = &keys.access_key_id;
        let caller = self.patiently(id, || iam.caller())?;
        if caller != self.caller {
            bail!(
                Failure::new(format!(
                    "access key {id} belongs to {}, not to {}",
                    caller.called(),
                    self.caller.called()
                ))
                .hint("remove it from the file")
            );
        }
        Ok(())
    }

    /// Calls AWS until it knows a key that is new.
    fn patiently<T>(&self, id: &str, call: impl Fn() -> iam::Result<T>) -> Result<T> {
        let say = || {
            self.report.waiting_from_now(
                "waiting until AWS recognizes the new key, which takes about 10 s",
            )
        };
        let answer = wait::poll(PAUSES.map(Duration::from_secs), say, || match call() {
            Err(problem) if problem.code() == Some(aws_errors::INVALID_CLIENT_TOKEN_ID) => Ok(None),
            answer => answer.map(Some),
        });
        let answer = answer.map_err(|problem| marked(problem, self.signed_in))?;
        answer.ok_or_else(|| {
            Failure::new(format!("AWS does not recognize access key {id} yet"))
                .hint("wait a minute, then run the command again: it continues from here")
                .into()
        })
    }

    fn iam(&self) -> Iam<'_> {
        Iam {
            keys: &self.keys,
            ..self.signed_in.iam()
        }
    }

    fn section(&self) -> String {
        format!("[{}]", self.signed_in.user.key_source.id.section)
    }
}
