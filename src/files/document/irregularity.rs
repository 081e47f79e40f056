//! Lists the ways a line can break the format, and how AWS tools react to each.

use std::fmt;

/// How a line breaks the format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Irregularity {
    /// Neither `=` nor `:`.
    NoEqualsSign,
    /// Nothing before the `=`.
    NoKey,
    /// A property before the first header.
    OutsideSection,
    /// A header without `]`, or without a name.
    BadHeader,
    /// Only nested `key = value` lines may follow an empty value.
    BadNested,
    /// `key : value`: accepted, though the AWS SDKs reject it, or read the colon as part of the key.
    Colon,
    /// A section whose lines are indented: accepted, though the AWS SDKs reject it.
    Indented,
    /// Text after `]`: ignored, though the AWS SDKs reject it.
    AfterHeader,
    /// Blanks before the name in a header: ignored, though the AWS CLI reads them as part of the name.
    BlanksBeforeName,
    /// Blanks after the name in a header, likewise; in `[profile name ]` the AWS CLI ignores them, too.
    BlanksBehindName,
    /// A bracket in the comment after a header: the AWS CLI reads everything before it as the name.
    BracketBehindHeader,
    /// A carriage return inside a line: the AWS CLI reads it as the end of the line.
    LoneCarriageReturn,
    /// A blank next to `=` that is neither a space nor a tab, or an invisible character: ignored where the AWS CLI ignores it, though the
    /// AWS SDKs read it as part of the key or of the value.
    OddBlank(char),
    /// A byte order mark at the start of the file: ignored, though the AWS CLI rejects it.
    ByteOrderMark,
}

/// How AWS tools react to an irregular line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Harm {
    /// The line is malformed, and all of them reject the file.
    FileRefused,
    /// The AWS CLI rejects the file.
    FileRefusedByCli,
    /// Some SDKs reject the file.
    FileRefusedBySome,
    /// Some of them read other values in its section, or do not find the section.
    Misread,
}

impl Irregularity {
    /// How AWS tools react to it.
    pub fn harm(self) -> Harm {
        match self {
            Self::NoEqualsSign
            | Self::NoKey
            | Self::OutsideSection
            | Self::BadHeader
            | Self::BadNested => Harm::FileRefused,
            Self::ByteOrderMark | Self::LoneCarriageReturn => Harm::FileRefusedByCli,
            Self::Colon | Self::Indented | Self::AfterHeader => Harm::FileRefusedBySome,
            Self::BlanksBeforeName
            | Self::BlanksBehindName
            | Self::BracketBehindHeader
            | Self::OddBlank(_) => Harm::Misread,
        }
    }

    /// Whether it is about blanks in a header.
    pub fn is_blank_in_header(self) -> bool {
        matches!(self, Self::BlanksBeforeName | Self::BlanksBehindName)
    }

    /// Whether the line is malformed, not just unusual.
    pub fn is_malformed(self) -> bool {
        self.harm() == Harm::FileRefused
    }

    /// How AWS tools react to it, in words.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::BlanksBeforeName | Self::BlanksBehindName => {
                "the AWS CLI reads them as part of the name"
            }
            Self::BracketBehindHeader => {
                "the AWS CLI reads everything up to the last bracket as the name"
            }
            Self::LoneCarriageReturn => {
                "the AWS CLI reads it as the end of the line, and may reject the file because of the rest"
            }
            Self::OddBlank(c) if c.is_ascii() => {
                "the AWS CLI reads it as a space, and the AWS SDKs as part of the name, the key, or the value"
            }
            Self::OddBlank(c) if c.is_whitespace() => {
                "the AWS SDKs read it as part of the name, the key, or the value"
            }
            Self::OddBlank(_) => "AWS tools read it as part of the name, the key, or the value",
            _ => match self.harm() {
                Harm::FileRefused => "AWS tools reject the file because of it",
                Harm::FileRefusedByCli => "the AWS CLI rejects the file because of it",
                Harm::FileRefusedBySome | Harm::Misread => {
                    "some AWS SDKs reject the file because of it"
                }
            },
        }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEqualsSign => "has no `=`",
            Self::NoKey => "has no key before the `=`",
            Self::OutsideSection => "is before the first section",
            Self::BadHeader => "is not a complete section header like `[name]`",
            Self::BadNested => "is not `key = value`, which must follow an empty value",
            Self::Colon => "has `:` instead of `=`",
            Self::Indented => "is indented",
            Self::AfterHeader => "has text after the section header",
            Self::BlanksBeforeName | Self::BlanksBehindName => "has whitespace inside the brackets",
            Self::BracketBehindHeader => "has a bracket after the section header",
            Self::LoneCarriageReturn => "has a carriage return (U+000D) without a line feed",
            Self::OddBlank(c) => {
                let name = match c {
                    '\u{a0}' => " (no-break space)",
                    '\u{feff}' => " (byte order mark)",
                    _ => "",
                };
                let code = u32::from(*c);
                return write!(f, "has the character U+{code:04X}{name} instead of a space");
            }
            Self::ByteOrderMark => "begins with a byte order mark",
        })
    }
}
