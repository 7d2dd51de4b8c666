//! `FieldMask`: a set of paths, where a path covers itself and all that lies below it.

#[cfg(feature = "reflect")]
mod apply;
// Their files are described in the text format.
#[cfg(test)]
#[cfg(feature = "text")]
mod tests;

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

#[cfg(feature = "reflect")]
pub use apply::{FieldMaskError, FieldMaskOptions};

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
    #[inline]
    pub fn from_paths(paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { paths: paths.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Whether `path` or one above it is in the mask.
    #[inline]
    pub fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|above| lies_in(path, above))
    }

    /// The same set with every path once, sorted, without those that another one covers.
    #[must_use]
    #[inline]
    pub fn normalized(&self) -> Self {
        let mut paths = self.paths.clone();
        // By name, so that what lies below a path follows it directly.
        paths.sort_unstable_by(|left, right| order(left, right));
        paths.dedup_by(|path, before| lies_in(path, before));
        Self::from_paths(paths)
    }

    /// What either mask covers.
    #[must_use]
    #[inline]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_paths(self.paths.iter().chain(&other.paths).cloned()).normalized()
    }

    /// What both masks cover.
    #[must_use]
    #[inline]
    pub fn intersection(&self, other: &Self) -> Self {
        let (ours, theirs) = (self.normalized().paths, other.normalized().paths);
        let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
        let mut both = Vec::new();
        // Side by side in one order: of two paths of which one covers the other, the longer counts.
        while let (Some(left), Some(right)) = (ours.peek(), theirs.peek()) {
            if lies_in(left, right) {
                both.extend(ours.next());
            } else if lies_in(right, left) {
                both.extend(theirs.next());
            } else if order(left, right) == Ordering::Less {
                ours.next();
            } else {
                theirs.next();
            }
        }
        Self::from_paths(both)
    }
}

/// The paths with commas between them, as the .proto spells them. JSON has them in lowerCamelCase.
impl Display for FieldMask {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.paths.join(","))
    }
}

/// Paths with commas between them; what is empty is no path.
///
/// # Examples
///
/// ```
/// use rust_grpc::well_known::FieldMask;
///
/// let mask: FieldMask = "user.name,date".parse()?;
/// assert_eq!(mask.paths, ["user.name", "date"]);
/// assert_eq!(mask.to_string(), "user.name,date");
/// # Ok::<(), std::convert::Infallible>(())
/// ```
impl FromStr for FieldMask {
    type Err = Infallible;

    #[inline]
    fn from_str(paths: &str) -> Result<Self, Infallible> {
        Ok(Self::from_paths(paths.split(',').filter(|path| !path.is_empty())))
    }
}

/// Whether `path` is `above` or lies below it.
#[inline]
fn lies_in(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|below| below.is_empty() || below.starts_with('.'))
}

/// The order of normal masks: name by name.
#[inline]
fn order(left: &str, right: &str) -> Ordering {
    left.split('.').cmp(right.split('.'))
}
