//! Every golden file compiles without a warning, as a user would include it.
//!
//! What the code does when it runs is in `messages.rs`, `names.rs` and `services.rs`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![deny(warnings)]

// The places that the cases `extern_path`, `messages_extern`, `proto2_extern` and `runtime_path` refer to.
extern crate self as elsewhere;
extern crate self as renamed;
pub use rust_grpc as runtime;

#[path = "../../golden/attributes/mod.rs"]
mod attributes;
#[path = "../../golden/boxes/mod.rs"]
mod boxes;
#[path = "../../golden/btree_maps/mod.rs"]
mod btree_maps;
#[path = "../../golden/clash_messages/mod.rs"]
mod clash_messages;
#[path = "../../golden/clash_package/mod.rs"]
mod clash_package;
#[path = "../../golden/clash_services/mod.rs"]
mod clash_services;
#[path = "../../golden/client_only/mod.rs"]
mod client_only;
#[path = "../../golden/comments/mod.rs"]
mod comments;
#[path = "../../golden/defaults/mod.rs"]
mod defaults;
#[path = "../../golden/deprecated/mod.rs"]
mod deprecated;
#[path = "../../golden/derives/mod.rs"]
mod derives;
#[path = "../../golden/descriptor_types/mod.rs"]
mod descriptor_types;
#[path = "../../golden/directories/mod.rs"]
mod directories;
#[path = "../../golden/docs_off/mod.rs"]
mod docs_off;
#[path = "../../golden/edition_2026/mod.rs"]
mod edition_2026;
#[path = "../../golden/editions/mod.rs"]
mod editions;
#[path = "../../golden/editions_scopes/mod.rs"]
mod editions_scopes;
#[path = "../../golden/enum_names/mod.rs"]
mod enum_names;
#[path = "../../golden/enums/mod.rs"]
mod enums;
#[path = "../../golden/extensions/mod.rs"]
mod extensions;
#[path = "../../golden/extensions_editions/mod.rs"]
mod extensions_editions;
#[path = "../../golden/extern_path/mod.rs"]
mod extern_path;
#[path = "../../golden/google_package/mod.rs"]
mod google_package;
#[path = "../../golden/hello/mod.rs"]
mod hello;
#[path = "../../golden/import_option/mod.rs"]
mod import_option;
#[path = "../../golden/imports/mod.rs"]
mod imports;
#[path = "../../golden/json_only/mod.rs"]
mod json_only;
#[path = "../../golden/keywords/mod.rs"]
mod keywords;
#[path = "../../golden/maps/mod.rs"]
mod maps;
#[path = "../../golden/messages_extern/mod.rs"]
mod messages_extern;
#[path = "../../golden/messages_only/mod.rs"]
mod messages_only;
#[path = "../../golden/mod_file/mod.rs"]
mod mod_file;
#[path = "../../golden/nested/mod.rs"]
mod nested;
#[path = "../../golden/no_descriptor/mod.rs"]
mod no_descriptor;
#[path = "../../golden/no_descriptor_proto2/mod.rs"]
mod no_descriptor_proto2;
#[path = "../../golden/no_package/mod.rs"]
mod no_package;
#[path = "../../golden/no_syntax/mod.rs"]
mod no_syntax;
#[path = "../../golden/oneofs/mod.rs"]
mod oneofs;
#[path = "../../golden/optional/mod.rs"]
mod optional;
#[path = "../../golden/package_names/mod.rs"]
mod package_names;
#[path = "../../golden/packed/mod.rs"]
mod packed;
#[path = "../../golden/proto2/mod.rs"]
mod proto2;
#[path = "../../golden/proto2_extern/mod.rs"]
mod proto2_extern;
#[path = "../../golden/proto2_import/mod.rs"]
mod proto2_import;
#[path = "../../golden/public_imports/mod.rs"]
mod public_imports;
#[path = "../../golden/recursion/mod.rs"]
mod recursion;
#[path = "../../golden/redact/mod.rs"]
mod redact;
#[path = "../../golden/redact_no_descriptor/mod.rs"]
mod redact_no_descriptor;
#[path = "../../golden/reserved/mod.rs"]
mod reserved;
#[path = "../../golden/rpc_new/mod.rs"]
mod rpc_new;
#[path = "../../golden/runtime_path/mod.rs"]
mod runtime_path;
#[path = "../../golden/scalars/mod.rs"]
mod scalars;
#[path = "../../golden/server_only/mod.rs"]
mod server_only;
#[path = "../../golden/services/mod.rs"]
mod services;
#[path = "../../golden/shared_bytes/mod.rs"]
mod shared_bytes;
#[path = "../../golden/well_known/mod.rs"]
mod well_known;

#[path = "../../golden/text_only/mod.rs"]
mod text_only;

// `tree=no`: whoever includes the files writes the modules, and what they allow.
#[allow(clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(dead_code, missing_docs, unreachable_pub, unused_qualifications)]
mod tree_no {
    include!("../../golden/tree_no/tree_no.rs");
}

#[cfg(feature = "vendored-protoc")]
mod extension_tests;
#[cfg(feature = "vendored-protoc")]
mod json;
mod map_tests;
mod messages;
#[cfg(feature = "vendored-protoc")]
mod names;
#[cfg(feature = "vendored-protoc")]
mod oracle;
mod redaction;
mod reflection;
#[path = "services.rs"]
mod service_tests;
mod shared_bytes_tests;
#[cfg(feature = "vendored-protoc")]
mod syntaxes;

/// What `extern_path=.outside=::elsewhere::outside` says is here.
pub mod outside {
    /// What `extern_path=.messages_extern=::elsewhere::outside::answers` says is here.
    pub mod answers {
        pub use crate::maps::maps::Point as Ask;
    }
    /// What is nested in `::elsewhere::outside::Form`.
    pub mod shape {
        pub use crate::maps::maps::Point as Corner;
    }
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

/// No golden tree is left out here, but the one whose files come from other runs, and the one for
/// messages of prost, which the package in `interop/prost` compiles.
#[test]
fn every_golden_tree_is_compiled() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(root.join("golden")).unwrap() {
        let case = entry.unwrap().file_name().into_string().unwrap();
        let is_tree = root.join("golden").join(&case).join("mod.rs").exists();
        let included = include_str!("main.rs").contains(&format!("golden/{case}/"));
        let elsewhere = ["tree_only", "messages_prost"].contains(&case.as_str());
        assert!(included || !is_tree || elsewhere, "{case} is not compiled");
    }
}
