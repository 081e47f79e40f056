//! `mfa-creds console`: opens the AWS console, signed in as the role of a profile, or as its user.

mod federated_user;
mod peer;
mod browser;
mod redirect;

use std::io::{self, IsTerminal as _};

use anyhow::{Result, bail};
use clap::Args;

use self::browser::Opener;
use super::obtain::{ChosenProfile, Purpose, choose};
use crate::aws::network::{self, Network, Preparation, RequestContext, Signer};
use crate::aws::sign_in;
use crate::cli::SingleProfile;
use crate::core::credentials::Credentials;
use crate::core::environment::Environment;
use crate::plan::{ConsoleSignIn, WhoSignsIn, needs_a_role};
use crate::renewal::codes::StandardInput;
use crate::renewal::verbose::tell_connection;
use crate::report::{self, Report};

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Open the AWS console, signed in as a role or a user";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
The browser is the first of BROWSER that works, or the default browser. A role that is assumed directly (--direct, or --duration of more \
than 1h) stays signed in for --duration; any other for as long as its credentials last. Without a role, the user is signed in without a code, \
if a policy allows sts:GetFederationToken.";

/// The longest path of a page.
const LONGEST_PAGE: usize = 100;

/// The arguments of `console`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Console {
    /// Open the page of this service, such as `s3` or `ec2`
    #[arg(long, value_name = "NAME", value_parser = service_name)]
    pub service: Option<String>,
    /// Print the address instead of opening it. Anybody who opens it within 15 minutes is signed in
    #[arg(long)]
    pub url: bool,
    #[command(flatten)]
    pub of: SingleProfile,
}

/// Accepts the path of a page: in it, nothing may lead to another host or another page than it says.
fn service_name(name: &str) -> Result<String, &'static str> {
    let takes =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/".contains(&byte);
    let fits = name.len() <= LONGEST_PAGE
        && name.bytes().all(takes)
        && name.split('/').all(|part| !part.is_empty());
    if fits {
        Ok(name.to_owned())
    } else {
        Err("use small letters, digits, hyphens, and slashes, as in `s3` or `ec2`")
    }
}

/// What is decided before a code is asked for.
struct Prepared {
    sign_in: ConsoleSignIn,
    network: Preparation,
    /// What opens a browser, unless the address is printed.
    openers: Vec<Opener>,
}

/// Credentials that AWS signs in with, and the network that is ready for that.
struct Obtained {
    credentials: Credentials,
    /// Whose they are: the ARN of a role, or the name of a user.
    name: String,
    network: Network,
}

/// Opens the console, or prints its address.
pub(super) fn console(args: &Console, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let purpose = Purpose::once(StandardInput::Ours);
    let (sign_in, openers, obtained) = choose(&args.of, environment, report, purpose, |chosen| {
        let Prepared {
            sign_in,
            network,
            openers,
        } = prepare(args, environment, &chosen)?;
        let obtained = obtain(&sign_in, network, chosen, environment)?;
        Ok((sign_in, openers, obtained))
    })?;
    let name = &obtained.name;
    let (signer, session_seconds, how) = match &sign_in.who {
        WhoSignsIn::Role {
            session_seconds, ..
        } => (Signer::Role(name), *session_seconds, ""),
        WhoSignsIn::User(_) => (Signer::FederatedUser(name), None, ", without MFA"),
    };
    let request = RequestContext {
        connection: &sign_in.connection,
        key_source: &sign_in.key_source,
        access_key_id: &obtained.credentials.access_key_id,
        signer,
        flags: "",
        codes: &[],
    };
    let page = page(&sign_in, args.service.as_deref());
    report.detail(format_args!("console page: {page}"));
    tell_connection(report, "sign-in ", &sign_in.connection);
    let address = sign_in::address(
        &obtained.network,
        &request,
        &obtained.credentials,
        session_seconds,
        &page,
    )?;
    if args.url {
        if io::stdout().is_terminal() {
            report.warning(
                "this address is a secret: anybody who opens it within 15 minutes is signed in",
            );
        }
        return report::data(&zeroize::Zeroizing::new(format!("{}\n", address.expose())));
    }
    redirect::hand_over(openers, address, report)?;
    report.progress(format_args!(
        "the browser opens the AWS console as {name}{how}"
    ));
    Ok(())
}

/// Everything that can fail without a code.
fn prepare(
    args: &Console,
    environment: &Environment,
    chosen: &ChosenProfile<'_>,
) -> Result<Prepared> {
    let sections = &chosen.sections;
    let sign_in = chosen.inputs.console_sign_in(sections)?;
    let mut connections = vec![&sign_in.connection];
    if let WhoSignsIn::User(user) = &sign_in.who {
        // Whoever gives a code expects that it is used.
        if args.of.code_flags.token.is_some() {
            bail!(needs_a_role("--token"));
        }
        connections.push(&user.access.sts);
    }
    let openers = if args.url {
        Vec::new()
    } else {
        browser::openers(environment)?
    };
    let network = network::prepare(connections, chosen.report)?;
    Ok(Prepared {
        sign_in,
        network,
        openers,
    })
}

/// The credentials to sign in with: those of the role, renewed if necessary, or a federation token of the user.
fn obtain(
    sign_in: &ConsoleSignIn,
    network: Preparation,
    chosen: ChosenProfile<'_>,
    environment: &Environment,
) -> Result<Obtained> {
    match &sign_in.who {
        WhoSignsIn::Role { arn, .. } => Ok(Obtained {
            credentials: chosen.obtain()?.credentials,
            name: arn.clone(),
            network: network.finish()?,
        }),
        WhoSignsIn::User(user) => {
            let network = network.finish()?;
            let keys = &sign_in.key_source;
            let (name, credentials) =
                federated_user::credentials(user, keys, &chosen, &network, environment)?;
            Ok(Obtained {
                credentials,
                name,
                network,
            })
        }
    }
}

/// The page of a service, or the first page, in the region of the profile if it has one.
fn page(sign_in: &ConsoleSignIn, service: Option<&str>) -> String {
    let path = match service {
        None => "console/home".to_owned(),
        Some(service) if service.contains('/') => service.to_owned(),
        Some(service) => format!("{service}/home"),
    };
    let region = sign_in.region.as_ref();
    let region = region.map_or_else(String::new, |region| format!("?region={region}"));
    format!("https://{}/{path}{region}", sign_in.host)
}
