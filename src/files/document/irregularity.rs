//! Lists the ways a line can break the format, and what AWS tools make of each.

use std::fmt;

/// What is not as the format wants it.
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
    /// Under an empty value there can only be nested `key = value` lines.
    BadNested,
    /// `key : value`: read, though the AWS SDKs refuse it, or take the colon for a part of the key.
    Colon,
    /// A section whose lines are indented: read, though the AWS SDKs refuse it.
    Indented,
    /// Text after `]`: passed over, though the AWS SDKs refuse it.
    AfterHeader,
    /// Blanks before the name in a header: passed over, though the AWS CLI takes them for a part of the name.
    BlanksBeforeName,
    /// Blanks behind the name in a header, likewise; in `[profile name ]` the AWS CLI passes over them, too.
    BlanksBehindName,
    /// A bracket in the comment behind a header: the AWS CLI takes all before it for the name.
    BracketBehindHeader,
    /// A carriage return that ends no line: the AWS CLI takes it for the end of one.
    LoneCarriageReturn,
    /// A blank beside `=` that is neither a space nor a tab, or a character that nobody sees: passed over where the AWS CLI
    /// does so, though the AWS SDKs take it for a part of the key or of the value.
    OddBlank(char),
    /// A byte order mark begins the file: passed over, though the AWS CLI refuses it.
    ByteOrderMark,
}

/// What the AWS tools make of an irregular line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Harm {
    /// The line has no reading, and each of them refuses the file.
    FileRefused,
    /// The AWS CLI refuses the file.
    FileRefusedByCli,
    /// Some SDKs refuse the file.
    FileRefusedBySome,
    /// Some of them read something else in its section, or find no such section.
    Misread,
}

impl Irregularity {
    /// What comes of it.
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

    /// Whether the line has no reading at all.
    pub fn is_malformed(self) -> bool {
        self.harm() == Harm::FileRefused
    }

    /// What comes of it, in words.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::BlanksBeforeName | Self::BlanksBehindName => {
                "the AWS CLI takes them for a part of the name"
            }
            Self::BracketBehindHeader => {
                "the AWS CLI takes all up to the last bracket for the name"
            }
            Self::LoneCarriageReturn => {
                "the AWS CLI takes it for the end of the line, and may refuse the file for what follows"
            }
            Self::OddBlank(c) if c.is_ascii() => {
                "the AWS CLI takes it for a blank, and the AWS SDKs for a part of the name, the key or the value"
            }
            Self::OddBlank(c) if c.is_whitespace() => {
                "the AWS SDKs take it for a part of the name, the key or the value"
            }
            Self::OddBlank(_) => "AWS tools take it for a part of the name, the key or the value",
            _ => match self.harm() {
                Harm::FileRefused => "AWS tools refuse the file for it",
                Harm::FileRefusedByCli => "the AWS CLI refuses the file for it",
                Harm::FileRefusedBySome | Harm::Misread => "some AWS SDKs refuse the file for it",
            },
        }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEqualsSign => "has no `=`",
            Self::NoKey => "has no name before the `=`",
            Self::OutsideSection => "stands before the first section",
            Self::BadHeader => "is not a complete section header like `[name]`",
            Self::BadNested => "is not `key = value`, as must be below an empty value",
            Self::Colon => "has `:` in place of `=`",
            Self::Indented => "is indented",
            Self::AfterHeader => "has text after the section header",
            Self::BlanksBeforeName | Self::BlanksBehindName => "has blanks inside the brackets",
            Self::BracketBehindHeader => "has a bracket behind the section header",
            Self::LoneCarriageReturn => "has a carriage return (U+000D) without a line feed",
            Self::OddBlank(c) => {
                let name = match c {
                    '\u{a0}' => " (no-break space)",
                    '\u{feff}' => " (byte order mark)",
                    _ => "",
                };
                let code = u32::from(*c);
                return write!(
                    f,
                    "has the character U+{code:04X}{name} in place of a space"
                );
            }
            Self::ByteOrderMark => "begins with a byte order mark",
        })
    }
}
