//! What the tests of this folder share, and tests over real sockets.

use std::time::Duration;

use super::now;

/// Waits until `is_over` holds; fails after far more time than anything here needs.
pub(super) fn eventually(is_over: impl Fn() -> bool) {
    let until = now() + Duration::from_secs(20);
    while !is_over() {
        assert!(now() < until, "it did not happen within 20 s");
        std::thread::yield_now();
    }
}
