//! Redeems a code: sends it to STS, and records its fate.

use anyhow::{Result, bail};

use super::Renewal;
use crate::aws::sts::RefusalKind;
use crate::core::credentials::Credentials;
use crate::core::error;
use crate::files::store::{CodeFate, Turn, UsedCodes};
use crate::plan::Plan;
use crate::renewal::codes::Need;
use crate::renewal::group::Group;

/// The result of redeeming a code.
pub(super) enum Redeemed {
    /// These credentials.
    For(Credentials),
    /// The code failed, but there can be another one.
    Retry,
    /// There was no code.
    NoCode,
}

impl Renewal<'_, '_> {
    /// Makes the first call of a plan, if there is a code.
    pub(super) fn redeem(&mut self, plan: &Plan) -> Result<Redeemed> {
        let client = self.client.get()?;
        let (need, device) = (need(self.group, &self.used), &self.group.device);
        let code = match self.codes.take(need) {
            Ok(Some(code)) => code,
            Ok(None) => return Ok(Redeemed::NoCode),
            Err(used) if self.codes.has_another(need, used.message().to_owned()) => {
                return Ok(Redeemed::Retry);
            }
            Err(used) => bail!(used),
        };
        let known = self.codes.known_of_last(need);
        // Even if this process is killed, the next one knows that the code was sent.
        self.codes.note(need, CodeFate::Unknown);
        let mut refusal = match client.spend(plan, &self.group.keys, device, &code) {
            Ok(credentials) => {
                self.codes.note(need, CodeFate::Accepted);
                self.report.trace("AWS accepted the code");
                return Ok(Redeemed::For(credentials));
            }
            Err(refusal) => refusal,
        };
        self.report.trace(format_args!(
            "AWS did not accept the code: {:?}",
            refusal.kind
        ));
        let (mut came_to, may_go_on) = match refusal.kind {
            RefusalKind::Code => (CodeFate::Refused, true),
            RefusalKind::Busy => (CodeFate::NotConsumed, true),
            RefusalKind::Failing => (CodeFate::Unknown, true),
            RefusalKind::Lost => (CodeFate::Unknown, false),
            RefusalKind::Session | RefusalKind::Other => (CodeFate::NotConsumed, false),
        };
        if came_to != CodeFate::Unknown
            && let Some((earlier, failure)) = known
        {
            if came_to == CodeFate::Refused {
                refusal.error = failure.into();
            }
            came_to = earlier;
        }
        self.codes.note(need, came_to);
        if may_go_on && self.codes.has_another(need, error::message(&refusal.error)) {
            return Ok(Redeemed::Retry);
        }
        Err(refusal.error)
    }

    /// Makes sure that there is a code, unless it is no longer needed when the turn to ask comes.
    pub(super) fn have_code(
        &mut self,
        seconds: u32,
        still_needed: impl FnOnce(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let group = self.group;
        // A process that has a code does not wait while a person types one for another process.
        if self.codes.find(need(group, &self.used))? {
            return Ok(());
        }
        self.codes.check_source(need(group, &self.used))?;
        if self.asking_turn.is_none() {
            self.asking_turn = Some(self.take(Turn::Ask)?);
        }
        if still_needed(self)? {
            return self.codes.get(need(group, &self.used), seconds);
        }
        self.asking_turn = None;
        Ok(())
    }
}

fn need<'n>(group: &'n Group, used: &'n UsedCodes) -> Need<'n> {
    Need {
        device: &group.session_key.device,
        process: group.mfa_process.as_ref(),
        used,
        is_for_local_server: group
            .jobs
            .iter()
            .any(|job| job.plan.steps[0].connection.is_answered_locally()),
    }
}
