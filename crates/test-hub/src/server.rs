//! The hub as a running server: two listeners, a thread for each connection, and an end that leaves none behind.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::control;
use crate::counters::Counters;
use crate::delivery::{Next, deliver, stall};
use crate::http::Request;
use crate::repository::Repository;
use crate::routes::Site;
use crate::rule::Behaviour;
use crate::stop::{Stop, lock};

/// A hub that runs until it is dropped.
#[derive(Debug)]
pub struct Hub {
    server: Arc<Server>,
    addresses: Vec<SocketAddr>,
    acceptors: Vec<JoinHandle<()>>,
}

/// What a hub will hold and how it will behave.
#[derive(Debug, Default)]
pub struct Builder {
    repositories: Vec<Repository>,
    behaviour: Behaviour,
    port: u16,
}

#[derive(Debug)]
struct Server {
    site: Site,
    stop: Stop,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    next: u64,
    streams: HashMap<u64, TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Builder {
    /// Adds a repository.
    #[must_use]
    pub fn repository(mut self, repository: Repository) -> Self {
        self.repositories.push(repository);
        self
    }

    /// How it behaves from the start; rightly, if this is not called.
    #[must_use]
    pub fn behaviour(mut self, behaviour: impl Into<Behaviour>) -> Self {
        self.behaviour = behaviour.into();
        self
    }

    /// Its port, if any will not do: a hub that comes back must be where it was.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts it. Digests of the files that do not have one are computed first.
    ///
    /// # Errors
    /// If a file cannot be read, or the port is taken.
    pub fn start(self) -> io::Result<Hub> {
        let repositories = self.repositories.into_iter().map(Repository::store).collect::<io::Result<_>>()?;
        let main = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addresses = vec![main.local_addr()?, other.local_addr()?];
        let endpoint = format!("http://{}", main.local_addr()?);
        let other_endpoint = format!("http://localhost:{}", other.local_addr()?.port());
        let server = Arc::new(Server {
            site: Site::new(repositories, self.behaviour, endpoint, other_endpoint),
            stop: Stop::default(),
            connections: Mutex::default(),
        });
        let mut hub = Hub { server, addresses, acceptors: Vec::new() };
        for listener in [main, other] {
            let server = Arc::clone(&hub.server);
            let acceptor = thread::Builder::new().name("hub-accept".into()).spawn(move || server.accept(&listener))?;
            hub.acceptors.push(acceptor);
        }
        Ok(hub)
    }
}

impl Hub {
    /// Begins to describe a hub.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its address, without a slash at the end: `http://127.0.0.1:…`.
    pub fn endpoint(&self) -> String {
        self.server.site.endpoint.clone()
    }

    /// The address of its second listener, which is on another host for a client: `http://localhost:…`.
    pub fn other_endpoint(&self) -> String {
        self.server.site.other_endpoint.clone()
    }

    /// Changes how it behaves, from the next request on; what is on its way stays as it is. Counts of rules start anew.
    pub fn set_behaviour(&self, behaviour: impl Into<Behaviour>) {
        self.server.site.set_behaviour(behaviour.into());
    }

    /// How it behaves.
    pub fn behaviour(&self) -> Behaviour {
        self.server.site.behaviour()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.server.site.ledger.read()
    }

    /// Forgets what happened so far.
    pub fn reset_counters(&self) {
        self.server.site.ledger.reset();
    }

    /// Files that are being sent at this moment, silent ones too, to clients that are still there
    /// as far as the hub knows. While there are none, no byte is counted.
    pub fn files_being_sent(&self) -> u64 {
        self.server.site.ledger.files_being_sent()
    }

    /// Connections that are open at this moment, idle ones too.
    pub fn open_connections(&self) -> usize {
        lock(&self.server.connections).streams.len()
    }

    /// The commit of a repository's `main`.
    pub fn commit(&self, id: &str) -> Option<String> {
        crate::repository::find(&self.server.site.repositories, id, "main").ok().map(|found| found.commit.clone())
    }

    /// The SHA-256 of a large file of a repository's `main`.
    pub fn sha256(&self, id: &str, path: &str) -> Option<String> {
        let repository = crate::repository::find(&self.server.site.repositories, id, "main").ok()?;
        repository.file(path)?.lfs.as_ref().map(|lfs| lfs.sha256.clone())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.server.stop.set();
        // A listener notices only with its next connection.
        for address in &self.addresses {
            drop(TcpStream::connect(address));
        }
        for acceptor in self.acceptors.drain(..) {
            drop(acceptor.join());
        }
        let threads = {
            let mut connections = lock(&self.server.connections);
            for stream in connections.streams.values() {
                drop(stream.shutdown(Shutdown::Both));
            }
            std::mem::take(&mut connections.threads)
        };
        for connection in threads {
            drop(connection.join());
        }
    }
}

impl Server {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept() {
            if self.stop.is_set() {
                return;
            }
            // A connection that cannot be served is closed; the next one may fare better.
            drop(self.start_connection(stream));
        }
    }

    fn start_connection(self: &Arc<Self>, mut stream: TcpStream) -> io::Result<()> {
        // The last byte of a body must not wait for the acknowledgement of those before.
        stream.set_nodelay(true)?;
        let mut connections = lock(&self.connections);
        let number = connections.next;
        connections.next += 1;
        connections.streams.insert(number, stream.try_clone()?);
        connections.threads.retain(|thread| !thread.is_finished());
        let server = Arc::clone(self);
        let connection = thread::Builder::new().name("hub-connection".into()).spawn(move || {
            // An error means that the client is gone or talks nonsense: either way the connection ends.
            drop(server.serve(&mut stream));
            lock(&server.connections).streams.remove(&number);
        });
        match connection {
            Ok(thread) => connections.threads.push(thread),
            Err(error) => {
                connections.streams.remove(&number);
                return Err(error);
            }
        }
        Ok(())
    }

    fn serve(&self, stream: &mut TcpStream) -> io::Result<()> {
        self.site.ledger.connection();
        if self.site.stalls_connection() {
            stall(stream, &self.stop)?;
            return Ok(());
        }
        while let Some(mut request) = Request::read(stream, &self.stop)? {
            let answer = control::answer(&self.site, &request).unwrap_or_else(|| self.site.answer(&request));
            if !answer.is_reset() {
                request.finish(stream)?;
            }
            let next = deliver(stream, &answer, request.is_head(), &self.site.ledger, &self.stop)?;
            if next == Next::Close || request.is_last() || self.stop.is_set() {
                break;
            }
        }
        Ok(())
    }
}
