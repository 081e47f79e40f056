//! The stand-in over real sockets. What is pure is tested beside its code, the program in `tests`.

mod actions;
mod authentication;
mod client;
mod clocks;
mod codes;
mod device_errors;
mod devices;
mod faults;
mod federation;
mod headers;
mod iam;
mod lifecycle;
mod logins;
mod proxy;
mod roles;
mod secrets;
mod tls;
mod tls_client;
