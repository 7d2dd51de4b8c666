//! Small messages of one stream that were taken from their sender and are not in the core yet.
//!
//! ```text
//! lone messages   go to the wire at once, by their sender
//! a burst         begins with the fourth message that comes right behind the one before it: messages
//!                 gather, and leave together when there are enough of them, when the sender waits
//!                 or ends, and whenever the flusher looks (see `flusher`)
//! ```
//!
//! The invariant: messages gather only while somebody is bound to send them: the flusher, which
//! watches the stream, or the core, which tells when it takes more. So no message waits for another
//! one. What is here is older than anything that is sent otherwise, and goes before it.

use std::time::Instant;

use crate::limits::{
    BATCH_SIZE, BURST_GAP_MAX, BURST_MESSAGES_MIN, GATHERED_BETWEEN_LOOKS, GATHERED_MESSAGE_MAX,
    LONE_MESSAGES_MAX,
};

/// Messages that have gathered, and how they come.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// The core has not taken all of what went before; it tells when it takes more.
    is_stuck: bool,
    /// The flusher looks at it.
    is_watched: bool,
    /// Messages that have come since the flusher looked last.
    gathered: usize,
    /// A full batch has left since then, so that nothing here is old.
    is_fresh: bool,
    /// Lone messages that came right behind each other.
    quick: usize,
    /// When the last lone message was on its way, if the time was taken.
    last: Option<Instant>,
    /// The thread that sent it.
    sender: usize,
}

/// What becomes of a message that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It is sent with others.
    Taken,
    /// As `Taken`; there is enough now to be sent.
    Full,
    /// As `Taken`; the flusher is to watch the stream from now on.
    Begun,
    /// It is not taken: its sender sends it.
    Refused,
}

/// What the flusher is to do about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// There is something to be sent.
    pub(super) is_due: bool,
    /// The burst goes on.
    pub(super) is_watched: bool,
}

impl Batch {
    /// Takes `framed`, a whole message, if it is one of many and only has to be kept; some messages are
    /// not taken that could be, see [`GATHERED_BETWEEN_LOOKS`].
    pub(super) fn gather(&mut self, framed: &[u8]) -> bool {
        let is_taken = (self.is_watched || self.is_stuck)
            && framed.len() <= GATHERED_MESSAGE_MAX
            && self.bytes.len() + framed.len() < BATCH_SIZE
            && !self.gathered.is_multiple_of(GATHERED_BETWEEN_LOOKS);
        if is_taken {
            self.bytes.extend_from_slice(framed);
            self.gathered += 1;
        }
        is_taken
    }

    /// Takes `framed`, a whole message, if it is one of many.
    pub(super) fn offer(&mut self, framed: &[u8], now: impl Fn() -> Instant) -> Offered {
        let is_gathering = self.is_watched || self.is_stuck;
        if framed.len() > GATHERED_MESSAGE_MAX || self.bytes.len() >= BATCH_SIZE {
            return Offered::Refused;
        }
        if !is_gathering && !self.is_burst(now) {
            return Offered::Refused;
        }
        self.bytes.extend_from_slice(framed);
        self.gathered += 1;
        if !is_gathering {
            self.is_watched = true;
            return Offered::Begun;
        }
        let is_full = self.bytes.len() >= BATCH_SIZE && !self.is_stuck;
        self.is_fresh |= is_full;
        if is_full { Offered::Full } else { Offered::Taken }
    }

    /// The thread `sender` has sent a message by itself.
    pub(super) fn on_lone(&mut self, sender: usize, now: impl Fn() -> Instant) {
        self.sender = sender;
        // The first one needs no time: of senders who receive in between there are no others.
        self.last = (self.quick > 0).then(now);
        self.quick += 1;
    }

    /// The thread `receiver` is about to wait for a message on the stream.
    pub(super) fn on_wait(&mut self, receiver: usize) {
        if receiver == self.sender {
            self.quick = 0;
        }
    }

    /// The next message is taken for one of a burst, whenever it comes.
    #[cfg(test)]
    pub(super) fn expect_burst(&mut self, now: Instant) {
        self.quick = LONE_MESSAGES_MAX;
        self.last = Some(now + std::time::Duration::from_secs(3600));
    }

    /// What the flusher finds.
    pub(super) fn look(&mut self) -> Look {
        self.is_watched = self.gathered >= BURST_MESSAGES_MIN;
        let is_fresh = std::mem::take(&mut self.is_fresh) && self.is_watched;
        let is_due = self.is_due() && !is_fresh;
        self.gathered = 0;
        self.quick = 0;
        if self.bytes.is_empty() && !self.is_watched {
            self.bytes = Vec::new();
        }
        Look { is_due, is_watched: self.is_watched }
    }

    /// Takes what there is, to be given to the core.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.is_stuck = false;
        std::mem::take(&mut self.bytes)
    }

    /// The core has not taken all of what was taken: what gathers from now on waits until it tells.
    pub(super) fn set_stuck(&mut self) {
        self.is_stuck = true;
    }

    /// Keeps the room of `bytes` for more of the same burst; between bursts a stream costs nothing.
    pub(super) fn keep_room(&mut self, mut bytes: Vec<u8>) {
        let is_wanted = self.is_watched && bytes.capacity() <= 2 * BATCH_SIZE;
        if is_wanted && self.bytes.capacity() == 0 {
            bytes.clear();
            self.bytes = bytes;
        }
    }

    /// Forgets what there is: nothing is sent any more.
    pub(super) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.is_stuck = false;
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether there is something that nobody has offered to the core.
    pub(super) fn is_due(&self) -> bool {
        !self.bytes.is_empty() && !self.is_stuck
    }

    /// Whether the message that comes now is one of a burst.
    fn is_burst(&mut self, now: impl Fn() -> Instant) -> bool {
        let Some(last) = self.last else { return false };
        if now().saturating_duration_since(last) > BURST_GAP_MAX {
            self.quick = 0;
            self.last = None;
        }
        self.quick >= LONE_MESSAGES_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A batch and the time, and how often that was asked for.
    struct Sender {
        batch: Batch,
        time: std::cell::Cell<Instant>,
        asked: std::cell::Cell<usize>,
    }

    impl Sender {
        fn new() -> Self {
            let time = std::cell::Cell::new(crate::transport::now());
            Self { batch: Batch::default(), time, asked: std::cell::Cell::default() }
        }

        /// Sends a message of `len` bytes `gap` after the one before.
        fn send(&mut self, len: usize, gap: Duration) -> Offered {
            self.time.set(self.time.get() + gap);
            let now = || {
                self.asked.set(self.asked.get() + 1);
                self.time.get()
            };
            let offered = self.batch.offer(&vec![1; len], now);
            if offered == Offered::Refused {
                self.batch.on_lone(1, now);
            }
            offered
        }

        /// Gives all to a core that takes it; says how much it is.
        fn drain(&mut self) -> usize {
            let bytes = self.batch.take();
            let size = bytes.len();
            self.batch.keep_room(bytes);
            size
        }
    }

    const SOON: Duration = Duration::from_micros(1);
    const LATE: Duration = Duration::from_micros(11);

    /// A few messages leave at once each; those right behind them gather, and the flusher is asked
    /// once.
    #[test]
    fn a_burst_begins_behind_a_few_messages() {
        let mut sender = Sender::new();
        for _ in 0..LONE_MESSAGES_MAX {
            assert_eq!(sender.send(10, SOON), Offered::Refused);
        }
        assert_eq!(sender.send(10, SOON), Offered::Begun);
        for _ in 0..50 {
            assert_eq!(sender.send(10, LATE), Offered::Taken);
        }
        assert_eq!(sender.drain(), 510);
        assert_eq!(sender.send(10, SOON), Offered::Taken);
        assert!(sender.asked.get() <= 2 * LONE_MESSAGES_MAX, "the time is not asked in a burst");
    }

    /// Messages that are far apart leave at once, for ever.
    #[test]
    fn slow_messages_never_gather() {
        let mut sender = Sender::new();
        for _ in 0..100 {
            assert_eq!(sender.send(10, LATE), Offered::Refused);
        }
    }

    /// A thread that receives between its messages has none gathered and no time asked for; one that
    /// receives on another thread changes nothing.
    #[test]
    fn messages_between_receptions_never_gather() {
        let mut sender = Sender::new();
        for _ in 0..100 {
            assert_eq!(sender.send(10, SOON), Offered::Refused);
            sender.batch.on_wait(1);
        }
        assert_eq!(sender.asked.get(), 0);
        for _ in 0..LONE_MESSAGES_MAX {
            assert_eq!(sender.send(10, SOON), Offered::Refused);
            sender.batch.on_wait(2);
        }
        assert_eq!(sender.send(10, SOON), Offered::Begun);
    }

    /// Messages gather up to the size of a batch, and not beyond it before it is sent.
    #[test]
    fn a_batch_is_full_at_its_size() {
        let mut sender = Sender::new();
        sender.batch.expect_burst(sender.time.get());
        assert_eq!(sender.send(BATCH_SIZE / 16, SOON), Offered::Begun);
        for _ in 0..14 {
            assert_eq!(sender.send(BATCH_SIZE / 16, SOON), Offered::Taken);
        }
        assert_eq!(sender.send(BATCH_SIZE / 16 - 1, SOON), Offered::Taken);
        assert_eq!(sender.send(1, SOON), Offered::Full);
        assert_eq!(sender.send(1, SOON), Offered::Refused);
        assert_eq!(sender.drain(), BATCH_SIZE);
        assert_eq!(sender.send(GATHERED_MESSAGE_MAX + 1, SOON), Offered::Refused);
        assert_eq!(sender.send(GATHERED_MESSAGE_MAX, SOON), Offered::Taken);
    }

    /// What the core did not take goes before what comes, and gathers without the flusher: the core
    /// tells when it takes more.
    #[test]
    fn the_core_is_asked_again_when_it_tells() {
        let mut sender = Sender::new();
        sender.batch.expect_burst(sender.time.get());
        assert_eq!(sender.send(10, SOON), Offered::Begun);
        assert_eq!(sender.batch.take().len(), 10);
        sender.batch.set_stuck();
        assert_eq!(sender.batch.look(), Look { is_due: false, is_watched: false });
        assert_eq!(sender.send(10, LATE), Offered::Taken);
        assert!(!sender.batch.is_due());
        assert_eq!(sender.drain(), 10);
        assert_eq!(sender.send(10, LATE), Offered::Refused);
    }

    /// A sender that fills batches sends them itself: the flusher leaves it what it has begun, once.
    #[test]
    fn the_flusher_leaves_fresh_messages_to_the_sender() {
        let mut sender = Sender::new();
        sender.batch.expect_burst(sender.time.get());
        while sender.send(BATCH_SIZE / 16, SOON) != Offered::Full {}
        sender.drain();
        assert_eq!(sender.send(10, SOON), Offered::Taken);
        assert_eq!(sender.batch.look(), Look { is_due: false, is_watched: true });
        for _ in 0..BURST_MESSAGES_MIN {
            assert_eq!(sender.send(10, SOON), Offered::Taken);
        }
        assert_eq!(sender.batch.look(), Look { is_due: true, is_watched: true });
    }

    /// Messages that only have to be kept are, but for the first behind each look and a few others.
    #[test]
    fn most_messages_of_a_burst_are_only_kept() {
        let mut sender = Sender::new();
        assert!(!sender.batch.gather(&[1; 10]), "there is no burst");
        sender.batch.expect_burst(sender.time.get());
        assert_eq!(sender.send(10, SOON), Offered::Begun);
        let mut kept = 0;
        while sender.batch.gather(&[1; 10]) {
            kept += 1;
        }
        assert_eq!(kept, GATHERED_BETWEEN_LOOKS - 1);
        assert_eq!(sender.send(10, SOON), Offered::Taken);
        assert!(sender.batch.gather(&[1; 10]));
        assert!(!sender.batch.gather(&[1; GATHERED_MESSAGE_MAX + 1]));
        assert_eq!(sender.drain(), 10 * (kept + 3));
    }

    /// The flusher sends what there is, and watches as long as much comes between two looks; then
    /// messages leave at once again and no buffer is kept.
    #[test]
    fn a_burst_ends_when_little_comes() {
        let mut sender = Sender::new();
        sender.batch.expect_burst(sender.time.get());
        for _ in 0..BURST_MESSAGES_MIN {
            assert_ne!(sender.send(10, SOON), Offered::Refused);
        }
        assert_eq!(sender.batch.look(), Look { is_due: true, is_watched: true });
        sender.drain();
        assert_eq!(sender.send(10, LATE), Offered::Taken);
        assert_eq!(sender.batch.look(), Look { is_due: true, is_watched: false });
        sender.drain();
        assert_eq!(sender.send(10, LATE), Offered::Refused);
        assert_eq!(sender.batch.bytes.capacity(), 0);
    }
}
