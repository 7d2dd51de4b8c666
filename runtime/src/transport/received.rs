//! What has come for one stream and was not taken yet, as a value.
//!
//! It also decides about credit. Bytes of complete messages are given back to the peer's window when
//! the application takes them. Bytes of an incomplete message are given back as they arrive, but only
//! while the application waits for that message, as every caller does for the first: the receive limit,
//! checked before anything is allocated, bounds what a waiting receiver costs, and the window all
//! others. Of small messages the first is unpacked; those behind it wait as the bytes that they came
//! in, and can be taken like that, all at once.

use super::foreign::Foreign;
use super::incoming::{Found, Incoming, Reply, Whole};
use super::run::Run;
use super::short_queue::ShortQueue;
use crate::grpc::envelope::{self, Decoder};
use crate::grpc::headers;
use crate::http2::{Headers, Initiator, Reason};
use crate::limits::{CREDIT_MIN, RUN_KEPT_MAX, UNPACKED_MESSAGE_MIN};

/// The undelivered events of a stream.
pub(super) struct Received {
    /// With each the bytes that are credited when it is taken.
    queue: ShortQueue<(Incoming, usize)>,
    /// Bytes of messages behind the queue, from `raw_at` on, while there is a message in it.
    raw: Vec<u8>,
    raw_at: usize,
    /// What comes after the queue and `raw`, again and again; trailers once.
    end: Option<Incoming>,
    decoder: Decoder,
    /// Bytes of the incomplete message that were not credited yet.
    partial: usize,
    /// Bytes that may be credited, kept until there are enough of them.
    credit: usize,
    /// The least credit worth telling the core about.
    credit_min: usize,
    /// The application has looked and found nothing since it last got something, or expects the first
    /// message.
    wanted: bool,
    /// The peer has ended the stream in good order.
    has_ended: bool,
    /// A head has come that did not end the stream.
    has_head: bool,
    /// The response, if it is none of gRPC's.
    foreign: Option<Box<Foreign>>,
}

impl Received {
    /// Nothing yet, of messages of at most `receive_limit` bytes on a stream whose window is
    /// `window`.
    pub(super) fn new(receive_limit: usize, window: u32) -> Self {
        let mut received = Self {
            queue: ShortQueue::new(),
            raw: Vec::new(),
            raw_at: 0,
            end: None,
            decoder: Decoder::new(receive_limit),
            partial: 0,
            credit: 0,
            credit_min: 0,
            wanted: false,
            has_ended: false,
            has_head: false,
            foreign: None,
        };
        received.set_limits(receive_limit, window);
        received
    }

    /// As for [`new`](Self::new), before anything has come.
    pub(super) fn set_limits(&mut self, receive_limit: usize, window: u32) {
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        self.decoder.set_limit(receive_limit);
        // More than half a window in arrears could bring the peer to a halt.
        self.credit_min = CREDIT_MIN.min(window / 2).max(1);
    }

    /// Makes it as new, but for its limits.
    pub(super) fn clear(&mut self) {
        let Self {
            queue,
            raw,
            raw_at,
            end,
            decoder,
            partial,
            credit,
            credit_min: _,
            wanted,
            has_ended,
            has_head,
            foreign,
        } = self;
        queue.clear();
        *raw = Vec::new();
        *end = None;
        decoder.clear();
        (*raw_at, *partial, *credit) = (0, 0, 0);
        (*wanted, *has_ended, *has_head) = (false, false, false);
        *foreign = None;
    }

    /// The application expects a message from now on, as if it had looked for one.
    /// Returns what may be credited for what has come of it.
    pub(super) fn expect(&mut self) -> usize {
        self.wanted = true;
        self.take_credit()
    }

    /// Whether the end has come, or what stands for it.
    pub(super) fn is_settled(&self) -> bool {
        self.end.is_some()
    }

    /// The head of a response.
    pub(super) fn push_head(&mut self, headers: Headers, end: bool, truncated: bool) {
        if self.end.is_none() {
            self.has_head |= !end;
            if !end && !truncated && headers::is_foreign(&headers) {
                self.foreign = Some(Box::new(Foreign::new(headers)));
                return;
            }
            self.queue.push_back((Incoming::Head { headers, end, truncated }, 0));
            if end {
                self.has_ended = true;
                self.end = Some(Incoming::End);
            }
        }
    }

    /// Whether the response is none of gRPC's, and its body is waited for.
    pub(super) fn lacks_body(&self) -> bool {
        self.foreign.as_ref().is_some_and(|foreign| foreign.lacks_body(self.end.is_some()))
    }

    /// The body of a response that is none of gRPC's is not waited for any longer.
    pub(super) fn expect_no_body(&mut self) {
        if let Some(foreign) = &mut self.foreign {
            foreign.expect_no_body();
        }
    }

    /// Bytes of messages, and perhaps the end. Returns what may be credited at once.
    pub(super) fn push_data(&mut self, data: &[u8], end: bool) -> usize {
        self.has_ended |= end;
        if self.end.is_some() {
            return 0;
        }
        match &mut self.foreign {
            None => self.decode(data),
            Some(foreign) => foreign.push(data),
        }
        if end {
            self.end.get_or_insert(Incoming::End);
        }
        self.take_credit()
    }

    /// The peer's last word.
    pub(super) fn push_trailers(&mut self, headers: Headers, truncated: bool) {
        if self.end.is_none() {
            self.has_ended = true;
            self.end = Some(match truncated {
                true => Incoming::CutTrailers,
                false => Incoming::Trailers(headers),
            });
        }
    }

    /// The end of everything, behind what has come.
    pub(super) fn fail(&mut self, failure: Incoming) {
        self.end.get_or_insert(failure);
    }

    /// The end of everything at once, unless the end has come before. What had come and was not
    /// taken is returned, to be dropped where no lock is held.
    pub(super) fn reset(&mut self, reason: Reason) -> impl Sized + use<> {
        if self.end.is_some() {
            return (ShortQueue::new(), Vec::new());
        }
        self.end = Some(Incoming::Reset { reason, by: Initiator::Local });
        self.foreign = None;
        (std::mem::replace(&mut self.queue, ShortQueue::new()), self.drop_raw())
    }

    /// Takes the next thing, if there is one.
    pub(super) fn take(&mut self) -> Found {
        self.refill();
        self.take_next()
    }

    /// As `take`, but takes all messages that wait as bytes into `run`, which must be empty.
    pub(super) fn take_run(&mut self, run: &mut Run) -> Found {
        self.credit += run.take_looked_at();
        if self.queue.is_empty() && !self.raw.is_empty() && self.fill(run) {
            self.wanted = false;
            return Found::Incoming(Incoming::Run, self.take_credit());
        }
        self.take_next()
    }

    /// Takes the one message of a request, and what may be credited, if that message is all that was
    /// received and will be.
    pub(super) fn take_only(&mut self) -> Option<(Incoming, usize)> {
        let is_all = matches!(self.end, Some(Incoming::End)) && self.raw.is_empty();
        let is_only = |queue: &ShortQueue<(Incoming, usize)>| {
            queue.as_single().is_some_and(|(incoming, _)| incoming.is_message())
        };
        if !is_all || !is_only(&self.queue) || self.decoder.finish().is_err() {
            return None;
        }
        let (message, held) = self.queue.pop_front()?;
        self.credit += held;
        self.wanted = false;
        Some((message, self.take_credit()))
    }

    /// Moves a head, one message and trailers into `whole`, which is empty, if they are all that was
    /// received and will be, and none was cut.
    pub(super) fn take_reply(&mut self, whole: &mut Whole) -> Reply {
        let Some(Incoming::Trailers(trailers)) = &mut self.end else {
            return if self.is_empty() { Reply::Nothing } else { Reply::Other };
        };
        let is_plain =
            self.raw.is_empty() && self.foreign.is_none() && self.decoder.finish().is_ok();
        let (
            Some((
                (Incoming::Head { headers, truncated: false, .. }, _),
                (Incoming::Message(payload, is_compressed), held),
            )),
            true,
        ) = (self.queue.as_pair_mut(), is_plain)
        else {
            return Reply::Other;
        };
        // From place to place, as they are large.
        std::mem::swap(&mut whole.head, headers);
        std::mem::swap(&mut whole.payload, payload);
        std::mem::swap(&mut whole.trailers, trailers);
        whole.is_compressed = *is_compressed;
        self.credit += *held;
        self.queue.drop_pair();
        self.end = Some(Incoming::End);
        self.wanted = false;
        Reply::Whole(self.take_credit())
    }

    /// The least credit worth telling the core about.
    pub(super) fn credit_min(&self) -> usize {
        self.credit_min
    }

    fn take_next(&mut self) -> Found {
        if let Some((incoming, held)) = self.queue.pop_front() {
            self.credit += held;
            self.wanted = false;
            return Found::Incoming(incoming, self.take_credit());
        }
        let has_ended = self.end.is_some();
        if let Some(incoming) = self.foreign.as_mut().and_then(|foreign| foreign.take(has_ended)) {
            return Found::Incoming(incoming, 0);
        }
        if let Some(end) = self.take_end() {
            return Found::Incoming(end, 0);
        }
        self.wanted = true;
        match self.take_credit() {
            0 => Found::Nothing,
            credit => Found::Credit(credit),
        }
    }

    /// Whether there is nothing to take.
    pub(super) fn is_empty(&self) -> bool {
        let is_ready = |foreign: &Foreign| foreign.is_ready(false);
        self.queue.is_empty()
            && self.end.is_none()
            && !self.has_raw_message()
            && !self.foreign.as_deref().is_some_and(is_ready)
    }

    /// Whether the peer has ended the stream in good order.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether a head has come that did not end the stream.
    pub(super) fn has_head(&self) -> bool {
        self.has_head
    }

    /// Whether the last thing that will be received has come.
    pub(super) fn has_ending(&self) -> bool {
        self.end.is_some()
    }

    /// The last thing that will be received, if it has come.
    pub(super) fn ending(&self) -> Option<Incoming> {
        if self.end.is_some()
            && let Some(foreign) = self.foreign.as_deref().and_then(Foreign::peek)
        {
            return Some(foreign);
        }
        match (self.end.as_ref()?, self.queue.back()) {
            (Incoming::End, Some((head @ Incoming::Head { end: true, .. }, _))) => {
                Some(head.clone())
            }
            (end, _) => Some(end.clone()),
        }
    }

    /// Whether a whole message waits as bytes.
    fn has_raw_message(&self) -> bool {
        let raw = &self.raw[self.raw_at..];
        envelope::read_prefix(raw)
            .is_some_and(|(length, _)| length <= raw.len() - envelope::PREFIX_LEN)
    }

    /// Moves what waits as bytes into `run`; says whether there is any message.
    fn fill(&mut self, run: &mut Run) -> bool {
        let (at, raw) = (std::mem::take(&mut self.raw_at), std::mem::take(&mut self.raw));
        let (whole, error) = self.decoder.measure(&raw[at..]);
        let end = at + whole;
        match error {
            Some(error) => self.end = Some(Incoming::Invalid(error)),
            None => {
                let rest = self.unpack(&raw[end..]);
                debug_assert!(end + rest == raw.len(), "an incomplete message is taken whole");
            }
        }
        let mut old = run.fill(raw, at, end);
        if old.capacity() <= RUN_KEPT_MAX {
            old.clear();
            self.raw = old;
        }
        whole > 0
    }

    /// Cuts `data` into messages, those that are to be unpacked at once.
    fn decode(&mut self, data: &[u8]) {
        let consumed = match self.raw.is_empty() {
            true => self.unpack(data),
            false => 0,
        };
        // After an error what follows has no meaning.
        if self.end.is_none() {
            self.raw.extend_from_slice(&data[consumed..]);
        }
    }

    /// Cuts what waits into messages once the queue is empty.
    fn refill(&mut self) {
        if self.queue.is_empty() && !self.raw.is_empty() {
            let raw = std::mem::take(&mut self.raw);
            self.raw_at += self.unpack(&raw[self.raw_at..]);
            self.raw = raw;
            if self.raw_at == self.raw.len() {
                self.drop_raw();
            }
        }
    }

    /// Whether the message at the beginning of `data` goes into the queue: if it is the first, if a part
    /// of it was taken, and if it is large.
    fn is_unpacked(&self, data: &[u8]) -> bool {
        self.decoder.is_inside()
            || !self.queue.back().is_some_and(|(incoming, _)| incoming.is_message())
            || envelope::read_prefix(data).is_some_and(|(length, _)| length >= UNPACKED_MESSAGE_MIN)
    }

    /// Moves messages of `data` into the queue while they are to be unpacked; returns how many bytes it
    /// took.
    fn unpack(&mut self, data: &[u8]) -> usize {
        let mut taken = 0;
        while taken < data.len() && self.is_unpacked(&data[taken..]) {
            match self.decoder.decode(&data[taken..]) {
                Ok((count, message)) => {
                    taken += count;
                    self.partial += count;
                    if let Some(message) = message {
                        let held = std::mem::take(&mut self.partial);
                        let incoming = Incoming::Message(message.payload, message.compressed);
                        self.queue.push_back((incoming, held));
                    }
                }
                Err(error) => {
                    self.end = Some(Incoming::Invalid(error));
                    return data.len();
                }
            }
        }
        taken
    }

    fn drop_raw(&mut self) -> Vec<u8> {
        self.raw_at = 0;
        std::mem::take(&mut self.raw)
    }

    /// The end of the stream, if it has come. An end in good order is none if it came inside a
    /// message.
    fn take_end(&mut self) -> Option<Incoming> {
        let is_good = matches!(self.end, Some(Incoming::End | Incoming::Trailers(_)));
        if is_good && let Err(error) = self.decoder.finish() {
            self.end = Some(Incoming::Invalid(error));
        }
        match &self.end {
            Some(Incoming::Trailers(_) | Incoming::CutTrailers) => self.end.replace(Incoming::End),
            end => end.clone(),
        }
    }

    /// What may be credited now, if it is worth it.
    fn take_credit(&mut self) -> usize {
        // A head that nobody has taken yet is no reason to hold a message back.
        let heads_alone = || self.queue.iter().all(|(incoming, _)| incoming.is_head());
        if self.wanted && self.raw.is_empty() && heads_alone() {
            self.credit += std::mem::take(&mut self.partial);
        }
        if self.credit < self.credit_min {
            return 0;
        }
        std::mem::take(&mut self.credit)
    }
}

#[cfg(test)]
mod tests;
