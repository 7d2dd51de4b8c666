//! What a field of a dynamic message stores, and fields that stand alone: extensions.

use super::list::DynamicList;
use super::map::DynamicMap;
use super::{DynamicMessage, element};
use crate::limits;
use crate::message::DecodeError;
use crate::message::reflect::Reflect;
use crate::message::reflect::descriptor::{Cardinality, FieldDescriptor, FileDescriptor};
use crate::message::reflect::singular::{FieldMut, FieldRef, OneofField, SingularMut};
use crate::message::reflect::value::{Value, ValueError, ValueRef};
use crate::message::reflect::{
    DescriptorPool, List, Map, Resolver, extension_fields, set_extension,
};

/// A field's descriptor with a hold on its file.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    file: FileDescriptor,
    message: Option<usize>,
    place: usize,
}

/// The value of a field.
#[derive(Clone, PartialEq)]
pub(super) enum Slot {
    Value(Value),
    Message(Box<DynamicMessage>),
    List(DynamicList),
    Map(DynamicMap),
}

impl Owner {
    pub(super) fn of(field: FieldDescriptor<'_>) -> Self {
        let message = (!field.is_extension()).then(|| field.containing_message().index());
        Self { file: field.file().clone(), message, place: field.index() }
    }

    pub(super) fn field(&self) -> FieldDescriptor<'_> {
        match self.message {
            Some(message) => self.file.message(message).field(self.place),
            None => FieldDescriptor::extension(&self.file, self.place),
        }
    }

    /// What an element is: a message with no field set.
    pub(super) fn new_message(&self) -> Option<DynamicMessage> {
        self.field().message().map(DynamicMessage::new)
    }
}

impl Slot {
    /// Of fields that are not singular.
    pub(super) fn empty(field: FieldDescriptor<'_>) -> Option<Self> {
        match field.cardinality() {
            Cardinality::Singular => None,
            Cardinality::Repeated => Some(Self::List(DynamicList::new(field))),
            Cardinality::Map => Some(Self::Map(DynamicMap::new(field))),
        }
    }

    pub(super) fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        match self {
            Self::Message(message) => Some(&mut **message),
            _ => None,
        }
    }

    /// A field that is not singular, to write to.
    pub(super) fn as_mut(&mut self) -> FieldMut<'_> {
        match self {
            Self::List(list) => FieldMut::Repeated(list),
            Self::Map(map) => FieldMut::Map(map),
            Self::Value(_) | Self::Message(_) => unreachable!("it is no singular field"),
        }
    }
}

/// What the field holds.
pub(super) fn slot_ref<'a>(field: FieldDescriptor<'_>, slot: Option<&'a Slot>) -> FieldRef<'a> {
    match (slot, field.cardinality()) {
        (Some(Slot::Value(value)), _) => match value.as_ref() {
            value if !field.has_presence() && value.is_zero() => FieldRef::Unset,
            value => FieldRef::Singular(value),
        },
        (Some(Slot::Message(message)), _) => FieldRef::Singular(ValueRef::Message(&**message)),
        (Some(Slot::List(list)), _) => FieldRef::Repeated(list),
        (Some(Slot::Map(map)), _) => FieldRef::Map(map),
        (None, Cardinality::Singular) => FieldRef::Unset,
        (None, Cardinality::Repeated) => FieldRef::Repeated(&Empty),
        (None, Cardinality::Map) => FieldRef::Map(&Empty),
    }
}

/// An extension that is known only at run time, with its value.
///
/// Extensions stand among the unknown fields of the message that they extend. This takes them out,
/// and puts them in.
///
/// # Examples
///
/// ```
/// # use rust_grpc::Message;
/// # use rust_grpc::well_known::FileDescriptorProto;
/// # let file = FileDescriptorProto::from_text(r#"
/// #     name: "a.proto" package: "a" dependency: "google/protobuf/descriptor.proto"
/// #     extension { name: "owner" number: 50000 type: TYPE_STRING
/// #                 extendee: ".google.protobuf.MessageOptions" }
/// # "#)?.encode_to_vec();
/// use rust_grpc::message::{
///     DescriptorPool, DynamicExtension, FieldMut, FieldRef, Value, ValueRef,
/// };
/// use rust_grpc::well_known::MessageOptions;
///
/// // extend google.protobuf.MessageOptions { optional string owner = 50000; }
/// let mut pool = DescriptorPool::new();
/// pool.add_files([file.as_slice()])?;
///
/// let mut options = MessageOptions::default();
/// let mut owner = DynamicExtension::new(pool.extension("a.owner").ok_or("it is declared")?);
/// let FieldMut::Singular(mut field) = owner.get_mut() else { panic!("it is singular") };
/// field.set(Value::ByteString("Ada".into()))?;
/// owner.write_to(&mut options);
///
/// let found = DynamicExtension::all_of(&options, &pool)?;
/// assert_eq!(found[0].descriptor().full_name(), "a.owner");
/// assert!(matches!(found[0].get(), FieldRef::Singular(ValueRef::ByteString(b"Ada"))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DynamicExtension {
    owner: Owner,
    slot: Option<Slot>,
}

impl DynamicExtension {
    /// The extension without a value.
    ///
    /// # Panics
    ///
    /// If the field is no extension.
    pub fn new(extension: FieldDescriptor<'_>) -> Self {
        assert!(extension.is_extension(), "{extension:?} is no extension");
        Self { owner: Owner::of(extension), slot: None }
    }

    /// The extensions of `message` that have a value and that `pool` knows, in the order of their
    /// numbers. Messages in them may be nested 100 levels deep.
    ///
    /// # Errors
    ///
    /// If the bytes of one are no such value.
    pub fn all_of(message: &dyn Reflect, pool: &DescriptorPool) -> Result<Vec<Self>, DecodeError> {
        let resolver = Resolver::new(Some(pool), message.descriptor().file());
        extension_fields(message, &resolver, limits::MESSAGE_DEPTH_MAX, &mut None)
    }

    /// Puts the value into `message`, in place of what is there; where there is none, it is unset.
    ///
    /// # Panics
    ///
    /// If `message` is of another type than the one that is extended.
    pub fn write_to(&self, message: &mut dyn Reflect) {
        let extended = self.descriptor().containing_message().full_name().to_owned();
        let got = message.descriptor().full_name().to_owned();
        assert!(extended == got, "an extension of {extended} was put into {got}");
        set_extension(message, self);
    }

    /// What it is.
    pub fn descriptor(&self) -> FieldDescriptor<'_> {
        self.owner.field()
    }

    /// The value.
    pub fn get(&self) -> FieldRef<'_> {
        slot_ref(self.descriptor(), self.slot.as_ref())
    }

    /// The value, to write to.
    pub fn get_mut(&mut self) -> FieldMut<'_> {
        match Slot::empty(self.owner.field()) {
            None => FieldMut::Singular(SingularMut::member(self, 0)),
            Some(empty) => self.slot.get_or_insert(empty).as_mut(),
        }
    }
}

impl OneofField for DynamicExtension {
    fn set(&mut self, _: usize, value: Value) -> Result<(), ValueError> {
        self.slot = Some(Slot::Value(element::checked(self.descriptor(), value)?));
        Ok(())
    }

    fn message_mut(&mut self, _: usize) -> Option<&mut dyn Reflect> {
        if self.slot.is_none() {
            self.slot = Some(Slot::Message(Box::new(self.owner.new_message()?)));
        }
        self.slot.as_mut().and_then(Slot::message_mut)
    }

    fn clear(&mut self, _: usize) {
        self.slot = None;
    }
}

/// A repeated field or map that is not stored.
struct Empty;

impl List for Empty {
    fn len(&self) -> usize {
        0
    }

    fn get(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn message_mut(&mut self, _: usize) -> Option<&mut dyn Reflect> {
        None
    }

    fn set(&mut self, _: usize, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("nothing", &value))
    }

    fn push(&mut self, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("nothing", &value))
    }

    fn push_message(&mut self) -> Option<&mut dyn Reflect> {
        None
    }

    fn truncate(&mut self, _: usize) {}

    fn element_cost(&self) -> usize {
        0
    }
}

impl Map for Empty {
    fn len(&self) -> usize {
        0
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (ValueRef<'_>, ValueRef<'_>)> + '_> {
        Box::new(std::iter::empty())
    }

    fn get(&self, _: &Value) -> Option<ValueRef<'_>> {
        None
    }

    fn insert(&mut self, _: Value, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("nothing", &value))
    }

    fn insert_message(&mut self, key: Value) -> Result<&mut dyn Reflect, ValueError> {
        Err(ValueError::new("nothing", &key))
    }

    fn message_mut(&mut self, _: &Value) -> Option<&mut dyn Reflect> {
        None
    }

    fn remove(&mut self, _: &Value) -> bool {
        false
    }

    fn clear(&mut self) {}

    fn entry_cost(&self) -> usize {
        0
    }
}
