//! What connections, their threads and their timers take.

use std::time::Duration;

/// Bytes that a proxy may answer to CONNECT before it lets the connection through: as much as proxies
/// take themselves, and a hundred times what they send.
pub(crate) const PROXY_HEAD_SIZE_MAX: usize = 16 << 10;

/// Connections that wait to be accepted: what servers usually ask for; systems cut it to their own.
pub(crate) const LISTEN_BACKLOG: i32 = 1024;

/// Connections within the process that wait to be accepted: a thread does nothing else, so more
/// only wait for a server that was bound and not started.
pub(crate) const IN_PROCESS_BACKLOG_MAX: usize = 128;

/// Bytes in one direction of a connection within the process: a read's worth, like a small socket
/// buffer. What is over it waits in the sender's connection.
pub(crate) const MEMORY_PIPE_CAPACITY: usize = 64 << 10;

/// After an error of accept that concerns all connections, as a lack of descriptors: long enough
/// not to spin, short enough not to be noticed.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// gRPC's connection backoff protocol: the wait after the first failure.
pub(crate) const BACKOFF_BASE: Duration = Duration::from_secs(1);

/// gRPC's connection backoff protocol: no wait is longer.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(120);

/// The shortest wait between attempts to connect that a user can ask for: shorter ones would be a
/// busy loop.
pub(crate) const BACKOFF_SHORTEST: Duration = Duration::from_millis(1);

/// The longest wait between attempts to connect that a user can ask for: as good as for ever, and
/// still a time that can be added to any other.
pub(crate) const BACKOFF_LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// gRPC's connection backoff protocol: an attempt to connect gets at least this long.
pub(crate) const CONNECT_TIMEOUT_MIN: Duration = Duration::from_secs(20);

/// RFC 8305 8: how long an address may be silent before the next one is tried beside it.
pub(crate) const HAPPY_EYEBALLS_DELAY: Duration = Duration::from_millis(250);

/// Addresses of one server that are tried at the same time: the oldest of them has been silent for
/// four seconds when the next one takes its place.
pub(crate) const CONNECTS_AT_ONCE_MAX: usize = 16;

/// Addresses of one target that calls take in turn: as many servers as are worth a connection of each
/// client, and no answer of a name server makes more threads.
pub(crate) const BALANCED_ADDRESSES_MAX: usize = 256;

/// A name is looked up again at the earliest this long after the last time: what C-core and Java have.
pub(crate) const RESOLUTION_GAP_MIN: Duration = Duration::from_secs(30);

/// gRFC A8: a client sends keepalive PINGs at most this often, whatever it was told to.
pub(crate) const CLIENT_KEEPALIVE_TIME_MIN: Duration = Duration::from_secs(10);

/// gRFC A8 and A9: how long the answer to a keepalive PING may take.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The shortest time that a user can ask for between signs of life, or for an answer: less would
/// take an ordinary pause of a network for its end. grpc-go has the same.
pub(crate) const KEEPALIVE_MIN: Duration = Duration::from_secs(1);

/// A channel without calls closes its connection after this: what C-core, Java and Go have agreed on.
pub(crate) const CHANNEL_IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The shortest idle timeout of a channel that a user can ask for: less would make a connection for
/// every call. C-core has the same.
pub(crate) const CHANNEL_IDLE_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// gRFC A9: a server asks clients that have been silent for so long whether they are there.
pub(crate) const SERVER_KEEPALIVE_TIME: Duration = Duration::from_secs(2 * 60 * 60);

/// gRFC A8: the least time between two PINGs of a client, unless the server's user says otherwise.
pub(crate) const PERMIT_KEEPALIVE_TIME: Duration = Duration::from_secs(5 * 60);

/// gRFC A8: PINGs of a client that may come too early before its connection is closed.
pub(crate) const PING_STRIKES_MAX: u32 = 2;

/// Calls that wait for a worker: a burst, and not a minute's arrears.
pub(crate) const WORKER_QUEUE_MAX: usize = 1024;

/// How long a call waits for a worker: longer than clients of methods that answer at once would
/// wait, and short enough that servers which wait for each other are soon free again.
pub(crate) const WORKER_QUEUE_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a call may wait, where no call waits for a method, for a worker that sends the end of a
/// response: far longer than that takes with a client that reads.
pub(crate) const WORKER_ENDING_WAIT_MAX: Duration = Duration::from_millis(100);

/// How long a worker beyond the ordinary number waits for more work before its thread ends: one
/// burst rarely comes alone.
pub(crate) const WORKER_IDLE_MAX: Duration = Duration::from_secs(10);

/// Cancelled calls whose callbacks wait for the thread that runs them: all calls of hundreds of
/// connections at once. Only a callback that blocks lets so many gather.
pub(crate) const CALLBACK_QUEUE_MAX: usize = 1 << 16;

/// A method whose handlers run for longer on average runs on workers: from about here on the way to
/// another thread is a small part of the call.
pub(crate) const METHOD_LONG: Duration = Duration::from_micros(50);

/// A method whose handlers run for less on average runs on the threads that read requests again.
pub(crate) const METHOD_SHORT: Duration = Duration::from_micros(25);

/// What a handler counts for that has kept its thread for too long.
pub(crate) const METHOD_STALLS: Duration = Duration::from_millis(1);

/// How many reactors a server has at most: one for each core up to here.
pub(crate) const REACTORS_MAX: usize = 16;

/// How many requests of a connection a server's reactor takes in, and runs if they are short, before it
/// writes what they were answered with: enough that a write is shared, few enough that the first does
/// not wait long.
pub(crate) const REQUESTS_BETWEEN_WRITES: usize = 32;

/// How often a reactor reads one connection before it looks at others.
pub(crate) const READS_PER_VISIT_MAX: usize = 4;

/// How often a caller that follows lets others run before it sleeps: on two cores most of 8 callers, and
/// of 64, have their reply by then; with half as often only those of 64 have.
pub(crate) const YIELDS_MAX: u32 = 16;

/// How long that may take: where others compute, one turn alone takes longer.
pub(crate) const YIELDING_MAX: Duration = Duration::from_millis(1);

/// How many of its connection's waits go without that when one was in vain.
pub(crate) const YIELDS_SKIPPED: u32 = 32;

/// How many do when it took too long.
pub(crate) const YIELDS_SKIPPED_LONG: u32 = 4096;

/// After so many rounds in a row that brought one request each of its only connection, a reactor waits
/// for that one alone: often enough that it is a habit, and soon enough to be worth it.
pub(crate) const ROUNDS_STEADY: u32 = 64;

/// How often a running server looks whether a handler keeps a reactor, unless none has done so for long: one
/// that is seen twice loses it.
pub(crate) const MONITOR_TICK: Duration = Duration::from_millis(1);

/// How often it looks while no handler takes long: a look interrupts what runs, and costs as much as a few
/// calls; one that then takes long is found out in 6 ms at most, and what waits behind it in less than 10.
pub(crate) const MONITOR_TICK_CALM: Duration = Duration::from_millis(4);

/// After so many looks that found no handler that takes long they become rarer.
pub(crate) const MONITOR_TICKS_CALM_MIN: u32 = 64;

/// How often a handler that receives messages has its connection watched while it works on one, after it
/// has once worked on one for longer than a tick.
pub(crate) const PAUSES_SKIPPED: u32 = 64;

/// After so many looks that saw no handler the monitor sleeps until one begins.
pub(crate) const MONITOR_TICKS_IDLE_MAX: u32 = 100;

/// How long a thread of a server that has nothing to drive waits for a reactor before it ends.
pub(crate) const STANDBY_IDLE_MAX: Duration = Duration::from_secs(10);

/// How long a thread that nobody needs to wake waits in a read before it waits by other means: what
/// somebody wants of it nevertheless is late by this at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// Nobody waits like that while something is due within this time.
pub(crate) const PATIENCE_ROOM: Duration = PATIENCE.saturating_mul(4);

/// With so many calls open, a thread that begins one lets others run before it writes: fewer have
/// nothing to gain from it.
pub(crate) const CALLS_WRITTEN_TOGETHER_MIN: usize = 3;

/// So many calls that one thread begins right behind each other are written together at most: a
/// server that has nothing else to do need not wait for more.
pub(crate) const CALLS_HELD_MAX: usize = 32;

/// How long a connection of a client may stay unread between two calls before its own thread reads
/// it: short enough to answer a PING and to see GOAWAY in good time, long enough that a caller that
/// comes again finds the connection free.
pub(crate) const WATCH_DELAY: Duration = Duration::from_millis(50);

/// Bytes of small messages of one stream, or of calls of one thread, that gather before they are sent:
/// two frames of the usual size, so that what a write costs is little beside what the messages cost.
pub(crate) const BATCH_SIZE: usize = 32 << 10;

/// The largest message that waits for others to leave with: a larger one is worth a write.
pub(crate) const GATHERED_MESSAGE_MAX: usize = 4 << 10;

/// Messages, or calls of one thread, that leave at once each, however fast they come, before those
/// behind them gather: few enough to cost a burst nothing, and more than the parts of an answer.
pub(crate) const LONE_MESSAGES_MAX: usize = 3;

/// Messages or calls this far apart are no burst: writing each costs its sender less than half of its
/// time.
pub(crate) const BURST_GAP_MAX: Duration = Duration::from_micros(10);

/// Messages that gather before their sender looks whether its call is late: the clock costs as much as
/// a message.
pub(crate) const GATHERED_BETWEEN_LOOKS: usize = 32;

/// How often what gathers is sent while a burst goes on, and so about the longest that a message
/// waits: as long as one wake-up of a processor that sleeps takes, or a few.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_micros(200);

/// A burst is over when fewer messages or calls than this come in [`FLUSH_INTERVAL`].
pub(crate) const BURST_MESSAGES_MIN: usize = 10;

/// What one read of a connection takes at most: a few frames, and the responses of many streams.
pub(crate) const READ_BUFFER_SIZE: usize = 64 << 10;

/// Time for the TLS handshake of a connection that a server has accepted: as much as for the
/// preface behind it.
#[cfg(feature = "tls-rustls")]
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes that a peer may send in a TLS handshake: long chains of certificates are a tenth of it.
#[cfg(feature = "tls-rustls")]
pub(crate) const HANDSHAKE_SIZE_MAX: usize = 256 << 10;

/// Reads of an encrypted connection out of which nothing comes, before its thread looks after the rest
/// of its work: a whole record is there after one of them, and records without any bytes may go on
/// for ever.
#[cfg(feature = "tls-rustls")]
pub(crate) const TLS_READS_MAX: usize = 4;

/// TLS handshakes that run at once at one listener, each on a thread: a crowd that comes back after
/// a restart. Over it the oldest is given up, which an honest peer's never is.
#[cfg(feature = "tls-rustls")]
pub(crate) const HANDSHAKES_MAX: usize = 512;

/// Messages of so many bytes are written from where they lie; smaller ones are copied into the output,
/// which costs less than a system call with many parts.
pub(crate) const LENT_MIN: usize = 16 << 10;

/// Parts of one write: the most that every system takes (POSIX's IOV_MAX on Linux).
pub(crate) const PARTS_MAX: usize = 1024;

/// The least credit that is given back to a peer's window: a frame of 13 bytes for every small
/// message would cost more than the arrears, and the arrears are far below a window.
pub(crate) const CREDIT_MIN: usize = 8 << 10;

/// Smaller messages of a stream wait as bytes behind the first, since an empty message is 5 bytes on
/// the wire and a dozen times that when unpacked; copying a larger one twice would cost more than
/// unpacking it at once.
pub(crate) const UNPACKED_MESSAGE_MIN: usize = 4 << 10;

/// Bytes of buffers that are kept for more messages of a stream: what one read brings.
pub(crate) const RUN_KEPT_MAX: usize = READ_BUFFER_SIZE;

/// How long a server waits, after its last frame, for the peer to have read it: many round trips.
pub(crate) const LINGER_MAX: Duration = Duration::from_secs(1);

/// The stack of a thread that runs handlers: as much as a program's first thread has. 100 levels of
/// a message of several kilobytes take more than the 2 MiB that threads get otherwise, and what is
/// not touched costs nothing.
pub(crate) const STACK_SIZE: usize = 8 << 20;
