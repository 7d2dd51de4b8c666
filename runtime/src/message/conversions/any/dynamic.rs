//! `Any` with a message whose type is known only at run time.

use super::{AnyError, TYPE_URL_PREFIX};
use crate::message::well_known::Any;
use crate::message::{DescriptorPool, DynamicMessage, EncodeError, Reflect as _};

impl Any {
    /// Packs a message whose type is known only at run time.
    ///
    /// # Errors
    ///
    /// What [`DynamicMessage::encode_to_vec`] gives.
    #[inline]
    pub fn pack_dynamic(message: &DynamicMessage) -> Result<Self, EncodeError> {
        let value = message.encode_to_vec()?;
        let type_url = format!("{TYPE_URL_PREFIX}{}", message.descriptor().full_name());
        Ok(Self { type_url, value, ..Self::default() })
    }

    /// The message that it holds, of whatever type that `pool` knows.
    ///
    /// # Errors
    ///
    /// If the pool does not know the type, or if its bytes are no such message.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::{DescriptorPool, Reflect};
    /// use rust_grpc::well_known::{Any, Duration};
    ///
    /// let pool = DescriptorPool::of::<Duration>();
    /// let any = Any::pack(&Duration { seconds: 3, ..Default::default() })?;
    /// let message = any.unpack_dynamic(&pool)?;
    /// assert_eq!(message.descriptor().full_name(), "google.protobuf.Duration");
    /// assert_eq!(Any::pack_dynamic(&message)?, any);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn unpack_dynamic(&self, pool: &DescriptorPool) -> Result<DynamicMessage, AnyError> {
        match pool.message(self.type_name()) {
            Some(descriptor) => {
                DynamicMessage::decode(descriptor, &self.value).map_err(AnyError::Invalid)
            }
            None => Err(AnyError::UnknownType { got: self.type_url.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::well_known::StringValue;

    /// Through a pool an Any is a message of any type that the pool knows.
    #[test]
    fn a_pool_unpacks_what_it_knows() {
        let mut any = Any::pack(&StringValue::from("x")).unwrap();
        let pool = DescriptorPool::of::<StringValue>();
        assert_eq!(any.unpack_dynamic(&pool).unwrap().encode_to_vec().unwrap(), any.value);
        let error = any.unpack_dynamic(&DescriptorPool::new()).unwrap_err().to_string();
        let expected = "expected an Any with a type that the pool knows, \
                        got \"type.googleapis.com/google.protobuf.StringValue\"";
        assert_eq!(error, expected);
        any.value = vec![0x0a];
        assert!(matches!(any.unpack_dynamic(&pool), Err(AnyError::Invalid(_))));
    }
}
