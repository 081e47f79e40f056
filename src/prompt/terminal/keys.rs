//! Interprets the key events of a Windows console.

use console::Key;

/// The numbers that Windows gives keys.
const TAB: u16 = 0x09;
const ALT: u16 = 0x12;
const PAGE_UP: u16 = 0x21;
const PAGE_DOWN: u16 = 0x22;
const END: u16 = 0x23;
const HOME: u16 = 0x24;
const LEFT: u16 = 0x25;
const UP: u16 = 0x26;
const RIGHT: u16 = 0x27;
const DOWN: u16 = 0x28;
const DELETE: u16 = 0x2e;

/// What a console reports about a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyEvent {
    pub is_down: bool,
    /// The number of the key.
    pub number: u16,
    /// What it types, in UTF-16; 0 if it types nothing.
    pub unit: u16,
    pub has_shift: bool,
}

/// Puts together the characters that arrive as two units.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    first_half: Option<u16>,
}

impl Decoder {
    /// The key that an event stands for, if any.
    pub(super) fn key(&mut self, event: KeyEvent) -> Option<Key> {
        let KeyEvent { number, unit, .. } = event;
        // A character that the keyboard does not have is pasted, or typed with Alt and its number: it comes when Alt goes up.
        if !event.is_down && (number != ALT || unit == 0) {
            return None;
        }
        if number == TAB && event.has_shift {
            return Some(Key::BackTab);
        }
        if unit == 0 {
            return named(number);
        }
        Some(match self.character(unit)? {
            '\r' | '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\u{1b}' => Key::Escape,
            '\u{8}' | '\u{7f}' => Key::Backspace,
            '\u{3}' => Key::CtrlC,
            character => Key::Char(character),
        })
    }

    /// The character of a unit; none if half of it is missing.
    fn character(&mut self, unit: u16) -> Option<char> {
        let units = self.first_half.take().into_iter().chain([unit]);
        let decoded = char::decode_utf16(units).next()?;
        if decoded.is_err() {
            self.first_half = Some(unit);
        }
        decoded.ok()
    }
}

/// A key that types nothing.
fn named(number: u16) -> Option<Key> {
    Some(match number {
        LEFT => Key::ArrowLeft,
        RIGHT => Key::ArrowRight,
        UP => Key::ArrowUp,
        DOWN => Key::ArrowDown,
        HOME => Key::Home,
        END => Key::End,
        PAGE_UP => Key::PageUp,
        PAGE_DOWN => Key::PageDown,
        DELETE => Key::Del,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use console::Key;

    use super::{ALT, DOWN, Decoder, KeyEvent, TAB};

    fn pressed(number: u16, unit: u16) -> KeyEvent {
        KeyEvent {
            is_down: true,
            number,
            unit,
            has_shift: false,
        }
    }

    #[test]
    fn keys_are_what_they_type_or_what_they_are_named() {
        let mut decoder = Decoder::default();
        for (number, unit, key) in [
            (0x41, 0x61, Some(Key::Char('a'))),
            (0xde, 0xe4, Some(Key::Char('ä'))),
            (0x0d, 0x0d, Some(Key::Enter)),
            (0x08, 0x08, Some(Key::Backspace)),
            (0x1b, 0x1b, Some(Key::Escape)),
            (0x5a, 0x1a, Some(Key::Char('\u{1a}'))),
            (DOWN, 0, Some(Key::ArrowDown)),
            (TAB, 0x09, Some(Key::Tab)),
            (0x10, 0, None),
        ] {
            assert_eq!(decoder.key(pressed(number, unit)), key);
        }
        let shifted = KeyEvent {
            has_shift: true,
            ..pressed(TAB, 0x09)
        };
        assert_eq!(decoder.key(shifted), Some(Key::BackTab));
    }

    #[test]
    fn a_key_that_goes_up_counts_only_if_it_is_alt_with_a_character() {
        let released = |number, unit| KeyEvent {
            is_down: false,
            ..pressed(number, unit)
        };
        let mut decoder = Decoder::default();
        assert_eq!(decoder.key(released(0x41, 0x61)), None);
        assert_eq!(decoder.key(released(ALT, 0)), None);
        assert_eq!(decoder.key(released(ALT, 0xe9)), Some(Key::Char('é')));
    }

    #[test]
    fn a_character_of_two_units_is_one_key() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.key(pressed(0, 0xd83d)), None);
        assert_eq!(decoder.key(pressed(0, 0xde00)), Some(Key::Char('😀')));
        assert_eq!(decoder.key(pressed(0x41, 0x61)), Some(Key::Char('a')));
    }
}
