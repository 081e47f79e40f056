//! PURE. The errors of the services, with AWS's own texts.
//!
//! The texts are AWS's to the last space. Clients tell errors apart by them.

use crate::service::Service;
use crate::xml::escape;

/// An error as AWS answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl AwsError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    /// No policy allows it.
    pub(crate) fn not_authorized(caller: &str, action: &str, resource: &str) -> Self {
        Self::access_denied(format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource}"
        ))
    }

    /// The policy denies it, whatever else allows it.
    pub(crate) fn denied_by(policy: &str, caller: &str, action: &str, resource: &str) -> Self {
        let resource =
            format!("{resource} with an explicit deny in an identity-based policy: {policy}");
        Self::not_authorized(caller, action, &resource)
    }

    pub(crate) fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new(404, "NoSuchEntity", message)
    }

    pub(crate) fn already_exists(message: impl Into<String>) -> Self {
        Self::new(409, "EntityAlreadyExists", message)
    }

    pub(crate) fn limit_exceeded(quota: &str, limit: usize) -> Self {
        let message = format!("Cannot exceed quota for {quota}: {limit}");
        Self::new(409, "LimitExceeded", message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    /// AWS's text for this is not known to us, so there is none.
    pub(crate) fn malformed_input() -> Self {
        Self::new(400, "MalformedInput", "")
    }

    /// A code that is wrong, or was used. The text ends with a space.
    pub(crate) fn invalid_code() -> Self {
        Self::access_denied(
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        )
    }

    /// A device that is unknown or another's, or that was tried too often. Two spaces inside.
    pub(crate) fn unable_to_validate_code() -> Self {
        Self::access_denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  \
             Please verify your MFA serial number is valid and associated with this user.",
        )
    }

    /// The two codes that IAM asks for.
    pub(crate) fn invalid_authentication_code() -> Self {
        let message = "Authentication code for device is not valid.";
        Self::new(403, "InvalidAuthenticationCode", message)
    }

    pub(crate) fn serial_and_code_go_together() -> Self {
        Self::access_denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time \
             pass code.",
        )
    }

    /// AWS's text for a key that it doesn't know ends with a full stop...
    pub(crate) fn unknown_key() -> Self {
        let message = "The security token included in the request is invalid.";
        Self::new(403, "InvalidClientTokenId", message)
    }

    /// ...and that for a session token that doesn't fit its key does not.
    pub(crate) fn invalid_session_token() -> Self {
        let message = "The security token included in the request is invalid";
        Self::new(403, "InvalidClientTokenId", message)
    }

    pub(crate) fn expired_token() -> Self {
        let message = "The security token included in the request is expired";
        Self::new(403, "ExpiredToken", message)
    }

    pub(crate) fn signature(message: impl Into<String>) -> Self {
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    pub(crate) fn region_disabled(account_id: &str) -> Self {
        Self::new(
            403,
            "RegionDisabledException",
            format!(
                "STS is not activated in this region for account:{account_id}. Your account \
                 administrator can activate STS in this region using the IAM Console."
            ),
        )
    }

    pub(crate) fn render(&self, service: Service, request_id: &str) -> String {
        let kind = if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let (code, message) = (self.code, escape(&self.message));
        let namespace = service.namespace();
        format!(
            "<ErrorResponse xmlns=\"{namespace}\">\n  <Error>\n    <Type>{kind}</Type>\n    \
             <Code>{code}</Code>\n    <Message>{message}</Message>\n  </Error>\n  \
             <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Service::Sts;

    #[test]
    fn an_error_has_the_shape_that_aws_gives_it() {
        assert_eq!(
            AwsError::invalid_code().render(Sts, "the-id"),
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    \
             <Type>Sender</Type>\n    <Code>AccessDenied</Code>\n    <Message>\
             MultiFactorAuthentication failed with invalid MFA one time pass code. </Message>\n  \
             </Error>\n  <RequestId>the-id</RequestId>\n</ErrorResponse>\n"
        );
    }

    #[test]
    fn the_texts_keep_their_odd_spaces() {
        assert!(AwsError::invalid_code().message.ends_with("code. "));
        let message = AwsError::unable_to_validate_code().message;
        assert!(message.contains("MFA code.  Please verify"));
        assert!(AwsError::unknown_key().message.ends_with("invalid."));
        assert!(
            AwsError::invalid_session_token()
                .message
                .ends_with("invalid")
        );
    }

    #[test]
    fn markup_in_a_text_is_escaped() {
        let rendered = AwsError::validation("Value '<a&b>'").render(Sts, "the-id");
        assert!(rendered.contains("<Message>Value '&lt;a&amp;b&gt;'</Message>"));
    }
}
