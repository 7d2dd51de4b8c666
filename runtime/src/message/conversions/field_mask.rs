//! `FieldMask`: a set of paths, where a path covers itself and all that lies below it.

use crate::message::well_known::FieldMask;

impl FieldMask {
    /// A mask of `paths`, such as `user.name`.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::FieldMask;
    ///
    /// let mask = FieldMask::from_paths(["user.name", "user", "date"]);
    /// assert!(mask.covers("user.address") && !mask.covers("dates"));
    /// assert_eq!(mask.normalized().paths, ["date", "user"]);
    /// ```
    pub fn from_paths(paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { paths: paths.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Whether `path` or one above it is in the mask.
    pub fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|above| lies_in(path, above))
    }

    /// The same set with every path once, sorted, without those that another one covers.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut paths = self.paths.clone();
        // By segment, so that what lies below a path follows it directly.
        paths.sort_unstable_by(|left, right| left.split('.').cmp(right.split('.')));
        paths.dedup_by(|path, before| lies_in(path, before));
        Self::from_paths(paths)
    }

    /// What either mask covers.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_paths(self.paths.iter().chain(&other.paths).cloned()).normalized()
    }

    /// What both masks cover.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let ours = self.paths.iter().filter(|path| other.covers(path));
        let theirs = other.paths.iter().filter(|path| self.covers(path));
        Self::from_paths(ours.chain(theirs).cloned()).normalized()
    }
}

/// Whether `path` is `above` or lies below it.
fn lies_in(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|below| below.is_empty() || below.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &str) -> FieldMask {
        FieldMask::from_paths(paths.split(',').filter(|path| !path.is_empty()))
    }

    /// field_mask.proto: a path covers what lies below it, and never a longer name.
    #[test]
    fn a_path_covers_what_lies_below_it() {
        assert!(mask("a.b").covers("a.b") && mask("a.b").covers("a.b.c"));
        assert!(!mask("a.b").covers("a") && !mask("a.b").covers("a.bc"));
        assert!(!mask("").covers("a"));
    }

    /// Paths that another one covers are left out, whatever their order and neighbours.
    #[test]
    fn a_normal_mask_is_minimal_and_sorted() {
        assert_eq!(mask("b,a.b.c,a.b,a.b-c,a.b").normalized(), mask("a.b,a.b-c,b"));
        assert_eq!(mask("a.x,a-b,a").normalized(), mask("a,a-b"));
        assert_eq!(mask("").normalized(), mask(""));
    }

    /// A union covers what either covers, an intersection what both do.
    #[test]
    fn union_and_intersection_are_those_of_sets() {
        let (left, right) = (mask("a.b,c,d.e.f"), mask("a,c.x,d.e.g"));
        assert_eq!(left.union(&right), mask("a,c,d.e.f,d.e.g"));
        assert_eq!(left.intersection(&right), mask("a.b,c.x"));
        assert_eq!(left.intersection(&mask("")), mask(""));
    }
}
