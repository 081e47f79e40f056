//! A program as users of the AWS SDK for Rust write it: it takes the credentials that the SDK finds, and says whose
//! they are.

use std::error::Error;
use std::io::{self, Write as _};

use aws_config::BehaviorVersion;
use aws_sdk_sts::config::ProvideCredentials as _;
use aws_smithy_http_client::{Builder, Connector};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(tell())
}

async fn tell() -> Result<(), Box<dyn Error>> {
    // Without TLS, as the servers are on loopback.
    let http = Builder::new().build_with_connector_fn(|settings, _| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.build_http()
    });
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .load()
        .await;
    let caller = aws_sdk_sts::Client::new(&config)
        .get_caller_identity()
        .send()
        .await?;
    let credentials = config
        .credentials_provider()
        .ok_or("the SDK has no credentials provider")?
        .provide_credentials()
        .await?;
    let told = serde_json::json!({"arn": caller.arn(), "key": credentials.access_key_id()});
    writeln!(io::stdout(), "{told}")?;
    Ok(())
}
