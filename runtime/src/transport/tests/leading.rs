//! Who drives a client's connection, where several threads wait at one stream.

use std::thread;

use super::*;
use crate::transport::inbox::Inbox;
use crate::transport::lead::{Calls, Lead, Role};
use crate::transport::parking::{Parking, Space};
use crate::transport::verbs::Caller;
use crate::transport::waiting::{Awaited, DeadlinePassed};
use crate::transport::yielding::Yielding;
use crate::transport::{Link, OpenError, lock};

/// A thread that waits for its turn to send never drives the connection, so it leaves an offer of the
/// lead to one that waits at the same stream and does.
#[test]
fn who_waits_to_send_takes_no_lead() {
    let pair = Pair::new();
    let inbox = Arc::new(Inbox::new(LIMIT, 1000));
    let turn = pair.client.begin_sending_now(&inbox).unwrap();
    let _nobody_follows = inbox.offer_lead();
    assert!(matches!(pair.client.begin_sending(&inbox, Some(now())), Err(DeadlinePassed)));
    let woken = inbox.wait_or_lead(
        Awaited::Incoming,
        soon(),
        &Parking::default(),
        Space::default(),
        &Yielding::default(),
    );
    assert!(woken.is_to_lead && !woken.is_there);
    drop(turn);
    pair.end();
}

/// A thread that is given the lead when it has what it waits for does not wait for the wire.
#[test]
fn who_has_what_it_waits_for_is_not_patient() {
    let pair = Pair::new();
    let inbox = Arc::new(Inbox::new(LIMIT, 1000));
    let _nobody_waits = inbox.put(|received| _ = received.push_data(&[], true));
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
        let yielding = Yielding::default();
        waiting.wait_or_lead(Awaited::Ended, soon(), &place, Space::default(), &yielding)
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
    let calls = |are_open, are_new| move || Calls { are_open, are_new };
    assert!(lead.keeps_watching(calls(true, false)), "the streams are old");
    assert!(!lead.keeps_watching(calls(true, true)));
    let caller = Arc::new(Inbox::new(LIMIT, 1000));
    let Role::Leads(buffer) = lead.enter(&caller, |_| ()) else { panic!("the lead is free") };
    let _no_monitor = lead.pass_on(buffer, false, || None, |_| ());

    lead.attend();
    assert!(lead.watch(), "somebody asks for it");
    assert!(lead.keeps_watching(calls(true, true)), "and waits elsewhere");
    assert!(!lead.keeps_watching(calls(false, true)), "it is over for whom it was");

    assert!(lead.watch(), "nobody has led for a while");
    lead.attend_unless_led();
    assert!(lead.keeps_watching(calls(true, true)), "something is left to be done");
}

/// Whoever drives a connection is told once why the peer's SETTINGS do not come: they are late, or it is
/// lost. Then it ends.
#[test]
fn who_drives_is_told_why_nothing_came() {
    for is_lost in [false, true] {
        let (wire, peer) = pair();
        let link = Link::of_client(Box::new(wire), Config::default(), &Account::default(), |_| ());
        let peer = (!is_lost).then_some(peer);
        let until = if is_lost { soon() } else { Some(now()) };
        let mut told = Vec::new();
        link.drive(until, |ready| {
            told.push(ready);
            link.close();
        });
        match (is_lost, &told[..]) {
            (false, [Err(OpenError::Deadline)]) | (true, [Err(OpenError::Unavailable(_))]) => {}
            told => panic!("{told:?}"),
        }
        assert!(link.wait_closed(soon()));
        drop(peer);
    }
}
