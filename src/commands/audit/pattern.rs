//! Matches names against patterns as in IAM's policies: `*` stands for any text, `?` for one character.

/// A pattern.
#[derive(Clone, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// Any text is a valid pattern.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches a name. It backtracks to the last `*` only, so that no pattern takes long.
    pub fn meets(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut place) = (0, 0);
        let mut last_star = None;
        while place < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    last_star = Some((at, place));
                    at += 1;
                }
                Some(letter) if *letter == b'?' || *letter == name[place] => {
                    at += 1;
                    place += 1;
                }
                _ => {
                    let Some((star, taken)) = last_star else {
                        return false;
                    };
                    last_star = Some((star, taken + 1));
                    (at, place) = (star + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|letter| *letter == b'*')
    }
}
