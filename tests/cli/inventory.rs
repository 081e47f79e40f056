//! Every command that a hint names is in this table, with the test that types it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::sources;

/// Who makes sure that a command in a hint can be typed, and helps.
#[derive(Clone, Copy, Debug)]
enum Tried {
    /// A test, as `file::name`, in the situation in which it is printed.
    By(&'static str),
    /// It needs a program or rights that not every machine has: a shell finds no fault with it.
    AsSyntax,
    /// Typed as it stands, it ends well wherever that is.
    AsItStands,
    /// It is the name of a thing, and not for typing.
    NoCommand,
}
use Tried::{AsItStands, AsSyntax, By, NoCommand};

/// The commands as the source has them, with `{…}` where a value is put in.
const COMMANDS: &[(&str, Tried)] = &[
    (
        ".command(\"\")",
        By("hints_of_doctor::doctor_names_commands_that_work"),
    ),
    (
        ".command(\"clear\")",
        By("hints_of_doctor::keys_in_front_of_a_process_are_moved_or_removed"),
    ),
    (
        ".command(\"console\")",
        By("sign_in::without_a_browser_the_hint_prints_the_address"),
    ),
    ("mfa-creds console{}", By("sign_in::a_user_needs_a_role")),
    (
        "{print}",
        By("sign_in::without_a_browser_the_hint_prints_the_address"),
    ),
    (
        ".command(\"exec\")",
        By("export::credentials_that_cannot_be_shown_are_renewed_by_the_hint"),
    ),
    (
        ".command(\"export\")",
        By("as_credential_process::the_section_that_would_shadow_it_is_not_written"),
    ),
    (
        // It is printed when a real keychain fails after it was found.
        ".command(\"keychain move\")",
        By("keychain::without_a_desktop_the_keys_stay_where_they_are"),
    ),
    (
        ".command(\"keychain restore\")",
        By("keychain::doctor_says_how_keys_come_back_from_the_kernels_keyring"),
    ),
    (
        ".command(\"plan\")",
        By("hints_of_doctor::doctor_names_commands_that_work"),
    ),
    (
        ".command(\"rotate\")",
        By(
            "rotate::a_run_that_is_killed_at_any_step_leaves_a_working_key_and_the_next_run_ends_it",
        ),
    ),
    ("aws", NoCommand),
    ("aws iam generate-credential-report", AsSyntax),
    (
        "aws iam get-credential-report | mfa-creds audit --report -",
        AsSyntax,
    ),
    // On macOS.
    ("chflags nouchg {path}", AsSyntax),
    ("ls -lO {path}", AsSyntax),
    (
        "chmod 600 {}",
        By("hints::modes_are_mended_by_what_is_printed"),
    ),
    // For cmd.exe and PowerShell.
    (
        "attrib -R {}",
        By("windows_hints::a_file_that_is_read_only_is_made_writable_by_the_hint"),
    ),
    (
        "cmd /c rmdir /s /q {}",
        By("windows_hints::what_is_in_the_place_of_our_files_is_removed_by_the_hint"),
    ),
    (
        "del {}",
        By("windows_hints::what_is_in_the_place_of_our_files_is_removed_by_the_hint"),
    ),
    (
        "dir",
        By("windows_hints::cmd_knows_the_commands_that_only_show_something"),
    ),
    (
        "dir {}",
        By("windows_hints::cmd_knows_the_commands_that_only_show_something"),
    ),
    (
        "icacls",
        By("windows_hints::cmd_knows_the_commands_that_only_show_something"),
    ),
    // Wine has no access control lists that icacls could change.
    ("icacls {} /inheritance:r /grant:r", NoCommand),
    (
        "icacls {path} /grant \\\"*{}:F\\\", or takeown /f {path} first if it belongs to another user",
        NoCommand,
    ),
    (
        "mkdir {}",
        By("windows_hints::a_directory_that_is_missing_is_made_by_the_hint"),
    ),
    // As administrator.
    ("w32tm /resync", NoCommand),
    (
        "taskkill /f /pid {id}",
        By("windows_hints::a_holder_is_ended_by_the_hint"),
    ),
    (
        "Remove-Item {}",
        By("windows_hints::variables_are_unset_by_the_hint"),
    ),
    (
        "chmod u+rw {}, or chown it if it belongs to another user",
        By("hints::modes_are_mended_by_what_is_printed"),
    ),
    (
        "chmod u+w {}",
        By("hints::modes_are_mended_by_what_is_printed"),
    ),
    (
        "chmod {} {}",
        By("hints_of_doctor::fixes_of_doctor_mend_what_they_stand_under"),
    ),
    ("chmod go-w {}", AsSyntax),
    ("date -u", AsItStands),
    (
        "stty -echo; read -r word; stty echo; printf %s \\\"$word\\\" | gnome-keyring-daemon --replace --unlock",
        AsSyntax,
    ),
    (
        "kill {id}",
        By("hints::a_holder_is_ended_by_the_command_and_only_where_it_is_that_process"),
    ),
    ("ls -l", AsItStands),
    ("ls -la {}", AsSyntax),
    ("ls -ld", AsItStands),
    ("sudo chattr -ia {path}", AsSyntax),
    (
        "mfa-creds",
        By("file::a_run_killed_while_it_writes_in_place_is_ended_by_the_next_one"),
    ),
    (
        "mfa-creds {}",
        By("hints_of_settings::the_source_of_a_role_is_renewed_as_is_said"),
    ),
    (
        "mfa-creds clear {}{}",
        By("hints::the_session_that_clear_leaves_is_ended_by_what_it_names"),
    ),
    (
        "mfa-creds clear{profile} --short-term-suffix none",
        By("hints_of_doctor::a_role_in_a_section_that_no_tool_reads_is_removed"),
    ),
    // With a real keychain it is typed in tests/real/test_keychain.py.
    ("mfa-creds keychain move{} --yes", AsSyntax),
    (
        "mfa-creds setup{}",
        By("keychain::doctor_says_it_of_the_config_file_too"),
    ),
    (
        "{command}",
        By("misread::what_the_aws_cli_takes_in_place_of_the_section_is_told"),
    ),
    (
        "mfa-creds device enroll{}",
        By("hints_of_settings::a_user_without_a_device_gets_one_by_the_command"),
    ),
    (
        "mfa-creds device enroll{flag}",
        By("hints_of_settings::a_user_without_a_device_gets_one_by_the_command"),
    ),
    (
        "mfa-creds device list{}",
        By("hints_of_settings::who_needs_a_session_for_it_is_told_how_to_get_one"),
    ),
    (
        "mfa-creds export",
        By("as_credential_process::the_section_that_would_shadow_it_is_not_written"),
    ),
    ("mfa-creds export --help", AsItStands),
    ("mfa-creds exec --help", AsItStands),
    ("mfa-creds help", AsItStands),
    ("mfa-creds help exec", AsItStands),
    ("mfa-creds help roles", AsItStands),
    (
        "mfa-creds help {name}",
        By("help::an_unknown_topic_names_the_nearest"),
    ),
    (
        "mfa-creds {name}",
        By("command_line::a_profile_in_place_of_a_command_is_told_how_to_be_renewed"),
    ),
    ("{typed}", NoCommand),
    (
        "mfa-creds keychain restore{of_profile}",
        By("keychain::what_is_done_already_is_said"),
    ),
    (
        "mfa-creds keychain restore{} --long-term-suffix none --short-term-suffix mfa",
        By("keychain::doctor_says_how_keys_come_back_from_the_kernels_keyring"),
    ),
    ("mfa-creds policy", NoCommand),
    ("mfa-creds policy --help", AsItStands),
    ("mfa-creds policy require-mfa", AsItStands),
    (
        "{rotate}",
        By("rotate::without_consent_the_old_key_stays_inactive"),
    ),
    (
        "mfa-creds rotate{} --yes",
        By("rotate::without_consent_the_old_key_stays_inactive"),
    ),
    (
        "mfa-creds setup",
        By("hints::setup_helps_where_it_is_named"),
    ),
    (
        "mfa-creds {GET} {}",
        By("keychain::why_the_keychain_gives_no_keys_is_told_by_whoever_needs_them"),
    ),
    (
        "mfa-creds{}",
        By("hints_of_settings::who_needs_a_session_for_it_is_told_how_to_get_one"),
    ),
    ("{arn}", NoCommand),
    ("{id}", NoCommand),
    (
        "mfa-creds{} --force",
        By("hints_of_settings::a_session_that_aws_does_not_take_is_made_anew_for_the_same_profile"),
    ),
    (
        "mfa-creds rotate{}",
        By("rotate_hands::a_key_that_the_section_cannot_take_comes_back_with_the_next_run"),
    ),
    (
        "mfa-creds{flag} --force",
        By("hints_of_settings::credentials_that_cannot_be_shown_are_made_anew"),
    ),
    (
        "mkdir -p {}",
        By("hints_of_settings::a_directory_that_is_missing_is_made"),
    ),
    (
        "next: mfa-creds {}{}",
        By("hints::what_setup_says_is_next_works"),
    ),
    (
        "next: mfa-creds{}",
        By("enrollment::a_device_from_nothing_to_the_first_session"),
    ),
    (
        "to undo: mfa-creds keychain restore{}",
        By("keychain::what_is_done_already_is_said"),
    ),
    ("pip uninstall aws-mfa", AsSyntax),
    (
        "pip uninstall aws-mfa, or ln -sf \\\"$(command -v mfa-creds)\\\" {}",
        By("hints_of_doctor::fixes_of_doctor_mend_what_they_stand_under"),
    ),
    (
        "rm {}",
        By("hints_of_doctor::fixes_of_doctor_mend_what_they_stand_under"),
    ),
    ("sudo chown \\\"$(id -u)\\\" {}", AsSyntax),
    ("sudo hwclock -s", AsSyntax),
    ("sudo timedatectl set-ntp true", AsSyntax),
    ("sudo sntp -sS time.apple.com", AsSyntax),
    // `export` prints it for a shell.
    ("unset {name}", NoCommand),
    (
        "unset {}",
        By("hints_of_doctor::variables_that_are_in_the_way_are_unset"),
    ),
    (
        "{preview}",
        By("hints_of_doctor::doctor_names_commands_that_work"),
    ),
    (
        "{renewal}",
        By("export::credentials_that_cannot_be_shown_are_renewed_by_the_hint"),
    ),
    (
        "{setup_command}",
        By("hints::setup_helps_where_it_is_named"),
    ),
    ("{setup}", By("hints::setup_helps_a_source_profile")),
    // A command in some, and a value that cannot be in others.
    (
        "{}",
        By("hints_of_doctor::keys_in_front_of_a_process_are_moved_or_removed"),
    ),
    (
        "{key} = {device}",
        By("hints_of_settings::a_device_is_written_where_it_counts"),
    ),
    // It opens a browser.
    ("aws sso login {}", NoCommand),
    (
        "aws login",
        By("aws_login::whoever_is_not_signed_in_is_offered_to_sign_in"),
    ),
    ("{key}", NoCommand),
    ("{name}", NoCommand),
    (
        "{renewal}",
        By("exec_server::the_hint_names_a_command_that_renews_what_the_server_needs"),
    ),
    ("{text}", NoCommand),
    ("{url}", NoCommand),
    ("{value}", NoCommand),
];

/// Programs that are typed.
const PROGRAMS: [&str; 20] = [
    "mfa-creds",
    "aws",
    "chflags",
    "chmod",
    "chown",
    "date",
    "dbus-run-session",
    "stty",
    "keyctl",
    "kill",
    "ls",
    "mkdir",
    "rm",
    "sudo",
    "unset",
    // On Windows.
    "dir",
    "icacls",
    "Remove-Item",
    "taskkill",
    "w32tm",
];
/// How a command begins that is a fix or a line by itself, without backticks.
const BARE: [&str; 15] = [
    "next: mfa-creds",
    "to undo: mfa-creds",
    "pip uninstall",
    "chmod ",
    "mkdir -p",
    "rm {}",
    "unset {",
    "unset AWS",
    "sudo chown",
    "kill ",
    "attrib ",
    "cmd /c ",
    "del {",
    "icacls {",
    "mkdir {",
];

/// The commands in the sources.
fn commands() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in sources::files() {
        let source = sources::read(&file);
        for text in sources::texts(&source) {
            for quoted in text.split('`').skip(1).step_by(2) {
                let program = quoted.split([' ', '{']).next().unwrap();
                if PROGRAMS.contains(&program) || quoted.starts_with('{') {
                    found.insert(quoted.to_owned());
                }
            }
            if !text.contains('`') && !text.contains('\n') {
                let begin = BARE.iter().filter_map(|bare| text.find(bare)).min();
                found.extend(begin.map(|begin| text[begin..].to_owned()));
            }
        }
        for call in source.split(".command(\"").skip(1) {
            if let Some((name, _)) = call.split_once("\")") {
                found.insert(format!(".command(\"{name}\")"));
            }
        }
    }
    // What a shell is told, and what nobody reads.
    found.retain(|command| !command.starts_with("unset {CODE};"));
    found
}

#[test]
fn every_command_in_a_hint_has_a_test_that_types_it() {
    let known: BTreeSet<String> = COMMANDS
        .iter()
        .map(|(text, _)| (*text).to_owned())
        .collect();
    let found = commands();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(
        new.is_empty(),
        "give each a test that follows it, as in tests/cli/hints.rs, and name that here: {new:#?}"
    );
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "no hint has them any more: {gone:#?}");
}

#[test]
fn the_tests_are_there_and_a_shell_understands_the_rest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (text, tried) in COMMANDS {
        match tried {
            By(test) => {
                let (file, name) = test.split_once("::").unwrap();
                let source = root.join(format!("tests/cli/{file}.rs"));
                let source = fs::read_to_string(source).unwrap_or_default();
                assert!(
                    source.contains(&format!("fn {name}() {{")),
                    "there is no test {test}"
                );
            }
            AsSyntax | AsItStands => {
                let command = text
                    .replace('{', "")
                    .replace('}', "x")
                    .replace("\\\"", "\"");
                let mut shell = Command::new("/bin/sh");
                let bin = Path::new(env!("CARGO_BIN_EXE_mfa-creds")).parent().unwrap();
                shell.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
                if matches!(tried, AsSyntax) {
                    shell.arg("-n");
                }
                let output = shell.args(["-c", &command]).output().unwrap();
                assert!(output.status.success(), "`{command}`: {output:?}");
            }
            NoCommand => {}
        }
    }
}
