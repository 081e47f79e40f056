//! Who signed this request? The signature, the clock and the session token are checked here, in
//! this order and before any parameter is looked at.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::account::Account;
use crate::errors::AwsError;
use crate::http::HttpRequest;
use crate::service::Service;
use crate::sessions::{Caller, Sessions};
use crate::signature::{Authorization, Scope, TERMINATOR, signature};

const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// How far the clocks of client and server may be apart.
const TOLERANCE: TimeDelta = TimeDelta::minutes(15);

/// The caller of a request to this service.
pub(crate) fn authenticate(
    request: &HttpRequest,
    service: Service,
    account: &Account,
    sessions: &Sessions,
    now: DateTime<Utc>,
) -> Result<Caller, AwsError> {
    let header = request.header("authorization").ok_or_else(|| {
        let message = "Request is missing Authentication Token";
        AwsError::new(403, "MissingAuthenticationToken", message)
    })?;
    let authorization = Authorization::parse(header).ok_or_else(incomplete)?;
    let timestamp = request.header("x-amz-date").ok_or_else(incomplete)?;
    let date = NaiveDateTime::parse_from_str(timestamp, DATE_FORMAT).map_err(|_| incomplete())?;
    check_scope(&authorization.scope, service, &account.partition, timestamp)?;

    let key = find_key(request, &authorization, account, sessions)?;
    check_clock(date.and_utc(), now)?;
    let must_be_signed = |name: &str| match request.header(name) {
        Some(_) => authorization.signs(name),
        None => true,
    };
    let signed = ["host", "x-amz-date", "x-amz-security-token"]
        .into_iter()
        .all(must_be_signed);
    let expected = signature(
        request,
        &authorization.signed_headers,
        &authorization.scope,
        timestamp,
        key.secret,
    );
    if !signed || expected != authorization.signature {
        return Err(AwsError::signature(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details.",
        ));
    }
    if key.expiration.is_some_and(|expiration| now >= expiration) {
        return Err(AwsError::expired_token());
    }
    if service == Service::Iam && matches!(key.caller, Caller::UserSession { mfa: false, .. }) {
        return Err(AwsError::invalid_session_token());
    }
    Ok(key.caller)
}

fn incomplete() -> AwsError {
    let message = "The request signature does not conform to AWS standards.";
    AwsError::new(403, "IncompleteSignature", message)
}

struct Key<'a> {
    secret: &'a str,
    caller: Caller,
    expiration: Option<DateTime<Utc>>,
}

fn find_key<'a>(
    request: &HttpRequest,
    authorization: &Authorization,
    account: &'a Account,
    sessions: &'a Sessions,
) -> Result<Key<'a>, AwsError> {
    let id = &authorization.access_key_id;
    let token = request.header("x-amz-security-token");
    if let Some(session) = sessions.get(id) {
        if token != Some(session.credentials.session_token.as_str()) {
            return Err(AwsError::invalid_session_token());
        }
        return Ok(Key {
            secret: &session.credentials.secret_access_key,
            caller: session.caller.clone(),
            expiration: Some(session.credentials.expiration),
        });
    }
    match account.access_key(id) {
        // A long-term key with a left-over session token is what a stale environment gives.
        Some(_) if token.is_some() => Err(AwsError::invalid_session_token()),
        Some((_, key)) if key.unseen.get() > 0 => {
            key.unseen.set(key.unseen.get() - 1);
            Err(AwsError::unknown_key())
        }
        Some((user, key)) if key.active => Ok(Key {
            secret: &key.secret,
            caller: Caller::User {
                name: user.name.clone(),
            },
            expiration: None,
        }),
        _ => Err(AwsError::unknown_key()),
    }
}

fn check_scope(
    scope: &Scope,
    service: Service,
    partition: &str,
    timestamp: &str,
) -> Result<(), AwsError> {
    let mut errors = Vec::new();
    if !service.is_in(&scope.region, partition) {
        let region = &scope.region;
        errors.push(format!(
            "Credential should be scoped to a valid region, not '{region}'."
        ));
    }
    let service = service.name();
    if scope.service != service {
        errors.push(format!(
            "Credential should be scoped to correct service: '{service}'."
        ));
    }
    if scope.terminator != TERMINATOR {
        let terminator = &scope.terminator;
        errors.push(format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not \
             '{terminator}'."
        ));
    }
    let day = timestamp.get(..8).unwrap_or_default();
    if scope.date != day {
        let date = &scope.date;
        errors.push(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{date}' != '{day}', from '{timestamp}'."
        ));
    }
    match errors.as_slice() {
        [] => Ok(()),
        errors => Err(AwsError::signature(errors.join(" "))),
    }
}

fn check_clock(date: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), AwsError> {
    let text = |moment: DateTime<Utc>| moment.format(DATE_FORMAT).to_string();
    let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
    // Dates in signatures have whole seconds.
    if date.timestamp() < earliest.timestamp() {
        let (date, earliest, now) = (text(date), text(earliest), text(now));
        return Err(AwsError::signature(format!(
            "Signature expired: {date} is now earlier than {earliest} ({now} - 15 min.)"
        )));
    }
    if date.timestamp() > latest.timestamp() {
        let (date, latest, now) = (text(date), text(latest), text(now));
        return Err(AwsError::signature(format!(
            "Signature not yet current: {date} is still later than {latest} ({now} + 15 min.)"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_clocks_may_be_fifteen_minutes_apart() {
        let now = at("2026-11-22T19:00:00.7Z");
        assert_eq!(check_clock(at("2026-11-22T18:45:00Z"), now), Ok(()));
        assert_eq!(check_clock(at("2026-11-22T19:15:00Z"), now), Ok(()));
        assert_eq!(
            check_clock(at("2026-11-22T18:44:59Z"), now)
                .unwrap_err()
                .message,
            "Signature expired: 20261122T184459Z is now earlier than 20261122T184500Z \
             (20261122T190000Z - 15 min.)"
        );
        assert_eq!(
            check_clock(at("2026-11-22T19:15:01Z"), now)
                .unwrap_err()
                .message,
            "Signature not yet current: 20261122T191501Z is still later than 20261122T191500Z \
             (20261122T190000Z + 15 min.)"
        );
    }

    #[test]
    fn a_signature_is_good_for_one_day_and_service() {
        let scope = |text: &str| {
            let mut parts = text.split('/').map(str::to_owned);
            let mut next = || parts.next().unwrap();
            Scope {
                date: next(),
                region: next(),
                service: next(),
                terminator: next(),
            }
        };
        let check = |text| check_scope(&scope(text), Service::Sts, "aws", "20261122T190000Z");
        assert_eq!(check("20261122/eu-west-1/sts/aws4_request"), Ok(()));
        assert_eq!(
            check("20261121//iam/aws5").unwrap_err().message,
            "Credential should be scoped to a valid region, not ''. Credential should be scoped \
             to correct service: 'sts'. Credential should be scoped with a valid terminator: \
             'aws4_request', not 'aws5'. Date in Credential scope does not match YYYYMMDD from \
             ISO-8601 version of date from HTTP: '20261121' != '20261122', from \
             '20261122T190000Z'."
        );
    }
}
