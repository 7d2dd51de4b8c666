//! The wrappers: messages that hold one value, from the time when scalars had no presence.

use crate::message::MessageField;
use crate::message::well_known::{
    BoolValue, BytesValue, DoubleValue, Empty, FloatValue, Int32Value, Int64Value, StringValue,
    UInt32Value, UInt64Value,
};

macro_rules! wrapper {
    ($($wrapper:ident $value:ty,)*) => {$(
        impl From<$value> for $wrapper {
            #[inline]
            fn from(value: $value) -> Self {
                Self { value, ..Self::default() }
            }
        }

        impl From<$wrapper> for $value {
            #[inline]
            fn from(wrapper: $wrapper) -> Self {
                wrapper.value
            }
        }

        impl From<$value> for MessageField<$wrapper> {
            #[inline]
            fn from(value: $value) -> Self {
                Self::some(value.into())
            }
        }

        impl From<Option<$value>> for MessageField<$wrapper> {
            #[inline]
            fn from(value: Option<$value>) -> Self {
                value.map($wrapper::from).into()
            }
        }

        impl From<MessageField<$wrapper>> for Option<$value> {
            #[inline]
            fn from(field: MessageField<$wrapper>) -> Self {
                field.into_option().map(|wrapper| wrapper.value)
            }
        }
    )*};
}

wrapper! {
    BoolValue bool,
    BytesValue Vec<u8>,
    DoubleValue f64,
    FloatValue f32,
    Int32Value i32,
    Int64Value i64,
    StringValue String,
    UInt32Value u32,
    UInt64Value u64,
}

impl From<&str> for StringValue {
    #[inline]
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl From<()> for Empty {
    #[inline]
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<Empty> for () {
    #[inline]
    fn from(_: Empty) -> Self {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrapper is its value, and a field of one an option of it.
    #[test]
    fn wrappers_are_options() {
        let field: MessageField<Int32Value> = Some(0).into();
        assert!(field.is_some());
        assert_eq!(Option::<i32>::from(field), Some(0));
        let unset: MessageField<StringValue> = None::<String>.into();
        assert_eq!(Option::<String>::from(unset), None);
        assert!(bool::from(BoolValue::from(true)));
        assert_eq!(StringValue::from("x").value, "x");
    }
}
