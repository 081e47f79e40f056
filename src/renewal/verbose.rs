//! Reports irregular lines in the files, and with `-v` each decision and its origin.

use std::fmt;

use crate::cli::Prompt;
use crate::files::document::Harm;
use crate::files::profiles::{File, Files, config_header};
use crate::files::section_format::ExpirationStyle;
use crate::plan::{
    self, Call, CodeSettings, Connection, Given, Origin, Plan, ProfileSections, PromptSettings,
    Route, SessionScope, Storage, Strategy, StsCall,
};
use crate::report::Report;

/// Warns of malformed lines in other sections: mfa-creds does not need them, but other tools reject a file because of them, or
/// silently read nothing of it. In the sections of these targets, they are errors.
pub fn warn_of_irregularities(report: Report, files: &Files<'_>, targets: &[&ProfileSections]) {
    let Files {
        credentials,
        config,
    } = files;
    let sections: Vec<&str> = targets
        .iter()
        .flat_map(|sections| [&*sections.long_term, &sections.short_term])
        .collect();
    warn_of_spoiled_values(report, credentials, targets);
    let headers: Vec<&str> = targets
        .iter()
        .filter_map(|sections| config_header(&config.document, &sections.profile.value))
        .collect();
    for (file, sections) in [(credentials, sections), (config, headers)] {
        for note in plan::notes(file) {
            let message = format!(
                "{}:{} {}: {}",
                file.path.display(),
                note.line,
                note.what,
                note.what.consequence()
            );
            let ours = sections
                .iter()
                .any(|section| file.document.is_in(note, section));
            match note.what.harm() {
                // In our sections, it is an error.
                Harm::FileRefused if ours => {}
                Harm::FileRefused | Harm::FileRefusedByCli => report.warning(message),
                Harm::Misread if ours => report.warning(message),
                Harm::Misread | Harm::FileRefusedBySome => report.detail(message),
            }
        }
    }
}

/// Warns of credentials in the sections of these targets that AWS tools misread.
fn warn_of_spoiled_values(report: Report, credentials: &File<'_>, targets: &[&ProfileSections]) {
    for sections in targets
        .iter()
        .filter(|sections| !sections.storage.is_private())
    {
        for section in [&sections.long_term, &sections.short_term] {
            for spoiled in plan::spoiled_values(credentials, section) {
                report.warning(spoiled.problem);
            }
        }
    }
}

/// Warns of the first repeated section or key of each file: the AWS CLI rejects the whole file because of it. Reads every line, so
/// only a run that renews calls it.
pub fn warn_of_repeats(report: Report, files: &Files<'_>) {
    for file in [&files.credentials, &files.config] {
        if let Some(error) = plan::first_repeat(file) {
            report.warning(format_args!(
                "{error}: the AWS CLI rejects the file because of it"
            ));
        }
    }
}

/// Reports the sections and where their names come from.
pub fn tell_sections(report: Report, sections: &ProfileSections) {
    let [long_term, short_term] = &sections.suffixes;
    tell(
        report,
        "profile",
        &sections.profile.value,
        &sections.profile.origin,
    );
    tell(report, "long-term section", &sections.long_term, long_term);
    let private = "credentials are stored in the session file";
    match sections.storage {
        Storage::Section => tell(report, "section to write", &sections.short_term, short_term),
        Storage::NoStore => report.detail(format_args!("{private} (--no-store)")),
        Storage::ForScope(flag) => report.detail(format_args!("{private} ({flag})")),
        Storage::ForProcess => report.detail(format_args!(
            "{private} (credential_process of {})",
            sections
                .credential_process_at
                .as_deref()
                .unwrap_or_default()
        )),
        Storage::LoginCache => report.detail("credentials are stored in the cache of `aws login`"),
    }
}

/// Reports the settings of the calls and where they come from.
pub fn tell_plan(report: Report, plan: &Plan) {
    report.detail(format_args!("keys: {}", plan.key_source));
    match &plan.device {
        Some(device) => tell(report, "device", &device.value, &device.origin),
        None if plan.decision.way == Strategy::Login => {}
        None => report.detail("device: not set"),
    }
    if let Some(process) = &plan.mfa_process {
        tell(report, "code", "printed by a command", &process.origin);
    }
    let style = &plan.expiration_style;
    if style.value == ExpirationStyle::Rfc3339 {
        tell(report, "expiration", "RFC 3339", &style.origin);
    }
    for step in &plan.steps {
        tell_step(report, step, plan.role().is_some());
    }
}

/// Reports how the code is obtained.
pub fn tell_code_settings(report: Report, code_settings: &CodeSettings) {
    match &code_settings.given {
        Some(Given::Code(code)) => tell(report, "code", "given", &code.origin),
        Some(Given::StandardInput) => report.detail("code: on standard input (--token)"),
        None => {}
    }
    if let Some(process) = &code_settings.process {
        tell(report, "code", "printed by a command", &process.origin);
    }
    let PromptSettings { prompt, limit } = &code_settings.prompt_settings;
    let place = match prompt.value {
        Prompt::Auto => "at the terminal, or in a window",
        Prompt::Terminal => "at the terminal",
        Prompt::Gui => "in a window",
        Prompt::None => "nobody",
    };
    tell(report, "prompt", place, &prompt.origin);
    let seconds = format!("{} s", limit.value.as_secs());
    tell(report, "prompt timeout", seconds, &limit.origin);
}

fn tell_step(report: Report, step: &StsCall, for_a_role: bool) {
    let mut of = "";
    match &step.call {
        Call::GetSessionToken if for_a_role => of = "session ",
        Call::GetSessionToken => {}
        Call::RefreshLogin => of = "sign-in ",
        Call::AssumeRole(role) => {
            tell(report, "role", &role.arn.value, &role.arn.origin);
            let name = &role.session_name;
            tell(report, "role session name", &name.value, &name.origin);
            if let Some(id) = &role.external_id {
                tell(report, "external ID", &id.value, &id.origin);
            }
            tell_scope(report, &role.scope);
        }
    }
    let StsCall {
        duration,
        connection,
        ..
    } = step;
    let seconds = format!("{} s", duration.value);
    tell(report, &format!("{of}duration"), seconds, &duration.origin);
    tell_connection(report, of, connection);
}

fn tell_scope(report: Report, scope: &SessionScope) {
    for policy in &scope.policies {
        tell(report, "session policy", &policy.value, &policy.origin);
    }
    if let Some(tags) = &scope.tags {
        for tag in &tags.value {
            tell(report, "session tag", tag, &tags.origin);
        }
    }
    if let Some(keys) = &scope.transitive_tags {
        let all = keys.value.join(", ");
        tell(report, "transitive session tags", all, &keys.origin);
    }
    if let Some(name) = &scope.source_identity {
        tell(report, "source identity", &name.value, &name.origin);
    }
}

/// Reports where a service is and how it is reached.
pub fn tell_connection(report: Report, of: &str, connection: &Connection) {
    let tell = |what: &str, value: &str, origin: &Origin| {
        tell(report, &format!("{of}{what}"), value, origin);
    };
    if !report.has_details() {
        return;
    }
    let Connection {
        region,
        endpoint_url,
        ca_bundle,
        timeout,
        ..
    } = connection;
    tell("region", &region.value, &region.origin);
    if let Some(url) = endpoint_url {
        tell("endpoint", &url.value, &url.origin);
    }
    tell_kinds_of_endpoint(connection, &tell);
    // If it is wrong, that is an error elsewhere.
    if let Ok(route) = connection.route() {
        tell_route(report, of, connection, &route, &tell);
    }
    if let Some(bundle) = ca_bundle {
        tell("CA bundle", &bundle.value, &bundle.origin);
    }
    if timeout.origin != Origin::Default {
        let seconds = format!("{} s", timeout.value.as_secs());
        tell("AWS timeout", &seconds, &timeout.origin);
    }
}

/// Reports which of the region's endpoints is used.
fn tell_kinds_of_endpoint(connection: &Connection, tell: &impl Fn(&str, &str, &Origin)) {
    for (what, kind) in [
        ("FIPS", &connection.fips),
        ("dual stack", &connection.dual_stack),
        ("global endpoint", &connection.global),
    ] {
        if kind.origin != Origin::Default {
            let value = match (kind.value, &connection.endpoint_url) {
                (true, Some(_)) => "no effect, because an endpoint is set",
                (true, None) => "yes",
                (false, _) => "no",
            };
            tell(what, value, &kind.origin);
        }
    }
}

/// Reports the route that follows from the settings.
fn tell_route(
    report: Report,
    of: &str,
    connection: &Connection,
    route: &Route,
    tell: &impl Fn(&str, &str, &Origin),
) {
    let Route {
        url,
        signing_region,
        proxy,
    } = route;
    if signing_region.origin == Origin::Partition {
        let region = signing_region;
        tell("signing region", &region.value, &region.origin);
    }
    if connection.endpoint_url.is_none() {
        report.trace(format_args!("{of}endpoint: {url}"));
    }
    match (proxy, connection.proxies.exception(url)) {
        (Some(proxy), _) => tell("proxy", &proxy.value.to_string(), &proxy.origin),
        (None, Some(exceptions)) => tell("proxy", "none", &exceptions.origin),
        (None, None) => report.trace(format_args!("{of}proxy: none")),
    }
}

/// A setting and its origin.
pub fn tell(report: Report, what: &str, value: impl fmt::Display, origin: &Origin) {
    report.detail(format_args!("{what}: {value} ({origin})"));
}
