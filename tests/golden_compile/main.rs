//! Every golden file compiles without a warning, as a user would include it.
//!
//! What the code does when it runs is in `messages.rs` and `services.rs`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![deny(warnings)]

// The places that the cases `extern_path`, `proto2_extern` and `runtime_path` refer to.
extern crate self as elsewhere;
extern crate self as renamed;
pub use rust_grpc as runtime;

#[path = "../../golden/attributes/mod.rs"]
mod attributes;
#[path = "../../golden/clash_messages/mod.rs"]
mod clash_messages;
#[path = "../../golden/clash_package/mod.rs"]
mod clash_package;
#[path = "../../golden/directories/mod.rs"]
mod directories;
#[path = "../../golden/enums/mod.rs"]
mod enums;
#[path = "../../golden/extern_path/mod.rs"]
mod extern_path;
#[path = "../../golden/imports/mod.rs"]
#[allow(clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(dead_code, missing_docs, unreachable_pub, unused_qualifications)]
mod imports;
#[path = "../../golden/maps/mod.rs"]
mod maps;
#[path = "../../golden/messages_only/mod.rs"]
mod messages_only;
#[path = "../../golden/mod_file/mod.rs"]
mod mod_file;
#[path = "../../golden/nested/mod.rs"]
mod nested;
#[path = "../../golden/oneofs/mod.rs"]
mod oneofs;
#[path = "../../golden/optional/mod.rs"]
mod optional;
#[path = "../../golden/packed/mod.rs"]
mod packed;
#[path = "../../golden/proto2_extern/mod.rs"]
mod proto2_extern;
#[path = "../../golden/proto2_import/mod.rs"]
mod proto2_import;
#[path = "../../golden/public_imports/mod.rs"]
mod public_imports;
#[path = "../../golden/recursion/mod.rs"]
mod recursion;
#[path = "../../golden/reserved/mod.rs"]
mod reserved;
#[path = "../../golden/scalars/mod.rs"]
mod scalars;

#[cfg(feature = "vendored-protoc")]
mod messages;
#[cfg(feature = "vendored-protoc")]
mod oracle;

/// What `extern_path=.outside=::elsewhere::outside` says is here.
pub mod outside {
    /// A package below.
    pub mod deep {
        pub use crate::maps::maps::Point as Thing;
        /// What stands in it.
        pub mod thing {
            pub use crate::maps::maps::Point as Part;
            /// And in that.
            pub mod part {
                pub use crate::maps::maps::Color as Kind;
            }
        }
    }
}

/// What `extern_path=.extern_path.Replaced=::elsewhere::Replacement` says is here.
pub use maps::maps::Values as Replacement;

/// The module that belongs to it.
pub mod replaced {
    pub use crate::maps::maps::Point as Inner;
}

/// What `extern_path=.google.protobuf=::elsewhere::descriptor` says is here.
pub mod descriptor {
    pub use crate::maps::maps::Point as FileDescriptorProto;
}
