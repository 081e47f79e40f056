//! Defines the error of a call of IAM.

use crate::aws::network::RequestError;
use crate::core::aws_errors;
use crate::core::error::Failure;

/// Why a call failed.
#[derive(Debug)]
pub struct IamError {
    pub request_error: Option<RequestError>,
    pub failure: Failure,
}

/// The result of a call.
pub type Result<T> = std::result::Result<T, IamError>;

impl From<IamError> for anyhow::Error {
    fn from(error: IamError) -> Self {
        error.failure.into()
    }
}

impl From<anyhow::Error> for IamError {
    fn from(error: anyhow::Error) -> Self {
        Self {
            request_error: None,
            failure: error
                .downcast()
                .unwrap_or_else(|error| Failure::new(error.to_string())),
        }
    }
}

impl IamError {
    /// Whether the same call may work later, with new codes.
    pub fn may_pass(&self) -> bool {
        self.code() == Some(aws_errors::ENTITY_TEMPORARILY_UNMODIFIABLE)
            || self.is_unreachable()
            || self
                .request_error
                .as_ref()
                .is_some_and(RequestError::is_of_service)
    }

    /// Whether there was no connection to the service.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.request_error, Some(RequestError::Unreachable(_)))
    }

    /// Whether there was no response, because the service or the network is at fault.
    pub fn is_without_response(&self) -> bool {
        matches!(
            self.request_error,
            Some(RequestError::Unreachable(_) | RequestError::NoAnswer | RequestError::BrokenOff)
        )
    }

    /// AWS's code for a refusal.
    pub fn code(&self) -> Option<&str> {
        Some(self.request_error.as_ref()?.refusal()?.0)
    }
}
