//! Roles: an account that has some, and the config file that names them.

use stand_in::{Account, Role};

use crate::support::home::Home;
use crate::support::sections::long_term;

pub const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";
pub const AUDIT: &str = "arn:aws:iam::210987654321:role/team/audit";
pub const LONG: &str = "arn:aws:iam::123456789012:role/long";

/// An account with a role that demands MFA, one in another account that demands an external ID, too, and one that may last
/// four hours.
pub fn account() -> Account {
    Account::example()
        .role(Role::new(ADMIN).requires_mfa())
        .role(
            Role::new(AUDIT)
                .requires_mfa()
                .external_id("outside")
                .trusts("123456789012"),
        )
        .role(Role::new(LONG).requires_mfa().max_session_duration(14_400))
}

/// A role of the config file, over `personal`.
pub fn role(profile: &str, arn: &str, more: &str) -> String {
    format!("[profile {profile}]\nrole_arn = {arn}\nsource_profile = personal\n{more}\n")
}

/// The profile `admin` of the config file, over another one.
pub fn admin(source: &str) -> String {
    format!("[profile admin]\nrole_arn = {ADMIN}\nsource_profile = {source}\n")
}

pub fn home(config: &str) -> Home {
    let home = Home::with(&long_term("personal"));
    home.write("config", config);
    home
}
