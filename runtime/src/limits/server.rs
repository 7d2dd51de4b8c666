//! What servers take.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Bytes of the body of a response that is none of gRPC's that are kept for the status: a proxy's page
/// of an error says in its first lines what is wrong.
pub(crate) const FOREIGN_BODY_MAX: usize = 1024;

/// How long the beginning of that body is waited for: a proxy writes it right behind the head.
pub(crate) const FOREIGN_BODY_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a status message that are left when the list that carries it is over the client's limit:
/// enough for a sentence or ten.
pub(crate) const CUT_MESSAGE_MAX: usize = 1024;

/// Methods that run at once on a server, unless its user says otherwise: blocking methods wait
/// most of their time, and an idle thread costs little more than its stack's first page.
pub(crate) const WORKERS_DEFAULT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Workers of the lane of health checking: its methods never block, and two of them still answer if
/// one thread is descheduled.
pub(crate) const HEALTH_WORKERS: usize = 2;

/// Workers of that lane at most: a client that stalls between the head of a call and its request
/// keeps one waiting, and must not be taken for the server's ill health.
pub(crate) const HEALTH_WORKERS_MAX: usize = 64;

/// Workers of the lane of reflection: a call holds one while it begins, and not while it waits.
pub(crate) const REFLECTION_WORKERS: usize = 4;

/// Threads that answer what reflection is asked once a call has begun: an answer is a look-up.
#[cfg(feature = "reflection")]
pub(crate) const ANSWER_THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

/// Calls of reflection that one service has open: the tools of a large company. Each keeps a question,
/// and an answer that the client has begun to read.
#[cfg(feature = "reflection")]
pub(crate) const REFLECTION_STREAMS_MAX: usize = 1_000;

/// Bytes of a question of reflection: the names of a host and of a file or symbol.
#[cfg(feature = "reflection")]
pub(crate) const REFLECTION_QUESTION_SIZE_MAX: usize = 4096;

/// Answers that one call of reflection gets before others are looked at.
#[cfg(feature = "reflection")]
pub(crate) const REFLECTION_ANSWERS_MAX: usize = 16;

/// When a client that tries again should do so after a refusal for want of room: a second empties
/// queues of short calls, and keeps those who were refused from coming back at once.
pub(crate) const RETRY_PUSHBACK: Duration = Duration::from_secs(1);
