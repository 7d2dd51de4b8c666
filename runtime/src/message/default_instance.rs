//! One default instance of each message type, for unset fields to refer to.
//!
//! Generic functions cannot have a static of their own for each type, so the instances stand in one
//! table. It grows with the types of the program, never with input: one leaked instance for each
//! type that was ever read unset.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock};

use super::Message;

type Instance = &'static (dyn Any + Send + Sync);

static INSTANCES: RwLock<HashMap<TypeId, Instance, BuildHasherDefault<TypeIdHasher>>> =
    RwLock::new(HashMap::with_hasher(BuildHasherDefault::new()));

/// The default instance of `M`, made when it is first asked for.
pub(super) fn of<M: Message>() -> &'static M {
    let key = TypeId::of::<M>();
    let known = INSTANCES.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
    let instance = known.unwrap_or_else(|| {
        // Made before the lock is taken, because it is the message's code that runs.
        let made: Box<dyn Any + Send + Sync> = Box::<M>::default();
        let mut instances = INSTANCES.write().unwrap_or_else(PoisonError::into_inner);
        *instances.entry(key).or_insert_with(|| Box::leak(made))
    });
    instance.downcast_ref().expect("each instance stands under the id of its type")
}

/// A [`TypeId`] is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 ^= value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
