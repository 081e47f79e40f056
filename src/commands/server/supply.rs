//! The credentials that a server has of one profile, renewed before they end.
//!
//! ```text
//!   renewed --> wait until little time is left --> renew with the stored session --+--> renewed
//!                        ^                                                         |
//!                        |                                          a code is needed, and somebody
//!                        |                                          may be asked again
//!                        |                                                         v
//!                        +-- wait a moment <-- failed <---------------- renew, and ask for a code --> renewed
//! ```
//!
//! While a renewal fails, what is still valid is served. The stored session is looked at again every now and then, so a renewal in
//! another terminal ends the trouble, too.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{sleep, timeout};

use super::renewal::{CodeUse, FirstCredentials, NotObtained, Renewal};
use crate::commands::obtain::ObtainedCredentials;
use crate::core::clock::{self, until};
use crate::report::Report;

/// How long to wait between two looks at the clock: a suspended machine stops timers.
const TICK: Duration = Duration::from_secs(30);
/// How much later than necessary credentials are renewed.
const AGREED: TimeDelta = TimeDelta::seconds(2);
/// How long to wait after a failed renewal.
const PAUSE: Duration = Duration::from_secs(30);
/// The same if a client is waiting, after the first failure and after many.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_SHORT_PAUSE: Duration = Duration::from_secs(10);
/// How often a person is asked before credentials end, if nobody answers.
const ASKINGS: i32 = 3;
/// How long a person is left alone after a prompt, at least.
const ASKING_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// How long a client waits for new credentials. Most SDKs give up after a second or two, and try again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Credentials that end sooner are not served: a request that is signed with them would come too late.
const LAST: TimeDelta = TimeDelta::seconds(2);

/// The credentials of a profile.
pub(super) struct Supply {
    renewal: Renewal,
    state: watch::Sender<State>,
    /// A client is waiting.
    wanted: Notify,
    /// Held while a person is asked: there is one person, and one terminal.
    prompting: Rc<Mutex<()>>,
    /// When a person may be asked again.
    next_asking: Cell<DateTime<Utc>>,
    /// Whether a client has found no valid credentials since they were renewed, or a person was asked.
    is_wanted: Cell<bool>,
    /// How often in a row a renewal has failed.
    failures: Cell<u32>,
    /// What the person was told of failures.
    told: Cell<Told>,
}

/// What a person was told since the last renewal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Nothing,
    /// A renewal failed.
    Failure,
    /// The credentials have expired.
    End,
}

struct State {
    obtained: ObtainedCredentials,
    renew_at: DateTime<Utc>,
    /// Why the last renewal failed, if it did.
    failure: Option<String>,
}

impl State {
    fn new(obtained: ObtainedCredentials, renew_before: TimeDelta) -> Self {
        let now = clock::now();
        let left = obtained.credentials.expiration - now;
        let left_then = if left > renew_before {
            // So that the renewal agrees that they end too soon.
            (renew_before - AGREED).max(TimeDelta::zero())
        } else {
            // Credentials that are granted for a short time are renewed when a third of it is left.
            left / 3
        };
        Self {
            renew_at: obtained.credentials.expiration - left_then,
            obtained,
            failure: None,
        }
    }

    fn is_valid(&self) -> bool {
        self.obtained.credentials.expiration - clock::now() > LAST
    }
}

impl Supply {
    pub(super) fn new(first: FirstCredentials, prompting: Rc<Mutex<()>>) -> Self {
        let FirstCredentials { obtained, renewal } = first;
        Self {
            state: watch::Sender::new(State::new(obtained, renewal.renew_before)),
            renewal,
            wanted: Notify::new(),
            prompting,
            next_asking: Cell::new(DateTime::UNIX_EPOCH),
            is_wanted: Cell::new(false),
            failures: Cell::new(0),
            told: Cell::new(Told::Nothing),
        }
    }

    /// Valid credentials for a client, or why there are none. If a renewal is about to begin, waits for it for a limited time.
    pub(super) async fn get(&self) -> Result<ObtainedCredentials, String> {
        let mut changes = self.state.subscribe();
        let answer = timeout(LONGEST_WAIT, async {
            loop {
                let answer = self.answer();
                if !matches!(answer, Some(Ok(_))) {
                    self.is_wanted.set(true);
                    self.wanted.notify_one();
                }
                match answer {
                    Some(answer) => return answer,
                    // The sender is ours, so it is there.
                    None => changes.changed().await.unwrap_or_default(),
                }
            }
        });
        let late = |_| Err("the credentials have expired, and are being renewed".to_owned());
        answer.await.unwrap_or_else(late)
    }

    /// What a client gets; none before the end of the first renewal that is due.
    fn answer(&self) -> Option<Result<ObtainedCredentials, String>> {
        let state = self.state.borrow();
        if state.is_valid() {
            return Some(Ok(state.obtained.clone()));
        }
        state.failure.clone().map(Err)
    }

    /// Renews the credentials again and again.
    pub(super) async fn keep_renewed(&self) {
        loop {
            self.until_due().await;
            match self.renew().await {
                Ok(obtained) => {
                    self.tell_success(&obtained);
                    self.state
                        .send_replace(State::new(obtained, self.renewal.renew_before));
                    self.is_wanted.set(false);
                    self.failures.set(0);
                    // However short they are granted.
                    sleep(SHORT_PAUSE).await;
                }
                Err(why) => {
                    self.tell_failure(&why);
                    self.state.send_modify(|state| state.failure = Some(why));
                    self.failures.set(self.failures.get() + 1);
                    self.pause().await;
                }
            }
        }
    }

    async fn until_due(&self) {
        loop {
            let left = self.state.borrow().renew_at - clock::now();
            match left.to_std() {
                Ok(left) if !left.is_zero() => {
                    // A client that finds the credentials expired has seen before we did that the machine was suspended.
                    let _ = timeout(left.min(TICK), self.wanted.notified()).await;
                }
                _ => return,
            }
        }
    }

    async fn renew(&self) -> Result<ObtainedCredentials, String> {
        match self.renewal.run(CodeUse::Never).await {
            Ok(obtained) => return Ok(obtained),
            Err(NotObtained::Failed(why)) => return Err(why),
            Err(NotObtained::PersonNeeded(_)) => {}
        }
        if !self.may_ask() {
            let known = self.state.borrow().failure.clone();
            return Err(known.unwrap_or_else(|| "an MFA code is needed".to_owned()));
        }
        let asked = {
            let _one_prompt = self.prompting.lock().await;
            self.renewal.run(CodeUse::IfNeeded).await
        };
        self.is_wanted.set(false);
        self.next_asking.set(clock::now() + self.asking_pause());
        asked.map_err(|error| match error {
            NotObtained::PersonNeeded(why) | NotObtained::Failed(why) => why,
        })
    }

    /// Whether a person may be asked now. Once the credentials have expired, only if a client is waiting.
    fn may_ask(&self) -> bool {
        let is_useful = self.is_wanted.get() || self.state.borrow().is_valid();
        let left = self.next_asking.get() - clock::now();
        // More than the pause is left after the clock was set back.
        let is_left_alone = TimeDelta::zero() < left && left <= self.asking_pause();
        is_useful && !is_left_alone
    }

    /// How long a person is left alone after a prompt.
    fn asking_pause(&self) -> TimeDelta {
        (self.renewal.renew_before / ASKINGS).max(ASKING_PAUSE)
    }

    /// Waits after a failed renewal, for a shorter time if a client is waiting.
    async fn pause(&self) {
        let short = (SHORT_PAUSE * self.failures.get()).min(LONGEST_SHORT_PAUSE);
        sleep(short).await;
        let _ = timeout(PAUSE.saturating_sub(short), self.wanted.notified()).await;
    }

    /// Tells the person once that renewals fail, and once that the credentials have expired.
    fn tell_failure(&self, why: &str) {
        let state = self.state.borrow();
        let name = &self.renewal.name;
        let end = state.obtained.credentials.expiration;
        match (self.told.get(), state.is_valid()) {
            (Told::Nothing, true) => {
                self.told.set(Told::Failure);
                let until = until(end, clock::now());
                Report::notice(format_args!(
                    "warning: the credentials of {name} could not be renewed, and are valid until {until}: {why}"
                ));
            }
            (Told::Nothing | Told::Failure, false) => {
                self.told.set(Told::End);
                Report::notice(format_args!(
                    "warning: the credentials of {name} have expired, and could not be renewed: {why}"
                ));
            }
            (Told::Failure | Told::End, _) => return,
        }
        Report::notice(format_args!("hint: {}", self.renewal.way_out));
    }

    /// Tells a person who knows of a failure that there are new credentials.
    fn tell_success(&self, obtained: &ObtainedCredentials) {
        if self.told.replace(Told::Nothing) != Told::Nothing {
            let until = until(obtained.credentials.expiration, clock::now());
            Report::notice(format_args!(
                "the credentials of {} are renewed, and valid until {until}",
                self.renewal.name
            ));
        }
    }
}
