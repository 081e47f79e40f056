//! `mfa-creds rotate`: replaces an access key, one step at a time. Each step looks at what the file says and which keys IAM has. IAM is
//! asked for the keys once, because for some seconds after a change it may still answer with what was before.

mod notes;
mod key_section;
mod rotation_step;
mod strangers;

use std::time::Duration;

use anyhow::{Result, bail};

use self::key_section::KeySection;
use self::rotation_step::RotationStep;
use super::signed_in_user::SignedInUser;
use crate::aws::iam::{self, Caller, Iam, KnownKey};
use crate::aws::network::RequestError;
use crate::cli;
use crate::cli::OfUser;
use crate::core::credentials::LongTermKeys;
use crate::core::environment::Environment;
use crate::core::error::{self, Failure};
use crate::core::text::masked;
use crate::core::{aws_errors, clock, wait};
use crate::files::store::Turn;
use crate::plan::PromptSettings;
use crate::prompt::terminal::{DEFAULT_FETCH_TIMEOUT, DefaultAnswer, Terminal};
use crate::renewal::stored_sessions::session_of_key;
use crate::report::Report;
use clap::Args;

/// What it does, for the help.
pub(super) const ABOUT: &str = "Replace the access key of a user by a new one, so that no crash leaves the file without a working key";

/// What `rotate` can be told.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Rotate {
    #[command(flatten)]
    pub of: OfUser,
    /// Delete the old key without asking
    #[arg(long)]
    pub yes: bool,
}

/// How long to wait before AWS is asked again whether it knows a key, in seconds. It takes about ten.
const PAUSES: [u64; 10] = [1, 1, 2, 3, 4, 5, 6, 8, 10, 15];
/// More steps than there are.
const MOST_STEPS: usize = 12;

/// Replaces the access key of a profile.
///
/// # Errors
/// What a user has to know. Run again, it goes on from where it was.
pub(super) fn rotate(args: &Rotate, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let signed_in = SignedInUser::new(&args.of, None, environment, report)?;
    let section = &signed_in.user.key_source.id.section;
    let _turn = signed_in
        .store
        .take(Turn::Keys, section, Duration::ZERO, |_| ())?;
    let mut kept = KeySection::of(&signed_in, environment)?;
    kept.check()?;
    if let Some(copy) = kept.copy()? {
        put_back(&kept, &copy, report)?;
        kept = KeySection::of(&signed_in, environment)?;
    }
    let (caller, keys) = caller_with_working_keys(&signed_in, &mut kept, report)?;
    if caller.name.is_none() {
        bail!(
            Failure::new("these are keys of the root user, which should have none")
                .hint("delete them in the console, and make an IAM user")
        );
    }
    let mut rotation = Rotation {
        known: Iam {
            keys: &keys,
            ..signed_in.iam()
        }
        .access_keys(&caller)?,
        keys,
        made: None,
        signed_in: &signed_in,
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
        Failure::new("the access keys change all the time")
            .hint("is somebody else rotating them? run this again later")
    )
}

/// Who has the keys. Where AWS does not take the current one any more, and a new one is kept beside it, that takes its place: another
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
        "AWS does not take access key {} any more: [{}] has {} in its place now",
        progress.current, signed_in.user.key_source.id.section, new.access_key_id
    ));
    Ok((found, new))
}

/// Puts a new key back into the section that another program has written it out of.
fn put_back(kept: &KeySection<'_>, keys: &LongTermKeys, report: Report) -> Result<()> {
    if kept.rescue(keys)? {
        report.warning(format_args!(
            "access key {} was gone from {}, and is kept there now, in the lines that begin with `mfa_creds_new_`",
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
    /// What signs, as long as there is no session.
    keys: LongTermKeys,
    /// The new ones, from when they were made or found.
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
                    "{} has access key {}, the only one of {}",
                    self.section(),
                    progress.current,
                    self.caller.called()
                ));
                return Ok(Next::End);
            }
            RotationStep::Occupied(_) => bail!(self.occupied(&progress.current)),
            RotationStep::Unknown => bail!(
                Failure::new(format!(
                    "access key {} of {} is not one of {}",
                    progress.current,
                    self.signed_in.user.key_source.id,
                    self.caller.called()
                ))
                .hint("the IAM console shows the user's access keys")
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
                // Where there may be one all the same, the next run has to know.
                if !problem
                    .request_error
                    .as_ref()
                    .is_none_or(RequestError::may_have_worked)
                {
                    self.kept.tidy_up(None, self.report)?;
                }
                bail!(problem);
            }
        };
        if self.known.iter().any(|known| known.id == new.access_key_id) {
            bail!(
                Failure::new(format!(
                    "AWS IAM made no new access key: it answered with {}, which is there already",
                    masked(&new.access_key_id)
                ))
                .hint("check the endpoint with -v: AWS does not do that")
            );
        }
        if let Err(error) = self.kept.keep_new(&new) {
            // It is ours for sure, and nobody has its secret.
            let id = &new.access_key_id;
            match self.iam().delete_access_key(&self.caller, id) {
                Ok(()) => self.kept.tidy_up(None, self.report)?,
                Err(_) => self.report.warning(format_args!(
                    "access key {id} was made, and could neither be kept nor deleted: `{}` deletes it",
                    self.command_to_delete(id)
                )),
            }
            return Err(error);
        }
        self.keep_copy(&new);
        self.report.progress(format_args!(
            "made access key {} for {}",
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

    /// From here on, the key outlives whatever other programs do to the file, and this process.
    fn keep_copy(&self, new: &LongTermKeys) {
        if let Err(error) = self.kept.keep_copy(new) {
            let id = &new.access_key_id;
            let what = format!(
                "no copy of access key {id} is kept while it takes the place of the old one"
            );
            self.report.warning_for(what, &error);
        }
    }

    /// Deletes our new key, which somebody has deactivated before it was used.
    fn discard(&mut self, id: &str) -> Result<()> {
        self.delete_from_iam(id)?;
        self.kept.forget_new(id, self.report)?;
        self.report.progress(format_args!(
            "deleted access key {id}, which an earlier run made and nobody uses"
        ));
        Ok(())
    }

    /// Puts the new keys back where another program's write has taken them out: they may be the only ones that work.
    fn rescue(&self) {
        let Some(made) = &self.made else {
            return;
        };
        let Err(error) = put_back(&self.kept, made, self.report) else {
            return;
        };
        let why = error::message(&error);
        let lost = format!(
            "access key {} is not in {}, and cannot be kept there: {why}",
            made.access_key_id,
            self.section()
        );
        self.report.warning(match self.kept.copy() {
            Ok(Some(copy)) if copy.access_key_id == made.access_key_id => {
                format!(
                    "{lost}; the next `mfa-creds rotate{}` has its secret, and puts it back",
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
        self.report
            .progress(format_args!("{} has it now: STS takes it", self.section()));
        Ok(())
    }

    /// The session that was made with the old key goes on for the new one: it is the user's.
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
                    "put {current} there, or take the keys out, and run this again: then the old key is {then}"
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
        self.iam().delete_access_key(&self.caller, id)?;
        self.known.retain(|key| key.id != id);
        Ok(())
    }

    /// Nobody to ask is no consent.
    fn agrees_to_delete(&self, old: &str) -> Result<bool> {
        let Some(terminal) = self.terminal()? else {
            return Ok(false);
        };
        let question = format!("Delete access key {old}, which is inactive now?");
        terminal.confirm(&question, DefaultAnswer::No)
    }

    fn terminal(&self) -> Result<Option<Terminal>> {
        let asked = cli::PromptFlags::default();
        let prompt_settings = PromptSettings::new(&asked, self.environment, DEFAULT_FETCH_TIMEOUT)?;
        Ok(Terminal::for_prompting(&prompt_settings))
    }

    /// Waits until STS takes keys, and makes sure that they are the user's.
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
                    "access key {id} is one of {}, and not of {}",
                    caller.called(),
                    self.caller.called()
                ))
                .hint("take it out of the file")
            );
        }
        Ok(())
    }

    /// Calls AWS until it knows a key that is new.
    fn patiently<T>(&self, id: &str, call: impl Fn() -> iam::Result<T>) -> Result<T> {
        let say = || {
            self.report
                .waiting_from_now("waiting until AWS knows the new key, which takes about 10 s")
        };
        let answer = wait::poll(PAUSES.map(Duration::from_secs), say, || match call() {
            Err(problem) if problem.code() == Some(aws_errors::INVALID_CLIENT_TOKEN_ID) => Ok(None),
            answer => answer.map(Some),
        })?;
        answer.ok_or_else(|| {
            Failure::new(format!("AWS does not know access key {id} yet"))
                .hint("wait a minute, and run this again: it goes on from here")
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
