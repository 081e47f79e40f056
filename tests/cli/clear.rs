//! `mfa-creds clear`: what this tool wrote to the credentials file goes, and nothing else.

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::Home;
use crate::support::roles::{ADMIN, account, role};
use crate::support::sections::{FAR, long_term, short_term};

#[test]
fn the_file_is_as_it_was_before_the_first_refresh() {
    let sts = StandIn::start(Account::example());
    let keys = long_term("work");
    for text in [
        keys.clone(),
        format!("# first\n\n{keys}"),
        format!("{keys}\n# last\n"),
        format!("\u{feff}{keys}[last]\nregion = eu-west-1\n# the end\n"),
        keys.replace('\n', "\r\n"),
    ] {
        let home = Home::with(&text);
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
            .ends(0, "");
        assert_ne!(home.credentials(), text);
        home.run(&["clear", "-p", "work"]).ends(
            0,
            "removed the MFA session from ~/.aws/.mfa-creds/credentials.sessions\ncleared [work]\n",
        );
        assert_eq!(home.credentials(), text);
        home.run(&["clear", "-p", "work"])
            .ends(0, "nothing to clear for work\n");
        // The next refresh needs a code again.
        let outcome = home
            .run_with(&sts, &["-q", "-p", "work", "--no-input"])
            .outcome();
        assert_eq!(outcome.status, Some(3), "{outcome:?}");
    }
}

#[track_caller]
fn clears(before: &str, after: &str) {
    let home = Home::with(before);
    home.run(&["clear", "-q", "-p", "work"]).ends(0, "");
    assert_eq!(home.credentials(), after);
}

#[test]
fn other_keys_and_comments_stay() {
    let ours = short_term("work", FAR);
    clears(
        &format!("{ours}region = eu-west-1\n# mine\n"),
        "[work]\nregion = eu-west-1\n# mine\n",
    );
    clears(
        &ours.replace("[work]\n", "[work]\n# mine\n"),
        "[work]\n# mine\n",
    );
    clears(
        &format!("{ours}# mine\n[next]\n"),
        "[work]\n# mine\n[next]\n",
    );
    // What stands apart belongs to what comes next.
    clears(
        &format!("[a]\nx = 1\n\n{ours}\n# of next\n[next]\n"),
        "[a]\nx = 1\n\n# of next\n[next]\n",
    );
    clears(&format!("{ours}\n[next]\ny = 2\n"), "[next]\ny = 2\n");
    clears(&format!("[a]\nx = 1\n\n{ours}"), "[a]\nx = 1\n");
    clears(&format!("[a]\nx = 1\n{ours}\n\n"), "[a]\nx = 1\n");
    // Unless a key of its own follows.
    for own in ["region = eu-west-1\n", "s3 =\n  max = 1\n"] {
        clears(
            &format!("{ours}\n# mine\n{own}[next]\n"),
            &format!("[work]\n\n# mine\n{own}[next]\n"),
        );
    }
}

#[test]
fn keys_that_nobody_could_give_back_stay() {
    let keys = long_term("work").replace("-long-term", "");
    let home = Home::with(&keys);
    home.run(&["clear", "-p", "work"]).ends(
        1,
        "error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never removes\n\
         hint: run `mfa-creds setup` to move them to a long-term section, or remove them in an editor\n",
    );
    home.run(&["clear", "--all"]).ends(0, "nothing to clear\n");
    assert_eq!(home.credentials(), keys);
    let foreign =
        "[work]\naws_access_key_id = ASIAFAKE\naws_secret_access_key = x\naws_session_token = y\n";
    let home = Home::with(foreign);
    home.run(&["clear", "-p", "work"]).ends(
        1,
        "error: [work] in ~/.aws/credentials contains credentials that neither mfa-creds nor aws-mfa wrote\n\
         hint: remove them in an editor\n",
    );
    home.run(&["clear", "--all"]).ends(0, "nothing to clear\n");
    assert_eq!(home.credentials(), foreign);
}

#[test]
fn all_means_all_that_was_written() {
    let sts = StandIn::start(account());
    let home = Home::with(&format!(
        "{}[mine]\nregion = eu-west-1\n",
        long_term("personal")
    ));
    home.write("config", &role("admin", ADMIN, ""));
    let before = home.credentials();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "--all", "--token", &code])
        .ends(0, "");
    // aws-mfa's, of a profile that has no keys here.
    home.write(
        "credentials",
        &format!("{}\n{}", home.credentials(), short_term("gone", FAR)),
    );
    home.run(&["clear", "--all"]).ends(
        0,
        "removed ~/.aws/.mfa-creds/credentials.sessions\n\
         cleared [personal]\n\
         cleared [admin-mfa]\n\
         cleared [gone]\n",
    );
    assert_eq!(home.credentials(), before);
    assert!(!home.file(".mfa-creds/credentials.sessions").exists());
    home.run(&["clear", "--all"]).ends(0, "nothing to clear\n");
}

/// Refuses, and leaves the file as it is.
#[track_caller]
fn refuses(section: &str, problem: &str) {
    let text = format!("{}[work]\n{section}", long_term("work"));
    let home = Home::with(&text);
    home.run(&["clear", "-p", "work"]).ends(
        1,
        &format!("error: [work] in ~/.aws/credentials {problem}\n"),
    );
    assert_eq!(home.credentials(), text);
}

#[test]
fn a_secret_that_somebody_put_there_stays() {
    let foreign = "contains credentials that neither mfa-creds nor aws-mfa wrote\nhint: remove them in an editor";
    refuses("aws_secret_access_key = precious\n", foreign);
    refuses("aws_session_token = precious\n", foreign);
    refuses("expiration = 2099-01-01 00:00:00\n", foreign);
    // New keys over the old temporary ones.
    let long_term = "contains long-term keys, which mfa-creds never removes\n\
                     hint: run `mfa-creds setup` to move them to a long-term section, or remove them in an editor";
    let ours = short_term("work", FAR).replace("[work]\n", "");
    refuses(&ours.replace("ASIA", "AKIA"), long_term);
    refuses(
        "assumed_role = False\naws_access_key_id = AKIAFAKE\n",
        long_term,
    );
    let home = Home::with(&short_term("work", FAR).replace("ASIA", "AKIA"));
    let before = home.credentials();
    let outcome = home.run(&["clear", "--all"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(home.credentials(), before);
}

#[test]
fn a_comment_on_the_header_keeps_it() {
    let ours = short_term("work", FAR);
    clears(
        &ours.replace("[work]", "[work] # production"),
        "[work] # production\n",
    );
    clears(
        &ours.replace("[work]", "[work] # see [wiki]"),
        "[work] # see [wiki]\n",
    );
}

#[test]
fn one_odd_section_does_not_keep_the_others() {
    let ours = |name: &str| short_term(name, FAR);
    let home = Home::with(&format!(
        "{}{}nonsense\n{}{}{}",
        ours("a"),
        ours("odd"),
        ours("twice"),
        ours("twice"),
        ours("b")
    ));
    home.run(&["clear", "--all"]).ends(
        1,
        "cleared [a]\n\
         cleared [b]\n\
         error: ~/.aws/credentials:15 has no `=`\n\
         hint: fix the line, which is in [odd]; AWS tools reject the whole file because of it\n\
         error: ~/.aws/credentials:23 starts [twice] again, after line 16\n\
         hint: merge the sections; the AWS SDKs use the last value of each key, and the AWS CLI rejects the file\n",
    );
    let kept = format!(
        "{}nonsense\n{}{}",
        ours("odd"),
        ours("twice"),
        ours("twice")
    );
    assert_eq!(home.credentials(), kept);
}

#[test]
fn thousands_are_cleared_at_once() {
    let many: String = (0..5000)
        .map(|number| short_term(&format!("p{number}"), FAR))
        .collect();
    let home = Home::with(&format!("# first\n{many}[last]\nregion = eu-west-1\n"));
    home.run(&["clear", "-q", "--all"]).ends(0, "");
    assert_eq!(home.credentials(), "# first\n[last]\nregion = eu-west-1\n");
}

#[test]
fn what_cannot_be_read_or_named_is_an_error_and_keeps_nothing_else() {
    let home = Home::with(&short_term("a", FAR));
    std::fs::create_dir_all(home.file(".mfa-creds/credentials.sessions")).unwrap();
    home.run(&["clear", "-p", "x]y", "-p", "a"]).ends(
        1,
        "cleared [a]\n\
         error: `x]y` (--profile) cannot be part of a section name\n\
         hint: use a name without brackets, `#`, `;`, or spaces at its ends\n\
         error: ~/.aws/.mfa-creds/credentials.sessions cannot be used: it is a directory\n\
         hint: remove it: rm -r ~/.aws/.mfa-creds/credentials.sessions\n",
    );
    let outcome = home.run(&["clear", "-p", "a"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
}

#[test]
fn an_unknown_profile_is_an_error_in_the_words_of_a_refresh() {
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    let unknown = "error: there is no section [wrok-long-term] in ~/.aws/credentials\n\
                   hint: did you mean --profile work?\n";
    for arguments in [&["-p", "wrok"][..], &["clear", "-p", "wrok"]] {
        home.run(arguments).ends(1, unknown);
    }
    home.run(&["clear"]).env("AWS_PROFILE", "wrok").ends(
        1,
        "error: there is no section [wrok-long-term] in ~/.aws/credentials\n\
             hint: AWS_PROFILE is wrok; did you mean --profile work?\n",
    );
    home.run(&["clear", "-p", "wrok", "-p", "work"])
        .ends(1, &format!("cleared [work]\n{unknown}"));
    // Nobody typed this name.
    home.run(&["clear"])
        .ends(0, "nothing to clear for default\n");
    home.run(&["clear", "-p", "work"])
        .ends(0, "nothing to clear for work\n");
}
