//! Hints that are followed: each situation, the hint that is printed in it, the command in that hint typed into a real shell,
//! and what has come of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use expectrl::{Eof, Expect as _};
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, StandIn};

use crate::harness::{BINARY, FAR, Home, long_term, short_term, spawning};
use crate::prompt::{PROMPT, on_terminal};
use crate::roles::{ADMIN, account};

/// A home, an AWS, and a shell that finds `mfa-creds`.
struct Scene {
    home: Home,
    sts: StandIn,
    environment: Vec<(String, String)>,
}

/// What a command in the shell came to.
#[derive(Debug)]
struct Typed {
    status: Option<i32>,
    said: String,
}

/// What is typed into standard input, where a command in a hint asks for something.
#[derive(Clone, Copy, Debug)]
enum Input {
    Nothing,
    /// The next code of the device.
    Code,
    /// What `setup` asks for; the profile is the one of the command.
    Keys,
}

impl Scene {
    fn new(credentials: Option<&str>, config: &str) -> Self {
        let home = Home::new();
        if let Some(credentials) = credentials {
            home.write("credentials", credentials);
        }
        home.write("config", config);
        fs::create_dir(home.path().join("bin")).unwrap();
        symlink(BINARY, home.path().join("bin/mfa-creds")).unwrap();
        Self {
            home,
            sts: StandIn::start(account()),
            environment: Vec::new(),
        }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Types a line into a shell. `$CODE` is the next code.
    fn types(&self, line: &str, input: Input) -> Typed {
        let mut command = Command::new("/bin/sh");
        let bin = self.home.path().join("bin");
        command
            .args(["-c", line])
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("TZ", "UTC")
            .env("MFA_CREDS_TRACE", self.home.trace())
            .env("AWS_ENDPOINT_URL", self.sts.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        if line.contains("$CODE") {
            command.env("CODE", self.sts.fresh_code(ALICE_DEVICE));
        }
        let answers = match input {
            Input::Nothing => String::new(),
            Input::Code => self.sts.fresh_code(ALICE_DEVICE),
            Input::Keys if line.contains("setup") && self.home.credentials_hold_keys() => {
                format!("\n{ALICE_DEVICE}\n")
            }
            Input::Keys => {
                format!("\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n{ALICE_DEVICE}\n")
            }
        };
        let mut child = spawning(|| command.spawn().unwrap());
        let mut stdin = child.stdin.take().unwrap();
        // A run that fails early does not read it.
        let _ = std::io::Write::write_all(&mut stdin, answers.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Typed {
            status: output.status.code(),
            said: String::from_utf8(said).unwrap(),
        }
    }

    /// Types a line, takes the command from the hint that it ends with, as it is printed, types that, and then the first line
    /// again. Returns the command, and what the last line came to.
    #[track_caller]
    fn follows(&self, line: &str, input: Input) -> (String, Typed) {
        let first = self.types(line, Input::Nothing);
        let hints: Vec<String> = first.said.lines().filter_map(command_in).collect();
        assert!(!hints.is_empty(), "no hint: {first:?}");
        let command = hints[0].clone();
        let followed = self.types(&command, input);
        assert_eq!(followed.status, Some(0), "`{command}`: {followed:?}");
        (command, self.types(line, Input::Nothing))
    }

    /// The same, where the first line works then.
    #[track_caller]
    fn helps(&self, line: &str, input: Input, command: &str) {
        let (typed, again) = self.follows(line, input);
        assert_eq!(
            typed.replace(self.home.path().to_str().unwrap(), "~"),
            command
        );
        assert_eq!(again.status, Some(0), "`{typed}` did not help: {again:?}");
    }
}

impl Home {
    /// Whether there are keys that `setup` would move.
    fn credentials_hold_keys(&self) -> bool {
        let text = fs::read_to_string(self.file("credentials")).unwrap_or_default();
        text.starts_with("[work]\naws_access_key_id = AKIA")
    }
}

/// Commands that are not ours and that hints begin with.
const OTHERS: [&str; 8] = [
    "chmod ", "mkdir ", "rm ", "unset ", "kill ", "sudo ", "aws ", "date ",
];

/// The first command in a hint, a fix or a warning: in backticks, or to the end of the line.
fn command_in(line: &str) -> Option<String> {
    let is_command = |text: &&str| {
        text.starts_with("mfa-creds") || OTHERS.iter().any(|other| text.starts_with(other))
    };
    if let Some(quoted) = line.split('`').skip(1).step_by(2).find(is_command) {
        return Some(quoted.to_owned());
    }
    if let Some(command) = line.strip_prefix("next: ") {
        return Some(command.to_owned());
    }
    let (_, fix) = line
        .split_once("hint: ")
        .or_else(|| line.split_once("fix: "))
        .or_else(|| line.split_once("warning: "))?;
    let begin = OTHERS.iter().filter_map(|other| fix.find(other)).min()?;
    let command = &fix[begin..];
    // What is said behind it.
    let end = command.find(", ").unwrap_or(command.len());
    Some(command[..end].to_owned())
}

const WORK: &str = "mfa-creds -q -p work --token $CODE";
const ADMIN_LINE: &str = "mfa-creds -q -p admin --token $CODE";

fn plain(profile: &str) -> String {
    long_term(profile).replace("-long-term", "")
}

fn admin(source: &str) -> String {
    format!("[profile admin]\nrole_arn = {ADMIN}\nsource_profile = {source}\n")
}

#[test]
fn setup_helps_where_it_is_named() {
    let setup = |profile: &str| format!("mfa-creds setup --profile {profile}");
    for (credentials, line, profile) in [
        (None, WORK, "work"),
        (Some(String::new()), WORK, "work"),
        (Some(long_term("other")), WORK, "work"),
        (Some(plain("work")), WORK, "work"),
        (
            None,
            "mfa-creds -q -p 'my work;$x' --token $CODE",
            "'my work;$x'",
        ),
        (
            Some(String::new()),
            "mfa-creds -q --all --token $CODE",
            "default",
        ),
    ] {
        if profile.contains(';') {
            // It cannot be a section.
            continue;
        }
        let scene = Scene::new(credentials.as_deref(), "");
        scene.helps(line, Input::Keys, &setup(profile));
    }
    let scene = Scene::new(Some(""), "");
    scene.helps(
        "mfa-creds -q -p \"it's \\$x\" --token $CODE",
        Input::Keys,
        "mfa-creds setup --profile 'it'\\''s $x'",
    );
    // What flags have named is named again.
    let flags = "--long-term-suffix keys --short-term-suffix now";
    let scene = Scene::new(Some(""), "");
    scene.helps(
        &format!("{WORK} {flags}"),
        Input::Keys,
        &format!("{} {flags}", setup("work")),
    );
    // The variable names another one than the command is for.
    let scene = Scene::new(Some(""), &admin("default")).set("AWS_PROFILE", "admin");
    scene.helps("mfa-creds -q --token $CODE", Input::Keys, &setup("default"));
}

#[test]
fn setup_helps_a_source_profile() {
    for (credentials, config) in [
        (String::new(), String::new()),
        (short_term("home", FAR), String::new()),
        (
            String::new(),
            "[profile home]\nregion = eu-west-1\n".to_owned(),
        ),
    ] {
        let scene = Scene::new(
            Some(&format!("{credentials}[x]\na = b\n")),
            &format!("{config}{}", admin("home")),
        );
        scene.helps(ADMIN_LINE, Input::Keys, "mfa-creds setup --profile home");
    }
}

#[test]
fn setup_is_not_named_where_it_refuses_or_is_for_something_else() {
    let keys = plain("work");
    let command = "[work-long-term]\ncredential_process = false\n";
    let half = format!("[work-long-term]\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n");
    let source = |name: &str| format!("[profile home]\n{name} = x\n{}", admin("home"));
    for (credentials, config, line) in [
        (format!("{keys}{command}"), String::new(), WORK),
        (format!("{keys}{half}"), String::new(), WORK),
        (String::new(), source("login_session"), ADMIN_LINE),
        (String::new(), source("sso_session"), ADMIN_LINE),
        (String::new(), source("sso_start_url"), ADMIN_LINE),
        (String::new(), source("web_identity_token_file"), ADMIN_LINE),
        (String::new(), source("credential_process"), ADMIN_LINE),
        // The section beside a role is not the one that `setup` moves keys from.
        (
            format!("{}{}", plain("admin-mfa"), long_term("home")),
            admin("home"),
            ADMIN_LINE,
        ),
    ] {
        let scene = Scene::new(Some(&credentials), &config);
        for line in [
            line,
            &line
                .replace("-q -p", "plan -p")
                .replace(" --token $CODE", ""),
        ] {
            let said = scene.types(line, Input::Nothing).said;
            assert!(
                !said.contains("mfa-creds setup"),
                "{credentials}{config}: {said}"
            );
        }
        let line = line
            .replace("-q", "doctor --offline")
            .replace(" --token $CODE", "");
        let said = scene.types(&line, Input::Nothing).said;
        assert!(
            !said.contains("mfa-creds setup"),
            "{credentials}{config}: {said}"
        );
    }
}

#[test]
fn setup_is_not_named_where_no_file_can_be_made() {
    let blocked = Scene::new(None, "");
    fs::write(blocked.home.path().join("file"), "").unwrap();
    let below = blocked.home.path().join("file/credentials");
    let blocked = blocked.set("AWS_SHARED_CREDENTIALS_FILE", below.to_str().unwrap());
    let mut scenes = vec![blocked];
    if !rustix::process::geteuid().is_root() {
        let unwritable = Scene::new(None, "");
        let directory = unwritable.home.path().join("locked");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
        let inside = directory.join("credentials");
        scenes.push(unwritable.set("AWS_SHARED_CREDENTIALS_FILE", inside.to_str().unwrap()));
    }
    for scene in scenes {
        for line in [
            WORK,
            "mfa-creds plan -p work",
            "mfa-creds doctor -p work --offline",
        ] {
            let typed = scene.types(line, Input::Nothing);
            assert_eq!(typed.status, Some(1), "{typed:?}");
            let file_part: String = typed
                .said
                .lines()
                .take_while(|line| !line.contains("no section"))
                .collect();
            assert!(!file_part.contains("mfa-creds setup"), "{typed:?}");
            assert!(typed.said.contains("there is no"), "{typed:?}");
        }
    }
}

#[test]
fn what_setup_says_is_next_works() {
    for (profile, flags) in [
        ("work", ""),
        ("it's mine", ""),
        ("work", " --long-term-suffix keys"),
    ] {
        let scene = Scene::new(None, "");
        let quoted = profile.replace('\'', "'\\''");
        let line = format!("mfa-creds setup -p '{quoted}'{flags}");
        let said = scene.types(&line, Input::Keys).said;
        let next = said.lines().find_map(command_in).unwrap();
        let typed = scene.types(&next, Input::Code);
        assert_eq!(typed.status, Some(0), "`{next}`: {typed:?}");
    }
}

#[test]
fn modes_are_mended_by_what_is_printed() {
    // A directory whose name a shell would take apart.
    let place = |scene: &Scene, mode: u32| {
        let directory = scene.home.path().join("it's $HOME");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        let file = directory.join("credentials");
        fs::write(&file, long_term("work")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    let scene = Scene::new(None, "");
    let file = place(&scene, 0o400);
    let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    let (_, again) = scene.follows(WORK, Input::Nothing);
    assert_eq!(again.status, Some(0), "{again:?}");

    let scene = Scene::new(None, "");
    let file = place(&scene, 0o644);
    let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    let line = WORK.replace(" -q", "") + " --force";
    let (_, again) = scene.follows(&line, Input::Nothing);
    assert!(!again.said.contains("can be read by"), "{again:?}");

    if !rustix::process::geteuid().is_root() {
        let scene = Scene::new(None, "");
        let file = place(&scene, 0o000);
        let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
        let (_, again) = scene.follows(WORK, Input::Nothing);
        assert_eq!(again.status, Some(0), "{again:?}");
    }
}

#[test]
fn fixes_of_doctor_mend_what_they_stand_under() {
    type Prepare = fn(&Scene);
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let _ = mode;
    let cases: [(&str, Prepare); 4] = [
        ("can be read by", |scene| {
            fs::set_permissions(
                scene.home.file("credentials"),
                fs::Permissions::from_mode(0o644),
            )
            .unwrap();
        }),
        ("everybody can change", |scene| {
            fs::set_permissions(scene.home.file(""), fs::Permissions::from_mode(0o777)).unwrap();
        }),
        ("is a symbolic link to", |scene| {
            fs::remove_file(scene.home.file("config")).unwrap();
            symlink("nowhere", scene.home.file("config")).unwrap();
        }),
        ("cannot be read in one way only", |scene| {
            scene.types(WORK, Input::Nothing);
            let sessions = scene.home.file(".mfa-creds/credentials.sessions");
            fs::write(sessions, "nonsense\n").unwrap();
        }),
    ];
    for (problem, prepare) in cases {
        let scene = Scene::new(Some(&long_term("work")), "");
        prepare(&scene);
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(problem))
            .skip(1);
        let fix = lines.next().unwrap_or_else(|| panic!("{problem}: {said}"));
        let command = command_in(fix).unwrap();
        let typed = scene.types(&command, Input::Nothing);
        assert_eq!(typed.status, Some(0), "`{command}`: {typed:?}");
        let again = scene.types(line, Input::Nothing).said;
        assert!(
            !again.contains(problem),
            "`{command}` did not help: {again}"
        );
    }
}

#[test]
fn doctor_names_commands_that_work() {
    let stale = short_term("work", FAR).replace(
        "aws_security_token = FakeToken",
        "aws_security_token = FakeOther",
    );
    let expired = short_term("work", "2001-01-01 00:00:00");
    for (section, problem) in [
        (stale, "aws_security_token of"),
        (expired, "expired"),
        (String::new(), "there are no credentials yet"),
    ] {
        let scene = Scene::new(Some(&format!("{}{section}", long_term("work"))), "");
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(problem))
            .skip(1);
        let fix = lines.next().unwrap_or_else(|| panic!("{problem}: {said}"));
        let command = command_in(fix).unwrap_or_else(|| panic!("{fix}"));
        let typed = scene.types(&command, Input::Code);
        assert_eq!(typed.status, Some(0), "`{command}`: {typed:?}");
        let again = scene.types(line, Input::Nothing).said;
        assert!(
            !again.contains(problem),
            "`{command}` did not help: {again}"
        );
        // And the plan that it names.
        let plan = said
            .lines()
            .find(|line| line.contains("mfa-creds plan"))
            .unwrap();
        let typed = scene.types(&command_in(plan).unwrap(), Input::Nothing);
        assert_eq!(typed.status, Some(0), "{typed:?}");
    }
}

#[test]
fn keys_in_front_of_a_process_are_moved_or_removed() {
    let config = "[profile work]\ncredential_process = mfa-creds export -p work --format process\n";
    let warning = "do not run the credential_process";
    let cases = [
        (plain("work"), Input::Keys, "mfa-creds setup --profile work"),
        (
            format!("{}{}", long_term("work"), short_term("work", FAR)),
            Input::Nothing,
            "mfa-creds clear -p work",
        ),
    ];
    for (credentials, input, expected) in cases {
        let scene = Scene::new(Some(&credentials), config);
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(warning))
            .skip(1);
        let command = command_in(lines.next().unwrap()).unwrap();
        assert_eq!(command, expected);
        assert_eq!(scene.types(&command, input).status, Some(0));
        let again = scene.types(line, Input::Nothing).said;
        assert!(!again.contains(warning), "{again}");
    }
    // A renewal that has just put them there says so, too; with the suffix that it was told.
    let scene = Scene::new(
        Some(&long_term("work")),
        "[profile work-x]\ncredential_process = false\n",
    );
    let line = "mfa-creds -p work --token $CODE --force --short-term-suffix x";
    let said = scene.types(line, Input::Nothing).said;
    let warned = said.lines().find(|line| line.contains(warning)).unwrap();
    let command = command_in(warned).unwrap();
    let typed = scene.types(&command, Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
    assert!(
        !scene.home.credentials().contains("[work-x]\nassumed_role"),
        "{command}"
    );
}

#[test]
fn a_role_in_a_section_that_no_tool_reads_is_removed() {
    let section = short_term("admin", FAR);
    let scene = Scene::new(
        Some(&format!("{}{section}", long_term("work"))),
        &admin("work"),
    );
    let line = "mfa-creds doctor -p work --offline";
    let warning = "AWS tools do not read [admin]";
    let said = scene.types(line, Input::Nothing).said;
    let mut lines = said
        .lines()
        .skip_while(|line| !line.contains(warning))
        .skip(1);
    let command = command_in(lines.next().unwrap()).unwrap();
    let typed = scene.types(&command, Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
    let again = scene.types(line, Input::Nothing).said;
    assert!(!again.contains(warning), "`{command}`: {again}");
}

#[test]
fn the_session_that_clear_leaves_is_ended_by_what_it_names() {
    let scene = Scene::new(Some(&long_term("work")), &admin("work"));
    assert_eq!(scene.types(ADMIN_LINE, Input::Nothing).status, Some(0));
    let said = scene.types("mfa-creds clear -p admin", Input::Nothing).said;
    let command = said.lines().find_map(command_in).unwrap();
    assert_eq!(scene.types(&command, Input::Nothing).status, Some(0));
    let typed = scene.types("mfa-creds status -p work --check", Input::Nothing);
    assert_eq!(typed.status, Some(1), "{command}: {typed:?}");
}

#[test]
fn a_holder_is_ended_by_the_command_and_only_where_it_is_that_process() {
    let scene = Scene::new(Some(&long_term("work")), "");
    let mut asking = on_terminal(&scene.home, &scene.sts, "exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let line = "mfa-creds -p work --lock-timeout 0";
    let locks = fs::read_dir(scene.home.file(".mfa-creds")).unwrap();
    let lock = locks
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains(".ask"))
        .unwrap();
    let signed = fs::read_to_string(&lock).unwrap();
    let (_, namespace) = signed.trim().split_once(' ').unwrap();
    // Of a container, of one that has ended without a trace, and as an older version has signed.
    for other in ["1 pid:[1]", &format!("4194303 {namespace}"), "1", ""] {
        fs::write(&lock, format!("{other}\n")).unwrap();
        let typed = scene.types(line, Input::Nothing);
        assert!(
            typed
                .said
                .contains("error: another process is still renewing"),
            "{typed:?}"
        );
        assert!(!typed.said.contains("kill"), "{typed:?}");
    }
    fs::write(&lock, &signed).unwrap();
    let (_, again) = scene.follows(line, Input::Nothing);
    assert!(!again.said.contains("is still renewing"), "{again:?}");
    asking.expect(Eof).unwrap();
}

#[test]
fn a_region_that_a_variable_sets_is_not_set_in_a_file() {
    let scene = Scene::new(Some(&long_term("work")), "").set("AWS_REGION", "us-gov-west-1");
    let said = scene.types(WORK, Input::Nothing).said;
    let (_, flag) = said.split_once("for example with `").unwrap();
    let (flag, rest) = flag.split_once('`').unwrap();
    assert!(!rest.contains("~/.aws/config"), "{said}");
    let typed = scene.types(&format!("{WORK} {flag}"), Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
}
