//! A queue of what a stream receives, of which the first two things cost no allocation: the head and the
//! one message of most responses.
//!
//! The invariant: what is spilled is behind both places, so that it is there only while they are full.

use std::collections::VecDeque;

/// Things in order.
#[derive(Debug)]
pub(super) struct ShortQueue<T> {
    first: Option<T>,
    second: Option<T>,
    #[allow(clippy::box_collection, reason = "hardly any stream has one, and all would drop it")]
    spilled: Option<Box<VecDeque<T>>>,
}

impl<T> ShortQueue<T> {
    pub(super) const fn new() -> Self {
        Self { first: None, second: None, spilled: None }
    }

    pub(super) fn push_back(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else if self.second.is_none() {
            self.second = Some(item);
        } else {
            self.spilled.get_or_insert_default().push_back(item);
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take();
        if self.second.is_some() {
            self.first = self.second.take();
            self.second = self.spilled.as_mut().and_then(|spilled| spilled.pop_front());
        }
        first
    }

    pub(super) fn clear(&mut self) {
        self.first = None;
        self.second = None;
        self.spilled = None;
    }

    /// All there is, if that is one thing.
    pub(super) fn as_single(&self) -> Option<&T> {
        self.first.as_ref().filter(|_| self.second.is_none())
    }

    /// All there is, if that is two things.
    pub(super) fn as_pair_mut(&mut self) -> Option<(&mut T, &mut T)> {
        let is_all = self.has_spilled_none();
        self.first.as_mut().zip(self.second.as_mut()).filter(|_| is_all)
    }

    /// Drops the first two things, if that is all there is.
    pub(super) fn drop_pair(&mut self) {
        if self.has_spilled_none() {
            (self.first, self.second) = (None, None);
        }
    }

    pub(super) fn back(&self) -> Option<&T> {
        let spilled = self.spilled.as_ref().and_then(|spilled| spilled.back());
        spilled.or(self.second.as_ref()).or(self.first.as_ref())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first
            .iter()
            .chain(&self.second)
            .chain(self.spilled.iter().flat_map(|spilled| spilled.iter()))
    }

    fn has_spilled_none(&self) -> bool {
        self.spilled.as_ref().is_none_or(|spilled| spilled.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two things are taken at once if there are exactly two.
    #[test]
    fn two_things_are_a_pair() {
        let mut queue = ShortQueue::new();
        for count in 0..4 {
            assert_eq!(queue.as_pair_mut(), (count == 2).then_some((&mut 0, &mut 1)), "{count}");
            assert_eq!(queue.as_single(), (count == 1).then_some(&0), "{count}");
            queue.push_back(count);
        }
        queue.drop_pair();
        assert_eq!(queue.as_pair_mut(), None);
        assert_eq!((queue.pop_front(), queue.pop_front()), (Some(0), Some(1)));
        assert_eq!(queue.as_pair_mut(), Some((&mut 2, &mut 3)));
        queue.drop_pair();
        assert_eq!(queue.as_pair_mut(), None);
        assert!(queue.is_empty());
    }

    /// Whatever is put in comes out in its order, however full the queue is between.
    #[test]
    fn things_keep_their_order() {
        for depth in 0..5 {
            let mut queue = ShortQueue::new();
            let (mut put, mut taken) = (0, 0);
            for _ in 0..20 {
                while put - taken <= depth {
                    queue.push_back(put);
                    assert_eq!(queue.back(), Some(&put));
                    put += 1;
                }
                assert!(queue.iter().copied().eq(taken..put) && !queue.is_empty());
                assert_eq!(queue.pop_front(), Some(taken));
                taken += 1;
            }
            while let Some(item) = queue.pop_front() {
                assert_eq!(item, taken);
                taken += 1;
            }
            assert!(taken == put && queue.is_empty() && queue.back().is_none());
        }
    }
}
