//! What stands in for reflection without the feature `reflect`: of all that generated code says of its
//! types, the file that they are declared in.

/// Takes what the macro of the feature `reflect` takes.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect {
    (message $message:ident = $file:path, $($fields:tt)*) => {
        $crate::reflect_described! { $message = $file }
    };
    (enum $enumeration:ident = $file:path;) => {
        $crate::reflect_described! { $enumeration = $file }
    };
    (oneof $($members:tt)*) => {};
    (debug $($debug:tt)*) => {
        $crate::reflect_debug! { $($debug)* }
    };
}
