//! What each command does, for the help: said here once, as it is asked for before and after the flags of a command are made
//! ready.

pub const SETUP: &str = "Ask for long-term keys and write them to `[PROFILE-long-term]`, or move them there from `[PROFILE]`";
pub const PLAN: &str = "Show what a refresh would call, with what, and why, without doing it";
pub const EXPORT: &str = "Print the credentials of a profile, renewed if need be, in the form that a shell or a program reads";
pub const EXEC: &str =
    "Run a command with the credentials of a profile, renewed if need be, in its environment";
pub const STATUS: &str = "Show which credentials there are, for what, and until when";
pub const DOCTOR: &str = "Check the files, the environment and the settings of a profile, and say what to type where something is wrong";
pub const CLEAR: &str = "End credentials early: remove them and the MFA session from the files";
pub const DEVICE: &str = "Show, enroll and resynchronise the MFA devices of a user";
pub const AUDIT: &str =
    "Say which users of an account lack MFA, and whose access keys are old or unused";
pub const ROTATE: &str = "Replace the access key of a user by a new one, so that no crash leaves the file without a working key";
pub const POLICY: &str = "Print a policy that demands MFA, ready for IAM or Terraform";
pub const KEYCHAIN: &str =
    "Keep long-term keys in the system's keychain, and not in clear text in the credentials file";
pub const COMPLETIONS: &str = "Print what makes a shell complete commands, flags and profile names";
pub const MAN: &str = "Print the manual page, of `mfa-creds` or of one of its commands";
