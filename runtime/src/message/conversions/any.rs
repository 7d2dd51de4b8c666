//! `Any`: a message of any type, with the name of its type.

#[cfg(feature = "reflect")]
mod dynamic;

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::message::well_known::Any;
use crate::message::{DecodeError, EncodeError, Message, Writer};

/// Why an [`Any`] could not be unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnyError {
    /// It holds a message of another type.
    OtherType {
        /// The full name that was asked for.
        expected: &'static str,
        /// The type URL that it has.
        got: String,
    },
    /// It holds a message of a type that the pool does not know.
    UnknownType {
        /// The type URL that it has.
        got: String,
    },
    /// It says that it holds such a message, and its bytes are none.
    Invalid(DecodeError),
}

impl Display for AnyError {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType { expected, got } => {
                write!(formatter, "expected an Any with the type {expected}, got {got:?}")
            }
            Self::UnknownType { got } => {
                write!(formatter, "expected an Any with a type that the pool knows, got {got:?}")
            }
            Self::Invalid(error) => error.fmt(formatter),
        }
    }
}

impl Error for AnyError {}

impl Any {
    /// Packs `message`, under `type.googleapis.com/` and the name of its type.
    ///
    /// # Errors
    ///
    /// What [`Message::encode`] gives.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::{Any, Int32Value, StringValue};
    ///
    /// let any = Any::pack(&StringValue { value: "hello".into(), ..Default::default() })?;
    /// assert_eq!(any.type_url, "type.googleapis.com/google.protobuf.StringValue");
    /// assert!(any.is::<StringValue>() && !any.is::<Int32Value>());
    /// assert_eq!(any.unpack::<StringValue>()?.value, "hello");
    /// assert!(any.unpack::<Int32Value>().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn pack<M: Message>(message: &M) -> Result<Self, EncodeError> {
        let mut writer = Writer::new();
        message.encode(&mut writer)?;
        let type_url = format!("{TYPE_URL_PREFIX}{}", M::FULL_NAME);
        Ok(Self { type_url, value: writer.into_vec(), ..Self::default() })
    }

    /// Whether it holds an `M`.
    #[inline]
    pub fn is<M: Message>(&self) -> bool {
        self.type_name() == M::FULL_NAME
    }

    /// The full name of the type that it holds: what follows the last `/` of the type URL.
    #[inline]
    pub fn type_name(&self) -> &str {
        self.type_url.rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// The message that it holds.
    ///
    /// # Errors
    ///
    /// If it holds another type, or if its bytes are not a valid `M`.
    #[inline]
    pub fn unpack<M: Message>(&self) -> Result<M, AnyError> {
        if !self.is::<M>() {
            let got = self.type_url.clone();
            return Err(AnyError::OtherType { expected: M::FULL_NAME, got });
        }
        M::decode(&self.value).map_err(AnyError::Invalid)
    }
}

/// What stands before the name of a type by custom: any.proto.
const TYPE_URL_PREFIX: &str = "type.googleapis.com/";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::well_known::{Empty, StringValue};

    /// any.proto: the name of the type follows the last slash, and there has to be one.
    #[test]
    fn the_type_follows_the_last_slash() {
        let any = |url: &str| Any { type_url: url.into(), ..Default::default() };
        assert!(any("type.googleapis.com/google.protobuf.Empty").is::<Empty>());
        assert!(any("/google.protobuf.Empty").is::<Empty>());
        assert!(any("a/b/google.protobuf.Empty").is::<Empty>());
        assert!(!any("google.protobuf.Empty").is::<Empty>());
        assert!(!any("").is::<Empty>());
        assert!(!any("/google.protobuf.Empty/").is::<Empty>());
    }

    /// What cannot be unpacked says what was expected and what came.
    #[test]
    fn what_cannot_be_unpacked_is_told() {
        let mut any = Any::pack(&Empty::default()).unwrap();
        let error = any.unpack::<StringValue>().unwrap_err().to_string();
        let expected = "expected an Any with the type google.protobuf.StringValue, \
                        got \"type.googleapis.com/google.protobuf.Empty\"";
        assert_eq!(error, expected);
        any.value = vec![0x0a];
        assert!(matches!(any.unpack::<Empty>(), Err(AnyError::Invalid(_))));
    }
}
