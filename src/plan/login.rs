//! Finds the profiles whose credentials come from `aws login`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::core::arn::Arn;
use crate::core::form::Form;
use crate::files::login_cache;
use crate::files::profiles::{File, key};
use crate::plan::setting::{Origin, Setting, in_file};

/// A session of `aws login`: a sign-in to the console, from which AWS tools get credentials.
#[derive(Clone, Debug)]
pub struct LoginSession {
    /// Who is signed in, as `login_session` says: the ARN of a user or of a role session.
    pub identity: Setting<String>,
    /// The file where AWS tools store it.
    pub cache: PathBuf,
}

impl LoginSession {
    /// `directory` is the cache of AWS tools, if the environment names one.
    pub(super) fn of(identity: Setting<String>, directory: Option<&Path>) -> Result<Self> {
        Ok(Self {
            cache: login_cache::path(&identity.value, directory)?,
            identity,
        })
    }

    /// The region in which the session is renewed, if it is known.
    pub(super) fn region(&self) -> Option<Setting<String>> {
        login_cache::region(&self.cache).map(|value| Setting {
            value,
            origin: Origin::SignIn,
        })
    }

    /// The account of whoever is signed in.
    pub fn account_id(&self) -> Option<&str> {
        let account = Arn::parse(&self.identity.value)?.account;
        Form::AccountId.fits(account).then_some(account)
    }
}

/// The session of `aws login` that a section of the config file names. AWS tools prefer an account or a role in IAM Identity Center. See
/// <https://docs.aws.amazon.com/sdkref/latest/guide/access-login.html>.
pub(super) fn login_session(config: &File<'_>, header: &str) -> Option<Setting<String>> {
    let of_sso = [key::SSO_ACCOUNT_ID, key::SSO_ROLE_NAME];
    if config.values(header).has_any(&of_sso) {
        return None;
    }
    in_file(config, header, key::LOGIN_SESSION)
}
