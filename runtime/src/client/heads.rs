//! The heads of requests that many calls have in common, each built once.
//!
//! The invariant: what stands in a place never changes, so that it is found without a lock. Heads with
//! metadata or a deadline are not here: they differ from call to call.

use std::sync::OnceLock;

use crate::grpc::Method;
use crate::grpc::compression::Encoding;
use crate::http2::Headers;
use crate::limits::REQUEST_HEADS_KEPT;

/// The heads of a channel's calls.
pub(crate) struct Heads {
    places: Box<[OnceLock<Known>]>,
}

struct Known {
    method: Method,
    encoding: Option<Encoding>,
    head: Headers,
}

impl Heads {
    /// The head of calls of `method` whose requests may be compressed with `encoding`: as `make` made
    /// it for the first of them. `None` if there is no room for it.
    pub(crate) fn get(
        &self,
        method: &Method,
        encoding: Option<Encoding>,
        make: impl Fn() -> Headers,
    ) -> Option<&Headers> {
        let make = || Known { method: method.clone(), encoding, head: make() };
        let is_it = |known: &&Known| known.encoding == encoding && known.method == *method;
        // Places are filled one after the other, so that behind an empty one there is nothing.
        let known = self.places.iter().map(|place| place.get_or_init(make)).find(is_it)?;
        Some(&known.head)
    }
}

impl Default for Heads {
    fn default() -> Self {
        Self { places: (0..REQUEST_HEADS_KEPT).map(|_| OnceLock::new()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::MethodKind;

    fn method(name: &str) -> Method {
        Method::from_path(format!("/test.Service/{name}"), MethodKind::Unary).unwrap()
    }

    fn head(name: &str) -> Headers {
        [(":path", name)].into_iter().collect()
    }

    /// A head is made once for each method, and the same one is found afterwards.
    #[test]
    fn a_head_is_made_once() {
        let heads = Heads::default();
        for name in ["a", "b", "a", "b"] {
            assert_eq!(heads.get(&method(name), None, || head(name)), Some(&head(name)));
        }
        let never = || panic!("is there already");
        assert_eq!(heads.get(&method("b"), None, never), Some(&head("b")));
    }

    /// However many methods there are, a channel keeps as many heads as it may and no more.
    #[test]
    fn no_more_heads_are_kept_than_there_is_room_for() {
        let heads = Heads::default();
        for number in 0..2 * REQUEST_HEADS_KEPT {
            let name = number.to_string();
            let found = heads.get(&method(&name), None, || head(&name));
            assert_eq!(found.is_some(), number < REQUEST_HEADS_KEPT, "{number}");
        }
        assert_eq!(heads.get(&method("0"), None, || head("x")), Some(&head("0")));
    }
}
