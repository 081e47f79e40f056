//! Checks the endpoints, the proxy, and the certificates, then asks AWS for its time, the owner of the keys, and the user's devices.

use chrono::TimeDelta;

use super::checklist::{CheckLevel, Checklist};
use crate::aws::iam::{Caller, Iam};
use crate::aws::network::{self, Certificates, RequestError};
use crate::core::clock;
use crate::core::credentials::LongTermKeys;
use crate::core::error::{self, Failure};
use crate::core::mfa_device::SerialNumber;
use crate::core::shell_words::SET_THE_CLOCK;
use crate::core::text::masked;
use crate::plan::{Connection, Origin, ProfileSections, Route, Setting, User};
use crate::renewal::discovery::{devices_not_told, no_usable_device};
use crate::report::Report;

/// A clock that is off by less than this is fine.
const UNNOTICED: TimeDelta = TimeDelta::seconds(60);
/// From here on, AWS rejects requests: STS after fifteen minutes, other services after five.
const REFUSED: TimeDelta = TimeDelta::minutes(5);

/// Checks the way to the services: endpoints, proxy, certificates. It calls nothing.
pub fn way(list: &mut Checklist, user: &User) -> Option<()> {
    let second = user.login.as_ref().unwrap_or(&user.access.iam);
    for connection in [&user.access.sts, second] {
        let route = list.attempt("endpoint", connection.route())?;
        endpoint(list, connection, &route);
        proxy(list, connection, &route);
        if route.is_over_tls() {
            certificates(list, connection)?;
        }
    }
    Some(())
}

fn endpoint(list: &mut Checklist, connection: &Connection, route: &Route) {
    let (service, url) = (connection.service.name(), route.url.to_string());
    let url = url.trim_end_matches('/');
    let message = if let Some(given) = &connection.endpoint_url {
        format!("{service}: {url} ({})", given.origin)
    } else {
        let Setting { value, origin } = &connection.region;
        format!("{service}: {url}, for the region {value} ({origin})")
    };
    if route.is_over_tls() || connection.is_local() {
        list.ok("endpoint", message);
    } else {
        let fix = "use https: anybody on the network can read the responses from AWS";
        list.warning("endpoint", message, fix);
    }
}

fn proxy(list: &mut Checklist, connection: &Connection, route: &Route) {
    let host = route.host();
    list.ok(
        "proxy",
        match (&route.proxy, connection.proxies.exception(&route.url)) {
            (Some(proxy), _) => format!("{} for {host} ({})", proxy.value, proxy.origin),
            (None, Some(exceptions)) => format!("none for {host} ({})", exceptions.origin),
            (None, None) => "none".to_owned(),
        },
    );
}

fn certificates(list: &mut Checklist, connection: &Connection) -> Option<()> {
    let subject = "certificates";
    let Some(bundle) = &connection.ca_bundle else {
        let count = rustls_native_certs::load_native_certs().certs.len();
        if count == 0 {
            let fix = "install ca-certificates, or set AWS_CA_BUNDLE to a PEM file";
            list.problem(subject, "this machine has no trusted CA certificates", fix);
            return None;
        }
        list.ok(subject, format!("{count} trusted by this machine"));
        return Some(());
    };
    let Certificates { usable, broken, .. } =
        list.attempt(subject, network::certificates(bundle))?;
    let Setting { value, origin } = bundle;
    list.ok(
        subject,
        format!("{usable} trusted, from {value} ({origin})"),
    );
    if broken > 0 {
        let fix = "remove them, or replace them with valid PEM";
        list.warning(subject, format!("{broken} in {value} cannot be read"), fix);
    }
    Some(())
}

/// Asks AWS with the long-term keys. That needs no code, and changes nothing.
pub fn ask(
    list: &mut Checklist,
    user: &User,
    keys: &LongTermKeys,
    sections: &ProfileSections,
) -> Option<()> {
    let connections = [&user.access.sts, &user.access.iam];
    let ready = network::prepare(connections, Report::without_warnings())
        .and_then(network::Preparation::finish);
    let network = list.attempt("network", ready)?;
    let iam = Iam {
        network: &network,
        access: &user.access,
        key_source: &user.key_source,
        keys,
        session: None,
        flag: &sections.flags,
    };
    let caller = iam.caller();
    let is_answer =
        |error: &Option<RequestError>| error.as_ref().is_none_or(|error| error.refusal().is_some());
    if caller
        .as_ref()
        .is_err_and(|error| !is_answer(&error.request_error))
    {
        list.attempt("network", caller.map_err(anyhow::Error::from));
        return None;
    }
    let host = user
        .access
        .sts
        .route()
        .map_or_else(|_| String::new(), |route| route.host());
    list.ok("network", format!("AWS STS at {host} responds"));
    time(list);
    let caller = list.attempt("keys", caller.map_err(anyhow::Error::from))?;
    let id = masked(&keys.access_key_id);
    let (name, account) = (caller.called(), &caller.account);
    list.ok(
        "keys",
        format!("{id} is active, and belongs to {name} in account {account}"),
    );
    devices(list, &iam, &caller, user, sections);
    Some(())
}

fn time(list: &mut Checklist) {
    let Some(ahead) = clock::measured() else {
        return;
    };
    if ahead.abs() <= UNNOTICED {
        list.ok("clock", "within a minute of AWS's clock");
    } else if ahead.abs() < REFUSED {
        list.warning("clock", network::off(ahead), SET_THE_CLOCK);
    } else {
        list.problem("clock", network::off(ahead), SET_THE_CLOCK);
    }
}

fn devices(
    list: &mut Checklist,
    iam: &Iam<'_>,
    caller: &Caller,
    user: &User,
    sections: &ProfileSections,
) {
    let set = match &user.device {
        Some(Ok(device)) => Some(device),
        // Its problem is already in the list.
        Some(Err(_)) => return,
        None => None,
    };
    let found = match iam.devices(caller) {
        Ok(found) => found,
        Err(problem) => {
            // If the device is set, AWS need not be asked.
            if set.is_some() {
                let why = problem.failure.message();
                list.ok("device", format!("cannot list the user's devices: {why}"));
            } else {
                let why = devices_not_told(&user.key_source, Some(caller), &problem);
                list.failed("device", &why.into());
            }
            return;
        }
    };
    let usable = found.iter().filter(|device| device.usable().is_some());
    let devices = DevicesOfUser {
        name: caller.called(),
        all: found.iter().map(|device| &*device.serial).collect(),
        usable: usable.map(|device| &*device.serial).collect(),
        key: user.key_source.device_key,
        none_usable: no_usable_device(caller, &found, &sections.flags),
    };
    match set {
        Some(set) => devices.check_set(list, set),
        None => devices.check_unset(list),
    }
}

/// The devices of a user, by their serial numbers.
struct DevicesOfUser<'d> {
    /// Who owns them.
    name: &'d str,
    all: Vec<&'d str>,
    /// The devices that STS can use.
    usable: Vec<&'d str>,
    /// The key that sets a device.
    key: &'static str,
    /// What to say if there is none.
    none_usable: Failure,
}

impl DevicesOfUser<'_> {
    /// Checks whether the device that is set is one of them.
    fn check_set(self, list: &mut Checklist, set: &Setting<SerialNumber>) {
        let (name, serial) = (&self.name, &set.value);
        if self.all.contains(&serial.as_str()) {
            list.ok("device", format!("{serial} is a device of {name}"));
        } else if self.usable.is_empty() {
            let message = self.none_usable.message();
            let message = format!("{serial} is not a device of {name}, and {message}");
            let why = self.none_usable.into();
            list.add("device", CheckLevel::Problem, &message, error::hint(&why));
        } else {
            list.problem(
                "device",
                format!("{serial} is not a device of {name}"),
                self.way_to_set_right(&set.origin),
            );
        }
    }

    fn way_to_set_right(&self, origin: &Origin) -> String {
        let usable = self.usable.join(" or ");
        match origin {
            // It takes precedence over the file.
            Origin::Flag(name) | Origin::Environment(name) => {
                format!("set {name} to {usable}, or unset it")
            }
            Origin::File { key, section, .. } => {
                format!("set {key} in [{section}] to {usable}")
            }
            _ => format!("set {} to {usable}", self.key),
        }
    }

    /// Checks, if no device is set, whether there is exactly one, so that nobody has to pick.
    fn check_unset(self, list: &mut Checklist) {
        let name = &self.name;
        let usable = self.usable.join(", ");
        match self.usable.len() {
            0 => list.failed("device", &self.none_usable.into()),
            1 => list.ok("device", format!("{usable} is the only device of {name}")),
            _ => list.warning(
                "device",
                format!("{name} has several devices: {usable}"),
                format!(
                    "set {} to one of them, so that you are not asked to pick one",
                    self.key
                ),
            ),
        }
    }
}
