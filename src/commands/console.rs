//! `mfa-creds console`: opens the AWS console, signed in as the role of a profile.

mod peer;
mod browser;
mod redirect;

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, Result};
use clap::Args;

use self::browser::Opener;
use super::obtain::{Purpose, obtain};
use crate::aws::network::{self, Preparation, RequestContext, Signer};
use crate::aws::sign_in;
use crate::cli::SingleProfile;
use crate::core::environment::Environment;
use crate::plan::{ConsoleSignIn, Inputs, ProfileSections};
use crate::renewal::codes::StandardInput;
use crate::report::{self, Report};

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Open the AWS console, signed in as the role of a profile";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
The browser is the first of BROWSER that works, or the default browser. A role that is assumed directly (--direct, or --duration of more \
than 1h) stays signed in for --duration; any other for as long as its credentials last.";

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
    /// The command that prints the address.
    print: String,
}

/// Opens the console, or prints its address.
pub(super) fn console(args: &Console, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let purpose = Purpose::once(StandardInput::Ours);
    let mut prepared = None;
    let obtained = obtain(
        &args.of,
        environment,
        report,
        purpose,
        |inputs, sections| {
            prepared = Some(prepare(args, environment, report, inputs, sections)?);
            Ok(())
        },
    )?;
    let Prepared {
        sign_in,
        network,
        openers,
        print,
    } = prepared.context("no profile was selected")?;
    let request = RequestContext {
        connection: &sign_in.connection,
        key_source: &sign_in.key_source,
        access_key_id: &obtained.credentials.access_key_id,
        signer: Signer::Role(&sign_in.role_arn),
        flags: "",
        codes: &[],
    };
    let page = page(&sign_in, args.service.as_deref());
    report.detail(format_args!("console page: {page}"));
    let address = sign_in::address(
        &network.finish()?,
        &request,
        &obtained.credentials,
        sign_in.session_seconds,
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
    redirect::hand_over(openers, address, report, &print)?;
    report.progress(format_args!(
        "the browser opens the AWS console as {}",
        sign_in.role_arn
    ));
    Ok(())
}

/// Everything that can fail without a code.
fn prepare(
    args: &Console,
    environment: &Environment,
    report: Report,
    inputs: &Inputs<'_>,
    sections: &ProfileSections,
) -> Result<Prepared> {
    let sign_in = inputs.console_sign_in(sections)?;
    let print = format!("{} --url", sections.command("console"));
    let openers = if args.url {
        Vec::new()
    } else {
        browser::openers(environment, &print)?
    };
    let network = network::prepare([&sign_in.connection], report)?;
    Ok(Prepared {
        sign_in,
        network,
        openers,
        print,
    })
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
