//! Watches what one side sends and what it is granted, without the code under test.

use std::collections::{HashMap, VecDeque};

use super::frames::*;

/// The windows of one sender (RFC 9113 6.9), as an onlooker between the two sides counts them.
#[derive(Debug)]
pub(super) struct Monitor {
    connection: i64,
    initial: i64,
    /// Granted less sent, for each stream.
    streams: HashMap<u32, i64>,
    frame_size_max: usize,
    /// SETTINGS that the sender has read and not acknowledged: they bind what follows the
    /// acknowledgement (RFC 9113 6.5.3).
    unacknowledged: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl Monitor {
    pub(super) fn new() -> Self {
        Self {
            connection: 65_535,
            initial: 65_535,
            streams: HashMap::new(),
            frame_size_max: 16_384,
            unacknowledged: VecDeque::new(),
            sent: Vec::new(),
            received: Vec::new(),
        }
    }

    /// The sender has sent `bytes`: no frame breaks a window or the frame size.
    pub(super) fn on_sent(&mut self, bytes: &[u8]) {
        self.sent.extend(bytes);
        for frame in take_frames(&mut self.sent) {
            assert!(frame.payload.len() <= self.frame_size_max, "{frame:?}");
            if frame.kind == SETTINGS && frame.flags == ACK {
                let settings = self.unacknowledged.pop_front();
                self.on_settings(&settings.expect("an acknowledgement of something"));
            }
            if frame.kind != DATA {
                continue;
            }
            let length = frame.payload.len() as i64;
            self.connection -= length;
            let stream = self.streams.entry(frame.stream).or_default();
            *stream -= length;
            let window = self.initial + *stream;
            assert!(length == 0 || self.connection >= 0, "connection window broken: {frame:?}");
            assert!(length == 0 || window >= 0, "stream window broken: {frame:?}");
        }
    }

    /// The sender has read `bytes`.
    pub(super) fn on_received(&mut self, bytes: &[u8]) {
        self.received.extend(bytes);
        for frame in take_frames(&mut self.received) {
            match frame.kind {
                WINDOW_UPDATE => {
                    let increment = u32::from_be_bytes(frame.payload[..].try_into().unwrap());
                    let window = match frame.stream {
                        0 => &mut self.connection,
                        stream => self.streams.entry(stream).or_default(),
                    };
                    *window += i64::from(increment);
                }
                SETTINGS if frame.flags == 0 => self.unacknowledged.push_back(frame.payload),
                _ => {}
            }
        }
    }

    fn on_settings(&mut self, payload: &[u8]) {
        for entry in payload.chunks(6) {
            let value = u32::from_be_bytes(entry[2..].try_into().unwrap());
            match u16::from_be_bytes(entry[..2].try_into().unwrap()) {
                INITIAL_WINDOW_SIZE => self.initial = i64::from(value),
                MAX_FRAME_SIZE => self.frame_size_max = value as usize,
                _ => {}
            }
        }
    }
}

/// Takes the whole frames out of `bytes`, and the preface before them.
fn take_frames(bytes: &mut Vec<u8>) -> Vec<Frame> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut rest = bytes.as_slice();
    if rest.starts_with(b"PRI") {
        match rest.strip_prefix(PREFACE) {
            Some(frames) => rest = frames,
            None => return Vec::new(),
        }
    }
    let mut frames = Vec::new();
    while let Some((frame, length)) = Frame::parse(rest) {
        frames.push(frame);
        rest = &rest[length..];
    }
    let taken = bytes.len() - rest.len();
    bytes.drain(..taken);
    frames
}
