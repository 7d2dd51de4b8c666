//! `Struct`, `Value` and `ListValue` from and to `serde_json`'s own types, with the feature
//! `serde_json`.
//!
//! Numbers are doubles, as struct.proto has them: an integer beyond 2^53 is rounded on the way in.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use ::serde_json::{Map, Number, Value as Json};

use super::ValueKindError;
use crate::message::well_known::value::Kind;
use crate::message::well_known::{ListValue, Struct, Value};

/// A [`Value`] that is no JSON: it has no kind, or is a number that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoJsonError {
    /// `None`: it has no kind.
    number: Option<f64>,
}

impl Display for NoJsonError {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let expected = "expected a kind of google.protobuf.Value that JSON has";
        match self.number {
            Some(number) => write!(formatter, "{expected}, got {number}"),
            None => write!(formatter, "{expected}, got none that is set"),
        }
    }
}

impl Error for NoJsonError {}

impl From<Json> for Value {
    #[inline]
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::null(),
            Json::Bool(value) => value.into(),
            Json::Number(number) => double(&number).into(),
            Json::String(text) => text.into(),
            Json::Array(elements) => ListValue::from(elements).into(),
            Json::Object(members) => Struct::from(members).into(),
        }
    }
}

impl From<Map<String, Json>> for Struct {
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::{Struct, Value};
    ///
    /// let json = serde_json::json!({"name": "Ada", "tags": ["first", null]});
    /// let value = Value::from(json.clone());
    /// assert_eq!(value.as_struct().and_then(|it| it.get("name")?.as_str()), Some("Ada"));
    /// assert_eq!(serde_json::Value::try_from(value), Ok(json));
    /// ```
    #[inline]
    fn from(members: Map<String, Json>) -> Self {
        members.into_iter().collect()
    }
}

impl TryFrom<Json> for Struct {
    type Error = ValueKindError;

    /// # Errors
    ///
    /// JSON that is no object.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::Struct;
    ///
    /// let object = Struct::try_from(serde_json::json!({"name": "Ada"}))?;
    /// assert_eq!(object.get("name").and_then(|name| name.as_str()), Some("Ada"));
    /// assert!(Struct::try_from(serde_json::json!([1])).is_err());
    /// # Ok::<(), rust_grpc::message::ValueKindError>(())
    /// ```
    #[inline]
    fn try_from(json: Json) -> Result<Self, ValueKindError> {
        Value::from(json).try_into()
    }
}

impl TryFrom<Json> for ListValue {
    type Error = ValueKindError;

    /// # Errors
    ///
    /// JSON that is no array.
    #[inline]
    fn try_from(json: Json) -> Result<Self, ValueKindError> {
        Value::from(json).try_into()
    }
}

impl TryFrom<Value> for Json {
    type Error = NoJsonError;

    #[inline]
    fn try_from(value: Value) -> Result<Self, NoJsonError> {
        Ok(match value.kind.ok_or(NoJsonError { number: None })? {
            Kind::NullValue(_) => Self::Null,
            Kind::BoolValue(value) => Self::Bool(value),
            Kind::NumberValue(value) => Self::Number(number(value)?),
            Kind::StringValue(text) => Self::String(text),
            Kind::ListValue(list) => Self::Array(list.try_into()?),
            Kind::StructValue(object) => Self::Object(object.try_into()?),
        })
    }
}

impl TryFrom<ListValue> for Vec<Json> {
    type Error = NoJsonError;

    #[inline]
    fn try_from(list: ListValue) -> Result<Self, NoJsonError> {
        list.values.into_iter().map(Json::try_from).collect()
    }
}

impl TryFrom<Struct> for Map<String, Json> {
    type Error = NoJsonError;

    #[inline]
    fn try_from(object: Struct) -> Result<Self, NoJsonError> {
        object.fields.into_iter().map(|(name, value)| Ok((name, value.try_into()?))).collect()
    }
}

/// The nearest double; infinite if the number is beyond all of them, which serde_json lets be with
/// its feature `arbitrary_precision` alone.
#[inline]
fn double(number: &Number) -> f64 {
    number.as_f64().unwrap_or_else(|| number.to_string().parse().unwrap_or(f64::NAN))
}

/// The number; an integer where it is one, so that 1 stays 1.
#[inline]
fn number(value: f64) -> Result<Number, NoJsonError> {
    let is_integer = value.fract() == 0.0 && value.abs() <= INTEGER_MAX;
    if is_integer && value.to_bits() != (-0.0_f64).to_bits() {
        return Ok(Number::from(value as i64));
    }
    Number::from_f64(value).ok_or(NoJsonError { number: Some(value) })
}

/// 2^53: up to here every integer is a double.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use ::serde_json::json;

    use super::*;

    /// struct.proto: a value is any JSON, and reads back as it was.
    #[test]
    fn json_becomes_values_and_back() {
        for json in [
            json!(null),
            json!(true),
            json!(1),
            json!(-1.5),
            json!(9_007_199_254_740_992_i64),
            json!(1e300),
            json!("x"),
            json!([]),
            json!({"a": [1, {"b": null}], "": {}}),
        ] {
            assert_eq!(Json::try_from(Value::from(json.clone())), Ok(json));
        }
        assert_eq!(Value::from(json!(u64::MAX)).as_f64(), Some(18_446_744_073_709_551_616.0));
        let minus_zero = Json::try_from(Value::from(-0.0)).unwrap();
        assert_eq!(minus_zero.to_string(), "-0.0");
    }

    /// struct.proto: a value without a kind and a number that is not finite are no JSON.
    #[test]
    fn what_is_no_json_is_refused() {
        let error = Json::try_from(Value::default()).unwrap_err().to_string();
        let expected = "expected a kind of google.protobuf.Value that JSON has";
        assert_eq!(error, format!("{expected}, got none that is set"));
        let list: Value = [Value::from(f64::NAN)].into_iter().collect();
        let error = Json::try_from(list).unwrap_err().to_string();
        assert_eq!(error, format!("{expected}, got NaN"));
        assert!(Map::try_from(Struct::from_iter([("a", Value::default())])).is_err());
    }
}
