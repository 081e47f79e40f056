//! The flags of a request as words, for a renewal in a process of its own.

use std::ffi::OsString;

use clap::ValueEnum;

use crate::cli::{
    CodeFlags, Device, Network, PromptFlags, PromptTimeout, Request, SingleProfile, Suffixes,
    Verbosity,
};
use crate::commands::obtain::RenewalCommand;
use crate::core::text::quoted;

/// Words of a command line.
#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn switch(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.0.push(name.into());
        }
    }

    fn text(&mut self, name: &str, value: Option<&String>) {
        self.0
            .extend(value.map(|value| format!("{name}={value}").into()));
    }

    fn seconds(&mut self, name: &str, value: Option<u64>) {
        self.text(name, value.map(|value| value.to_string()).as_ref());
    }

    fn choice(&mut self, name: &str, value: Option<impl ValueEnum>) {
        let value = value.and_then(|value| Some(value.to_possible_value()?.get_name().to_owned()));
        self.text(name, value.as_ref());
    }

    /// The flags of a request, except those that select the sections.
    fn request(&mut self, request: &Request) {
        // Without `..`, so that no flag is forgotten.
        let Request {
            suffixes: _,
            device: Device { serial_number },
            duration,
            assume_role,
            role_session_name,
            external_id,
            direct,
            chain,
            scope,
            network: Network { region, timeout },
            // For the first credentials; a server renews those that end soon.
            min_ttl: _,
            force: _,
        } = request;
        self.text("--device", serial_number.as_ref());
        self.seconds("--duration", *duration);
        self.text("--assume-role", assume_role.as_ref());
        self.text("--role-session-name", role_session_name.as_ref());
        self.text("--external-id", external_id.as_ref());
        for (flag, value) in scope.given() {
            match value {
                Some(value) => self.text(flag, Some(&value.to_owned())),
                None => self.switch(flag, true),
            }
        }
        self.switch("--direct", *direct);
        self.switch("--chain", *chain);
        self.text("--region", region.as_ref());
        self.seconds("--timeout", *timeout);
    }
}

/// The flags that apply to every renewal of a profile: all but a code, `--force`, and `--min-ttl`, which are for the first one. The person may have picked
/// the profile.
pub(super) fn of_every_renewal(of: &SingleProfile, profile: Option<&String>) -> Vec<OsString> {
    // Without `..`, so that no flag is forgotten.
    let SingleProfile {
        profile: _,
        request,
        code_flags,
        no_store,
        verbosity,
    } = of;
    let Suffixes {
        long_term_suffix,
        short_term_suffix,
    } = &request.suffixes;
    let CodeFlags {
        token: _,
        mfa_process,
        prompt_flags:
            PromptFlags {
                prompt,
                timeout: PromptTimeout { prompt_timeout },
                no_input,
            },
        lock_timeout,
    } = code_flags;
    let Verbosity {
        quiet,
        verbose,
        log_level,
    } = verbosity;
    let mut words = Words::default();
    words.text("--profile", profile);
    words.text("--long-term-suffix", long_term_suffix.as_ref());
    words.text("--short-term-suffix", short_term_suffix.as_ref());
    words.request(request);
    words.text("--mfa-process", mfa_process.as_ref());
    words.choice("--prompt", *prompt);
    words.seconds("--prompt-timeout", *prompt_timeout);
    words.switch("--no-input", *no_input);
    words.seconds("--lock-timeout", *lock_timeout);
    words.switch("--no-store", *no_store);
    words.switch("--quiet", *quiet);
    for _ in 0..*verbose {
        words.switch("--verbose", true);
    }
    words.choice("--log-level", *log_level);
    words.0
}

/// What a person does after a failed renewal, so that the next one needs no code: the same request with a command that stores what it gets
/// where a renewal looks.
pub(super) fn way_out(of: &SingleProfile, renewal: &RenewalCommand) -> String {
    let mut words = Words::default();
    words.request(&of.request);
    let flags = words
        .0
        .iter()
        .map(|word| format!(" {}", quoted(&word.to_string_lossy())));
    let command = renewal.with(&flags.collect::<String>());
    format!("run `{command}` in another terminal")
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_words_say_the_same() {
        let command = SingleProfile::augment_args(Command::new("export"));
        let parse = |words: &[OsString]| {
            let program = [OsString::from("export")];
            let words = program.iter().chain(words);
            let matches = command.clone().try_get_matches_from(words).unwrap();
            SingleProfile::from_arg_matches(&matches).unwrap()
        };
        let words_of = |words: &[OsString]| {
            let parsed = parse(words);
            of_every_renewal(&parsed, parsed.profile.name.as_ref())
        };
        for line in [
            "--profile=-a b --long-term-suffix=x --short-term-suffix=none --device=d --duration=3600",
            "--assume-role=r --role-session-name=n --external-id=e --direct --region=eu-west-1 --timeout=7",
            "--chain --mfa-process=oathtool x --prompt=gui --prompt-timeout=5 --lock-timeout=6",
            "--policy-arn=a --policy-arn=b --tag=a=1 --tag=b=2 --transitive-tag=a --source-identity=me",
            "--read-only",
            "--session-policy=a b.json",
            "--no-input --no-store --verbose --verbose --log-level=NOTSET",
            "--quiet",
        ] {
            let given: Vec<OsString> = line
                .split(" --")
                .map(|word| {
                    let word = word.strip_prefix("--").unwrap_or(word);
                    format!("--{word}").into()
                })
                .collect();
            assert_eq!(words_of(&given), given);
        }
        let with_code = ["--token=123456", "--force", "--min-ttl=9"].map(OsString::from);
        assert!(words_of(&with_code).is_empty());
    }
}
