//! What the application sends: streams, heads, data, trailers.

use super::{Connection, Role};
use crate::http2::abuse::Glitch;
use crate::http2::error::{OpenError, SendError};
use crate::http2::frame;
use crate::http2::headers::Headers;
use crate::http2::stream::{Effect, Input, State, Stream, StreamId, Wait};
use crate::http2::window::WINDOW_INITIAL;
use crate::limits::http2 as limits;

/// What is to be sent in one go, and how far it has got.
pub(crate) struct Outgoing<'a> {
    /// Not sent if a head was sent before.
    pub(crate) head: Option<&'a Headers>,
    pub(crate) data: &'a [u8],
    /// What ends the stream, or nothing.
    pub(crate) end: End<'a>,
}

/// How a sending ends.
#[derive(Clone, Copy)]
pub(crate) enum End<'a> {
    /// More may follow.
    Open,
    /// END_STREAM on the last frame.
    Plain,
    Trailers(&'a Headers),
    /// Trailers behind a head, or what stands alone if none was sent.
    Outcome {
        behind_head: &'a Headers,
        alone: &'a Headers,
    },
}

impl Outgoing<'_> {
    /// Whether nothing follows.
    pub(crate) fn is_last(&self) -> bool {
        !matches!(self.end, End::Open)
    }
}

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
        self.sending(stream, Input::SendHeaders)?.head_sent = true;
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
        self.sending(stream, Input::SendData)?;
        Ok(self.write_data(stream, data, end_stream, false))
    }

    /// Sends what is taken now of `outgoing`, which is left with the rest; says whether that is all.
    ///
    /// `lends`: data is not copied, the output has the heads of its frames alone. Take it at once, by
    /// [`take_lent`](Self::take_lent) and [`take_output`](Self::take_output), and put the data behind
    /// the heads.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if nothing can be sent on the stream any more.
    ///
    /// # Panics
    ///
    /// If `id` was never opened.
    pub(crate) fn send(
        &mut self,
        id: StreamId,
        outgoing: &mut Outgoing<'_>,
        lends: bool,
    ) -> Result<bool, SendError> {
        // Where DATA may be sent, a head and trailers may too (RFC 9113 5.1).
        let stream = self.sending(id, Input::SendData)?;
        let mut is_head_sent = stream.head_sent;
        // Of two who answer one call at once both may come with a head.
        if let Some(head) = outgoing.head.take()
            && !is_head_sent
        {
            (stream.head_sent, is_head_sent) = (true, true);
            self.write_headers(id, head, false);
        }
        let is_last = matches!(outgoing.end, End::Plain);
        if !outgoing.data.is_empty() || is_last {
            let accepted = self.write_data(id, outgoing.data, is_last, lends);
            outgoing.data = &outgoing.data[accepted..];
            if !outgoing.data.is_empty() {
                return Ok(false);
            }
        }
        let trailers = match outgoing.end {
            End::Open | End::Plain => return Ok(true),
            End::Trailers(trailers) => trailers,
            End::Outcome { behind_head, .. } if is_head_sent => behind_head,
            End::Outcome { alone, .. } => alone,
        };
        self.write_headers(id, trailers, true);
        Ok(true)
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

    /// The stream, if `input` can be sent on it.
    fn sending(&mut self, id: StreamId, input: Input) -> Result<&mut Stream, SendError> {
        self.check_known(id);
        // A stream that has closed takes nothing.
        let stream = self.streams.get_mut(id).filter(|_| self.error.is_none());
        let stream = stream.filter(|stream| matches!(stream.state.on(input), Effect::Next(_)));
        stream.ok_or(SendError::Closed)
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

    /// Takes room for `wanted` bytes, or for as many as can be sent now, from the windows. If not for
    /// all of them, the stream waits.
    fn take_room(&mut self, id: StreamId, wanted: usize) -> usize {
        let base = self.peer.initial_window_size;
        let room = limits::OUTPUT_BUFFER_MAX.saturating_sub(self.output.frames.len());
        let Some(stream) = self.streams.get_mut(id) else { return 0 };
        let on_stream = stream.send_window.size(base);
        let on_wire = self.flow.send_size().min(i64::try_from(room).unwrap_or(i64::MAX));
        let window = usize::try_from(on_stream.min(on_wire)).unwrap_or(0);
        if window < wanted {
            return self.take_less(id, wanted, window, on_stream <= on_wire);
        }
        stream.held_back_since = None;
        let is_waiting = stream.wait != Wait::Nothing;
        stream.send_window.charge(base, wanted);
        self.flow.send.charge(WINDOW_INITIAL, wanted);
        if is_waiting {
            self.wait_to_send(id, Wait::Nothing, 0);
        }
        wanted
    }

    /// The same where fewer than `wanted` bytes fit into `window`.
    #[cold]
    fn take_less(&mut self, id: StreamId, wanted: usize, window: usize, is_own: bool) -> usize {
        let base = self.peer.initial_window_size;
        let now = self.times.now();
        let Some(stream) = self.streams.get_mut(id) else { return 0 };
        let wait = if is_own { Wait::Stream } else { Wait::Connection };
        let least = stream.send_window.least_worth_sending(base, limits::DATA_CUT_MIN);
        let least_on_wire =
            self.flow.send.least_worth_sending(WINDOW_INITIAL, limits::DATA_CUT_MIN);
        let least = least.min(least_on_wire);
        let is_worth = window as u64 >= least.unsigned_abs() || stream.is_held_back_too_long(now);
        let count = if is_worth { window } else { 0 };
        if count > 0 {
            stream.send_window.charge(base, count);
            self.flow.send.charge(WINDOW_INITIAL, count);
        }
        if count > 0 || window == 0 {
            // A stream without a window is not held back: that begins with the next grant.
            stream.held_back_since = None;
        } else {
            self.hold_back(id);
        }
        self.wait_to_send(id, wait, wanted - count);
        count
    }

    /// Writes as much of `data` as the windows allow, in frames that the peer takes; returns how many
    /// bytes that is.
    fn write_data(&mut self, id: StreamId, data: &[u8], end_stream: bool, lends: bool) -> usize {
        // RFC 9113 6.9.1: an empty DATA frame with END_STREAM needs no window.
        if data.is_empty() {
            if end_stream {
                frame::write_data(&mut self.output.frames, id, &[], true);
                self.end_local(id);
            }
            return 0;
        }
        let count = self.take_room(id, data.len());
        let is_all = count == data.len();
        if count > 0 {
            self.write_frames(id, &data[..count], end_stream && is_all, lends);
        }
        if count > 0 && !is_all {
            self.charge_small_cut(count);
        }
        count
    }

    /// Writes `data` in frames that the peer takes.
    fn write_frames(&mut self, id: StreamId, data: &[u8], end_stream: bool, lends: bool) {
        self.life.answer();
        let size_max = self.peer.max_frame_size.min(limits::DATA_FRAME_SIZE_MAX) as usize;
        // More than enough where frames are larger.
        let heads = (data.len() / frame::FRAME_SIZE_MIN as usize + 1) * frame::HEAD_SIZE;
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
            // Trailers alone are a head too.
            Effect::Next(state) => (stream.state, stream.head_sent) = (state, true),
            effect => unreachable!("sending was checked to be allowed, found {effect:?}"),
        }
    }
}

/// Room for the frame behind the last message.
const TRAILERS_ROOM: usize = 256;
