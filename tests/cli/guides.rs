//! The guides and the README are true: links lead somewhere, the list of guides is complete, and every transcript is run again on a
//! terminal and compared as a whole.
//!
//! Changed messages change transcripts: `UPDATE_TRANSCRIPTS=1 cargo test --locked --test cli guides::` writes them anew.
//! `tests/real` runs the transcripts of `administrators.md` and of `recipes.md`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use console::strip_ansi_codes;
use expectrl::{Eof, Expect as _, Regex};
use stand_in::{ALICE_DEVICE, Account, Device, Role, StandIn};

use crate::support::accounts::{FIDO, alice, stand_in};
use crate::support::home::Home;
use crate::support::sections::long_term;
use crate::support::sources;
use crate::support::terminal::on_terminal;

/// What the prompt ends with, on whose line the code is typed.
const PROMPT: &str = "seconds\\): ";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of the guides, by name.
fn guides() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("src/guide")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// What GitHub makes of a heading in an address.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches(['#', ' ']).to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().replace(' ', "-")
}

fn headings(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    lines.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let documents = [
        "README.md",
        ".github/ARCHITECTURE.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
        ".github/CHANGELOG.md",
    ];
    let documents = documents.map(|name| root().join(name));
    for path in guides().iter().chain(&documents) {
        let text = fs::read_to_string(path).unwrap();
        let prose: String = text.split("\n```").step_by(2).collect();
        for link in prose.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.starts_with("https:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            assert!(target.exists(), "{link} in {}", path.display());
            if !heading.is_empty() {
                let known = headings(&fs::read_to_string(&target).unwrap());
                assert!(
                    known.contains(heading),
                    "{link} in {}: {known:?}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_readme_is_short_and_names_every_guide() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 200);
    let list = Home::new().run(&["help"]).outcome().stdout;
    for path in guides() {
        let name = name(&path);
        assert!(readme.contains(&format!("(src/guide/{name}.md)")), "{name}");
        assert!(
            list.contains(&format!("\n  {name} ")),
            "`mfa-creds help` lists {name}"
        );
    }
}

/// The transcripts of a guide: the text before the output of each command, and that output.
struct Transcripts {
    text: String,
}

impl Transcripts {
    /// The same text with the output that each command has now.
    fn run(&self, mut run: impl FnMut(&str) -> String) -> String {
        let mut new = String::new();
        let mut is_transcript = false;
        for line in self.text.split_inclusive('\n') {
            let command = line.strip_prefix("$ ").filter(|_| is_transcript);
            if line.starts_with("```") {
                is_transcript = line.trim_end() == "```console";
            } else if is_transcript && command.is_none() {
                continue;
            }
            new += line;
            if let Some(command) = command {
                new += &run(command.trim_end());
            }
        }
        new
    }
}

/// Runs a command on a terminal, types the code if one is asked for, and returns what the terminal shows.
fn shown(home: &Home, sts: &StandIn, command: &str) -> String {
    let arguments = command.strip_prefix("mfa-creds").unwrap();
    let screen = "stty echo cols 110; unset MFA_CREDS_TRACE";
    let mut session = on_terminal(home, sts, &format!("{screen}; exec \"$0\"{arguments}"));
    let mut screen = Vec::new();
    loop {
        let found = session
            .expect(expectrl::Any::boxed(vec![
                Box::new(Regex(PROMPT)),
                Box::new(Eof),
            ]))
            .unwrap();
        screen.extend_from_slice(found.as_bytes());
        if !found.as_bytes().ends_with(b"seconds): ") {
            break;
        }
        session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    }
    let screen = String::from_utf8_lossy(&screen).replace('\r', "");
    let screen = strip_ansi_codes(&screen).into_owned();
    // The line by which the script began.
    let screen = screen.strip_prefix('\n').unwrap_or(&screen);
    let screen = screen.replace(&*home.path().to_string_lossy(), "~");
    let lines = screen.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

/// Without what is different each time: the time of day, and the code.
fn stable(text: &str) -> String {
    let mut stable = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let shape: String = word
            .trim_end()
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        let end = &word[word.trim_end().len()..];
        let is_code = shape.len() == 6 && shape.starts_with("000000") && stable.ends_with("): ");
        stable += match shape.trim_start_matches(['+', '-']) {
            "00:00" | "00:00," => "TIME",
            "0000-00-00" => "DATE",
            _ if is_code => "CODE",
            _ => word.trim_end(),
        };
        stable += end;
    }
    stable
}

fn compare(path: &Path, home: &Home, sts: &StandIn) {
    let text = fs::read_to_string(path).unwrap();
    let new = Transcripts { text: text.clone() }.run(|command| shown(home, sts, command));
    if stable(&new) == stable(&text) {
        return;
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        // What is only another time of day stays.
        let old: HashMap<String, &str> = text.lines().map(|line| (stable(line), line)).collect();
        let lines = new
            .lines()
            .map(|line| old.get(&stable(line)).copied().unwrap_or(line));
        fs::write(path, lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        return;
    }
    let (new, text) = (stable(&new), stable(&text));
    let differs = new.lines().zip(text.lines()).find(|(new, old)| new != old);
    panic!(
        "{} shows something else: {differs:?}\n{new}",
        path.display()
    );
}

fn guide(name: &str) -> PathBuf {
    root().join(format!("src/guide/{name}.md"))
}

/// All blocks of this language in a guide.
fn blocks(name: &str, language: &str) -> String {
    let text = fs::read_to_string(guide(name)).unwrap();
    let start = format!("```{language}\n");
    let blocks = text.split(&start).skip(1);
    let blocks = blocks.map(|block| block.split_once("```").unwrap().0);
    blocks.collect::<Vec<_>>().join("\n")
}

/// The first block of this language in a guide.
fn block(name: &str, language: &str) -> String {
    let text = fs::read_to_string(guide(name)).unwrap();
    let (_, block) = text.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_first_steps() {
    compare(
        &guide("first-steps"),
        &Home::of_alice(),
        &StandIn::start(Account::example()),
    );
}

#[test]
fn the_devices() {
    let account = alice()
        .device(Device::new(ALICE_DEVICE))
        .device(Device::fido(FIDO));
    compare(&guide("devices"), &Home::of_alice(), &stand_in(account));
}

#[test]
fn the_roles() {
    let role = |name: &str| Role::new(&format!("arn:aws:iam::{name}")).requires_mfa();
    let account = Account::example()
        .role(role("123456789012:role/admin"))
        .role(
            role("210987654321:role/audit")
                .external_id("outside")
                .trusts("123456789012"),
        );
    let home = Home::of_alice();
    home.write("config", &blocks("roles", "ini"));
    compare(&guide("roles"), &home, &StandIn::start(account));
}

#[test]
fn the_sign_in_with_the_aws_cli() {
    let admin = Role::new("arn:aws:iam::123456789012:role/admin");
    let sts = StandIn::start(Account::example().role(admin));
    let home = Home::new();
    home.signed_in("dev", &sts);
    home.write("config", &blocks("aws-login", "ini"));
    compare(&guide("aws-login"), &home, &sts);
}

#[test]
fn the_shells() {
    let home = Home::with(&long_term("work"));
    let sts = StandIn::start(Account::example());
    home.write("config", &block("roles", "ini"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    compare(&guide("shells"), &home, &sts);
}

#[test]
fn the_checklist_of_doctor() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::of_alice();
    home.write(
        "config",
        "[profile work]\nregion = eu-west-1\n\noutput json\n",
    );
    fs::set_permissions(home.file("credentials"), fs::Permissions::from_mode(0o644)).unwrap();
    compare(
        &guide("troubleshooting"),
        &home,
        &StandIn::start(Account::example()),
    );
}

/// The messages that people look up. Those of other tools are in backquotes.
#[test]
fn the_frequent_problems_are_messages_of_the_program() {
    let guide = fs::read_to_string(guide("troubleshooting")).unwrap();
    let (_, table) = guide.split_once("| message | cause and fix |\n").unwrap();
    let sources: String = sources::files()
        .iter()
        .map(|file| sources::read(file))
        .collect();
    let rows = table
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("| "));
    let messages: Vec<_> = rows
        .filter_map(|row| row.split(" | ").next())
        .filter(|message| !message.starts_with('`'))
        .collect();
    assert!(messages.len() >= 5, "{messages:?}");
    for message in messages {
        for piece in message.split('…') {
            assert!(sources.contains(piece.trim()), "{message}");
        }
    }
}

/// A transcript that no test runs would be a claim.
#[test]
fn every_transcript_is_run() {
    let run = [
        "administrators",
        "aws-login",
        "devices",
        "first-steps",
        "roles",
        "shells",
        "troubleshooting",
    ];
    for path in guides() {
        let text = fs::read_to_string(&path).unwrap();
        let has = text.contains("```console\n");
        assert_eq!(has, run.contains(&&*name(&path)), "{}", path.display());
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(!readme.contains("```console\n"));
}
