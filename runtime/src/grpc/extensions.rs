//! Values of any type, at most one of each.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

/// Values by their type: what an interceptor leaves for those behind it and for the handler.
///
/// An empty one allocates nothing. A type of one's own keeps values apart that others may leave too.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, Extensions, Status};
///
/// struct User(String);
///
/// let mut extensions = Extensions::new();
/// extensions.insert(User("ada".to_owned()));
/// assert_eq!(extensions.get::<User>().unwrap().0, "ada");
///
/// fn who(context: &Context) -> Result<&str, Status> {
///     let user = context.extensions().get::<User>();
///     user.map(|user| &*user.0).ok_or_else(|| Status::unauthenticated("expected a user"))
/// }
/// ```
#[derive(Default)]
pub struct Extensions {
    values: Option<Box<Values>>,
}

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

impl Extensions {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `value` in, and returns the one of its type that it replaces.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) -> Option<T> {
        let values = self.values.get_or_insert_default();
        let replaced = values.insert(TypeId::of::<T>(), Box::new(value))?;
        replaced.downcast().ok().map(|replaced| *replaced)
    }

    /// The value of type `T`, if there is one.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.values.as_ref()?.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The value of type `T`, to be changed.
    pub fn get_mut<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        self.values.as_mut()?.get_mut(&TypeId::of::<T>())?.downcast_mut()
    }

    /// Takes the value of type `T` out.
    pub fn remove<T: Any + Send + Sync>(&mut self) -> Option<T> {
        let removed = self.values.as_mut()?.remove(&TypeId::of::<T>())?;
        removed.downcast().ok().map(|removed| *removed)
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.as_ref().map_or(0, |values| values.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct User(&'static str);

    /// There is one value of a type; a second one replaces it, and other types do not matter.
    #[test]
    fn values_are_found_by_their_type() {
        let mut extensions = Extensions::new();
        assert!(extensions.is_empty());
        assert_eq!(extensions.get::<User>(), None);
        assert_eq!(extensions.insert(User("ada")), None);
        assert_eq!(extensions.insert(7u32), None);
        assert_eq!(extensions.insert(User("grace")), Some(User("ada")));
        extensions.get_mut::<User>().unwrap().0 = "grace hopper";
        assert_eq!(extensions.len(), 2);
        assert_eq!(extensions.remove::<User>(), Some(User("grace hopper")));
        assert_eq!(extensions.remove::<User>(), None);
        assert_eq!(extensions.get::<u32>(), Some(&7));
    }
}
