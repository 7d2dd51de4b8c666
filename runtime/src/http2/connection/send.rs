//! What the application sends: streams, heads, data, trailers.

use super::{Connection, Role};
use crate::http2::abuse::Glitch;
use crate::http2::error::{OpenError, SendError};
use crate::http2::frame;
use crate::http2::headers::Headers;
use crate::http2::stream::{Effect, Input, State, Stream, StreamId, Wait};
use crate::http2::window::WINDOW_INITIAL;
use crate::limits::http2 as limits;

impl Connection {
    /// Opens a stream with the head of a request.
    ///
    /// # Errors
    ///
    /// Why no stream can be opened; nothing was sent then.
    ///
    /// # Panics
    ///
    /// On a server: servers open no streams.
    pub(crate) fn open(
        &mut self,
        headers: &Headers,
        end_stream: bool,
    ) -> Result<StreamId, OpenError> {
        assert!(self.role == Role::Client, "a server opens no streams");
        if let Err(refusal) = self.check_open() {
            self.open_refused |= refusal == OpenError::StreamLimit;
            return Err(refusal);
        }
        let id = StreamId(self.next_local);
        self.next_local += 2;
        let mut stream = self.new_stream();
        stream.state = State::Open;
        stream.head_sent = true;
        self.streams.insert(id, stream);
        self.life.open(self.times.now());
        self.write_headers(id, headers, end_stream);
        Ok(id)
    }

    /// Sends the head of a response, or trailers (then with `end_stream`).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if nothing can be sent on the stream any more.
    ///
    /// # Panics
    ///
    /// If `stream` was never opened.
    pub(crate) fn send_headers(
        &mut self,
        stream: StreamId,
        headers: &Headers,
        end_stream: bool,
    ) -> Result<(), SendError> {
        self.check_sendable(stream, Input::SendHeaders)?;
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.head_sent = true;
        }
        self.write_headers(stream, headers, end_stream);
        Ok(())
    }

    /// Offers `data` for `stream` and returns how many bytes were accepted.
    ///
    /// Fewer bytes than offered are accepted when a window of the peer is smaller, or when the
    /// output waits to be taken; offer the rest again after [`Event::Writable`]. `end_stream` takes
    /// effect only once every byte has been accepted.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if nothing can be sent on the stream any more.
    ///
    /// # Panics
    ///
    /// If `stream` was never opened.
    ///
    /// [`Event::Writable`]: super::Event::Writable
    pub(crate) fn send_data(
        &mut self,
        stream: StreamId,
        data: &[u8],
        end_stream: bool,
    ) -> Result<usize, SendError> {
        self.offer_data(stream, data, end_stream, false)
    }

    /// As [`send_data`](Self::send_data), but what is accepted is not copied: the output has the heads
    /// of its frames alone. Take it at once, by [`take_lent`](Self::take_lent) and
    /// [`take_output`](Self::take_output), and put the data behind the heads.
    ///
    /// # Errors
    ///
    /// As [`send_data`](Self::send_data).
    ///
    /// # Panics
    ///
    /// If `stream` was never opened.
    pub(crate) fn lend_data(
        &mut self,
        stream: StreamId,
        data: &[u8],
        end_stream: bool,
    ) -> Result<usize, SendError> {
        self.offer_data(stream, data, end_stream, true)
    }

    fn offer_data(
        &mut self,
        stream: StreamId,
        data: &[u8],
        end_stream: bool,
        lends: bool,
    ) -> Result<usize, SendError> {
        self.check_sendable(stream, Input::SendData)?;
        // RFC 9113 6.9.1: an empty DATA frame with END_STREAM needs no window.
        if data.is_empty() {
            if end_stream {
                frame::write_data(&mut self.output.frames, stream, &[], true);
                self.end_local(stream);
            }
            return Ok(0);
        }
        let count = self.sendable(stream, data.len());
        let is_all = count == data.len();
        if count > 0 {
            self.write_data(stream, &data[..count], end_stream && is_all, lends);
        }
        if count > 0 && !is_all {
            self.charge_small_cut(count);
        }
        Ok(count)
    }

    /// Why no stream can be opened now.
    pub(super) fn check_open(&self) -> Result<(), OpenError> {
        if self.error.is_some() {
            Err(OpenError::Closed)
        } else if self.closing.is_going_away() {
            Err(OpenError::GoingAway)
        } else if self.next_local > limits::STREAM_ID_LAST {
            // RFC 9113 5.1.1: an identifier is never used again; a new connection has new ones.
            Err(OpenError::IdsExhausted)
        } else if self.streams.len() >= self.peer.max_concurrent_streams as usize {
            // RFC 9113 5.1.2: an endpoint must not exceed the limit that its peer has set.
            Err(OpenError::StreamLimit)
        } else {
            Ok(())
        }
    }

    pub(super) fn new_stream(&self) -> Stream {
        Stream::new(self.config.initial_window_size)
    }

    fn check_sendable(&self, id: StreamId, input: Input) -> Result<(), SendError> {
        self.check_known(id);
        let is_allowed = matches!(self.state(id).on(input), Effect::Next(_));
        if is_allowed && self.error.is_none() { Ok(()) } else { Err(SendError::Closed) }
    }

    fn write_headers(&mut self, id: StreamId, headers: &Headers, end_stream: bool) {
        let Self { encoder, output, peer, life, .. } = self;
        life.answer();
        let size_max = peer.max_frame_size;
        frame::write_header_block(&mut output.frames, id, end_stream, size_max, |block| {
            encoder.encode(headers, block);
        });
        if end_stream {
            self.end_local(id);
        }
    }

    /// How many of `wanted` bytes can be sent now. If not all of them, the stream waits.
    fn sendable(&mut self, id: StreamId, wanted: usize) -> usize {
        let base = self.peer.initial_window_size;
        let room = limits::OUTPUT_BUFFER_MAX.saturating_sub(self.output.frames.len());
        let now = self.times.now();
        let Some(stream) = self.streams.get_mut(id) else { return 0 };
        let on_stream = stream.send_window.size(base);
        let on_wire = self.flow.send_size().min(i64::try_from(room).unwrap_or(i64::MAX));
        let window = usize::try_from(on_stream.min(on_wire)).unwrap_or(0);
        if window >= wanted {
            stream.held_back_since = None;
            if stream.wait != Wait::Nothing {
                self.wait_to_send(id, Wait::Nothing, 0);
            }
            return wanted;
        }
        let wait = if on_stream <= on_wire { Wait::Stream } else { Wait::Connection };
        let least = stream.send_window.least_worth_sending(base, limits::DATA_CUT_MIN);
        let least_on_wire =
            self.flow.send.least_worth_sending(WINDOW_INITIAL, limits::DATA_CUT_MIN);
        let least = least.min(least_on_wire);
        let is_worth = window as u64 >= least.unsigned_abs() || stream.is_held_back_too_long(now);
        let count = if is_worth { window } else { 0 };
        if count > 0 || window == 0 {
            // A stream without a window is not held back: that begins with the next grant.
            stream.held_back_since = None;
        } else {
            self.hold_back(id);
        }
        self.wait_to_send(id, wait, wanted - count);
        count
    }

    /// Writes DATA that the windows allow, in frames that the peer takes.
    fn write_data(&mut self, id: StreamId, data: &[u8], end_stream: bool, lends: bool) {
        let count = u32::try_from(data.len()).expect("a window is smaller than 4 GiB");
        self.life.answer();
        self.flow.send.charge(WINDOW_INITIAL, count);
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.send_window.charge(self.peer.initial_window_size, count);

        let size_max = self.peer.max_frame_size.min(limits::DATA_FRAME_SIZE_MAX) as usize;
        let heads = data.len().div_ceil(size_max) * frame::HEAD_SIZE;
        // Trailers in most cases follow a large message, and must not double the buffer.
        let copied = if lends { 0 } else { data.len() };
        self.output.frames.reserve(copied + heads + TRAILERS_ROOM);
        let mut rest = data;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(size_max.min(rest.len()));
            let is_end = end_stream && behind.is_empty();
            match lends {
                true => self.output.lend_data(id, piece.len(), is_end),
                false => frame::write_data(&mut self.output.frames, id, piece, is_end),
            }
            self.abuse.sent_data();
            rest = behind;
        }
        if end_stream {
            self.end_local(id);
        }
    }

    /// A peer whose windows stay tiny makes us send more frame heads than data.
    fn charge_small_cut(&mut self, count: usize) {
        if count >= limits::DATA_CUT_MIN as usize {
            return;
        }
        let Some(now) = self.times.now() else { return };
        if let Err(violation) = self.abuse.glitch(Glitch::DataCutSmall, now) {
            self.fail(violation);
        }
    }

    /// END_STREAM was sent.
    fn end_local(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        match stream.state.on(Input::SendEnd) {
            Effect::Next(State::Ended) => self.close_stream(id, State::Ended),
            Effect::Next(state) => stream.state = state,
            effect => unreachable!("sending was checked to be allowed, found {effect:?}"),
        }
    }
}

/// Room for the frame behind the last message.
const TRAILERS_ROOM: usize = 256;
