//! What waits for the next code of a device: up to half a minute each time, so all of it runs side by side.

use std::thread;

use crate::{codes, enrollment, many_profiles, mfa_process, resync};

const SCENARIOS: [(&str, fn()); 14] = [
    (
        "codes: used, known to the next process",
        codes::a_code_that_was_used_is_known_to_the_next_process,
    ),
    (
        "codes: AWS was busy",
        codes::a_fresh_code_is_asked_for_where_aws_was_busy,
    ),
    (
        "codes: AWS has failed",
        codes::a_fresh_code_is_asked_for_where_aws_has_failed,
    ),
    (
        "MFA process: used",
        mfa_process::a_code_that_was_used_is_followed_by_the_next_one,
    ),
    (
        "MFA process: refused",
        mfa_process::a_code_that_was_refused_is_followed_by_the_next_one,
    ),
    (
        "many profiles: two keys of one device",
        many_profiles::two_keys_of_one_device_wait_for_the_next_code,
    ),
    (
        "enrollment: from nothing",
        enrollment::a_device_from_nothing_to_the_first_session,
    ),
    (
        "enrollment: wrong codes",
        enrollment::wrong_codes_are_asked_for_again,
    ),
    (
        "enrollment: three pairs",
        enrollment::after_three_pairs_the_device_is_deleted_again,
    ),
    (
        "enrollment: lost answer",
        enrollment::a_lost_answer_is_looked_after,
    ),
    (
        "enrollment: refusal",
        enrollment::a_refusal_leaves_nothing_behind,
    ),
    (
        "enrollment: second device",
        enrollment::a_second_device_is_made_with_the_session,
    ),
    (
        "resync: drifted",
        resync::a_device_that_has_drifted_away_is_brought_back,
    ),
    (
        "resync: wrong codes",
        resync::a_resynchronisation_with_wrong_codes_says_so,
    ),
];

#[test]
fn what_waits_for_the_next_code() {
    let running = SCENARIOS.map(|(name, scenario)| {
        let thread = thread::Builder::new().name(name.to_owned());
        (name, thread.spawn(scenario).unwrap())
    });
    let failed: Vec<&str> = running
        .into_iter()
        .filter_map(|(name, thread)| thread.join().is_err().then_some(name))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}
