//! Precedence: flag, environment, long-term section, config profile, default. `-v` says which one won.

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::{Home, Run};
use crate::support::sections::{FAR, long_term, short_term};

/// The line of `-v` about a setting, for a run that ends before it asks.
#[track_caller]
fn detail(run: Run<'_>, setting: &str) -> String {
    let outcome = run.outcome();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
    let start = format!("{setting}: ");
    outcome
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("no {setting} in {outcome:?}"))
        .to_owned()
}

const ASK_NOBODY: [&str; 4] = ["-v", "--no-input", "-p", "work"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&ASK_NOBODY, more].concat()
}

#[test]
fn verbose_says_where_everything_came_from() {
    let home = Home::of_alice();
    home.write("config", "[default]\nregion = ap-south-1\n");
    home.run(&with(&["--assume-role", "arn:aws:iam::123456789012:role/r", "--external-id", "xyz"]))
        .env("LOGNAME", "me")
        .env("AWS_ENDPOINT_URL", "http://localhost:4566")
        .ends(
            3,
            "credentials file: ~/.aws/credentials\n\
             minimum time left: 60 s (default)\n\
             profile: work (--profile)\n\
             long-term section: work-long-term (default)\n\
             section to write: work (default)\n\
             keys: [work-long-term] in ~/.aws/credentials\n\
             device: arn:aws:iam::123456789012:mfa/alice (aws_mfa_device of [work-long-term] in ~/.aws/credentials)\n\
             session duration: 43200 s (default)\n\
             session region: ap-south-1 (region of [default] in ~/.aws/config)\n\
             session endpoint: http://localhost:4566 (AWS_ENDPOINT_URL)\n\
             role: arn:aws:iam::123456789012:role/r (--assume-role)\n\
             role session name: me (LOGNAME)\n\
             external ID: xyz (--external-id)\n\
             duration: 3600 s (default)\n\
             region: ap-south-1 (region of [default] in ~/.aws/config)\n\
             endpoint: http://localhost:4566 (AWS_ENDPOINT_URL)\n\
             prompt: nobody (--no-input)\n\
             prompt timeout: 120 s (default)\n\
             renewing [work]: there are no credentials yet\n\
             error: an MFA code is needed, and --no-input forbids asking\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n",
        );
}

#[test]
fn the_device() {
    let of = |name: &str| format!("arn:aws:iam::123456789012:mfa/{name}");
    let keys = long_term("work");
    let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
    let home = Home::with(keys);
    home.write(
        "config",
        &format!("[profile work]\nmfa_serial = {}\n", of("config")),
    );
    assert_eq!(
        detail(home.run(&with(&[])), "device"),
        format!(
            "{} (mfa_serial of [profile work] in ~/.aws/config)",
            of("config")
        )
    );
    home.write(
        "credentials",
        &format!("{keys}mfa_serial = {}\n", of("serial")),
    );
    assert_eq!(
        detail(home.run(&with(&[])), "device"),
        format!(
            "{} (mfa_serial of [work-long-term] in ~/.aws/credentials)",
            of("serial")
        )
    );
    home.write(
        "credentials",
        &format!(
            "{keys}mfa_serial = {}\naws_mfa_device = {}\n",
            of("serial"),
            of("own")
        ),
    );
    assert_eq!(
        detail(home.run(&with(&[])), "device"),
        format!(
            "{} (aws_mfa_device of [work-long-term] in ~/.aws/credentials)",
            of("own")
        )
    );
    let run = home.run(&with(&[])).env("MFA_DEVICE", &of("variable"));
    assert_eq!(
        detail(run, "device"),
        format!("{} (MFA_DEVICE)", of("variable"))
    );
    let run = home
        .run(&with(&["--device", &of("flag")]))
        .env("MFA_DEVICE", &of("variable"));
    assert_eq!(detail(run, "device"), format!("{} (--device)", of("flag")));
    // Empty counts as not given, as in aws-mfa.
    let run = home.run(&with(&["--device", ""])).env("MFA_DEVICE", "");
    assert!(detail(run, "device").starts_with(&of("own")));
}

#[test]
fn a_device_may_be_inherited_from_the_uppercase_default_as_in_aws_mfa() {
    let keys = long_term("work");
    let (keys, device) = keys.split_once("aws_mfa_device").unwrap();
    let home = Home::with(&format!("{keys}\n[DEFAULT]\naws_mfa_device{device}"));
    assert_eq!(
        detail(home.run(&with(&[])), "device"),
        format!("{ALICE_DEVICE} (aws_mfa_device of [DEFAULT] in ~/.aws/credentials)")
    );
}

#[test]
fn the_duration() {
    let home = Home::of_alice();
    assert_eq!(
        detail(home.run(&with(&[])), "duration"),
        "43200 s (default)"
    );
    home.write(
        "credentials",
        &format!("{}duration_seconds = 1800\n", long_term("work")),
    );
    assert_eq!(
        detail(home.run(&with(&[])), "duration"),
        "1800 s (duration_seconds of [work-long-term] in ~/.aws/credentials)"
    );
    let run = home.run(&with(&[])).env("MFA_STS_DURATION", "36h");
    assert_eq!(detail(run, "duration"), "129600 s (MFA_STS_DURATION)");
    let run = home
        .run(&with(&["--duration", "1h30m"]))
        .env("MFA_STS_DURATION", "36h");
    assert_eq!(detail(run, "duration"), "5400 s (--duration)");
    home.write(
        "credentials",
        &format!("{}aws_mfa_duration = 15m\n", long_term("work")),
    );
    assert_eq!(
        detail(home.run(&with(&[])), "duration"),
        "900 s (aws_mfa_duration of [work-long-term] in ~/.aws/credentials)"
    );
}

#[test]
fn the_region_is_always_known() {
    let home = Home::of_alice();
    let region = |run| detail(run, "region");
    assert_eq!(region(home.run(&with(&[]))), "us-east-1 (default)");
    home.write("config", "[default]\nregion = a-1\n");
    assert_eq!(
        region(home.run(&with(&[]))),
        "a-1 (region of [default] in ~/.aws/config)"
    );
    home.write(
        "config",
        "[default]\nregion = a-1\n[profile \"work\"]\nregion = b-1\n",
    );
    assert_eq!(
        region(home.run(&with(&[]))),
        "b-1 (region of [profile \"work\"] in ~/.aws/config)"
    );
    home.write(
        "credentials",
        &format!("{}region = c-1\n", long_term("work")),
    );
    assert_eq!(
        region(home.run(&with(&[]))),
        "c-1 (region of [work-long-term] in ~/.aws/credentials)"
    );
    let run = || home.run(&with(&[])).env("AWS_DEFAULT_REGION", "d-1");
    assert_eq!(region(run()), "d-1 (AWS_DEFAULT_REGION)");
    assert_eq!(region(run().env("AWS_REGION", "e-1")), "e-1 (AWS_REGION)");
    let run = home
        .run(&with(&["--region", "f-1"]))
        .env("AWS_REGION", "e-1");
    assert_eq!(region(run), "f-1 (--region)");
}

#[test]
fn the_endpoint() {
    let home = Home::of_alice();
    let endpoint = |run| detail(run, "endpoint");
    let config = "[profile work]\nendpoint_url = http://a\n";
    home.write("config", config);
    assert_eq!(
        endpoint(home.run(&with(&[]))),
        "http://a (endpoint_url of [profile work] in ~/.aws/config)"
    );
    home.write(
        "config",
        &format!("{config}services = local\n[services local]\niam =\n  endpoint_url = http://i\nsts =\n  endpoint_url = http://b\n"),
    );
    assert_eq!(
        endpoint(home.run(&with(&[]))),
        "http://b (endpoint_url of [services local] in ~/.aws/config)"
    );
    home.write(
        "credentials",
        &format!("{}endpoint_url = http://c\n", long_term("work")),
    );
    assert_eq!(
        endpoint(home.run(&with(&[]))),
        "http://c (endpoint_url of [work-long-term] in ~/.aws/credentials)"
    );
    let run = || home.run(&with(&[])).env("AWS_ENDPOINT_URL", "http://d");
    assert_eq!(endpoint(run()), "http://d (AWS_ENDPOINT_URL)");
    let run = run().env("AWS_ENDPOINT_URL_STS", "http://e");
    assert_eq!(endpoint(run), "http://e (AWS_ENDPOINT_URL_STS)");
    let outcome = home
        .run(&with(&[]))
        .env("AWS_ENDPOINT_URL", "http://d")
        .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .outcome();
    assert!(!outcome.stderr.contains("endpoint:"), "{outcome:?}");
}

#[test]
fn the_settings_reach_the_request() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&format!(
        "{}region = eu-west-3\nendpoint_url = {}\n",
        long_term("work"),
        sts.url()
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run(&["-p", "work", "--token", &code, "--duration", "15m"])
        .succeeds();
    let request = &sts.requests()[0];
    assert_eq!(request.region.as_deref(), Some("eu-west-3"));
    assert_eq!(request.service.as_deref(), Some("sts"));
    assert_eq!(request.parameter("DurationSeconds"), Some("900"));
}

#[test]
fn the_suffixes() {
    let sections = |arguments: &[&str], variables: &[(&str, &str)]| {
        let home = Home::with(&format!(
            "{}{}{}{}",
            short_term("work", FAR),
            short_term("work-mfa", FAR),
            short_term("work-x", FAR),
            short_term("work-long-term", FAR),
        ));
        let mut run = home.run(&[&["-p", "work"], arguments].concat());
        for (name, value) in variables {
            run = run.env(name, value);
        }
        run.succeeds().stderr
    };
    let valid = |section: &str| format!("[{section}] is still valid until …\n");
    assert_eq!(sections(&[], &[]), valid("work"));
    assert_eq!(
        sections(&["--short-term-suffix", "mfa"], &[]),
        valid("work-mfa")
    );
    assert_eq!(sections(&["--short-suffix=mfa"], &[]), valid("work-mfa"));
    assert_eq!(
        sections(&[], &[("MFA_SHORT_TERM_SUFFIX", "mfa")]),
        valid("work-mfa")
    );
    assert_eq!(
        sections(
            &["--short-suffix", "x"],
            &[("MFA_SHORT_TERM_SUFFIX", "mfa")]
        ),
        valid("work-x")
    );
    assert_eq!(
        sections(
            &["--short-suffix", "None"],
            &[("MFA_SHORT_TERM_SUFFIX", "mfa")]
        ),
        valid("work")
    );
    let home = Home::with(&long_term("work").replace("-long-term", ""));
    assert_eq!(
        detail(
            home.run(&with(&["--long-suffix", "none", "--short-suffix", "mfa"])),
            "long-term section"
        ),
        "work (--long-term-suffix)"
    );
    let home = Home::with(&long_term("work").replace("-long-term", "-keys"));
    assert_eq!(
        detail(
            home.run(&with(&[])).env("MFA_LONG_TERM_SUFFIX", "keys"),
            "long-term section"
        ),
        "work-keys (MFA_LONG_TERM_SUFFIX)"
    );
}

/// Companies look for it in the trail of calls that AWS keeps.
#[test]
fn the_user_agent_names_the_app_that_the_environment_names() {
    let sts = StandIn::start(Account::example());
    for (app_id, expected) in [
        ("deploy-tool", Some("app/deploy-tool")),
        ("", None),
        ("no such (name)", None),
    ] {
        let home = Home::of_alice();
        let code = sts.fresh_code(ALICE_DEVICE);
        let run = home.run_with(&sts, &["-p", "work", "--token", &code]);
        let outcome = run.env("AWS_SDK_UA_APP_ID", app_id).outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let requests = sts.requests();
        let agent = &requests.last().unwrap().user_agent;
        let named = agent.split(' ').find(|part| part.starts_with("app/"));
        assert_eq!(named, expected, "{agent}");
    }
}
