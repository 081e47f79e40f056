//! Reaches AWS, and makes the calls of STS, IAM, and AWS Sign-In.

pub mod network;
pub mod sts;
pub mod iam;
pub mod sign_in;
pub mod login;
