//! What is counted of calls and messages, by whoever makes them, without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::Entity;
use crate::grpc::envelope::{self, PREFIX_LEN};
use crate::transport::platform;

/// The calls of a channel, a subchannel or a server.
#[derive(Debug, Default)]
pub(crate) struct CallCounts {
    started: Count,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl CallCounts {
    pub(crate) fn started(&self) -> &Count {
        &self.started
    }

    pub(crate) fn succeeded(&self) -> u64 {
        self.succeeded.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// A call that is counted, if it is: one that nobody has ended well when this is dropped has failed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    entity: Option<Arc<Entity>>,
    is_over: AtomicBool,
}

impl Tally {
    pub(super) fn begin(entity: Option<&Arc<Entity>>) -> Self {
        if let Some(entity) = entity {
            entity.calls().started.add();
        }
        Self { entity: entity.cloned(), is_over: AtomicBool::new(false) }
    }

    /// Whether it is counted.
    pub(crate) fn is_counted(&self) -> bool {
        self.entity.is_some()
    }

    /// The call has ended with OK, or has failed. Only the first end counts.
    pub(crate) fn end<T, E>(&self, outcome: &Result<T, E>) {
        let Some(entity) = &self.entity else { return };
        if !self.is_over.swap(true, Ordering::Relaxed) {
            let calls = entity.calls();
            let count = if outcome.is_ok() { &calls.succeeded } else { &calls.failed };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The count of the same call for another one who answers it; this one counts nothing more.
    #[cfg(feature = "testing")]
    pub(crate) fn hand_over(&self) -> Self {
        let is_over = AtomicBool::new(self.is_over.swap(true, Ordering::Relaxed));
        Self { entity: self.entity.clone(), is_over }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.end(&Err::<(), ()>(()));
    }
}

/// The streams and messages of a connection.
#[derive(Debug, Default)]
pub(crate) struct SocketCounts {
    streams: Count,
    sent: Count,
    received: Count,
}

impl SocketCounts {
    pub(super) fn open_stream(&self) {
        self.streams.add();
    }

    pub(super) fn send(&self, framed: &[u8]) {
        self.sent.add_messages(framed);
    }

    pub(super) fn receive(&self) {
        self.received.add();
    }

    pub(super) fn receive_all(&self, framed: &[u8]) {
        self.received.add_messages(framed);
    }

    /// How many streams were opened, by either side.
    pub(crate) fn streams(&self) -> &Count {
        &self.streams
    }

    pub(crate) fn sent(&self) -> &Count {
        &self.sent
    }

    pub(crate) fn received(&self) -> &Count {
        &self.received
    }
}

/// How often something has happened, and when last.
#[derive(Debug, Default)]
pub(crate) struct Count {
    count: AtomicU64,
    /// Nanoseconds since 1970.
    last: AtomicU64,
}

impl Count {
    fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.last.store(nanos_since_epoch(), Ordering::Relaxed);
    }

    /// Adds the messages of `framed`, all of them whole.
    fn add_messages(&self, framed: &[u8]) {
        let mut rest = framed;
        while let Some((length, _)) = envelope::read_prefix(rest) {
            self.add();
            rest = rest.get(PREFIX_LEN + length..).unwrap_or_default();
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// When it has happened last, if it has.
    pub(crate) fn last(&self) -> Option<SystemTime> {
        let nanos = self.last.load(Ordering::Relaxed);
        (nanos > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos))
    }
}

fn nanos_since_epoch() -> u64 {
    u64::try_from(platform::time_of_day().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A count knows when it was added to last, and nothing before.
    #[test]
    fn a_count_knows_when_it_was_added_to_last() {
        let count = Count::default();
        assert_eq!((count.count(), count.last()), (0, None));
        // The clock that is read need not be quite exact.
        let before = SystemTime::now() - Duration::from_secs(1);
        count.add();
        let first = count.last().unwrap();
        assert!(before <= first && first <= SystemTime::now());
        count.add();
        assert!(count.count() == 2 && count.last().unwrap() >= first);
    }

    /// Messages that travel together are counted one by one, those without bytes too.
    #[test]
    fn messages_that_travel_together_are_counted_one_by_one() {
        let count = Count::default();
        count.add_messages(b"");
        assert_eq!(count.count(), 0);
        count.add_messages(b"\0\0\0\0\x02ab\0\0\0\0\0\x01\0\0\0\x01c");
        assert_eq!(count.count(), 3);
    }
}
