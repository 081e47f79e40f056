//! Waits for an answer that AWS gives only after a while, and defines when the user is told about a wait.

use std::thread;
use std::time::Duration;

/// How long a wait lasts before the user is told.
pub const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// Asks until there is an answer, with these pauses in between. Calls `say` once, before the first pause. Returns none if there is
/// no answer after the last pause. What `say` returns is dropped at the end.
pub fn poll<T, E, W>(
    pauses: impl IntoIterator<Item = Duration>,
    say: impl Fn() -> W,
    mut ask: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let mut pauses = pauses.into_iter();
    let mut said = None;
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        // After the question, because the length of a pause can depend on how long the question took.
        let Some(pause) = pauses.next() else {
            return Ok(None);
        };
        said.get_or_insert_with(&say);
        thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::poll;

    #[test]
    fn it_says_once_that_it_waits_and_asks_after_the_last_pause() {
        for (known_at, pauses, answer, asked, said) in [
            (1, 2, Some("known"), 1, 0),
            (3, 2, Some("known"), 3, 1),
            (4, 2, None, 3, 1),
            (2, 0, None, 1, 0),
        ] {
            let (questions, notices) = (Cell::new(0), Cell::new(0));
            let polled: Result<_, ()> = poll(
                vec![Duration::ZERO; pauses],
                || notices.set(notices.get() + 1),
                || {
                    questions.set(questions.get() + 1);
                    Ok((questions.get() >= known_at).then_some("known"))
                },
            );
            assert_eq!(polled, Ok(answer));
            assert_eq!((questions.get(), notices.get()), (asked, said));
        }
    }
}
