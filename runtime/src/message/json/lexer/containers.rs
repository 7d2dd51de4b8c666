//! Which objects and arrays of a text are open.

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Container {
    Object,
    Array,
}

/// The containers that are open, a bit for each: 64 of them need no memory.
#[derive(Clone, Default)]
pub(super) struct Containers {
    pub(super) depth: usize,
    /// The last 64; the lowest bit is the innermost one's, and it is set for objects.
    last: u64,
    /// What `last` was, at each depth that 64 divides.
    below: Vec<u64>,
}

impl Containers {
    pub(super) fn push(&mut self, container: Container) {
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.below.push(self.last);
        }
        self.last = self.last << 1 | u64::from(container == Container::Object);
        self.depth += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Container> {
        let innermost = self.last()?;
        self.depth -= 1;
        self.last >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(last) = self.below.pop()
        {
            self.last = last;
        }
        Some(innermost)
    }

    pub(super) fn last(&self) -> Option<Container> {
        let innermost = if self.last & 1 == 1 { Container::Object } else { Container::Array };
        (self.depth > 0).then_some(innermost)
    }
}
