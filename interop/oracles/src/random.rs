//! Random messages of any type, by reflection, the same for the same seed.

use rust_grpc::message::{FieldDescriptor, FieldKind, FieldMut, Reflect, Value};

/// The generator of G. Marsaglia's xorshift64, with a finalizer.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Sets some fields of the message; the outermost has the most.
    pub(crate) fn fill(&mut self, message: &mut dyn Reflect, depth: u32) {
        let file = message.descriptor().file().clone();
        let name = message.descriptor().full_name().to_owned();
        let descriptor = file.message_by_name(&name).expect("its own file declares it");
        let is_wide = depth > 0 && descriptor.fields().len() > 10;
        let one_in = if is_wide { 30 } else { 4 };
        for field in descriptor.fields() {
            if self.below(one_in) == 0 && (field.message().is_none() || depth < DEPTH_MAX) {
                self.set(field, message.field_mut(field.index()), depth);
            }
        }
    }

    fn set(&mut self, field: FieldDescriptor<'_>, target: FieldMut<'_>, depth: u32) {
        match target {
            FieldMut::Singular(mut slot) => match self.value(field) {
                Some(value) => slot.set(value).expect("the value is of the field's type"),
                None => {
                    self.fill(slot.message_mut().expect("the field is a message"), depth + 1);
                }
            },
            FieldMut::Repeated(list) => {
                for _ in 0..=self.below(4) {
                    match self.value(field) {
                        Some(value) => list.push(value).expect("the value is of the field's type"),
                        None => {
                            let message = list.push_message().expect("the elements are messages");
                            self.fill(message, depth + 1);
                        }
                    }
                }
            }
            FieldMut::Map(map) => {
                let (key, value) = field.map_entry().expect("the field is a map");
                for _ in 0..=self.below(4) {
                    let key = self.value(key).expect("keys are no messages");
                    match self.value(value) {
                        Some(value) => {
                            map.insert(key, value).expect("both are of the map's types");
                        }
                        None => {
                            let message = map.insert_message(key).expect("the key is of its type");
                            self.fill(message, depth + 1);
                        }
                    }
                }
            }
        }
    }

    /// A value that is no message.
    fn value(&mut self, field: FieldDescriptor<'_>) -> Option<Value> {
        Some(match field.kind() {
            FieldKind::Bool => Value::Bool(self.below(2) == 0),
            FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => {
                Value::I32(self.integer() as i32)
            }
            FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
                Value::I64(self.integer().cast_signed())
            }
            FieldKind::Uint32 | FieldKind::Fixed32 => Value::U32(self.integer() as u32),
            FieldKind::Uint64 | FieldKind::Fixed64 => Value::U64(self.integer()),
            // prost takes -0.0 for the default and does not write it.
            FieldKind::Float => Value::F32(match f32::from_bits(self.next() as u32) {
                float if self.below(3) == 0 && float != 0.0 => float,
                _ => [0.0, 1.5, f32::NAN, f32::INFINITY, f32::MIN][self.below(5) as usize],
            }),
            FieldKind::Double => Value::F64(match f64::from_bits(self.next()) {
                float if self.below(3) == 0 && float != 0.0 => float,
                _ => [0.0, 1.5, f64::NAN, f64::INFINITY, f64::MIN][self.below(5) as usize],
            }),
            FieldKind::String if field.is_utf8() => Value::String(self.text()),
            FieldKind::String => Value::ByteString(self.text().into()),
            FieldKind::Bytes => {
                let length = [0, 1, 2, 20, 200][self.below(5) as usize];
                Value::Bytes((0..length).map(|_| self.next() as u8).collect())
            }
            FieldKind::Enum => {
                let of = field.enumeration().expect("the field is of an enum");
                let at = self.below(of.values().len() as u64) as usize;
                let known = of.values().nth(at).expect("it is one of them").number();
                let is_any = !of.is_closed() && self.below(5) == 0;
                Value::Enum(if is_any { self.integer() as i32 } else { known })
            }
            FieldKind::Message | FieldKind::Group => return None,
        })
    }

    /// A number whose length is as random as its digits.
    fn integer(&mut self) -> u64 {
        let number = self.next() >> self.below(64);
        if self.below(3) == 0 { number.wrapping_neg() } else { number }
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 12] =
            ['a', 'Z', '0', ' ', '\0', '"', '\\', '\n', 'é', '€', '😀', '\u{fffd}'];
        let length = [0, 1, 2, 20, 200][self.below(5) as usize];
        (0..length).map(|_| LETTERS[self.below(12) as usize]).collect()
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Messages in one another.
const DEPTH_MAX: u32 = 3;
