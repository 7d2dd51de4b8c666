//! The lock-free words, each with the threads that meet at it.

use std::time::Duration;

use loom::thread::{self, JoinHandle};

use crate::cork::Cork;
use crate::doze::Doze;
use crate::inbox::{Inbox, Waker};
use crate::parking::{Parking, Space, Spaces};
use crate::seat::{Busy, Seat, Turn};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, fence};
use crate::tray::Tray;
use crate::{check, join, lock};

/// A reactor: its seat, who drives it, and what its driver has written before a handler began.
#[derive(Default)]
struct Driven {
    seat: Seat,
    is_driven: AtomicBool,
    /// Its driver is known.
    is_known: AtomicBool,
    number: AtomicUsize,
    doze: Doze,
}

impl Driven {
    /// What a driver does with `handlers` handlers; says whether it still has its seat.
    fn drive(&self, mut turn: Turn, handlers: usize) -> bool {
        self.is_known.store(true, Ordering::Relaxed);
        for number in 1..=handlers {
            assert!(!self.is_driven.swap(true, Ordering::Relaxed), "two threads drive");
            self.number.store(number, Ordering::Relaxed);
            self.is_driven.store(false, Ordering::Relaxed);
            self.seat.enter(&mut turn);
            self.doze.wake();
            if !self.seat.leave(&mut turn) {
                return false;
            }
        }
        true
    }
}

/// A seat has one driver: whoever loses it while a handler runs touches nothing any more, and what it
/// has written before is seen by the next one.
pub fn a_seat_has_one_driver() {
    check(|| {
        let driven = Arc::new(Driven::default());
        let turn = driven.seat.first_turn();
        let driver = {
            let driven = driven.clone();
            thread::spawn(move || driven.drive(turn, 2))
        };
        let taken = driven.seat.busy().and_then(|busy| {
            // The monitor looks at what the thread does before it takes its seat.
            assert!(driven.is_known.load(Ordering::Relaxed), "who drives");
            let number = driven.number.load(Ordering::Relaxed);
            driven.seat.take(busy).inspect(|_| {
                assert_eq!(driven.number.load(Ordering::Relaxed), number, "another handler's seat");
            })
        });
        let is_taken = taken.is_some();
        if let Some(turn) = taken {
            assert_ne!(driven.number.load(Ordering::Relaxed), 0, "what the driver has written");
            assert!(driven.drive(turn, 1));
        }
        let is_left = driver.join().expect("the model ends with a panic");
        assert_ne!(is_left, is_taken, "one of the two has the seat");
    });
}

/// A monitor that falls asleep while a handler begins is woken, or has seen it.
pub fn a_monitor_sees_the_handler_that_begins() {
    check(|| {
        let driven = Arc::new(Driven::default());
        let mut turn = driven.seat.first_turn();
        let driver = {
            let driven = driven.clone();
            thread::spawn(move || {
                driven.seat.enter(&mut turn);
                driven.doze.wake();
            })
        };
        driven.doze.sleep(|| driven.seat.busy().is_some());
        assert!(driven.seat.busy().is_some());
        join([driver]);
    });
}

/// Whoever puts something down for a thread that is about to wait at its only link is seen by it, or calls
/// the monitor, which may be about to sleep, and the monitor then takes the seat.
pub fn who_waits_at_one_link_is_called() {
    check(|| {
        let (driven, tray) = (Arc::new(Driven::default()), Arc::new(Tray::default()));
        let mut turn = driven.seat.first_turn();
        let caller = {
            let (driven, tray) = (driven.clone(), tray.clone());
            thread::spawn(move || {
                tray.put([1]);
                fence(Ordering::SeqCst);
                if driven.seat.busy().is_some_and(Busy::is_waiting) {
                    driven.doze.call();
                }
            })
        };
        driven.seat.enter_wait(&mut turn);
        driven.doze.wake();
        if !tray.is_filled() {
            // It would wait here. The monitor sleeps until it is called.
            driven.doze.sleep(|| false);
            driven.doze.nap(Duration::ZERO);
            assert!(tray.is_filled());
            let busy = driven.seat.busy().expect("its thread has not left");
            assert!(busy.is_waiting() && driven.seat.take(busy).is_some());
            assert!(!driven.seat.leave(&mut turn));
        }
        join([caller]);
    });
}

/// Whoever is called behind what two threads have put down finds it, whether or not it looks in between.
pub fn who_is_called_finds_what_was_put_down() {
    check(|| {
        let (tray, called) = (Arc::new(Tray::default()), Arc::new(AtomicUsize::new(0)));
        let putters = [1, 2].map(|thing| {
            let (tray, called) = (tray.clone(), called.clone());
            thread::spawn(move || {
                tray.put([thing]);
                called.fetch_add(1, Ordering::Release);
            })
        });
        let mut found = tray.take();
        let seen = called.load(Ordering::Acquire);
        found.extend(tray.take());
        assert!(found.len() >= seen, "{found:?} after {seen} calls");
        join(putters);
        found.extend(tray.take());
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
    });
}

/// What comes from two threads at once is told to whoever waits for both, as a follower or not.
pub fn what_comes_at_once_is_told() {
    check(|| {
        let (waits, _) = come_at_once();
        waits.0.wait(2);
        join(waits.1);
    });
    check(|| {
        let (waits, parking) = come_at_once();
        let space = { Spaces::NONE }.take(0);
        assert!(waits.0.wait_or_lead(2, None, &parking, space).is_there);
        join(waits.1);
    });
}

/// It is told, too, to who does not wait: the waker that was left last is woken, whether or not one was
/// left before.
pub fn what_comes_at_once_wakes_the_last_waker() {
    check(|| {
        let ((inbox, putters), _) = come_at_once();
        let look = || {
            let waker = Arc::new(Waker::default());
            (inbox.watch(2, &waker), waker)
        };
        look();
        // An executor may ask again at any time.
        let (mut is_there, mut waker) = look();
        while !is_there {
            waker.wait();
            (is_there, waker) = look();
        }
        join(putters);
    });
}

/// An inbox and two threads that put something into it.
type Comers = (Arc<Inbox>, [JoinHandle<()>; 2]);

/// Those, and where the inbox's followers sleep.
fn come_at_once() -> (Comers, Arc<Parking>) {
    let (inbox, parking) = (Arc::new(Inbox::default()), Arc::new(Parking::default()));
    let putters = [(); 2].map(|()| {
        let (inbox, parking) = (inbox.clone(), parking.clone());
        thread::spawn(move || inbox.put(&parking))
    });
    ((inbox, putters), parking)
}

/// Threads that sleep at one word, each at its own bit, are all woken, at once or one by one, and so are
/// two that share a bit.
pub fn who_sleeps_at_one_word_is_woken() {
    check(|| {
        let (inboxes, parking) = ([(); 2].map(|()| Arc::new(Inbox::default())), Arc::default());
        let parking: Arc<Parking> = parking;
        let mut taken = Spaces::NONE;
        let sleepers = [0, 1].map(|number| {
            let (inbox, parking) = (inboxes[number].clone(), parking.clone());
            let space = taken.take(number);
            thread::spawn(move || assert!(inbox.wait_or_lead(1, None, &parking, space).is_there))
        });
        inboxes.iter().for_each(|inbox| inbox.put(&parking));
        join(sleepers);
    });
    check(|| {
        let (inbox, parking): (Arc<Inbox>, Arc<Parking>) = Default::default();
        let space = Space::default();
        let sleeper = {
            let (inbox, parking) = (inbox.clone(), parking.clone());
            thread::spawn(move || assert!(inbox.wait_or_lead(1, None, &parking, space).is_there))
        };
        let putter = {
            let (inbox, parking) = (inbox.clone(), parking.clone());
            thread::spawn(move || inbox.put(&parking))
        };
        assert!(inbox.wait_or_lead(1, None, &parking, space).is_there);
        join([sleeper, putter]);
    });
}

/// A connection with a cork, and how much of it is unwritten.
#[derive(Default)]
struct Corked {
    cork: Cork,
    unwritten: Mutex<usize>,
}

impl Corked {
    /// What who sends does, as `Link::submit` has it.
    fn write(&self, more: usize) {
        let mut unwritten = lock(&self.unwritten);
        *unwritten += more;
        if !self.cork.is_in() {
            *unwritten = 0;
        }
    }

    /// What one does whose calls are held.
    fn hold(&self) {
        let mut unwritten = lock(&self.unwritten);
        *unwritten += 1;
        self.cork.put_in();
    }

    fn uncork(&self) {
        if self.cork.take_off() {
            self.write(0);
        }
    }

    fn assert_written(&self) {
        let unwritten = lock(&self.unwritten);
        assert!(*unwritten == 0 || self.cork.is_in(), "left unwritten without a cork");
    }
}

/// What is left unwritten because of a cork is written when that is taken off.
pub fn a_cork_leaves_nothing_unwritten() {
    check(|| {
        let link = Arc::new(Corked::default());
        link.hold();
        let writers = [(); 2].map(|()| {
            let link = link.clone();
            thread::spawn(move || link.write(1))
        });
        link.uncork();
        join(writers);
        assert!(!link.cork.is_in());
        link.assert_written();
    });
}

/// The same when it is put in again meanwhile. Only one thread takes it off at a time: loom lets stores
/// come between what an exchange reads and what it writes, so that one of two would undo `put_in`.
pub fn a_cork_is_put_in_while_it_is_taken_off() {
    check(|| {
        let link = Arc::new(Corked::default());
        link.hold();
        let (holding, writing) = (link.clone(), link.clone());
        let threads =
            [thread::spawn(move || holding.hold()), thread::spawn(move || writing.write(1))];
        link.uncork();
        join(threads);
        link.assert_written();
        link.uncork();
        assert!(!link.cork.is_in());
        link.assert_written();
    });
}
