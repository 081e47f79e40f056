//! Opens the window on Windows, in this process.
//!
//! The library panics if Windows refuses a window or a part of it, for example because a desktop has no memory left for more. The
//! thread that shows the window then stays where it is, and the others go on.

use std::cell::RefCell;
use std::panic;
use std::rc::Rc;
use std::sync::Once;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use winsafe::gui::{
    Button, ButtonOpts, Edit, EditOpts, Label, LabelOpts, WindowMain, WindowMainOpts,
};
use winsafe::prelude::{
    GuiEventsButton as _, GuiEventsParent as _, GuiEventsWindow as _, GuiWindow as _,
};
use winsafe::{GetCursorPos, HPROCESS, TokenInfo, co, gui};
use zeroize::Zeroizing;

use super::{Answer, TITLE};
use crate::core::environment::Environment;
use crate::core::text::plain;

/// What to do if no window can be opened.
pub(super) const HINT: &str = "run the command once in a terminal";

/// The session of services, where nobody sees a window. People have other sessions.
const OF_SERVICES: u32 = 0;
/// The number of the timer.
const TIMER: usize = 1;
/// How long to wait for the window beyond its own timeout.
const GRACE: Duration = Duration::from_secs(1);

/// The measures at 96 dots per inch.
const WIDTH: i32 = 440;
const MARGIN: i32 = 14;
const LINE: i32 = 16;
const FIELD: i32 = 23;
const BUTTON: (i32, i32) = (88, 26);
/// At least so many characters of the system's font fit in a line.
const COLUMNS: usize = 56;

thread_local! {
    /// Where the thread that shows the window sends the answer.
    static ANSWER: RefCell<Option<Sender<Answer>>> = const { RefCell::new(None) };
}

/// Whether a window would be seen: the process is in the session of a person, and that session is not locked.
pub(super) fn has_display(_environment: &Environment) -> bool {
    session() != Some(OF_SERVICES) && GetCursorPos().is_ok()
}

fn session() -> Option<u32> {
    let token = HPROCESS::GetCurrentProcess()
        .OpenProcessToken(co::TOKEN::QUERY)
        .ok()?;
    match token.GetTokenInformation(co::TOKEN_INFORMATION_CLASS::SessionId) {
        Ok(TokenInfo::SessionId(session)) => Some(*session),
        _ => None,
    }
}

/// Asks for a line.
#[allow(clippy::unnecessary_wraps, reason = "the same call on every system")]
pub(super) fn ask(prompt: &str, problem: Option<&str>, limit: Duration) -> Result<Answer> {
    let text = match problem {
        Some(problem) => format!("{}\n\n{}", plain(problem), plain(prompt)),
        None => plain(prompt),
    };
    survive_panics();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        ANSWER.set(Some(sender));
        let answer = show(&text, limit);
        if let Some(sender) = ANSWER.take() {
            // If it comes too late, nobody needs it.
            let _ = sender.send(answer);
        }
    });
    Ok(receiver
        .recv_timeout(limit + GRACE)
        .unwrap_or(Answer::TimedOut))
}

/// From now on, a panic of a thread that shows a window means that there is no window. Unwinding cannot do that: Windows calls the
/// library back, and nothing unwinds through that.
fn survive_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let otherwise = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let Some(sender) = ANSWER.take() else {
                return otherwise(panic);
            };
            let _ = sender.send(Answer::NoWindow);
            // After this function, the process would end.
            loop {
                thread::park();
            }
        }));
    });
}

/// Shows the window, until it is closed.
fn show(text: &str, limit: Duration) -> Answer {
    let lines: usize = text
        .lines()
        .map(|line| line.chars().count().div_ceil(COLUMNS).max(1))
        .sum();
    let text_height = LINE * i32::try_from(lines).unwrap_or(i32::MAX / LINE);
    let field_top = MARGIN + text_height + MARGIN;
    let buttons_top = field_top + FIELD + MARGIN;
    let inner = WIDTH - 2 * MARGIN;

    let window = WindowMain::new(WindowMainOpts {
        title: TITLE,
        size: gui::dpi(WIDTH, buttons_top + BUTTON.1 + MARGIN),
        // What has the keyboard may keep it. Then the window is at least seen.
        ex_style: co::WS_EX::TOPMOST,
        ..Default::default()
    });
    let _label = Label::new(
        &window,
        LabelOpts {
            text,
            position: gui::dpi(MARGIN, MARGIN),
            size: gui::dpi(inner, text_height),
            // As in a text field: long words are wrapped, and an ampersand is one.
            control_style: co::SS::LEFT | co::SS::EDITCONTROL | co::SS::NOPREFIX,
            ..Default::default()
        },
    );
    let field = Edit::new(
        &window,
        EditOpts {
            position: gui::dpi(MARGIN, field_top),
            width: gui::dpi_x(inner),
            height: gui::dpi_y(FIELD),
            ..Default::default()
        },
    );
    let right = |buttons: i32| WIDTH - (MARGIN + BUTTON.0) * buttons;
    let button = |text, id: co::DLGID, place, control_style| {
        let options = ButtonOpts {
            text,
            position: gui::dpi(right(place), buttons_top),
            width: gui::dpi_x(BUTTON.0),
            height: gui::dpi_y(BUTTON.1),
            // These IDs are those of Enter and Esc.
            ctrl_id: id.raw(),
            control_style,
            ..Default::default()
        };
        Button::new(&window, options)
    };
    let ok = button("OK", co::DLGID::OK, 2, co::BS::DEFPUSHBUTTON);
    let cancel = button("Cancel", co::DLGID::CANCEL, 1, co::BS::PUSHBUTTON);

    let answer = Rc::new(RefCell::new(Answer::Cancelled));
    let milliseconds = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
    window.on().wm_create({
        let window = window.clone();
        move |_| {
            window.hwnd().SetTimer(TIMER, milliseconds, None)?;
            Ok(0)
        }
    });
    window.on().wm_show_window({
        let window = window.clone();
        move |_| {
            window.hwnd().SetForegroundWindow();
            Ok(())
        }
    });
    window.on().wm_set_focus({
        let field = field.clone();
        move |_| {
            field.hwnd().SetFocus();
            Ok(())
        }
    });
    window.on().wm_timer(TIMER, {
        let (window, answer) = (window.clone(), Rc::clone(&answer));
        move || {
            *answer.borrow_mut() = Answer::TimedOut;
            window.close();
            Ok(())
        }
    });
    ok.on().bn_clicked({
        let (window, answer) = (window.clone(), Rc::clone(&answer));
        move || {
            let text = Zeroizing::new(field.text()?);
            *answer.borrow_mut() = Answer::Text(Zeroizing::new(text.trim().to_owned()));
            window.close();
            Ok(())
        }
    });
    cancel.on().bn_clicked({
        let window = window.clone();
        move || {
            window.close();
            Ok(())
        }
    });
    match window.run_main(None) {
        Ok(_) => answer.replace(Answer::Cancelled),
        Err(_not_shown) => Answer::NoWindow,
    }
}
