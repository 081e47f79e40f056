//! A new access key in place of an old one, step by step: each looks at what the file and IAM say, and does one thing.

mod place;

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use self::place::Kept;
use super::ready::Ready;
use crate::cli::{self, Rotate};
use crate::clock;
use crate::credentials::LongTermKeys;
use crate::environment::Environment;
use crate::error::Failure;
use crate::group;
use crate::iam::{Iam, LastUse, Owner, UNKNOWN_KEY};
use crate::network::Trouble;
use crate::plan::Prompting;
use crate::report::{self, Report};
use crate::rotation::{self, KnownKey, MOST_KEYS, Step};
use crate::store::Turn;
use crate::terminal::{Answer, PATIENCE_TO_FETCH, Terminal};

/// How long to wait before STS is asked again whether it knows a key, in seconds. It takes about ten on AWS.
const PAUSES: [u64; 10] = [1, 1, 2, 3, 4, 5, 6, 8, 10, 15];
/// More steps than there are.
const MOST_STEPS: usize = 12;

/// Replaces the access key of a profile.
///
/// # Errors
/// What a user has to know. Run again, it goes on from where it was.
pub(super) fn rotate(args: &Rotate, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let ready = Ready::new(&args.of, None, environment, report)?;
    let section = &ready.user.base.section;
    let _turn = ready
        .store
        .take(Turn::Rotate, section, Duration::ZERO, |_| ())?;
    let kept = Kept::of(&ready, environment)?;
    kept.check()?;
    // Whose keys they are, and not whose session.
    let owner = Iam {
        session: None,
        ..ready.iam()
    }
    .owner()?;
    if owner.name.is_none() {
        bail!(
            Failure::new("these are keys of the root user, which should have none")
                .hint("delete them in the console, and make an IAM user")
        );
    }
    let mut rotation = Rotation {
        keys: ready.keys.clone(),
        ready: &ready,
        kept,
        owner,
        report,
        deletes: args.yes,
        environment,
    };
    for _ in 0..MOST_STEPS {
        if let Next::End = rotation.step()? {
            return Ok(());
        }
    }
    bail!(
        Failure::new("the access keys change all the time")
            .hint("is somebody else rotating them? run this again later")
    )
}

/// Whether there is more to do.
enum Next {
    Step,
    End,
}

struct Rotation<'r> {
    ready: &'r Ready,
    /// What signs, as long as there is no session.
    keys: LongTermKeys,
    kept: Kept<'r>,
    owner: Owner,
    report: Report,
    /// Whether the old key is deleted without asking.
    deletes: bool,
    environment: &'r Environment,
}

impl Rotation<'_> {
    fn step(&mut self) -> Result<Next> {
        let progress = self.kept.progress()?;
        let known = self.iam().access_keys(&self.owner)?;
        let step = rotation::next(&progress, &known);
        self.report
            .trace(format_args!("rotation: {step:?}, as {progress:?}"));
        match step {
            Step::Create => self.create()?,
            Step::Discard(id) => self.discard(&id, &known)?,
            Step::ForgetNew => self
                .kept
                .forget_new(progress.new.as_deref().unwrap_or_default(), self.report)?,
            Step::Prove(id) => self.prove(&id, &progress.current)?,
            Step::Deactivate(old) => self.deactivate(&old, &progress.current)?,
            Step::Delete(old) => return self.delete(&old),
            Step::TidyUp => {
                self.kept.tidy_up(progress.old.as_deref(), self.report)?;
                self.report.progress(format_args!(
                    "{} has access key {}, the only one of {}",
                    self.section(),
                    progress.current,
                    self.owner.called()
                ));
                return Ok(Next::End);
            }
            Step::Occupied(_) => bail!(self.occupied(&progress.current, &known)),
            Step::Unknown => bail!(
                Failure::new(format!(
                    "access key {} of {} is not one of {}",
                    progress.current,
                    self.ready.user.base.place(),
                    self.owner.called()
                ))
                .hint("the IAM console shows the user's access keys")
            ),
        }
        Ok(Next::Step)
    }

    fn create(&self) -> Result<()> {
        let kept = &self.kept;
        kept.begin(clock::now())?;
        let new = match self.iam().create_access_key(&self.owner) {
            Ok(new) => new,
            Err(problem) => {
                // Where there may be one all the same, the next run has to know.
                if !problem
                    .trouble
                    .as_ref()
                    .is_none_or(Trouble::may_have_worked)
                {
                    kept.tidy_up(None, self.report)?;
                }
                bail!(problem);
            }
        };
        if let Err(error) = kept.keep_new(&new) {
            // Nobody has it: it is good for nothing.
            if self
                .iam()
                .delete_access_key(&self.owner, &new.access_key_id)
                .is_ok()
            {
                kept.tidy_up(None, self.report)?;
            }
            return Err(error);
        }
        self.report.progress(format_args!(
            "made access key {} for {}",
            new.access_key_id,
            self.owner.called()
        ));
        Ok(())
    }

    /// Deletes a key that nobody has, or that somebody has deactivated before it was used.
    fn discard(&self, id: &str, known: &[KnownKey]) -> Result<()> {
        let iam = self.iam();
        let is_ours = self.kept.progress()?.new.as_deref() == Some(id);
        if !is_ours && iam.last_use(id)?.is_some() {
            let current = self.kept.progress()?.current;
            bail!(self.occupied(&current, known));
        }
        iam.delete_access_key(&self.owner, id)?;
        self.report.progress(format_args!(
            "deleted access key {id}, which an earlier run made and could not keep"
        ));
        Ok(())
    }

    fn prove(&mut self, id: &str, current: &str) -> Result<()> {
        let new = self.kept.new_keys(id)?;
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
            .with_file(|file| Ok(group::session_of_key(file.path, file, old)));
        let Ok(Some((mut maker, session))) = found else {
            return;
        };
        new.clone_into(&mut maker.access_key_id);
        self.ready.keep_as(&maker, &session, self.report);
    }

    fn deactivate(&self, old: &str, current: &str) -> Result<()> {
        let keys = self.kept.current_keys(current)?;
        self.wait_until_known(&keys)?;
        let others = self.kept.others_with(old)?;
        if let Some(other) = others.first() {
            bail!(
                Failure::new(format!("{other} still has the old access key {old}"))
                    .hint(format!("put {current} there, or take the keys out, and run this again: then the old key is deactivated"))
            );
        }
        self.iam().deactivate_access_key(&self.owner, old)?;
        self.report
            .progress(format_args!("access key {old} is inactive"));
        Ok(())
    }

    fn delete(&self, old: &str) -> Result<Next> {
        if !self.deletes && !self.agrees_to_delete(old)? {
            self.report.progress(format_args!(
                "not deleted: {old} is inactive; `mfa-creds rotate{} --yes` deletes it",
                self.ready.flag
            ));
            return Ok(Next::End);
        }
        self.iam().delete_access_key(&self.owner, old)?;
        self.report
            .progress(format_args!("deleted access key {old}"));
        Ok(Next::Step)
    }

    /// Nobody to ask is no consent.
    fn agrees_to_delete(&self, old: &str) -> Result<bool> {
        let asked = cli::Prompting::default();
        let prompting = Prompting::new(&asked, self.environment, PATIENCE_TO_FETCH)?;
        let Some(terminal) = Terminal::for_prompting(&prompting) else {
            return Ok(false);
        };
        let question = format!("Delete access key {old}, which is inactive now?");
        terminal.confirm(&question, Answer::Yes)
    }

    /// Waits until STS takes keys, and makes sure that they are the user's.
    fn wait_until_known(&self, keys: &LongTermKeys) -> Result<()> {
        let iam = Iam {
            keys,
            session: None,
            ..self.iam()
        };
        let id = &keys.access_key_id;
        let mut pauses = PAUSES.into_iter();
        let owner = loop {
            match iam.owner() {
                Ok(owner) => break owner,
                Err(problem) if problem.code() == Some(UNKNOWN_KEY) => {
                    let Some(pause) = pauses.next() else {
                        bail!(
                            Failure::new(format!("STS does not know access key {id} yet"))
                                .hint("wait a minute, and run this again: it goes on from here")
                        );
                    };
                    if pause == PAUSES[0] && pauses.len() == PAUSES.len() - 1 {
                        self.report.progress(
                            "waiting until STS knows the new key, which takes about 10 s",
                        );
                    }
                    thread::sleep(Duration::from_secs(pause));
                }
                Err(problem) => bail!(problem),
            }
        };
        if owner != self.owner {
            bail!(
                Failure::new(format!(
                    "access key {id} is one of {}, and not of {}",
                    owner.called(),
                    self.owner.called()
                ))
                .hint("take it out of the file")
            );
        }
        Ok(())
    }

    fn iam(&self) -> Iam<'_> {
        Iam {
            keys: &self.keys,
            ..self.ready.iam()
        }
    }

    fn section(&self) -> String {
        format!("[{}]", self.ready.user.base.section)
    }

    /// There are two keys, and one of them is not ours.
    fn occupied(&self, current: &str, known: &[KnownKey]) -> Failure {
        let now = clock::now();
        let mut lines = vec![format!(
            "{} has {} access keys already, and AWS allows no more",
            self.owner.called(),
            MOST_KEYS
        )];
        let mut other = None;
        for key in known {
            let place = if key.id == current {
                format!(" of {}", self.section())
            } else {
                other = Some(&key.id);
                String::new()
            };
            let state = if key.is_active { "active" } else { "inactive" };
            let used = match self.iam().last_use(&key.id) {
                Ok(Some(LastUse {
                    when,
                    service,
                    region,
                })) => format!(
                    "last used {} ago for {service} in {region}",
                    report::span(now - when)
                ),
                Ok(None) => "never used".to_owned(),
                Err(_) => "last use not known".to_owned(),
            };
            lines.push(format!(
                "  {}{place}: made {} ago, {state}, {used}",
                key.id,
                report::span(now - key.created)
            ));
        }
        let failure = Failure::new(lines.join("\n"));
        match (other, &self.owner.name) {
            (Some(other), Some(user)) => failure.hint(format!(
                "if nothing needs {other}: `aws iam delete-access-key --user-name {user} --access-key-id {other}` with an MFA session, and run this again"
            )),
            _ => failure,
        }
    }
}
