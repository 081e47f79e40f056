//! `mfa-creds doctor`: checks everything that a renewal needs. It renews and writes nothing, and asks for no code.

mod files;
mod keychains;
mod lines;
mod permissions;
mod writing;
mod sections;
mod overridden_keys;
mod variables;
mod profile;
mod session;
mod reachability;
mod tools;
mod redactor;
mod checklist;

use std::process::ExitCode;

use anyhow::Result;

use self::checklist::Checklist;
use self::files::Which;
use self::profile::Examined;
use super::loaded_files::LoadedFiles;
use super::status;
use crate::cli::{Network, Profile, Profiles, Request, Suffixes};
use crate::core::environment::Environment;
use crate::files::profiles::{self, Paths, key};
use crate::plan::{self, Inputs, Keys, Origin, SectionNames, Setting};
use crate::prompt::credential_process;
use crate::report;
use clap::Args;

/// The command in one line, for the help.
pub(super) const ABOUT: &str = "Check for problems, and show how to fix them";

/// The arguments of `doctor`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Doctor {
    #[command(flatten)]
    pub profile: Profile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Check only this machine, without calling AWS
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub network: Network,
    #[command(flatten)]
    pub suffixes: Suffixes,
}

/// Shows what is right and what is wrong. A problem is a line of the list, and the checks go on.
pub(super) fn doctor(args: &Doctor, environment: &Environment) -> Result<ExitCode> {
    let mut list = Checklist::new();
    if let Some(paths) = list.attempt("files", Paths::find(environment)) {
        examine(args, environment, paths, &mut list);
    }
    let text = if args.json {
        list.json()?
    } else {
        list.text(status::layout().has_colors)
    };
    report::data(&text)?;
    Ok(ExitCode::from(u8::from(list.has_problems())))
}

fn examine(args: &Doctor, environment: &Environment, paths: Paths, list: &mut Checklist) {
    let loaded = load(args, environment, paths, list);
    let names = &loaded.names;
    // With an index, because every section is checked.
    let files = &loaded.files(&Profiles {
        all: true,
        ..Profiles::default()
    });
    let request = Request {
        suffixes: args.suffixes.clone(),
        network: args.network.clone(),
        ..Request::default()
    };
    let inputs = loaded.inputs(&request, environment, files);
    lines::check(list, Which::Credentials.name(), &files.credentials);
    lines::check(list, Which::Config.name(), &files.config);
    permissions::check(list, files, &names.login_files(files));
    writing::check(list, files.credentials.path);
    let profile = or_the_only_one(inputs.single_profile(&args.profile), &inputs);
    variables::check(list, &inputs, &profile);
    overridden_keys::check(list, names, files);

    let shown = format!("{} ({})", profile.value, profile.origin);
    let sections = list.attempt("profile", names.sections_of(profile, files));
    let sections = sections.map(|sections| {
        match inputs.unknown_profile(&sections) {
            Some(unknown) => list.failed("profile", &unknown.into()),
            None => list.ok("profile", shown),
        }
        inputs.in_login_cache(sections.in_its_place(&files.credentials))
    });
    sections::check(list, files, sections.as_ref());
    keychains::check(list, names, files);
    tools::check(list, environment, files, sections.as_ref());
    if let Some(sections) = &sections {
        examine_profile(args, &Examined { inputs, sections }, list);
    }
}

/// The profile; if nobody named one and there is no default profile, the only one that there is.
fn or_the_only_one(profile: Setting<String>, inputs: &Inputs<'_>) -> Setting<String> {
    let is_meant = profile.origin != Origin::Default
        || match inputs.names.sections_of(profile.clone(), inputs.files) {
            Ok(sections) => inputs.unknown_profile(&sections).is_none(),
            Err(_) => true,
        };
    match &inputs.candidates()[..] {
        [only] if !is_meant => Setting {
            value: only.clone(),
            origin: Origin::OnlyProfile,
        },
        _ => profile,
    }
}

/// Reads the two files, as far as they can be read.
fn load(
    args: &Doctor,
    environment: &Environment,
    paths: Paths,
    list: &mut Checklist,
) -> LoadedFiles {
    let names = SectionNames::new(&args.suffixes, environment);
    let asked = args.profile.name.as_ref().map(|name| Setting {
        value: name.clone(),
        origin: Origin::Flag("--profile"),
    });
    let asked = asked.unwrap_or_else(|| plan::profile_of_environment(environment));
    let setup_command = names.as_ref().map_or_else(
        |_| "mfa-creds setup".to_owned(),
        |names| names.setup_command_for(&asked),
    );
    // Whoever signs in with `aws login` needs no keys.
    let config = profiles::read(&paths.config).ok().flatten();
    let has_login = config.is_some_and(|text| text.contains(key::LOGIN_SESSION));
    let setup_command = Some(&*setup_command).filter(|_| !has_login);
    let [credentials, config] = [
        (Which::Credentials, &*paths.credentials),
        (Which::Config, &paths.config),
    ]
    .map(|(which, path)| files::read(list, which, path, environment, setup_command));
    let names = list.attempt("settings", names);
    LoadedFiles::of(paths, names.unwrap_or_default(), credentials, config)
}

/// Checks the settings of a profile, and asks AWS who its keys belong to.
fn examine_profile(args: &Doctor, examined: &Examined<'_>, list: &mut Checklist) {
    let user = examined.user(list);
    examined.settings(list);
    session::check(list, examined, user.as_ref());
    if let Some(user) = &user
        && reachability::way(list, user).is_some()
        && !args.offline
        && !matches!(user.key_source.keys, Keys::Login(_))
        && let Some(keys) = list.attempt(
            "keys",
            credential_process::keys(&user.key_source, examined.inputs.environment),
        )
    {
        reachability::ask(list, user, &keys, examined.sections);
    }
}
