//! `mfa-creds serve`: a server of credentials for programs that it does not start, such as containers and IDEs.

mod render;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::render::{Offer, render};
use super::loaded_files::LoadedFiles;
use super::server::{self, Asking, LOOPBACK, Server};
use crate::cli::{self, CodeFlags, Profile, Profiles, Request, SingleProfile, Verbosity};
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::core::form::WRITE_ROLE;
use crate::core::seconds;
use crate::plan::{self, Selection};
use crate::report::{self, Report};

/// Describes the command in the help.
pub(super) const ABOUT: &str =
    "Serve credentials to containers, IDEs, and other programs, and renew them";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
The output is what AWS tools need to find the server. It contains a token. Any program that has the token and reaches the server gets the credentials.";

/// What a URL can have in its path as it is, in the name of a profile or a role.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b'@')
    .remove(b'+')
    .remove(b'=')
    .remove(b',');

/// The arguments of `serve`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Serve {
    #[command(flatten)]
    pub profiles: Profiles,
    /// Also serve this role, which the profile can assume; repeat it for several roles
    #[arg(long = "with-role", value_name = "ARN", conflicts_with_all = ["all", "assume_role"])]
    pub roles: Vec<String>,
    /// The address and port of the server; port 0 is any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = LOOPBACK)]
    pub listen: SocketAddr,
    /// The format of the output
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "env")]
    pub format: Format,
    /// How long before credentials expire the server renews them: seconds, or `30m` [default: 15m]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true, hide_short_help = true)]
    pub renew_before: Option<u64>,
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub code_flags: CodeFlags,
    /// Leave `[PROFILE]` alone, and store the credentials in the private session file
    #[arg(long, help_heading = cli::FILES, hide_short_help = true)]
    pub no_store: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// The output formats.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For bash, zsh, and any POSIX shell
    Env,
    /// For `.env` files
    Dotenv,
    /// For scripts
    Json,
}

/// Serves credentials until a signal ends it.
pub(super) fn serve(args: &Serve, environment: &Environment) -> Result<ExitCode> {
    let report = Report::new(&args.verbosity);
    let names = names(args, environment)?;
    check_roles(args, &names)?;
    let mut server = Server::listen(args.listen)?;
    let mut offers: Vec<Offer> = Vec::new();
    let renew_before = args.renew_before.unwrap_or(server::RENEW_BEFORE);
    let profiles = names.into_iter().map(|name| (name, None));
    let mut roles: Vec<&String> = Vec::new();
    for role in &args.roles {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    let roles = roles.into_iter().map(|role| (None, Some(role)));
    for (name, role) in profiles.chain(roles) {
        // A role is assumed by the profile, which a person may have picked.
        let name = name.or_else(|| offers.first().map(|offer| offer.profile.clone()));
        let of = args.of(name, role.cloned(), offers.is_empty());
        let mut first =
            match server::obtain_first(&of, renew_before, Asking::Anywhere, environment)? {
                Ok(first) => first,
                Err(code) => return Ok(code),
            };
        let profile = first.obtained.profile.clone();
        let role_arn = first.obtained.credentials.role_arn.clone();
        let role_arn = role_arn.filter(|_| role.is_some());
        // The same role, written in the other way.
        if role_arn.is_some() && offers.iter().any(|offer| offer.role_arn == role_arn) {
            continue;
        }
        let path = match &role_arn {
            Some(arn) => {
                first.renewal.name.clone_from(arn);
                format!("/role/{}", utf8_percent_encode(arn, IN_PATH))
            }
            None => format!("/{}", utf8_percent_encode(&profile, IN_PATH)),
        };
        let route = server.add(&path, first)?;
        offers.push(Offer {
            profile,
            role_arn,
            url: route.url.clone(),
            token: route.token.clone(),
        });
    }
    let address = server.address();
    if !address.ip().is_loopback() {
        // Even with -q: it is about who can get the credentials.
        Report::notice(format_args!(
            "warning: other machines or containers can reach {address}; any program there that has a token gets the credentials"
        ));
    }
    report.progress(format_args!(
        "serving credentials on {address}; Ctrl-C ends the server"
    ));
    report::data(&render(&offers, args.format)?)?;
    Ok(server.run_until_signal())
}

/// The profiles to serve; none stands for the default, which a person may pick.
fn names(args: &Serve, environment: &Environment) -> Result<Vec<Option<String>>> {
    if args.profiles.names.is_empty() && !args.profiles.all {
        return Ok(vec![None]);
    }
    let loaded = LoadedFiles::recover(&args.request.suffixes, &args.profiles, environment)?;
    let files = loaded.files(&args.profiles);
    let inputs = loaded.inputs(&args.request, environment, &files);
    let Selection { profiles, left_out } = inputs.selected(&args.profiles)?;
    if let Some((_, error)) = left_out.into_iter().next() {
        return Err(error);
    }
    Ok(profiles
        .into_iter()
        .map(|profile| Some(profile.value))
        .collect())
}

/// Refuses roles that nothing assumes, before a code is asked for.
fn check_roles(args: &Serve, names: &[Option<String>]) -> Result<()> {
    if names.len() > 1 && !args.roles.is_empty() {
        bail!(
            Failure::new(
                "--with-role needs one profile that assumes the roles, and several are named"
            )
            .hint("run a server for each profile")
            .exit(Exit::Usage)
        );
    }
    for arn in &args.roles {
        if !plan::is_role(arn) {
            bail!(
                Failure::new(format!("`{arn}` (--with-role) is not a role ARN")).hint(WRITE_ROLE)
            );
        }
    }
    Ok(())
}

impl Serve {
    /// The request for a profile or a role. A code and `--force` are for the first one.
    fn of(&self, name: Option<String>, role: Option<String>, is_first: bool) -> SingleProfile {
        let is_role = role.is_some();
        let mut request = self.request.clone();
        let mut code_flags = self.code_flags.clone();
        request.assume_role = role.or(request.assume_role);
        request.force &= is_first;
        code_flags.token = code_flags.token.filter(|_| is_first);
        SingleProfile {
            profile: Profile { name },
            request,
            code_flags,
            // The section is for the profile itself.
            no_store: self.no_store || is_role,
            verbosity: self.verbosity.clone(),
        }
    }
}
