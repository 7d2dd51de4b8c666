//! DATA (RFC 9113 6.1): charged when its head is read, handed on as its bytes arrive.
//!
//! Invariant: every byte of a DATA frame is given back to the connection's window as it is read,
//! and padding to the stream's window too, whether or not anybody wants the frame.

use super::{Connection, Event};
use crate::http2::abuse::Glitch;
use crate::http2::error::Violation;
use crate::http2::frame::{self, Head, flag};
use crate::http2::stream::{Effect, Input, State, StreamId};

/// A DATA frame of which a part is still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataFrame {
    pub(super) stream: StreamId,
    /// The head, until the length of the padding is read (RFC 9113 6.1: the first byte).
    padding_of: Option<Head>,
    data_left: u32,
    padding_left: u32,
    ends_stream: bool,
    /// Nobody wants it.
    is_discarded: bool,
}

/// What a piece of input came to that belongs to a DATA frame.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub(super) consumed: usize,
    /// What the application is told.
    pub(super) chunk: Option<Chunk<'a>>,
    /// The frame, if a part of it is still to come.
    pub(super) left: Option<DataFrame>,
}

/// A piece of data for the application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    data: &'a [u8],
    ends_stream: bool,
}

impl Connection {
    /// The head of a DATA frame.
    pub(super) fn on_data_head(&mut self, head: Head) -> Result<DataFrame, Violation> {
        let is_discarded = self.charge_data(head)?;
        let is_padded = head.has(flag::PADDED);
        Ok(DataFrame {
            stream: head.stream,
            padding_of: is_padded.then_some(head),
            data_left: if is_padded { 0 } else { head.length },
            padding_left: 0,
            ends_stream: head.has(flag::END_STREAM),
            is_discarded,
        })
    }

    /// Charges a DATA frame to the windows and says whether nobody wants it.
    fn charge_data(&mut self, head: Head) -> Result<bool, Violation> {
        // RFC 9113 6.9.1: the whole payload counts, padding too.
        if !self.flow.receive.charge(head.length, 0) {
            return Err(Violation::ConnectionWindowExceeded);
        }
        self.growth.receive(head.length);
        let slack = if self.times.settings_acked { 0 } else { self.config.slack_before_ack() };
        let Some(stream) = self.streams.get_mut(head.stream) else {
            return self.charge_absent(head).map(|()| true);
        };
        let violation = match stream.state.on(Input::ReceiveData) {
            // RFC 9113 8.1: a response begins with HEADERS.
            Effect::Next(_) if !stream.head_received => Violation::DataBeforeHead,
            Effect::Next(_) if !stream.receive_window.charge(head.length, slack) => {
                Violation::StreamWindowExceeded
            }
            Effect::Next(_) => return Ok(false),
            Effect::Fault(violation) => violation,
            Effect::Discard | Effect::Forbidden => return Ok(true),
        };
        self.fault(head.stream, violation).map(|()| true)
    }

    /// Charges a DATA frame of a stream that is idle or closed.
    #[cold]
    fn charge_absent(&mut self, head: Head) -> Result<(), Violation> {
        match self.state(head.stream).on(Input::ReceiveData) {
            Effect::Discard => self.charge_late_data(head.stream, head.length),
            Effect::Fault(violation) => self.fault(head.stream, violation),
            Effect::Next(_) | Effect::Forbidden => Ok(()),
        }
    }

    /// A frame without padding that has arrived whole.
    pub(super) fn on_whole_data<'a>(
        &mut self,
        head: Head,
        data: &'a [u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        let is_discarded = self.charge_data(head)?;
        self.credit_connection(head.length);
        if is_discarded {
            return Ok(None);
        }
        self.deliver(head.stream, Chunk { data, ends_stream: head.has(flag::END_STREAM) })
    }

    /// Takes what has arrived of a frame.
    ///
    /// # Errors
    ///
    /// RFC 9113 6.1: padding as long as the payload or longer.
    pub(super) fn take_data<'a>(
        &mut self,
        mut frame: DataFrame,
        bytes: &'a [u8],
    ) -> Result<Taken<'a>, Violation> {
        let mut rest = bytes;
        let had_data = frame.data_left > 0;
        let mut begins = false;
        if let Some(head) = frame.padding_of.take() {
            frame.data_left = frame::data_padding(head, rest[0])?;
            frame.padding_left = u32::from(rest[0]);
            rest = &rest[1..];
            begins = true;
            if !frame.is_discarded {
                self.credit_padding(frame.stream, 1 + frame.padding_left);
            }
        }
        let (data, behind) = rest.split_at(rest.len().min(frame.data_left as usize));
        frame.data_left -= data.len() as u32;
        let padding = behind.len().min(frame.padding_left as usize);
        // The end is told with the last byte of data; padding behind it is nobody's.
        let is_last = frame.data_left == 0 && (had_data || begins);
        frame.padding_left -= padding as u32;

        let consumed = bytes.len() - behind.len() + padding;
        self.credit_connection(consumed as u32);
        let is_told = !frame.is_discarded && (!data.is_empty() || is_last);
        let chunk = is_told.then_some(Chunk { data, ends_stream: frame.ends_stream && is_last });
        let is_done = frame.data_left == 0 && frame.padding_left == 0;
        Ok(Taken { consumed, chunk, left: (!is_done).then_some(frame) })
    }

    /// A frame without any payload.
    pub(super) fn on_empty_data<'a>(&mut self, head: Head) -> Result<Option<Event<'a>>, Violation> {
        let frame = self.on_data_head(head)?;
        if frame.is_discarded {
            return Ok(None);
        }
        self.deliver(frame.stream, Chunk { data: &[], ends_stream: frame.ends_stream })
    }

    /// Hands a chunk to the application, unless the stream was closed in the meantime.
    pub(super) fn deliver<'a>(
        &mut self,
        id: StreamId,
        chunk: Chunk<'a>,
    ) -> Result<Option<Event<'a>>, Violation> {
        let now = self.times.now();
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        if let Some(left) = stream.content_length_left {
            // RFC 9113 8.1.1: content-length equals the sum of the DATA.
            let left = left.checked_sub(chunk.data.len() as u64);
            stream.content_length_left = left;
            if left.is_none_or(|left| chunk.ends_stream && left != 0) {
                self.fault(id, Violation::ContentLengthMismatch)?;
                return Ok(None);
            }
        }
        if chunk.ends_stream {
            self.end_remote(id);
        } else if chunk.data.is_empty() {
            if let Some(now) = now {
                self.abuse.empty_data(now)?;
            }
            return Ok(None);
        }
        self.abuse.received_work();
        Ok(Some(Event::Data { stream: id, data: chunk.data, end_stream: chunk.ends_stream }))
    }

    /// END_STREAM was received.
    pub(super) fn end_remote(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        match stream.state.on(Input::ReceiveEnd) {
            Effect::Next(State::Ended) => self.close_stream(id, State::Ended),
            Effect::Next(state) => stream.state = state,
            effect => unreachable!("receiving was checked to be allowed, found {effect:?}"),
        }
    }

    /// RFC 9113 5.1: DATA that was sent before our RST_STREAM arrived is discarded. It cannot be
    /// more than the window that the stream had. An empty frame, which ends a request that we have
    /// answered early, needs no window, and what a forgotten stream had is not known.
    fn charge_late_data(&mut self, id: StreamId, length: u32) -> Result<(), Violation> {
        if length == 0 {
            return self.glitch(Glitch::LateFrame);
        }
        match self.streams.charge_closed(id, length) {
            Some(0..) => Ok(()),
            Some(_) => self.glitch(Glitch::LateDataBeyondWindow),
            None => self.glitch(Glitch::LateFrame),
        }
    }
}
