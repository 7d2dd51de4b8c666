//! (module http2)
