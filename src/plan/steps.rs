//! The calls that follow from a decision.

use anyhow::Result;

use crate::plan::chosen::{Chosen, Origin};
use crate::plan::decision::{Decision, Way};
use crate::plan::settings::View;
use crate::plan::{Call, Step};

/// The calls, in their order.
///
/// # Errors
/// When a setting of one of them cannot be right.
pub(super) fn steps(
    view: &View<'_>,
    wanted: &Chosen<u32>,
    decision: &Decision,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if decision.way != Way::Direct {
        steps.push(Step {
            call: Call::GetSessionToken,
            duration: if view.walk.roles.is_empty() {
                wanted.clone()
            } else {
                view.session_duration()?
            },
            connection: view.session_connection()?,
        });
    }
    for hop in view.walk.roles.iter().rev() {
        steps.push(Step {
            call: Call::AssumeRole(Box::new(view.role(hop)?)),
            duration: if hop.link == 0 {
                Chosen {
                    value: decision.seconds,
                    origin: match decision.capped {
                        Some(_) => Origin::Limit,
                        None => wanted.origin.clone(),
                    },
                }
            } else {
                View::passing_duration()
            },
            connection: view.role_connection(hop)?,
        });
    }
    Ok(steps)
}
