use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use super::entry::{RequestLine, RequestOrder, RequestStage};
use super::register::{OrderError, Register, Seat};
use crate::limits::{CONTROL_LOOKS, CONTROL_PLACES, CONTROL_TEXT_BYTES};

fn enter(register: &'static Register, path: &str) -> Option<Seat> {
    let line = RequestLine { method: "GET", path, query: None };
    register.enter(RequestStage::Running, line, None)
}

#[test]
fn a_request_is_listed_while_it_has_its_seat_and_the_oldest_stands_first() {
    let register = Register::open().unwrap();
    let (first, second) = (enter(register, "/a").unwrap(), enter(register, "/b").unwrap());
    let texts = || register.list().into_iter().map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(texts(), ["GET /a", "GET /b"]);
    first.come_to(RequestStage::Waiting);
    let listed = register.list();
    assert_eq!((listed[0].stage, listed[1].stage), (RequestStage::Waiting, RequestStage::Running));
    assert!(listed.iter().all(|one| one.process == std::process::id() && one.client.is_none()));
    drop(first);
    assert_eq!(texts(), ["GET /b"]);
    drop(second);
    assert!(texts().is_empty());
    assert_eq!(register.order(1, RequestOrder::Cancel), Err(OrderError::NotUnderWay));
}

#[test]
fn what_is_cancelled_stays_so_and_what_has_not_come_whole_is_not_held() {
    let register = Register::open().unwrap();
    let seat = enter(register, "/a").unwrap();
    let orders = [RequestOrder::Hold, RequestOrder::Go, RequestOrder::Cancel, RequestOrder::Go];
    let stand = orders.map(|order| register.order(1, order).unwrap());
    assert_eq!(stand, [RequestOrder::Hold, RequestOrder::Go, RequestOrder::Cancel, RequestOrder::Cancel]);
    assert_eq!(seat.order(), RequestOrder::Cancel);
    let line = RequestLine { method: "POST", path: "/echo", query: Some("a=b") };
    let arriving = register.enter(RequestStage::Receiving, line, None).unwrap();
    assert_eq!(register.order(2, RequestOrder::Hold), Err(OrderError::Receiving));
    assert_eq!(register.order(2, RequestOrder::Cancel), Ok(RequestOrder::Cancel));
    assert_eq!(
        (arriving.order(), register.list()[1].text.as_str()),
        (RequestOrder::Cancel, "POST /echo?a=b")
    );
}

#[test]
fn a_long_target_is_cut_also_within_a_letter() {
    let register = Register::open().unwrap();
    let _seat = enter(register, &format!("/{}", "ü".repeat(CONTROL_TEXT_BYTES))).unwrap();
    let text = &register.list()[0].text;
    assert!(text.starts_with("GET /üü") && text.len() <= CONTROL_TEXT_BYTES + 2, "{text}");
}

#[test]
fn whoever_finds_no_place_is_counted_and_places_are_used_again() {
    let register = Register::open().unwrap();
    let mut seats: Vec<_> = (0..CONTROL_PLACES).map(|_| enter(register, "/").unwrap()).collect();
    assert!(enter(register, "/").is_none());
    assert_eq!(register.unlisted(), 1);
    // Within so many looks of the next place.
    drop(seats.drain(..CONTROL_LOOKS));
    assert!(enter(register, "/").is_some());
    assert_eq!(register.list().len(), CONTROL_PLACES - CONTROL_LOOKS);
}

/// Places change hands all the time, and an order reaches the request that it names or none.
#[test]
fn an_order_never_reaches_another_request() {
    let register = Register::open().unwrap();
    // Even numbers are cancelled, as many as can be caught; an odd one never is.
    let (is_over, cancelled) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let seat = enter(register, "/").unwrap();
                        thread::yield_now();
                        if seat.order() == RequestOrder::Cancel {
                            assert_eq!(seat.number() % 2, 0, "{} was never cancelled", seat.number());
                            cancelled.fetch_add(1, SeqCst);
                        }
                    }
                })
            })
            .collect();
        let orders = scope.spawn(|| {
            let mut given = 0;
            while !is_over.load(SeqCst) {
                for one in register.list().iter().filter(|one| one.number % 2 == 0) {
                    given += u64::from(register.order(one.number, RequestOrder::Cancel).is_ok());
                }
            }
            given
        });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        is_over.store(true, SeqCst);
        let given = orders.join().unwrap();
        assert!(cancelled.load(SeqCst) <= given, "{} of {given}", cancelled.load(SeqCst));
    });
    assert!(register.list().is_empty());
}
