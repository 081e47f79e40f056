//! A program as users of the AWS SDK for Rust write it: it takes the credentials that the SDK finds, and says whose
//! they are. With a number, it goes on until it has called AWS with so many keys.

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, Write as _};
use std::time::Duration;

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
    let client = aws_sdk_sts::Client::new(&config);
    let provider = config
        .credentials_provider()
        .ok_or("the SDK has no credentials provider")?;
    let wanted = std::env::args().nth(1).map_or(Ok(1), |text| text.parse())?;
    let mut keys = HashSet::new();
    loop {
        let caller = client.get_caller_identity().send().await?;
        let credentials = provider.provide_credentials().await?;
        let key = credentials.access_key_id();
        if keys.insert(key.to_owned()) {
            let told = serde_json::json!({"arn": caller.arn(), "key": key});
            writeln!(io::stdout(), "{told}")?;
        }
        if keys.len() >= wanted {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
