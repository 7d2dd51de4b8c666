//! The windows of RFC 9113 5.2 and 6.9, as numbers.
//!
//! Windows are `i64`, because SETTINGS may turn one negative (RFC 9113 6.9.2). What a stream may
//! send is the peer's SETTINGS_INITIAL_WINDOW_SIZE plus an offset of the stream's own, so that a
//! change of that setting moves every stream at once and costs no loop.

/// The largest window (RFC 9113 6.9.1).
pub(crate) const WINDOW_MAX: i64 = (1 << 31) - 1;
/// The window before any SETTINGS or WINDOW_UPDATE (RFC 9113 6.9.2).
pub(crate) const WINDOW_INITIAL: u32 = 65_535;

/// What we may send on a stream or on the connection, as the distance from a base.
///
/// For streams the base is the peer's SETTINGS_INITIAL_WINDOW_SIZE, for the connection it is
/// [`WINDOW_INITIAL`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SendWindow {
    /// Granted by WINDOW_UPDATE, less what was sent.
    offset: i64,
    /// The largest offset so far, by which a small grant is told from a small window. A window of
    /// which the base falls is a small one from then on.
    offset_largest: i64,
}

impl SendWindow {
    /// Takes WINDOW_UPDATE. False if the window would exceed 2^31-1.
    #[must_use]
    pub(crate) fn grant(&mut self, base: u32, increment: u32) -> bool {
        if self.size(base) + i64::from(increment) > WINDOW_MAX {
            return false;
        }
        self.offset += i64::from(increment);
        self.offset_largest = self.offset_largest.max(self.offset);
        true
    }

    /// Charges `count` sent bytes, which the caller has found to fit.
    pub(crate) fn charge(&mut self, base: u32, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        assert!(count <= self.size(base), "DATA was cut to the window");
        self.offset -= count;
    }

    /// How many bytes may be sent; negative after SETTINGS has shrunk the base.
    pub(crate) fn size(&self, base: u32) -> i64 {
        i64::from(base) + self.offset
    }

    /// What WINDOW_UPDATE granted beyond what was sent.
    pub(crate) fn offset(&self) -> i64 {
        self.offset
    }

    /// The smallest window for which cutting DATA is worth a frame: `cut_min`, or a quarter of
    /// the window that the peer is known to grant.
    pub(crate) fn least_worth_sending(&self, base: u32, cut_min: u32) -> i64 {
        let largest = i64::from(base) + self.offset_largest;
        (largest / 4).clamp(1, i64::from(cut_min))
    }
}

/// What the peer may send on a stream or on the connection.
///
/// Every byte of `target` is in one of three places: still granted (`available`), held by the
/// application, or given back but not yet told to the peer (`unsent`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveWindow {
    target: u32,
    available: i64,
    unsent: u32,
}

impl ReceiveWindow {
    pub(crate) fn new(target: u32) -> Self {
        Self { target, available: i64::from(target), unsent: 0 }
    }

    /// Charges a DATA frame of `count` bytes. False if the peer sent more than was granted.
    ///
    /// `slack` is what the peer may believe to have beyond the target, because it has not seen
    /// our SETTINGS yet.
    #[must_use]
    pub(crate) fn charge(&mut self, count: u32, slack: u32) -> bool {
        // RFC 9113 6.9.1: an empty frame needs no window, not even one that is not negative.
        if count > 0 && i64::from(count) > self.available + i64::from(slack) {
            return false;
        }
        self.available -= i64::from(count);
        true
    }

    /// Gives `count` bytes back. Some(increment) once half the window waits to be told: one
    /// WINDOW_UPDATE for many reads.
    ///
    /// # Panics
    ///
    /// If more is given back than was received: a bug of the caller.
    pub(crate) fn give_back(&mut self, count: u32) -> Option<u32> {
        assert!(i64::from(count) <= self.held(), "more bytes are released than were received");
        self.unsent += count;
        if self.unsent == 0 || self.unsent < self.target / 2 {
            return None;
        }
        self.available += i64::from(self.unsent);
        Some(std::mem::take(&mut self.unsent))
    }

    /// Lets the peer send `count` bytes more at a time, from now on.
    pub(crate) fn raise(&mut self, count: u32) {
        assert!(i64::from(self.target) + i64::from(count) <= WINDOW_MAX, "a window is below 2^31");
        self.target += count;
        self.available += i64::from(count);
    }

    /// How many bytes the peer may send before any are given back.
    pub(crate) fn target(&self) -> u32 {
        self.target
    }

    /// How many received bytes were not given back.
    pub(crate) fn held(&self) -> i64 {
        i64::from(self.target) - self.available - i64::from(self.unsent)
    }

    /// How many bytes the peer may still send.
    pub(crate) fn available(&self) -> i64 {
        self.available
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9113 6.9.1: a window may reach 2^31-1 and not one byte more.
    #[test]
    fn a_window_ends_at_its_maximum() {
        let mut window = SendWindow::default();
        assert!(window.grant(WINDOW_INITIAL, (WINDOW_MAX - 65_535) as u32));
        assert_eq!(window.size(WINDOW_INITIAL), WINDOW_MAX);
        assert!(!window.grant(WINDOW_INITIAL, 1));
    }

    /// RFC 9113 6.9.2: a smaller SETTINGS_INITIAL_WINDOW_SIZE may turn a window negative.
    #[test]
    fn a_window_may_be_negative() {
        let mut window = SendWindow::default();
        window.charge(100, 100);
        assert_eq!(window.size(0), -100);
        assert!(window.grant(0, 101));
        assert_eq!(window.size(0), 1);
    }

    /// RFC 9113 6.9: what is given back is told in one WINDOW_UPDATE once half a window waits.
    #[test]
    fn credit_is_told_at_half_the_window() {
        let mut window = ReceiveWindow::new(100);
        assert!(window.charge(100, 0));
        assert!(!window.charge(1, 0));
        assert_eq!(window.give_back(49), None);
        assert_eq!(window.give_back(1), Some(50));
        assert_eq!((window.available(), window.held()), (50, 50));
    }

    /// RFC 9113 6.9.3: until it has seen our SETTINGS a peer may use the initial window.
    #[test]
    fn slack_lets_the_peer_overdraw() {
        let mut window = ReceiveWindow::new(10);
        assert!(window.charge(12, 2));
        assert_eq!(window.available(), -2);
        assert!(!window.charge(1, 2));
        assert!(window.charge(0, 0));
    }

    /// A window of one byte is given back byte by byte.
    #[test]
    fn the_smallest_window_works() {
        let mut window = ReceiveWindow::new(1);
        assert!(window.charge(1, 0));
        assert_eq!(window.give_back(0), None);
        assert_eq!(window.give_back(1), Some(1));
    }
}
