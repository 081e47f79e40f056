//! Edits the line that a person types at a Windows console.

use std::mem;

use console::{Key, measure_text_width};
use zeroize::Zeroizing;

/// What Ctrl-Z types. At the beginning of a line, it ends the input.
const END_OF_INPUT: char = '\u{1a}';
/// Enough for what people type. A longer line is copied, and the copies are not wiped.
const USUAL: usize = 1024;

/// A line so far.
pub(super) struct Line {
    text: Zeroizing<String>,
    /// Whether it is hidden.
    is_hidden: bool,
}

/// What happens when a key is pressed.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Pressed {
    /// This is shown.
    Shown(String),
    /// The line is complete.
    Complete(Zeroizing<String>),
    /// The person ends the input.
    EndOfInput,
}

impl Line {
    pub(super) fn new(is_hidden: bool) -> Self {
        Self {
            text: Zeroizing::new(String::with_capacity(USUAL)),
            is_hidden,
        }
    }

    pub(super) fn press(&mut self, key: &Key) -> Pressed {
        match *key {
            Key::Enter if self.text.starts_with(END_OF_INPUT) => return Pressed::EndOfInput,
            Key::Enter => {
                let text = mem::take(&mut self.text);
                return Pressed::Complete(Zeroizing::new(text.trim_end().to_owned()));
            }
            Key::Backspace => {
                if let Some(last) = self.text.pop() {
                    return self.erased(&shown(last));
                }
            }
            Key::Escape => {
                let erased: String = self.text.chars().map(shown).collect();
                let erased = Zeroizing::new(erased);
                self.text.clear();
                return self.erased(&erased);
            }
            Key::Char(character) if !character.is_control() || character == END_OF_INPUT => {
                self.text.push(character);
                if !self.is_hidden {
                    return Pressed::Shown(shown(character));
                }
            }
            _ => {}
        }
        Pressed::Shown(String::new())
    }

    /// What moves the cursor back over a text, and clears it.
    fn erased(&self, text: &str) -> Pressed {
        if self.is_hidden {
            return Pressed::Shown(String::new());
        }
        Pressed::Shown("\u{8} \u{8}".repeat(measure_text_width(text)))
    }
}

/// A character as a console shows it.
fn shown(character: char) -> String {
    match character {
        END_OF_INPUT => "^Z".to_owned(),
        character => character.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use console::Key;

    use super::{Line, Pressed};

    /// What is shown for some keys, and what the last one does.
    fn typed(is_hidden: bool, keys: &[Key]) -> (String, Option<Pressed>) {
        let mut line = Line::new(is_hidden);
        let mut screen = String::new();
        for key in keys {
            match line.press(key) {
                Pressed::Shown(text) => screen += &text,
                pressed => return (screen, Some(pressed)),
            }
        }
        (screen, None)
    }

    fn keys(text: &str) -> Vec<Key> {
        let key = |character| match character {
            '\n' => Key::Enter,
            '<' => Key::Backspace,
            '!' => Key::Escape,
            character => Key::Char(character),
        };
        text.chars().map(key).collect()
    }

    fn complete(text: &str) -> Pressed {
        Pressed::Complete(text.to_owned().into())
    }

    #[test]
    fn a_line_is_what_was_typed_and_not_erased() {
        for (text, screen, line) in [
            ("123456\n", "123456", "123456"),
            ("12x<3\n", "12x\u{8} \u{8}3", "123"),
            ("<1\n", "1", "1"),
            ("名<a\n", "名\u{8} \u{8}\u{8} \u{8}a", "a"),
            ("ab!c\n", "ab\u{8} \u{8}\u{8} \u{8}c", "c"),
            ("müller \n", "müller ", "müller"),
            ("a\u{1}b\n", "ab", "ab"),
        ] {
            assert_eq!(
                typed(false, &keys(text)),
                (screen.to_owned(), Some(complete(line)))
            );
        }
        assert_eq!(typed(false, &[Key::ArrowUp]), (String::new(), None));
    }

    #[test]
    fn ctrl_z_ends_the_input_at_the_beginning_of_a_line() {
        let ended = (String::from("^Z"), Some(Pressed::EndOfInput));
        assert_eq!(typed(false, &keys("\u{1a}\n")), ended);
        let erased = typed(false, &keys("\u{1a}<1\n"));
        let screen = "^Z\u{8} \u{8}\u{8} \u{8}1".to_owned();
        assert_eq!(erased, (screen, Some(complete("1"))));
    }

    #[test]
    fn a_hidden_line_shows_nothing() {
        let hidden = typed(true, &keys("secret<!s\u{1a}1\n"));
        assert_eq!(hidden, (String::new(), Some(complete("s\u{1a}1"))));
    }
}
