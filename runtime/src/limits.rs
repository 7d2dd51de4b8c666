//! Every default limit of the runtime, with its reason.
