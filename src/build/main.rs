//! The build script: finds out from which commit this is built, makes the guides ready to be shown, and tells the linker how to pack
//! addresses.
//!
//! Only what belongs to the source goes in, never the time or the place of the build: the same source makes the same program.
#![allow(
    clippy::print_stdout,
    reason = "a build script tells cargo on standard output what to do"
)]

mod commit;
#[path = "../commands/help/format.rs"]
mod format;
mod guides;
mod link;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=src/build");
    commit::set_version();
    link::pack_addresses();
    guides::compile()
}
