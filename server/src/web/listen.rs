//! The accept loop: HTTP/1 and HTTP/2 over plain TCP, with a limit on everything a peer can stretch.
//!
//! `axum::serve` sets no limits, so a few slow peers could hold a server for hours. Here a
//! connection must say something soon, must not fall silent, and there are only so many of them.
//! It does *not* speak TLS: that is the business of the proxy in front.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};
use tower::ServiceExt;

use crate::config::Limits;
use crate::telemetry;

/// Who is at the other end of the connection; in the extensions of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// How long requests that run may still run once the server is to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long to wait when the system has no more file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// HTTP/2 streams that a peer may reset before they are taken; more is an attack (CVE-2023-44487).
const RESETS: usize = 20;

/// Answers requests until `shutdown`, then lets those that run end, for at most five seconds.
///
/// `per_address` is off behind a proxy, where all connections come from one address.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    per_address: bool,
    shutdown: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let addresses = Addresses::new(if per_address { limits.connections_per_address } else { usize::MAX });
    let builder = Arc::new(protocol(limits));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (permit, accepted) = accepted => match accepted {
                Ok((stream, peer)) => {
                    // Dropping the stream closes it: cheaper than any answer.
                    let Some(place) = addresses.enter(peer.ip()) else { continue };
                    let connection = Connection { peer, limits: limits.clone(), _room: permit, _place: place };
                    connections.spawn(connection.run(stream, router.clone(), Arc::clone(&builder), stopped.clone()));
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections at the moment");
                    sleep(EXHAUSTED).await;
                }
            },
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let drained = timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(connections = connections.len(), "gave up waiting for requests to end");
        connections.shutdown().await;
    }
}

/// The connection broke before it was ours; the next may be fine.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Also how long a kept-alive connection may wait for its next request.
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(64 * 1024);
    builder
}

/// One peer's connection and the room it takes.
struct Connection {
    peer: SocketAddr,
    limits: Limits,
    _room: Option<OwnedSemaphorePermit>,
    _place: Place,
}

impl Connection {
    async fn run(
        self,
        stream: TcpStream,
        router: Router,
        builder: Arc<auto::Builder<TokioExecutor>>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let _ = stream.set_nodelay(true);
        let life = Arc::new(Life::new());
        let peer = Peer(self.peer);
        let asked = Arc::clone(&life);
        let service = service_fn(move |mut request: Request<Incoming>| {
            asked.asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request.map(Body::new))
        });
        let stream = TokioIo::new(Metered { stream, life: Arc::clone(&life) });
        let mut connection = pin!(builder.serve_connection(stream, service));
        metrics::gauge!(telemetry::CONNECTIONS).increment(1.0);
        tokio::select! {
            // Errors here are the peer's: it went away, or did not speak HTTP.
            _ = connection.as_mut() => {}
            () = life.ends(&self.limits) => {}
            _ = async { stopped.wait_for(|stopped| *stopped).await.is_ok() } => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
        metrics::gauge!(telemetry::CONNECTIONS).decrement(1.0);
    }
}

/// What a connection did so far, for the decision to end it.
struct Life {
    began: Instant,
    /// Milliseconds from the beginning to the last byte, either way.
    moved_ms: AtomicU64,
    /// There was a whole request.
    asked: AtomicBool,
}

impl Life {
    fn new() -> Self {
        Self { began: Instant::now(), moved_ms: AtomicU64::new(0), asked: AtomicBool::new(false) }
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn moved(&self) {
        self.moved_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    /// Returns when the peer asked nothing for too long, or no byte moved for too long: it is
    /// gone, or reads so slowly that it might as well be.
    async fn ends(&self, limits: &Limits) {
        let millis = |limit: Duration| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let (first_ms, idle_ms) = (millis(limits.header_timeout), millis(limits.idle_timeout));
        let mut every = interval((limits.header_timeout / 2).min(Duration::from_secs(1)));
        loop {
            every.tick().await;
            let (age_ms, moved_ms) = (self.age_ms(), self.moved_ms.load(Ordering::Relaxed));
            let silent = age_ms.saturating_sub(moved_ms) > idle_ms;
            let never_asked = !self.asked.load(Ordering::Relaxed) && age_ms > first_ms;
            if silent || never_asked {
                return;
            }
        }
    }
}

/// A stream that notes when bytes move.
struct Metered {
    stream: TcpStream,
    life: Arc<Life>,
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.life.moved();
        }
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.life.moved();
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.life.moved();
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many connections each address has open.
#[derive(Clone)]
struct Addresses {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
}

impl Addresses {
    fn new(max: usize) -> Self {
        Self { open: Arc::default(), max }
    }

    /// A place for one more connection, unless the address has its share.
    fn enter(&self, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { addresses: self.clone(), address })
    }
}

/// Given back when the connection ends, however it ends.
struct Place {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;
    use crate::config::Config;

    struct Served {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        ended: tokio::task::JoinHandle<()>,
    }

    async fn served(router: Router, change: impl FnOnce(&mut Limits)) -> Served {
        let mut limits = Config::defaults().unwrap().limits;
        change(&mut limits);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(async move { serve(listener, router, &limits, true, async { drop(stopped.await) }).await });
        Served { address, stop, ended }
    }

    async fn send(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// All that comes until the other side closes.
    async fn rest(mut stream: TcpStream) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(Duration::from_secs(8), stream.read_to_end(&mut bytes)).await.expect("closed in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    const ASK: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn a_request_is_answered_and_knows_its_peer() {
        let router = Router::new()
            .route("/", get(|axum::Extension(Peer(peer)): axum::Extension<Peer>| async move { peer.ip().to_string() }));
        let server = served(router, |_| {}).await;
        assert!(rest(send(server.address, ASK).await).await.ends_with("\r\n\r\n127.0.0.1"));
    }

    #[tokio::test]
    async fn a_peer_that_says_nothing_or_half_a_head_is_let_go() {
        let server = served(Router::new(), |limits| limits.header_timeout = Duration::from_millis(200)).await;
        for beginning in ["", "PRI * HT", "GET / HTTP/1.1\r\nhost: x\r\nx: "] {
            assert!(!rest(send(server.address, beginning).await).await.starts_with("HTTP/1.1 2"), "{beginning:?}");
        }
    }

    #[tokio::test]
    async fn a_head_that_is_too_long_is_refused() {
        let server = served(Router::new(), |limits| limits.headers = 8).await;
        let many = "x-more: 1\r\n".repeat(20);
        let answer = rest(send(server.address, &format!("GET / HTTP/1.1\r\n{many}\r\n")).await).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }

    #[tokio::test]
    async fn one_address_has_only_so_many_connections_and_gets_them_back() {
        let server = served(Router::new(), |limits| limits.connections_per_address = 2).await;
        let first = send(server.address, "").await;
        let second = send(server.address, "").await;
        assert_eq!(rest(send(server.address, ASK).await).await, "");
        drop((first, second));
        sleep(Duration::from_millis(100)).await;
        assert!(rest(send(server.address, ASK).await).await.starts_with("HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn a_request_that_runs_is_answered_while_the_server_stops() {
        let router = Router::new().route(
            "/",
            get(|| async {
                sleep(Duration::from_millis(300)).await;
                "done"
            }),
        );
        let server = served(router, |_| {}).await;
        let asking = send(server.address, ASK).await;
        sleep(Duration::from_millis(100)).await;
        server.stop.send(()).unwrap();
        assert!(rest(asking).await.ends_with("done"));
        timeout(Duration::from_secs(1), server.ended).await.expect("stops soon after").unwrap();
        assert!(TcpStream::connect(server.address).await.is_err());
    }
}
