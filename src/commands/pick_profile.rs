//! Lets the person pick a profile if none is named and there is no default profile.

use anyhow::{Result, bail};

use crate::core::error::{Exit, Failure};
use crate::files::profiles::{Files, config_header};
use crate::files::section_format;
use crate::plan::{Origin, ProfileSections, PromptSettings, Setting};
use crate::prompt::terminal::{DEFAULT_PROMPT_TIMEOUT, Terminal};
use crate::renewal::cache_state::{CacheState, look};
use crate::renewal::request::RenewalRequest;

/// How many names an error lists.
const MOST_NAMES: usize = 30;

/// The profile, or the one that the person picks instead.
pub(super) fn pick_profile(
    profile: Setting<String>,
    request: &RenewalRequest<'_>,
) -> Result<Setting<String>> {
    if profile.origin != Origin::Default {
        return Ok(profile);
    }
    let inputs = request.inputs;
    let sections = inputs.names.sections_of(profile.clone(), inputs.files)?;
    if can_be_had(&sections, request)? {
        return Ok(profile);
    }
    let names = inputs.candidates();
    if names.len() < 2 {
        return Ok(profile);
    }
    let prompt_settings = PromptSettings::new(
        &request.code_flags.prompt_flags,
        inputs.environment,
        DEFAULT_PROMPT_TIMEOUT,
    )?;
    let terminal = Terminal::for_prompting(&prompt_settings);
    let Some(terminal) = terminal.filter(Terminal::has_room_for_a_list) else {
        bail!(nobody_named(&sections, &names, request));
    };
    match terminal.pick("Which profile?", &names)? {
        Some(place) => Ok(Setting {
            value: names[place].clone(),
            origin: Origin::Person,
        }),
        None => bail!(Failure::new("no profile was picked")),
    }
}

/// Whether credentials can be obtained, or are already stored.
fn can_be_had(sections: &ProfileSections, request: &RenewalRequest<'_>) -> Result<bool> {
    let Files {
        credentials,
        config,
    } = request.inputs.files;
    let role = request.inputs.wanted_role(sections);
    let has_keys = sections.login.is_some()
        || credentials.document.has(&sections.long_term)
        || config_header(&config.document, &sections.profile.value)
            .is_some_and(|header| section_format::holds_usable_long_term_keys(config, header));
    if has_keys || role.is_some_and(|role| role.is_of_profile()) {
        return Ok(true);
    }
    // Another profile may have the role that is missing here.
    let Ok(wanted) = request.wanted(sections) else {
        return Ok(false);
    };
    let state = look(credentials, sections, &wanted)?;
    Ok(matches!(state, CacheState::Fresh(_)))
}

fn nobody_named(
    sections: &ProfileSections,
    names: &[String],
    request: &RenewalRequest<'_>,
) -> Failure {
    let more = match names.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Failure::new(format!(
        "no profile is named, and there is no section [{}] in {}",
        sections.long_term,
        request.inputs.files.credentials.path.display()
    ))
    .hint(format!(
        "use --profile or set AWS_PROFILE; the profiles are: {}{more}",
        names[..names.len().min(MOST_NAMES)].join(", ")
    ))
    .exit(Exit::HumanNeeded)
}
