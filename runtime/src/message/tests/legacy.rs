//! Messages of proto2 in the shape that the generator writes, `crate` in place of `::rust_grpc`.
//!
//! ```proto
//! syntax = "proto2"; package legacy;
//! enum State { NEW = 1; DONE = 2; LOST = -1; }
//! message Part { optional int32 x = 1; optional group Part inner = 2; }
//! message Order { optional State state = 1; repeated State states = 2;
//!   repeated State packed_states = 3 [packed = true]; map<int32, State> by_id = 4;
//!   oneof choice { State chosen = 5; group Part part = 6; string text = 7; Point point = 8; }
//!   optional group Part detail = 9; repeated group Part line = 10; optional string note = 11;
//!   extensions 100 to max; }
//! message Strict { required int32 id = 1; optional Strict inner = 2; repeated Strict more = 3;
//!   map<string, Strict> named = 4; oneof choice { Strict chosen = 5; }
//!   optional group Strict grouped = 6; }
//! message Set { option message_set_wire_format = true; extensions 4 to max; }
//! ```

#![allow(clippy::use_self, reason = "generated code writes names out")]

use std::collections::{BTreeMap, HashMap};

use super::samples::Point;
use crate::generated::message::{FieldWriter, Reader};
use crate::{
    ByteString, DecodeError, Enumeration, Extendable, Message, MessageField, MissingField,
    UnknownFields,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
#[repr(i32)]
pub(super) enum State {
    #[default]
    New = 1,
    Done = 2,
    Lost = -1,
}

impl Enumeration for State {
    const FULL_NAME: &'static str = "legacy.State";
    const NAMES: &'static [(&'static str, i32)] = &[("NEW", 1), ("DONE", 2), ("LOST", -1)];

    fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(State::New),
            2 => Some(State::Done),
            -1 => Some(State::Lost),
            _ => None,
        }
    }

    fn number(self) -> i32 {
        self as i32
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Part {
    pub(super) x: Option<i32>,
    pub(super) inner: MessageField<Box<Part>>,
    pub(super) unknown: UnknownFields,
}

impl Message for Part {
    const FULL_NAME: &'static str = "legacy.Part";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        use crate::generated::message::*;
        writer.unknown(&self.unknown);
        writer.delimited(2, &self.inner);
        writer.optional::<Int32>(1, &self.x);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        use crate::generated::message::*;
        while let Some(tag) = reader.next_tag()? {
            let read = match tag {
                8 => reader.optional::<Int32>(&mut self.x),
                19 => reader.delimited(&mut self.inner),
                tag => reader.unknown(tag, &mut self.unknown),
            };
            read?;
        }
        Ok(())
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Order {
    pub(super) state: Option<State>,
    pub(super) states: Vec<State>,
    pub(super) packed_states: Vec<State>,
    pub(super) by_id: BTreeMap<i32, State>,
    pub(super) choice: Option<Choice>,
    pub(super) detail: MessageField<Part>,
    pub(super) line: Vec<Part>,
    pub(super) note: Option<ByteString>,
    pub(super) unknown: UnknownFields,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Choice {
    Chosen(State),
    Part(Box<Part>),
    Text(ByteString),
    Point(Point),
}

impl Message for Order {
    const FULL_NAME: &'static str = "legacy.Order";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        use crate::generated::message::*;
        writer.unknown(&self.unknown);
        writer.optional::<ByteStr>(11, &self.note);
        writer.repeated::<Delimited<_>>(10, &self.line);
        writer.delimited(9, &self.detail);
        match &self.choice {
            Some(Choice::Chosen(value)) => writer.singular::<Enum<_>>(5, value),
            Some(Choice::Part(value)) => writer.singular::<Delimited<_>>(6, value),
            Some(Choice::Text(value)) => writer.singular::<ByteStr>(7, value),
            Some(Choice::Point(value)) => writer.singular::<Nested<_>>(8, value),
            None => {}
        }
        writer.map::<Int32, Enum<_>>(4, &self.by_id);
        writer.packed::<Enum<_>>(3, &self.packed_states);
        writer.repeated::<Enum<_>>(2, &self.states);
        writer.optional::<Enum<_>>(1, &self.state);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        use crate::generated::message::*;
        while let Some(tag) = reader.next_tag()? {
            let read = match tag {
                8 => reader.closed(&mut self.state, &mut self.unknown),
                16 => reader.closed_repeated(&mut self.states, &mut self.unknown),
                18 => reader.closed_packed(&mut self.states, &mut self.unknown),
                24 => reader.closed_repeated(&mut self.packed_states, &mut self.unknown),
                26 => reader.closed_packed(&mut self.packed_states, &mut self.unknown),
                34 => reader.closed_map::<Int32, _>(&mut self.by_id, &mut self.unknown),
                40 => closed_member!(reader, self.choice, Choice::Chosen, unknown),
                51 => merge_member!(reader, self.choice, Choice::Part, Delimited),
                58 => reader.oneof::<ByteStr, _>(&mut self.choice, Choice::Text),
                66 => merge_member!(reader, self.choice, Choice::Point, Nested),
                75 => reader.delimited(&mut self.detail),
                83 => reader.repeated::<Delimited<_>>(&mut self.line),
                90 => reader.optional::<ByteStr>(&mut self.note),
                tag => reader.unknown(tag, &mut self.unknown),
            };
            read?;
        }
        Ok(())
    }
}

impl Extendable for Order {
    fn extension_fields(&self) -> &UnknownFields {
        &self.unknown
    }

    fn extension_fields_mut(&mut self) -> &mut UnknownFields {
        &mut self.unknown
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Strict {
    pub(super) id: Option<i32>,
    pub(super) inner: MessageField<Box<Strict>>,
    pub(super) more: Vec<Strict>,
    pub(super) named: HashMap<String, Strict>,
    pub(super) choice: Option<Box<Strict>>,
    pub(super) grouped: MessageField<Box<Strict>>,
    pub(super) unknown: UnknownFields,
}

impl Message for Strict {
    const FULL_NAME: &'static str = "legacy.Strict";
    const CHECKS_REQUIRED: bool = true;

    fn check_required(&self) -> Result<(), MissingField> {
        use crate::generated::message::*;
        require(self.id.is_some(), "id")?;
        check_field(&self.inner, "inner")?;
        check_each(&self.more, "more")?;
        check_each(self.named.values(), "named")?;
        check_each(&self.choice, "chosen")?;
        check_field(&self.grouped, "grouped")?;
        Ok(())
    }

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        use crate::generated::message::*;
        writer.unknown(&self.unknown);
        writer.delimited(6, &self.grouped);
        writer.optional::<Nested<_>>(5, &self.choice);
        writer.map::<Str, Nested<_>>(4, &self.named);
        writer.repeated::<Nested<_>>(3, &self.more);
        writer.field(2, &self.inner);
        writer.optional::<Int32>(1, &self.id);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        use crate::generated::message::*;
        while let Some(tag) = reader.next_tag()? {
            let read = match tag {
                8 => reader.optional::<Int32>(&mut self.id),
                18 => reader.field(&mut self.inner),
                26 => reader.repeated::<Nested<_>>(&mut self.more),
                34 => reader.map::<Str, Nested<_>>(&mut self.named),
                42 => reader.optional::<Nested<_>>(&mut self.choice),
                51 => reader.delimited(&mut self.grouped),
                tag => reader.unknown(tag, &mut self.unknown),
            };
            read?;
        }
        Ok(())
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Set {
    pub(super) unknown: UnknownFields,
}

impl Message for Set {
    const FULL_NAME: &'static str = "legacy.Set";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        writer.unknown(&self.unknown);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        while let Some(tag) = reader.next_tag()? {
            reader.unknown(tag, &mut self.unknown)?;
        }
        Ok(())
    }
}

impl Extendable for Set {
    fn extension_fields(&self) -> &UnknownFields {
        &self.unknown
    }

    fn extension_fields_mut(&mut self) -> &mut UnknownFields {
        &mut self.unknown
    }
}
