//! Clearing a message for the next one, with what it has allocated.

/// Implements [`Message::clear`](crate::Message::clear): behind the semicolon the fields that have
/// nothing worth keeping.
#[doc(hidden)]
#[macro_export]
macro_rules! clear {
    ($($kept:ident),*; $($reset:ident),* $(;)?) => {
        #[inline]
        fn clear(&mut self) {
            $(self.$kept.clear();)*
            $(self.$reset = ::core::default::Default::default();)*
        }
    };
}
