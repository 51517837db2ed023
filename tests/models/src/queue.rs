//! Two who put into a queue with one place, two who take, and one who begins to wait and leaves. Whatever the order:
//! everything that was put is taken, once, and nobody waits for ever.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::{Arc, Condvar, Mutex};
            use shuttle::thread;
            use subject::{Attempt, Queue};

            crate::subject!(subject, $file);

            /// By what one who waits is called.
            #[derive(Debug, Default)]
            struct Bell {
                has_rung: Mutex<bool>,
                rings: Condvar,
            }

            impl Bell {
                fn ring(&self) {
                    *self.has_rung.lock().expect("no panic") = true;
                    self.rings.notify_all();
                }

                /// Without a ring every thread sleeps, and the scheduler says so.
                fn wait(&self) {
                    let has_rung = self.has_rung.lock().expect("no panic");
                    let mut has_rung = self.rings.wait_while(has_rung, |rung| !*rung).expect("no panic");
                    *has_rung = false;
                }
            }

            type Shared = Arc<Mutex<Queue<usize, Arc<Bell>>>>;

            fn call(bell: Option<Arc<Bell>>) {
                bell.into_iter().for_each(|bell| bell.ring());
            }

            fn put(queue: &Shared, item: usize) {
                let bell = Arc::new(Bell::default());
                let attempt = queue.lock().expect("no panic").put(item, Some(bell.clone()));
                match attempt {
                    Attempt::Done((), called) => call(called),
                    Attempt::Waits(number) => {
                        while !queue.lock().expect("no panic").is_placed(number, bell.clone()) {
                            bell.wait();
                        }
                    }
                    Attempt::Refused => panic!("nobody is refused here"),
                }
            }

            fn take(queue: &Shared) -> usize {
                let bell = Arc::new(Bell::default());
                let attempt = queue.lock().expect("no panic").take(Some(bell.clone()));
                match attempt {
                    Attempt::Done(item, called) => {
                        call(called);
                        item
                    }
                    Attempt::Waits(number) => loop {
                        if let Some(item) = queue.lock().expect("no panic").pick_up(number, bell.clone()) {
                            return item;
                        }
                        bell.wait();
                    },
                    Attempt::Refused => panic!("nobody is refused here"),
                }
            }

            fn leave(queue: &Shared) {
                let attempt = queue.lock().expect("no panic").take(Some(Arc::new(Bell::default())));
                match attempt {
                    Attempt::Done(item, called) => {
                        call(called);
                        put(queue, item);
                    }
                    Attempt::Waits(number) => {
                        thread::yield_now();
                        let called = queue.lock().expect("no panic").leave(number);
                        call(called);
                    }
                    Attempt::Refused => panic!("nobody is refused here"),
                }
            }

            pub(crate) fn everything_is_taken_once() {
                let queue: Shared = Arc::new(Mutex::new(Queue::new(1, 10)));
                let putters = (0..3).map(|item| {
                    let queue = queue.clone();
                    thread::spawn(move || put(&queue, item))
                });
                let putters: Vec<_> = putters.collect();
                let leaver = {
                    let queue = queue.clone();
                    thread::spawn(move || leave(&queue))
                };
                let takers = (0..2).map(|_| {
                    let queue = queue.clone();
                    thread::spawn(move || take(&queue))
                });
                let takers: Vec<_> = takers.collect();
                let mut taken = vec![take(&queue)];
                taken.extend(takers.into_iter().map(|taker| taker.join().expect("no panic")));
                putters.into_iter().for_each(|putter| putter.join().expect("no panic"));
                leaver.join().expect("no panic");
                taken.sort_unstable();
                assert_eq!(taken, [0, 1, 2]);
                let queue = queue.lock().expect("no panic");
                assert_eq!((queue.items(), queue.handed(), queue.takers(), queue.putters()), (0, 0, 0, 0));
            }
        }
    };
}

model!(right, "queue");
model!(does_not_call_who_is_served, "queue_does_not_call_who_is_served");
model!(takes_without_removing, "queue_takes_without_removing");
model!(keeps_what_was_handed_to_who_left, "queue_keeps_what_was_handed_to_who_left");
model!(gives_a_free_place_to_nobody, "queue_gives_a_free_place_to_nobody");
model!(does_not_call_who_has_got_a_place, "queue_does_not_call_who_has_got_a_place");

#[test]
fn everything_is_taken_once_in_all_orders_tried() {
    crate::in_many_orders(right::everything_is_taken_once);
}

#[test]
fn a_lost_wakeup_is_found() {
    crate::finds_the_mistake(does_not_call_who_is_served::everything_is_taken_once);
    crate::finds_the_mistake(does_not_call_who_has_got_a_place::everything_is_taken_once);
}

#[test]
fn a_double_hand_over_is_found() {
    crate::finds_the_mistake(takes_without_removing::everything_is_taken_once);
}

#[test]
fn a_forgotten_waiter_is_found() {
    crate::finds_the_mistake(keeps_what_was_handed_to_who_left::everything_is_taken_once);
    crate::finds_the_mistake(gives_a_free_place_to_nobody::everything_is_taken_once);
}
