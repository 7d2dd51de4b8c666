//! The streams of a call, as a caller holds them.
//!
//! Each is one direction of a call, or both; whichever is dropped while the call is under way
//! cancels it, so that a stream that was cut short never looks complete to the server.

mod bidirectional;
mod replies;
mod requests;

pub use bidirectional::BidiStream;
pub use replies::{ReplyReceiver, ReplyStream};
pub use requests::{RequestSender, RequestSink};
