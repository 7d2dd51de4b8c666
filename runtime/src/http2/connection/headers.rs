//! HEADERS and CONTINUATION (RFC 9113 6.2, 6.10), and the messages they make (RFC 9113 8.1).
//!
//! Invariant: every header block is decoded, also for a stream that nobody wants, because the
//! table of the decoder must follow the peer's (RFC 9113 4.3).

use super::{Connection, Event, Role};
use crate::http2::abuse::Glitch;
use crate::http2::error::{Reason, Violation};
use crate::http2::frame::{self, Head, STREAM_ID_MAX, flag};
use crate::http2::headers::Headers;
use crate::http2::hpack;
use crate::http2::malformed::{self, Extent, MessageHead};
use crate::http2::memo::Checked;
use crate::http2::stream::{Effect, Input, State, StreamId};
use crate::limits::http2 as limits;

/// A header block whose END_HEADERS has not arrived.
#[derive(Debug)]
pub(super) struct OpenBlock {
    pub(super) stream: StreamId,
    end_stream: bool,
    bytes: Vec<u8>,
    continuations: u32,
}

#[cfg(test)]
impl OpenBlock {
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// A header block and what it says.
struct Section<'a> {
    stream: StreamId,
    end_stream: bool,
    truncated: bool,
    block: &'a [u8],
    /// The decoder's table before the block, if the block may be one that came before.
    generation: Option<u64>,
    headers: Headers,
    /// What the same block was found to be before.
    known: Option<Checked>,
}

impl Section<'_> {
    fn extent(&self) -> Extent {
        if self.truncated { Extent::Cut } else { Extent::Whole }
    }
}

impl Connection {
    /// HEADERS.
    pub(super) fn on_headers<'a>(
        &mut self,
        head: Head,
        payload: &[u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        let block = frame::headers(head, payload)?;
        self.check_opener(head.stream)?;
        let end_stream = head.has(flag::END_STREAM);
        if head.has(flag::END_HEADERS) {
            return self.on_block(head.stream, end_stream, block);
        }
        self.times.block_started = self.times.now();
        let bytes = block.to_vec();
        let stream = head.stream;
        self.input.block = Some(OpenBlock { stream, end_stream, bytes, continuations: 0 });
        Ok(None)
    }

    /// CONTINUATION; that it belongs to the open block was checked with its head.
    pub(super) fn on_continuation<'a>(
        &mut self,
        head: Head,
        payload: &[u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        if payload.is_empty() {
            self.glitch(Glitch::EmptyContinuation)?;
        }
        let Some(mut block) = self.input.block.take() else {
            return Err(Violation::UnexpectedContinuation);
        };
        block.continuations += 1;
        if block.continuations > limits::CONTINUATIONS_MAX {
            return Err(Violation::TooManyContinuations);
        }
        if block.bytes.len() + payload.len() > limits::HEADER_BLOCK_SIZE_MAX {
            return Err(Violation::HeaderBlockTooLong);
        }
        block.bytes.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            self.times.block_started = None;
            return self.on_block(block.stream, block.end_stream, &block.bytes);
        }
        self.input.block = Some(block);
        Ok(None)
    }

    /// A whole header block.
    fn on_block<'a>(
        &mut self,
        id: StreamId,
        end_stream: bool,
        block: &[u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        let mut section = Section {
            stream: id,
            end_stream,
            truncated: false,
            block,
            generation: self.decoder.generation(),
            headers: Headers::new(),
            known: None,
        };
        self.read_section(&mut section)?;
        match self.state(id).on(Input::ReceiveHeaders) {
            Effect::Next(State::Open) if self.is_idle(id) => return self.on_request(section),
            Effect::Next(_) => return self.on_section(section),
            Effect::Discard => self.glitch(Glitch::LateFrame)?,
            Effect::Fault(violation) => self.fault(id, violation)?,
            Effect::Forbidden => {}
        }
        Ok(None)
    }

    /// Recognises the block, or decodes it.
    fn read_section(&mut self, section: &mut Section<'_>) -> Result<(), Violation> {
        let list_size_max = self.config.max_header_list_size as usize;
        if let Some(generation) = section.generation
            && let Some(known) = self.memo.find(section.block, generation, &mut section.headers)
            && section.headers.size() <= list_size_max
        {
            section.known = Some(known);
            return Ok(());
        }
        if section.block.len() > limits::HEADER_BLOCK_SIZE_MAX {
            return Err(Violation::HeaderBlockTooLong);
        }
        let hard = list_size_max.saturating_mul(limits::HEADER_LIST_HARD_FACTOR as usize);
        let decode_limits = hpack::Limits {
            list_size_max,
            fields_max: limits::HEADER_FIELDS_MAX,
            decoded_size_max: hard.max(limits::HEADER_BLOCK_SIZE_MAX),
        };
        section.headers = Headers::with_capacity(0, LIST_ROOM);
        let decoded = self.decoder.decode(section.block, &decode_limits, &mut section.headers);
        // RFC 9113 4.3: a block that cannot be decoded is a connection error COMPRESSION_ERROR.
        let decoded = decoded.map_err(|error| match error {
            hpack::Error::ListTooLarge => Violation::HeaderListFarTooLarge,
            _ => Violation::Compression,
        })?;
        if decoded.truncated {
            section.truncated = true;
            section.generation = None;
            self.glitch(Glitch::CutHeaderList)?;
        }
        Ok(())
    }

    /// Remembers that `section` is well-formed.
    fn remember(&mut self, section: &mut Section<'_>, checked: Checked) {
        if let Some(generation) = section.generation {
            self.memo.remember(section.block, generation, &mut section.headers, checked);
        }
    }

    /// RFC 9113 5.1.1: clients open odd streams, servers even ones; only a promise opens those.
    fn check_opener(&self, id: StreamId) -> Result<(), Violation> {
        match self.role {
            Role::Server if !id.is_odd() => Err(Violation::StreamIdParity),
            Role::Client if self.is_idle(id) => Err(Violation::IdleStream),
            Role::Server | Role::Client => Ok(()),
        }
    }

    /// The first header block of a new stream, on a server.
    fn on_request<'a>(&mut self, mut section: Section<'_>) -> Result<Option<Event<'a>>, Violation> {
        let id = section.stream;
        self.last_remote = id;
        // RFC 9113 6.8: streams above the last one of our GOAWAY are ignored.
        if self.closing.ignores(id) {
            self.streams.refuse(id, self.config.initial_window_size);
            return self.glitch(Glitch::RefusedStream).map(|()| None);
        }
        // RFC 9113 5.1.2: more streams than announced are refused; the client may try again.
        if self.streams.len() >= self.config.max_concurrent_streams as usize {
            return self.fault(id, Violation::StreamRefused).map(|()| None);
        }
        let head = match self.check_request(&mut section) {
            Ok(head) => head,
            Err(violation) => return self.fault(id, violation).map(|()| None),
        };
        if section.end_stream && head.content_length.is_some_and(|length| length != 0) {
            return self.fault(id, Violation::ContentLengthMismatch).map(|()| None);
        }
        let mut stream = self.new_stream();
        stream.state = State::Open;
        stream.head_received = true;
        stream.content_length_left = head.content_length;
        self.streams.insert(id, stream);
        self.life.open(self.times.now());
        // RFC 9113 5.1.1: no numbers are left; the client has to open another connection.
        if id.0 == STREAM_ID_MAX {
            self.go_away(Reason::NO_ERROR);
        }
        Ok(Some(self.hand_on_head(section)))
    }

    fn check_request(&mut self, section: &mut Section<'_>) -> Result<MessageHead, Violation> {
        if let Some(Checked::Request(head)) = section.known {
            return Ok(head);
        }
        let head = malformed::request(&section.headers, section.extent())?;
        self.remember(section, Checked::Request(head));
        Ok(head)
    }

    fn check_response(&mut self, section: &mut Section<'_>) -> Result<MessageHead, Violation> {
        if let Some(Checked::Response(head)) = section.known {
            return Ok(head);
        }
        let head = malformed::response(&section.headers, section.extent())?;
        self.remember(section, Checked::Response(head));
        Ok(head)
    }

    /// A header block on a stream in progress: a response, or trailers.
    fn on_section<'a>(&mut self, mut section: Section<'_>) -> Result<Option<Event<'a>>, Violation> {
        let id = section.stream;
        let left = match self.streams.get_mut(id) {
            Some(stream) if stream.head_received => stream.content_length_left,
            Some(_) => return self.on_response(section),
            None => return Ok(None),
        };
        if let Err(violation) = self.check_trailers(&mut section, left) {
            return self.fault(id, violation).map(|()| None);
        }
        self.abuse.received_work();
        self.end_remote(id);
        let Section { stream, truncated, headers, .. } = section;
        Ok(Some(Event::Trailers { stream, headers, truncated }))
    }

    /// `left` is what content-length promises yet.
    fn check_trailers(
        &mut self,
        section: &mut Section<'_>,
        left: Option<u64>,
    ) -> Result<(), Violation> {
        if section.known != Some(Checked::Trailers) {
            malformed::trailers(&section.headers)?;
            self.remember(section, Checked::Trailers);
        }
        // RFC 9113 8.1: HEADERS after the head, without END_STREAM, makes the message malformed.
        if !section.end_stream {
            return Err(Violation::TrailersWithoutEnd);
        }
        if left.is_some_and(|left| left != 0) {
            return Err(Violation::ContentLengthMismatch);
        }
        Ok(())
    }

    /// The head of a response, on a client.
    fn on_response<'a>(
        &mut self,
        mut section: Section<'_>,
    ) -> Result<Option<Event<'a>>, Violation> {
        let id = section.stream;
        let head = match self.check_response(&mut section) {
            Ok(head) => head,
            Err(violation) => return self.fault(id, violation).map(|()| None),
        };
        if (100..200).contains(&head.status) {
            return self.on_informational(&section, head).map(|()| None);
        }
        // RFC 9113 8.1.1: a response that never has content may speak of its length.
        let content_length = head.content_length.filter(|_| !matches!(head.status, 204 | 304));
        if section.end_stream && content_length.is_some_and(|length| length != 0) {
            return self.fault(id, Violation::ContentLengthMismatch).map(|()| None);
        }
        if let Some(stream) = self.streams.get_mut(id) {
            stream.head_received = true;
            stream.content_length_left = content_length;
        }
        Ok(Some(self.hand_on_head(section)))
    }

    /// RFC 9113 8.1: informational responses come before the response; gRPC has no use for them.
    fn on_informational(
        &mut self,
        section: &Section<'_>,
        head: MessageHead,
    ) -> Result<(), Violation> {
        let id = section.stream;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        stream.informational_count += 1;
        let violation = if section.end_stream {
            Violation::InformationalEnd
        } else if head.status == 101 {
            // RFC 9113 8.6: HTTP/2 has no 101.
            Violation::SwitchingProtocols
        } else if stream.informational_count > limits::INFORMATIONAL_MAX {
            Violation::TooManyInformational
        } else {
            return Ok(());
        };
        self.fault(id, violation)
    }

    fn hand_on_head<'a>(&mut self, section: Section<'_>) -> Event<'a> {
        let Section { stream, end_stream, truncated, headers, .. } = section;
        self.abuse.received_work();
        if end_stream {
            self.end_remote(stream);
        }
        Event::Headers { stream, headers, end_stream, truncated }
    }
}

/// Room for the list of an ordinary request.
const LIST_ROOM: usize = 512;
