//! What a renewal of a profile needs: keys, a device, and settings that can be.

use super::checklist::Checklist;
use crate::cli::Request;
use crate::core::environment::Environment;
use crate::files::profiles::{Files, key};
use crate::plan::{self, Base, Keys, Naming, Target, User};

/// All that the checks of a profile look at.
pub struct Examined<'e> {
    pub request: &'e Request,
    pub environment: &'e Environment,
    pub naming: &'e Naming,
    pub files: &'e Files<'e>,
    pub target: &'e Target,
}

impl Examined<'_> {
    /// The user who has the keys of the profile, and the device.
    pub fn user(&self, list: &mut Checklist) -> Option<User> {
        let user = plan::user(
            self.request,
            self.environment,
            self.naming,
            self.target,
            self.files,
        );
        match user {
            Ok(user) => {
                has_keys(list, &user.base);
                self.rotation(list, &user.base);
                device(list, &user);
                Some(user)
            }
            Err(error) => {
                match self.base() {
                    Some(base) => {
                        has_keys(list, &base);
                        list.failed("settings", &error);
                    }
                    None => list.failed("keys", &error),
                }
                None
            }
        }
    }

    /// Whether anything would keep a renewal from calling AWS.
    pub fn settings(&self, list: &mut Checklist) {
        let plan = plan::plan(
            self.request,
            self.environment,
            self.naming,
            self.target,
            self.files,
        );
        if list.attempt("settings", plan).is_some() {
            let preview = self.target.command("plan");
            list.ok(
                "settings",
                format!("a renewal has all that it needs: see `{preview}`"),
            );
        }
    }

    /// Whether an old or a new access key is kept beside the one that is used.
    fn rotation(&self, list: &mut Checklist, base: &Base) {
        let begun = self
            .files
            .credentials
            .get(&base.section, key::ROTATION_BEGUN);
        if let Some(begun) = begun {
            list.warning(
                "keys",
                format!(
                    "a rotation of the access key of [{}], begun at {begun}, is not finished",
                    base.section
                ),
                self.target.command("rotate"),
            );
        }
    }

    fn base(&self) -> Option<Base> {
        plan::base_of(
            self.request,
            self.environment,
            self.naming,
            self.target,
            self.files,
        )
    }
}

fn has_keys(list: &mut Checklist, base: &Base) {
    list.ok(
        "keys",
        match &base.keys {
            Keys::Stored(keys) => format!("{} has {}", base.place(), keys.access_key_id),
            Keys::Process(command) => format!("a command prints them: {}", command.origin),
        },
    );
}

fn device(list: &mut Checklist, user: &User) {
    match &user.device {
        None => list.ok("device", "none is set: AWS is asked which one the user has"),
        Some(Ok(device)) => list.ok("device", format!("{} ({})", device.value, device.origin)),
        Some(Err(error)) => list.failed("device", error),
    }
}
