//! One stream: its identifier, its state and what is counted for it.
//!
//! The states of RFC 9113 5.1 are a table, [`TABLE`]: a row for each state, a column for each thing
//! that is sent or received. The reserved states are missing because nobody may push here. Closed
//! stands there four times, because what a late frame means depends on how the stream closed.

use std::fmt;
use std::time::Instant;

use super::error::Violation;
use super::window::{ReceiveWindow, SendWindow};
use crate::limits::http2 as limits;

/// A stream identifier (RFC 9113 5.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamId(pub(crate) u32);

impl StreamId {
    /// Stream 0, on which frames for the whole connection stand.
    pub(crate) const CONNECTION: Self = Self(0);

    /// Whether a client opens streams with such a number.
    pub(crate) const fn is_odd(self) -> bool {
        self.0 % 2 == 1
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "stream {}", self.0)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The states of RFC 9113 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Idle,
    Open,
    HalfClosedLocal,
    HalfClosedRemote,
    /// Both sides have sent END_STREAM.
    Ended,
    /// The peer has sent RST_STREAM.
    ResetByPeer,
    /// We have sent RST_STREAM.
    ResetByUs,
    /// Closed so long ago that it is not known how.
    Forgotten,
}

/// What happens to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    ReceiveHeaders,
    ReceiveData,
    ReceiveEnd,
    ReceiveReset,
    ReceiveWindowUpdate,
    SendHeaders,
    SendData,
    SendEnd,
    SendReset,
}

/// What follows from an input in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The stream is now in this state.
    Next(State),
    /// The frame is processed as little as possible and forgotten.
    Discard,
    /// The peer broke a rule.
    Fault(Violation),
    /// We may not send this.
    Forbidden,
}

impl State {
    /// Looks up the table.
    pub(crate) const fn on(self, input: Input) -> Effect {
        TABLE[self as usize][input as usize]
    }
}

const STATES: usize = State::Forgotten as usize + 1;
const INPUTS: usize = Input::SendReset as usize + 1;

/// RFC 9113 5.1, one row for each [`State`], one column for each [`Input`].
const TABLE: [[Effect; INPUTS]; STATES] = {
    use Effect::{Discard, Fault, Forbidden, Next};
    use State::{Ended, HalfClosedLocal, HalfClosedRemote, Open, ResetByPeer, ResetByUs};
    use Violation::{HalfClosed, IdleStream, StreamEnded, StreamIdDecreased, StreamResetByPeer};

    const GO_OPEN: Effect = Next(Open);
    const GO_LOCAL: Effect = Next(HalfClosedLocal);
    const GO_REMOTE: Effect = Next(HalfClosedRemote);
    const GO_ENDED: Effect = Next(Ended);
    const PEER_RST: Effect = Next(ResetByPeer);
    const OUR_RST: Effect = Next(ResetByUs);
    const NO: Effect = Forbidden;
    const IDLE: Effect = Fault(IdleStream);
    const HALF: Effect = Fault(HalfClosed);
    const OVER: Effect = Fault(StreamEnded);
    const RESET: Effect = Fault(StreamResetByPeer);
    const OLD_ID: Effect = Fault(StreamIdDecreased);
    [
        // receive HEADERS, DATA, END_STREAM, RST_STREAM, WINDOW_UPDATE; send HEADERS, DATA,
        // END_STREAM, RST_STREAM
        // Idle
        [GO_OPEN, IDLE, IDLE, IDLE, IDLE, GO_OPEN, NO, NO, NO],
        // Open
        [GO_OPEN, GO_OPEN, GO_REMOTE, PEER_RST, GO_OPEN, GO_OPEN, GO_OPEN, GO_LOCAL, OUR_RST],
        // HalfClosedLocal
        [GO_LOCAL, GO_LOCAL, GO_ENDED, PEER_RST, GO_LOCAL, NO, NO, NO, OUR_RST],
        // HalfClosedRemote
        [HALF, HALF, HALF, PEER_RST, GO_REMOTE, GO_REMOTE, GO_REMOTE, GO_ENDED, OUR_RST],
        // Ended: WINDOW_UPDATE and RST_STREAM may still be on their way
        [OVER, OVER, OVER, Discard, Discard, NO, NO, NO, NO],
        // ResetByPeer
        [RESET, RESET, RESET, Discard, Discard, NO, NO, NO, NO],
        // ResetByUs: the peer may have sent anything before it saw our RST_STREAM
        [Discard, Discard, Discard, Discard, Discard, NO, NO, NO, NO],
        // Forgotten: a HEADERS is more likely a new stream with an old number (RFC 9113 5.1.1)
        [OLD_ID, Discard, Discard, Discard, Discard, NO, NO, NO, NO],
    ]
};

/// What keeps a stream from sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Nothing, or nobody has asked.
    Nothing,
    /// The window of the stream.
    Stream,
    /// The window of the connection, or a full output.
    Connection,
}

/// What is known of a stream that is open or half closed.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) state: State,
    pub(crate) send_window: SendWindow,
    pub(crate) receive_window: ReceiveWindow,
    pub(crate) wait: Wait,
    /// How many bytes the last `send_data` had left.
    pub(crate) wanted: u32,
    /// Since when DATA is held back for more window.
    pub(crate) held_back_since: Option<Instant>,
    /// The first header block was received; the next one is trailers.
    pub(crate) head_received: bool,
    pub(crate) head_sent: bool,
    /// How many bytes of DATA content-length promises yet.
    pub(crate) content_length_left: Option<u64>,
    pub(crate) informational_count: u8,
}

impl Stream {
    pub(crate) fn new(receive_window_size: u32) -> Self {
        Self {
            state: State::Idle,
            send_window: SendWindow::default(),
            receive_window: ReceiveWindow::new(receive_window_size),
            wait: Wait::Nothing,
            wanted: 0,
            held_back_since: None,
            head_received: false,
            head_sent: false,
            content_length_left: None,
            informational_count: 0,
        }
    }

    /// Whether DATA has been held back for more window as long as it may be.
    pub(crate) fn is_held_back_too_long(&self, now: Option<Instant>) -> bool {
        match (self.held_back_since, now) {
            (Some(since), Some(now)) => since + limits::DATA_HELD_BACK_MAX <= now,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_STATES: [State; STATES] = [
        State::Idle,
        State::Open,
        State::HalfClosedLocal,
        State::HalfClosedRemote,
        State::Ended,
        State::ResetByPeer,
        State::ResetByUs,
        State::Forgotten,
    ];
    const ALL_INPUTS: [Input; INPUTS] = [
        Input::ReceiveHeaders,
        Input::ReceiveData,
        Input::ReceiveEnd,
        Input::ReceiveReset,
        Input::ReceiveWindowUpdate,
        Input::SendHeaders,
        Input::SendData,
        Input::SendEnd,
        Input::SendReset,
    ];

    fn is_closed(state: State) -> bool {
        !matches!(
            state,
            State::Idle | State::Open | State::HalfClosedLocal | State::HalfClosedRemote
        )
    }

    /// RFC 9113 5.1: nothing is sent on a closed stream, and no input opens it again.
    #[test]
    fn a_closed_stream_stays_closed() {
        for state in ALL_STATES.into_iter().filter(|state| is_closed(*state)) {
            for input in ALL_INPUTS {
                let effect = state.on(input);
                assert!(!matches!(effect, Effect::Next(_)), "{state:?} {input:?}");
                let sends = input as usize >= Input::SendHeaders as usize;
                assert_eq!(effect == Effect::Forbidden, sends, "{state:?} {input:?}");
            }
        }
    }

    /// RFC 9113 5.1: END_STREAM of one side closes that half, of both sides the stream.
    #[test]
    fn each_side_ends_its_half() {
        let next = |state: State, input| match state.on(input) {
            Effect::Next(state) => state,
            effect => panic!("{state:?} {input:?} gives {effect:?}"),
        };
        let local = next(State::Open, Input::SendEnd);
        assert_eq!(local, State::HalfClosedLocal);
        assert_eq!(next(local, Input::ReceiveEnd), State::Ended);
        let remote = next(State::Open, Input::ReceiveEnd);
        assert_eq!(remote, State::HalfClosedRemote);
        assert_eq!(next(remote, Input::SendEnd), State::Ended);
    }

    /// RFC 9113 5.1: RST_STREAM of either side closes a stream from every state but idle.
    #[test]
    fn a_reset_closes_from_every_open_state() {
        for state in [State::Open, State::HalfClosedLocal, State::HalfClosedRemote] {
            assert_eq!(state.on(Input::ReceiveReset), Effect::Next(State::ResetByPeer));
            assert_eq!(state.on(Input::SendReset), Effect::Next(State::ResetByUs));
        }
        assert_eq!(State::Idle.on(Input::SendReset), Effect::Forbidden);
        assert_eq!(State::Idle.on(Input::ReceiveReset), Effect::Fault(Violation::IdleStream));
    }
}
