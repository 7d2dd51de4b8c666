//! Which formats besides the binary one a message type has.
//!
//! Generated types have them by the options of the generator, `json=on|off` and `text=on|off`; both
//! are on by default.

use super::reflect::generated::Fields;
use super::{Message, Reflect};

/// A message that can be printed as JSON and parsed from it.
pub trait Json: Message + Reflect {}

/// A message that can be printed in the text format and parsed from it.
pub trait Text: Message + Reflect {}

impl<M: Json + Fields> Json for Box<M> {}

impl<M: Text + Fields> Text for Box<M> {}
