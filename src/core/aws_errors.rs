//! Lists the error codes and the phrases of AWS's messages that affect decisions here, each with its source.
//!
//! AWS documents its codes and promises nothing about its messages. A phrase is matched only where one code means several things;
//! where it was seen is named beside it.

/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>. STS and IAM respond without the `Exception` that the page
/// adds: <https://github.com/aws/aws-cli/issues/6325>.
pub const ACCESS_DENIED: &str = "AccessDenied";

/// Expired temporary credentials. IAM's whole response: <https://github.com/cfn-sphere/cfn-sphere/issues/55>.
const EXPIRED_TOKEN: &str = "ExpiredToken";
/// The same, as <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html> spells it.
const EXPIRED_TOKEN_EXCEPTION: &str = "ExpiredTokenException";
/// An access key that is unknown or inactive, or a session token that is not known in this region:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
pub const INVALID_CLIENT_TOKEN_ID: &str = "InvalidClientTokenId";

/// A wrong secret access key, a wrong region, or a clock that is off:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>.
pub const SIGNATURE_DOES_NOT_MATCH: &str = "SignatureDoesNotMatch";
/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
pub const INCOMPLETE_SIGNATURE: &str = "IncompleteSignature";
/// Dated more than 15 minutes off: <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
pub const REQUEST_EXPIRED: &str = "RequestExpired";

/// A parameter without its form: <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
pub const VALIDATION_ERROR: &str = "ValidationError";
/// Session policies and session tags that are too large together:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>. The page names the error; its code is without
/// `Exception`: <https://github.com/aws-actions/configure-aws-credentials/issues/1898>.
pub const PACKED_POLICY_TOO_LARGE: &str = "PackedPolicyTooLarge";
/// A session policy that is no policy: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>, likewise.
pub const MALFORMED_POLICY_DOCUMENT: &str = "MalformedPolicyDocument";
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
pub const REGION_DISABLED: &str = "RegionDisabledException";
/// Too many requests: those of <https://docs.rs/aws-runtime/latest/aws_runtime/retries/classifiers/constant.THROTTLING_ERRORS.html>
/// that are not about a service of their own.
const THROTTLING: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

/// A user, a device or a key that is not there: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>.
pub const NO_SUCH_ENTITY: &str = "NoSuchEntity";
/// As many keys or devices as there may be: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>.
pub const LIMIT_EXCEEDED: &str = "LimitExceeded";
/// A name that is already in use: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html>.
pub const ENTITY_ALREADY_EXISTS: &str = "EntityAlreadyExists";
/// A device that is enabled for somebody: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html>.
pub const DELETE_CONFLICT: &str = "DeleteConflict";
/// Two codes that are not those of the device: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html>.
pub const INVALID_AUTHENTICATION_CODE: &str = "InvalidAuthenticationCode";
/// A user whom another request is changing: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html>.
pub const ENTITY_TEMPORARILY_UNMODIFIABLE: &str = "EntityTemporarilyUnmodifiable";

/// A credential report that is being made, or has to be:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html>. The page names the errors; their codes are in
/// the model of the SDKs, and AWS returns those.
pub const REPORT_NOT_READY: [&str; 4] = [
    "ReportInProgress",
    "ReportNotPresent",
    "ReportExpired",
    "CredentialReportNotReadyException",
];

/// Of [`ACCESS_DENIED`]: the code is wrong, or was used. Seen, with a space at the end, as
/// `MultiFactorAuthentication failed with invalid MFA one time pass code. `:
/// `testdata/aws/iam/mfa_reuse.json` of <https://github.com/radkawar/stackd>.
pub const WRONG_CODE_PHRASE: &str = "invalid MFA one time pass code";
/// Of [`ACCESS_DENIED`]: the device does not belong to this user, or had too many attempts. Seen as
/// `MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and …`:
/// <https://github.com/aws/aws-cli/issues/6325>.
pub const UNUSABLE_DEVICE_PHRASE: &str = "unable to validate MFA code";
/// Of [`ACCESS_DENIED`]: temporary credentials cannot get a session. Seen as
/// `Cannot call GetSessionToken with session credentials`:
/// <https://github.com/aws/aws-sdk-net/issues/1704>.
pub const TEMPORARY_KEYS_PHRASE: &str = "with session credentials";
/// Of [`ACCESS_DENIED`]: who has a device may change it only from a session with MFA. Seen as
/// `To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.`:
/// `testdata/aws/iam/mfa_self_management.json` of <https://github.com/radkawar/stackd>.
pub const SESSION_WITH_MFA_PHRASE: &str = "authenticated with an MFA device";

/// Of [`ACCESS_DENIED`]: the actions that the trust policy of a role must allow for session tags and for a source identity:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>.
pub const SCOPE_ACTIONS: [&str; 2] = ["sts:TagSession", "sts:SetSourceIdentity"];

/// Of [`SIGNATURE_DOES_NOT_MATCH`]: the clock is off, one way and the other:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html> and
/// <https://github.com/aws/aws-cli/issues/6676>.
const CLOCK_PHRASES: [&str; 2] = ["Signature expired", "Signature not yet current"];
/// Of [`SIGNATURE_DOES_NOT_MATCH`]: signed for another region than the endpoint's. Seen as
/// `Credential should be scoped to a valid region, not 'us-east-2'.`:
/// <https://github.com/JuliaCloud/AWS.jl/issues/565>.
pub const WRONG_REGION_PHRASE: &str = "scoped to a valid region";

/// Of [`VALIDATION_ERROR`]: the members that are the device and its code, as in
/// `Value '…' at 'tokenCode' failed to satisfy constraint: …`, which is known from programs that match it.
const DEVICE_MEMBERS: [&str; 2] = ["serialNumber", "tokenCode"];
/// Of [`VALIDATION_ERROR`]: the role's sessions may not last that long. Seen as
/// `The requested DurationSeconds exceeds the MaxSessionDuration set for this role.`:
/// <https://github.com/aws-azure-login/aws-azure-login/issues/77>.
pub const MAXIMUM_DURATION_PHRASE: &str = "MaxSessionDuration";

/// Whether AWS rejects the credentials that signed the request: they have expired, or are unknown.
pub fn is_of_credentials(code: &str) -> bool {
    [
        EXPIRED_TOKEN,
        EXPIRED_TOKEN_EXCEPTION,
        INVALID_CLIENT_TOKEN_ID,
    ]
    .contains(&code)
}

/// Whether a refusal is about this machine's clock.
pub fn is_of_clock(code: &str, message: &str) -> bool {
    code == REQUEST_EXPIRED || CLOCK_PHRASES.iter().any(|phrase| message.contains(phrase))
}

/// Whether a refusal says that there are too many requests.
pub fn is_throttling(status: u16, code: &str) -> bool {
    status == 429 || THROTTLING.contains(&code)
}

/// Whether a refusal is about the form of the device, or of its code.
pub fn is_of_device_form(code: &str, message: &str) -> bool {
    code == VALIDATION_ERROR && DEVICE_MEMBERS.iter().any(|member| message.contains(member))
}
