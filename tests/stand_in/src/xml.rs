//! PURE. Text in XML, and the envelope of an answer.

use crate::service::Service;

/// An element with a text in it, on a line of its own.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escape(text))
}

/// An element with other elements in it.
pub(crate) fn parent(name: &str, elements: &str) -> String {
    format!("<{name}>\n{elements}</{name}>\n")
}

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
