//! Draws a QR code in a terminal, with two modules in each character.
//!
//! All colors are explicit, so that the code is dark on light in every theme, and a margin sets it apart.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// The margins at the sides and at the top, in modules. A larger one at the top would push the line above off a screen of 24 lines.
const SIDE: usize = 2;
const TOP: usize = 1;
/// The upper half of a character, whose lower half is the background.
const UPPER_HALF: char = '\u{2580}';
/// Black and white of the 256 colors, which no theme changes.
const BLACK: u8 = 16;
const WHITE: u8 = 231;

/// A rendered code.
pub struct Picture {
    /// Lines, each with its end.
    pub text: Zeroizing<String>,
    /// How many lines.
    pub rows: usize,
    /// How many characters each line has.
    pub columns: usize,
}

/// Renders a text. None where it is too long for any code.
pub fn render(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let columns = width + 2 * SIDE;
    // The width of a code is odd: the margin at the bottom is one wider.
    let rows = (width + 2 * TOP).div_ceil(2);
    let color = |row: usize, column: usize| {
        let is_dark = (TOP..TOP + width).contains(&row)
            && (SIDE..SIDE + width).contains(&column)
            && modules[(row - TOP) * width + column - SIDE] == Color::Dark;
        if is_dark { BLACK } else { WHITE }
    };
    let mut text = String::new();
    for row in (0..2 * rows).step_by(2) {
        let mut last = None;
        for column in 0..columns {
            let colors = (color(row, column), color(row + 1, column));
            if last != Some(colors) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\u{1b}[38;5;{};48;5;{}m", colors.0, colors.1);
                last = Some(colors);
            }
            text.push(UPPER_HALF);
        }
        text.push_str("\u{1b}[0m\n");
    }
    Some(Picture {
        text: Zeroizing::new(text),
        rows,
        columns,
    })
}
