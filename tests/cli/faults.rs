//! Everything that AWS and the network are known to answer to a call with a code, as one table: the sentence that a person reads,
//! and the exit code. Each time there is one request. The texts of AWS are those of public captures.

use std::time::Duration;

use stand_in::{ALICE_DEVICE, Account, Fault, StandIn};

use crate::support::home::Home;
use crate::support::sections::long_term;

struct Row {
    fault: Fault,
    /// The message, where `HOST` stands for the stand-in's, then the hint.
    message: &'static str,
    hint: &'static str,
    status: i32,
}

const fn row(fault: Fault, status: i32, message: &'static str, hint: &'static str) -> Row {
    Row {
        fault,
        message,
        hint,
        status,
    }
}

const fn refused(status: u16, code: &'static str, message: &'static str) -> Fault {
    Fault::Refused {
        status,
        code,
        message,
    }
}

const AGAIN: &str = "run the command again with the next code; this one may be used up";
const LOGIN: &str = "the network or a proxy may redirect to a login page: open a web page, then run the command again with the next code";
const BROKE_OFF: &str = "the connection to AWS STS at HOST was interrupted";
const ORIGINS: &str = "add `-v` to see where each setting came from";
const CLOCK: &str = "set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL; the code was not used";

#[allow(clippy::too_many_lines, reason = "it is one table")]
fn table() -> Vec<Row> {
    vec![
        // The code and the device.
        row(
            refused(
                403,
                "AccessDenied",
                "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
            ),
            4,
            "AWS refused the code for device arn:aws:iam::123456789012:mfa/alice (aws_mfa_device of [work-long-term] in ~/.aws/credentials): it is wrong, or was already used",
            "wait for the next code, then run the command again; AWS accepts each code only once",
        ),
        row(
            refused(
                403,
                "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
            ),
            4,
            "AWS cannot check codes of device arn:aws:iam::123456789012:mfa/alice (aws_mfa_device of [work-long-term] in ~/.aws/credentials) for access key AKIA…ALIC: the device does not belong to this user, or had too many wrong codes",
            "run `mfa-creds device list -p work` to see the user's devices; after nine attempts, AWS rejects all codes of a device for up to 3 minutes",
        ),
        row(
            refused(
                403,
                "AccessDenied",
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            ),
            1,
            "AWS denied the session to access key AKIA…ALIC: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            "ask an administrator: an IAM policy or a service control policy forbids sts:GetSessionToken",
        ),
        row(
            refused(
                400,
                "ValidationError",
                "1 validation error detected: Value '123' at 'tokenCode' failed to satisfy constraint: Member must have length greater than or equal to 6",
            ),
            4,
            "AWS cannot use device arn:aws:iam::123456789012:mfa/alice (aws_mfa_device of [work-long-term] in ~/.aws/credentials), or its code: 1 validation error detected: Value '123' at 'tokenCode' failed to satisfy constraint: Member must have length greater than or equal to 6",
            "look up the device's ARN in the IAM console",
        ),
        // The keys.
        row(
            refused(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
            1,
            "AWS does not recognize access key AKIA…ALIC of [work-long-term] in ~/.aws/credentials, or the key is inactive",
            "look up the user's access keys in the IAM console; in China and GovCloud, also set the region",
        ),
        row(
            refused(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
            ),
            1,
            "aws_secret_access_key of [work-long-term] in ~/.aws/credentials does not belong to access key AKIA…ALIC",
            "write the secret that was shown when the key was created; if it is lost, create a new key",
        ),
        row(
            refused(
                403,
                "AccessDenied",
                "Cannot call GetSessionToken with session credentials",
            ),
            1,
            "the keys of [work-long-term] in ~/.aws/credentials are temporary, and cannot get a session",
            "put the IAM user's own keys (AKIA…) there",
        ),
        row(
            refused(
                403,
                "AccessDenied",
                "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:GetSessionToken with an explicit deny in a service control policy: arn:aws:organizations::111111111111:policy/o-fake/service_control_policy/p-fake",
            ),
            1,
            "AWS denied the session to access key AKIA…ALIC: User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:GetSessionToken with an explicit deny in a service control policy: arn:aws:organizations::111111111111:policy/o-fake/service_control_policy/p-fake",
            "ask an administrator: an IAM policy or a service control policy forbids sts:GetSessionToken",
        ),
        // The clock, which is right here: nothing would be better the next time.
        row(
            refused(
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 20261124T100000Z is now earlier than 20261124T104500Z (20261124T110000Z - 15 min.)",
            ),
            1,
            "this machine's clock is off: Signature expired: 20261124T100000Z is now earlier than 20261124T104500Z (20261124T110000Z - 15 min.)",
            CLOCK,
        ),
        row(
            refused(403, "RequestExpired", "Request has expired."),
            1,
            "this machine's clock is off: Request has expired.",
            CLOCK,
        ),
        // What is asked for.
        row(
            refused(
                400,
                "ValidationError",
                "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
            ),
            1,
            "AWS STS refused the request: ValidationError: 1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
            ORIGINS,
        ),
        row(
            refused(400, "MalformedInput", "Invalid parameter"),
            1,
            "AWS STS refused the request: MalformedInput: Invalid parameter",
            ORIGINS,
        ),
        // The region.
        row(
            Fault::RegionDisabled,
            1,
            "STS is not active in us-east-1 for this account (default)",
            "use another region with --region, or activate this one",
        ),
        row(
            refused(
                403,
                "SignatureDoesNotMatch",
                "Credential should be scoped to a valid region, not 'us-east-1'. ",
            ),
            1,
            "us-east-1 is not the right region for this endpoint (default): Credential should be scoped to a valid region, not 'us-east-1'.",
            "set it with --region or AWS_REGION",
        ),
        // AWS has no time.
        row(
            Fault::Throttling,
            1,
            "AWS STS throttled the request",
            "wait a moment, then run the command again with the next code",
        ),
        row(
            refused(503, "SlowDown", "Please reduce your request rate."),
            1,
            "AWS STS throttled the request",
            "wait a moment, then run the command again with the next code",
        ),
        row(
            Fault::InternalError,
            1,
            "AWS STS at HOST returned an internal error: 500 InternalFailure",
            AGAIN,
        ),
        row(
            Fault::ServiceUnavailable,
            1,
            "AWS STS at HOST returned an internal error: 503 ServiceUnavailable",
            AGAIN,
        ),
        // The connection.
        row(Fault::ResetBeforeReading, 1, BROKE_OFF, AGAIN),
        row(Fault::ResetAfterSpending, 1, BROKE_OFF, AGAIN),
        row(Fault::Truncated, 1, BROKE_OFF, AGAIN),
        row(
            Fault::Hang(Duration::from_mins(1)),
            1,
            "AWS STS at HOST did not respond within 2 s (MFA_CREDS_TIMEOUT)",
            AGAIN,
        ),
        // Somebody else answers.
        row(
            Fault::HtmlLoginPage,
            1,
            "the response from HOST is not from AWS STS: its status is 200, and its type is text/html",
            LOGIN,
        ),
        row(
            Fault::Redirect,
            1,
            "the response from HOST is not from AWS STS: its status is 302, and its type is text/html",
            LOGIN,
        ),
        row(
            Fault::BadGateway,
            1,
            "the response from HOST is not from AWS STS: its status is 502, and its type is text/html",
            LOGIN,
        ),
        row(
            Fault::Empty200,
            1,
            "the response from HOST is not from AWS STS: its status is 200, and its type is text/xml",
            LOGIN,
        ),
        row(
            Fault::NoCredentials,
            1,
            "the response from HOST is not from AWS STS: it contains no credentials",
            LOGIN,
        ),
    ]
}

#[test]
fn each_answer_has_its_sentence() {
    for Row {
        fault,
        message,
        hint,
        status,
    } in table()
    {
        let sts = StandIn::start(Account::example());
        let home = Home::of_alice();
        sts.fault(fault.clone());
        let code = sts.fresh_code(ALICE_DEVICE);
        let outcome = home
            .run_with(&sts, &["-p", "work", "--token", &code])
            .env(
                "MFA_CREDS_TIMEOUT",
                if matches!(fault, Fault::Hang(_)) {
                    "2"
                } else {
                    ""
                },
            )
            .outcome();
        let message = message.replace("HOST", &sts.address().to_string());
        assert_eq!(
            outcome.stderr,
            format!(
                "renewing [work]: there are no credentials yet\nerror: {message}\nhint: {hint}\n"
            ),
            "{fault:?}"
        );
        assert_eq!(
            (outcome.status, sts.calls()),
            (Some(status), 1),
            "{fault:?}"
        );
        assert_eq!(home.credentials(), long_term("work"), "{fault:?}");
    }
}
