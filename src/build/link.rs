//! Has the linker pack the 14,000 addresses that are corrected when the program starts: they take 10,000 bytes instead of 350,000, and
//! all of those would be read at every start.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A symbol version of glibc's C library, if its loader can read packed addresses.
const UNDERSTOOD: &[u8] = b"GLIBC_ABI_DT_RELR";

/// Asks the linker for it if the loader, or the start file of a static program, can read packed addresses. Otherwise the program would
/// crash.
pub fn pack_addresses() {
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    if is_understood() && takes_option() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is_understood() -> bool {
    match (
        &*variable("CARGO_CFG_TARGET_OS"),
        &*variable("CARGO_CFG_TARGET_ENV"),
    ) {
        // Rust has included musl 1.2.5, which reads them, since 1.93.
        ("linux", "musl") => starts_with_musl_of_rust(),
        ("linux", "gnu") => variable("HOST") == variable("TARGET") && is_understood_here(),
        _ => false,
    }
}

fn starts_with_musl_of_rust() -> bool {
    let is_static = variable("CARGO_CFG_TARGET_FEATURE").contains("crt-static");
    let is_own = !variable("CARGO_ENCODED_RUSTFLAGS").contains("link-self-contained");
    is_static && is_own && start_file().is_some_and(|file| file.exists())
}

/// The file of the toolchain that starts a static program.
fn start_file() -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC")?;
    let answer = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let sysroot = String::from_utf8(answer.stdout).ok()?;
    let target = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(variable("TARGET"));
    Some(target.join("lib/self-contained/rcrt1.o"))
}

/// Whether the C library that runs this build script does.
fn is_understood_here() -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let library = maps
        .split_whitespace()
        .find(|word| word.ends_with("/libc.so.6"));
    let library = library
        .and_then(|path| fs::read(path).ok())
        .unwrap_or_default();
    library
        .windows(UNDERSTOOD.len())
        .any(|bytes| bytes == UNDERSTOOD)
}

/// Whether the linker is a C compiler: a linker itself takes the option in another form, and zig refuses it.
fn takes_option() -> bool {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    // The linker, or its kind: `-Clinker=rust-lld`, `-Clinker-flavor=gcc`. A space after `-C` makes two flags of it.
    let named = flags.split('\u{1f}').filter_map(|flag| {
        let option = flag.strip_prefix("--codegen=").unwrap_or(flag);
        let option = option.strip_prefix("-C").unwrap_or(option);
        let (name, value) = option.split_once('=')?;
        matches!(name.trim(), "linker" | "linker-flavor").then(|| value.to_owned())
    });
    let of_cargo = env::var_os("RUSTC_LINKER").map(|linker| linker.to_string_lossy().into_owned());
    let mut linkers = of_cargo.into_iter().chain(named);
    linkers.all(|linker| {
        let name = Path::new(&linker).file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        name.ends_with("cc") || name.ends_with("clang")
    })
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
