//! A seeded stress of `submit` and `pump`: many callers on one link over an in-memory wire that
//! splits, stalls and is cut. No call is lost, none ends twice, and all of it ends.
