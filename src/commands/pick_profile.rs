//! Which profile is meant where nobody names one and there is no default one: the person picks it.

use anyhow::{Result, bail};

use super::work::Work;
use crate::core::error::{Exit, Failure};
use crate::files::profiles::{Files, config_header};
use crate::files::section_format;
use crate::plan::{self, Chosen, Origin, Prompting, Target};
use crate::prompt::terminal::{PATIENCE, Terminal};
use crate::renewal::group::{self, Seen};

/// As many names as an error lists.
const MOST_NAMES: usize = 30;

/// The profile, or the one that the person picks in its place.
///
/// # Errors
/// When there is nobody to pick one, or nothing was picked.
pub(super) fn of_several(profile: Chosen<String>, work: &Work<'_>) -> Result<Chosen<String>> {
    if profile.origin != Origin::Default {
        return Ok(profile);
    }
    let (naming, files) = (&work.ground.naming, work.files);
    let target = naming.target_beside_role(profile.clone(), files)?;
    if can_be_had(&target, work)? {
        return Ok(profile);
    }
    let names = plan::candidates(naming, files);
    if names.len() < 2 {
        return Ok(profile);
    }
    let prompting = Prompting::new(&work.asking.prompting, work.environment, PATIENCE)?;
    let terminal = Terminal::for_prompting(&prompting);
    let Some(terminal) = terminal.filter(Terminal::has_room_for_a_list) else {
        bail!(nobody_named(&target, &names, work));
    };
    match terminal.pick("Which profile?", &names)? {
        Some(place) => Ok(Chosen {
            value: names[place].clone(),
            origin: Origin::Person,
        }),
        None => bail!(Failure::new("no profile was picked")),
    }
}

/// Whether there is a way to the credentials, or they are there already.
fn can_be_had(target: &Target, work: &Work<'_>) -> Result<bool> {
    let Files {
        credentials,
        config,
    } = work.files;
    let role = plan::wanted_role(work.request, work.environment, target, work.files);
    let has_keys = credentials.document.has(&target.long_term)
        || config_header(&config.document, &target.profile.value)
            .is_some_and(|header| section_format::holds_usable_long_term_keys(config, header));
    if has_keys || role.is_some_and(|role| role.is_of_config()) {
        return Ok(true);
    }
    let seen = group::look(credentials, target, &work.wanted(target))?;
    Ok(matches!(seen, Seen::Valid(_)))
}

fn nobody_named(target: &Target, names: &[String], work: &Work<'_>) -> Failure {
    let more = match names.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Failure::new(format!(
        "no profile is named, and there is no section [{}] in {}",
        target.long_term,
        work.ground.paths.credentials.display()
    ))
    .hint(format!(
        "give --profile or set AWS_PROFILE; there are: {}{more}",
        names[..names.len().min(MOST_NAMES)].join(", ")
    ))
    .exit(Exit::HumanNeeded)
}
