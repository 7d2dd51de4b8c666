//! SETTINGS: what we announce ([`Config`]) and what the peer has announced ([`PeerSettings`]).
//!
//! Invariant: a value of the peer is checked before it is stored (RFC 9113 6.5.2).

use std::time::Duration;

use super::error::Violation;
use super::frame::{FRAME_SIZE_MAX, FRAME_SIZE_MIN, SETTING_SIZE};
use super::lifetime::Lifetime;
use super::window::{WINDOW_INITIAL, WINDOW_MAX};
use crate::limits::http2 as limits;

/// How a connection is set up: the SETTINGS of RFC 9113 6.5.2 by their names, and what is asked of
/// it over time.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Bytes the peer may send on a stream before they are released.
    pub(crate) initial_window_size: u32,
    /// Bytes the peer may have on the way on the connection; at least 65,535.
    pub(crate) connection_window_size: u32,
    /// Streams the peer may have open. A client announces none: servers open no streams.
    pub(crate) max_concurrent_streams: u32,
    /// The longest frame that we take; 2^14 to 2^24-1.
    pub(crate) max_frame_size: u32,
    /// The header list beyond which a list is cut.
    pub(crate) max_header_list_size: u32,
    /// The dynamic table that the peer's encoder may use.
    pub(crate) header_table_size: u32,
    /// Keepalive, idleness, age; nothing by default.
    pub(crate) lifetime: Lifetime,
    /// Time for the preface and the first SETTINGS of the peer; no setting.
    pub(crate) preface_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            initial_window_size: limits::INITIAL_WINDOW_SIZE,
            connection_window_size: limits::CONNECTION_WINDOW_SIZE,
            max_concurrent_streams: limits::MAX_CONCURRENT_STREAMS,
            max_frame_size: limits::MAX_FRAME_SIZE,
            max_header_list_size: limits::MAX_HEADER_LIST_SIZE,
            header_table_size: limits::HEADER_TABLE_SIZE,
            lifetime: Lifetime::default(),
            preface_timeout: limits::PREFACE_TIMEOUT,
        }
    }
}

impl Config {
    /// The entries that a server sends.
    pub(crate) fn server_entries(&self) -> Vec<(u16, u32)> {
        let mut entries = vec![(id::MAX_CONCURRENT_STREAMS, self.max_concurrent_streams)];
        entries.extend(self.common_entries());
        entries
    }

    /// The entries that a client sends. RFC 9113 6.5.2: ENABLE_PUSH of 0 forbids PUSH_PROMISE.
    pub(crate) fn client_entries(&self) -> Vec<(u16, u32)> {
        let mut entries = vec![(id::ENABLE_PUSH, 0)];
        entries.extend(self.common_entries());
        entries
    }

    /// Whether the numbers that users choose, under the names of the builders, are such as HTTP/2
    /// allows.
    ///
    /// # Errors
    ///
    /// Which one is not, and what was expected.
    pub(crate) fn check_chosen(&self) -> Result<(), String> {
        if self.max_header_list_size == 0 {
            return Err("max_metadata_size is 0: expected at least 1".to_owned());
        }
        // RFC 9113 6.9.1; 6.9.2: the connection's window begins with WINDOW_INITIAL, and only grows.
        let window_max = (1 << 31) - 1;
        let sizes = [
            ("initial_stream_window_size", self.initial_window_size, 1, window_max),
            (
                "initial_connection_window_size",
                self.connection_window_size,
                WINDOW_INITIAL,
                window_max,
            ),
            ("max_frame_size", self.max_frame_size, FRAME_SIZE_MIN, FRAME_SIZE_MAX),
        ];
        match sizes.iter().find(|(_, size, min, max)| size < min || size > max) {
            Some((name, size, min, max)) => {
                Err(format!("{name} is {size}: expected {min} to {max} bytes"))
            }
            None => Ok(()),
        }
    }

    /// # Panics
    ///
    /// If a value is outside what RFC 9113 6.5.2 allows: a bug of the caller.
    pub(crate) fn check(&self) {
        assert!(i64::from(self.initial_window_size) <= WINDOW_MAX, "a window is below 2^31");
        assert!(i64::from(self.connection_window_size) <= WINDOW_MAX, "a window is below 2^31");
        assert!(
            (FRAME_SIZE_MIN..=FRAME_SIZE_MAX).contains(&self.max_frame_size),
            "a frame size is between 2^14 and 2^24-1"
        );
    }

    /// What a peer that has not seen our SETTINGS may send on a stream beyond our window.
    pub(crate) fn slack_before_ack(&self) -> u32 {
        WINDOW_INITIAL.saturating_sub(self.initial_window_size)
    }

    fn common_entries(&self) -> [(u16, u32); 4] {
        [
            (id::INITIAL_WINDOW_SIZE, self.initial_window_size),
            (id::MAX_FRAME_SIZE, self.max_frame_size),
            (id::MAX_HEADER_LIST_SIZE, self.max_header_list_size),
            (id::HEADER_TABLE_SIZE, self.header_table_size),
        ]
    }
}

/// The peer's settings that bind what we send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerSettings {
    pub(crate) header_table_size: u32,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) initial_window_size: u32,
    pub(crate) max_frame_size: u32,
    /// Advice, not a rule (RFC 9113 10.5.1).
    pub(crate) max_header_list_size: u32,
}

impl PeerSettings {
    /// What holds before the peer has said anything (RFC 9113 6.5.2), but for the streams: the
    /// RFC sets no limit, and a client that opens thousands would see most of them refused.
    pub(crate) const fn initial() -> Self {
        Self {
            header_table_size: 4096,
            max_concurrent_streams: limits::STREAMS_BEFORE_SETTINGS,
            initial_window_size: WINDOW_INITIAL,
            max_frame_size: FRAME_SIZE_MIN,
            max_header_list_size: u32::MAX,
        }
    }
}

/// The entries of a SETTINGS payload, whose length was checked with its head.
///
/// # Errors
///
/// If there are more than we take.
pub(crate) fn entries(payload: &[u8]) -> Result<impl Iterator<Item = (u16, u32)>, Violation> {
    if payload.len() > limits::SETTINGS_ENTRIES_MAX * SETTING_SIZE as usize {
        return Err(Violation::TooManySettings);
    }
    Ok(payload.chunks_exact(SETTING_SIZE as usize).map(|entry| {
        let identifier = u16::from_be_bytes([entry[0], entry[1]]);
        (identifier, u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]))
    }))
}

/// The identifiers of RFC 9113 6.5.2.
pub(crate) mod id {
    pub(crate) const HEADER_TABLE_SIZE: u16 = 0x1;
    pub(crate) const ENABLE_PUSH: u16 = 0x2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 0x5;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}
