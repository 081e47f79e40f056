//! Renders a policy in HCL, for Terraform and OpenTofu, as `terraform fmt` formats it: two spaces for each level, and the `=` of
//! neighboring lines aligned, unless a value continues on the next line.
//! See <https://developer.hashicorp.com/terraform/language/style>.

use super::policy_document::{Attachment, Node, PolicyDocument};

/// The policy with what it is attached to.
pub(super) fn render(document: &PolicyDocument) -> String {
    let PolicyDocument {
        name,
        description,
        kind,
        policy,
    } = document;
    let label = name.replace('-', "_");
    match kind {
        Attachment::Trust { role } => {
            // Terraform has separate arguments for a role's name and its path.
            let (path, role) = match role.rsplit_once('/') {
                Some((path, role)) => (Some(format!("/{}/", path.trim_matches('/'))), role),
                None => (None, &**role),
            };
            let mut lines = vec![("name", quoted(role))];
            lines.extend(path.map(|path| ("path", quoted(&path))));
            lines.push(("description", quoted("Assumed with MFA only")));
            lines.push(("assume_role_policy", encoded(policy)));
            resource("aws_iam_role", &label, lines)
        }
        Attachment::Identity => [
            resource(
                "aws_iam_policy",
                &label,
                vec![
                    ("name", quoted(name)),
                    ("description", quoted(&capitalised(description))),
                    ("policy", encoded(policy)),
                ],
            ),
            resource("aws_iam_group", &label, vec![("name", quoted(name))]),
            resource(
                "aws_iam_group_policy_attachment",
                &label,
                vec![
                    ("group", format!("aws_iam_group.{label}.name")),
                    ("policy_arn", format!("aws_iam_policy.{label}.arn")),
                ],
            ),
        ]
        .join("\n"),
    }
}

fn resource(kind: &str, label: &str, lines: Vec<(&str, String)>) -> String {
    let lines = lines
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    format!(
        "resource \"{kind}\" \"{label}\" {}\n",
        map(&lines.collect::<Vec<_>>(), 0)
    )
}

fn encoded(policy: &Node) -> String {
    format!("jsonencode({})", expression(policy, 1))
}

/// A value that starts at the end of a line of this depth.
fn expression(node: &Node, depth: usize) -> String {
    match node {
        Node::Text(value) => quoted(value),
        Node::List(items) => {
            let indent = "  ".repeat(depth);
            let items = items
                .iter()
                .map(|item| format!("{indent}  {},\n", expression(item, depth + 1)));
            format!("[\n{}{indent}]", items.collect::<String>())
        }
        Node::Map(items) => {
            let items = items.iter().map(|(key, item)| {
                let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let key = if is_name {
                    (*key).to_owned()
                } else {
                    quoted(key)
                };
                (key, expression(item, depth + 1))
            });
            map(&items.collect::<Vec<_>>(), depth)
        }
    }
}

/// Lines with an `=`, in braces.
fn map(lines: &[(String, String)], depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let is_long = |(_, value): &(String, String)| value.contains('\n');
    let runs = lines.chunk_by(|one, next| !is_long(one) && !is_long(next));
    let lines = runs.flat_map(|run| {
        let width = run.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let indent = &indent;
        run.iter()
            .map(move |(key, value)| format!("{indent}  {key:width$} = {value}\n"))
    });
    format!("{{\n{}{indent}}}", lines.collect::<String>())
}

/// A quoted string without interpolation.
fn quoted(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    let value = value.replace("${", "$${").replace("%{", "%%{");
    format!("\"{value}\"")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
