//! `Struct`, `Value` and `ListValue`: what JSON can say, from and to Rust values.

use std::collections::{BTreeMap, HashMap};

use crate::message::well_known::value::Kind;
use crate::message::well_known::{ListValue, NullValue, Struct, Value};

impl Value {
    /// JSON's `null`.
    pub fn null() -> Self {
        Kind::NullValue(NullValue::NullValue).into()
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Some(Kind::NullValue(_)))
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match &self.kind {
            Some(Kind::NumberValue(number)) => Some(*number),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Some(Kind::StringValue(text)) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Some(Kind::BoolValue(value)) => Some(*value),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_struct(&self) -> Option<&Struct> {
        match &self.kind {
            Some(Kind::StructValue(object)) => Some(object),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.kind {
            Some(Kind::ListValue(list)) => Some(&list.values),
            _ => None,
        }
    }
}

impl Struct {
    /// The value under `name`.
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
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.fields.insert(name.into(), value.into());
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

macro_rules! value_from {
    ($($from:ty, $value:ident => $kind:expr;)*) => {$(
        impl From<$from> for Value {
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
    fn from(object: Struct) -> Self {
        Kind::StructValue(object).into()
    }
}

impl From<ListValue> for Value {
    fn from(list: ListValue) -> Self {
        Kind::ListValue(list).into()
    }
}

impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or_else(Self::null, Into::into)
    }
}

impl<V: Into<Self>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        values.into_iter().collect()
    }
}

impl<V: Into<Self>> FromIterator<V> for Value {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        values.into_iter().collect::<ListValue>().into()
    }
}

impl<V: Into<Value>> FromIterator<V> for ListValue {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { values: values.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Struct {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { fields: fields.collect(), ..Self::default() }
    }
}

impl<K: Into<String>, V: Into<Value>> From<HashMap<K, V>> for Struct {
    fn from(fields: HashMap<K, V>) -> Self {
        fields.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>> From<BTreeMap<K, V>> for Struct {
    fn from(fields: BTreeMap<K, V>) -> Self {
        fields.into_iter().collect()
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
}
