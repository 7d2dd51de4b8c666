//! Who drives a client's connection, where several threads wait at one stream.

use std::thread;

use super::*;
use crate::transport::inbox::Inbox;
use crate::transport::lead::{Lead, Role};
use crate::transport::lock;
use crate::transport::parking::{Parking, Space};
use crate::transport::verbs::Caller;
use crate::transport::waiting::{Awaited, DeadlinePassed};

/// A thread that waits for its turn to send never drives the connection, so it leaves an offer of the
/// lead to one that waits at the same stream and does.
#[test]
fn who_waits_to_send_takes_no_lead() {
    let pair = Pair::new();
    let inbox = Arc::new(Inbox::new(LIMIT, 1000));
    let turn = pair.client.begin_sending_now(&inbox).unwrap();
    let _nobody_follows = inbox.offer_lead();
    assert!(matches!(pair.client.begin_sending(&inbox, Some(now())), Err(DeadlinePassed)));
    let woken =
        inbox.wait_or_lead(Awaited::Incoming, soon(), &Parking::default(), Space::default());
    assert!(woken.is_to_lead && !woken.is_there);
    drop(turn);
    pair.end();
}

/// A thread that is given the lead when it has what it waits for does not wait for the wire.
#[test]
fn who_has_what_it_waits_for_is_not_patient() {
    let pair = Pair::new();
    let inbox = Arc::new(Inbox::new(LIMIT, 1000));
    let _nobody_waits = inbox.push_data(&[], true);
    let caller = Caller { inbox: &inbox, what: Awaited::Incoming, is_patient: true };
    let waiting = pair.client.begin_pump(None, Some(caller)).unwrap();
    assert!(!waiting.is_patient && waiting.interest == Interest::NONE);
    pair.end();
}

/// A thread that waits for the end of a stream and follows the leader is told when this side ends it.
#[test]
fn who_follows_is_told_of_the_end() {
    let (inbox, parking) = (Arc::new(Inbox::new(LIMIT, 1000)), Arc::new(Parking::default()));
    let (waiting, place) = (Arc::clone(&inbox), Arc::clone(&parking));
    let follower = thread::spawn(move || {
        waiting.wait_or_lead(Awaited::Ended, soon(), &place, Space::default())
    });
    eventually(|| lock(&inbox.state).following == 1);
    let ended = inbox.set_sent_end().unwrap();
    parking.wake(ended.awaited.called);
    ended.tell();
    assert!(follower.join().unwrap().is_there);
}

/// The thread of a connection that drives it leaves that to a caller that makes calls, who comes to wait
/// for them, unless somebody is to be told who does not wait.
#[test]
fn the_watcher_leaves_the_lead_to_who_makes_calls() {
    let lead = Lead::new(true);
    assert!(lead.watch(), "at first there is nobody else");
    assert!(lead.keeps_watching(true, false), "the streams are old");
    assert!(!lead.keeps_watching(true, true));
    let caller = Arc::new(Inbox::new(LIMIT, 1000));
    let Role::Leads(buffer) = lead.enter(&caller, |_| ()) else { panic!("the lead is free") };
    let _no_monitor = lead.pass_on(buffer, false, || None, |_| ());

    lead.attend();
    assert!(lead.watch(), "somebody asks for it");
    assert!(lead.keeps_watching(true, true), "and waits elsewhere");
}
