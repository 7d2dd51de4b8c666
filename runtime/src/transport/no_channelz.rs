//! What stands in for channelz in programs without it: nothing is listed, nothing is counted.

use super::connectivity::Connectivity;
use super::wire::Address;

/// Nowhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing(());

/// Something that is not listed.
#[derive(Debug, Default)]
pub(crate) struct Listed(());

/// The account of something that is not listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account(());

/// A socket that is not listed.
#[derive(Debug, Default)]
pub(crate) struct ListedSocket(());

/// A call that is not counted.
#[derive(Debug, Default)]
pub(crate) struct Tally(());

impl Listing {
    pub(crate) fn channel(&self, _target: &str) -> Listed {
        Listed(())
    }

    pub(crate) fn server(&self, _name: &str) -> Listed {
        Listed(())
    }
}

impl Listed {
    pub(crate) fn account(&self) -> Account {
        Account(())
    }

    pub(crate) fn set_connectivity(&self, _connectivity: &Connectivity) {}
}

impl Account {
    pub(crate) fn begin(&self) -> Tally {
        Tally(())
    }

    pub(crate) fn subchannel(&self, _name: &str) -> Listed {
        Listed(())
    }

    pub(crate) fn listener(&self, _local: &Address) -> ListedSocket {
        ListedSocket(())
    }

    pub(super) fn connection(&self, _local: &Address, _peer: &Address) -> ListedSocket {
        ListedSocket(())
    }
}

impl ListedSocket {
    pub(super) fn set_link(&self, _link: &std::sync::Arc<super::link::Link>) {}

    pub(super) fn unlist(&self) {}

    pub(super) fn open_stream(&self) {}

    pub(super) fn send(&self, _framed: &[u8]) {}

    pub(super) fn receive(&self) {}

    pub(super) fn receive_all(&self, _framed: &[u8]) {}

    pub(super) fn begin_call(&self) -> Tally {
        Tally(())
    }
}

impl Tally {
    pub(crate) fn is_counted(&self) -> bool {
        false
    }

    pub(crate) fn end<T, E>(&self, _outcome: &Result<T, E>) {}

    #[cfg(feature = "testing")]
    pub(crate) fn hand_over(&self) -> Self {
        Self(())
    }
}
