//! `Struct`, `Value` and `ListValue`: what JSON can say, from and to Rust values.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::message::well_known::value::Kind;
use crate::message::well_known::{ListValue, NullValue, Struct, Value};

/// A [`Value`] of another kind than the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueKindError {
    expected: &'static str,
    got: &'static str,
}

impl Display for ValueKindError {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {}, got {}", self.expected, self.got)
    }
}

impl Error for ValueKindError {}

impl Value {
    /// JSON's `null`.
    #[inline]
    pub fn null() -> Self {
        Kind::NullValue(NullValue::NullValue).into()
    }

    /// Whether it is `null`.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Some(Kind::NullValue(_)))
    }

    /// The number, if it is one.
    #[inline]
    pub fn as_f64(&self) -> Option<f64> {
        match &self.kind {
            Some(Kind::NumberValue(number)) => Some(*number),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Some(Kind::StringValue(text)) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    #[inline]
    pub fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Some(Kind::BoolValue(value)) => Some(*value),
            _ => None,
        }
    }

    /// What it is, for errors.
    #[inline]
    fn kind_name(&self) -> &'static str {
        match &self.kind {
            Some(Kind::NullValue(_)) => "null",
            Some(Kind::NumberValue(_)) => "a number",
            Some(Kind::StringValue(_)) => "a string",
            Some(Kind::BoolValue(_)) => "a boolean",
            Some(Kind::StructValue(_)) => "an object",
            Some(Kind::ListValue(_)) => "a list",
            None => "a value without a kind",
        }
    }

    /// The object, if it is one.
    #[inline]
    pub fn as_struct(&self) -> Option<&Struct> {
        match &self.kind {
            Some(Kind::StructValue(object)) => Some(object),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[inline]
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.kind {
            Some(Kind::ListValue(list)) => Some(&list.values),
            _ => None,
        }
    }
}

impl Struct {
    /// The value under `name`.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Puts `value` under `name`, in the place of what is there.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::{Struct, Value};
    ///
    /// let mut object = Struct::from_iter([("name", Value::from("Ada")), ("age", 36.0.into())]);
    /// object.insert("tags", ["first", "programmer"].into_iter().collect::<Value>());
    /// assert_eq!(object.get("age").and_then(Value::as_f64), Some(36.0));
    /// ```
    #[inline]
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.fields.insert(name.into(), value.into());
    }
}

impl From<Kind> for Value {
    #[inline]
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

macro_rules! value_from {
    ($($from:ty, $value:ident => $kind:expr;)*) => {$(
        impl From<$from> for Value {
            #[inline]
            fn from($value: $from) -> Self {
                $kind.into()
            }
        }
    )*};
}

value_from! {
    bool, value => Kind::BoolValue(value);
    f64, value => Kind::NumberValue(value);
    f32, value => Kind::NumberValue(value.into());
    i32, value => Kind::NumberValue(value.into());
    u32, value => Kind::NumberValue(value.into());
    &str, value => Kind::StringValue(value.into());
    String, value => Kind::StringValue(value);
    (), _value => Kind::NullValue(NullValue::NullValue);
}

impl From<Struct> for Value {
    #[inline]
    fn from(object: Struct) -> Self {
        Kind::StructValue(object).into()
    }
}

impl From<ListValue> for Value {
    #[inline]
    fn from(list: ListValue) -> Self {
        Kind::ListValue(list).into()
    }
}

impl<V: Into<Self>> From<Option<V>> for Value {
    #[inline]
    fn from(value: Option<V>) -> Self {
        value.map_or_else(Self::null, Into::into)
    }
}

impl<V: Into<Self>> From<Vec<V>> for Value {
    #[inline]
    fn from(values: Vec<V>) -> Self {
        values.into_iter().collect()
    }
}

impl<V: Into<Self>> FromIterator<V> for Value {
    #[inline]
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        values.into_iter().collect::<ListValue>().into()
    }
}

impl<V: Into<Value>> FromIterator<V> for ListValue {
    #[inline]
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { values: values.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Struct {
    #[inline]
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { fields: fields.collect(), ..Self::default() }
    }
}

impl<K: Into<String>, V: Into<Value>> From<HashMap<K, V>> for Struct {
    #[inline]
    fn from(fields: HashMap<K, V>) -> Self {
        fields.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>> From<BTreeMap<K, V>> for Struct {
    #[inline]
    fn from(fields: BTreeMap<K, V>) -> Self {
        fields.into_iter().collect()
    }
}

/// Conversions out of a value: an error if it is of another kind.
macro_rules! value_into {
    ($($into:ty, $expected:literal, $kind:ident($value:ident) => $converted:expr;)*) => {$(
        /// # Errors
        ///
        /// A value of another kind.
        impl TryFrom<Value> for $into {
            type Error = ValueKindError;

            #[inline]
            fn try_from(value: Value) -> Result<Self, ValueKindError> {
                match value.kind {
                    Some(Kind::$kind($value)) => Ok($converted),
                    _ => Err(ValueKindError { expected: $expected, got: value.kind_name() }),
                }
            }
        }
    )*};
}

value_into! {
    bool, "a boolean", BoolValue(value) => value;
    f64, "a number", NumberValue(value) => value;
    String, "a string", StringValue(value) => value;
    Struct, "an object", StructValue(value) => value;
    ListValue, "a list", ListValue(value) => value;
    HashMap<String, Value>, "an object", StructValue(value) => value.into();
    BTreeMap<String, Value>, "an object", StructValue(value) => value.into();
    Vec<Value>, "a list", ListValue(value) => value.values;
}

/// Integers out of a value: an error if it is no number, or none of the type.
macro_rules! value_into_integer {
    ($($into:ty, $expected:literal;)*) => {$(
        /// # Errors
        ///
        /// A value of another kind, a number with a fraction or one beyond the type.
        impl TryFrom<Value> for $into {
            type Error = ValueKindError;

            #[inline]
            fn try_from(value: Value) -> Result<Self, ValueKindError> {
                let Some(number) = value.as_f64() else {
                    return Err(ValueKindError { expected: $expected, got: value.kind_name() });
                };
                // Every number of the type is a double.
                let integer = number as Self;
                if f64::from(integer) == number {
                    Ok(integer)
                } else {
                    Err(ValueKindError { expected: $expected, got: "a number with a fraction or out of range" })
                }
            }
        }
    )*};
}

value_into_integer! {
    i32, "an integer of 32 bits";
    u32, "an integer of 32 bits from 0";
}

/// Conversions into an `Option`: `None` is null.
macro_rules! value_into_option {
    ($($into:ty),*) => {$(
        /// # Errors
        ///
        /// A value that is neither null nor what the `Option` holds.
        impl TryFrom<Value> for Option<$into> {
            type Error = ValueKindError;

            #[inline]
            fn try_from(value: Value) -> Result<Self, ValueKindError> {
                if value.is_null() { Ok(None) } else { value.try_into().map(Some) }
            }
        }
    )*};
}

value_into_option!(bool, f64, i32, u32, String, Struct, ListValue);

impl From<Struct> for HashMap<String, Value> {
    #[inline]
    fn from(object: Struct) -> Self {
        object.fields
    }
}

impl From<Struct> for BTreeMap<String, Value> {
    #[inline]
    fn from(object: Struct) -> Self {
        object.fields.into_iter().collect()
    }
}

impl From<ListValue> for Vec<Value> {
    #[inline]
    fn from(list: ListValue) -> Self {
        list.values
    }
}

impl<V: Into<Value>> From<Vec<V>> for ListValue {
    #[inline]
    fn from(values: Vec<V>) -> Self {
        values.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Self>> From<HashMap<K, V>> for Value {
    #[inline]
    fn from(fields: HashMap<K, V>) -> Self {
        Struct::from(fields).into()
    }
}

impl<K: Into<String>, V: Into<Self>> From<BTreeMap<K, V>> for Value {
    #[inline]
    fn from(fields: BTreeMap<K, V>) -> Self {
        Struct::from(fields).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    /// Whatever Rust can say as JSON becomes a value, and reads back as what it was.
    #[test]
    fn rust_values_become_values_and_back() {
        assert_eq!(Value::from(1.5).as_f64(), Some(1.5));
        assert_eq!(Value::from(-7).as_f64(), Some(-7.0));
        assert_eq!(Value::from("x").as_str(), Some("x"));
        assert_eq!(Value::from(true).as_bool(), Some(true));
        assert!(Value::from(None::<bool>).is_null() && Value::from(()).is_null());
        assert!(!Value::default().is_null(), "a value that says nothing is not null");
        let list = Value::from(vec![Some(1), None]);
        assert_eq!(list.as_list().unwrap().len(), 2);
        let object = Struct::from(HashMap::from([("a", list)]));
        let value = Value::from(object.clone());
        assert_eq!(value.as_struct(), Some(&object));
        assert_eq!(value.as_f64().is_none(), value.as_str().is_none());
        assert_eq!(Value::decode(&value.encode_to_vec()), Ok(value));
    }

    /// Out of a value comes what went in; another kind is an error that says which.
    #[test]
    fn values_become_rust_values() {
        assert_eq!(bool::try_from(Value::from(true)), Ok(true));
        assert_eq!(f64::try_from(Value::from(2)), Ok(2.0));
        assert_eq!(String::try_from(Value::from("x")).as_deref(), Ok("x"));
        let map = BTreeMap::from([("a".to_owned(), Value::from(1))]);
        assert_eq!(BTreeMap::try_from(Value::from(map.clone())), Ok(map.clone()));
        assert_eq!(BTreeMap::from(Struct::from(map)).len(), 1);
        let list = vec![Value::from("x"), Value::null()];
        assert_eq!(Vec::try_from(Value::from(list.clone())), Ok(list.clone()));
        assert_eq!(Vec::from(ListValue::from(list.clone())), list);
        assert_eq!(ListValue::try_from(Value::from(list.clone())), Ok(list.into()));
        let hash = HashMap::try_from(Value::from(Struct::from_iter([("a", 1)])));
        assert_eq!(hash.unwrap()["a"], Value::from(1));
        for (number, as_i32, as_u32) in [
            (0.0, Some(0), Some(0)),
            (-1.0, Some(-1), None),
            (2147483647.0, Some(i32::MAX), Some(2147483647)),
            (2147483648.0, None, Some(2147483648)),
            (4294967296.0, None, None),
            (-2147483649.0, None, None),
            (1.5, None, None),
            (f64::NAN, None, None),
        ] {
            let value = Value::from(number);
            assert_eq!(i32::try_from(value.clone()).ok(), as_i32, "{number}");
            assert_eq!(u32::try_from(value).ok(), as_u32, "{number}");
        }
        assert_eq!(
            i32::try_from(Value::from(1.5)).unwrap_err().to_string(),
            "expected an integer of 32 bits, got a number with a fraction or out of range"
        );
        assert_eq!(Option::<f64>::try_from(Value::null()), Ok(None));
        assert_eq!(Option::<i32>::try_from(Value::from(2)), Ok(Some(2)));
        assert_eq!(Option::<String>::try_from(Value::from("x")), Ok(Some("x".to_owned())));
        assert!(Option::<f64>::try_from(Value::from("x")).is_err());
        assert!(Option::<f64>::try_from(Value::default()).is_err(), "it says nothing");
        for (value, got) in [
            (Value::null(), "null"),
            (Value::from(1), "a number"),
            (Value::from("1"), "a string"),
            (Value::from(Struct::default()), "an object"),
            (Value::from(ListValue::default()), "a list"),
            (Value::default(), "a value without a kind"),
        ] {
            let error = bool::try_from(value).unwrap_err().to_string();
            assert_eq!(error, format!("expected a boolean, got {got}"));
        }
        assert!(Struct::try_from(Value::from(true)).is_err());
    }
}
