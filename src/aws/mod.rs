//! Reaches AWS, and makes the calls of STS and IAM.

pub mod network;
pub mod sts;
pub mod iam;
