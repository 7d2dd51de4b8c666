//! What a `FieldMask` does to messages, by reflection: copy what it covers, keep what it covers.
//!
//! Paths may come from a peer. They are checked against the type first, and recursion goes only as
//! deep as the message that is there.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::message::reflect::{field_mut, merge_field};
use crate::message::well_known::FieldMask;
use crate::message::{FieldDescriptor, FieldMut, FieldRef, MessageDescriptor, Reflect, ValueRef};

/// A path of a [`FieldMask`] is none of the message, or the messages are of different types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMaskError {
    expected: String,
    got: String,
}

impl Display for FieldMaskError {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {}, got {}", self.expected, self.got)
    }
}

impl Error for FieldMaskError {}

/// What [`FieldMask::apply_with`] does with fields that are set on both sides.
///
/// # Examples
///
/// ```
/// use rust_grpc::message::FieldMaskOptions;
/// use rust_grpc::well_known::{Api, FieldMask, Method};
///
/// let api = |name: &str| {
///     let methods = vec![Method { name: name.into(), ..Default::default() }];
///     Api { methods, ..Default::default() }
/// };
/// let (mask, options) = (FieldMask::from_paths(["methods"]), FieldMaskOptions::new());
/// let mut both = api("Old");
/// mask.apply(&api("New"), &mut both)?;
/// assert_eq!(both.methods.len(), 2);
/// mask.apply_with(&api("New"), &mut both, &options.replace_repeated())?;
/// assert_eq!(both, api("New"));
/// # Ok::<(), rust_grpc::message::FieldMaskError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldMaskOptions {
    replace_messages: bool,
    replace_repeated: bool,
}

impl FieldMaskOptions {
    /// The defaults, those of field_mask.proto: messages are merged, repeated fields and maps added
    /// to.
    #[inline]
    pub const fn new() -> Self {
        Self { replace_messages: false, replace_repeated: false }
    }

    /// A message at the end of a path takes the place of the one that is there.
    #[must_use]
    #[inline]
    pub const fn replace_messages(mut self) -> Self {
        self.replace_messages = true;
        self
    }

    /// A repeated field or map takes the place of the one that is there.
    #[must_use]
    #[inline]
    pub const fn replace_repeated(mut self) -> Self {
        self.replace_repeated = true;
        self
    }
}

impl FieldMask {
    /// A mask of every field of a message type.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::Reflect;
    /// use rust_grpc::well_known::{FieldMask, Timestamp};
    ///
    /// let mask = FieldMask::of_all_fields(Timestamp::default().descriptor());
    /// assert_eq!(mask.paths, ["seconds", "nanos"]);
    /// ```
    #[inline]
    pub fn of_all_fields(descriptor: MessageDescriptor<'_>) -> Self {
        Self::from_paths(descriptor.fields().map(|field| field.name()))
    }

    /// Whether every path leads to a field of the message type, through singular messages alone: a
    /// repeated field or map can only stand at the end.
    ///
    /// # Errors
    ///
    /// The first path that does not.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::Reflect;
    /// use rust_grpc::well_known::{FieldMask, Type};
    ///
    /// let descriptor = Type::default();
    /// let check = |path: &str| FieldMask::from_paths([path]).check_paths(descriptor.descriptor());
    /// assert_eq!(check("source_context.file_name"), Ok(()));
    /// assert_eq!(
    ///     check("source_context.name").unwrap_err().to_string(),
    ///     "expected a field of google.protobuf.SourceContext, \
    ///      got \"name\" in the path \"source_context.name\""
    /// );
    /// assert!(check("fields.name").is_err());
    /// ```
    #[inline]
    pub fn check_paths(&self, descriptor: MessageDescriptor<'_>) -> Result<(), FieldMaskError> {
        self.paths.iter().try_for_each(|path| check_path(path, descriptor))
    }

    /// Copies the fields that the mask covers from `source` into `target`, as an update request
    /// means it: scalars are replaced, and unset where `source` has them unset; messages are merged,
    /// repeated fields and maps added to. All else in `target` stays as it is. An empty mask copies
    /// nothing.
    ///
    /// # Errors
    ///
    /// If a path is none of the message's, or the two are of different types: nothing is copied.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::{Api, FieldMask};
    ///
    /// let mut stored = Api { name: "shop.Orders".into(), version: "v1".into(), ..Default::default() };
    /// let update = Api { name: "ignored".into(), version: "v2".into(), ..Default::default() };
    /// FieldMask::from_paths(["version"]).apply(&update, &mut stored)?;
    /// assert_eq!((&*stored.name, &*stored.version), ("shop.Orders", "v2"));
    /// # Ok::<(), rust_grpc::message::FieldMaskError>(())
    /// ```
    #[inline]
    pub fn apply(
        &self,
        source: &dyn Reflect,
        target: &mut dyn Reflect,
    ) -> Result<(), FieldMaskError> {
        self.apply_with(source, target, &FieldMaskOptions::new())
    }

    /// Copies the fields that the mask covers from `source` into `target`, as `options` say.
    ///
    /// # Errors
    ///
    /// As [`FieldMask::apply`].
    #[inline]
    pub fn apply_with(
        &self,
        source: &dyn Reflect,
        target: &mut dyn Reflect,
        options: &FieldMaskOptions,
    ) -> Result<(), FieldMaskError> {
        let (from, into) = (source.descriptor(), target.descriptor());
        if from != into && from.full_name() != into.full_name() {
            return Err(other_type(from.full_name(), into.full_name()));
        }
        self.check_paths(from)?;
        let normal = self.normalized();
        let paths: Vec<&str> = normal.paths.iter().map(String::as_str).collect();
        copy_fields(&paths, source, target, options)
    }

    /// Leaves in `message` what the mask covers and nothing else: what a read request with a mask
    /// wants to see. Unknown fields and extensions go, save in messages that are covered whole. An
    /// empty mask covers nothing, so whoever takes one for a wish to see everything asks before.
    ///
    /// # Errors
    ///
    /// If a path is none of the message's: nothing is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::{Api, FieldMask, SourceContext};
    ///
    /// let context = SourceContext { file_name: "a.proto".into(), ..Default::default() };
    /// let mut api = Api {
    ///     name: "shop.Orders".into(),
    ///     version: "v1".into(),
    ///     source_context: context.into(),
    ///     ..Default::default()
    /// };
    /// FieldMask::from_paths(["source_context.file_name", "version"]).trim(&mut api)?;
    /// assert_eq!((&*api.name, &*api.version), ("", "v1"));
    /// assert_eq!(api.source_context.file_name, "a.proto");
    /// # Ok::<(), rust_grpc::message::FieldMaskError>(())
    /// ```
    #[inline]
    pub fn trim(&self, message: &mut dyn Reflect) -> Result<(), FieldMaskError> {
        self.check_paths(message.descriptor())?;
        let normal = self.normalized();
        let paths: Vec<&str> = normal.paths.iter().map(String::as_str).collect();
        keep_fields(&paths, message);
        Ok(())
    }
}

#[inline]
fn check_path(path: &str, descriptor: MessageDescriptor<'_>) -> Result<(), FieldMaskError> {
    let mut message = Some(descriptor);
    let mut through: Option<FieldDescriptor<'_>> = None;
    for name in path.split('.') {
        let Some(within) = message else {
            let field = through.map(|field| field.full_name()).unwrap_or_default();
            let expected = format!("the path to end at {field}, which is no singular message");
            return Err(FieldMaskError { expected, got: format!("{path:?}") });
        };
        let Some(field) = within.field_by_name(name) else {
            let expected = format!("a field of {}", within.full_name());
            return Err(FieldMaskError { expected, got: format!("{name:?} in the path {path:?}") });
        };
        message = field.message().filter(|_| is_singular(&field));
        through = Some(field);
    }
    Ok(())
}

/// `paths` are those of a normal mask, relative to the two messages.
#[inline]
fn copy_fields(
    paths: &[&str],
    source: &dyn Reflect,
    target: &mut dyn Reflect,
    options: &FieldMaskOptions,
) -> Result<(), FieldMaskError> {
    let descriptor = source.descriptor();
    for (name, below) in by_name(paths) {
        // The paths are checked.
        let Some(field) = descriptor.field_by_name(name) else { continue };
        let value = source.field(field.index());
        let differ = |_| other_type(&field.full_name(), "a field of another type");
        let mut slot = field_mut(target, field.number()).map_err(differ)?;
        let is_message = matches!(value, FieldRef::Singular(ValueRef::Message(_)));
        if !below.is_empty() {
            if let (FieldRef::Singular(ValueRef::Message(source)), FieldMut::Singular(slot)) =
                (value, slot)
                && let Some(target) = slot.message_mut()
            {
                copy_fields(&below, source, target, options)?;
            }
            continue;
        }
        let replaces = match slot {
            FieldMut::Singular(_) => {
                options.replace_messages || !is_message && field.message().is_none()
            }
            FieldMut::Repeated(_) | FieldMut::Map(_) => options.replace_repeated,
        };
        if replaces {
            slot.clear();
        }
        merge_field(value, slot).map_err(differ)?;
    }
    Ok(())
}

/// `paths` are those of a normal mask, relative to the message.
#[inline]
fn keep_fields(paths: &[&str], message: &mut dyn Reflect) {
    let kept = by_name(paths);
    let count = message.descriptor().fields().len();
    for index in 0..count {
        let at = {
            let name = message.descriptor().field(index).name();
            kept.binary_search_by_key(&name, |(name, _)| name)
        };
        match at {
            Err(_) => message.field_mut(index).clear(),
            Ok(at) if kept[at].1.is_empty() => {}
            Ok(at) => {
                // Asking for the message would set it.
                if message.field(index).is_set()
                    && let FieldMut::Singular(slot) = message.field_mut(index)
                    && let Some(inner) = slot.message_mut()
                {
                    keep_fields(&kept[at].1, inner);
                }
            }
        }
    }
    message.unknown_fields_mut().clear();
}

/// The first names of sorted paths, each with what follows it: nothing where the path ends there.
#[inline]
fn by_name<'a>(paths: &[&'a str]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut names: Vec<(&str, Vec<&str>)> = Vec::new();
    for path in paths {
        let (name, below) =
            path.split_once('.').map_or((*path, None), |(name, below)| (name, Some(below)));
        match names.last_mut() {
            Some((last, paths)) if *last == name => paths.extend(below),
            _ => names.push((name, below.into_iter().collect())),
        }
    }
    names
}

#[inline]
fn is_singular(field: &FieldDescriptor<'_>) -> bool {
    !field.is_repeated() && !field.is_map()
}

#[inline]
fn other_type(expected: &str, got: &str) -> FieldMaskError {
    FieldMaskError { expected: expected.to_owned(), got: got.to_owned() }
}
