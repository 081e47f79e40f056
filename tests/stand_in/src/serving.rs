//! The requests on a connection to the stand-in, and faults where they touch the connection.

use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::account::Account;
use crate::authority::Identity;
use crate::connections::Connections;
use crate::exchange::{Delivery, State};
use crate::faults::Fault;
use crate::http::{Connection, ReadError};
use crate::wire::Wire;

/// How long a connection stays open where the stand-in is to hang up after an answer.
const HANGING_UP: Duration = Duration::from_millis(300);

/// What the connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// With one, connections speak TLS.
    identity: Option<Identity>,
}

impl Shared {
    pub(crate) fn new(account: Account, identity: Option<Identity>) -> Self {
        Self {
            state: Mutex::new(State::new(account, scheme(identity.as_ref()))),
            identity,
        }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        scheme(self.identity.as_ref())
    }

    // A panic in another thread is that thread's failure; the data are whole at every moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the requests on one connection, and returns it to be closed.
    pub(crate) fn serve(
        &self,
        stream: TcpStream,
        connections: &Connections,
    ) -> Option<Connection<Wire>> {
        let Ok(wire) = Wire::accept(stream, self.identity.as_ref()) else {
            self.state().handshakes_failed += 1;
            return None;
        };
        let mut connection = Connection::new(wire);
        while connection.wait_for_request() {
            match self.serve_one(&mut connection, connections) {
                After::Continue => {}
                After::Close => {
                    connection.stream.say_goodbye();
                    break;
                }
                After::Abandon => break,
            }
        }
        Some(connection)
    }

    fn serve_one(&self, connection: &mut Connection<Wire>, connections: &Connections) -> After {
        let fault = self.state().faults.take();
        if fault == Some(Fault::ResetBeforeReading) {
            self.state().note_unread();
            connection.stream.reset_at_end();
            return After::Abandon;
        }
        let request = match connection.read_request() {
            Ok(request) => request,
            Err(ReadError::Broken) => return After::Abandon,
            Err(ReadError::Refused(status)) => {
                let response = self.state().refuse(status);
                let _ = connection.write(&response, false);
                return After::Close;
            }
        };
        let reply = self.state().reply(&request, fault.as_ref());
        match reply.delivery {
            Delivery::Never => return After::Abandon,
            Delivery::After(time) if !connections.wait(time) => return After::Abandon,
            _ => {}
        }
        // Before it is sent, so that a test that has the answer finds it noted.
        let status = reply.response.status;
        self.state().note_answer(reply.number, status);
        if reply.delivery == Delivery::Half {
            let _ = connection.write_half(&reply.response);
            return After::Abandon;
        }
        match connection.write(&reply.response, request.keep_alive) {
            Ok(()) if self.state().hangs_up => {
                // Not before the client has turned to something else.
                connections.wait(HANGING_UP);
                After::Close
            }
            Ok(()) if request.keep_alive => After::Continue,
            _ => After::Close,
        }
    }
}

fn scheme(identity: Option<&Identity>) -> &'static str {
    match identity {
        None => "http",
        Some(_) => "https",
    }
}

/// What to do with a connection after a request.
enum After {
    Continue,
    /// Close it in order.
    Close,
    /// Close it without a word.
    Abandon,
}
