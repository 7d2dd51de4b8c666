//! (module grpc)
