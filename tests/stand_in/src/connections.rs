//! Sockets and threads: one thread per connection, and faults where they touch the connection.

use std::collections::HashMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::account::Account;
use crate::exchange::{Delivery, State};
use crate::faults::Fault;
use crate::http::{Connection, HttpResponse, ReadError};

/// How long a connection stays open where the stand-in is to hang up after an answer.
const HANGING_UP: Duration = Duration::from_millis(300);
/// How long a connection may be silent, or refuse to take an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    open: Mutex<Open>,
    stopped: Condvar,
}

/// The open connections, and whether to close them.
#[derive(Debug, Default)]
struct Open {
    streams: HashMap<u64, TcpStream>,
    stopping: bool,
}

impl Shared {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            state: Mutex::new(State::new(account)),
            open: Mutex::new(Open::default()),
            stopped: Condvar::new(),
        }
    }

    /// Ends all waiting, and lets no new connection in.
    pub(crate) fn stop(&self) {
        self.open().stopping = true;
        self.stopped.notify_all();
    }

    /// Wakes the threads that read from a connection.
    pub(crate) fn shut_connections(&self) {
        for stream in self.open().streams.values() {
            // It doesn't matter if the client was faster.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    // A panic in another thread is that thread's failure; the data are whole at every moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not longer than the stand-in lives. False if it ended.
    fn wait(&self, time: Duration) -> bool {
        let guard = self.open();
        let waited = self
            .stopped
            .wait_timeout_while(guard, time, |open| !open.stopping);
        let (open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !open.stopping
    }
}

/// Accepts connections until the stand-in stops, and returns the threads that still serve one.
pub(crate) fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut serving: Vec<JoinHandle<()>> = Vec::new();
    for number in 0.. {
        let accepted = listener.accept();
        serving.retain(|thread| !thread.is_finished());
        let mut open = shared.open();
        if open.stopping {
            break;
        }
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely; they come back as connections end.
            drop(open);
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let Ok(second_handle) = stream.try_clone() else {
            continue;
        };
        open.streams.insert(number, second_handle);
        drop(open);
        let for_thread = Arc::clone(shared);
        serving.push(thread::spawn(move || {
            let connection = serve(stream, &for_thread);
            // Only the last handle closes the connection, so this one has to go first.
            for_thread.open().streams.remove(&number);
            drop(connection);
        }));
    }
    serving
}

/// Answers the requests on one connection, and returns it to be closed.
fn serve(stream: TcpStream, shared: &Shared) -> Connection<TcpStream> {
    // If these fail the connection is gone, and reading from it will say so.
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    while connection.wait_for_request() && serve_one(&mut connection, shared) == After::Continue {}
    connection
}

/// What to do with a connection after a request.
#[derive(PartialEq, Eq)]
enum After {
    Continue,
    Close,
}

fn serve_one(connection: &mut Connection<TcpStream>, shared: &Shared) -> After {
    let fault = shared.state().faults.take();
    if fault == Some(Fault::ResetBeforeReading) {
        shared.state().note_unread();
        return After::Close;
    }
    let request = match connection.read_request() {
        Ok(request) => request,
        Err(ReadError::Broken) => return After::Close,
        Err(ReadError::Refused(status)) => {
            let mut state = shared.state();
            let number = state.note_unread();
            state.note_answer(number, status);
            drop(state);
            let response = HttpResponse::new(status, "text/plain", "");
            let _ = connection.write(&response, false);
            return After::Close;
        }
    };
    let reply = shared.state().reply(&request, fault.as_ref());
    match reply.delivery {
        Delivery::Never => return After::Close,
        Delivery::After(time) if !shared.wait(time) => return After::Close,
        _ => {}
    }
    // Before it is sent, so that a test that has the answer finds it noted.
    let status = reply.response.status;
    shared.state().note_answer(reply.number, status);
    if reply.delivery == Delivery::Half {
        let _ = connection.write_half(&reply.response);
        return After::Close;
    }
    match connection.write(&reply.response, request.keep_alive) {
        Ok(()) if shared.state().hangs_up => {
            // Not before the client has turned to something else.
            shared.wait(HANGING_UP);
            After::Close
        }
        Ok(()) if request.keep_alive => After::Continue,
        _ => After::Close,
    }
}
