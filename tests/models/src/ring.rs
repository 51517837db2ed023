//! A thread writes events into a ring of two while another one reads. Whatever the order: what is read is whole, and
//! what is not was overtaken and is counted.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::Arc;
            use shuttle::sync::atomic::AtomicU64;
            use shuttle::thread;
            use subject::{EVENT_WORDS, EventRing};

            crate::subject!(subject, $file);

            const CAPACITY: usize = 2;
            const EVENTS: u64 = 4;

            pub(crate) fn events_are_whole_or_counted() {
                let memory = Arc::new([0; 1 + CAPACITY * EVENT_WORDS].map(AtomicU64::new));
                let write = {
                    let memory = memory.clone();
                    thread::spawn(move || {
                        let ring = EventRing { written: &memory[0], places: &memory[1..] };
                        (0..EVENTS).for_each(|number| ring.write([number, !number]));
                    })
                };
                let ring = EventRing { written: &memory[0], places: &memory[1..] };
                let (mut next, mut events) = (0, Vec::new());
                for _ in 0..2 {
                    events.clear();
                    let look = ring.read(next, &mut events);
                    let mut number = next + look.overtaken;
                    for event in &events {
                        assert_eq!(*event, [number, !number]);
                        number += 1;
                    }
                    assert_eq!(number, look.next);
                    next = look.next;
                }
                write.join().expect("no panic");
            }
        }
    };
}

model!(right, "ring");
model!(does_not_look_again, "ring_does_not_look_again");
model!(counts_before_it_writes, "ring_counts_before_it_writes");
model!(takes_what_is_being_written, "ring_takes_what_is_being_written");

#[test]
fn events_are_whole_or_counted_in_any_order() {
    crate::in_many_orders(right::events_are_whole_or_counted);
}

#[test]
fn it_is_found_when_the_reader_does_not_look_again() {
    crate::finds_the_mistake(does_not_look_again::events_are_whole_or_counted);
}

#[test]
fn it_is_found_when_an_event_counts_before_it_is_written() {
    crate::finds_the_mistake(counts_before_it_writes::events_are_whole_or_counted);
}

#[test]
fn it_is_found_when_the_place_under_the_writers_hand_is_taken() {
    crate::finds_the_mistake(takes_what_is_being_written::events_are_whole_or_counted);
}
