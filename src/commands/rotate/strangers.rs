//! Shows access keys that cannot be proven to be of this rotation, and deletes one only if the person agrees.

use anyhow::{Result, bail};

use super::Rotation;
use super::rotation_step::MOST_KEYS;
use crate::aws::iam::LastUse;
use crate::core::clock;
use crate::core::error::{Exit, Failure};
use crate::core::text::{self, quoted};
use crate::prompt::terminal::DefaultAnswer;

impl Rotation<'_> {
    /// Deletes a key that may be the one whose secret an earlier run lost, if the person agrees. It may also be a key that somebody
    /// else created at that time, so `--yes` is not enough.
    pub(super) fn settle(&mut self, id: &str) -> Result<()> {
        let created = self.known.iter().find(|key| key.id == id);
        let created = created.map(|key| key.created.format("%Y-%m-%d %H:%M:%S UTC").to_string());
        let created = created.unwrap_or_default();
        let is_used = self.iam().last_use(id).is_ok_and(|used| used.is_some());
        if is_used {
            let current = self.kept.progress()?.current;
            bail!(self.occupied(&current));
        }
        let terminal = if self.deletes { None } else { self.terminal()? };
        let agrees = match &terminal {
            None => false,
            Some(terminal) => {
                terminal.say(&format!(
                    "Access key {id} of {} was created at {created}, when an earlier run requested a key and got no response. It may be that key, \
                     whose secret is lost, or a key that somebody else created at that time.",
                    self.caller.called()
                ))?;
                terminal.confirm(&format!("Delete access key {id}?"), DefaultAnswer::No)?
            }
        };
        if !agrees {
            bail!(
                Failure::new(format!(
                    "access key {id} of {}, created at {created}, was not deleted: it may be the one that an earlier run requested, or somebody \
                     else's",
                    self.caller.called()
                ))
                .hint(format!(
                    "if nothing needs it, run `{}` with an MFA session, then run the command again",
                    self.command_to_delete(id)
                ))
                .exit(match terminal {
                    Some(_) => Exit::Failed,
                    None => Exit::HumanNeeded,
                })
            );
        }
        self.delete_from_iam(id)?;
        self.report
            .progress(format_args!("deleted access key {id}"));
        Ok(())
    }

    /// There are two keys, and the other one is not ours.
    pub(super) fn occupied(&self, current: &str) -> Failure {
        let now = clock::now();
        let mut lines = Vec::new();
        let mut other = None;
        for key in &self.known {
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
                    clock::span(now - when)
                ),
                Ok(None) => "never used".to_owned(),
                Err(_) => "last use unknown".to_owned(),
            };
            lines.push(format!(
                "  {}{place}: created {} ago, {state}, {used}",
                key.id,
                clock::span(now - key.created)
            ));
        }
        let failure = Failure::new(format!(
            "{} already has {} access keys, and AWS allows no more",
            self.caller.called(),
            MOST_KEYS
        ))
        .listing(&lines);
        match other {
            Some(other) => failure.hint(format!(
                "if nothing needs {other}, run `{}` with an MFA session, then run the command again",
                self.command_to_delete(other)
            )),
            None => failure,
        }
    }

    /// The AWS CLI command that deletes a key.
    pub(super) fn command_to_delete(&self, id: &str) -> String {
        let user = self.caller.name.as_deref().unwrap_or_default();
        format!(
            "aws iam delete-access-key {} --access-key-id {}",
            text::flag("--user-name", user),
            quoted(id)
        )
    }
}
