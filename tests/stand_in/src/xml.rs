//! PURE. Text in XML, and the envelope of an answer.

use crate::service::Service;

/// The answer of an action. Some actions have no result.
pub(crate) fn envelope(
    service: Service,
    action: &str,
    result: Option<&str>,
    request_id: &str,
) -> String {
    let namespace = service.namespace();
    let result = result.map_or_else(String::new, |result| {
        format!("  <{action}Result>\n{result}  </{action}Result>\n")
    });
    format!(
        "<{action}Response xmlns=\"{namespace}\">\n{result}  <ResponseMetadata>\n    \
         <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n"
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
