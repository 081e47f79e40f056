//! Finds the IAM user who owns the keys of a profile, and signs in as that user.

use anyhow::Result;

use super::loaded_files::LoadedFiles;
use crate::aws::iam::Iam;
use crate::aws::network::{self, Network};
use crate::cli::{self, OfUser, Profile, Profiles};
use crate::core::clock;
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::core::environment::Environment;
use crate::core::mfa_code::{self, MfaCode};
use crate::core::mfa_device::SerialNumber;
use crate::files::sessions::{Session, SessionKey};
use crate::files::store::{CodeFate, Store};
use crate::plan::{ProfileSections, Setting, User};
use crate::prompt::credential_process;
use crate::renewal::renew;
use crate::renewal::stored_sessions::session_of_key;
use crate::renewal::verbose::{tell, tell_connection, tell_sections, warn_of_irregularities};
use crate::report::Report;

/// The user, and the connection to AWS.
pub(super) struct SignedInUser {
    pub user: User,
    pub keys: LongTermKeys,
    /// Signs instead of the keys, if there is one: AWS requires it for changes by a user with an MFA device.
    pub session: Option<Credentials>,
    pub network: Network,
    pub store: Store,
    /// The flag that names the profile.
    pub flag: String,
}

/// A profile, and the user whose keys it has.
pub(super) struct ProfileUser {
    pub loaded: LoadedFiles,
    pub sections: ProfileSections,
    pub user: User,
    /// The flag that names the profile.
    pub flag: String,
}

impl ProfileUser {
    /// Finds the user in the files.
    pub fn find(
        request: &cli::Request,
        profile: &Profile,
        environment: &Environment,
    ) -> Result<Self> {
        let profiles = profile.into();
        let loaded = LoadedFiles::recover(&request.suffixes, &profiles, environment)?;
        let files = loaded.files(&profiles);
        let inputs = loaded.inputs(request, environment, &files);
        let profile = inputs.single_profile(profile);
        let flag = loaded.names.flags(&profile);
        let sections = loaded.names.sections_of(profile, &files)?;
        let user = inputs.user(&sections)?;
        drop(files);
        Ok(Self {
            loaded,
            sections,
            user,
            flag,
        })
    }
}

impl SignedInUser {
    pub fn new(
        of: &OfUser,
        device: Option<&cli::Device>,
        environment: &Environment,
        report: Report,
    ) -> Result<Self> {
        let request = cli::Request {
            suffixes: of.suffixes.clone(),
            network: of.network.clone(),
            device: device.cloned().unwrap_or_default(),
            ..cli::Request::default()
        };
        let ProfileUser {
            loaded,
            sections,
            user,
            flag,
        } = ProfileUser::find(&request, &of.profile, environment)?;
        let files = loaded.files(&Profiles::default());
        warn_of_irregularities(report, &files, &[&sections]);
        let keys = credential_process::keys(&user.key_source, environment)?;
        let path = &loaded.paths.credentials;
        let session = session_of_key(path, &files.credentials, &keys.access_key_id)
            .map(|(_session_key, session)| session.credentials);
        tell_sections(report, &sections);
        report.detail(format_args!("keys: {}", user.key_source));
        if let Some(Ok(device)) = &user.device {
            tell(report, "device", &device.value, &device.origin);
        }
        tell_connection(report, "STS ", &user.access.sts);
        tell_connection(report, "IAM ", &user.access.iam);
        report.detail(match session {
            Some(_) => "signed with the stored MFA session",
            None => "signed with the long-term keys",
        });
        let connections = [&user.access.sts, &user.access.iam];
        Ok(Self {
            network: network::prepare(connections, report)?.finish()?,
            user,
            keys,
            session,
            store: Store::open(path)?,
            flag,
        })
    }

    pub fn iam(&self) -> Iam<'_> {
        Iam {
            network: &self.network,
            access: &self.user.access,
            key_source: &self.user.key_source,
            keys: &self.keys,
            session: self.session.as_ref(),
            flag: &self.flag,
        }
    }

    /// The device that is set, if it is valid.
    pub fn set(&self) -> Option<&Setting<SerialNumber>> {
        self.user.device.as_ref()?.as_ref().ok()
    }

    pub fn session_key(&self, device: &SerialNumber) -> SessionKey {
        SessionKey {
            access_key_id: self.keys.access_key_id.clone(),
            device: device.clone(),
        }
    }

    /// Stores a session for the profiles with these keys and this device.
    pub fn keep(&self, device: &SerialNumber, credentials: Credentials, report: Report) {
        let session = Session {
            credentials,
            section: None,
        };
        self.keep_as(&self.session_key(device), &session, report);
    }

    /// Records a session that was created with these keys, wherever it is stored.
    pub fn keep_as(&self, session_key: &SessionKey, session: &Session, report: Report) {
        let edit = renew::of_session(session_key, &self.user.key_source.id.section, session);
        let sessions = self.store.sessions();
        if let Err(error) = sessions.and_then(|sessions| sessions.update(|_file| Ok(vec![edit]))) {
            report.warning_for("the MFA session was not stored", &error);
        }
    }

    /// Records a code that is sent to STS.
    pub fn note(&self, serial: &SerialNumber, code: &MfaCode) {
        let used = self
            .store
            .used_codes(&self.session_key(serial).section(), &self.keys);
        let now = clock::of_machine();
        // Without the record, the next process learns it from AWS.
        let _ = used.note(code, CodeFate::Accepted, mfa_code::step(now), now);
    }
}
