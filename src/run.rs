//! One short function per command. The only module that knows all stages.

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};
use chrono::{TimeDelta, Utc};
use zeroize::Zeroizing;

use crate::cli::{Cli, Command, Preview, Refresh, Request, Setup};
use crate::credentials::{LongTermKeys, Secret};
use crate::document::Document;
use crate::environment::Environment;
use crate::error::{self, Exit, Failure};
use crate::freshness::Freshness;
use crate::group::{self, Done, Group, Job, Results, Wanted};
use crate::key_process;
use crate::mfa_code::Codes;
use crate::plan::{self, Base, Call, Cap, Chosen, Naming, Origin, Plan, Step, Target};
use crate::preview;
use crate::profiles::{self, File, Files, Paths};
use crate::renewal;
use crate::report::{self, Report};
use crate::session::Maker;
use crate::setup::{self, Respondent};
use crate::short_term;
use crate::store::{self, Store, private_directory};

/// Does what the command line says.
///
/// # Errors
/// What a user has to know.
pub fn run(cli: &Cli, environment: &Environment) -> Result<()> {
    match &cli.command {
        Some(Command::Setup(setup)) => set_up(setup, environment),
        Some(Command::Plan(preview)) => show_plan(preview, environment),
        None if cli.refresh.setup => set_up(&Setup::of(&cli.refresh), environment),
        None => refresh(&cli.refresh, environment),
    }
}

/// Makes sure that the profiles have valid credentials.
fn refresh(args: &Refresh, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let request = &args.request;
    let paths = Paths::find(environment)?;
    store::recover(&paths.credentials)?;
    let texts = Texts::read(&paths, request, environment)?;
    let files = texts.files(&paths);
    let naming = Naming::new(&request.suffixes, environment)?;
    let min_ttl = plan::min_ttl(request, environment)?;
    let profiles = plan::profiles(&request.profiles, environment, &naming, &files)?;
    report.detail(format_args!(
        "credentials file: {}",
        paths.credentials.display()
    ));
    tell(
        report,
        "renewed with less left than",
        format_args!("{} s", min_ttl.value),
        &min_ttl.origin,
    );
    let mut run = Run {
        report,
        several: profiles.len() > 1,
        valid: Vec::new(),
        failed: Vec::new(),
        beside: None,
    };
    let mut jobs = Vec::new();
    for profile in profiles {
        let name = profile.value.clone();
        match examine(
            args,
            environment,
            &naming,
            profile,
            &files,
            &min_ttl,
            &mut run,
        ) {
            Ok(job) => jobs.extend(job),
            Err(error) => run.fail(vec![name], error)?,
        }
    }
    if !jobs.is_empty() {
        renew(args, environment, &paths, &files, jobs, &mut run)?;
    }
    run.end()
}

/// Looks whether a profile needs new credentials, and plans how to get them.
fn examine(
    args: &Refresh,
    environment: &Environment,
    naming: &Naming,
    profile: Chosen<String>,
    files: &Files<'_>,
    min_ttl: &Chosen<u32>,
    run: &mut Run,
) -> Result<Option<Job>> {
    let report = run.report;
    let target = naming.target_beside_role(profile, &files.config)?;
    tell_target(report, &target);
    warn_of_irregularities(
        report,
        &files.credentials,
        &[&target.long_term, &target.short_term],
    );
    let wanted = wanted(&args.request, environment, &target, files, min_ttl);
    match group::look(&files.credentials, &target, &wanted)? {
        Freshness::Reuse { until } => {
            run.valid.push(target.profile.value.clone());
            renewal::tell_still_valid(report, &target, until);
            Ok(None)
        }
        Freshness::Renew { because } => {
            let plan = plan::plan(&args.request, environment, naming, &target, files)?;
            tell_plan(report, &plan);
            Ok(Some(Job {
                target,
                wanted,
                because,
                plan,
            }))
        }
    }
}

/// Gets new credentials: one code for all profiles that share the keys and the device.
fn renew(
    args: &Refresh,
    environment: &Environment,
    paths: &Paths,
    files: &Files<'_>,
    jobs: Vec<Job>,
    run: &mut Run,
) -> Result<()> {
    let groups = groups(jobs, run)?;
    let given = plan::given_code(args, environment);
    if let Some(code) = &given {
        tell(run.report, "code", "given", &code.origin);
    }
    let mut needed = 0;
    let mut devices: Vec<&str> = Vec::new();
    for group in &groups {
        let session = group::session_at_hand(&paths.credentials, &files.credentials, &group.maker)?;
        let codes = group.codes(session.as_ref());
        let device = group.maker.device.as_str();
        if codes > 0 && !devices.contains(&device) {
            devices.push(device);
        }
        needed += codes;
    }
    check_given(given.as_ref(), &devices)?;
    let mut codes = Codes::new(given.as_ref(), needed)?;
    let renew = |group| renewal::renew(args, &paths.credentials, run.report, group, &mut codes);
    let ends: Vec<Results> = groups.iter().map(renew).collect();
    for (group, results) in groups.iter().zip(ends) {
        run.tell(group, results)?;
    }
    Ok(())
}

/// Brings together what shares the keys and the device, in the order of the profiles.
fn groups(jobs: Vec<Job>, run: &mut Run) -> Result<Vec<Group>> {
    let mut keys: Vec<(String, LongTermKeys)> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for job in jobs {
        let keys = match known_keys(&job.plan.base, &mut keys) {
            Ok(keys) => keys,
            Err(error) => {
                run.fail(vec![job.target.profile.value], error)?;
                continue;
            }
        };
        let maker = Maker {
            access_key_id: keys.access_key_id.clone(),
            device: job.plan.device.value.clone(),
        };
        match groups.iter_mut().find(|group| group.maker == maker) {
            Some(group) => group.jobs.push(job),
            None => groups.push(Group {
                maker,
                keys,
                jobs: vec![job],
            }),
        }
    }
    Ok(groups)
}

/// The keys of a base. A command that prints them is run once.
fn known_keys(base: &Base, known: &mut Vec<(String, LongTermKeys)>) -> Result<LongTermKeys> {
    let place = base.place();
    if let Some((_, keys)) = known.iter().find(|(other, _)| *other == place) {
        return Ok(keys.clone());
    }
    let keys = key_process::keys(base)?;
    known.push((place, keys.clone()));
    Ok(keys)
}

/// A code is of one device.
fn check_given(given: Option<&Chosen<Secret>>, devices: &[&str]) -> Result<()> {
    if let Some(Chosen { origin, .. }) = given
        && devices.len() > 1
    {
        bail!(
            Failure::new(format!(
                "{origin} is one code, and codes of {} devices are needed: {}",
                devices.len(),
                devices.join(", ")
            ))
            .hint("pipe them in, a line each in this order, or type them")
        );
    }
    Ok(())
}

/// What the profiles of a run came to.
struct Run {
    report: Report,
    several: bool,
    /// Those that have valid credentials.
    valid: Vec<String>,
    /// Those that have none, with the exit code for the reason.
    failed: Vec<(String, u8)>,
    /// One of several that are new, in a section of another name.
    beside: Option<String>,
}

impl Run {
    /// Where there is one profile, its error ends the run; where there are several, it is told and the others go on.
    fn fail(&mut self, profiles: Vec<String>, error: anyhow::Error) -> Result<()> {
        if !self.several {
            return Err(error);
        }
        report::error(format_args!("{}: {error}", profiles.join(", ")));
        let exit = error::exit_code(&error);
        let ended = profiles.into_iter().map(|profile| (profile, exit));
        self.failed.extend(ended);
        Ok(())
    }

    fn tell(&mut self, group: &Group, results: Results) -> Result<()> {
        if let Some((section, until)) = &results.owner {
            let until = report::until(*until, Utc::now());
            self.report
                .progress(format_args!("[{section}] is valid until {until}"));
        }
        for (index, done) in &results.done {
            let job = &group.jobs[*index];
            renewal::tell_done(self.report, job, done);
            if matches!(done, Done::Renewed(_)) {
                tell_role(self.report, job);
                let section = &job.target.short_term;
                match (is_beside(&job.target), self.several) {
                    (false, _) => {}
                    (true, false) => tell_use(self.report, job),
                    (true, true) => {
                        self.beside.get_or_insert_with(|| section.clone());
                    }
                }
            }
            self.valid.push(job.target.profile.value.clone());
        }
        for (jobs, error) in results.failed {
            let profile = |job: usize| group.jobs[job].target.profile.value.clone();
            self.fail(jobs.into_iter().map(profile).collect(), error)?;
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        if let Some(section) = &self.beside {
            self.report
                .progress(format_args!("use the roles as in: --profile {section}"));
        }
        let Some((_, first)) = self.failed.first() else {
            return Ok(());
        };
        let exit = if self.valid.is_empty() && self.failed.iter().all(|(_, exit)| exit == first) {
            *first
        } else {
            Exit::Failed as u8
        };
        let names: Vec<&str> = self.failed.iter().map(|(name, _)| name.as_str()).collect();
        let all = names.len() + self.valid.len();
        bail!(
            Failure::new(format!(
                "{} of {all} profiles have no valid credentials: {}",
                names.len(),
                names.join(", ")
            ))
            .exit(Exit::of(exit))
        )
    }
}

/// Says what the credentials of a role lack, and how to use them where they are not where the profile's name leads.
fn tell_role(report: Report, job: &Job) {
    let Job { target, plan, .. } = job;
    if let Some(cap) = plan.decision.capped {
        let direct = match cap {
            Cap::FromSession => "; --direct asks for a code of its own, for longer",
            Cap::FromRole => "",
        };
        report.warning(format_args!(
            "[{}] lasts 1 h, not the {} s asked for ({}): {cap}{direct}",
            target.short_term, plan.wanted.value, plan.wanted.origin
        ));
    }
    if let Some(shadow) = &target.shadow
        && !is_beside(target)
    {
        report.warning(format_args!(
            "AWS tools do not read [{}]: {shadow} has role_arn, and they assume the role in its place",
            target.short_term
        ));
    }
}

/// Whether the credentials are in a section of another name than the profile.
fn is_beside(target: &Target) -> bool {
    target.short_term != target.profile.value
}

fn tell_use(report: Report, job: &Job) {
    let Job { target, plan, .. } = job;
    report.progress(format_args!("use it with --profile {}", target.short_term));
    if let Some(source) = &plan.native_source {
        report.progress(format_args!(
            "--profile {} works, too: AWS tools assume its role by themselves from [{source}], for which `mfa-creds --profile {source}` is enough",
            target.profile.value
        ));
    }
}

/// Shows what a refresh would do, and touches nothing.
fn show_plan(preview: &Preview, environment: &Environment) -> Result<()> {
    let request = &preview.request;
    let paths = Paths::find(environment)?;
    let texts = Texts::read(&paths, request, environment)?;
    let files = texts.files(&paths);
    let naming = Naming::new(&request.suffixes, environment)?;
    let min_ttl = plan::min_ttl(request, environment)?;
    let profiles = plan::profiles(&request.profiles, environment, &naming, &files)?;
    let mut parts = Vec::new();
    let mut run = Run {
        report: Report::quiet(),
        several: profiles.len() > 1,
        valid: Vec::new(),
        failed: Vec::new(),
        beside: None,
    };
    for profile in profiles {
        let name = profile.value.clone();
        let part = naming
            .target_beside_role(profile, &files.config)
            .and_then(|target| {
                let wanted = wanted(request, environment, &target, &files, &min_ttl);
                let freshness = group::look(&files.credentials, &target, &wanted)?;
                let plan = plan::plan(request, environment, &naming, &target, &files)?;
                preview::render(&target, &wanted, &plan, &freshness, &files.credentials)
            });
        match part {
            Ok(part) => {
                parts.push(part);
                run.valid.push(name);
            }
            Err(error) => run.fail(vec![name], error)?,
        }
    }
    report::data(&parts.join("\n"))?;
    run.end()
}

/// What the credentials of a profile have to be like.
fn wanted(
    request: &Request,
    environment: &Environment,
    target: &Target,
    files: &Files<'_>,
    min_ttl: &Chosen<u32>,
) -> Wanted {
    let role = plan::wanted_role(request, environment, target, files);
    Wanted {
        role_arn: role.map(|role| role.value),
        min_ttl: TimeDelta::seconds(min_ttl.value.into()),
        force: request.force,
    }
}

/// The texts of the two files.
struct Texts {
    credentials: Zeroizing<String>,
    config: Zeroizing<String>,
}

impl Texts {
    fn read(paths: &Paths, request: &Request, environment: &Environment) -> Result<Self> {
        let Some(credentials) = profiles::read(&paths.credentials)? else {
            let naming = Naming::new(&request.suffixes, environment)?;
            let profile = request.profiles.names.first().map(|name| Chosen {
                value: name.clone(),
                origin: Origin::Flag("--profile"),
            });
            let target = naming
                .target(profile.unwrap_or_else(|| plan::profile_of_environment(environment)))?;
            bail!(no_file(&paths.credentials, &target));
        };
        Ok(Self {
            credentials,
            config: profiles::read(&paths.config)?.unwrap_or_default(),
        })
    }

    fn files<'t>(&'t self, paths: &'t Paths) -> Files<'t> {
        Files {
            credentials: File {
                path: &paths.credentials,
                document: Document::parse(&self.credentials),
            },
            config: File {
                path: &paths.config,
                document: Document::parse(&self.config),
            },
        }
    }
}

/// Asks for long-term keys and writes them, or moves those that stand in the way.
fn set_up(args: &Setup, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let paths = Paths::find(environment)?;
    let path = &paths.credentials;
    let naming = Naming::new(&args.suffixes, environment)?;
    let suggested = match &args.profile {
        Some(name) if !name.is_empty() => name.clone(),
        _ => plan::profile_of_environment(environment).value,
    };
    let mut respondent = Respondent::find()?;
    let target = naming.target(Chosen {
        value: respondent.profile(&suggested)?,
        origin: Origin::Flag("--profile"),
    })?;
    let text: Zeroizing<String> = profiles::read(path)?.unwrap_or_default();
    let file = File {
        path,
        document: Document::parse(&text),
    };
    let (long_term, short_term) = (&target.long_term, &target.short_term);
    plan::check_sections(&file, &[long_term, short_term])?;
    if setup::has_keys(&file, long_term) {
        bail!(setup::occupied(path, long_term));
    }
    if let Some(directory) = path.parent() {
        private_directory(directory).map_err(|error| {
            Failure::new(format!(
                "{} cannot be made: {}",
                directory.display(),
                profiles::reason(&error)
            ))
        })?;
    }
    let store = Store::open(path)?;
    store.check(|_file| Ok(Vec::new()))?;
    if short_term::holds_long_term_keys(&file, short_term)
        && respondent.agrees_to_move(short_term, long_term)?
    {
        let device = if setup::has_device(&file, short_term) {
            None
        } else {
            respondent.device()?
        };
        store.update(|file| setup::move_keys(file, short_term, long_term, device.as_ref()))?;
        report.progress(format_args!(
            "moved the keys from [{short_term}] to [{long_term}]"
        ));
    } else {
        let answers = respondent.keys()?;
        store.update(|file| setup::write(file, long_term, &answers))?;
        report.progress(format_args!("wrote [{long_term}] to {}", path.display()));
    }
    report.progress(format_args!(
        "next: mfa-creds --profile {}",
        target.profile.value
    ));
    Ok(())
}

fn no_file(path: &Path, target: &Target) -> Failure {
    Failure::new(format!("there is no credentials file {}", path.display()))
        .hint(format!("`{}` makes it", target.setup_command))
}

/// Tells of malformed lines elsewhere: they are none of our business, but other tools may refuse the file for them.
fn warn_of_irregularities(report: Report, file: &File<'_>, sections: &[&str]) {
    for note in file.document.notes() {
        let message = format!("{}:{} {}", file.path.display(), note.line, note.what);
        let ours = sections
            .iter()
            .any(|section| file.document.is_in(note, section));
        if !note.what.is_malformed() {
            report.detail(format_args!(
                "{message}: some AWS SDKs refuse the file for it"
            ));
        } else if !ours {
            report.warning(format_args!("{message}: AWS tools refuse the file for it"));
        }
    }
}

/// Which sections are meant, and who said so.
fn tell_target(report: Report, target: &Target) {
    let [long_term, short_term] = &target.suffixes;
    tell(
        report,
        "profile",
        &target.profile.value,
        &target.profile.origin,
    );
    tell(report, "long-term section", &target.long_term, long_term);
    tell(report, "section to write", &target.short_term, short_term);
}

/// What was decided for the calls, and who decided it.
fn tell_plan(report: Report, plan: &Plan) {
    report.detail(format_args!("keys: {}", plan.base.place()));
    tell(report, "device", &plan.device.value, &plan.device.origin);
    for step in &plan.steps {
        tell_step(report, step, plan.role().is_some());
    }
}

fn tell_step(report: Report, step: &Step, for_a_role: bool) {
    let mut of = "";
    match &step.call {
        Call::GetSessionToken if for_a_role => of = "session ",
        Call::GetSessionToken => {}
        Call::AssumeRole(role) => {
            tell(report, "role", &role.arn.value, &role.arn.origin);
            let name = &role.session_name;
            tell(report, "role session name", &name.value, &name.origin);
            if let Some(id) = &role.external_id {
                tell(report, "external id", &id.value, &id.origin);
            }
        }
    }
    let Step {
        duration,
        connection,
        ..
    } = step;
    let tell = |what: &str, value: &str, origin| {
        tell(report, &format!("{of}{what}"), value, origin);
    };
    let seconds = format!("{} s", duration.value);
    tell("duration", &seconds, &duration.origin);
    let region = &connection.region;
    tell("region", &region.value, &region.origin);
    if let Some(url) = &connection.endpoint_url {
        tell("endpoint", &url.value, &url.origin);
    }
    if let Some(bundle) = &connection.ca_bundle {
        tell("CA bundle", &bundle.value, &bundle.origin);
    }
}

fn tell(report: Report, what: &str, value: impl fmt::Display, origin: &Origin) {
    report.detail(format_args!("{what}: {value} ({origin})"));
}
