//! Sockets and threads: a listener on the loopback interface, with one thread per connection, all
//! of which end with it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a connection may be silent, or refuse to take an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A free port of the loopback interface.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The connections of one listener, and whether it has ended.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    streams: HashMap<u64, TcpStream>,
    count: u64,
    stopping: bool,
}

/// A stream that is shut, and so wakes who reads from it, when the listener ends.
pub(crate) struct Held<'a> {
    connections: &'a Connections,
    number: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.connections.open().streams.remove(&self.number);
    }
}

impl Connections {
    /// Lets the stream end with the listener. None if that has ended, or the stream is broken.
    pub(crate) fn hold(&self, stream: &TcpStream) -> Option<Held<'_>> {
        let second_handle = stream.try_clone().ok()?;
        let mut open = self.open();
        if open.stopping {
            return None;
        }
        open.count += 1;
        let number = open.count;
        open.streams.insert(number, second_handle);
        Some(Held {
            connections: self,
            number,
        })
    }

    /// Waits, but not longer than the listener lives. False if it ended.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let guard = self.open();
        let waited = self
            .stopped
            .wait_timeout_while(guard, time, |open| !open.stopping);
        let (open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !open.stopping
    }

    /// Ends all waiting and all reading, and lets no new connection in.
    fn stop(&self) {
        let mut open = self.open();
        open.stopping = true;
        for stream in open.streams.values() {
            // It doesn't matter if the client was faster.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.stopped.notify_all();
    }

    // A panic in another thread is that thread's failure; the data are whole at every moment.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener on the loopback interface. It stops, with all its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    connections: Arc<Connections>,
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Listener {
    /// Starts on this address. Each connection is served by a thread of its own, and closed when
    /// what that returned is dropped.
    pub(crate) fn start<R>(
        address: SocketAddr,
        serve: impl Fn(TcpStream, &Connections) -> R + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let message = format!("{address} is not a loopback address");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Connections::default());
        let for_thread = Arc::clone(&connections);
        let accepting = thread::Builder::new()
            .name("stand-in".to_owned())
            .spawn(move || accept(&listener, &for_thread, &Arc::new(serve)))?;
        Ok(Self {
            address,
            connections,
            accepting: Some(accepting),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connections.stop();
        // The accepting thread waits for a connection: give it one.
        drop(TcpStream::connect_timeout(&self.address, PATIENCE));
        let accepting = self.accepting.take();
        let serving = accepting.map(JoinHandle::join).and_then(Result::ok);
        for thread in serving.unwrap_or_default() {
            let _ = thread.join();
        }
    }
}

/// Accepts connections until the listener ends, and returns the threads that still serve one.
fn accept<R, F>(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    serve: &Arc<F>,
) -> Vec<JoinHandle<()>>
where
    F: Fn(TcpStream, &Connections) -> R + Send + Sync + 'static,
{
    let mut serving: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let accepted = listener.accept();
        serving.retain(|thread| !thread.is_finished());
        if connections.open().stopping {
            return serving;
        }
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely; they come back as connections end.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let (connections, serve) = (Arc::clone(connections), Arc::clone(serve));
        serving.push(thread::spawn(move || {
            let Some(held) = connections.hold(&stream) else {
                return;
            };
            make_ready(&stream);
            let served = serve(stream, &connections);
            // Only the last handle closes the connection, so this one has to go first.
            drop(held);
            drop(served);
        }));
    }
}

/// Bounds the waiting on a stream, and lets small messages go out at once.
pub(crate) fn make_ready(stream: &TcpStream) {
    // If these fail the connection is gone, and reading from it will say so.
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let _ = stream.set_nodelay(true);
}
