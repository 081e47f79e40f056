//! A policy may demand MFA for what `rotate` calls. AWS then denies the call to the keys alone, and an MFA session helps.

use std::fmt;

use anyhow::{Error, Result};

use super::super::obtain::{Purpose, obtain};
use super::super::signed_in_user::SignedInUser;
use crate::aws::iam::IamError;
use crate::cli::{CodeFlags, OfUser, Profile, PromptFlags, Request, SingleProfile};
use crate::core::aws_errors;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::plan::PromptSettings;
use crate::prompt::terminal::{DEFAULT_FETCH_TIMEOUT, Terminal};
use crate::renewal::codes::StandardInput;
use crate::report::Report;

/// Gets an MFA session for the keys of a profile, and leaves the section of the profile alone.
pub(super) fn session(of: &OfUser, environment: &Environment, report: Report) -> Result<()> {
    let profile = SingleProfile {
        profile: Profile {
            name: of.profile.name.clone(),
        },
        request: Request {
            suffixes: of.suffixes.clone(),
            network: of.network.clone(),
            ..Request::default()
        },
        code_flags: CodeFlags {
            token: None,
            mfa_process: None,
            prompt_flags: PromptFlags::default(),
            lock_timeout: None,
        },
        no_store: true,
        verbosity: of.verbosity.clone(),
    };
    let input = StandardInput::Ours;
    obtain(
        &profile,
        environment,
        report,
        Purpose::once(input),
        |_, _| Ok(()),
    )
    .map(drop)
}

/// The terminal, if a person may be asked there.
pub(super) fn terminal(environment: &Environment) -> Result<Option<Terminal>> {
    let asked = PromptFlags::default();
    let prompt_settings = PromptSettings::new(&asked, environment, DEFAULT_FETCH_TIMEOUT)?;
    Ok(Terminal::for_prompting(&prompt_settings))
}

/// A call that AWS denied to the keys alone: a policy may demand MFA for it.
#[derive(Debug)]
pub(super) struct DeniedToKeys(pub(super) Failure);

impl fmt::Display for DeniedToKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DeniedToKeys {}

/// The error of a call, marked if an MFA session may help.
pub(super) fn marked(problem: IamError, signed_in: &SignedInUser) -> Error {
    if signed_in.session.is_none() && problem.code() == Some(aws_errors::ACCESS_DENIED) {
        DeniedToKeys(problem.failure).into()
    } else {
        problem.into()
    }
}
