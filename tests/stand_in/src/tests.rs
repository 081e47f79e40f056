//! The stand-in over real sockets. What is pure is tested beside its code.

mod actions;
mod authentication;
mod client;
mod codes;
mod faults;
mod lifecycle;
mod roles;
