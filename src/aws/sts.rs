//! Makes the STS calls of a plan. It depends on no flags, files, or output.

// Each module uses only those above it.
mod refusal;
mod explain;

use anyhow::{Context as _, Result, bail};
use aws_sdk_sts::config::Credentials as SdkCredentials;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use futures_util::stream::{self, StreamExt as _};

pub use self::explain::keys_are_temporary;
use self::explain::{Attempt, Proof};
pub use self::refusal::{Refusal, RefusalKind};
use crate::aws::network::{self, Network, RequestContext, Signer, Tries};
use crate::core::clock;
use crate::core::credentials::{Credentials, LongTermKeys, Secret};
use crate::core::error::Failure;
use crate::core::form::{Form, misfit};
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::SerialNumber;
use crate::core::shell_words::CHECK_THE_CLOCK;
use crate::plan::{Call, Plan, Role, SessionPolicy, SessionScope, Setting};

/// How many calls are under way at the same time.
const AT_ONCE: usize = 8;

/// A client of STS.
pub struct Client(Network);

impl Client {
    /// Uses connections that were prepared.
    pub fn new(network: Network) -> Self {
        Self(network)
    }

    /// The connections.
    pub fn network(&self) -> &Network {
        &self.0
    }

    /// Makes the first call of a plan with its keys and the code. It is sent only once: a lost response may have used up the code.
    pub fn spend(
        &self,
        plan: &Plan,
        keys: &LongTermKeys,
        device: &Setting<SerialNumber>,
        code: &MfaCode,
    ) -> Result<Credentials, Refusal> {
        let attempt = Attempt {
            plan,
            access_key_id: &keys.access_key_id,
            step: &plan.steps[0],
            proof: Some(Proof { device, code }),
            signer: Signer::Keys,
        };
        let call = self.call(&attempt, network::signing_keys(keys));
        self.0.wait_for(&attempt.step.connection, call)
    }

    /// Makes the other calls of some plans, each with the credentials of the one before, several plans at a time. `done` is
    /// called with the responses as they arrive. A long wait is reported, unless the caller counts the responses.
    pub fn assume<'p, J>(
        &self,
        plans: impl IntoIterator<Item = (J, &'p Plan)>,
        access_key_id: &str,
        first: &Credentials,
        is_counted: bool,
        done: impl FnMut(Vec<(J, Result<Credentials, Refusal>)>),
    ) {
        let plans: Vec<_> = plans.into_iter().collect();
        let last_step = plans.first().and_then(|(_, plan)| plan.steps.last());
        let connection = last_step.map(|step| &step.connection);
        let chains = plans
            .into_iter()
            .map(|(job, plan)| async move { (job, self.chain(plan, access_key_id, first).await) });
        let answers = stream::iter(chains)
            .buffer_unordered(AT_ONCE)
            .ready_chunks(AT_ONCE)
            .map(done)
            .collect::<()>();
        match connection.filter(|_| !is_counted) {
            Some(connection) => self.0.wait_for(connection, answers),
            None => self.0.block_on(answers),
        }
    }

    /// Whether AWS still accepts the session in the region that issued it. If that cannot be found out, the answer is yes.
    pub fn takes(&self, plan: &Plan, access_key_id: &str, session: &Credentials) -> bool {
        let attempt = Attempt {
            plan,
            access_key_id,
            step: &plan.steps[0],
            proof: None,
            signer: Signer::Session,
        };
        let asked = self.0.wait_for(&plan.steps[0].connection, async {
            let sts = self.client(&attempt, network::signing_credentials(session))?;
            self.send(&attempt, || sts.get_caller_identity().send())
                .await
        });
        !matches!(
            asked,
            Err(Refusal {
                kind: RefusalKind::Session,
                ..
            })
        )
    }

    async fn chain(
        &self,
        plan: &Plan,
        access_key_id: &str,
        first: &Credentials,
    ) -> Result<Credentials, Refusal> {
        let mut credentials = first.clone();
        for pair in plan.steps.windows(2) {
            let attempt = Attempt {
                plan,
                access_key_id,
                step: &pair[1],
                proof: None,
                signer: match &pair[0].call {
                    Call::GetSessionToken => Signer::Session,
                    Call::RefreshLogin => Signer::Login,
                    Call::AssumeRole(role) => Signer::Role(&role.arn.value),
                },
            };
            credentials = self
                .call(&attempt, network::signing_credentials(&credentials))
                .await?;
        }
        Ok(credentials)
    }

    fn client(
        &self,
        attempt: &Attempt<'_>,
        signing: SdkCredentials,
    ) -> Result<aws_sdk_sts::Client> {
        let tries = match attempt.proof {
            Some(_) => Tries::Once,
            None => Tries::Several,
        };
        self.0.sts(&attempt.step.connection, signing, tries)
    }

    async fn send<T, E, F>(&self, attempt: &Attempt<'_>, call: impl Fn() -> F) -> Result<T, Refusal>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let answer = self.0.send(&attempt.request(), call).await;
        answer.map_err(|error| attempt.explain(&error))
    }

    async fn call(
        &self,
        attempt: &Attempt<'_>,
        signing: SdkCredentials,
    ) -> Result<Credentials, Refusal> {
        let sts = self.client(attempt, signing)?;
        let step = attempt.step;
        let seconds = i32::try_from(step.duration.value).context("the duration is too long")?;
        let proof = attempt.proof.as_ref();
        let serial_number = proof.map(|proof| proof.device.value.as_str().to_owned());
        let token_code = proof.map(|proof| proof.code.expose().to_owned());
        let answer = match &step.call {
            Call::GetSessionToken => {
                let call = sts
                    .get_session_token()
                    .duration_seconds(seconds)
                    .set_serial_number(serial_number)
                    .set_token_code(token_code);
                self.send(attempt, || call.clone().send())
                    .await?
                    .credentials
            }
            // It is no call of STS.
            Call::RefreshLogin => None,
            Call::AssumeRole(role) => {
                let call = sts
                    .assume_role()
                    .role_arn(&role.arn.value)
                    .role_session_name(&role.session_name.value)
                    .set_external_id(role.external_id.as_ref().map(|id| id.value.clone()))
                    .duration_seconds(seconds)
                    .set_serial_number(serial_number)
                    .set_token_code(token_code);
                let call = with_scope(call, &role.scope)?;
                let answer = self.send(attempt, || call.clone().send()).await?;
                if let Some(percent) = answer.session_token_utilization
                    && !role.scope.is_empty()
                {
                    self.0.detail(format_args!(
                        "session token of {}: {percent}% of the size that AWS allows, which policies and tags count towards",
                        role.arn.value
                    ));
                }
                answer.credentials
            }
        };
        // The code is used up, whatever the response contains.
        let role = match &step.call {
            Call::GetSessionToken | Call::RefreshLogin => None,
            Call::AssumeRole(role) => Some(&**role),
        };
        granted(answer, &attempt.request(), role).map_err(|error| Refusal {
            error,
            kind: RefusalKind::Lost,
        })
    }
}

/// The call with the session policies, the session tags and the source identity of the role.
fn with_scope(
    call: AssumeRoleFluentBuilder,
    scope: &SessionScope,
) -> Result<AssumeRoleFluentBuilder> {
    let mut call = call.set_source_identity(
        scope
            .source_identity
            .as_ref()
            .map(|name| name.value.clone()),
    );
    for policy in &scope.policies {
        call = match &policy.value {
            SessionPolicy::Inline { document, .. } => call.policy(document),
            SessionPolicy::Managed(arn) => {
                call.policy_arns(PolicyDescriptorType::builder().arn(arn).build())
            }
        };
    }
    for tag in scope.tags() {
        call = call.tags(Tag::builder().key(&tag.key).value(&tag.value).build()?);
    }
    for key in scope.transitive_tags() {
        call = call.transitive_tag_keys(key);
    }
    Ok(call)
}

/// The credentials in a response of STS, if they are complete and valid.
pub fn granted(
    answer: Option<aws_sdk_sts::types::Credentials>,
    request: &RequestContext<'_>,
    role: Option<&Role>,
) -> Result<Credentials> {
    let whole = answer.filter(|answer| {
        ![
            &answer.access_key_id,
            &answer.secret_access_key,
            &answer.session_token,
        ]
        .iter()
        .any(|part| part.is_empty())
    });
    let Some(answer) = whole else {
        bail!(request.foreign("it contains no credentials"));
    };
    if let Some(form) = misfit(&[
        (Form::AccessKeyId, &answer.access_key_id),
        (Form::SecretAccessKey, &answer.secret_access_key),
        (Form::SessionToken, &answer.session_token),
    ]) {
        bail!(request.foreign(&format!("its {} is malformed", form.name())));
    }
    let expiration = clock::from_timestamp(answer.expiration.secs())
        .ok_or_else(|| request.foreign("its expiration is not a valid date"))?;
    if expiration <= clock::now() {
        bail!(
            Failure::new(format!(
                "the credentials from {} expired at {expiration}",
                request.host()
            ))
            .hint(CHECK_THE_CLOCK)
        );
    }
    Ok(Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: Secret::new(answer.secret_access_key),
        session_token: Secret::new(answer.session_token),
        expiration,
        role_arn: role.map(|role| role.arn.value.clone()),
        session_scope: role
            .and_then(|role| role.scope.wanted())
            .map(|scope| scope.digest),
    })
}
