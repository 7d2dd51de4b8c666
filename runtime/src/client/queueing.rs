//! A call that asks for its stream at one connection after the other, and queues where all are full.
//!
//! The invariant: who queues, queues at all connections that may take the call (gRFC A105), those included
//! that come later but for those that rest, and is out of all queues once it has a stream or gives up.

use std::sync::Arc;

use crate::transport::{Link, OpenError, Opened, Opening, Stream};

/// Connections of which any may take a call.
pub(super) trait Places {
    /// The best one for a call besides those that it has `asked`.
    fn pick_besides(&self, asked: &[Arc<Link>]) -> Option<Arc<Link>>;

    /// Whether a connection takes no calls for now. Who queues there is given a turn once it does not.
    fn is_resting(&self, link: &Arc<Link>) -> bool;

    /// Waits until one of them may take the call, which queues at all of them.
    ///
    /// # Errors
    ///
    /// As [`Opening::wait`].
    fn wait(&self, opening: &mut Opening<'_>) -> Result<(), OpenError>;

    /// Takes a call out of all queues, also those of connections that have come since it looked: it queues
    /// there without having asked.
    fn leave_queues(&self, opening: &mut Opening<'_>);
}

/// Opens the stream of `opening` at `link`, or if the server allows no more streams there, at
/// whichever connection has room first that `admits` the call.
///
/// # Errors
///
/// What `admits` says, and [`OpenError`].
pub(super) fn open<E: From<OpenError>>(
    places: &impl Places,
    link: Arc<Link>,
    mut opening: Opening<'_>,
    admits: impl Fn(&Link) -> Result<(), E>,
) -> Result<Stream, E> {
    admits(&link)?;
    if let Some(opened) = opening.ask(link)? {
        return Ok(opening.begin(opened)?);
    }
    let opened = open_at_any(places, &mut opening, admits);
    places.leave_queues(&mut opening);
    Ok(opening.begin(opened?)?)
}

/// Opens the stream at the first connection that has room, of those where it queues and of those
/// that come later.
fn open_at_any<E: From<OpenError>>(
    places: &impl Places,
    opening: &mut Opening<'_>,
    admits: impl Fn(&Link) -> Result<(), E>,
) -> Result<Opened, E> {
    loop {
        // One that came later, or takes part in no queue because it has room.
        while let Some(link) = places.pick_besides(opening.queues()) {
            admits(&link)?;
            match opening.ask(link) {
                Ok(None) => {}
                Ok(Some(opened)) => return Ok(opened),
                // It is not picked again.
                Err(OpenError::Unavailable(_)) if !opening.queues().is_empty() => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Others come to queue where this call does, but for the queues of those that rest.
        opening.leave_queues_of(|link| places.is_resting(link));
        if opening.queues().is_empty() {
            return Err(OpenError::Unavailable("no server takes calls".into()).into());
        }
        places.wait(opening)?;
        for link in opening.queues().to_vec() {
            if places.is_resting(&link) {
                continue;
            }
            match opening.ask(link) {
                Ok(None) => {}
                Ok(Some(opened)) => return Ok(opened),
                Err(OpenError::Unavailable(_)) if !opening.queues().is_empty() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
