//! Checks what a renewal of the profile needs: keys, a device, and settings.

use super::checklist::Checklist;
use crate::files::profiles::{File, key};
use crate::plan::{Inputs, KeySource, Keys, ProfileSections, User};
use crate::renewal::stored_sessions::{device_of_session, session_files, session_texts};

/// What the checks of a profile need.
pub struct Examined<'e> {
    pub inputs: Inputs<'e>,
    pub sections: &'e ProfileSections,
}

impl Examined<'_> {
    /// Checks the keys and the device of the profile, and returns their user.
    pub fn user(&self, list: &mut Checklist) -> Option<User> {
        let user = self.inputs.user(self.sections);
        match user {
            Ok(user) => {
                has_keys(list, &user.key_source);
                self.rotation(list, &user.key_source);
                device(list, &user, &self.inputs.files.credentials);
                Some(user)
            }
            Err(error) => {
                match self.key_source() {
                    Some(key_source) => {
                        has_keys(list, &key_source);
                        list.failed("settings", &error);
                    }
                    None => list.failed("keys", &error),
                }
                None
            }
        }
    }

    /// Checks whether anything would prevent a renewal from calling AWS.
    pub fn settings(&self, list: &mut Checklist) {
        let plan = self.inputs.plan(self.sections);
        if list.attempt("settings", plan).is_some() {
            let preview = self.sections.command("plan");
            list.ok(
                "settings",
                format!("complete: `{preview}` shows what a renewal would do"),
            );
        }
    }

    /// Checks whether a rotation left an old or a new access key next to the one in use.
    fn rotation(&self, list: &mut Checklist, key_source: &KeySource) {
        let begun = self
            .inputs
            .files
            .credentials
            .get(&key_source.id.section, key::ROTATION_BEGUN);
        if let Some(begun) = begun {
            list.warning(
                "keys",
                format!(
                    "the access key rotation for [{}], started at {begun}, is not finished",
                    key_source.id.section
                ),
                format!("run `{}` to finish it", self.sections.command("rotate")),
            );
        }
    }

    fn key_source(&self) -> Option<KeySource> {
        self.inputs.key_source(self.sections)
    }
}

fn has_keys(list: &mut Checklist, key_source: &KeySource) {
    list.ok(
        "keys",
        match &key_source.keys {
            Keys::Stored(keys) => format!("{key_source} has {}", keys.access_key_id),
            Keys::Process(command) => format!("a command prints them: {}", command.origin),
            Keys::Login(login) => format!(
                "none are needed: `aws login` signs in {} ({})",
                login.identity.value, login.identity.origin
            ),
        },
    );
}

fn device(list: &mut Checklist, user: &User, credentials: &File<'_>) {
    if let Keys::Login(_) = user.key_source.keys {
        return;
    }
    let found = match &user.device {
        Some(Ok(device)) => Some(device.clone()),
        Some(Err(error)) => return list.failed("device", error),
        None => {
            let texts = session_texts(credentials.path);
            device_of_session(&user.key_source, credentials, &session_files(&texts))
        }
    };
    list.ok(
        "device",
        match found {
            Some(device) => format!("{} ({})", device.value, device.origin),
            None => "not set: mfa-creds asks AWS for the user's devices".to_owned(),
        },
    );
}
