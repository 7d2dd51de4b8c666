//! What is received, in what order it is taken, and what that credits.

use super::*;
use crate::grpc::envelope::prefix;

const WINDOW: u32 = 64 << 10;

fn nothing() -> Received {
    Received::new(1 << 20, WINDOW)
}

fn framed(len: usize) -> Vec<u8> {
    let mut bytes = prefix(len).to_vec();
    bytes.resize(5 + len, 1);
    bytes
}

/// What is taken and what that credits.
fn take(received: &mut Received) -> (Option<Incoming>, usize) {
    match received.take() {
        Found::Incoming(incoming, credit) => (Some(incoming), credit),
        Found::Credit(credit) => (None, credit),
        Found::Nothing => (None, 0),
    }
}

/// A whole message is credited when the application takes it, not when it comes.
#[test]
fn a_message_is_credited_when_it_is_taken() {
    let mut received = nothing();
    assert_eq!(received.push_data(&framed(CREDIT_MIN), false), 0);
    let (message, credit) = take(&mut received);
    assert!(matches!(message, Some(Incoming::Message(..))));
    assert_eq!(credit, CREDIT_MIN + 5);
}

/// Looks for a whole reply, and drops it if there is one.
fn look(received: &mut Received) -> Reply {
    received.take_reply(&mut Whole::default())
}

/// A response of a head, a message and trailers is taken in one go once all of it is there, and any
/// other one by one.
#[test]
fn a_whole_reply_is_taken_at_once() {
    let head = || [(":status", "200"), ("content-type", "application/grpc")].into_iter().collect();
    let mut received = nothing();
    let _nothing = received.expect();
    assert_eq!(look(&mut received), Reply::Nothing);
    received.push_head(head(), false, false);
    assert_eq!(look(&mut received), Reply::Other);
    assert_eq!(received.push_data(&framed(CREDIT_MIN), false), 0);
    assert_eq!(look(&mut received), Reply::Other, "the end is missing");
    received.push_trailers(Headers::new(), false);
    let mut whole = Whole::default();
    let taken = received.take_reply(&mut whole);
    assert_eq!((whole.head, whole.trailers), (head(), Headers::new()));
    assert_eq!((whole.payload.len(), whole.is_compressed), (CREDIT_MIN, false));
    assert_eq!(taken, Reply::Whole(CREDIT_MIN + 5));
    assert_eq!(look(&mut received), Reply::Other);
    assert_eq!(take(&mut received).0, Some(Incoming::End));

    let others: [&dyn Fn(&mut Received); 4] = [
        &|received| received.push_trailers(Headers::new(), true),
        &|received| received.fail(Incoming::Lost("gone".into())),
        &|received| {
            let _nothing = received.push_data(&framed(1), false);
            received.push_trailers(Headers::new(), false);
        },
        &|received| {
            let _nothing = received.push_data(&framed(1)[..3], false);
            received.push_trailers(Headers::new(), false);
        },
    ];
    let mut cut = nothing();
    cut.push_head(head(), false, true);
    let _nothing = cut.push_data(&framed(1), false);
    cut.push_trailers(Headers::new(), false);
    assert_eq!(look(&mut cut), Reply::Other);
    for ends in others {
        let mut received = nothing();
        received.push_head(head(), false, false);
        let _nothing = received.push_data(&framed(1), false);
        ends(&mut received);
        assert_eq!(look(&mut received), Reply::Other);
        assert!(matches!(take(&mut received).0, Some(Incoming::Head { .. })), "is left there");
    }
}

/// The message of a request is taken together with its end, if there is no other one.
#[test]
fn the_only_message_is_taken_with_the_end() {
    for (messages, end, is_only) in
        [(1, true, true), (1, false, false), (0, true, false), (2, true, false)]
    {
        let mut received = nothing();
        let _nothing = received.push_data(&framed(1).repeat(messages), end);
        assert_eq!(received.take_only().is_some(), is_only, "{messages} {end}");
    }
    let mut received = nothing();
    let _nothing = received.push_data(&[framed(1), vec![0, 0]].concat(), true);
    assert!(received.take_only().is_none(), "what follows is cut short");
}

/// Small amounts are kept until they are worth a frame.
#[test]
fn small_credit_is_kept_together() {
    let mut received = nothing();
    let mut credit = 0;
    for taken in 1..=CREDIT_MIN / 100 + 1 {
        assert_eq!(received.push_data(&framed(95), false), 0);
        credit += take(&mut received).1;
        assert_eq!(credit > 0, taken * 100 >= CREDIT_MIN, "after {taken}");
    }
}

/// An incomplete message is credited as it arrives while somebody waits for it, and not
/// before: then the window bounds it.
#[test]
fn an_incomplete_message_is_credited_while_it_is_wanted() {
    let mut received = nothing();
    let bytes = framed(100_000);
    assert_eq!(received.push_data(&bytes[..20_000], false), 0);
    assert_eq!(take(&mut received), (None, 20_000));
    assert_eq!(received.push_data(&bytes[20_000..60_000], false), 40_000);
    assert_eq!(received.push_data(&bytes[60_000..], false), 0);
    let (message, credit) = take(&mut received);
    assert_eq!(message, Some(Incoming::Message(vec![1; 100_000], false)));
    assert_eq!(credit, 40_005);
    assert_eq!(received.push_data(&bytes[..20_000], false), 0, "nobody waits for the next");
}

/// The first message that a caller expects is credited as it arrives, before anybody has looked
/// for it or for the head before it; the next one is not.
#[test]
fn the_first_message_is_credited_for_a_caller() {
    let mut received = nothing();
    assert_eq!(received.expect(), 0);
    let head = [(":status", "200"), ("content-type", "application/grpc")];
    received.push_head(head.into_iter().collect(), false, false);
    let bytes = framed(100_000);
    assert_eq!(received.push_data(&bytes[..60_000], false), 60_000);
    assert_eq!(received.push_data(&bytes[60_000..], false), 0);
    assert_eq!(received.push_data(&bytes[..20_000], false), 0, "the next");
}

/// Many small messages wait as bytes, so that each costs what it cost on the wire; all come out
/// in order, the end behind them.
#[test]
fn small_messages_are_not_all_unpacked() {
    let mut received = nothing();
    for number in 0..10_000u32 {
        let mut bytes = prefix(4).to_vec();
        bytes.extend(number.to_be_bytes());
        // Cut where no message ends.
        let (one, two) = bytes.split_at(number as usize % 9);
        assert_eq!(received.push_data(one, false) + received.push_data(two, false), 0);
    }
    assert_eq!(received.queue.iter().count(), 1);
    received.push_trailers(Headers::new(), false);
    let mut credit = 0;
    for number in 0..10_000u32 {
        let (message, taken) = take(&mut received);
        assert_eq!(message, Some(Incoming::Message(number.to_be_bytes().to_vec(), false)));
        credit += taken;
    }
    assert!(credit > 90_000 - CREDIT_MIN);
    assert_eq!(take(&mut received).0, Some(Incoming::Trailers(Headers::new())));
    assert_eq!(take(&mut received).0, Some(Incoming::End));
    assert_eq!(received.raw.capacity(), 0);
}

/// All small messages that wait are taken together, in order, and credited as they are looked at;
/// the one that is incomplete goes on behind them.
#[test]
fn small_messages_are_taken_together() {
    let mut received = nothing();
    let mut bytes = Vec::new();
    for number in 0..1000u32 {
        bytes.extend(prefix(4));
        bytes.extend(number.to_be_bytes());
    }
    let (one, two) = bytes.split_at(bytes.len() - 5);
    assert_eq!(received.push_data(one, false), 0);
    let mut run = Run::default();
    let take_run = |received: &mut Received, run: &mut Run| match received.take_run(run) {
        Found::Incoming(incoming, credit) => (Some(incoming), credit),
        Found::Credit(credit) => (None, credit),
        Found::Nothing => (None, 0),
    };
    let first = Incoming::Message(vec![0; 4], false);
    assert_eq!(take_run(&mut received, &mut run), (Some(first), 0));
    assert!(!received.is_empty());
    assert_eq!(take_run(&mut received, &mut run), (Some(Incoming::Run), 0));
    assert!(received.is_empty() && !run.is_empty());
    run.clear();
    assert_eq!(take_run(&mut received, &mut run), (None, 0));
    let _credit = received.push_data(two, true);
    let last = Incoming::Message(999u32.to_be_bytes().to_vec(), false);
    assert_eq!(take_run(&mut received, &mut run).0, Some(last));
    assert_eq!(take_run(&mut received, &mut run).0, Some(Incoming::End));
}

/// Of messages that are taken together an invalid one, or one over the limit, comes behind those
/// before it.
#[test]
fn an_invalid_message_comes_behind_a_run() {
    let too_large = prefix((1 << 20) + 1);
    for invalid in [[9, 0, 0, 0, 0], too_large] {
        let mut received = nothing();
        let bytes = [framed(1), framed(2), invalid.to_vec(), framed(3)].concat();
        let _nothing = received.push_data(&bytes, true);
        let mut run = Run::default();
        assert!(matches!(take(&mut received).0, Some(Incoming::Message(..))));
        let found = received.take_run(&mut run);
        assert!(matches!(found, Found::Incoming(Incoming::Run, _)));
        run.clear();
        let found = received.take_run(&mut run);
        assert!(matches!(found, Found::Incoming(Incoming::Invalid(_), _)));
    }
}

/// Large messages are unpacked as they come, so that they are copied once.
#[test]
fn large_messages_are_unpacked_at_once() {
    let mut received = nothing();
    let _nothing = received.push_data(&framed(5), false);
    for _ in 0..3 {
        let bytes = framed(UNPACKED_MESSAGE_MIN);
        let (one, two) = bytes.split_at(2000);
        let _nothing = received.push_data(one, false);
        let _nothing = received.push_data(two, false);
    }
    assert_eq!((received.queue.iter().count(), received.raw.len()), (4, 0));
    let _nothing = received.push_data(&framed(UNPACKED_MESSAGE_MIN - 1), false);
    assert_eq!(received.queue.iter().count(), 4);
}

/// What is invalid ends the stream behind the messages before it, wherever it waited.
#[test]
fn invalid_bytes_come_after_the_messages_before_them() {
    let mut received = nothing();
    let count = 100;
    for _ in 0..count {
        let _nothing = received.push_data(&framed(0), false);
    }
    let _nothing = received.push_data(&[9, 0, 0, 0, 0], false);
    let _nothing = received.push_data(&framed(0), true);
    for _ in 0..count {
        assert_eq!(take(&mut received).0, Some(Incoming::Message(Vec::new(), false)));
    }
    let invalid = Some(Incoming::Invalid(envelope::Error::InvalidFlag(9)));
    assert_eq!(take(&mut received).0, invalid);
    assert_eq!(take(&mut received).0, invalid);
}
