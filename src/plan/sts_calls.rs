//! Lists the calls that follow from a decision.

use anyhow::Result;

use crate::plan::decision::{Decision, LOGIN_SECONDS, Strategy};
use crate::plan::setting::{Origin, Setting};
use crate::plan::settings::Resolver;
use crate::plan::{Call, LoginSession, StsCall};

/// The calls, in their order.
pub(super) fn sts_calls(
    resolver: &Resolver<'_>,
    login: Option<&LoginSession>,
    wanted: &Setting<u32>,
    decision: &Decision,
) -> Result<Vec<StsCall>> {
    let first = match decision.way {
        Strategy::Session | Strategy::Chain => Some(StsCall {
            call: Call::GetSessionToken,
            duration: if resolver.chain.roles.is_empty() {
                wanted.clone()
            } else {
                resolver.session_duration()?
            },
            connection: resolver.session_connection()?,
        }),
        Strategy::Login => Some(StsCall {
            call: Call::RefreshLogin,
            duration: Setting {
                value: LOGIN_SECONDS,
                origin: Origin::Limit,
            },
            connection: resolver.login_connection(login)?,
        }),
        Strategy::Direct => None,
    };
    let mut steps = Vec::from_iter(first);
    for role in resolver.chain.roles.iter().rev() {
        steps.push(StsCall {
            call: Call::AssumeRole(Box::new(resolver.role(role)?)),
            duration: if role.profile == 0 {
                Setting {
                    value: decision.seconds,
                    origin: match decision.capped {
                        Some(_) => Origin::Limit,
                        None => wanted.origin.clone(),
                    },
                }
            } else {
                Resolver::passing_duration()
            },
            connection: resolver.role_connection(role)?,
        });
    }
    Ok(steps)
}
