//! What a peer may do that is allowed and useless, and how often (RFC 9113 10.5).
//!
//! Two buckets of tokens: one for streams that are reset early, one for everything else that makes
//! us work for nothing, weighted by its cost. Useful work gives tokens back, so a busy peer may be
//! as chatty as its work asks for, and cancel as many calls as it lets end. An empty bucket ends
//! the connection with ENHANCE_YOUR_CALM.

use std::time::{Duration, Instant};

use super::error::Violation;
use crate::limits::http2 as limits;

/// A frame that does no work. The number of tokens it costs stands in [`Glitch::cost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glitch {
    /// PING while no stream makes progress.
    Ping,
    /// PING while streams make progress: how peers estimate bandwidth.
    PingWithProgress,
    Settings,
    UnknownFrame,
    Priority,
    WindowUpdate,
    /// An acknowledgement nobody waits for.
    StrayAck,
    /// DATA without data that does not end its stream.
    EmptyData,
    EmptyContinuation,
    /// A frame on a stream that is closed.
    LateFrame,
    /// DATA on a stream that we have reset, beyond the window it had.
    LateDataBeyondWindow,
    RefusedStream,
    /// A reset of a stream that we had begun to answer.
    LateReset,
    GoAway,
    /// A header list that is cut because it is too large.
    CutHeaderList,
    /// DATA of ours that the peer's window cut to almost nothing.
    DataCutSmall,
}

impl Glitch {
    /// Tokens out of [`limits::GLITCH_BURST`].
    pub(crate) const fn cost(self) -> u32 {
        match self {
            Self::PingWithProgress
            | Self::WindowUpdate
            | Self::LateFrame
            | Self::LateReset
            | Self::DataCutSmall => 1,
            Self::Priority | Self::StrayAck => 2,
            Self::EmptyData | Self::RefusedStream => 5,
            Self::Ping
            | Self::Settings
            | Self::UnknownFrame
            | Self::EmptyContinuation
            | Self::LateDataBeyondWindow
            | Self::CutHeaderList => 10,
            Self::GoAway => 100,
        }
    }
}

/// The peer's account.
#[derive(Debug)]
pub(crate) struct Abuse {
    glitches: Bucket,
    resets: Bucket,
    /// Empty DATA frames in a row.
    empty_data: u32,
    /// WINDOW_UPDATE frames that our DATA has paid for.
    window_updates_paid: u32,
    /// A stream has made progress since the last PING.
    progress: bool,
}

impl Abuse {
    pub(crate) const fn new() -> Self {
        Self {
            glitches: Bucket::new(limits::GLITCH_BURST, limits::GLITCHES_PER_SECOND),
            resets: Bucket::new(limits::RESET_BURST, limits::RESETS_PER_SECOND),
            empty_data: 0,
            window_updates_paid: limits::WINDOW_UPDATES_PER_DATA,
            progress: false,
        }
    }

    /// Charges a frame that does no work.
    ///
    /// # Errors
    ///
    /// If the tokens are used up.
    pub(crate) fn glitch(&mut self, glitch: Glitch, now: Instant) -> Result<(), Violation> {
        if self.glitches.spend(glitch.cost(), now) {
            return Ok(());
        }
        Err(Violation::TooManyGlitches)
    }

    /// Charges the reset of a stream that the peer sent, or that it made us send.
    ///
    /// # Errors
    ///
    /// If the tokens are used up.
    pub(crate) fn reset(&mut self, now: Instant) -> Result<(), Violation> {
        if self.resets.spend(1, now) {
            return Ok(());
        }
        Err(Violation::TooManyResets)
    }

    /// Charges PING; it is cheap once after each progress of a stream.
    pub(crate) fn ping(&mut self, now: Instant) -> Result<(), Violation> {
        let progress = std::mem::take(&mut self.progress);
        self.glitch(if progress { Glitch::PingWithProgress } else { Glitch::Ping }, now)
    }

    /// Charges WINDOW_UPDATE unless DATA of ours has paid for it.
    pub(crate) fn window_update(&mut self, now: Instant) -> Result<(), Violation> {
        match self.window_updates_paid.checked_sub(1) {
            Some(left) => {
                self.window_updates_paid = left;
                Ok(())
            }
            None => self.glitch(Glitch::WindowUpdate, now),
        }
    }

    /// Charges DATA without data that does not end its stream.
    pub(crate) fn empty_data(&mut self, now: Instant) -> Result<(), Violation> {
        self.empty_data += 1;
        if self.empty_data > limits::EMPTY_DATA_MAX {
            return Err(Violation::TooManyEmptyData);
        }
        self.glitch(Glitch::EmptyData, now)
    }

    /// The peer sent something useful.
    pub(crate) fn received_work(&mut self) {
        self.progress = true;
        self.empty_data = 0;
    }

    /// We sent DATA.
    pub(crate) fn sent_data(&mut self) {
        self.progress = true;
        let paid = self.window_updates_paid + limits::WINDOW_UPDATES_PER_DATA;
        self.window_updates_paid = paid.min(limits::GLITCH_BURST);
    }

    /// A stream was ended in order by both sides: late frames for it, and its share of PRIORITY and
    /// WINDOW_UPDATE frames, are paid for, and so is the reset of another one.
    pub(crate) fn stream_ended(&mut self) {
        self.glitches.earn(TOKENS_PER_STREAM);
        self.resets.earn(RESETS_PER_STREAM);
    }

    /// We have reset a stream though the peer broke no rule: what it had on the way is paid for.
    pub(crate) fn stream_abandoned(&mut self) {
        self.glitches.earn(TOKENS_PER_STREAM);
    }
}

/// Tokens that come back with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u32,
    burst: u32,
    per_second: u32,
    refilled_at: Option<Instant>,
}

impl Bucket {
    const fn new(burst: u32, per_second: u32) -> Self {
        Self { tokens: burst, burst, per_second, refilled_at: None }
    }

    /// Takes `cost` tokens. False if there are fewer.
    fn spend(&mut self, cost: u32, now: Instant) -> bool {
        self.refill(now);
        match self.tokens.checked_sub(cost) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }

    fn earn(&mut self, count: u32) {
        self.tokens = self.tokens.saturating_add(count).min(self.burst);
    }

    fn refill(&mut self, now: Instant) {
        let Some(last) = self.refilled_at else {
            self.refilled_at = Some(now);
            return;
        };
        let elapsed = now.saturating_duration_since(last);
        let earned = elapsed.as_millis().saturating_mul(u128::from(self.per_second)) / 1000;
        if earned == 0 {
            // The time since the last refill is kept until it is worth a token.
            return;
        }
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        // What is not yet a whole token is kept for the next time.
        let paid = Duration::from_secs(u64::from(earned)) / self.per_second;
        self.refilled_at = Some(last + paid.min(elapsed));
        self.earn(earned);
    }
}

/// What a stream gives back that ends without a fault of the peer: a late head, late trailers, a
/// late reset and one frame more.
const TOKENS_PER_STREAM: u32 = 4;

/// How many resets a stream earns that ends in order. A peer gets no more resets for it than calls
/// that we have answered whole, so resets at most double the work that it makes us do.
const RESETS_PER_STREAM: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        Instant::now()
    }

    /// RFC 9113 10.5: what a peer may do at once is bounded, and comes back with time.
    #[test]
    fn a_bucket_refills_with_time() {
        let start = start();
        let mut bucket = Bucket::new(10, 2);
        assert!(bucket.spend(10, start));
        assert!(!bucket.spend(1, start));
        assert!(!bucket.spend(1, start + Duration::from_millis(499)));
        assert!(bucket.spend(1, start + Duration::from_millis(500)));
        assert!(!bucket.spend(1, start + Duration::from_millis(500)));
        assert!(bucket.spend(10, start + Duration::from_secs(1000)));
        assert!(!bucket.spend(1, start + Duration::from_secs(1000)));
    }

    /// RFC 9113 10.5: time that is not yet worth a token is kept when another token is earned.
    #[test]
    fn a_bucket_keeps_the_fraction_of_a_token() {
        let start = start();
        let mut bucket = Bucket::new(10, 3);
        assert!(bucket.spend(10, start));
        // Two looks a token: every 500 ms are worth one and a half.
        for half in 1..=20 {
            let _ = bucket.spend(10, start + Duration::from_millis(500) * half);
        }
        let mut bucket = Bucket::new(10, 3);
        assert!(bucket.spend(10, start));
        let looks = (1..=20).map(|look| start + Duration::from_millis(500) * look);
        let spent = looks.filter(|look| bucket.spend(1, *look)).count();
        assert_eq!(spent, 20);
        assert_eq!(bucket.tokens, 9, "30 were earned in 10 seconds, 20 spent");
    }

    /// RFC 9113 10.5: no single frame is dearer than the bucket is deep.
    #[test]
    fn time_that_runs_backwards_is_harmless() {
        let start = start();
        let mut bucket = Bucket::new(2, 1);
        assert!(bucket.spend(1, start + Duration::from_secs(5)));
        assert!(bucket.spend(1, start));
        assert!(!bucket.spend(1, start));
    }

    /// RFC 9113 6.7: a PING that follows progress of a stream is cheap, one that follows a PING
    /// is not.
    #[test]
    fn pings_are_cheap_with_progress() {
        let start = start();
        let mut abuse = Abuse::new();
        for _ in 0..limits::GLITCH_BURST {
            abuse.received_work();
            assert_eq!(abuse.ping(start), Ok(()));
        }
        assert_eq!(abuse.ping(start), Err(Violation::TooManyGlitches));
    }
}
